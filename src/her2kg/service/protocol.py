"""The SPARQL 1.1 Protocol for queries: GET, POST form and POST of the query; and what the endpoint is."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from her2kg.answer.explanation import Finding
from her2kg.service import description, negotiation, observation
from her2kg.service.pages import language
from her2kg.service.served import served
from her2kg.service.spool import spooled
from her2kg.waiting import aside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.datastructures import Headers

    from her2kg.answer.cache import Cache
    from her2kg.answer.workers import Reply

blueprint = Blueprint("protocol", __name__)

_FORM = "application/x-www-form-urlencoded"
_DIRECT = "application/sparql-query"
#: Bytes of an answer that are awaited before any of it is sent: what fails till then is a clean problem.
_HELD = 1 << 20
#: Below so many bytes it does not pay to compress; from so many on others are not to wait for it.
_WORTH_GZIP, _LONG_GZIP = 1000, 50_000
#: Functions whose value is another each time, so that an answer cannot be known again.
_CHANGING = re.compile(r"\b(?:NOW|RAND|UUID|STRUUID|BNODE)\b", re.IGNORECASE)


class _Answer(Response):
    """A response whose headers are complete; there is nothing for Flask to work out."""

    def get_wsgi_headers(self, environ: Any) -> Headers:  # noqa: ARG002 - as it is called
        return self.headers


def _pairs(environ: dict[str, Any]) -> list[tuple[str, str]]:
    """Give the parameters of the address and of the form as they were sent; raises BadRequest.

    Flask would put a sign in the place of bytes that are no UTF-8, and ask something else.
    """
    encoded = environ["QUERY_STRING"].encode("latin-1")
    if environ["REQUEST_METHOD"] == "POST" and request.mimetype == _FORM:
        encoded = b"&".join(filter(None, [encoded, request.get_data(cache=True)]))
    try:
        return [
            (_decoded(name), _decoded(value))
            for name, _, value in (part.partition(b"=") for part in encoded.split(b"&") if part)
        ]
    except UnicodeDecodeError as error:
        raise BadRequest("the parameters are not UTF-8; send them as UTF-8") from error


def _decoded(text: bytes) -> str:
    """Decode a name or a value of a form (WHATWG URL, 5.1)."""
    text = text.replace(b"+", b" ")
    if b"%" not in text:
        return text.decode("utf-8")
    try:
        # Python's own decoder of escapes is twenty times as fast as urllib on a query, which is full of them.
        escaped = text.replace(b"\\", b"\\\\").replace(b"%", b"\\x").decode("unicode_escape")
    except UnicodeDecodeError:  # a percent sign that begins no escape stands for itself
        return unquote_to_bytes(text).decode("utf-8")
    return escaped.encode("latin-1").decode("utf-8")


def _query_text(pairs: list[tuple[str, str]], environ: dict[str, Any]) -> str:
    """Read the one query of a request; raises BadRequest or UnsupportedMediaType."""
    queries = [value for name, value in pairs if name == "query"]
    if environ["REQUEST_METHOD"] == "POST":
        if request.mimetype not in {_FORM, _DIRECT}:
            raise UnsupportedMediaType(
                f"the media type {request.mimetype[:60]!r} is no query; post one as {_FORM} or {_DIRECT}"
            )
        charset = request.mimetype_params.get("charset", "utf-8")
        if charset.casefold().replace("_", "-") not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedMediaType(f"the charset {charset[:40]!r} is not read; send UTF-8")
        if request.mimetype == _DIRECT:
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
    environ = request.environ
    pairs = _pairs(environ)
    if environ["REQUEST_METHOD"] != "POST" and not any(name in {"query", "update"} for name, _ in pairs):
        return description.service()
    text = _query_text(pairs, environ)
    default = [value for name, value in pairs if name == "default-graph-uri"]
    named = [value for name, value in pairs if name == "named-graph-uri"]
    observation.asked(environ, text)
    _, workers = served()
    if ("explain", "1") in pairs:
        lang = language()
        findings = [Finding(**found).told(lang) for found in workers.explain(text, default, named)]
        return jsonify(query=text, findings=findings)
    accept = environ.get("HTTP_ACCEPT", "")
    form = next((value for name, value in pairs if name == "format"), "")
    tag = _tag(text, [workers.version, text, *default, "|", *named, "|", form, accept])
    cache: Cache = current_app.config["CACHE"]
    if tag:
        if "HTTP_IF_NONE_MATCH" in environ and request.if_none_match.contains_weak(tag):
            return _tagged(Response(status=304), tag)
        if cached := cache.get(tag):
            observation.outcome("cached")
            return _tagged(_whole(cached[1], cached[0]), tag)
    reply = workers.ask(text, default, named, negotiation.formats(accept, form))
    if not reply.fits:
        raise negotiation.unfit(accept, form, reply.form)
    media_type = negotiation.formats(accept, form)[reply.form]
    if reply.whole is not None:
        if tag:
            cache.keep(tag, media_type, reply.whole)
        return _tagged(_whole(reply.whole, media_type), tag)
    try:
        return _tagged(_long(reply, media_type, tag), tag)
    except BaseException:
        reply.close()
        raise


def _tag(text: str, parts: list[str]) -> str:
    """Name the answer by the data and all that it depends on; nothing when it differs each time."""
    if _CHANGING.search(text):
        return ""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _tagged(response: Response, tag: str) -> Response:
    if tag:
        response.headers["ETag"] = f'W/"{tag}"'
        response.headers["Cache-Control"] = "public, max-age=0, must-revalidate"
    else:
        response.headers["Cache-Control"] = "no-store"
    return response


def _long(reply: Reply, media_type: str, tag: str) -> Response:
    """Give an answer that comes in pieces at once when it is not too large, else as it comes."""
    pieces, held, size = reply.pieces(), [], 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _HELD:
            break
    else:
        content = b"".join(held)
        if tag:
            cache: Cache = current_app.config["CACHE"]
            cache.keep(tag, media_type, content)
        return _whole(content, media_type)
    rest = spooled(pieces)
    streamed: Iterator[bytes] = chain(held, rest)
    response = Response(mimetype=media_type)
    if _takes_gzip():
        streamed = _zipped(streamed)
        response.content_encoding = "gzip"
    response.response = streamed
    # What is taken from the worker must end before the worker is given up.
    response.call_on_close(getattr(rest, "close", reply.close))
    return response


def _whole(content: bytes, media_type: str) -> Response:
    packed = len(content) >= _WORTH_GZIP and _takes_gzip()
    if packed:
        content = aside(_packed, content) if len(content) > _LONG_GZIP else _packed(content)
    if media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    headers = [("Content-Type", media_type), ("Content-Length", str(len(content)))]
    if packed:
        headers.append(("Content-Encoding", "gzip"))
    return _Answer(content, headers=headers)


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, 5, mtime=0)


def _takes_gzip() -> bool:
    return "HTTP_ACCEPT_ENCODING" in request.environ and request.accept_encodings["gzip"] > 0


def _zipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(5, zlib.DEFLATED, 31)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
