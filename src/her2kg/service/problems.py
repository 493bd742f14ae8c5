"""The one error shape of the service: RFC 9457 problem details, JSON for programs, a page for people."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Response, g, json, render_template, request
from werkzeug.exceptions import MethodNotAllowed, NotFound, RequestEntityTooLarge

from her2kg.errors import BusyError, QueryError, shortened
from her2kg.service.negotiation import wants_page
from her2kg.service.served import service
from her2kg.sparql.syntax import with_iri

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException

    from her2kg.errors import Her2kgError


def problem(status: int, detail: str, remedy: str = "", **more: Any) -> Response:
    """Give a problem response with title, detail and remedy."""
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if remedy:
        body["remedy"] = remedy
    body.update({name: value for name, value in more.items() if value})
    if wants_page(request):
        return Response(render_template("problem.html", problem=body), status, mimetype="text/html")
    return Response(json.dumps(body), status, mimetype="application/problem+json")


#: Seconds after which it is worth to repeat a request.
_RETRY_AFTER = 5


def of_error(error: Her2kgError) -> Response:
    """Give the problem response of one of our errors."""
    g.outcome = error.outcome
    if not isinstance(error, QueryError):
        response = problem(error.status, error.problem, error.remedy)
    else:
        remedy = with_iri(error.remedy, service().prefixes)
        # The place stands in fields of its own, so it need not stand before the detail.
        detail = error.problem.removeprefix(f"{error.line}:{error.column}: ")
        response = problem(error.status, detail, remedy, line=error.line, column=error.column)
    if isinstance(error, BusyError):
        response.retry_after = _RETRY_AFTER
    return response


def of_http(error: HTTPException) -> Response:
    """Say in our words what is wrong with a request, and what to do."""
    if isinstance(error, MethodNotAllowed):
        allowed = sorted(error.valid_methods or ())
        response = problem(
            HTTPStatus.METHOD_NOT_ALLOWED,
            f"{shortened(request.method, 20)} is not allowed here",
            f"use {', '.join(allowed)}" if allowed else "",
        )
        response.allow.update(allowed)
        return response
    if isinstance(error, NotFound) and error.description == NotFound.description:
        detail = f"there is nothing at {shortened(request.path, 120)}"
        return problem(HTTPStatus.NOT_FOUND, detail, f"start at {request.script_root}/")
    if isinstance(error, RequestEntityTooLarge):
        detail = f"the body of the request has more than {service().settings.body_limit:,} bytes"
        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, "send less")
    detail, _, remedy = (error.description or error.name).partition("; ")
    return problem(error.code or 500, detail, remedy)
