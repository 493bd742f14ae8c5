"""The Flask application, made from a store and the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from her2kg.errors import Her2kgError
from her2kg.service import pages, problems, protocol

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
    )
    app.register_blueprint(protocol.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_error_handler(Her2kgError, problems.of_error)
    app.register_error_handler(HTTPException, _of_http)
    return app


def _of_http(error: HTTPException) -> Response:
    return problems.problem(error.code or 500, error.description or error.name)
