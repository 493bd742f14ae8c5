"""What can be seen of the service: headers, metrics, the log, readiness, and a new build taking over."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from her2kg.answer.processes import pool_of_files
from her2kg.errors import CrashError
from her2kg.service.app import create_app
from her2kg.service.observation import query_hash
from her2kg.settings import Settings
from her2kg.sparql.worker import Limits
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient

    from her2kg.service.served import Service
    from her2kg.sparql.pool import Pool

pytestmark = pytest.mark.slow

_ASK = "ASK { ?s ?p ?o }"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file of one triple."""
    file = tmp_path_factory.mktemp("data") / "one.ttl"
    file.write_text("<urn:a> <urn:b> <urn:c> .", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def one(file: Path) -> Iterator[Pool]:
    """Start the processes over one triple."""
    with pool_of_files([file], Limits(seconds=1, rows=5)) as engine:
        yield engine


@pytest.fixture
def client(one: Pool) -> FlaskClient:
    """Give a client of a fresh service over one triple, which logs each request."""
    return create_app(one, Settings.read({"log": "requests"}, {}), built=False).test_client()


def _service(client: FlaskClient) -> Service:
    service: Service = client.application.extensions["her2kg"]
    return service


def _metrics(client: FlaskClient) -> dict[str, float]:
    lines = client.get("/metrics").text.splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def _query(client: FlaskClient, query: str, **headers: str) -> int:
    with client.get(f"/sparql?{urlencode({'query': query})}", headers=headers) as response:
        return response.status_code


def test_metrics_count_requests_and_what_became_of_queries(client: FlaskClient, one: Pool) -> None:
    asked = {
        _ASK: (200, "answered"),
        f"{_ASK} ": (200, "answered"),
        "ASK {": (400, "invalid"),
        "SELECT * { VALUES ?x { 1 2 3 4 5 6 } }": (507, "rows"),
        "SELECT (COUNT(*) AS ?n) { "
        + " ".join(f"?a{n} (<urn:b>|!<urn:b>)* ?b{n} ." for n in range(30))
        + " }": (
            503,
            "time",
        ),
    }
    for query, (status, _) in asked.items():
        assert _query(client, query, Accept="application/sparql-results+json") == status
    assert _query(client, _ASK, Accept="application/sparql-results+json") == 200
    found = _metrics(client)
    for outcome, count in {"answered": 2, "cached": 1, "invalid": 1, "rows": 1, "time": 1}.items():
        assert found[f'her2kg_queries_total{{outcome="{outcome}"}}'] == count
    assert found['her2kg_requests_total{method="GET",route="/sparql",status="200"}'] == 3
    assert found['her2kg_request_seconds_count{route="/sparql"}'] == 6
    assert found["her2kg_queries_running"] == found["her2kg_queries_waiting"] == 0
    assert found[f'her2kg_data_info{{version="{one.version}"}}'] == found["her2kg_triples"] == 1
    assert found["her2kg_cache_answers"] == 2


def test_a_route_that_is_not_there_makes_no_metric_of_its_own(client: FlaskClient) -> None:
    for path in ("/a", "/b", "/c"):
        client.open(path, method="BREW").close()
    assert _metrics(client)['her2kg_requests_total{method="other",route="none",status="404"}'] == 3


def test_a_request_keeps_its_identifier_and_is_logged_without_its_query(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    response = client.get(f"/sparql?{urlencode({'query': _ASK})}", headers={"X-Request-Id": "from.a-proxy_1"})
    assert response.headers["X-Request-Id"] == "from.a-proxy_1"
    response.close()
    [line] = map(json.loads, capsys.readouterr().err.splitlines())
    assert line["request"] == "from.a-proxy_1"
    assert (line["status"], line["route"], line["outcome"]) == (200, "/sparql", "answered")
    assert line["query"] == query_hash(_ASK)
    assert line["bytes"] == len(response.data)
    assert _ASK not in json.dumps(line)


@pytest.mark.parametrize("given", ["", "a b", "a\u00e9", "x" * 65, "a;b"])
def test_an_identifier_that_is_none_is_replaced(client: FlaskClient, given: str) -> None:
    first, second = (
        client.get("/healthz", headers={"X-Request-Id": given}).headers["X-Request-Id"] for _ in range(2)
    )
    assert re.fullmatch(r"[0-9a-f]{12}-\d+", first)
    assert first != second


def test_ready_means_that_a_worker_answers(
    client: FlaskClient, one: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/readyz").get_json() == {"status": "ready", "data": one.version}

    def crashed(*_: object) -> None:
        raise CrashError

    monkeypatch.setattr(one, "ask", crashed)
    response = client.get("/readyz")
    assert (response.status_code, response.mimetype) == (500, "application/problem+json")
    assert client.get("/healthz").status_code == 200


def test_a_service_without_room_is_not_ready(file: Path) -> None:
    limits = Limits(workers=1, long=1, waiting=0)
    with pool_of_files([file], limits) as engine:
        client = create_app(engine, Settings.read({}, {}), built=False).test_client()
        with engine.gate.place("192.0.2.1", 1) as first:
            first.lengthen()
            with engine.gate.place("192.0.2.2", 1):
                response = client.get("/readyz")
                assert response.status_code == 503
                assert response.headers["Retry-After"]
                assert response.get_json()["detail"] == "too many queries are waiting"
                assert client.get("/healthz").status_code == 200
                assert _metrics(client)["her2kg_queries_running"] == 2
        assert client.get("/readyz").status_code == 200


def test_an_answer_is_kept_for_its_version_query_and_format(file: Path) -> None:
    with pool_of_files([file], Limits()) as engine:
        client = create_app(engine, Settings.read({}, {}), built=False).test_client()
        cache = _service(client).cache
        for accept in ("application/sparql-results+json", "text/csv", "text/csv"):
            assert _query(client, "SELECT * { ?s ?p ?o }", Accept=accept) == 200
        assert len(cache) == 2
        for _ in range(2):
            assert _query(client, "SELECT (RAND() AS ?x) {}", Accept="text/csv") == 200
        assert len(cache) == 2
        engine._config["files"].append(str(file))
        before = engine.version
        engine.reload()
        assert engine.version != before
        assert _query(client, "SELECT * { ?s ?p ?o }", Accept="text/csv") == 200
        assert len(cache) == 3


@pytest.mark.parametrize(("coding", "said"), [("identity", "length"), ("gzip", None)])
def test_the_log_gives_the_length_of_a_response_that_is_known(
    client: FlaskClient, capsys: pytest.CaptureFixture[str], coding: str, said: str | None
) -> None:
    values = " ".join(f'"{"x" * 20_000}{number}"' for number in range(4))
    query = f"SELECT * {{ VALUES ?x {{ {values} }} }}"
    headers = {"Accept": "text/csv", "Accept-Encoding": coding}
    with client.post("/sparql", data={"query": query}, headers=headers) as response:
        size = len(response.data)
    [line] = map(json.loads, capsys.readouterr().err.splitlines())
    assert line["status"] == 200
    assert line["bytes"] == (size if said else None)


# A real server ----------------------------------------------------------------------------------------


def _get(url: str) -> str:
    with urlopen(Request(url, headers={"Accept": "text/csv"}), timeout=30) as response:
        text: str = response.read().decode()
        return text


def test_a_new_build_takes_over_without_losing_a_request(built: Path, tmp_path: Path) -> None:
    """Ask without pause while builds are exchanged: one or the other answers every request."""
    folder = tmp_path / "build"
    shutil.copytree(built, folder)
    query = urlencode({"query": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"})
    with serving(HER2KG_BUILD=str(folder), HER2KG_CACHE_BYTES="0") as (url, process):
        seen: list[str] = []
        over = threading.Event()

        def ask() -> None:
            while not over.is_set():
                seen.append(_get(f"{url}sparql?{query}"))

        askers = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
        for asker in askers:
            asker.start()
        before = json.loads(_get(f"{url}healthz"))["data"]
        _add_a_triple(folder)
        process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 30
        while json.loads(_get(f"{url}healthz"))["data"] == before:
            assert time.monotonic() < deadline
        after = _get(f"{url}sparql?{query}")
        over.set()
        for asker in askers:
            asker.join()
        assert set(seen) <= {seen[0], after}
        assert int(after.split()[1]) == int(seen[0].split()[1]) + 1
        assert process.stderr is not None
        assert "version" in process.stderr.readline()
        # What cannot be read changes nothing.
        (folder / "her2kg.nt").write_text("no triple")
        process.send_signal(signal.SIGHUP)
        assert "the data stay as they were" in process.stderr.readline()
        assert _get(f"{url}sparql?{query}") == after


def _add_a_triple(folder: Path) -> None:
    import hashlib

    sums = (folder / "checksums.txt").read_text().splitlines()
    for name, line in (
        ("her2kg.nt", "<urn:new> <urn:p> <urn:o> .\n"),
        ("her2kg.nq", "<urn:new> <urn:p> <urn:o> .\n"),
    ):
        content = (folder / name).read_text(encoding="utf-8") + (line if name.endswith("nt") else "")
        if name.endswith("nq"):
            content += "<urn:new> <urn:p> <urn:o> <urn:g> .\n"
        (folder / name).write_text(content, encoding="utf-8")
        seal = hashlib.sha256(content.encode()).hexdigest()
        sums = [f"{seal}  {name}" if entry.endswith(f"  {name}") else entry for entry in sums]
    (folder / "checksums.txt").write_text("\n".join(sums) + "\n")


@pytest.fixture(scope="module")
def hasty(built: Path) -> Iterator[tuple[str, int]]:
    """Serve with little patience; give the address and the port."""
    limits = {"IDLE_SECONDS": "1", "HEAD_LIMIT": "8192", "BODY_LIMIT": "2000", "QUERY_SECONDS": "1"}
    with serving(HER2KG_BUILD=str(built), **{f"HER2KG_{name}": value for name, value in limits.items()}) as (
        url,
        _,
    ):
        yield url, int(url.rsplit(":", 1)[1].strip("/"))


def _exchange(port: int, *pieces: bytes) -> bytes:
    """Send something and read until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        for piece in pieces:
            link.sendall(piece)
        answer = b""
        while piece := link.recv(65536):
            answer += piece
        return answer


_FORM = b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Large: " + b"a" * 9000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Many: 1\r\n" * 1000 + b"\r\n", b"431"),
        (b"no HTTP at all\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", b"400"),
    ],
    ids=["address", "header", "headers", "noise", "length"],
)
def test_what_is_no_request_is_refused_by_the_server(
    hasty: tuple[str, int], sent: bytes, status: bytes
) -> None:
    assert _exchange(hasty[1], sent).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (_FORM + b"Content-Length: 3000\r\n\r\n", b"413"),
        (_FORM + b"Transfer-Encoding: chunked\r\n\r\nbb9\r\n" + b"a" * 3001 + b"\r\n0\r\n\r\n", b"413"),
        (_FORM + b"Content-Length: 100\r\n\r\nfew", b"408"),
    ],
    ids=["body", "chunks", "slow body"],
)
def test_a_body_that_cannot_be_taken_is_refused_with_a_problem(
    hasty: tuple[str, int], sent: bytes, status: bytes
) -> None:
    answer = _exchange(hasty[1], sent)
    assert answer.startswith(b"HTTP/1.1 " + status)
    head, _, body = answer.partition(b"\r\n\r\n")
    head = head.lower()
    assert b"content-type: application/problem+json" in head
    assert b"content-security-policy" in head
    assert json.loads(body)["status"] == int(status)
    assert json.loads(body)["remedy"]


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_a_connection_on_which_nothing_comes_is_closed(hasty: tuple[str, int], sent: bytes) -> None:
    begun = time.monotonic()
    _exchange(hasty[1], sent)
    assert time.monotonic() - begun < 10


def test_a_log_that_nobody_reads_holds_nobody_up(built: Path) -> None:
    with serving(HER2KG_BUILD=str(built), HER2KG_LOG="requests") as (url, _):
        for number in range(500):  # more than a pipe takes
            assert "ok" in _get(f"{url}healthz?{number}")


def test_clients_that_do_not_read_hold_no_worker(built: Path) -> None:
    """Let more clients than there are workers ask for much and read nothing; others are answered."""
    query = urlencode({"query": "SELECT * { ?s ?p ?o } LIMIT 39000"})
    limits = {"CACHE_BYTES": "0", "WORKERS": "4", "LONG_QUERIES": "50"}  # a busy machine refuses none
    with serving(HER2KG_BUILD=str(built), **{f"HER2KG_{name}": value for name, value in limits.items()}) as (
        url,
        _,
    ):
        port = int(url.rsplit(":", 1)[1].strip("/"))
        links = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
        for link in links:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            link.sendall(f"GET /sparql?{query} HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n\r\n".encode())
        for link in links:
            assert link.recv(12) == b"HTTP/1.1 200"
        for number in range(20):
            assert "true" in _ask(url, f"ASK {{ ?s ?p ?o }} # {number}")
        for link in links:
            link.close()


def _ask(url: str, query: str) -> str:
    with urlopen(f"{url}sparql?{urlencode({'query': query})}", timeout=10) as response:
        text: str = response.read().decode()
        return text
