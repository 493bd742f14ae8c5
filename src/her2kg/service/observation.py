"""What can be seen of the service from outside: headers of every response, metrics, and a log of requests.

A request keeps the identifier that a proxy gave it, or gets one. The log is one JSON object a line; of a
query it holds a hash, never the text, which may say something of a patient.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import secrets
import select
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flask import Flask
    from prometheus_client.core import Metric

    from her2kg.service.served import Served

blueprint = Blueprint("observation", __name__)

#: Pages load their own style and nothing else, run nothing, and stand in no frame; pages of any origin may
#: read, for the graph is public and nothing can be written.
HEADERS = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag, Retry-After, X-Request-Id"),
    (
        "Content-Security-Policy",
        (
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
    ),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Vary", "Accept, Accept-Encoding"),
]
#: What a browser asks before it asks for something that needs its leave (Fetch, 3.3.3).
_PREFLIGHT = [
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS"),
    ("Access-Control-Allow-Headers", "Accept, Content-Type, If-None-Match"),
]
_IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: The name of this run of the service; with a number, that of a request.
_RUN = secrets.token_hex(6)
_NOTES = "her2kg.notes"
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
#: Bounds of the histogram, in seconds.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)


def asked(environ: dict[str, Any], query: str) -> None:
    """Note which query a request is about."""
    if notes := environ.get(_NOTES):
        notes["query"] = query
        notes["outcome"] = "answered"


def route(environ: dict[str, Any], rule: str) -> None:
    """Note which of the service's routes a request took."""
    if notes := environ.get(_NOTES):
        notes["route"] = rule


def outcome(environ: dict[str, Any], name: str) -> None:
    """Note what became of the query."""
    if notes := environ.get(_NOTES):
        notes["outcome"] = name


def query_hash(query: str) -> str:
    """Give the name under which the log knows a query."""
    return hashlib.sha256(query.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Metrics:
    """The counters of one service."""

    def __init__(self, app: Flask) -> None:
        """Count for an application."""
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "her2kg_requests", "Requests answered.", ["route", "method", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "her2kg_request_seconds",
            "Seconds until a response was complete.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._queries = Counter(
            "her2kg_queries", "Queries by what became of them.", ["outcome"], registry=self.registry
        )
        self.registry.register(_State(app))
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        # A child that is looked up by its labels once need not be looked up again.
        self._known: dict[tuple[str, ...], Any] = {}

    def count(self, route: str, method: str, status: str, outcome: str, seconds: float) -> None:
        """Count one request."""
        method = method if method in _METHODS else "other"
        key = (route, method, status, outcome)
        known = self._known.get(key)
        if known is None:
            known = (
                self._requests.labels(route, method, status),
                self._seconds.labels(route),
                self._queries.labels(outcome) if outcome else None,
            )
            self._known[key] = known
        requests, histogram, queries = known
        requests.inc()
        histogram.observe(seconds)
        if queries:
            queries.inc()


class _State(Collector):
    """What is so at the moment."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        """Give the gauges."""
        found: Served = self._app.config["SERVED"]
        cache = self._app.config["CACHE"]
        gate = found.workers.gate
        yield GaugeMetricFamily("her2kg_queries_running", "Queries being evaluated.", gate.inside)
        yield GaugeMetricFamily("her2kg_queries_waiting", "Queries that wait for a worker.", gate.outside)
        yield GaugeMetricFamily("her2kg_cache_bytes", "Bytes of answers that are kept.", cache.size)
        yield GaugeMetricFamily("her2kg_cache_answers", "Answers that are kept.", len(cache))
        yield GaugeMetricFamily("her2kg_triples", "Triples that are served.", len(found.store))
        data = GaugeMetricFamily("her2kg_data_info", "The version of the data.", labels=["version"])
        data.add_metric([found.store.version], 1)
        yield data


@blueprint.get("/metrics")
def metrics() -> Response:
    """Give the metrics in the format of Prometheus."""
    counted: Metrics = current_app.config["METRICS"]
    return Response(generate_latest(counted.registry), content_type=CONTENT_TYPE_LATEST)


class Observed:
    """A WSGI application around the service's: sees every request and response, also of errors."""

    def __init__(self, app: Flask, metrics: Metrics, *, log: bool) -> None:
        """Observe an application; ``log`` writes a line for each request to standard error."""
        self._inner = app.wsgi_app
        self._metrics = metrics
        self._log = log
        self._number = itertools.count(1)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        notes: dict[str, Any] = {"outcome": "", "begun": time.perf_counter(), "bytes": 0}
        given = environ.get("HTTP_X_REQUEST_ID", "")
        notes["id"] = given if _IDENTIFIER.fullmatch(given) else f"{_RUN}-{next(self._number)}"
        environ[_NOTES] = notes

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            notes["status"] = status[:3]
            if environ["REQUEST_METHOD"] == "OPTIONS":
                headers = [*headers, *_PREFLIGHT]
            return start_response(status, [*headers, *HEADERS, ("X-Request-Id", notes["id"])], *rest)

        pieces = self._inner(environ, start)
        if isinstance(pieces, list):  # there is nothing to watch
            notes["bytes"] = sum(map(len, pieces))
            self._done(environ, notes)
            return pieces
        return _Watched(pieces, lambda: self._done(environ, notes), notes)

    def _done(self, environ: dict[str, Any], notes: dict[str, Any]) -> None:
        seconds = time.perf_counter() - notes["begun"]
        status, method = notes.get("status", "500"), environ.get("REQUEST_METHOD", "")
        route = notes.get("route", "none")
        self._metrics.count(route, method, status, notes["outcome"], seconds)
        if self._log or status == "500":
            line = {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "request": notes["id"],
                "client": environ.get("REMOTE_ADDR", ""),
                "method": method[:20],
                "path": environ.get("PATH_INFO", "")[:200],
                "route": route,
                "status": int(status),
                "milliseconds": round(seconds * 1000, 1),
                "bytes": notes["bytes"],
            }
            if "query" in notes:
                line |= {"query": query_hash(notes["query"]), "outcome": notes["outcome"]}
            _say(f"{json.dumps(line)}\n")


def _say(line: str) -> None:
    """Write a line of the log; lose it when nobody takes what was written before: no request is to wait.

    A pipe that can be written to takes 4,096 bytes without waiting (POSIX, PIPE_BUF); a line has fewer.
    """
    try:
        _, ready, _ = select.select([], [sys.stderr], [], 0)
    except (OSError, ValueError):  # no descriptor stands behind it
        ready = [sys.stderr]
    if ready:
        sys.stderr.write(line)
        sys.stderr.flush()


class _Watched:
    """The pieces of a response, counted, with what is to be done when they have ended."""

    def __init__(self, pieces: Iterable[bytes], done: Callable[[], None], notes: dict[str, Any]) -> None:
        self._pieces = pieces
        self._done = done
        self._notes = notes

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._pieces:
                self._notes["bytes"] += len(piece)
                yield piece
        except Exception:
            self._notes["outcome"] = "aborted"
            raise

    def close(self) -> None:
        if close := getattr(self._pieces, "close", None):
            close()
        self._done()
