"""Measuring a form of the mix: answers compared first, then the load of wrk in turns, then rdflib."""

from __future__ import annotations

import contextlib
import http.client
import math
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from rdflib import Dataset, Graph

from bench import servers
from bench.forms import ROOT, Form, count_answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.servers import Server

CLIENTS = (1, 16)
#: Texts of a form whose answers are compared before it is timed.
_CHECKED = 5
#: Requests that each client should send in a slice, and seconds that a slice takes at most for it.
_REQUESTS, _LONGEST = 3, 10
#: Seconds that rdflib is timed for a form, and that one of its queries may take.
_TIMED, _GIVEN_UP = 2, 60


@dataclass
class Figures:
    """What was measured of a form: rows of an answer, rates by server and clients, seconds of rdflib."""

    form: Form
    rows: float
    rates: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    rdflib: float | None = None

    def milliseconds(self, name: str) -> float:
        """Give the median time of a request of one client."""
        rate = statistics.median(self.rates[name, 1])
        return 1000 / rate if rate else math.inf

    def ratio(self, other: str, clients: int) -> float:
        """Give how many times the requests of another server ours answers: the median over the rounds."""
        rounds = zip(self.rates["her2kg", clients], self.rates[other, clients], strict=True)
        return statistics.median(own / theirs if theirs else math.inf for own, theirs in rounds)


class Checker:
    """Compares the answers of servers before they are timed, and how long each takes."""

    def __init__(self, engines: list[Server], endpoint: Server | None) -> None:
        """Take the servers that are put under load, and rdflib's endpoint, which gets one text of a form."""
        self._engines, self._endpoint = engines, endpoint

    def check(self, form: Form) -> tuple[float, float]:
        """Give the mean number of rows, and the seconds of the slowest server under load.

        Ends the run if the servers do not answer alike, or with nothing at all.
        """
        for server in self._engines:
            server.heal()
        texts = form.texts[:_CHECKED]
        counted = {
            server.name: [self._counted(server, form, text) for text in texts] for server in self._engines
        }
        if self._endpoint:
            counted[self._endpoint.name] = [self._counted(self._endpoint, form, texts[0])]
        first = [rows for rows, _ in counted["her2kg"]]
        for name, found in counted.items():
            rows = [rows for rows, _ in found]
            if rows != first[: len(rows)]:
                sys.exit(f"form {form.name}: her2kg answers {first} rows or triples, {name} {rows}")
        if not any(first):
            sys.exit(f"form {form.name}: the answers are empty")
        slowest = max(min(seconds for _, seconds in counted[server.name]) for server in self._engines)
        return statistics.mean(first), slowest

    @staticmethod
    def _counted(server: Server, form: Form, text: str) -> tuple[int, float]:
        answer = server.ask(text, form.accept)
        return count_answer(answer.content, answer.media_type), answer.seconds


class Load:
    """Puts servers under the load of wrk, one form at a time."""

    def __init__(self, folder: Path) -> None:
        """Take a folder for the texts."""
        self._program = servers.program("wrk")
        self._texts = folder / "texts"

    def write(self, form: Form) -> None:
        """Write the texts of a form, encoded, one a line."""
        self._texts.write_text("".join(f"{quote(text, safe='')}\n" for text in form.texts))

    def rate(self, server: Server, form: Form, clients: int, seconds: int, first: int) -> tuple[float, int]:
        """Give the requests a second that are answered, and how many are refused."""
        script = str(ROOT / "bench" / "load.lua")
        command = [self._program, "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "60s", "-s", script]
        done = subprocess.run(
            [*command, f"http://127.0.0.1:{server.port}"],
            check=True,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "ENDPOINT": server.endpoint,
                "TEXTS": str(self._texts),
                "ACCEPT": form.accept,
                "FIRST": str(first),
            },
        )
        every = re.search(r"(\d+) requests in", done.stdout)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
        if every is None or rate is None or not int(every[1]):
            return 0.0, 0
        bad = int(refused[1]) if refused else 0
        return float(rate[1]) * (1 - bad / int(every[1])), bad


class Rdflib:
    """rdflib in this process: a plain graph, and a dataset for what names graphs."""

    def __init__(self, data: Path) -> None:
        """Read the triples twice."""
        self._graph = Graph().parse(data)
        self._dataset = Dataset(default_union=True)
        self._dataset.parse(data)

    def seconds(self, form: Form) -> float | None:
        """Give the median time of a query without any HTTP; nothing when one takes too long."""
        times: list[float] = []
        with _alarm(_GIVEN_UP), contextlib.suppress(TimeoutError):
            for text in form.texts:
                begun = time.perf_counter()
                list((self._dataset if "GRAPH" in text else self._graph).query(text))
                times.append(time.perf_counter() - begun)
                if sum(times) > _TIMED:
                    break
        return statistics.median(times) if times else None


@contextlib.contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in what runs too long."""

    def ring(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def endpoint_seconds(server: Server, form: Form) -> float:
    """Give the median time of a request of one client to rdflib's endpoint, over one connection."""
    times: list[float] = []
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_GIVEN_UP)
    with contextlib.closing(link):
        for text in form.texts:
            try:
                times.append(server.ask_over(link, text, form.accept).seconds)
            except TimeoutError:
                return statistics.median([*times, _GIVEN_UP])
            if sum(times) > _TIMED:
                break
    return statistics.median(times)


class Plan(NamedTuple):
    """How a form is measured: turns of each server, seconds of a slice, and whether ours is started again.

    ``fresh`` starts our services again before each load of many clients: the end of a load is many clients
    that hang up, and what a service loses by that must not be taken for the speed of its next load.
    """

    rounds: int
    seconds: int
    fresh: bool


def measure(form: Form, engines: list[Server], checker: Checker, load: Load, plan: Plan) -> Figures:
    """Measure the servers on a form, in turns."""
    rows, slowest = checker.check(form)
    figures = Figures(form, rows)
    load.write(form)
    for turn in range(plan.rounds):
        first = turn * len(form.texts) // plan.rounds
        for clients in CLIENTS:
            seconds = _slice(plan.seconds, slowest, clients)
            for server in engines:
                if plan.fresh and clients > 1 and server.name != "oxigraph":
                    server.again()
                server.heal()
                rate, refused = load.rate(server, form, clients, seconds, first)
                figures.rates.setdefault((server.name, clients), []).append(rate)
                figures.refused[server.name] = figures.refused.get(server.name, 0) + refused
    return figures


def _slice(least: int, slowest: float, clients: int) -> int:
    """Give the seconds in which each client can send a few requests, whatever the processors."""
    share = clients / min(clients, os.cpu_count() or 1)
    return max(least, min(_LONGEST, math.ceil(_REQUESTS * slowest * share)))
