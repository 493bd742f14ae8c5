"""The production server, waitress: bound with clear errors, and ended so that what is running may finish."""

from __future__ import annotations

import errno
import logging
import signal
import time
from typing import TYPE_CHECKING, Any

from waitress.server import create_server

from her2kg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from her2kg.settings import Settings

#: Seconds after which a connection on which nothing comes or goes is closed.
_IDLE_SECONDS = 30
#: Seconds that the loop waits for something to happen.
_TURN = 0.25


def run(app: Callable[..., Any], settings: Settings, tell: Callable[[str], object]) -> None:
    """Serve until a signal ends it; ``tell`` is given the address. Raises InputError when it cannot be bound.

    The first SIGTERM or SIGINT closes the door: no connection is accepted any more, and the server ends when
    every request that was begun is answered, at the latest when a query would be ended. A second one ends
    it at once.
    """
    # A queue that fills for a moment is no news; waitress would tell it each time.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = _bound(app, settings)
    host, port = _address(server)
    ending: list[int] = []

    def end(number: int, _frame: object) -> None:
        # Only a note: an exception raised from here could be lost in whatever code it falls into.
        if ending:
            raise SystemExit(128 + number)
        ending.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    tell(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
    served = getattr(server, "map", None) or server._map  # noqa: SLF001 - waitress has no other way to its loop
    while not ending:
        server.asyncore.loop(timeout=_TURN, map=served, use_poll=True, count=1)
    _finish(server, served, time.monotonic() + settings.query_seconds + 1)
    server.task_dispatcher.shutdown()
    server.asyncore.close_all(served, ignore_all=True)


def _finish(server: Any, served: dict[int, Any], deadline: float) -> None:
    """Accept nothing more, and go on until all that was begun is sent."""
    for thing in list(served.values()):
        if getattr(thing, "accepting", False):
            thing.accepting = False
            thing.del_channel(served)
            thing.socket.close()
    while time.monotonic() < deadline and any(map(_is_busy, list(served.values()))):
        server.asyncore.loop(timeout=0.05, map=served, use_poll=True, count=1)


def _is_busy(channel: Any) -> bool:
    return bool(getattr(channel, "requests", ()) or getattr(channel, "total_outbufs_len", 0))


def _bound(app: Callable[..., Any], settings: Settings) -> Any:
    try:
        return create_server(
            app,
            host=settings.host.strip("[]"),
            port=settings.port,
            threads=settings.threads,
            connection_limit=settings.connections,
            channel_timeout=_IDLE_SECONDS,
            # What is written waits here, so that a slow reader holds no thread.
            outbuf_high_watermark=settings.answer_limit + settings.body_limit,
            asyncore_use_poll=True,
            ident=None,
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(
                f"port {settings.port} is in use", "choose another with --port or HER2KG_PORT"
            ) from error
        raise InputError(
            f"{settings.host}:{settings.port} cannot be bound: {error.strerror}",
            "choose another with --host and --port",
        ) from error
    except ValueError as error:  # what waitress makes of a name that does not resolve
        raise InputError(
            f"there is no host {settings.host!r}", "choose one with --host or HER2KG_HOST"
        ) from error


def _address(server: Any) -> tuple[str, int]:
    """Give where the server listens; a name may stand for several addresses, the first is said."""
    listening: list[tuple[str, int]] = getattr(server, "effective_listen", [])
    return listening[0] if listening else (server.effective_host, server.effective_port)
