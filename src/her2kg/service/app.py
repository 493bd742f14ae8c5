"""The Flask application, made from a store and the settings."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, current_app, request
from flask.sessions import SessionInterface
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import MapAdapter

from her2kg.answer.cache import Cache
from her2kg.errors import Her2kgError, shortened
from her2kg.service import description, observation, ontology, pages, problems, protocol, things
from her2kg.service.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Request

    from her2kg.answer.lookups import Lookups
    from her2kg.answer.remote import RemoteWorkers
    from her2kg.answer.workers import Pool
    from her2kg.settings import Settings
    from her2kg.sparql.store import Answerer


class _NoSessions(SessionInterface):
    """Nobody is known again: no cookie is read or set."""

    def open_session(self, *_: Any) -> Any:
        return {}

    def save_session(self, *_: Any) -> None:
        """Keep nothing."""


class _Service(Flask):
    """Flask without what this service has not: hooks, signals, sessions, hosts of several names."""

    session_interface = _NoSessions()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Bind the routes to a request."""
        if request is None:
            return super().create_url_adapter(request)
        environ = request.environ
        return MapAdapter(
            self.url_map,
            environ.get("HTTP_HOST") or environ["SERVER_NAME"],
            environ.get("SCRIPT_NAME") or "/",
            "",
            environ["wsgi.url_scheme"],
            request.path,
            environ["REQUEST_METHOD"],
            environ["QUERY_STRING"],
        )

    def wsgi_app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Answer a request; queries are answered before there is anything of Flask's about them."""
        if protocol.is_query(environ):
            observation.route(environ, protocol.PATH)
            try:
                given = protocol.answered(self.config, environ)
            except Exception as error:  # noqa: BLE001 - Flask makes a problem of whatever it is
                environ[protocol.RAISED] = error
            else:
                if given:
                    start_response(given.status, given.headers)
                    return given.body
        return super().wsgi_app(environ, start_response)

    def full_dispatch_request(self) -> Response:
        """Answer a request; errors become problems."""
        try:
            if request.url_rule:
                observation.route(request.environ, request.url_rule.rule)
            answer = self.dispatch_request()
        except Exception as error:  # noqa: BLE001 - Flask's own way, which finds the handler
            answer = self.handle_user_exception(error)
        return self.make_response(answer)


def create_app(  # noqa: PLR0913 - what is served, and how
    store: Answerer,
    workers: Pool | RemoteWorkers,
    settings: Settings,
    prefixes: Mapping[str, str] | None = None,
    *,
    built: bool = True,
    lookups: Lookups | None = None,
) -> Flask:
    """Make the service over a read-only store, and over the workers that answer the queries of strangers.

    ``prefixes`` are declared in the remedy of a query that lacks them; ``built`` is false when the store
    holds files of the user's own, about which the questions know nothing. ``lookups`` answers on the spot
    what can.
    """
    app = _Service(__name__)
    app.config.update(
        SERVED=Served(store, workers, lookups),
        CACHE=Cache(settings.cache_bytes),
        SETTINGS=settings,
        PREFIXES=dict(prefixes or {}),
        BUILT=built,
        ENDING=False,
        MAX_CONTENT_LENGTH=settings.body_limit,
        MAX_FORM_MEMORY_SIZE=settings.body_limit,
    )
    for part in (protocol, description, pages, ontology, things, observation):
        app.register_blueprint(part.blueprint)
    app.register_error_handler(Her2kgError, problems.of_error)
    app.register_error_handler(HTTPException, _of_http)
    app.config["METRICS"] = counted = observation.Metrics(app)
    app.wsgi_app = observation.Observed(app, counted, log=settings.log == "requests")  # type: ignore[method-assign]
    if behind := settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, behind, behind, behind, x_prefix=behind)  # type: ignore[method-assign]
    return app


def _of_http(error: HTTPException) -> Response:
    """Tell an error of HTTP in our words: what is wrong; what to do."""
    if isinstance(error, MethodNotAllowed):
        allowed = sorted(error.valid_methods or ())
        response = problems.problem(
            HTTPStatus.METHOD_NOT_ALLOWED,
            f"{shortened(request.method, 20)} is not allowed here",
            f"use {', '.join(allowed)}" if allowed else "",
        )
        response.allow.update(allowed)
        return response
    if isinstance(error, NotFound) and error.description == NotFound.description:
        detail = f"there is nothing at {shortened(request.path, 120)}"
        return problems.problem(HTTPStatus.NOT_FOUND, detail, f"begin at {request.script_root}/")
    if isinstance(error, RequestEntityTooLarge):
        detail = f"the request carries more than {current_app.config['MAX_CONTENT_LENGTH']:,} bytes"
        return problems.problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, "send less")
    detail, _, remedy = (error.description or error.name).partition("; ")
    return problems.problem(error.code or 500, detail, remedy)
