"""Answer a query in an HTTP response: cached, conditional, compressed."""

from __future__ import annotations

import gzip
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response, g, request
from werkzeug.exceptions import PreconditionFailed

from her2kg.service import negotiation
from her2kg.service.served import ask, service, tag
from her2kg.service.transfer import read_pieces
from her2kg.sparql.syntax import is_stable

if TYPE_CHECKING:
    from her2kg.sparql.pool import Job, Reply

#: Answers of at least this many bytes are compressed.
_WORTH_GZIP = 1000


def answered(job: Job) -> Response:
    """Answer a query for the current request; raises as `Pool.ask` does, or HTTPException."""
    version = service().engine.version
    known = request.if_none_match
    if not known.star_tag and request.method != "POST" and known.contains_weak(tag(version, job)):
        g.outcome = "cached"
        return _with_tag(Response(status=HTTPStatus.NOT_MODIFIED), version, job)
    reply = ask(job)
    if reply.content is None:
        raise negotiation.unacceptable(negotiation.FAMILIES[reply.form])
    response = _response(reply, job.formats[reply.form])
    if not is_stable(job.text):
        response.cache_control.no_store = True
        return response
    _with_tag(response, reply.version, job)
    if request.method == "POST" and known.contains_weak(response.get_etag()[0] or ""):
        raise PreconditionFailed("the answer is the one that If-None-Match excludes; leave out that header")
    response.make_conditional(request)
    return response


def _response(reply: Reply, media_type: str) -> Response:
    content_type = negotiation.content_type(media_type)
    packs = request.accept_encodings["gzip"] > 0
    content = reply.content
    if isinstance(content, bytes):
        packed = packs and len(content) >= _WORTH_GZIP
        response = Response(gzip.compress(content, 5, mtime=0) if packed else content)
    elif content is not None:
        packed = packs
        response = Response(read_pieces(content, packed=packs))
        response.call_on_close(content.close)
    if packed:
        response.content_encoding = "gzip"
    response.content_type = content_type
    return response


def _with_tag(response: Response, version: str, job: Job) -> Response:
    # Weak: compressed and plain bytes have one tag, and names of blank nodes differ from run to run.
    response.set_etag(tag(version, job), weak=True)
    response.cache_control.public = True
    response.cache_control.max_age = 0
    response.cache_control.must_revalidate = True
    return response
