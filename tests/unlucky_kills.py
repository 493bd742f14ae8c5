"""A service whose inner processes are killed, one by one: it heals, or ends with an error."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

from tests.bystanders import Link, family
from tests.unlucky_clients import ENDLESS, address_of, connect, sent
from tests.unlucky_service import births, kill, left, warm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.unlucky_service import Seen, Server, Start


def kills(start: Start, seen: Seen) -> dict[str, float]:
    """Kill each process of a service, one in each of as many services; give how long each took to heal."""
    times: dict[str, float] = {}
    number, processes = 0, 1
    while number < processes:
        with start({}) as server:
            warm(server)
            with connect(server.port) as busy:
                busy.sendall(sent("GET", address_of(ENDLESS[0], number)))
                warm(server)
                time.sleep(0.3)  # the heavy query has a process by now
                living = births(family(server.process.pid))
                processes = max(processes, len(living))
                if number < len(living):
                    what = f"kill -9 of process {number} of {len(living)}"
                    times[what] = _kill(server, living, number, seen, what)
        number += 1
    return times


def _kill(server: Server, living: Mapping[int, str], number: int, seen: Seen, what: str) -> float:
    """Kill one of the living processes; give how long it takes until the service answers or has ended."""
    begun = time.monotonic()
    os.kill([*living][number], signal.SIGKILL)
    state = _heals(server)
    took = time.monotonic() - begun
    seen.met[state] += 1
    if state not in {"answers again", "ended with an error"}:
        seen.faults.append(f"{what}: {state}")
    if server.process.poll() is not None and (orphans := left(living, 10)):
        seen.faults.append(f"{what}: {len(orphans)} processes live on without the first")
        kill(orphans)
    return took


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
