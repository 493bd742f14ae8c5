"""Requests on the edge of HTTP, byte by byte, and what may be answered: no body or trailer is misread.

RFC 9110 6.5.1 (trailers), 7.8 (Upgrade); RFC 9112 3.2 (Host), 6.1 (two framings of one body).
"""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BODY = b"query=SELECT%20(42%20AS%20%3Fn)%20%7B%7D"
_DIRECT = b"SELECT (42 AS ?n) {}"
_SMUGGLED = b"GET /-/settings HTTP/1.1\r\nHost: x\r\n\r\n"
_H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
_FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
_GOOD = frozenset({"200"})
_BAD = frozenset({"400"})
_REFUSED = frozenset({"400", "501"})


@dataclass(frozen=True)
class Exchange:
    """What is sent, packet by packet, and what every answer to it must be."""

    name: str
    packets: tuple[bytes, ...]
    #: The statuses that any answer may have, and how many answers may come.
    statuses: frozenset[str]
    answers: frozenset[int] = frozenset({1})
    #: What the answer must hold, and what it must not hold, without case.
    holds: bytes = b""
    lacks: bytes | None = None
    #: Whether the service must close the connection afterwards.
    closes: bool = False

    def fault(self, port: int) -> str:
        """Send it; give what is wrong with the answer, or nothing."""
        said, closed = said_to(port, self.packets)
        statuses = re.findall(rb"HTTP/1\.[01] (\d{3})", said)
        found = [status.decode() for status in statuses]
        if len(found) not in self.answers:
            return f"{self.name}: {len(found)} answers {found}"
        if not self.statuses.issuperset(found):
            return f"{self.name}: {found}, not {sorted(self.statuses)}"
        if "200" in found and self.holds.lower() not in said.lower():
            return f"{self.name}: the answer lacks {self.holds!r}"
        if self.lacks is not None and self.lacks.lower() in said.lower():
            return f"{self.name}: the answer holds {self.lacks!r}"
        if self.closes and not closed:
            return f"{self.name}: the connection stays open"
        return ""


def said_to(port: int, packets: tuple[bytes, ...], *, quiet: float = 0.7) -> tuple[bytes, bool]:
    """Give all that comes until the connection is closed or nothing more comes, and whether it is closed."""
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for number, packet in enumerate(packets):
                if number:
                    time.sleep(0.2)  # nothing shows that the service has read the packet before
                link.sendall(packet)
            while True:
                link.settimeout(quiet if said else 5)
                piece = link.recv(65536)
                if not piece:
                    return said, True
                said += piece
        except TimeoutError:
            return said, False
        except ConnectionError:
            return said, True


def _head(line: bytes, *headers: bytes, host: bytes = b"Host: x\r\n") -> bytes:
    return line + b" HTTP/1.1\r\n" + host + b"".join(headers) + b"\r\n"


def _length(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n" % len(body)


def _chunked(body: bytes, trailer: bytes = b"") -> bytes:
    return b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, trailer)


def _upgrades() -> Iterator[Exchange]:
    """Yield posts of clients that offer h2c, which a service may ignore."""
    form = _head(b"POST /sparql", _FORM, _H2C, _length(_BODY)), _BODY
    direct = (
        _head(b"POST /sparql", b"Content-Type: application/sparql-query\r\n", _H2C, _length(_DIRECT)),
        _DIRECT,
    )
    health = _head(b"POST /healthz", _H2C, _length(_SMUGGLED)), _SMUGGLED
    refused = frozenset({"400", "404", "405", "501"})
    for name, packets in (("form", form), ("query", direct)):
        for how, sent in (("one packet", (b"".join(packets),)), ("two packets", packets)):
            yield Exchange(f"h2c, {name} in {how}", sent, _GOOD, holds=b"42")
    for how, sent in (("one packet", (b"".join(health),)), ("two packets", health)):
        yield Exchange(f"h2c, a body like a request in {how}", sent, refused)
    yield Exchange(
        "h2c, two posts on a connection", (b"".join(form), b"".join(direct)), _GOOD, frozenset({1, 2}), b"42"
    )


def _trailers() -> Iterator[Exchange]:
    """Yield chunked posts whose trailer would change their meaning as a header."""
    te = b"Transfer-Encoding: chunked\r\n"
    typed = _head(b"POST /sparql", _FORM, te), _chunked(_BODY, b"Accept: text/csv\r\n")
    untyped = _head(b"POST /sparql", te), _chunked(_BODY, _FORM)
    refused = frozenset({"400", "415"})
    for how in ("one packet", "two packets"):
        join = how == "one packet"
        sent = (b"".join(typed),) if join else typed
        yield Exchange(f"Accept as trailer in {how}", sent, _GOOD | _BAD, holds=b"42", lacks=b"text/csv")
        sent = (b"".join(untyped),) if join else untyped
        yield Exchange(f"Content-Type as trailer in {how}", sent, refused)


def _framings() -> Iterator[Exchange]:
    """Yield bodies with two lengths: refused, or read as chunked with the connection closed afterwards."""
    te = b"Transfer-Encoding: chunked\r\n"
    body = _chunked(_BODY)
    either = _GOOD | _REFUSED
    for name, headers in (
        ("length, then chunked", (_length(body + _SMUGGLED), te)),
        ("chunked, then length", (te, _length(body + _SMUGGLED))),
        ("chunked, with a short length", (b"Content-Length: 4\r\n", te)),
    ):
        sent = (_head(b"POST /sparql", _FORM, *headers) + body + _SMUGGLED,)
        yield Exchange(name, sent, either, closes=True)
    twice = _length(_BODY) + b"Content-Length: 4\r\n"
    yield Exchange("two lengths", (_head(b"POST /sparql", _FORM, twice) + _BODY,), _BAD)
    for odd in (b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding : chunked\r\n"):
        name = odd.decode().strip()
        yield Exchange(name, (_head(b"POST /sparql", _FORM, odd) + body,), _REFUSED)


def _hosts() -> Iterator[Exchange]:
    """Yield requests whose host is missing or given twice: MUST be 400."""
    for name, host in (
        ("the same host twice", b"Host: x\r\nHost: x\r\n"),
        ("two hosts", b"Host: x\r\nHost: y\r\n"),
        ("a missing host", b""),
    ):
        yield Exchange(name, (_head(b"GET /healthz", host=host),), _BAD)


EXCHANGES = (*_upgrades(), *_trailers(), *_framings(), *_hosts())
