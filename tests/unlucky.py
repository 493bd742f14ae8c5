"""Unlucky and hostile clients: what they cost others, in seconds of waiting and in memory.

``python -m tests.unlucky`` plays them against a service and prints a line for each scenario.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import random
import select
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.bystanders import Bystanders, Link, Memory, family
from tests.exchanges import EXCHANGES
from tests.serving import SERVE, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    Start = Callable[[Mapping[str, str]], AbstractContextManager["Server"]]

#: How long others may wait (a busy machine), and what all processes may use meanwhile and afterwards.
WAIT, MOST, AFTER = 2.0, 400.0, 200.0
#: How long others are watched after the unlucky clients have gone.
_TAIL = 3.0
_HANG = select.POLLERR | select.POLLHUP | select.POLLRDHUP
_ALL = "SELECT * { ?s ?p ?o }"
_PRODUCT = "?a ?b ?c . ?d ?e ?f . ?g ?h ?i"
_ENDLESS = (
    f"SELECT (COUNT(*) AS ?n) {{ {_PRODUCT} }}",
    "SELECT (COUNT(*) AS ?n) { ?a (<urn:x>|!<urn:x>)* ?b . ?c (<urn:x>|!<urn:x>)* ?d }",
    "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?f ?a LIMIT 10",
    'SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f FILTER REGEX(CONCAT(STR(?c), STR(?f)), "(a+)+$") }',
)


@dataclass(frozen=True)
class Server:
    """A service that runs: its port, its process, and the link to the folder of its build."""

    port: int
    process: subprocess.Popen[str]
    build: Path


@dataclass
class Seen:
    """What the unlucky clients met, and what should not have happened to them."""

    met: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


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
        parts = [" ".join(f"{kind} {wait:.2f}" for kind, wait in sorted(self.waits.items()))]
        if self.sent:
            failed = sum(self.failures.values())
            parts += [f"failed {failed} of {self.sent}", f"reopened {self.reopened}"]
            parts.append(f"MB {self.before:.0f} -> {self.most:.0f} -> {self.after:.0f}")
        parts.append(
            "met " + ", ".join(f"{number} x {what}" for what, number in self.seen.met.most_common(6))
        )
        parts.append("; ".join(self.shortcomings()) or "all within the bars")
        return f"{self.name}: {' | '.join(part for part in parts if part)}"


def _target(query: str, number: int) -> str:
    """Give the address of a query that nobody asked before."""
    return f"/sparql?{urlencode({'query': f'{query} # {number} {time.monotonic_ns()}'})}"


def _request(method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    """Give the bytes of a request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
    if body:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _connect(port: int, *, timeout: float = 5.0, buffer: int = 0) -> socket.socket:
    """Connect, with a receive buffer of so many bytes; raises OSError."""
    link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        link.settimeout(timeout)
        if buffer:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        link.connect(("127.0.0.1", port))
    except OSError:
        link.close()
        raise
    return link


def _hold(
    server: Server,
    seconds: float,
    seen: Seen,
    count: int,
    first: Callable[[int], bytes],
    *,
    drip: bytes = b"",
    buffer: int = 0,
) -> None:
    """Keep so many connections: send the first bytes, then a byte a second or nothing, and never read.

    A connection that the service closes is opened again.
    """
    poll = select.poll()
    links: dict[int, socket.socket] = {}
    begun = time.monotonic()
    next_drip = begun + 1
    number = 0
    try:
        while (now := time.monotonic()) < begun + seconds:
            while len(links) < count and time.monotonic() < begun + seconds:
                try:
                    link = _connect(server.port, buffer=buffer)
                    link.sendall(first(number))
                except OSError as error:
                    seen.met[type(error).__name__] += 1
                    break
                number += 1
                seen.met["opened"] += 1
                links[link.fileno()] = link
                poll.register(link, _HANG)
            if drip and now > next_drip:
                next_drip = now + 1
                for link in links.values():
                    with suppress(OSError):
                        link.send(drip)
            for handle, _ in poll.poll(200):
                poll.unregister(handle)
                links.pop(handle).close()
                seen.met["closed by the service"] += 1
    finally:
        for link in links.values():
            link.close()


def _slow_heads(server: Server, seconds: float, seen: Seen) -> None:
    _hold(server, seconds, seen, 300, lambda _: b"GET /sparql HTTP/1.1\r\nHost: x\r\nX-Slow: ", drip=b"a")


def _slow_bodies(server: Server, seconds: float, seen: Seen) -> None:
    head = (
        b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
        b"Content-Length: 1000\r\n\r\n"
    )
    _hold(server, seconds, seen, 100, lambda _: head, drip=b"#")


