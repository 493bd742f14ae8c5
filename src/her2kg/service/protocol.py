"""The SPARQL 1.1 Protocol for queries: GET, POST form and POST of the query; and what the endpoint is."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_to_bytes

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.http import parse_accept_header, parse_etags, parse_options_header
from werkzeug.wsgi import get_input_stream

from her2kg.answer.explanation import Finding
from her2kg.service import description, negotiation, observation
from her2kg.service.pages import language
from her2kg.service.served import served
from her2kg.service.spool import spooled
from her2kg.waiting import aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from her2kg.answer.cache import Cache
    from her2kg.answer.workers import Reply
    from her2kg.service.served import Served

    Environ = dict[str, Any]

blueprint = Blueprint("protocol", __name__)

#: Where the endpoint is, and under which key a request carries what answering it raised.
PATH, RAISED = "/sparql", "her2kg.raised"
_READ = "her2kg.asked"
_FORM = "application/x-www-form-urlencoded"
_DIRECT = "application/sparql-query"
#: Bytes of an answer that are awaited before any of it is sent: what fails till then is a clean problem.
_HELD = 1 << 20
#: Below so many bytes it does not pay to compress; from so many on others are not to wait for it.
_WORTH_GZIP, _LONG_GZIP = 1000, 50_000
#: Functions whose value is another each time, so that an answer cannot be known again.
_CHANGING = re.compile(r"\b(?:NOW|RAND|UUID|STRUUID|BNODE)\b", re.IGNORECASE)


class Given(NamedTuple):
    """A response: status, headers, and the body whole or in pieces."""

    status: str
    headers: list[tuple[str, str]]
    body: list[bytes] | _Pieces


class _Pieces:
    """The body of a response that comes in pieces; closing it frees the worker."""

    def __init__(self, pieces: Iterator[bytes], close: Callable[[], None]) -> None:
        self._pieces = pieces
        self.close = close

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


class _Asked(NamedTuple):
    """What a request asks."""

    pairs: list[tuple[str, str]]
    query: str
    default: list[str]
    named: list[str]


def is_query(environ: Environ) -> bool:
    """Say whether a request to the endpoint is a query to be answered, and not about the endpoint or why."""
    return environ["PATH_INFO"] == PATH and (
        environ["REQUEST_METHOD"] == "POST"
        or (environ["REQUEST_METHOD"] in {"GET", "HEAD"} and "=" in environ["QUERY_STRING"])
    )


def answered(config: Mapping[str, Any], environ: Environ) -> Given | None:
    """Answer a query; nothing when Flask is to answer, since none was asked, or it is asked why.

    The way of a query through Flask would take longer than the query. Raises Her2kgError or HTTPException,
    of which Flask makes problems.
    """
    asked = _asked(config, environ)
    if asked is None or ("explain", "1") in asked.pairs:
        return None
    text = asked.query
    now: Served = config["SERVED"]  # a new build may take its place meanwhile
    workers = now.workers
    cache: Cache = config["CACHE"]
    accept = environ.get("HTTP_ACCEPT", "")
    form = next((value for name, value in asked.pairs if name == "format"), "")
    tag = _tag(text, [workers.version, text, *asked.default, "|", *asked.named, "|", form, accept])
    if tag:
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known and parse_etags(known).contains_weak(tag):
            return Given("304 NOT MODIFIED", _caching(tag), [])
        if cached := cache.get(tag):
            observation.outcome(environ, "cached")
            return _whole(environ, cached[1], cached[0], tag)
    formats = negotiation.formats(accept, form)
    if found := _looked_up(now, asked, formats):
        return _whole(environ, found, formats["table"], tag)
    reply = workers.ask(text, asked.default, asked.named, formats)
    if not reply.fits:
        raise negotiation.unfit(accept, form, reply.form)
    media_type = formats[reply.form]
    if reply.whole is not None:
        if tag:
            cache.keep(tag, media_type, reply.whole)
        return _whole(environ, reply.whole, media_type, tag)
    try:
        return _long(environ, reply, media_type, tag, cache)
    except BaseException:
        reply.close()
        raise


def _looked_up(now: Served, asked: _Asked, formats: Mapping[str, str]) -> bytes | None:
    """Answer on the spot what cannot take long; an answer beyond a limit is left to the workers to refuse."""
    if now.lookups is None or asked.default or asked.named or "table" not in formats:
        return None
    found = now.lookups.answer(asked.query, formats["table"])
    limits = now.workers.limits
    fits = found is not None and len(found) <= min(limits.answer, limits.rows)
    return found if fits and len(asked.query) <= limits.length else None


@blueprint.route(PATH, methods=["GET", "POST"])
def sparql() -> Response:
    """Say what the endpoint is and can, or why a query has no answer; queries were answered before."""
    environ = request.environ
    if error := environ.get(RAISED):
        raise error
    asked = _asked(current_app.config, environ)
    if asked is None:
        return description.service()
    lang = language(next((value for name, value in asked.pairs if name == "lang"), "en"))
    found = served().workers.explain(asked.query, asked.default, asked.named)
    return jsonify(query=asked.query, findings=[Finding(**finding).told(lang) for finding in found])


def _asked(config: Mapping[str, Any], environ: Environ) -> _Asked | None:
    """Read what is asked, once; nothing when no query is. Raises HTTPException."""
    if _READ not in environ:
        environ[_READ] = _read(config, environ)
    asked: _Asked | None = environ[_READ]
    return asked


def _read(config: Mapping[str, Any], environ: Environ) -> _Asked | None:
    encoded = [environ["QUERY_STRING"].encode("latin-1")]
    queries: list[str] = []
    if environ["REQUEST_METHOD"] == "POST":
        kind, options = parse_options_header(environ.get("CONTENT_TYPE", ""))
        if kind not in {_FORM, _DIRECT}:
            raise UnsupportedMediaType(
                f"the media type {kind[:60]!r} is no query; post one as {_FORM} or {_DIRECT}"
            )
        charset = options.get("charset", "utf-8")
        if charset.casefold().replace("_", "-") not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedMediaType(f"the charset {charset[:40]!r} is not read; send UTF-8")
        body = get_input_stream(environ, max_content_length=config["MAX_CONTENT_LENGTH"]).read()
        if kind == _FORM:
            encoded.append(body)
        else:
            try:
                queries.append(body.decode("utf-8"))
            except UnicodeDecodeError as error:
                raise BadRequest("the query is not UTF-8; send it as UTF-8") from error
    pairs = _pairs(b"&".join(filter(None, encoded)))
    queries += [value for name, value in pairs if name == "query"]
    if any(name == "update" for name, _ in pairs):
        raise BadRequest("updates are refused: the graph is read-only; send a query")
    if not queries and environ["REQUEST_METHOD"] != "POST":
        return None
    if len(queries) != 1:
        raise BadRequest(f"give one query, not {len(queries)}; name it query")
    observation.asked(environ, queries[0])
    default = [value for name, value in pairs if name == "default-graph-uri"]
    named = [value for name, value in pairs if name == "named-graph-uri"]
    return _Asked(pairs, queries[0], default, named)


def _pairs(encoded: bytes) -> list[tuple[str, str]]:
    """Give the parameters of the address and of the form as they were sent; raises BadRequest.

    Flask would put a sign in the place of bytes that are no UTF-8, and ask something else.
    """
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


def _tag(text: str, parts: list[str]) -> str:
    """Name the answer by the data and all that it depends on; nothing when it differs each time."""
    if "(" in text and _CHANGING.search(text):  # each is called with brackets
        return ""
    return hashlib.blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _caching(tag: str) -> list[tuple[str, str]]:
    if not tag:
        return [("Cache-Control", "no-store")]
    return [("ETag", f'W/"{tag}"'), ("Cache-Control", "public, max-age=0, must-revalidate")]


def _typed(media_type: str) -> tuple[str, str]:
    return "Content-Type", f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def _whole(environ: Environ, content: bytes, media_type: str, tag: str) -> Given:
    packed = len(content) >= _WORTH_GZIP and _takes_gzip(environ)
    if packed:
        content = aside(_packed, content) if len(content) > _LONG_GZIP else _packed(content)
    headers = [_typed(media_type), ("Content-Length", str(len(content))), *_caching(tag)]
    if packed:
        headers.append(("Content-Encoding", "gzip"))
    return Given("200 OK", headers, [] if environ["REQUEST_METHOD"] == "HEAD" else [content])


def _long(environ: Environ, reply: Reply, media_type: str, tag: str, cache: Cache) -> Given:
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
            cache.keep(tag, media_type, content)
        return _whole(environ, content, media_type, tag)
    rest = spooled(pieces)
    headers = [_typed(media_type), *_caching(tag)]
    if environ["REQUEST_METHOD"] == "HEAD":
        rest.close()
        return Given("200 OK", headers, [])
    streamed: Iterator[bytes] = chain(held, rest)
    if _takes_gzip(environ):
        streamed = _zipped(streamed)
        headers.append(("Content-Encoding", "gzip"))
    return Given("200 OK", headers, _Pieces(streamed, rest.close))


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, 5, mtime=0)


def _takes_gzip(environ: Environ) -> bool:
    accepted = environ.get("HTTP_ACCEPT_ENCODING")
    return bool(accepted) and parse_accept_header(accepted)["gzip"] > 0


def _zipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(5, zlib.DEFLATED, 31)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
