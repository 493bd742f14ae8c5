"""The Flask application, made from a store and the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.middleware.proxy_fix import ProxyFix

from her2kg.errors import Her2kgError
from her2kg.service import description, ontology, pages, problems, protocol, things

if TYPE_CHECKING:
    from collections.abc import Mapping

    from her2kg.answer.store import Store
    from her2kg.answer.workers import Workers
    from her2kg.settings import Settings


def create_app(
    store: Store,
    workers: Workers,
    settings: Settings,
    prefixes: Mapping[str, str] | None = None,
    *,
    built: bool = True,
) -> Flask:
    """Make the service over a read-only store, and over the workers that answer the queries of strangers.

    ``prefixes`` shorten the Turtle of answers; ``built`` is false when the store holds files of the
    user's own, about which the questions know nothing.
    """
    app = Flask(__name__)
    app.config.update(
        STORE=store,
        WORKERS=workers,
        SETTINGS=settings,
        PREFIXES=dict(prefixes or {}),
        BUILT=built,
        MAX_CONTENT_LENGTH=settings.body_limit,
        MAX_FORM_MEMORY_SIZE=settings.body_limit,
    )
    if behind := settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, behind, behind, behind, x_prefix=behind)  # type: ignore[method-assign]
    app.register_blueprint(protocol.blueprint)
    app.register_blueprint(description.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(ontology.blueprint)
    app.register_blueprint(things.blueprint)
    app.register_error_handler(Her2kgError, problems.of_error)
    app.register_error_handler(HTTPException, _of_http)
    app.after_request(_guarded)
    return app


def _of_http(error: HTTPException) -> Response:
    detail, _, remedy = (error.description or error.name).partition("; ")
    response = problems.problem(error.code or 500, detail, remedy)
    if isinstance(error, MethodNotAllowed):
        response.allow.update(error.valid_methods or ())
    return response


#: Pages load their own style and nothing else, run nothing, and stand in no frame.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def _guarded(response: Response) -> Response:
    """Let pages of any origin read, for the graph is public and nothing can be written; forbid the rest."""
    response.access_control_allow_origin = "*"
    response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = "Accept, Content-Type, If-None-Match"
    response.headers["Access-Control-Expose-Headers"] = "ETag, Retry-After"
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.vary.update(["Accept", "Accept-Encoding"])
    return response
