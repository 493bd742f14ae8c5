"""Close connections on which almost nothing moves.

The server limits the time for the head of a request, but not for its body and not for a client that stops
reading: both would hold a thread for ever. The kernel counts the bytes of every connection (``TCP_INFO``);
one that moves fewer than a thousand in a given time is shut down, first for reading, so that a request whose
body does not come is still answered, then altogether.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes that a connection moves in the given time, at least.
_LEAST = 1000
#: ``tcpi_bytes_acked`` and ``tcpi_bytes_received`` in ``struct tcp_info`` of linux/tcp.h.
_COUNTERS, _COUNTERS_AT = struct.Struct("=QQ"), 120


class _Seen(NamedTuple):
    """How many bytes a connection had moved at a time on the monotonic clock, and whether it is half shut."""

    moved: int
    since: float
    half_shut: bool = False


class Stalled:
    """Watches the connections to one port of this process; a daemon thread."""

    def __init__(self, port: int, seconds: float) -> None:
        """Watch the connections to a port; each must move some bytes in this many seconds."""
        self._port = port
        self._seconds = seconds
        self._seen: dict[str, _Seen] = {}

    def start(self) -> None:
        """Watch from now on."""
        Thread(target=self._run, name="stalled", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(self._seconds / 5)
            self.check()

    def check(self) -> None:
        """Shut down what has stalled."""
        now = time.monotonic()
        still = {}
        for name, link in _connections(self._port):
            with link, contextlib.suppress(OSError):  # it may have ended by itself
                moved = sum(
                    _COUNTERS.unpack_from(
                        link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), _COUNTERS_AT
                    )
                )
                seen = self._seen.get(name, _Seen(moved, now))
                if moved - seen.moved >= _LEAST:
                    seen = _Seen(moved, now)
                elif now - seen.since >= self._seconds:
                    link.shutdown(socket.SHUT_RDWR if seen.half_shut else socket.SHUT_RD)
                    seen = _Seen(moved, now, half_shut=True)
                still[name] = seen
        self._seen = still


def _connections(port: int) -> Iterator[tuple[str, socket.socket]]:
    """Give every TCP connection of this process to a port, under the kernel's name for it."""
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile, or not a socket
            name = str(descriptor.readlink())
            if name.startswith("socket:"):
                link = socket.socket(fileno=os.dup(int(descriptor.name)))
                if _is_connection(link, port):
                    yield name, link
                else:
                    link.close()


def _is_connection(link: socket.socket, port: int) -> bool:
    return (
        link.family in {socket.AF_INET, socket.AF_INET6}
        and link.type == socket.SOCK_STREAM
        and not link.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        and link.getsockname()[1] == port
    )
