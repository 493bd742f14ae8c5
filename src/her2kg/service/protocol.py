"""The SPARQL 1.1 Protocol for queries: GET, POST of a form, and POST of the query itself."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple
from urllib.parse import parse_qsl

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.exceptions import (
    BadRequest,
    RequestEntityTooLarge,
    RequestTimeout,
    UnsupportedMediaType,
)

from her2kg.service import description, negotiation
from her2kg.service.pages import language
from her2kg.service.responses import answered
from her2kg.service.served import service
from her2kg.service.transfer import held
from her2kg.sparql.pool import EXPLAIN, Job

blueprint = Blueprint("protocol", __name__)

_FORM = "application/x-www-form-urlencoded"
_DIRECT = "application/sparql-query"
_UTF_8 = frozenset({"", "utf-8", "utf8", "utf_8", "us-ascii"})
#: Parameters that a request may have.
_PARAMETERS = 100


class _Request(NamedTuple):
    """What a request says: its query, if there is one, and its other parameters."""

    query: str | None
    pairs: list[tuple[str, str]]

    def values(self, name: str) -> list[str]:
        """Give the values of a parameter that are not empty."""
        return [value for key, value in self.pairs if key == name and value]

    def first(self, *names: str) -> str:
        """Give the first value of the first parameter that has one."""
        return next((value for name in names for value in self.values(name)), "")


@blueprint.route("/sparql", methods=["GET", "POST"])
def sparql() -> Response:
    """Answer a query, explain why it has no answer, or describe the endpoint when there is no query."""
    received = _read()
    if received.query is None:
        return description.service()
    accept, word = request.headers.get("Accept", ""), received.first(*negotiation.PARAMETERS)
    job = Job(
        received.query,
        received.values("default-graph-uri"),
        received.values("named-graph-uri"),
        negotiation.formats(accept, word),
        f"{request.scheme}://{request.host}{request.script_root}{request.path}",
    )
    g.query, g.outcome = job.text, "answered"
    if ("explain", "1") in received.pairs:
        return _explained(job, received.first("lang"))
    return answered(job)


def _explained(job: Job, lang: str) -> Response:
    from her2kg.answer.explanation import Finding  # noqa: PLC0415 - it needs much that queries do not

    lang = language(lang or "en")
    findings = service().engine.run(replace(job, task=EXPLAIN), request.remote_addr or "")
    return jsonify(query=job.text, findings=[Finding(**finding).told(lang) for finding in findings])


def _read() -> _Request:
    """Read the request; raises HTTPException, or BusyError when too many bodies are being received."""
    pairs = _pairs(request.query_string)
    queries = []
    if request.method == "POST":
        if request.mimetype not in {_FORM, _DIRECT}:
            raise UnsupportedMediaType(
                f"the media type {request.mimetype[:60]!r} is not a query; post it as {_FORM} or {_DIRECT}"
            )
        charset = request.mimetype_params.get("charset", "")
        if charset.casefold() not in _UTF_8:
            raise UnsupportedMediaType(f"the charset {charset[:40]!r} is not supported; send UTF-8")
        body = _body()
        if request.mimetype == _FORM:
            pairs += _pairs(body)
        else:
            queries.append(_text(body))
    queries += [value for name, value in pairs if name == "query"]
    if any(name == "update" for name, _ in pairs):
        raise BadRequest("the graph is read-only; send a query, not an update")
    if not queries and request.method != "POST":
        return _Request(None, pairs)
    if len(queries) != 1:
        raise BadRequest(f"the request has {len(queries)} queries; send one, in the parameter query")
    return _Request(queries[0], pairs)


def _body() -> bytes:
    """Receive the body; it holds this thread meanwhile, so the number of bodies in receipt is limited."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise UnsupportedMediaType(f"the body has the Content-Encoding {encoding[:40]!r}; leave it out")
    with held(service().bodies, "too many request bodies are being received"):
        body = request.get_data(cache=False)
    # Of a body without a length werkzeug gives as much as is allowed, and does not say that there is more.
    if request.content_length is None and len(body) >= service().settings.body_limit:
        raise RequestEntityTooLarge
    if len(body) < (request.content_length or 0):
        raise RequestTimeout("the body did not arrive in time; send it faster")
    return body


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("the request is not UTF-8; send it as UTF-8") from error


def _pairs(encoded: bytes) -> list[tuple[str, str]]:
    """Decode the parameters of an address or a form; werkzeug would replace what is not UTF-8."""
    try:
        return parse_qsl(_text(encoded), keep_blank_values=True, errors="strict", max_num_fields=_PARAMETERS)
    except UnicodeDecodeError as error:
        raise BadRequest("the parameters are not UTF-8; send them as UTF-8") from error
    except ValueError as error:
        raise BadRequest(f"the request has more than {_PARAMETERS} parameters; send fewer") from error
