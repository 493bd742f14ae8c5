"""Unlucky and hostile clients: what they cost others, in seconds of waiting and in memory.

``python -m tests.unlucky`` plays them against a service and prints a line for each scenario.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests import unlucky_clients
from tests.bystanders import Bystanders, Memory
from tests.serving import SERVE
from tests.unlucky_kills import kills
from tests.unlucky_service import Seen, starter, warm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.unlucky_service import Server, Start

#: How long others may wait (a busy machine), and what all processes may use meanwhile and afterwards.
WAIT, MOST, AFTER = 2.0, 400.0, 200.0
#: How long others are watched after the unlucky clients have gone.
_TAIL = 3.0


@dataclass(frozen=True)
class Scenario:
    """Unlucky clients of a kind, for how many seconds in a short and in a long run."""

    play: Callable[[Server, float, Seen], None]
    short: float = 8.0
    long: float = 40.0
    #: Settings of the service in the short run; the long run has the defaults.
    settings: Mapping[str, str] = field(default_factory=dict)
    #: How long others pause between two requests.
    pause: float = 0.1
    #: Whether others are there and memory is bounded.
    others: bool = True


@dataclass
class Outcome:
    """The figures of a scenario."""

    name: str
    seen: Seen = field(default_factory=Seen)
    waits: dict[str, float] = field(default_factory=dict)
    #: How long the service took to heal, by what was killed.
    times: dict[str, float] = field(default_factory=dict)
    sent: int = 0
    reopened: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    before: float = 0.0
    most: float = 0.0
    after: float = 0.0

    def shortcomings(self) -> list[str]:
        """Give what is beyond the bars, one text each."""
        found = [f"{kind} waits {wait:.2f} s" for kind, wait in self.waits.items() if wait > WAIT]
        found += [f"{number} x {what}" for what, number in self.failures.items()]
        if self.most > MOST:
            found.append(f"{self.most:.0f} MB at most")
        if self.after > AFTER:
            found.append(f"{self.after:.0f} MB afterwards")
        return found + self.seen.faults

    def __str__(self) -> str:
        """Give all figures in a line."""
        parts = [" ".join(f"{kind} {wait:.2f}" for kind, wait in sorted((self.waits | self.times).items()))]
        if self.sent:
            failed = sum(self.failures.values())
            parts += [f"failed {failed} of {self.sent}", f"reopened {self.reopened}"]
            parts.append(f"MB {self.before:.0f} -> {self.most:.0f} -> {self.after:.0f}")
        parts.append(
            "met " + ", ".join(f"{number} x {what}" for what, number in self.seen.met.most_common(6))
        )
        parts.append("; ".join(self.shortcomings()) or "all within the bars")
        return f"{self.name}: {' | '.join(part for part in parts if part)}"


#: The scenarios, by name; ``kills`` starts a service for each process that it kills.
SCENARIOS = {
    "nobody": Scenario(lambda _server, seconds, _seen: time.sleep(seconds), 3, 10),
    "slow-heads": Scenario(unlucky_clients.slow_heads),
    "slow-bodies": Scenario(unlucky_clients.slow_bodies),
    "unread-answers": Scenario(unlucky_clients.unread_answers),
    "hang-ups": Scenario(unlucky_clients.hang_ups),
    "heads": Scenario(unlucky_clients.heads),
    "heavy": Scenario(unlucky_clients.heavy, 12, 50, {"HER2KG_QUERY_SECONDS": "4"}),
    "greedy-parsing": Scenario(unlucky_clients.greedy_parsing),
    "unread-downloads": Scenario(unlucky_clients.unread_downloads),
    "whole-graphs": Scenario(unlucky_clients.whole_graphs),
    "slow-readers": Scenario(unlucky_clients.slow_readers, 9.4, 94.5),
    "reloads": Scenario(unlucky_clients.reloads, 3, 10, pause=0.0),
    "exchanges": Scenario(unlucky_clients.exchanges, others=False),
}
KILLS = "kills"


def run(name: str, start: Start, *, long: bool = False) -> Outcome:
    """Play a scenario against a service of its own, and measure what it costs others."""
    if name == KILLS:
        outcome = Outcome(name)
        outcome.times = kills(start, outcome.seen)
        return outcome
    scenario = SCENARIOS[name]
    outcome = Outcome(name)
    seconds = scenario.long if long else scenario.short
    with start({} if long else scenario.settings) as server:
        warm(server)
        if not scenario.others:
            scenario.play(server, seconds, outcome.seen)
            return outcome
        with Memory(server.process) as memory:
            with Bystanders(server.port, scenario.pause) as others:
                scenario.play(server, seconds, outcome.seen)
                time.sleep(_TAIL)  # others ask on: does it go on when the unlucky have gone?
            memory.settle()
        outcome.before, outcome.most, outcome.after = memory.before, memory.most, memory.after
        if server.process.poll() is not None:
            outcome.seen.faults.append(f"the service has ended with {server.process.returncode}")
    outcome.waits, outcome.failures = others.waits, others.failures
    outcome.sent, outcome.reopened = sum(others.sent.values()), others.reopened
    return outcome


def main() -> int:
    """Play the named scenarios, or all; print a line each. Exit code 1 when one is beyond the bars."""
    names = [*SCENARIOS, KILLS]
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(prog="python -m tests.unlucky", description=main.__doc__)
    parser.add_argument("scenario", nargs="*", help=f"any of {', '.join(names)} (default: all)")
    parser.add_argument("--server-command", default=shlex.join(SERVE), help="what starts the service")
    parser.add_argument("--build", type=Path, default=root / "build", help="folder of the built graph")
    parser.add_argument("--long", action="store_true", help="longer runs, with the default settings")
    words = parser.parse_args()
    if unknown := set(words.scenario) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    start = starter(words.build, shlex.split(words.server_command))
    missed = 0
    for name in words.scenario or names:
        outcome = run(name, start, long=words.long)
        missed += bool(outcome.shortcomings())
        print(outcome, flush=True)  # noqa: T201 - the figures are what the script is for
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
