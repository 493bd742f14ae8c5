"""The Flask application, made from a store and the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from her2kg.errors import Her2kgError
from her2kg.service import ontology, pages, problems, protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from her2kg.answer.store import Store
    from her2kg.settings import Settings


def create_app(
    store: Store, settings: Settings, prefixes: Mapping[str, str] | None = None, *, built: bool = True
) -> Flask:
    """Make the service over a read-only store.

    ``prefixes`` shorten the Turtle of answers; ``built`` is false when the store holds files of the
    user's own, about which the questions know nothing.
    """
    app = Flask(__name__)
    app.config.update(
        STORE=store,
        SETTINGS=settings,
        PREFIXES=dict(prefixes or {}),
        BUILT=built,
        MAX_CONTENT_LENGTH=settings.body_limit,
        MAX_FORM_MEMORY_SIZE=settings.body_limit,
    )
    app.register_blueprint(protocol.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(ontology.blueprint)
    app.register_error_handler(Her2kgError, problems.of_error)
    app.register_error_handler(HTTPException, _of_http)
    app.after_request(_open_to_all)
    return app


def _of_http(error: HTTPException) -> Response:
    response = problems.problem(error.code or 500, error.description or error.name)
    if isinstance(error, MethodNotAllowed):
        response.allow.update(error.valid_methods or ())
    return response


def _open_to_all(response: Response) -> Response:
    """Let pages of any origin read: the graph is public and nothing can be written."""
    response.access_control_allow_origin = "*"
    response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = "Accept, Content-Type"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.vary.add("Accept")
    return response