def _unread_answers(server: Server, seconds: float, seen: Seen) -> None:
    accept = "Accept: application/sparql-results+json"
    _hold(server, seconds, seen, 100, lambda n: _request("GET", _target(_ALL, n), accept), buffer=4096)


def _unread_downloads(server: Server, seconds: float, seen: Seen) -> None:
    request = _request("GET", "/download/her2kg.nq")
    _hold(server, seconds, seen, 200, lambda _: request)


def _heads(server: Server, seconds: float, seen: Seen) -> None:
    _hold(server, seconds, seen, 20, lambda n: _request("HEAD", _target(_ALL, n)))


def _hang_up(link: socket.socket, *, reset: bool) -> None:
    """Close a connection, with FIN or with RST."""
    if reset:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()


def _burst(server: Server, rng: random.Random, seen: Seen, count: int = 200) -> None:
    """Send queries and hang up: in the head, after it, while the query waits, while the answer comes."""
    queries = ("SELECT (1 AS ?n) { }", "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?c ?d ?e . ?e ?f ?g }", _ALL)
    poll = select.poll()
    links: dict[int, tuple[socket.socket, float]] = {}
    begun = time.monotonic()
    for number in range(count):
        place = rng.choice(("in the head", "after the head", "while it waits", "while the answer comes"))
        request = _request("GET", _target(rng.choice(queries), number))
        try:
            link = _connect(server.port)
            link.sendall(request[: rng.randrange(20, 60)] if place == "in the head" else request)
        except OSError as error:
            seen.met[type(error).__name__] += 1
            continue
        seen.met[place] += 1
        delay = {"while it waits": rng.random(), "while the answer comes": 10.0}.get(place, 0.0)
        links[link.fileno()] = link, time.monotonic() + delay
        poll.register(link, select.POLLIN if place == "while the answer comes" else 0)
    while links:
        readable = {handle for handle, _ in poll.poll(10)}
        now = time.monotonic()
        for handle, (link, due) in list(links.items()):
            if handle in readable or now > due or now > begun + 15:
                del links[handle]
                poll.unregister(handle)
                _hang_up(link, reset=rng.random() < 0.5)


def _hang_ups(server: Server, seconds: float, seen: Seen) -> None:
    rng = random.Random(13)  # noqa: S311 - it must be repeatable, not secret
    for _ in range(max(5, int(seconds / 2))):
        _burst(server, rng, seen)


def _repeat(
    server: Server,
    seconds: float,
    seen: Seen,
    count: int,
    request: Callable[[int], bytes],
    *,
    pause: float = 0.0,
) -> None:
    """Let so many clients send a request, read all of its answer and send the next one."""
    over = threading.Event()

    def client(number: int) -> None:
        while not over.is_set():
            try:
                with _connect(server.port) as link:
                    link.settimeout(30)
                    link.sendall(request(number))
                    seen.met[_status(link, over)] += 1
            except OSError as error:
                seen.met[type(error).__name__] += 1
            over.wait(pause)

    clients = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(count)]
    for one in clients:
        one.start()
    over.wait(seconds)
    over.set()
    for one in clients:
        one.join()


def _status(link: socket.socket, over: threading.Event) -> str:
    """Read all of an answer, unless the time is over; give its status."""
    link.settimeout(0.5)
    said = b""
    until = time.monotonic() + 60
    while not over.is_set() and time.monotonic() < until:
        try:
            piece = link.recv(65536)
        except TimeoutError:
            continue
        if not piece:
            return said[9:12].decode() or "closed without an answer"
        said = said or piece[:12]
    return "left"


def _heavy(server: Server, seconds: float, seen: Seen) -> None:
    close = "Connection: close"

    def request(number: int) -> bytes:
        return _request("GET", _target(_ENDLESS[number % len(_ENDLESS)], number), close)

    _repeat(server, seconds, seen, 32, request, pause=0.1)


