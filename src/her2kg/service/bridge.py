"""Flask on an event loop: many clients, slow ones too, while few threads and workers are held.

What asks workers is driven on the loop, where it waits for them without holding a thread, and where nothing
comes between what is served and the question; pages, which ask the store in this process, are made in
threads.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from her2kg.service.observation import HEADERS
from her2kg.waiting import drive, wait_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from her2kg.settings import Settings

#: Pages that may wait for a thread, for each thread.
_PAGES_WAITING = 8
#: What asks workers.
_DRIVEN = frozenset({"/sparql", "/readyz"})
_WITHOUT_BODY = frozenset({204, 304})
#: A message of ours to the server: a response that is there as a whole, which goes out at once.
WHOLE = "her2kg.response.whole"


class _RefusedError(Exception):
    """A request that never comes to the application."""

    def __init__(self, status: int, detail: str, remedy: str) -> None:
        super().__init__(detail)
        self.status = status
        self.remedy = remedy


class _Started:
    """Takes the status and the headers of a response."""

    def __init__(self, method: str) -> None:
        self.status = 500
        self._method = method
        self.headers: list[tuple[str, str]] = []

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        del exc_info  # the headers are not sent before there is a body, so that they can be replaced
        self.status = int(status[:3])
        self.headers = headers

    @property
    def message(self) -> dict[str, Any]:
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]
        return {"type": "http.response.start", "status": self.status, "headers": headers}

    def whole(self, body: bytes) -> dict[str, Any]:
        headers = self.headers
        bodiless = self._method == "HEAD" or self.status in _WITHOUT_BODY
        if not bodiless and not any(name == "Content-Length" for name, _ in headers):
            headers = [*headers, ("Content-Length", str(len(body)))]
        return {"type": WHOLE, "status": self.status, "headers": headers, "body": body}


class Bridge:
    """An ASGI application over a WSGI one."""

    def __init__(self, app: Callable[..., Any], settings: Settings) -> None:
        """Take the application, and how many threads make pages and how long a request may take to come."""
        self._app = app
        self._seconds = settings.idle_seconds
        self._body_limit = settings.body_limit
        self._pages = 0
        self._pages_limit = settings.threads * (1 + _PAGES_WAITING)
        self._threads = ThreadPoolExecutor(settings.threads, "page")

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer a request."""
        started = _Started(scope["method"])
        try:
            environ = _environ(scope)
            environ["wsgi.input"] = io.BytesIO(await self._body(environ, receive))
            if scope["path"] in _DRIVEN:
                body = await drive(self._endpoint, environ, started, send)
            else:
                body = await self._page(environ, started)
        except _RefusedError as refused:
            await send(refusal(refused.status, str(refused), refused.remedy))
            return
        if body is not None:
            await send(started.whole(body))

    async def _body(self, environ: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]]) -> bytes:
        """Read what a request carries."""
        length = environ.get("CONTENT_LENGTH", "")
        if not length and "HTTP_TRANSFER_ENCODING" not in environ:
            return b""
        if length.isdigit() and int(length) > self._body_limit:
            raise self._too_large()
        content = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _RefusedError(400, "the request was not sent to its end", "send all of it")
                    content += message["body"]
                    if len(content) > self._body_limit:
                        raise self._too_large()
                    if not message["more_body"]:
                        break
        except TimeoutError:
            raise _RefusedError(
                408, f"the request took longer than {self._seconds} s", "send it faster"
            ) from None
        environ["CONTENT_LENGTH"] = str(len(content))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return bytes(content)

    def _too_large(self) -> _RefusedError:
        return _RefusedError(413, f"the request carries more than {self._body_limit:,} bytes", "send less")

    def _endpoint(
        self,
        environ: dict[str, Any],
        started: _Started,
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> bytes | None:
        """Give the body of a response that is whole; send one that comes in pieces, and give nothing."""
        pieces = self._app(environ, started)
        if isinstance(pieces, list):
            return b"".join(pieces)
        try:
            given: Iterator[bytes] = iter(pieces)
            first = next(given, b"")
            second = next(given, None)
            if second is None:
                return first
            if environ["SERVER_PROTOCOL"] == "HTTP/1.0":  # which knows of no pieces
                return b"".join([first, second, *given])
            wait_for(send(started.message))
            for piece in (first, second):
                wait_for(send({"type": "http.response.body", "body": piece, "more_body": True}))
            for piece in given:
                wait_for(send({"type": "http.response.body", "body": piece, "more_body": True}))
            wait_for(send({"type": "http.response.body", "body": b""}))
            return None
        finally:
            pieces.close()

    async def _page(self, environ: dict[str, Any], started: _Started) -> bytes:
        if self._pages >= self._pages_limit:
            raise _RefusedError(503, "too many requests wait already", "ask again in a few seconds")
        self._pages += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._whole, environ, started)
        finally:
            self._pages -= 1

    def _whole(self, environ: dict[str, Any], started: _Started) -> bytes:
        pieces = self._app(environ, started)
        try:
            return b"".join(pieces)
        finally:
            if close := getattr(pieces, "close", None):
                close()

    def close(self) -> None:
        """Let no thread begin anything more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _environ(scope: dict[str, Any]) -> dict[str, Any]:
    """Say of a request what WSGI says (PEP 3333)."""
    raw: bytes = scope["raw_path"]
    path = unquote_to_bytes(raw) if b"%" in raw else raw
    client, server = scope["client"] or ("", 0), scope["server"] or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        key = _KEYS.get(name) or _key(name)
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    # A name with an underscore could stand for another one.
    environ.pop("", None)
    return environ


def _key(name: bytes) -> str:
    """Give the name of a header in WSGI; nothing for one that could stand for another."""
    if b"_" in name:
        return ""
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"


#: Those that nearly every request has.
_KEYS = {
    name: _key(name)
    for name in (b"host", b"user-agent", b"accept", b"accept-encoding", b"connection", b"content-type")
}


def refusal(status: int, detail: str, remedy: str) -> dict[str, Any]:
    """Give the response of a problem that the application never sees."""
    body = json.dumps(
        {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, "remedy": remedy}
    ).encode()
    headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body))), *HEADERS]
    # What was not read stands in the way of the next request.
    headers.append(("Connection", "close"))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append(("Retry-After", "5"))
    return {"type": WHOLE, "status": status, "headers": headers, "body": body}
