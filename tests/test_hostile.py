"""Requests that mean no good end cleanly within the limits, cost nobody else anything, and leave nothing."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hostile import COUNTS, Hostile, requests
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = [pytest.mark.slow, pytest.mark.untraced]

_SECONDS = 1
#: What a hostile request may be answered with; a transfer that was begun may also break off.
_CLEAN = {200, 303, 304, 400, 404, 405, 406, 408, 413, 414, 415, 431, 500, 501, 503, 507}
_LIMITS = {
    "HER2KG_QUERY_SECONDS": str(_SECONDS),
    "HER2KG_QUERY_MEMORY": "200000000",
    "HER2KG_ANSWER_LIMIT": "5000000",
    "HER2KG_CACHE_BYTES": "0",  # each ASK is to find a worker
}


def test_there_are_five_hundred_of_six_kinds() -> None:
    made = list(requests("http://127.0.0.1:9/"))
    assert Counter(request.kind for request in made) == COUNTS
    assert len(made) == 500
    assert made == list(requests("http://127.0.0.1:9/"))


def _send(port: int, hostile: Hostile) -> int:
    """Send a request and read all of its answer; 0 when it broke off."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        link.putrequest(hostile.method, hostile.target, skip_host="Host" in hostile.headers)
        for name, value in hostile.headers.items():
            link.putheader(name, value.encode("utf-8"))
        link.putheader("Content-Length", str(len(hostile.body)))
        link.endheaders(hostile.body)
        answer = link.getresponse()
        _look(hostile, answer, answer.read())
        return answer.status
    except (http.client.IncompleteRead, ConnectionError):
        return 0
    finally:
        link.close()


def _look(hostile: Hostile, answer: http.client.HTTPResponse, body: bytes) -> None:
    headers = {name.lower(): value for name, value in answer.getheaders()}
    assert "set-cookie" not in headers
    assert "evil.example" not in headers.get("location", "").partition("?")[0].removeprefix("/")
    if answer.status >= 400 and headers.get("content-type", "").startswith("application/problem+json"):
        said = json.loads(body)
        assert said["status"] == answer.status
        assert len(said["detail"]) <= 200, hostile
    for leak in (b"Traceback", b"/site-packages/", b"root:x:0", str(Path.cwd()).encode()):
        assert leak not in body, hostile
    if headers.get("content-type", "").startswith("text/html"):
        assert b"<script>" not in body
        assert b"<img" not in body


def _ask(port: int) -> float:
    start = time.monotonic()
    query = Hostile("", "", "GET", "/sparql?query=ASK%20%7B%20%3Fs%20%3Fp%20%3Fo%20%7D", {"Accept": "*/*"})
    assert _send(port, query) == 200
    return time.monotonic() - start


def _state(process: int) -> tuple[int, int]:
    """Give resident memory in bytes and open descriptors of the server."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096, len(list(Path(f"/proc/{process}/fd").iterdir()))


def _attack(built: Path, hostiles: Iterable[Hostile], canary: socket.socket, patience: float) -> None:
    """Send them; ``patience`` is how many seconds an ASK after each may take, and what runs over a limit."""
    with serving(HER2KG_BUILD=str(built), **_LIMITS) as (url, process):
        port = int(url.rsplit(":", 1)[1].strip("/"))
        for _ in range(20):
            _ask(port)
        memory, descriptors = _state(process.pid)
        for hostile in hostiles:
            start = time.monotonic()
            status = _send(port, hostile)
            took = time.monotonic() - start
            assert status in _CLEAN | {0}, (hostile.kind, hostile.name, status)
            assert took < _SECONDS + 1 + patience, (hostile.kind, hostile.name, took)
            assert _ask(port) < patience, (hostile.kind, hostile.name)
        assert process.poll() is None
        after, open_now = _state(process.pid)
        assert open_now <= descriptors + 5
        assert after < memory + 150_000_000
    with pytest.raises(BlockingIOError):
        canary.accept()


@pytest.fixture
def canary() -> socket.socket:
    """Listen where nobody may come."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0)
    return listening


def _all(canary: socket.socket) -> list[Hostile]:
    return list(requests(f"http://127.0.0.1:{canary.getsockname()[1]}/"))


def test_a_sample_of_hostile_requests_costs_only_itself(built: Path, canary: socket.socket) -> None:
    with canary:
        # Other tests run beside this one: time is measured where all five hundred are sent.
        _attack(built, _all(canary)[::17], canary, patience=10)


@pytest.mark.long
def test_all_hostile_requests_cost_only_themselves(built: Path, canary: socket.socket) -> None:
    with canary:
        _attack(built, _all(canary), canary, patience=1)