def _greedy_parsing(server: Server, seconds: float, seen: Seen) -> None:
    """Send what is short to send and long to read: a header of 60 KB, forms of 1 MB."""
    close = "Connection: close"
    accept = f"Accept: {','.join(['a/b'] * 15_000)}"
    bodies = [text * (999_000 // len(text)) for text in (b"%u&", b"a&", b"=&", b"query=&")]
    requests = [_request("GET", "/sparql?query=SELECT", accept, close)]
    requests += [_request("POST", "/sparql", close, body=body) for body in bodies]
    _repeat(server, seconds, seen, 8, lambda number: requests[number % len(requests)])


def _whole_graphs(server: Server, seconds: float, seen: Seen) -> None:
    targets = ("/graph?default", "/graph/asserted")
    headers = ("Accept: application/rdf+xml", "Connection: close")
    _repeat(server, seconds, seen, 16, lambda number: _request("GET", targets[number % 2], *headers))


def _read_slowly(server: Server, target: str, rate: float) -> tuple[int, str]:
    """Read an answer at a rate in bytes a second; give its length, status and hash; raises HTTPException."""
    seal = hashlib.sha256()
    length = 0
    link = http.client.HTTPConnection("127.0.0.1", server.port)
    link.sock = _connect(server.port, timeout=60, buffer=16_384)
    try:
        link.request("GET", target, headers={"Accept": "text/csv, */*;q=0.1"})
        answer = link.getresponse()
        begun = time.monotonic()
        while piece := answer.read(max(1, int(rate / 20)) if rate else 1_000_000):
            seal.update(piece)
            length += len(piece)
            if rate:
                time.sleep(
                    max(0.0, begun + length / rate - time.monotonic())
                )  # this is what a slow line does
    finally:
        link.close()
    return length, f"{answer.status} {seal.hexdigest()}"


def _slow_readers(server: Server, seconds: float, seen: Seen) -> None:
    """Read a download and an answer within so many seconds each, a bit at a time: they come whole."""
    content = (server.build / "her2kg.nq").read_bytes()
    query = _target(_ALL, 0)
    wanted = {
        "/download/her2kg.nq": (len(content), f"200 {hashlib.sha256(content).hexdigest()}"),
        query: _read_slowly(server, query, 0),
    }

    def read(target: str, whole: tuple[int, str]) -> None:
        name = target.partition("?")[0]
        try:
            found = _read_slowly(server, target, whole[0] / seconds)
        except (OSError, http.client.HTTPException) as error:
            # What came before is in the error of a cut body.
            seen.faults.append(f"{name} at {whole[0] / seconds / 1000:.0f} KB/s: {error!r}"[:150])
            return
        seen.met[f"{name} of {found[0]:,} bytes"] += 1
        if found != whole:
            seen.faults.append(
                f"{name} at {whole[0] / seconds / 1000:.0f} KB/s: {found[0]} of {whole[0]} bytes"
            )

    readers = [threading.Thread(target=read, args=one, daemon=True) for one in wanted.items()]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()


def publish(build: Path, number: int) -> None:
    """Let the link lead to a new folder of a build, which has one more triple that names its number."""
    old = build.resolve()
    new = old.with_name(f"build-{number}")
    shutil.copytree(old, new)
    sums = (old / "checksums.txt").read_text(encoding="utf-8").splitlines()
    triple = f'<urn:unlucky> <urn:build> "{number}"'
    for name, line in (
        ("her2kg.nt", f"{triple} .\n"),
        ("her2kg.nq", f"{triple} .\n{triple} <urn:unlucky:graph> .\n"),
    ):
        content = (old / name).read_bytes() + line.encode()
        (new / name).write_bytes(content)
        seal = hashlib.sha256(content).hexdigest()
        sums = [f"{seal}  {name}" if entry.endswith(f"  {name}") else entry for entry in sums]
    (new / "checksums.txt").write_text("\n".join(sums) + "\n", encoding="utf-8")
    link = build.with_name("next")
    link.symlink_to(new)
    link.replace(build)


def _newest(server: Server) -> int:
    """Give the number of the build that a service answers from; -1 when it does not answer."""
    newest = 0
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    query = "SELECT ?n { <urn:unlucky> <urn:build> ?n }"
    try:
        link.request("GET", _target(query, 0), headers={"Accept": "text/csv"})
        answer = link.getresponse()
        rows = answer.read().decode().split()
        if answer.status != 200:
            return -1
        newest = max(map(int, rows[1:]), default=0)
    except (OSError, http.client.HTTPException):
        return -1
    finally:
        link.close()
    return newest


def _reloads(server: Server, seconds: float, seen: Seen) -> None:
    """Send 40 SIGHUPs in a burst, with a new build before every fifth; the last build wins, and stays."""
    last = 0
    for number in range(1, 41):
        if number % 5 == 0:
            last = number
            publish(server.build, number)
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.02)
    begun = time.monotonic()
    found = _newest(server)
    while found != last and time.monotonic() < begun + 30:
        time.sleep(0.1)
        found = _newest(server)
    seen.met[f"the last build after {time.monotonic() - begun:.1f} s"] += found == last
    until = time.monotonic() + seconds
    stays = [_newest(server)]
    while time.monotonic() < until:
        time.sleep(0.2)
        stays.append(_newest(server))
    if set(stays) != {last}:
        seen.faults.append(f"build {sorted(set(stays))} is served after the reloads, not {last}")


def _exchanges(server: Server, _: float, seen: Seen) -> None:
    for exchange in EXCHANGES:
        fault = exchange.fault(server.port)
        seen.met["wrong" if fault else "right"] += 1
        seen.faults += [fault] if fault else []


#: The scenarios, by name; ``kills`` starts a service for each process that it kills.
SCENARIOS = {
    "slow-heads": Scenario(_slow_heads),
    "slow-bodies": Scenario(_slow_bodies),
    "unread-answers": Scenario(_unread_answers),
    "hang-ups": Scenario(_hang_ups),
    "heads": Scenario(_heads),
    "heavy": Scenario(_heavy, 12, 50, {"HER2KG_QUERY_SECONDS": "4"}),
    "greedy-parsing": Scenario(_greedy_parsing),
    "unread-downloads": Scenario(_unread_downloads),
    "whole-graphs": Scenario(_whole_graphs),
    "slow-readers": Scenario(_slow_readers, 9.4, 94.5),
    "reloads": Scenario(_reloads, 3, 10, pause=0.0),
    "exchanges": Scenario(_exchanges, others=False),
}
KILLS = "kills"


def run(name: str, start: Start, *, long: bool = False) -> Outcome:
    """Play a scenario against a service of its own, and measure what it costs others."""
    if name == KILLS:
        return _kills(start)
    scenario = SCENARIOS[name]
    outcome = Outcome(name)
    seconds = scenario.long if long else scenario.short
    with start({} if long else scenario.settings) as server:
        _warm(server)
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


def _warm(server: Server) -> None:
    """Ask until the first answer, so that the start is not measured."""
    link = Link(server.port)
    over = time.monotonic() + 10
    while link.ask("GET") != "200" and time.monotonic() < over:
        time.sleep(0.1)
    link.close()


def _kills(start: Start) -> Outcome:
    """Kill each process of a service, one in each of as many services."""
    outcome = Outcome(KILLS)
    number = 0
    processes = 1
    while number < processes:
        with start({}) as server:
            _warm(server)
            with _connect(server.port) as busy:
                busy.sendall(_request("GET", _target(_ENDLESS[0], number)))
                _warm(server)
                time.sleep(0.3)  # the heavy query has a process by now
                living = family(server.process.pid)
                processes = max(processes, len(living))
                if number < len(living):
                    _kill(server, living, number, outcome)
        number += 1
    return outcome


def _kill(server: Server, living: list[int], number: int, outcome: Outcome) -> None:
    """Kill one of the living processes; note how long it takes until the service answers or has ended."""
    what = f"kill -9 of process {number} of {len(living)}"
    begun = time.monotonic()
    os.kill(living[number], signal.SIGKILL)
    state = _heals(server)
    outcome.waits[what] = time.monotonic() - begun
    outcome.seen.met[state] += 1
    if state not in {"answers again", "ended with an error"}:
        outcome.seen.faults.append(f"{what}: {state}")
    if server.process.poll() is not None:
        left = _left(living[1:])
        if left:
            outcome.seen.faults.append(f"{what}: {len(left)} processes live on without the first")
        for one in left:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)


