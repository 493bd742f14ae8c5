"""The SPARQL 1.1 Protocol for queries: GET, POST form and POST of the query; and what the endpoint is."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from her2kg.answer.explanation import Finding
from her2kg.service import description, negotiation
from her2kg.service.pages import language

if TYPE_CHECKING:
    from collections.abc import Iterator

    from her2kg.answer.store import Store
    from her2kg.answer.workers import Reply, Workers

blueprint = Blueprint("protocol", __name__)

_FORM = "application/x-www-form-urlencoded"
_DIRECT = "application/sparql-query"
#: Bytes of an answer that are awaited before any of it is sent: what fails till then is a clean problem.
_HELD = 1 << 20
#: Below so many bytes it does not pay to compress.
_WORTH_GZIP = 1000
#: Functions whose value is another each time, so that an answer cannot be known again.
_CHANGING = re.compile(r"\b(?:NOW|RAND|UUID|STRUUID|BNODE)\b", re.IGNORECASE)
#: Formats of each form of answer.
_FAMILIES = {
    "table": negotiation.RESULTS,
    "truth": {name: negotiation.RESULTS[name] for name in ("json", "xml")},
    "triples": negotiation.GRAPHS,
}


def _pairs() -> list[tuple[str, str]]:
    """Give the parameters of the address and of the form as they were sent; raises BadRequest.

    Flask would put a sign in the place of bytes that are no UTF-8, and ask something else.
    """
    encoded = [request.query_string]
    if request.method == "POST" and request.mimetype == _FORM:
        encoded.append(request.get_data(cache=True))
    try:
        return [
            pair
            for part in encoded
            for pair in parse_qsl(part.decode("utf-8"), keep_blank_values=True, errors="strict")
        ]
    except (UnicodeDecodeError, ValueError) as error:
        raise BadRequest("the parameters are not UTF-8; send them as UTF-8") from error


def _query_text(pairs: list[tuple[str, str]]) -> str:
    """Read the one query of a request; raises BadRequest or UnsupportedMediaType."""
    queries = [value for name, value in pairs if name == "query"]
    if request.method == "POST" and request.mimetype not in {_FORM, _DIRECT}:
        raise UnsupportedMediaType(
            f"the media type {request.mimetype[:60]!r} is no query; post one as {_FORM} or {_DIRECT}"
        )
    charset = request.mimetype_params.get("charset", "utf-8")
    if charset.casefold().replace("_", "-") not in {"utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMediaType(f"the charset {charset[:40]!r} is not read; send UTF-8")
    if request.method == "POST" and request.mimetype == _DIRECT:
        try:
            queries.append(request.get_data().decode("utf-8"))
        except UnicodeDecodeError as error:
            raise BadRequest("the query is not UTF-8; send it as UTF-8") from error
    if any(name == "update" for name, _ in pairs):
        raise BadRequest("updates are refused: the graph is read-only; send a query")
    if len(queries) != 1:
        raise BadRequest(f"give one query, not {len(queries)}; name it query")
    return queries[0]


@blueprint.route("/sparql", methods=["GET", "POST"])
def sparql() -> Response:
    """Answer one query in the format asked for; without any, say what the endpoint is and can."""
    pairs = _pairs()
    if request.method != "POST" and not any(name in {"query", "update"} for name, _ in pairs):
        return description.service()
    text = _query_text(pairs)
    default, named = (
        [value for name, value in pairs if name == wanted]
        for wanted in ("default-graph-uri", "named-graph-uri")
    )
    if ("explain", "1") in pairs:
        lang = language()
        findings = [Finding(**found).told(lang) for found in _workers().explain(text, default, named)]
        return jsonify(query=text, findings=findings)
    tag = _tag(text, default, named)
    if tag and request.if_none_match.contains_weak(tag):
        return _tagged(Response(status=304), tag)
    reply = _workers().ask(text, default, named)
    try:
        return _tagged(_respond(reply), tag)
    except BaseException:
        reply.close()
        raise


def _workers() -> Workers:
    workers: Workers = current_app.config["WORKERS"]
    return workers


def _tag(text: str, default: list[str], named: list[str]) -> str:
    """Name the answer by the data and all that it depends on; nothing when it differs each time."""
    if _CHANGING.search(text):
        return ""
    store: Store = current_app.config["STORE"]
    parts = [store.version, text, *default, "|", *named, "|", request.values.get("format", "")]
    parts += [request.headers.get("Accept", "")]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _tagged(response: Response, tag: str) -> Response:
    if tag:
        response.set_etag(tag, weak=True)
        response.headers["Cache-Control"] = "public, max-age=0, must-revalidate"
    else:
        response.headers["Cache-Control"] = "no-store"
    return response


def _respond(reply: Reply) -> Response:
    """Give an answer at once when it is small, else as it comes."""
    media_type = negotiation.choose(request, _FAMILIES[reply.form])
    prefixes: dict[str, str] = current_app.config["PREFIXES"]
    reply.choose(media_type, prefixes if media_type in {"text/turtle", "application/trig"} else None)
    pieces, held, size = reply.pieces(), [], 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _HELD:
            break
    else:
        return _whole(b"".join(held), media_type)
    streamed: Iterator[bytes] = chain(held, pieces)
    response = Response(mimetype=media_type)
    if _takes_gzip():
        streamed = _zipped(streamed)
        response.content_encoding = "gzip"
    response.response = streamed
    response.call_on_close(reply.close)
    return response


def _whole(content: bytes, media_type: str) -> Response:
    if len(content) < _WORTH_GZIP or not _takes_gzip():
        return Response(content, mimetype=media_type)
    response = Response(gzip.compress(content, 5, mtime=0), mimetype=media_type)
    response.content_encoding = "gzip"
    return response


def _takes_gzip() -> bool:
    return request.accept_encodings["gzip"] > 0


def _zipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(5, zlib.DEFLATED, 31)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
