"""The production server, uvicorn: bound with clear errors, and ended so that what runs may finish."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import signal
import socket
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from her2kg.errors import InputError
from her2kg.service.bridge import WHOLE, Bridge, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from her2kg.settings import Settings

_BACKLOG = 1024


def run(
    app: Callable[..., Any],
    settings: Settings,
    tell: Callable[[str], object],
    ending: Callable[[], object] = lambda: None,
    reload: Callable[[], Callable[[], object]] = lambda: lambda: None,
) -> None:
    """Serve until a signal ends it; ``tell`` is given the address. Raises InputError when it cannot be bound.

    The first SIGTERM or SIGINT closes the door (``ending`` is called): no connection is accepted any more,
    and the server ends when every request that was begun is answered, at the latest when a query would be
    ended. A second one ends it at once. SIGHUP calls ``reload`` in a thread, and what that gives on the loop.
    """
    # Problems are told to the client and counted; a traceback of a broken connection helps nobody.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL + 1)
    links = _bound(settings)
    bridge = Bridge(app, settings)
    config = uvicorn.Config(
        bridge,
        http=_protocol(settings),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.idle_seconds,
        timeout_graceful_shutdown=settings.query_seconds + 1,
        backlog=_BACKLOG,
    )
    host, port = links[0].getsockname()[:2]
    # What is there at the start stays; the collector need not look through it again and again.
    gc.collect()
    gc.freeze()
    server = _Server(config, ending, reload)
    server.told = lambda: tell(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
    server.run(links)
    bridge.close()


class _Server(uvicorn.Server):
    """Ends and loads anew on signals."""

    def __init__(
        self,
        config: uvicorn.Config,
        ending: Callable[[], object],
        reload: Callable[[], Callable[[], object]],
    ) -> None:
        super().__init__(config)
        self._ending = ending
        self._reload = reload
        self.told: Callable[[], object] = lambda: None
        self._loading: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._begin_to_load)
        self.told()

    def _begin_to_load(self) -> None:
        self._loading = asyncio.get_running_loop().create_task(self._load_anew())

    async def _load_anew(self) -> None:
        """Load in a thread, and take what was loaded where the loop runs."""
        take = await asyncio.get_running_loop().run_in_executor(None, self._reload)
        take()

    async def on_tick(self, counter: int) -> bool:
        """Look for idle connections, twice a second."""
        if counter % 5 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, _Connection):
                    connection.end_if_idle(now)
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on the first signal, and at once on the second."""
        before = {number: signal.signal(number, self._end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, number: int, _frame: object) -> None:
        if self.should_exit:
            raise SystemExit(128 + number)
        self.should_exit = True
        self._ending()


def _protocol(settings: Settings) -> type[asyncio.Protocol]:
    """Make the class of connections, each of which is bounded by the settings."""

    class Connection(_Connection):
        seconds = settings.idle_seconds
        head_limit = settings.head_limit
        connection_limit = settings.connections

    return Connection


class _Cycle(RequestResponseCycle):
    """A request and its response, which can be sent as a whole."""

    async def send(self, message: Any) -> None:
        """Send a message of ASGI or ours."""
        if message["type"] != WHOLE:
            await super().send(message)
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        status, headers = message["status"], message["headers"]
        self.response_started = self.response_complete = True
        if ("Connection", "close") in headers:
            self.keep_alive = False
        elif not self.keep_alive:
            headers = [*headers, ("Connection", "close")]
        head = written(status, headers, self.default_headers)
        self.transport.write(head if self.scope["method"] == "HEAD" else head + message["body"])
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


def written(status: int, headers: list[tuple[str, str]], more: list[tuple[bytes, bytes]]) -> bytes:
    """Write the head of a response; raises ValueError for a header that would be two."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers]).encode("latin-1")
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers):
        raise ValueError("a header has a line break")
    own = b"".join([b"%s: %s\r\n" % header for header in more])
    return b"%s%s%s\r\n" % (STATUS_LINE[status], own, lines)


class _Connection(HttpToolsProtocol):
    """A connection whose head is bounded in bytes and in time, and that ends when nobody reads from it.

    Whether it has been idle for too long is looked up now and then, for all connections together: a timer
    for each request would cost more than much of what is done for it.
    """

    seconds: int
    head_limit: int
    connection_limit: int
    #: Bytes of the head so far; the time since which a request or a reader is awaited, 0 while none is.
    _head = 0
    _since = 0.0
    cycle: RequestResponseCycle
    _task: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.connection_limit:
            transport.abort()
        self._since = self.loop.time()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = _Cycle  # uvicorn makes it itself, and nothing was asked of it yet
        self._task = task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def connection_lost(self, exc: Exception | None) -> None:
        """Do nothing more for a client that is gone: its query ends, and its worker is free."""
        super().connection_lost(exc)
        if self._task is not None:
            self._task.cancel()

    def end_if_idle(self, now: float) -> None:
        """Close the connection when it has been idle for too long."""
        if not self._since or now - self._since < self.seconds:
            return
        if self.flow.write_paused or self.transport.is_closing():
            self.transport.abort()
        elif self._head:
            detail = f"the request took longer than {self.seconds} s"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, detail, "send it faster")
        else:
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0
        if self.cycle is None or self.cycle.response_complete:
            self._since = self.loop.time()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._grow(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._grow(len(name) + len(value) + 4)

    def _grow(self, size: int) -> None:
        self._head += size
        if self._head > self.head_limit:
            raise _TooLargeError

    def on_headers_complete(self) -> None:
        self._since = 0.0
        self._head = 0
        if not self.transport.is_closing():  # what comes after the last request is nothing to answer
            super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for it."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._since = self.loop.time()
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        else:
            self._since = self.loop.time()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - as it is called
        if self._head > self.head_limit:
            status = (
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
                if self.headers
                else HTTPStatus.REQUEST_URI_TOO_LONG
            )
            self._refuse(
                status, f"the head of the request has more than {self.head_limit:,} bytes", "post it"
            )
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, "this is no HTTP request", "mend the client")

    def _refuse(self, status: HTTPStatus, detail: str, remedy: str) -> None:
        response = refusal(status, detail, remedy)
        head = written(status, response["headers"], self.server_state.default_headers)
        self.transport.write(head + response["body"])
        self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.cycle and not self.cycle.response_complete:
            self._since = 0.0


class _TooLargeError(httptools.HttpParserError):
    """The head of a request is larger than its limit."""


def _bound(settings: Settings) -> list[socket.socket]:
    """Bind every address that the host stands for."""
    host = settings.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise InputError(
            f"there is no host {settings.host!r}", "choose one with --host or HER2KG_HOST"
        ) from error
    links: list[socket.socket] = []
    for family, _, _, _, address in dict.fromkeys(found):
        port = links[0].getsockname()[1] if links else settings.port
        try:
            link = socket.create_server((address[0], port), family=family, backlog=_BACKLOG)
        except OSError as error:
            if links and error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                continue  # the host has another address, which can be bound
            if error.errno == errno.EADDRINUSE:
                raise InputError(
                    f"port {settings.port} is in use", "choose another with --port or HER2KG_PORT"
                ) from error
            raise InputError(
                f"{settings.host}:{settings.port} cannot be bound: {os.strerror(error.errno or 0)}",
                "choose another with --host and --port",
            ) from error
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        links.append(link)
    return links
