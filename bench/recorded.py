"""Send the same five hundred requests to two running services, and print where their answers differ.

``python -m bench.recorded --old http://127.0.0.1:8081 --new http://127.0.0.1:8082`` compares status, media
type, where a redirect leads, what is allowed, and the body. Bodies are compared as bytes; a table whose order
the query does not fix as rows in any order, a graph up to the names of its blank nodes. Start both services
over the same build and with the same limits. ``--query-seconds 5`` makes the run short; with fewer seconds a
busy machine ends queries of the one that the other answers. Exit code 1 when anything differs.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import gzip
import http.client
import io
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pyoxigraph as ox

from bench.forms import ROOT
from bench.traffic import Request, requests

_TIMEOUT = 120
_ORDERED = re.compile(r"\bORDER\s+BY\b", re.IGNORECASE)
#: Names of blank nodes, which are others after each start.
_BLANK = re.compile(rb"_:[0-9A-Za-z]+|\b[0-9a-f]{30,32}\b")
#: Answers that tell of the process and its past.
_OF_THE_PROCESS = ("/metrics",)
#: Bytes that are shown of each body before and after the place where they part.
_BEFORE, _AFTER = 60, 100


class Answer(NamedTuple):
    """What came back; ``cut`` when the transfer was aborted."""

    status: int
    media_type: str
    location: str
    allow: frozenset[str]
    tag: str
    body: bytes
    cut: bool

    @property
    def kind(self) -> str:
        """Give the media type without its parameters."""
        return self.media_type.partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Difference:
    """One way in which two answers differ; ``shown`` are both sides where the heading does not say it."""

    request: Request
    what: str
    shown: tuple[str, str] | None = None


def send(service: str, request: Request) -> Answer:
    """Send a request over a connection of its own, and read all that comes back."""
    headers = dict(request.headers)
    if request.matching:
        headers["If-None-Match"] = _exchange(service, request, request.headers).tag
    return _exchange(service, request, headers)


def _exchange(service: str, request: Request, headers: dict[str, str]) -> Answer:
    host = urlsplit(service).netloc
    with contextlib.closing(http.client.HTTPConnection(host, timeout=_TIMEOUT)) as link:
        try:
            with contextlib.suppress(
                BrokenPipeError
            ):  # a body that is too long is refused before it has come
                link.request(request.method, request.target, request.body or None, headers)
            response = link.getresponse()
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, "", "", frozenset(), "", type(error).__name__.encode(), cut=True)
        try:
            body, cut = response.read(), False
        except http.client.IncompleteRead as error:
            body, cut = error.partial, True
    if response.headers.get("Content-Encoding") == "gzip" and body and not cut:
        body = gzip.decompress(body)
    return Answer(
        response.status,
        response.headers.get("Content-Type", ""),
        _placed(response.headers.get("Location", "").encode(), host).decode(),
        frozenset(filter(None, re.split(r"[,\s]+", response.headers.get("Allow", "")))),
        response.headers.get("ETag", ""),
        _placed(body, host),
        cut,
    )


def _placed(text: bytes, host: str) -> bytes:
    """Put one name in the place of the address of a service."""
    return text.replace(host.encode(), b"service")


def differences(request: Request, old: Answer, new: Answer) -> list[Difference]:
    """Compare two answers; of a different status nothing further is compared."""
    if old.status != new.status:
        shown = _parted(old.body, new.body)
        return [Difference(request, f"status {old.status} became {new.status}", shown)]
    found = []
    if old.media_type != new.media_type:
        found.append(Difference(request, f"type {old.media_type!r} became {new.media_type!r}"))
    if old.location != new.location:
        found.append(Difference(request, "Location", (old.location, new.location)))
    if old.allow != new.allow:
        found.append(Difference(request, f"Allow {sorted(old.allow)} became {sorted(new.allow)}"))
    if old.cut != new.cut:
        found.append(Difference(request, "the transfer is aborted by one"))
    elif not old.cut and old.kind == new.kind and not _alike(request, old, new):
        found.append(Difference(request, f"body, {old.kind or 'no type'}", _parted(old.body, new.body)))
    return found


def _alike(request: Request, old: Answer, new: Answer) -> bool:
    if old.body == new.body or request.target.startswith(_OF_THE_PROCESS):
        return True
    if old.kind == "text/html":
        return _BLANK.sub(b"_:", old.body) == _BLANK.sub(b"_:", new.body)
    try:
        return _meaning(request, old) == _meaning(request, new)
    except (SyntaxError, ValueError):
        return False


def _meaning(request: Request, answer: Answer) -> object:
    """Give what a table or a graph says; raises SyntaxError or ValueError for what is neither."""
    if answer.kind == "text/csv":
        rows = [tuple(row) for row in csv.reader(io.StringIO(answer.body.decode(), newline=""))]
        return _table(request, [tuple(re.sub(r"^_:.*", "_:", cell) for cell in row) for row in rows])
    if results := ox.QueryResultsFormat.from_media_type(answer.kind):
        found = ox.parse_query_results(answer.body, results)
        if isinstance(found, ox.QueryBoolean):
            return bool(found)
        head = tuple(variable.value for variable in found.variables)
        return _table(request, [head, *(tuple(map(_name, row)) for row in found)])
    kind = ox.RdfFormat.from_media_type(answer.kind)
    if kind is None:
        raise ValueError(f"{answer.kind} is neither a table nor a graph")
    graph = ox.Dataset(ox.parse(answer.body, kind))
    graph.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return {str(quad) for quad in graph}


def _table(request: Request, rows: list[tuple[str, ...]]) -> object:
    """Give a table in its order where that is fixed: a page's always, a query's when it says so."""
    head, *rest = rows or [()]
    return (head, rest) if not request.query or _ORDERED.search(request.query) else (head, Counter(rest))


def _name(term: object) -> str:
    return "_:" if isinstance(term, ox.BlankNode) else str(term)


def _parted(old: bytes, new: bytes) -> tuple[str, str]:
    """Show both bodies where they part."""
    place = next(
        (n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
    shown = slice(max(0, place - _BEFORE), place + _AFTER)
    return tuple(f"{len(text):,} bytes: {text[shown].decode(errors='replace')!r}" for text in (old, new))  # type: ignore[return-value]


def report(found: list[Difference]) -> None:
    """Print the differences by kind of request and by what differs, the most frequent first."""
    groups: dict[tuple[str, str], list[Difference]] = {}
    for difference in found:
        groups.setdefault((difference.request.kind, difference.what), []).append(difference)
    for (kind, what), members in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        print(f"\n{len(members)} x {kind}: {what}\n  {members[0].request}")
        if members[0].shown:
            print("  old: {}\n  new: {}".format(*members[0].shown))


def main() -> None:
    """Send everything to both, one after another, and report."""
    parser = argparse.ArgumentParser(prog="bench.recorded", description="Compare two running services.")
    parser.add_argument("--old", help="address of the one, such as http://127.0.0.1:8081")
    parser.add_argument("--new", help="address of the other")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other requests (default: 1)")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="folder of the built graph")
    parser.add_argument("--list", action="store_true", help="print the requests, one a line, and send none")
    given = parser.parse_args()
    made = requests(given.build, given.seed)
    if given.list:
        print("".join(f"{request.kind}\t{request}\n" for request in made), end="")
        return
    if not (given.old and given.new):
        parser.error("give --old and --new")
    found, differing = [], 0
    statuses: Counter[int] = Counter()
    for request in made:
        old, new = send(given.old, request), send(given.new, request)
        statuses[old.status] += 1
        different = differences(request, old, new)
        differing += bool(different)
        found += different
    counted = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    print(f"{len(made)} requests, {differing} answered differently; statuses of the old service: {counted}")
    report(found)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
