"""HTTP to another SPARQL engine: one deadline per exchange, answers of bounded size, plain problems.

An event loop in a thread of its own keeps the connections; callers in other threads wait for the answer.
Of what the engine sends, only its status and the first line of its error text get into a message.
"""

from __future__ import annotations

import asyncio
import os
import time
from base64 import b64encode
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass
from threading import Lock, Thread
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from her2kg.errors import BackendError, LimitError, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from her2kg.settings import Address

_FORM = "application/x-www-form-urlencoded; charset=utf-8"
#: Bytes that are read at a time.
_PIECE = 1 << 18
#: Seconds for a connection to be made, within the deadline.
_CONNECT = 5.0
#: Letters of the engine's error text that a problem repeats.
_SAID = 200
_TIMEOUTS = {408, 504}
_DENIED = {401, 403}
#: Virtuoso sends this when it gave no more rows than its configuration allows.
_CUT = "X-SPARQL-MaxRows"
_CHECK = "check that it runs, and its address"


@dataclass(frozen=True)
class Received:
    """The answer of an engine."""

    media_type: str
    content: bytes


class Endpoint:
    """An HTTP address to which forms are posted, from any thread."""

    def __init__(self, address: Address, limit: int, *, updates: bool = False) -> None:
        """Take the address, and the bytes that an answer may have.

        A query is sent again when a kept connection turns out to be closed. ``updates`` must not be repeated,
        so each has a connection of its own.
        """
        self.address = address
        self.limit = limit
        self._updates = updates
        self._basic: dict[str, str] = {}
        user, password = address.user, address.password
        self._digest = [aiohttp.DigestAuthMiddleware(user, password)] if user else []
        self._closed = False
        self._lock = Lock()
        started: Future[None] = Future()
        self._thread = Thread(target=self._run, args=(started,), name=f"engine at {address}", daemon=True)
        self._thread.start()
        started.result()

    def _run(self, started: Future[None]) -> None:
        with asyncio.Runner() as runner:  # which at its end cancels what still runs
            runner.run(self._kept_open(started))

    async def _kept_open(self, started: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=self._updates),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "her2kg", "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT),
            middlewares=self._digest,
        ) as self._session:
            started.set_result(None)
            await self._stop.wait()

    def close(self) -> None:
        """Close the connections and end the thread; what is in flight ends with a BackendError."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def post(
        self,
        fields: Sequence[tuple[str, str]],
        accept: str,
        deadline: float,
        overdue: tuple[float, Callable[[], object]] | None = None,
    ) -> Received:
        """Post a form until a deadline on the monotonic clock.

        ``overdue`` is a time before it, and what to call when there is no answer by then. Raises what that
        call raises, TimeoutError, LimitError when there are too many bytes, and BackendError.
        """
        body = urlencode(fields, errors="replace").encode()
        with self._lock:
            if self._closed:
                raise BackendError("the connection to the engine is closed", "open it again")
            answer = asyncio.run_coroutine_threadsafe(self._answer(body, accept, deadline), self._loop)
        try:
            if overdue and not wait([answer], overdue[0] - time.monotonic()).done:
                overdue[1]()
            return answer.result()
        except CancelledError as error:
            raise BackendError("the connection to the engine was closed", "open it again") from error
        finally:
            answer.cancel()  # when the caller was interrupted

    async def _answer(self, body: bytes, accept: str, deadline: float) -> Received:
        headers = {"Content-Type": _FORM, "Accept": accept}
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                try:
                    return await self._exchange(body, headers)
                except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                    if self._updates or isinstance(error, aiohttp.ClientConnectorError):
                        raise
                    return await self._exchange(body, headers)
        except aiohttp.ConnectionTimeoutError as error:
            raise BackendError("the engine cannot be reached in time", _CHECK, timed_out=True) from error
        except aiohttp.ClientSSLError as error:
            raise BackendError("the engine's TLS certificate is not valid", "renew it there") from error
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
            raise BackendError(f"the engine cannot be reached: {_reason(error)}", _CHECK) from error
        except aiohttp.ClientError as error:
            raise BackendError("the engine does not speak HTTP", "check its address") from error

    async def _exchange(self, body: bytes, headers: dict[str, str]) -> Received:
        url = URL(self.address.url, encoded=True)
        headers = headers | self._basic
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            content = bytearray()
            async for piece in response.content.iter_chunked(_PIECE):
                content += piece
                if len(content) > self.limit:
                    raise LimitError("answer", self.limit)
            if not self._wants_basic(response, headers):
                return _received(response, bytes(content))
        credentials = f"{self.address.user}:{self.address.password}".encode()
        self._basic = {"Authorization": f"Basic {b64encode(credentials).decode()}"}
        return await self._exchange(body, headers)

    def _wants_basic(self, response: aiohttp.ClientResponse, headers: dict[str, str]) -> bool:
        """Tell whether to try Basic; not first, since Virtuoso offers Digest to nobody who has sent Basic."""
        if response.status not in _DENIED or not self.address.user or "Authorization" in headers:
            return False
        return not response.headers.get("WWW-Authenticate", "").lower().startswith("digest")


def _reason(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number and number > 0:
        return os.strerror(number)
    return getattr(error, "strerror", None) or "the connection broke off"


def _received(response: aiohttp.ClientResponse, content: bytes) -> Received:
    if not 200 <= response.status < 300:
        raise _problem(response, content)
    if rows := response.headers.get(_CUT, ""):
        raise BackendError(f"the engine cut the answer off at {rows[:20]} rows", "ask for fewer, with LIMIT")
    return Received(response.content_type, content)


def _problem(response: aiohttp.ClientResponse, content: bytes) -> BackendError:
    status = response.status
    if status in _DENIED:
        return BackendError("the engine rejects our credentials", "give user and password in its address")
    if 300 <= status < 400:
        return BackendError("the engine redirects", "give the address that it redirects to")
    said = "" if "html" in response.content_type else _first_line(content)
    problem = f"the engine answers {status}{f': {said}' if said else ''}"
    return BackendError(problem, "change the query, or look into its log", timed_out=status in _TIMEOUTS)


def _first_line(content: bytes) -> str:
    lines = content[:4000].decode("utf-8", "replace").strip().splitlines()
    line = "".join(letter if letter.isprintable() else " " for letter in lines[0]) if lines else ""
    return shortened(line, _SAID)
