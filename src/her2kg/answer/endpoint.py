"""HTTP to another SPARQL engine: one deadline for an exchange, answers of bounded size, clear problems.

Nothing of the engine gets into a message but its status and the first line of what it says.
"""

from __future__ import annotations

import http.client
import io
import ssl
import time
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from her2kg.errors import BackendError, LimitError, shortened

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from her2kg.settings import Address

_FORM = "application/x-www-form-urlencoded; charset=utf-8"
#: Bytes that are read at a time, and connections that are kept for the next request.
_PIECE, _KEPT = 1 << 18, 16
#: Letters of what an engine says that a problem repeats.
_SAID = 200
_TIMEOUTS = {408, 504}
_DENIED = {401, 403}
#: With this, Virtuoso tells that it gave no more rows than it is set to.
_CUT = "X-SPARQL-MaxRows"


class _Link:
    """A socket of which everything ends at one deadline."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._readers = 0
        self._closed = False
        self.deadline = 0.0

    def _set(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._link.settimeout(left)

    def sendall(self, content: bytes) -> None:
        self._set()
        self._link.sendall(content)

    def receive_into(self, buffer: Any) -> int:
        self._set()
        return self._link.recv_into(buffer)

    def makefile(self, *_mode: str) -> io.BufferedReader:
        self._readers += 1
        return io.BufferedReader(_Incoming(self))

    def left(self) -> None:
        """Know that one reader is done: a socket is closed when neither it nor a reader is used."""
        self._readers -= 1
        if self._closed and not self._readers:
            self._link.close()

    def close(self) -> None:
        self._closed = True
        if not self._readers:
            self._link.close()


class _Incoming(io.RawIOBase):
    """What comes over a link."""

    def __init__(self, link: _Link) -> None:
        super().__init__()
        self._link = link

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._link.receive_into(buffer)

    def close(self) -> None:
        if not self.closed:
            self._link.left()
        super().close()


@dataclass(frozen=True)
class Received:
    """What an engine answered."""

    media_type: str
    content: bytes


class Endpoint:
    """An address of HTTP to which forms are posted; connections are kept."""

    def __init__(self, address: Address, limit: int) -> None:
        """Take the address, and the bytes that an answer may have."""
        self.address = address
        self.limit = limit
        parts = urlsplit(address.url)
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port
        self._target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self._basic = ""
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = Lock()

    def post(
        self, fields: Sequence[tuple[str, str]], accept: str, deadline: float, *, repeat: bool = True
    ) -> Received:
        """Post a form until a deadline on the monotonic clock.

        ``repeat`` lets a form be sent again when the kept connection turns out to be closed. Raises
        TimeoutError, LimitError when there are too many bytes, BackendError.
        """
        body = urlencode(fields, errors="replace").encode()
        headers = {"Content-Type": _FORM, "Accept": accept, "User-Agent": "her2kg"}
        if self._basic:
            headers["Authorization"] = self._basic
        try:
            response, connection = self._exchange(body, headers, deadline, repeat=repeat)
            if response.status in _DENIED and self.address.user and not self._basic:
                # Virtuoso asks for Digest, but of nobody who has sent Basic.
                response.close()
                connection.close()
                headers["Authorization"] = self._proof(response.headers.get("WWW-Authenticate", ""), body)
                response, connection = self._exchange(body, headers, deadline, repeat=repeat)
            received = self._received(response, connection)
        except TimeoutError:
            raise
        except ssl.SSLError as error:
            raise BackendError("the engine's certificate or TLS does not hold", "mend it there") from error
        except OSError as error:
            reason = error.strerror or "the connection broke off"
            raise BackendError(
                f"the engine cannot be reached: {reason}", "see that it runs, and where"
            ) from error
        except http.client.HTTPException as error:
            raise BackendError("the engine does not speak HTTP", "see that its address is right") from error
        return received

    def close(self) -> None:
        """Close the connections that are kept."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def _exchange(
        self, body: bytes, headers: dict[str, str], deadline: float, *, repeat: bool
    ) -> tuple[http.client.HTTPResponse, http.client.HTTPConnection]:
        connection = self._kept() if repeat else None
        if connection is not None:
            try:
                return self._sent(connection, body, headers, deadline), connection
            except ConnectionError:  # it was closed meanwhile, as engines do with idle ones
                connection.close()
        connection = self._connected(deadline)
        return self._sent(connection, body, headers, deadline), connection

    def _kept(self) -> http.client.HTTPConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _connected(self, deadline: float) -> http.client.HTTPConnection:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=left)
        try:
            connection.connect()
        except TimeoutError as error:
            raise BackendError(
                "the engine cannot be reached in time", "see that it runs, and where", timed_out=True
            ) from error
        connection.sock = _Link(connection.sock)
        return connection

    def _sent(
        self, connection: http.client.HTTPConnection, body: bytes, headers: dict[str, str], deadline: float
    ) -> http.client.HTTPResponse:
        link: Any = connection.sock
        link.deadline = deadline
        try:
            connection.request("POST", self._target, body, headers)
            return connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def _received(
        self, response: http.client.HTTPResponse, connection: http.client.HTTPConnection
    ) -> Received:
        whole = False
        try:
            content = self._content(response)
            whole = not response.will_close
        finally:
            response.close()
            with self._lock:
                keep = whole and len(self._idle) < _KEPT
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()
        if not 200 <= response.status < 300:
            raise _problem(response, content)
        if rows := response.headers.get(_CUT, ""):
            raise BackendError(
                f"the engine cut the answer off at {rows[:20]} rows", "ask for fewer, with LIMIT"
            )
        return Received(response.headers.get_content_type(), content)

    def _content(self, response: http.client.HTTPResponse) -> bytes:
        content = bytearray()
        while piece := response.read(_PIECE):
            content += piece
            if len(content) > self.limit:
                raise LimitError("answer", self.limit)
        return bytes(content)

    def _proof(self, challenge: str, body: bytes) -> str:
        """Prove who we are as a challenge wants it: by Digest (RFC 7616), or by Basic from now on."""
        kind, _, rest = challenge.partition(" ")
        user, password = self.address.user, self.address.password
        if kind.lower() != "digest":
            self._basic = f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
            return self._basic
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, self.address.url, user, password)
        request = urllib.request.Request(self.address.url, body)  # noqa: S310 - Address takes HTTP alone
        items = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
        said = urllib.request.AbstractDigestAuthHandler(passwords).get_authorization(request, items)
        return f"Digest {said}"


def _problem(response: http.client.HTTPResponse, content: bytes) -> BackendError:
    status = response.status
    if status in _DENIED:
        return BackendError("the engine does not let us in", "give user and password in its address")
    if 300 <= status < 400:
        return BackendError("the engine sends us elsewhere", "give the address that it sends to")
    said = "" if "html" in response.headers.get_content_type() else _first_line(content)
    problem = f"the engine answers {status}{f': {said}' if said else ''}"
    return BackendError(problem, "ask otherwise, or look into its log", timed_out=status in _TIMEOUTS)


def _first_line(content: bytes) -> str:
    lines = content[:4000].decode("utf-8", "replace").strip().splitlines()
    said = "".join(letter if letter.isprintable() else " " for letter in lines[0]) if lines else ""
    return shortened(said, _SAID)
