"""A real server process on a free port, asked over HTTP as users do, and a real browser before it."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import signal
import socket
import struct
import subprocess
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from rdflib import Graph, URIRef
from rdflib.plugins.stores.sparqlstore import SPARQLStore

from tests.conftest import needs
from tests.serving import SERVE, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

#: Bytes of memory with which a product of all triples runs until its time is over.
_ENOUGH = "100000000"
_COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


@pytest.fixture(scope="module")
def address(built: Path) -> Iterator[str]:
    """Serve the real graph and give the address of the home page."""
    with serving(HER2KG_BUILD=str(built)) as (url, _):
        yield url


def _get(url: str, **headers: str) -> str:
    with urlopen(Request(url, headers=headers), timeout=30) as response:
        text: str = response.read().decode()
        return text


def _ask(address: str, query: str, accept: str = "text/csv") -> str:
    return _get(f"{address}sparql?{urlencode({'query': query})}", Accept=accept)


def test_the_server_says_where_it_is_and_how_much_it_holds(built: Path) -> None:
    with serving(HER2KG_BUILD=str(built)) as (url, _):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url)
        assert json.loads(_get(f"{url}healthz"))["status"] == "ok"


def test_a_query_is_answered_over_http(address: str, built: Path) -> None:
    lines = len((built / "her2kg.nt").read_text(encoding="utf-8").splitlines())
    assert list(csv.reader(io.StringIO(_ask(address, _COUNT)))) == [["n"], [str(lines)]]


@pytest.mark.parametrize("content_type", ["application/sparql-query", "application/x-www-form-urlencoded"])
def test_a_query_may_be_posted(address: str, content_type: str) -> None:
    body = _COUNT if content_type.endswith("query") else urlencode({"query": _COUNT})
    request = Request(
        f"{address}sparql", data=body.encode(), headers={"Content-Type": content_type, "Accept": "text/csv"}
    )
    with urlopen(request, timeout=30) as response:
        assert response.read().decode() == _ask(address, _COUNT)


def test_rdflib_asks_the_endpoint_as_a_store(address: str) -> None:
    store = SPARQLStore(f"{address}sparql", returnFormat="json")
    remote = Graph(store)
    rows = remote.query(
        "PREFIX her2: <https://w3id.org/her2kg/ontology#> "
        "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> "
        "SELECT ?drug ?label { ?drug a her2:DrugCategory ; rdfs:label ?label }"
    )
    assert URIRef("https://w3id.org/her2kg/id/drug/afatinib") in {row[0] for row in rows}  # type: ignore[index]
    assert "阿法替尼" in {str(row[1]) for row in rows}  # type: ignore[index]


def test_a_problem_comes_over_http_with_line_and_column(address: str) -> None:
    with pytest.raises(HTTPError) as caught:
        _ask(address, "SELECT * {\n ?s ex:p ?o }", "application/json")
    with caught.value as error:
        assert error.code == 400
        assert error.headers["Content-Type"] == "application/problem+json"
        body = json.loads(error.read())
    assert (body["line"], body["column"]) == (2, 5)


def test_a_body_over_the_limit_is_refused_and_the_server_lives_on(built: Path) -> None:
    with serving(HER2KG_BUILD=str(built), HER2KG_BODY_LIMIT="1000") as (url, process):
        request = Request(
            f"{url}sparql", data=b"#" * 5000, headers={"Content-Type": "application/sparql-query"}
        )
        with pytest.raises(HTTPError) as caught:
            urlopen(request, timeout=30)
        with caught.value as error:
            assert error.code == 413
        assert _ask(url, _COUNT).startswith("n\r\n")
        assert process.poll() is None


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_cleanly(built: Path, end: signal.Signals) -> None:
    with serving(HER2KG_BUILD=str(built)) as (url, process):
        assert _get(url)
        process.send_signal(end)
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def _problem(address: str, query: str, accept: str = "text/csv") -> tuple[int, dict[str, object]]:
    with pytest.raises(HTTPError) as caught:
        _ask(address, query, accept)
    with caught.value as error:
        return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def limited(built: Path) -> Iterator[str]:
    """Serve the real graph with small limits."""
    limits = {
        "QUERY_SECONDS": "1",
        "QUERY_MEMORY": "100000000",
        "ANSWER_LIMIT": "5000000",
        "ROW_LIMIT": "4000",
        "WAITING": "0",
        "CACHE_BYTES": "0",  # what was asked before is to be asked again
    }
    with serving(HER2KG_BUILD=str(built), **{f"HER2KG_{name}": value for name, value in limits.items()}) as (
        url,
        _,
    ):
        yield url


_HOSTILE = {
    "nested": (f"ASK {'{' * 20_000}{'}' * 20_000}", 400),
    "long": (f"ASK {{}} # {'a' * 300_000}", 413),
    "rows": ("SELECT ?a { ?a ?b ?c } LIMIT 5000", 507),
    "negated": (f"ASK {{ FILTER({'!' * 50_000}true) }}", 500),
    "slow": ("SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", 503),
    "greedy": ("SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?a ?f", 507),
    "fetching": ("SELECT * { SERVICE <http://127.0.0.1:1/> { ?a ?b ?c } }", 400),
}


@pytest.mark.parametrize("what", _HOSTILE)
def test_a_hostile_query_costs_nobody_else_anything(limited: str, what: str) -> None:
    query, status = _HOSTILE[what]
    body = urlencode({"query": query}).encode()
    request = Request(f"{limited}sparql", data=body, headers={"Accept": "text/csv"})
    with pytest.raises(HTTPError) as caught:
        urlopen(request, timeout=30)
    with caught.value as error:
        said = json.loads(error.read())
        assert error.code == said["status"] == status
    assert said["remedy"]
    assert len(said["detail"]) < 200
    start = time.monotonic()
    assert _ask(limited, "ASK { ?s ?p ?o }", "application/sparql-results+json").count("true") == 1
    assert time.monotonic() - start < 10


def test_an_answer_that_meets_its_limit_is_a_problem_and_not_half_an_answer(limited: str) -> None:
    query = urlencode({"query": "SELECT * { ?a ?b ?c . ?d ?e ?f }"})
    with pytest.raises(HTTPError) as caught:
        _get(f"{limited}sparql?{query}", Accept="text/csv")
    with caught.value as error:
        assert error.code in {503, 507}
        assert json.loads(error.read())["remedy"]
    assert "true" in _ask(limited, "ASK { ?s ?p ?o }", "application/sparql-results+json")


def test_while_long_queries_run_the_server_answers_others(built: Path) -> None:
    query = urlencode({"query": _HOSTILE["slow"][0]}).encode()
    limits = {"HER2KG_QUERY_SECONDS": "5", "HER2KG_QUERY_MEMORY": _ENOUGH, "HER2KG_CACHE_BYTES": "0"}
    with serving(HER2KG_BUILD=str(built), **limits) as (url, _), contextlib.ExitStack() as stack:
        port = int(url.rsplit(":", 1)[1].strip("/"))
        busy = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30)) for _ in range(8)
        ]
        for link in busy:
            link.sendall(
                b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                + f"Content-Length: {len(query)}\r\n\r\n".encode()
                + query
            )
        for _ in range(10):
            assert json.loads(_get(f"{url}healthz"))["status"] == "ok"
            assert "true" in _ask(url, "ASK { ?s ?p ?o }", "application/sparql-results+json")
        for link in busy:
            assert b" 503 " in link.recv(100)


def test_many_idle_connections_shut_nobody_out(limited: str) -> None:
    port = int(limited.rsplit(":", 1)[1].strip("/"))
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
    for link in idle:
        link.sendall(b"GET / HT")
    assert json.loads(_get(f"{limited}healthz"))["status"] == "ok"
    for link in idle:
        link.close()


def _raw(address: str, sent: bytes) -> bytes:
    """Give all that the server says to these bytes until it closes the connection."""
    found = re.fullmatch(r"http://([\d.]+):(\d+)/", address)
    assert found
    with socket.create_connection((found[1], int(found[2])), timeout=30) as link:
        link.sendall(sent)
        with link.makefile("rb") as file:
            return file.read()


def _request(query: str, *headers: str) -> bytes:
    lines = [f"GET /sparql?{urlencode({'query': query})} HTTP/1.1", "Host: localhost", "Accept: text/csv"]
    return "\r\n".join([*lines, *headers, "", ""]).encode()


def test_requests_that_are_sent_at_once_are_answered_in_their_order(address: str) -> None:
    # One in three is looked up on the spot, one is answered by a worker, one is a problem.
    queries = [
        (
            f"SELECT ?p {{ <urn:none-{number}> ?p ?o }}",
            f"SELECT ({number} AS ?n) {{ }}",
            f"SELECT * {{ # {number}",
        )[number % 3]
        for number in range(300)
    ]
    last = _request("SELECT (-1 AS ?n) { }", "Connection: close")
    said = _raw(address, b"".join(map(_request, queries)) + last)
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"200", b"400"] * 100 + [b"200"]
    numbers = [int(number) for number in re.findall(rb"\r\n\r\nn\r\n(-?\d+)\r\n", said)]
    assert numbers == [*range(1, 300, 3), -1]


def test_many_requests_at_once_do_not_hold_up_others(address: str) -> None:
    # The thing with the most triples, and an answer that is short, so that no full buffer makes it pause.
    most = _ask(address, "SELECT ?s { ?s ?p ?o } GROUP BY ?s ORDER BY DESC(COUNT(*)) LIMIT 1").split()[1]
    requests = [_request(f"SELECT DISTINCT ?p {{ <{most}> ?p ?o }} LIMIT {number}") for number in range(800)]
    host, port = address.removeprefix("http://").strip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as many:
        many.sendall(b"".join(requests))
        assert _ask(address, f"SELECT ?p {{ <{most}> ?p ?o }} LIMIT 1").startswith("p")
        many.settimeout(0)
        answered = b""
        with contextlib.suppress(BlockingIOError):
            while piece := many.recv(1 << 20):
                answered += piece
    assert answered.count(b"HTTP/1.1 200") < len(requests)


def test_what_is_sent_after_the_last_request_is_not_answered(address: str) -> None:
    query = "SELECT ?p { <urn:none> ?p ?o }"
    said = _raw(address, _request(query, "Connection: close") + _request(query))
    assert said.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_query_that_runs_when_the_server_is_ended_is_answered(built: Path, end: signal.Signals) -> None:
    query = urlencode({"query": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"}).encode()
    with serving(HER2KG_BUILD=str(built), HER2KG_QUERY_SECONDS="3", HER2KG_QUERY_MEMORY=_ENOUGH) as (
        url,
        process,
    ):
        port = int(url.rsplit(":", 1)[1].strip("/"))
        with socket.create_connection(("127.0.0.1", port)) as link:
            link.sendall(
                b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                + f"Content-Length: {len(query)}\r\n\r\n".encode()
                + query
            )
            while not _working(process.pid):
                pass
            process.send_signal(end)
            assert b" 503 " in link.recv(100)  # what it would be answered anyway: its time is over
        assert process.wait(timeout=10) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def _working(process: int) -> bool:
    """Say whether the server has forked a worker."""
    level = {process}
    for _ in range(3):  # the web process, the parent of the workers, the workers
        level = {child for one in level for child in _children(one)}
    return bool(level)


def _children(process: int) -> list[int]:
    files = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text().split()]


def test_a_second_signal_ends_the_server_at_once(built: Path) -> None:
    query = urlencode({"query": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"})
    with serving(HER2KG_BUILD=str(built), HER2KG_QUERY_SECONDS="60", HER2KG_QUERY_MEMORY=_ENOUGH) as (
        url,
        process,
    ):
        port = int(url.rsplit(":", 1)[1].strip("/"))
        with socket.create_connection(("127.0.0.1", port)) as link:
            link.sendall(f"GET /sparql?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            while not _working(process.pid):
                pass
            process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=2)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 128 + signal.SIGTERM


def _refused(*words: str, built: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "HER2KG_BUILD": str(built)}
    return subprocess.run(
        [*SERVE, *words], capture_output=True, text=True, env=environ, check=False, timeout=60
    )


def test_a_port_in_use_is_one_line_with_the_remedy(built: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = _refused("--port", port, built=built)
    assert done.returncode == 3
    assert done.stderr == f"her2kg: port {port} is in use: choose another with --port or HER2KG_PORT\n"


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("203.0.113.1", "203.0.113.1:0 cannot be bound: Cannot assign requested address: choose another"),
        ("a..b", "there is no host 'a..b': choose one with --host or HER2KG_HOST"),
    ],
)
def test_an_address_that_is_not_ours_is_one_line_with_the_remedy(built: Path, host: str, said: str) -> None:
    done = _refused("--host", host, "--port", "0", built=built)
    assert done.returncode == 3
    assert done.stderr.startswith(f"her2kg: {said}")
    assert done.stderr.count("\n") == 1


def test_without_a_build_the_server_does_not_start(tmp_path: Path) -> None:
    done = _refused("--port", "0", built=tmp_path)
    assert done.returncode == 3
    assert done.stderr == f"her2kg: {tmp_path}/checksums.txt is missing: run `her2kg build` first\n"


def test_files_of_the_users_own_are_served_without_a_build(tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text("<urn:a> <urn:p> 'x' .")
    (tmp_path / "b.nt").write_text("<urn:b> <urn:p> <urn:c> .\n")
    files = ("--data", str(tmp_path / "a.ttl"), "--data", str(tmp_path / "b.nt"))
    with serving(*files, HER2KG_BUILD=str(tmp_path)) as (url, _):
        answer = _ask(url, "SELECT ?s { ?s <urn:p> ?o } ORDER BY ?s")
        assert answer == "s\r\nurn:a\r\nurn:b\r\n"
        assert "/questions/" not in _get(url)


def test_a_broken_file_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text("<urn:a> <urn:p>\n  'x .")
    done = _refused("--port", "0", "--data", str(tmp_path / "a.ttl"), built=tmp_path)
    assert done.returncode == 3
    assert re.fullmatch(rf"her2kg: {tmp_path}/a\.ttl:2:\d+: .*: mend the syntax\n", done.stderr)


# A browser -------------------------------------------------------------------------------------------


def _chromium(folder: Path, *words: str) -> str:
    needs("chromium")
    command = [
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={folder / 'profile'}",
        "--window-size=1200,900",
    ]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


def _distinct_bytes(png: bytes) -> int:
    """Count the distinct bytes of a picture's rows: one or two for a blank page."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    place, packed = 8, b""
    while place < len(png):
        (size,) = struct.unpack(">I", png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            packed += png[place + 8 : place + 8 + size]
        place += size + 12
    return len(set(zlib.decompress(packed)))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("", ["What this graph holds", "Which drugs are there", "therapeutic-response"]),
        ("questions/drugs", ["Which drugs are there", "afatinib", "阿法替尼", "NCIT:C1647"]),
        ("questions/drugs?lang=zh", ["涉及哪些药物", "阿法替尼"]),
        ("sparql?query=SELEC", ["400 Bad Request", "Line 1, column"]),
    ],
)
def test_a_browser_shows_the_page_with_its_answer(
    address: str, tmp_path: Path, path: str, shown: list[str]
) -> None:
    text = _chromium(tmp_path, "--dump-dom", f"{address}{path}")
    for words in shown:
        assert words in text
    _chromium(tmp_path, f"--screenshot={tmp_path / 'shot.png'}", f"{address}{path}")
    assert _distinct_bytes((tmp_path / "shot.png").read_bytes()) > 50


def test_the_form_of_the_home_page_asks_what_stands_in_it(address: str) -> None:
    page = _get(address)
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert found
    query = found[1].replace("&lt;", "<").replace("&gt;", ">")
    rows = list(csv.DictReader(io.StringIO(_ask(address, query))))
    assert {row["direction"].rpartition("/")[2] for row in rows} >= {"supports", "no-effect", "disputes"}
