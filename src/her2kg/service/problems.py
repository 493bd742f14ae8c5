"""The one error shape of the service: RFC 9457 problem details, JSON for programs, a page for people."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, current_app, json, render_template, request

from her2kg.errors import (
    BackendError,
    BusyError,
    CrashError,
    FormatError,
    Her2kgError,
    LimitError,
    NotationError,
    QueryError,
    UnknownQuestionError,
)
from her2kg.service import observation
from her2kg.service.negotiation import wants_page
from her2kg.sparql.syntax import with_iri


def problem(status: int, detail: str, remedy: str = "", **more: Any) -> Response:
    """Give a problem response with title, detail and remedy."""
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if remedy:
        body["remedy"] = remedy
    body.update({name: value for name, value in more.items() if value})
    if wants_page(request):
        return Response(render_template("problem.html", problem=body), status, mimetype="text/html")
    return Response(json.dumps(body), status, mimetype="application/problem+json")


#: Seconds after which it is worth to ask again.
_RETRY_AFTER = "5"
_STATUS = {
    UnknownQuestionError: HTTPStatus.NOT_FOUND,
    NotationError: HTTPStatus.NOT_FOUND,
    FormatError: HTTPStatus.NOT_ACCEPTABLE,
    CrashError: HTTPStatus.INTERNAL_SERVER_ERROR,
    BusyError: HTTPStatus.SERVICE_UNAVAILABLE,
}
_LIMIT_STATUS = {
    "time": HTTPStatus.SERVICE_UNAVAILABLE,
    "memory": HTTPStatus.INSUFFICIENT_STORAGE,
    "answer": HTTPStatus.INSUFFICIENT_STORAGE,
    "rows": HTTPStatus.INSUFFICIENT_STORAGE,
    "length": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
#: What the metrics and the log call what became of a query.
_OUTCOMES = {
    QueryError: "invalid",
    FormatError: "format",
    CrashError: "crash",
    BusyError: "busy",
}


def of_error(error: Her2kgError) -> Response:
    """Give the problem response of one of our errors."""
    status = _STATUS.get(type(error), HTTPStatus.BAD_REQUEST)
    observation.outcome(
        request.environ, error.what if isinstance(error, LimitError) else _OUTCOMES.get(type(error), "")
    )
    if isinstance(error, LimitError):
        status = _LIMIT_STATUS[error.what]
    if isinstance(error, BackendError):
        status = HTTPStatus.GATEWAY_TIMEOUT if error.timed_out else HTTPStatus.BAD_GATEWAY
    if isinstance(error, BusyError):
        response = problem(status, error.problem, error.remedy)
        response.headers["Retry-After"] = _RETRY_AFTER
        return response
    if isinstance(error, QueryError):
        error.remedy = with_iri(error.remedy, current_app.config["PREFIXES"])
    if isinstance(error, QueryError) and error.line:
        # The place stands in fields of its own, so it need not stand before the detail.
        detail = error.problem.removeprefix(f"{error.line}:{error.column}: ")
        return problem(status, detail, error.remedy, line=error.line, column=error.column)
    return problem(status, error.problem, error.remedy)
