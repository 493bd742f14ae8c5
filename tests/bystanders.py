"""Who suffers from unlucky clients: other clients with new light queries, and the memory of the service.

Times are seconds, memory is MB (10^6 bytes) of Pss.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

#: How long a bystander waits for an answer: longer than any limit of the service.
PATIENCE = 30.0
#: The address of the unlucky clients, and another one.
SAME, OTHER = "127.0.0.1", "127.0.0.2"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_LIGHT = (
    "SELECT (%d AS ?n) { }",
    "SELECT ?s (%d AS ?n) { ?s <http://www.w3.org/2000/01/rdf-schema#label> ?label ; ?p ?o } LIMIT 3",
    "SELECT ?p (%d AS ?n) { <https://w3id.org/her2kg/id/drug/afatinib> ?p ?o } LIMIT 3",
)
_numbers = itertools.count(1)


class Link:
    """A client that asks new light queries, on a new connection each time or on one that it keeps."""

    def __init__(self, port: int, address: str = SAME, patience: float = PATIENCE) -> None:
        """Prepare a client that comes from an address; it connects when it asks."""
        self._http = http.client.HTTPConnection("127.0.0.1", port, patience, (address, 0))
        self._fresh = True
        self._begun = False
        #: How often the service had closed the kept connection, so that the client connected again.
        self.reopened = 0

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        self._http.close()
        self._fresh = True

    def ask(self, method: str) -> str:
        """Ask a query that nobody asked before; give "200" for its whole answer, or what came instead."""
        number = next(_numbers)
        query = urlencode({"query": _LIGHT[number % len(_LIGHT)] % number})
        target, body = (f"/sparql?{query}", None) if method == "GET" else ("/sparql", query)
        status, content = self._exchange(method, target, body)
        if status != "200":
            return status
        try:
            rows = json.loads(content)["results"]["bindings"]
        except (ValueError, KeyError):
            return "200 with a broken body"
        return "200" if rows and rows[0]["n"]["value"] == str(number) else "200 with a wrong body"

    def health(self) -> str:
        """Give the status of /healthz."""
        return self._exchange("GET", "/healthz", None)[0]

    def _exchange(self, method: str, target: str, body: str | None) -> tuple[str, bytes]:
        """Send a request once more when a kept connection was closed meanwhile, as clients do."""
        kept = not self._fresh
        self._begun = False
        try:
            return self._once(method, target, body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if not (kept and isinstance(error, ConnectionError)) or self._begun:
                return type(error).__name__, b""
            self.reopened += 1
            return self._exchange(method, target, body)

    def _once(self, method: str, target: str, body: str | None) -> tuple[str, bytes]:
        headers = {"Accept": "application/sparql-results+json", **(_FORM if body else {})}
        self._http.request(method, target, body, headers)
        answer = self._http.getresponse()
        self._begun = True
        content = answer.read()
        self._fresh = answer.will_close
        return str(answer.status), content


class Bystanders:
    """Clients from two addresses that ask all the time, by GET and POST, on new and on kept connections."""

    def __init__(self, port: int, pause: float = 0.1) -> None:
        """Prepare five clients; each waits ``pause`` seconds between two requests."""
        self._port = port
        self._pause = pause
        self._over = threading.Event()
        #: The longest time until a whole answer with 200, by kind of request.
        self.waits: dict[str, float] = {}
        #: How many requests were sent, by kind.
        self.sent: Counter[str] = Counter()
        #: What came instead of a whole answer with 200, by kind and reason.
        self.failures: Counter[str] = Counter()
        self.reopened = 0
        self._lock = threading.Lock()
        asking = [(address, kept) for address in (SAME, OTHER) for kept in (False, True)]
        self._threads = [threading.Thread(target=self._ask, args=one, daemon=True) for one in asking]
        self._threads.append(threading.Thread(target=self._look, daemon=True))

    def __enter__(self) -> Self:
        """Begin to ask."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let each client end the request that it has begun."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, address: str, kept: bool) -> None:  # noqa: FBT001 - an argument of a thread
        link = Link(self._port, address)
        for method in itertools.cycle(("GET", "POST")):
            kind = f"{method} {'kept' if kept else 'new'}{' other' if address == OTHER else ''}"
            self._measure(kind, lambda method=method: link.ask(method))  # type: ignore[misc]
            if not kept:
                link.close()
            if self._over.wait(self._pause):
                break
        link.close()
        with self._lock:
            self.reopened += link.reopened

    def _look(self) -> None:
        link = Link(self._port)
        while True:
            self._measure("healthz", link.health)
            link.close()
            if self._over.wait(max(self._pause, 0.1)):
                return

    def _measure(self, kind: str, request: Callable[[], str]) -> None:
        begun = time.monotonic()
        status = request()
        wait = time.monotonic() - begun
        with self._lock:
            self.sent[kind] += 1
            if status == "200":
                self.waits[kind] = max(wait, self.waits.get(kind, 0.0))
            else:
                self.failures[f"{kind}: {status}"] += 1


def family(process: int) -> list[int]:
    """Give a process and all below it, the parent before its children."""
    found = [process]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
    return found


def memory(process: int) -> float:
    """Give the memory of a process and all below it."""
    total = 0
    for one in family(process):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024 / 1e6


class Memory:
    """The memory of a service while a scenario runs: before, at most, and after it has settled."""

    def __init__(self, process: subprocess.Popen[str], every: float = 0.2) -> None:
        """Prepare to look at a service, every so many seconds."""
        self._process = process
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.before = self.most = self.after = memory(process.pid)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(self._every):
            self.most = max(self.most, memory(self._process.pid))

    def settle(self, patience: float = 20.0) -> None:
        """Note the memory once it is what it was before, or what it is when patience ends."""
        over = time.monotonic() + patience
        while True:
            self.after = memory(self._process.pid)
            if self.after < self.before + 20 or time.monotonic() > over:
                return
            self._over.wait(0.5)
