"""The unlucky and hostile clients, byte by byte: each plays against a service for so many seconds."""

from __future__ import annotations

import hashlib
import http.client
import itertools
import random
import select
import signal
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.exchanges import EXCHANGES
from tests.unlucky_service import put_in_place, rebuilt

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unlucky_service import Seen, Server

_HANG = select.POLLERR | select.POLLHUP | select.POLLRDHUP
_ALL = "SELECT * { ?s ?p ?o }"
_PRODUCT = "?a ?b ?c . ?d ?e ?f . ?g ?h ?i"
ENDLESS = (
    f"SELECT (COUNT(*) AS ?n) {{ {_PRODUCT} }}",
    "SELECT (COUNT(*) AS ?n) { ?a (<urn:x>|!<urn:x>)* ?b . ?c (<urn:x>|!<urn:x>)* ?d }",
    "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?f ?a LIMIT 10",
    'SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f FILTER REGEX(CONCAT(STR(?c), STR(?f)), "(a+)+$") }',
)
#: The number of the last build of a burst of reloads.
_LAST = 40


def address_of(query: str, number: int) -> str:
    """Give the address of a query that nobody asked before."""
    return f"/sparql?{urlencode({'query': f'{query} # {number} {time.monotonic_ns()}'})}"


def sent(method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    """Give the bytes of a request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
    if body:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def connect(port: int, *, timeout: float = 5.0, buffer: int = 0) -> socket.socket:
    """Connect, with a receive buffer of so many bytes; raises OSError."""
    link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        link.settimeout(timeout)
        if buffer:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        link.connect(("127.0.0.1", port))
    except OSError:
        link.close()
        raise
    return link


def _hold(
    server: Server,
    seconds: float,
    seen: Seen,
    count: int,
    first: Callable[[int], bytes],
    *,
    drip: bytes = b"",
    buffer: int = 0,
) -> None:
    """Keep so many connections: send the first bytes, then a byte a second or nothing, and never read.

    A connection that the service closes is opened again.
    """
    poll = select.poll()
    links: dict[int, socket.socket] = {}
    begun = time.monotonic()
    next_drip = begun + 1
    number = 0
    try:
        while (now := time.monotonic()) < begun + seconds:
            while len(links) < count and time.monotonic() < begun + seconds:
                try:
                    link = connect(server.port, buffer=buffer)
                    link.sendall(first(number))
                except OSError as error:
                    seen.met[type(error).__name__] += 1
                    break
                number += 1
                seen.met["opened"] += 1
                links[link.fileno()] = link
                poll.register(link, _HANG)
            if drip and now > next_drip:
                next_drip = now + 1
                for link in links.values():
                    with suppress(OSError):
                        link.send(drip)
            for handle, _ in poll.poll(200):
                poll.unregister(handle)
                links.pop(handle).close()
                seen.met["closed by the service"] += 1
    finally:
        for link in links.values():
            link.close()


def slow_heads(server: Server, seconds: float, seen: Seen) -> None:
    """Send 300 heads, a byte a second."""
    _hold(server, seconds, seen, 300, lambda _: b"GET /sparql HTTP/1.1\r\nHost: x\r\nX-Slow: ", drip=b"a")


def slow_bodies(server: Server, seconds: float, seen: Seen) -> None:
    """Send 100 bodies, a byte a second."""
    head = (
        b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
        b"Content-Length: 1000\r\n\r\n"
    )
    _hold(server, seconds, seen, 100, lambda _: head, drip=b"#")


def unread_answers(server: Server, seconds: float, seen: Seen) -> None:
    """Request 10 MB a hundred times, every fourth time by HTTP/1.0, and read nothing."""

    def request(number: int) -> bytes:
        newer = sent("GET", address_of(_ALL, number), "Accept: application/sparql-results+json")
        return newer if number % 4 else newer.replace(b"HTTP/1.1", b"HTTP/1.0", 1)

    _hold(server, seconds, seen, 100, request, buffer=4096)


def unread_downloads(server: Server, seconds: float, seen: Seen) -> None:
    """Request a download 200 times and read nothing."""
    request = sent("GET", "/download/her2kg.nq")
    _hold(server, seconds, seen, 200, lambda _: request, buffer=16_384)


def heads(server: Server, seconds: float, seen: Seen) -> None:
    """Send 20 HEADs for answers of 10 MB and keep the connections."""
    _hold(server, seconds, seen, 20, lambda n: sent("HEAD", address_of(_ALL, n)))


def _hang_up(link: socket.socket, *, reset: bool) -> None:
    """Close a connection, with FIN or with RST."""
    if reset:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()


def _burst(server: Server, rng: random.Random, seen: Seen, count: int = 200) -> None:
    """Send queries and hang up: in the head, after it, while the query waits, while the answer comes."""
    queries = ("SELECT (1 AS ?n) { }", "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?c ?d ?e . ?e ?f ?g }", _ALL)
    poll = select.poll()
    links: dict[int, tuple[socket.socket, float]] = {}
    begun = time.monotonic()
    for number in range(count):
        place = rng.choice(("in the head", "after the head", "while it waits", "while the answer comes"))
        request = sent("GET", address_of(rng.choice(queries), number))
        try:
            link = connect(server.port)
            link.sendall(request[: rng.randrange(20, 60)] if place == "in the head" else request)
        except OSError as error:
            seen.met[type(error).__name__] += 1
            continue
        seen.met[place] += 1
        delay = {"while it waits": rng.random(), "while the answer comes": 10.0}.get(place, 0.0)
        links[link.fileno()] = link, time.monotonic() + delay
        poll.register(link, select.POLLIN if place == "while the answer comes" else 0)
    while links:
        readable = {handle for handle, _ in poll.poll(10)}
        now = time.monotonic()
        for handle, (link, due) in list(links.items()):
            if handle in readable or now > due or now > begun + 15:
                del links[handle]
                poll.unregister(handle)
                _hang_up(link, reset=rng.random() < 0.5)


def hang_ups(server: Server, seconds: float, seen: Seen) -> None:
    """Send bursts of 200 clients that hang up, five or one for every two seconds."""
    rng = random.Random(13)  # noqa: S311 - it must be repeatable, not secret
    for _ in range(max(5, int(seconds / 2))):
        _burst(server, rng, seen)


def _repeat(
    server: Server,
    seconds: float,
    seen: Seen,
    count: int,
    request: Callable[[int], bytes],
    *,
    pause: float = 0.0,
) -> None:
    """Let so many clients send a request, read all of its answer and send the next one."""
    over = threading.Event()

    def client(number: int) -> None:
        while not over.is_set():
            try:
                with connect(server.port) as link:
                    link.sendall(request(number))
                    seen.met[_status(link, over)] += 1
            except OSError as error:
                seen.met[type(error).__name__] += 1
            over.wait(pause)

    clients = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(count)]
    for one in clients:
        one.start()
    over.wait(seconds)
    over.set()
    for one in clients:
        one.join()


def _status(link: socket.socket, over: threading.Event) -> str:
    """Read all of an answer, unless the time is over; give its status."""
    link.settimeout(0.5)
    said = b""
    until = time.monotonic() + 60
    while not over.is_set() and time.monotonic() < until:
        try:
            piece = link.recv(65536)
        except TimeoutError:
            continue
        if not piece:
            return said[9:12].decode() or "closed without an answer"
        said = said or piece[:12]
    return "left"


def heavy(server: Server, seconds: float, seen: Seen) -> None:
    """Let 32 clients send queries that never end, again and again."""
    close = "Connection: close"

    def request(number: int) -> bytes:
        return sent("GET", address_of(ENDLESS[number % len(ENDLESS)], number), close)

    _repeat(server, seconds, seen, 32, request, pause=0.1)


def greedy_parsing(server: Server, seconds: float, seen: Seen) -> None:
    """Send what is short to send and long to read: a header of 60 KB, forms of 1 MB."""
    close = "Connection: close"
    accept = f"Accept: {','.join(['a/b'] * 15_000)}"
    bodies = [text * (999_000 // len(text)) for text in (b"%u&", b"a&", b"=&", b"query=&")]
    requests = [sent("GET", "/sparql?query=SELECT", accept, close)]
    requests += [sent("POST", "/sparql", close, body=body) for body in bodies]
    numbers = itertools.count()

    def request(number: int) -> bytes:
        if number % 6 == 5:  # a format that nobody requested before
            body = f"query=ASK{{}}&format={next(numbers)}{'x' * 980_000}".encode()
            return sent("POST", "/sparql", close, body=body)
        return requests[number % 6]

    _repeat(server, seconds, seen, 8, request)


def whole_graphs(server: Server, seconds: float, seen: Seen) -> None:
    """Let 16 clients read whole graphs as RDF/XML, again and again."""
    targets = ("/graph?default", "/graph/asserted")
    headers = ("Accept: application/rdf+xml", "Connection: close")
    _repeat(server, seconds, seen, 16, lambda number: sent("GET", targets[number % 2], *headers))


def _read_slowly(server: Server, target: str, rate: float) -> tuple[int, str]:
    """Read an answer at a rate in bytes a second; give its length, status and hash; raises HTTPException."""
    seal = hashlib.sha256()
    length = 0
    link = http.client.HTTPConnection("127.0.0.1", server.port)
    link.sock = connect(server.port, timeout=60, buffer=16_384)
    try:
        link.request("GET", target, headers={"Accept": "text/csv, */*;q=0.1"})
        answer = link.getresponse()
        begun = time.monotonic()
        while piece := answer.read(max(1, int(rate / 20)) if rate else 1_000_000):
            seal.update(piece)
            length += len(piece)
            if rate:
                # This is what a slow line does.
                time.sleep(max(0.0, begun + length / rate - time.monotonic()))
    finally:
        link.close()
    return length, f"{answer.status} {seal.hexdigest()}"


def slow_readers(server: Server, seconds: float, seen: Seen) -> None:
    """Read a download and an answer within so many seconds each, a bit at a time: they come whole."""
    content = (server.build / "her2kg.nq").read_bytes()
    query = address_of(_ALL, 0)
    wanted = {
        "/download/her2kg.nq": (len(content), f"200 {hashlib.sha256(content).hexdigest()}"),
        query: _read_slowly(server, query, 0),
    }

    def read(target: str, whole: tuple[int, str]) -> None:
        name = target.partition("?")[0]
        try:
            found = _read_slowly(server, target, whole[0] / seconds)
        except (OSError, http.client.HTTPException) as error:
            seen.faults.append(f"{name} at {whole[0] / seconds / 1000:.0f} KB/s: {error!r}"[:150])
            return
        seen.met[f"{name} of {found[0]:,} bytes"] += 1
        if found != whole:
            seen.faults.append(
                f"{name} at {whole[0] / seconds / 1000:.0f} KB/s: {found[0]} of {whole[0]} bytes"
            )

    readers = [threading.Thread(target=read, args=one, daemon=True) for one in wanted.items()]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()


def _newest(server: Server) -> int:
    """Give the number of the build that a service answers from; -1 when it does not answer."""
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    query = "SELECT ?n { <urn:unlucky> <urn:build> ?n }"
    try:
        link.request("GET", address_of(query, 0), headers={"Accept": "text/csv"})
        answer = link.getresponse()
        rows = answer.read().decode().split()
        if answer.status != 200:
            return -1
        return max(map(int, rows[1:]), default=0)
    except (OSError, http.client.HTTPException):
        return -1
    finally:
        link.close()


def reloads(server: Server, seconds: float, seen: Seen) -> None:
    """Send 40 SIGHUPs in a burst, with a new build before every fifth; the last build wins, and stays."""
    builds = {number: rebuilt(server.build, number) for number in range(5, 41, 5)}
    for number in range(1, 41):
        if number in builds:
            put_in_place(builds[number], server.build)
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.02)
    begun = time.monotonic()
    while (found := _newest(server)) != _LAST:
        if time.monotonic() > begun + 30:
            seen.faults.append(f"build {found}, not {_LAST}, 30 s after the reloads")
            return
        time.sleep(0.1)
    seen.met[f"the last build after {time.monotonic() - begun:.1f} s"] += 1
    stays = set()
    while time.monotonic() < begun + 3 + seconds:
        stays.add(_newest(server))
        time.sleep(0.2)
    if stays != {_LAST}:
        seen.faults.append(f"builds {sorted(stays)} after the last one, {_LAST}, was seen")


def exchanges(server: Server, _: float, seen: Seen) -> None:
    """Send each request on the edge of HTTP once."""
    for exchange in EXCHANGES:
        fault = exchange.fault(server.port)
        seen.met["wrong" if fault else "right"] += 1
        seen.faults += [fault] if fault else []
