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
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, g, request
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

from her2kg.service.served import EXTENSION, service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from prometheus_client.core import Metric

    from her2kg.service.served import Service

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
    (
        "Access-Control-Allow-Headers",
        (
            "Accept, Accept-Language, Authorization, Cache-Control, Content-Type, If-Modified-Since, "
            "If-None-Match, Pragma, QueryId, Range, User-Agent, X-Request-Id, X-Requested-With"
        ),
    ),
    ("Access-Control-Max-Age", "86400"),
]
_IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: The name of this run of the service; with a number, that of a request.
_RUN = secrets.token_hex(6)
_NUMBERS = itertools.count(1)
#: The name under which Flask keeps the metrics.
METRICS = "her2kg.metrics"
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
#: Bounds of the histogram, in seconds.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)


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
        self._known: dict[tuple[Any, ...], Any] = {}

    def count(self, route: str, method: str, status: int, outcome: str, begun: float) -> None:
        """Count one request that began at a time of the performance counter."""
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
        histogram.observe(time.perf_counter() - begun)
        if queries:
            queries.inc()


class _State(Collector):
    """What is so at the moment."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        """Give the gauges."""
        found: Service = self._app.extensions[EXTENSION]
        engine, cache, gate = found.engine, found.cache, found.engine.gate
        yield GaugeMetricFamily("her2kg_queries_running", "Queries being evaluated.", gate.running)
        yield GaugeMetricFamily("her2kg_queries_waiting", "Queries that wait for a worker.", gate.waiting)
        yield GaugeMetricFamily("her2kg_cache_bytes", "Bytes of answers that are kept.", cache.size)
        yield GaugeMetricFamily("her2kg_cache_answers", "Answers that are kept.", len(cache))
        yield GaugeMetricFamily("her2kg_triples", "Triples that are served.", engine.triples)
        data = GaugeMetricFamily("her2kg_data_info", "The version of the data.", labels=["version"])
        data.add_metric([engine.version], 1)
        yield data


@blueprint.get("/metrics")
def metrics() -> Response:
    """Give the metrics in the format of Prometheus."""
    counted: Metrics = current_app.extensions[METRICS]
    return Response(generate_latest(counted.registry), content_type=CONTENT_TYPE_LATEST)


def begin() -> None:
    """Note when a request began, and its identifier."""
    g.begun, g.outcome = time.perf_counter(), ""
    given = request.headers.get("X-Request-Id", "")
    g.id = given if _IDENTIFIER.fullmatch(given) else f"{_RUN}-{next(_NUMBERS)}"


def finish(response: Response) -> Response:
    """Give a response its headers; count and log the request when the response has been sent."""
    response.headers.extend(HEADERS)
    response.headers["X-Request-Id"] = g.id
    if request.method == "OPTIONS":
        response.headers.extend(_PREFLIGHT)
    route = request.url_rule.rule if request.url_rule else "none"
    outcome = g.outcome if "query" in g else ""
    count = partial(
        current_app.extensions[METRICS].count, route, request.method, response.status_code, outcome, g.begun
    )
    if service().settings.log == "requests" or response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
        count = partial(_log, count, _line(route, outcome, response), g.begun)
    if response.is_streamed:
        response.call_on_close(count)
    else:
        count()
    return response


def _line(route: str, outcome: str, response: Response) -> dict[str, Any]:
    line = {
        "request": g.id,
        "client": request.remote_addr,
        "method": request.method[:20],
        "path": request.path[:200],
        "route": route,
        "status": response.status_code,
        "bytes": response.content_length,
    }
    return line | ({"query": query_hash(g.query), "outcome": outcome} if "query" in g else {})


def _log(count: Callable[[], None], line: dict[str, Any], begun: float) -> None:
    """Count a request and write its line."""
    count()
    milliseconds = round((time.perf_counter() - begun) * 1000, 1)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    _write(f"{json.dumps({'time': now, **line, 'milliseconds': milliseconds})}\n")


def _write(line: str) -> None:
    """Write a line of the log; drop it while nobody reads the log, since no request may wait for that.

    A pipe that can be written to takes 4,096 bytes without waiting (POSIX, PIPE_BUF); a line has fewer.
    """
    try:
        _, ready, _ = select.select([], [sys.stderr], [], 0)
    except (OSError, ValueError):  # there is no descriptor behind it
        ready = [sys.stderr]
    if ready:
        sys.stderr.write(line)
        sys.stderr.flush()