def _heals(server: Server, within: float = 10.0) -> str:
    """Give how a service is after so many seconds at most: eight answers one after the other are health."""
    over = time.monotonic() + within
    statuses: list[str] = []
    link = Link(server.port, patience=3)
    while time.monotonic() < over:
        if server.process.poll() is not None:
            return "ended with an error" if server.process.returncode else "ended with exit code 0"
        statuses.append(link.ask("POST"))
        link.close()
        if statuses[-8:] == ["200"] * 8:
            return "answers again"
        time.sleep(0.05)
    health = link.health()
    link.close()
    return f"queries {dict(Counter(statuses[-8:]))}, /healthz {health}"


def _left(processes: Sequence[int], within: float = 10.0) -> list[int]:
    """Give which processes still live after so many seconds."""
    over = time.monotonic() + within
    while (left := [one for one in processes if _lives(one)]) and time.monotonic() < over:
        time.sleep(0.1)
    return left


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def starter(build: Path, command: Sequence[str] = tuple(SERVE)) -> Start:
    """Give what starts a service over a copy of a build, and ends it with all of its processes."""

    @contextmanager
    def start(settings: Mapping[str, str]) -> Iterator[Server]:
        with tempfile.TemporaryDirectory(prefix="unlucky-") as folder:
            link = Path(folder) / "build"
            shutil.copytree(build, Path(folder) / "build-0")
            link.symlink_to(Path(folder) / "build-0")
            with serving(command=command, HER2KG_BUILD=str(link), **settings) as (url, process):
                try:
                    yield Server(int(url.rsplit(":", 1)[1].strip("/")), process, link)
                finally:
                    _end(process)

    return start


def _end(process: subprocess.Popen[str]) -> None:
    """End a service: politely, and after ten seconds with all of its processes."""
    living = family(process.pid)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
        return
    for one in living:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


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
