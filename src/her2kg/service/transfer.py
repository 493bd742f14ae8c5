"""Send large responses in pieces, and limit how many are being sent.

The server keeps what it is given at once in memory until the client has read it, and a response in pieces
holds a thread until then. So small bodies are handed over whole, large ones in pieces and in limited number.
"""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from flask import request

from her2kg.errors import BusyError
from her2kg.service import problems
from her2kg.service.served import service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import BoundedSemaphore

    from flask import Response

#: Bytes of a piece, and of a body that is handed over whole.
PIECE = 1 << 16


@contextmanager
def held(places: BoundedSemaphore, problem: str) -> Iterator[None]:
    """Hold a place; raises BusyError when there is none."""
    if not places.acquire(blocking=False):
        raise BusyError(problem)
    try:
        yield
    finally:
        places.release()


def read_pieces(file: IO[bytes], *, packed: bool) -> Iterator[bytes]:
    """Read a file in pieces, compressed by gzip if wanted; close it at the end."""
    packer = zlib.compressobj(5, zlib.DEFLATED, 31) if packed else None
    with file:
        while piece := file.read(PIECE):
            if piece := packer.compress(piece) if packer else piece:
                yield piece
    if packer:
        yield packer.flush()


def limit_transfers(response: Response) -> Response:
    """Send a large response in pieces; it becomes a problem when too many are being sent."""
    if request.method == "HEAD" or response.status_code in {204, 304}:
        return response
    if not response.is_streamed and (response.calculate_content_length() or 0) <= PIECE:
        return response
    places = service().transfers
    if not places.acquire(blocking=False):
        response.close()
        return problems.of_error(BusyError("too many large responses are being sent"))
    response.call_on_close(places.release)
    if not response.is_streamed:
        content = response.get_data()
        response.content_length = len(content)
        response.response = (content[at : at + PIECE] for at in range(0, len(content), PIECE))
    # Flask sends a file past `close`, which gives the place back.
    response.direct_passthrough = False
    return response
