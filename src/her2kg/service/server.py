"""Start the service on Granian, a WSGI server written in Rust.

Granian's main process, which receives the signals, starts the web process, and starts it again when it
crashes. The web process loads the application here; its engine starts the processes that evaluate queries.
"""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import signal
import socket
import sys
import time
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from her2kg.errors import Her2kgError, InputError
from her2kg.sparql.worker import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path
    from types import FrameType

    from flask import Flask

    from her2kg.settings import Settings
    from her2kg.sparql.pool import Asker

_BACKLOG = 1024


def serve(settings: Settings, files: tuple[Path, ...], say: Callable[[str], object]) -> None:
    """Serve a build, files of the user's own, or what another engine holds, until a signal ends it.

    Raises InputError when the address cannot be bound, and what opening the data raises. The first SIGTERM
    or SIGINT lets requests end that have begun, a second one does not. SIGHUP loads the data again.
    """
    address, port = _free_address(settings)
    failure, report = multiprocessing.Pipe(duplex=False)
    server = Granian(
        "her2kg",
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        backlog=_BACKLOG,
        backpressure=settings.connections,
        blocking_threads=settings.threads,
        http1_settings=HTTP1Settings(
            header_read_timeout=settings.idle_seconds * 1000, max_buffer_size=settings.head_limit
        ),
        respawn_failed_workers=True,
        workers_kill_timeout=2 * settings.query_seconds + 1,
        log_level=LogLevels.error,
        log_dictconfig=_LOG,
    )
    server.on_startup(_take_signals)
    with contextlib.suppress(SystemExit):
        server.serve(target_loader=partial(_load, settings, files, say, (address, port), report))
    if failure.poll():
        raise failure.recv()


#: Granian's own log: what goes wrong, on standard error.
_LOG: dict[str, Any] = {
    "handlers": {"console": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr"}},
    "loggers": {"_granian": {"handlers": ["console"], "level": "ERROR", "propagate": False}},
}


def _free_address(settings: Settings) -> tuple[str, int]:
    """Resolve the host and find a free port; raises InputError when they cannot be bound."""
    host = settings.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise InputError(
            f"there is no host {settings.host!r}", "choose one with --host or HER2KG_HOST"
        ) from error
    family, _, _, _, address = min(found)  # IPv4 before IPv6
    try:
        # The server binds with SO_REUSEPORT, which would share the port with another service of this user.
        with socket.create_server(address[:2], family=family) as link:
            bound = link.getsockname()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(
                f"port {settings.port} is in use", "choose another with --port or HER2KG_PORT"
            ) from error
        raise InputError(
            f"{settings.host}:{settings.port} cannot be bound: {os.strerror(error.errno or 0)}",
            "choose another with --host and --port",
        ) from error
    return bound[0], bound[1]


# In the main process ----------------------------------------------------------------------------------


def _take_signals() -> None:
    """Pass SIGHUP on to the web process, and let a second signal to end not wait for anything."""
    begun = Event()

    def reload(_number: int, _frame: FrameType | None) -> None:
        for child in multiprocessing.active_children():
            os.kill(child.pid or 0, signal.SIGHUP)

    def end(first: Any, number: int, frame: FrameType | None) -> None:
        if begun.is_set():
            for child in multiprocessing.active_children():
                child.kill()
            os._exit(128 + number)
        begun.set()
        first(number, frame)

    signal.signal(signal.SIGHUP, reload)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, partial(end, signal.getsignal(number)))


# In the web process -----------------------------------------------------------------------------------


def _load(
    settings: Settings,
    files: tuple[Path, ...],
    say: Callable[[str], object],
    address: tuple[str, int],
    report: Connection,
    _target: str,
) -> Flask:
    """Make the application; when that fails, hand the error to the main process and end it."""
    die_with_parent(signal.SIGKILL)
    wanted = Event()
    signal.signal(signal.SIGHUP, lambda *_: wanted.set())
    from her2kg.service.stalled import Stalled  # noqa: PLC0415
    from her2kg.service.start import application  # noqa: PLC0415

    try:
        app, engine = application(settings, files)
    except Her2kgError as error:
        report.send(error)
        os.kill(os.getppid(), signal.SIGTERM)
        sys.exit(error.exit_code)
    Stalled(address[1], settings.idle_seconds + 2 * settings.query_seconds).start()
    Thread(target=_announce, args=(engine, settings, say, address), daemon=True).start()
    Thread(target=_reload, args=(engine, wanted, say), daemon=True).start()
    return app


def _announce(
    engine: Asker, settings: Settings, say: Callable[[str], object], address: tuple[str, int]
) -> None:
    """Say where the service is, as soon as it accepts connections."""
    host, port = address
    while True:
        try:
            socket.create_connection(address, timeout=1).close()
            break
        except OSError:
            time.sleep(0.01)
    size = f"{engine.triples:,} triples{f' of {settings.backend}' if settings.backend else ''}"
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    say(f"{size} at {url} (SPARQL: {url}sparql); Ctrl-C ends")


def _reload(engine: Asker, wanted: Event, say: Callable[[str], object]) -> None:
    """Load the data again whenever it is wanted; signals that come meanwhile are one more reload."""
    while True:
        wanted.wait()
        wanted.clear()
        try:
            engine.reload()
        except Her2kgError as error:
            say(f"her2kg: {error}; the data stay as they were")
        else:
            say(f"{engine.triples:,} triples, version {engine.version[:12]}")
