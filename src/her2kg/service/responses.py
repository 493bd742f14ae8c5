"""Answer a query in an HTTP response: cached, conditional, compressed."""

from __future__ import annotations

import gzip
from http import HTTPStatus
from os import SEEK_END
from typing import IO, TYPE_CHECKING

from flask import Response, g, request
from werkzeug.exceptions import PreconditionFailed

from her2kg.service import negotiation
from her2kg.service.served import ask, service, tag
from her2kg.service.transfer import read_pieces
from her2kg.sparql.pool import Job, Reply
from her2kg.sparql.syntax import is_stable

if TYPE_CHECKING:
    from collections.abc import Callable

#: Answers of at least this many bytes are compressed.
_WORTH_GZIP = 1000
_REVALIDATE = "public, max-age=0, must-revalidate"


def answered(job: Job) -> Response:
    """Answer a query for the current request; raises as `Pool.ask` does, or HTTPException."""
    version = service().engine.version
    name = tag(version, job)
    known = request.if_none_match
    if not known.star_tag and request.method != "POST" and known.contains_weak(name):
        g.outcome = "cached"
        return _tagged(Response(status=HTTPStatus.NOT_MODIFIED), name)
    reply = ask(job, name)
    if reply.content is None:
        raise negotiation.unacceptable(negotiation.FAMILIES[reply.form])
    response = _response(reply, job.formats[reply.form])
    if not is_stable(job.text):
        response.headers["Cache-Control"] = "no-store"
        return response
    if reply.version != version:  # the data were replaced meanwhile
        name = tag(reply.version, job)
    if known:
        if request.method == "POST" and known.contains_weak(name):
            raise PreconditionFailed("If-None-Match excludes this answer; leave that header out")
        return _tagged(response, name).make_conditional(request)  # type: ignore[return-value]
    return _tagged(response, name)


def page(render: Callable[[], str]) -> Response:
    """Give the page of the current URL, rendered once for each version of the data while there is room."""
    here = service()
    version = here.engine.version
    name = tag(version, Job(request.url, task="page"))
    kept = here.cache.get(name)
    if kept is None:
        kept = Reply("page", version, render().encode())
        here.cache.keep(name, kept)
    response = _response(kept, "text/html")
    return _tagged(response, name).make_conditional(request)  # type: ignore[return-value]


def _tagged(response: Response, name: str) -> Response:
    # Weak: compressed and plain bytes have one tag, and names of blank nodes differ from run to run.
    response.headers["ETag"] = f'W/"{name}"'
    response.headers["Cache-Control"] = _REVALIDATE
    return response


def _response(reply: Reply, media_type: str) -> Response:
    content_type = negotiation.content_type(media_type)
    content = reply.content
    packed = request.accept_encodings["gzip"] > 0
    if isinstance(content, bytes):
        packed = packed and len(content) >= _WORTH_GZIP
        content = gzip.compress(content, 5, mtime=0) if packed else content
        response = Response(content, content_type=content_type)
    elif content is not None:
        response = Response(read_pieces(content, packed=packed), content_type=content_type)
        response.call_on_close(content.close)
        if not packed:
            response.content_length = _size(content)
    if packed:
        response.content_encoding = "gzip"
    return response


def _size(file: IO[bytes]) -> int:
    """Count the bytes of a file that has not been read yet."""
    file.seek(0, SEEK_END)
    size = file.tell()
    file.seek(0)
    return size
