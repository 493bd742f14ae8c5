"""Large answers, taken from their worker as fast as they come and given to the client as fast as it reads."""

from __future__ import annotations

import asyncio
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

from her2kg.waiting import drive, driven, wait_for

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

#: Bytes that wait in memory, and that are given at a time.
_IN_MEMORY, _PIECE = 1 << 20, 1 << 16
#: Bytes that may wait for all clients together; beyond these, answers wait for their readers.
_TOGETHER = 1 << 30


class Spool:
    """Gives the pieces that it takes; a client that reads slowly keeps no worker."""

    waiting = 0

    def __init__(self, pieces: Generator[bytes]) -> None:
        """Take the pieces from now on, beside whatever else is done."""
        self._pieces = pieces
        self._file: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._size = self._given = 0
        self._news = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(drive(self._take))

    def _take(self) -> None:
        try:
            for piece in self._pieces:
                while Spool.waiting > _TOGETHER:
                    wait_for(asyncio.sleep(0.05))
                self._file.seek(self._size)
                self._file.write(piece)
                self._size += len(piece)
                Spool.waiting += len(piece)
                self._news.set()
        finally:
            self._pieces.close()

    def __iter__(self) -> Iterator[bytes]:
        """Give the pieces; raises what taking them raised, after what came before that."""
        self._task.add_done_callback(lambda _: self._news.set())
        while True:
            if self._given < self._size:
                self._file.seek(self._given)
                piece = self._file.read(_PIECE)
                self._given += len(piece)
                Spool.waiting -= len(piece)
                yield piece
            elif self._task.done():
                self._task.result()
                return
            else:
                self._news.clear()
                wait_for(self._news.wait())

    def close(self) -> None:
        """Stop taking; the worker ends when it is not done."""
        self._task.cancel()
        Spool.waiting -= self._size - self._given
        self._given = self._size
        self._file.close()


def spooled(pieces: Generator[bytes]) -> Spool | Generator[bytes]:
    """Give the pieces through a spool, where an event loop can fill one."""
    return Spool(pieces) if driven() else pieces
