"""The Flask application: views over an engine that answers queries."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from flask import Flask, Response, abort, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from her2kg.errors import Her2kgError
from her2kg.service import (
    description,
    observation,
    ontology,
    pages,
    problems,
    protocol,
    things,
    transfer,
)
from her2kg.service.served import EXTENSION, Cache, ServedStore, Service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from her2kg.settings import Settings
    from her2kg.sparql.pool import Asker

#: Characters of an Accept header: a longer one costs more than the query.
_LONGEST_ACCEPT = 2000


def create_app(
    engine: Asker, settings: Settings, prefixes: Mapping[str, str] | None = None, *, built: bool = True
) -> Flask:
    """Make the service over an engine.

    ``prefixes`` shorten Turtle and stand in the remedy of a query that lacks them. ``built`` is false when
    the engine does not hold a build: the questions and most pages know nothing of other data.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = settings.body_limit
    app.extensions[EXTENSION] = Service(
        engine=engine,
        store=ServedStore(),
        settings=settings,
        prefixes=dict(prefixes or {}),
        built=built,
        cache=Cache(settings.cache_bytes),
        # Reading a body or sending a large response holds a thread: a third is left for everything else.
        bodies=BoundedSemaphore(max(settings.threads // 3, 1)),
        transfers=BoundedSemaphore(max(min(settings.stream_limit, settings.threads // 3), 1)),
    )
    app.extensions[observation.METRICS] = observation.Metrics(app)
    for part in (protocol, description, pages, ontology, things, observation):
        app.register_blueprint(part.blueprint)
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(Her2kgError, problems.of_error)
    app.register_error_handler(HTTPException, problems.of_http)
    if behind := settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, behind, behind, behind, x_prefix=behind)  # type: ignore[method-assign]
    return app


def _finish(response: Response) -> Response:
    return observation.finish(transfer.limit_transfers(response))


def _begin() -> None:
    """Note when a request began, and refuse one whose Host or Accept header no client sends."""
    observation.begin()
    host = request.environ.get("HTTP_HOST", "")
    if (not host and request.environ["SERVER_PROTOCOL"] == "HTTP/1.1") or "," in host:
        abort(400, "the request needs one Host header; add it")
    if len(request.headers.get("Accept", "")) > _LONGEST_ACCEPT:
        abort(431, f"the Accept header has more than {_LONGEST_ACCEPT:,} characters; accept fewer types")
