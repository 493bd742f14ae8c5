"""Another engine in the place of ours: what it may say, what is asked of it, and how it is filled."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from her2kg.answer.backends import backend as backend_at
from her2kg.answer.backends import explain_apart, open_backend
from her2kg.answer.loading import _batches, load
from her2kg.answer.processes import pool_of_files
from her2kg.errors import BackendError, BusyError, LimitError, QueryError, SettingError
from her2kg.model.namespaces import BACKEND_GRAPH, LOADED
from her2kg.settings import Settings
from her2kg.sparql.endpoint import Endpoint
from her2kg.sparql.engine import Engine as Memory
from her2kg.sparql.engine import Table, Triples, plain, read_answer
from her2kg.sparql.pool import EXPLAIN
from her2kg.sparql.remote import RemotePool
from her2kg.sparql.store import Store
from her2kg.sparql.syntax import refuse_functions
from her2kg.sparql.worker import Job, Limits
from tests.engines import (
    JSON,
    TRACE,
    Said,
    address,
    free_port,
    mark,
    telling,
    usual,
    values,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from her2kg.sparql.backend import Backend


_COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


class _Opener(Protocol):
    def __call__(self, url: str, seconds: float = 5, limit: int = 1_000_000, graph: str = "") -> Backend: ...


@pytest.fixture
def opened() -> Iterator[_Opener]:
    """Give what makes a backend that the end of the test closes."""
    with ExitStack() as stack:

        def make(url: str, seconds: float = 5, limit: int = 1_000_000, graph: str = "") -> Backend:
            return stack.enter_context(closing(backend_at(address(url), seconds, limit, graph)))

        yield make


# An engine that misbehaves ---------------------------------------------------------------------------


def _told(backend: Backend) -> BackendError:
    """Give what is wrong without its traceback, which would hold the answer until another thread drops it."""
    try:
        values(backend, "SELECT * { ?s ?p ?o }")
    except BackendError as error:
        error.__cause__ = error.__context__ = None
        return error.with_traceback(None)
    raise AssertionError


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (Said(500, "text/plain", TRACE), "the engine answers 500: java.lang.IllegalStateException: boom"),
        (Said(500, "text/html", b"<h1>Secret</h1>"), "the engine answers 500"),
        (Said(400, "text/plain", b"x" * 5000), f"the engine answers 400: {'x' * 199}…"),
        (Said(403), "the engine rejects our credentials"),
        (Said(302), "the engine redirects"),
        (Said(200, "text/html", b"<html>"), "the engine answers in 'text/html'"),
        (Said(200, JSON, b'{"head": {"vars": ["a"]}, "results": {"bindings": [{'), "cannot be read"),
        (Said(200, JSON, b""), "cannot be read"),
        (Said(200, JSON, mark(), (("X-SPARQL-MaxRows", "10"),)), "cut the answer off at 10 rows"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_an_engine_does_wrong_is_one_line_without_its_inside(
    said: Said, problem: str, opened: _Opener
) -> None:
    with telling(lambda *_: said) as (url, _):
        error = _told(opened(url))
    assert problem in error.problem
    assert len(error.problem) < 260
    assert "Secret" not in str(error)
    assert error.remedy
    assert error.status == HTTPStatus.BAD_GATEWAY


@pytest.mark.parametrize("status", [408, 504])
def test_an_engine_that_gave_up_in_time_is_told_so(status: int, opened: _Opener) -> None:
    with telling(lambda *_: Said(status)) as (url, _), pytest.raises(BackendError) as caught:
        opened(url).query("ASK {}")
    assert caught.value.status == HTTPStatus.GATEWAY_TIMEOUT


def test_the_deadline_holds_for_the_whole_answer_not_for_each_byte(opened: _Opener) -> None:
    with telling(lambda *_: Said(slowly=0.1)) as (url, _):
        begun = time.monotonic()
        with pytest.raises(LimitError, match=r"longer than 0\.5 s"):
            opened(url, 0.5).query("ASK {}")
        assert time.monotonic() - begun < 2


def test_an_answer_of_too_many_bytes_is_not_read(opened: _Opener) -> None:
    with (
        telling(lambda *_: Said(content=b" " * 2000)) as (url, _),
        pytest.raises(LimitError, match="1,000 bytes"),
    ):
        opened(url, limit=1000).query("ASK {}")


def test_engine_that_is_not_there_is_one_line_and_named_at_the_start_only(opened: _Opener) -> None:
    place = address(f"http://me:secret@127.0.0.1:{free_port()}/query")
    with pytest.raises(BackendError) as caught:
        opened(str(place)).query("ASK {}")
    assert caught.value.problem == "the engine cannot be reached: Connection refused"
    with pytest.raises(BackendError, match=r"127\.0\.0\.1:\d+/query: the engine cannot") as caught:
        open_backend(place, 5, 1000)
    assert "secret" not in str(caught.value)


def test_connections_are_kept_and_one_that_was_closed_is_made_anew(opened: _Opener) -> None:
    with telling(usual) as (url, engine):
        backend = opened(url)
        for _ in range(3):
            assert backend.query("ASK {}")
        assert engine.connections == 1
        engine.say = lambda *_: Said(headers=(("Connection", "close"),))
        assert backend.query("ASK {}")
        assert backend.query("ASK {}")
        assert engine.connections == 2


def test_kept_connection_that_the_engine_closed_is_replaced() -> None:
    with telling(usual) as (url, engine), closing(Endpoint(address(url), 1000)) as endpoint:
        engine.hang_up = True  # after the answer, without having announced it
        for _ in range(5):
            endpoint.post([("query", "ASK {}")], "*/*", time.monotonic() + 5)
        assert engine.connections >= 5


def test_query_is_sent_again_when_its_connection_breaks_and_an_update_is_not() -> None:
    for updates, sent in ((False, 2), (True, 1)):
        with (
            telling(usual) as (url, engine),
            closing(Endpoint(address(url), 1000, updates=updates)) as endpoint,
        ):
            engine.say = lambda *_: Said(status=0)
            with pytest.raises(BackendError, match="cannot be reached: the connection broke off"):
                endpoint.post([("query", "ASK {}")], "*/*", time.monotonic() + 5)
            assert len(engine.asked) == sent


def test_each_update_has_a_connection_of_its_own() -> None:
    with telling(usual) as (url, engine), closing(Endpoint(address(url), 1000, updates=True)) as endpoint:
        for _ in range(2):
            endpoint.post([("update", "INSERT DATA {}"), ("query", "")], "*/*", time.monotonic() + 5)
        assert engine.connections == 2


def test_threads_share_an_endpoint(opened: _Opener) -> None:
    with telling(lambda *_: Said(slowly=0.01)) as (url, engine):
        backend = opened(url)
        with ThreadPoolExecutor(8) as pool:
            begun = time.monotonic()
            assert all(pool.map(lambda _: bool(backend.query("ASK {}")), range(8)))
        assert engine.connections == 8
        assert time.monotonic() - begun < 8 * 0.01 * len(Said().content)


def test_close_ends_what_is_in_flight_and_the_thread() -> None:
    with telling(lambda *_: Said(slowly=0.5)) as (url, engine), ThreadPoolExecutor(1) as pool:
        endpoint = Endpoint(address(url), 1000)
        answer = pool.submit(endpoint.post, [("query", "ASK {}")], "*/*", time.monotonic() + 20)
        while not engine.asked:
            time.sleep(0.01)
        endpoint.close()
        with pytest.raises(BackendError):
            answer.result(5)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith(f"engine at {url}")]
        with pytest.raises(BackendError, match="is closed"):
            endpoint.post([], "*/*", time.monotonic() + 1)
        endpoint.close()


def test_deadline_that_is_over_is_a_timeout() -> None:
    with (
        telling(usual) as (url, _),
        closing(Endpoint(address(url), 1000)) as endpoint,
        pytest.raises(TimeoutError),
    ):
        endpoint.post([("query", "ASK {}")], "*/*", time.monotonic() - 1)


def test_engine_that_does_not_speak_http_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def speak() -> None:
            for _ in range(2):
                link, _ = server.accept()
                with link:
                    link.recv(1000)
                    link.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

        speaking = pool.submit(speak)
        place = address(f"http://127.0.0.1:{server.getsockname()[1]}/")
        with closing(Endpoint(place, 1000)) as endpoint, pytest.raises(BackendError, match="not speak HTTP"):
            endpoint.post([("query", "ASK {}")], "*/*", time.monotonic() + 5)
        socket.create_connection(server.getsockname()).close()
        speaking.result(5)


def test_digest_is_answered_when_the_engine_wants_it(opened: _Opener) -> None:
    def say(_form: object, authorization: str) -> Said:
        if authorization.startswith('Digest username="me", realm="r", nonce="n"'):
            return Said()
        return Said(401, headers=(("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"'),))

    with telling(say) as (url, engine):
        backend = opened(url.replace("http://", "http://me:secret@"))
        assert backend.query("ASK {}")
        assert backend.query("ASK {}")
        assert len(engine.asked) <= 4  # the oldest aiohttp waits for a challenge each time


def test_wrong_password_is_one_line(opened: _Opener) -> None:
    for challenge in ('Digest realm="r", nonce="n"', 'Basic realm="r"'):
        said = Said(401, headers=(("WWW-Authenticate", challenge),))
        with telling(lambda *_, said=said: said) as (url, engine):
            error = _told(opened(url.replace("http://", "http://me:secret@")))
            assert "rejects our credentials" in error.problem
            assert len(engine.asked) == 2


def test_user_and_password_are_sent_when_they_are_asked_for(opened: _Opener) -> None:
    def say(_form: object, authorization: str) -> Said:
        return Said() if authorization == "Basic bWU6c2VjcmV0" else Said(401)

    with telling(say) as (url, engine):
        backend = opened(url.replace("http://", "http://me:secret@"))
        assert backend.query("ASK {}")
        assert backend.query("ASK {}")
        assert len(engine.asked) == 3


def test_two_that_are_refused_at_once_both_try_again_with_a_password(opened: _Opener) -> None:
    both = threading.Barrier(2)

    def say(_form: object, authorization: str) -> Said:
        if authorization:
            return Said()
        both.wait(5)
        return Said(401)

    with telling(say) as (url, _), ThreadPoolExecutor(2) as pool:
        backend = opened(url.replace("http://", "http://me:secret@"))
        assert all(pool.map(lambda _: bool(backend.query("ASK {}")), range(2)))


def test_addresses_keep_their_secrets() -> None:
    place = address("https://me:s%40cret@host:1/sparql?reasoning=true")
    assert (place.user, place.password) == ("me", "s@cret")
    assert str(place) == "https://host:1/sparql?reasoning=true"
    assert "cret" not in repr(place)
    settings = Settings.read(
        {"backend": "http://me:secret@host/q", "backend_update": "http://a:secret@host/u"}, {}
    )
    assert "secret" not in f"{settings}"


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "ftp://host/secret",
        "http://",
        "http://host:secret/",
        "http://ho st/secret",
        "http://secret%3A:x@host/",
    ],
)
def test_an_address_that_is_none_is_not_repeated(text: str) -> None:
    with pytest.raises(SettingError, match="backend is not an HTTP address") as caught:
        Settings.read({"backend": text}, {})
    assert "secret" not in str(caught.value)


def test_an_address_for_updates_alone_is_wrong_use() -> None:
    with pytest.raises(SettingError, match="without backend"):
        Settings.read({"backend_update": "http://host/"}, {})


# What is asked of it ---------------------------------------------------------------------------------


def test_a_query_is_over_the_graphs_of_the_build_unless_it_names_others(opened: _Opener) -> None:
    with telling(usual) as (url, engine):
        backend = opened(url)
        backend.query("ASK {}")
        backend.query("ASK FROM <urn:a> {}")
        backend.query("ASK {}", ["urn:b"], ["urn:c"])
        opened(url, graph="default").query("ASK {}")
    over = [(form.get("default-graph-uri"), form.get("named-graph-uri")) for form in engine.asked]
    names = [
        f"https://w3id.org/her2kg/graph/{name}" for name in ("ontology", "asserted", "inferred", "metadata")
    ]
    assert over == [([str(BACKEND_GRAPH)], names), (None, None), (["urn:b"], ["urn:c"]), (None, None)]


def test_the_version_is_that_of_the_load_and_read_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch, opened: _Opener
) -> None:
    with telling(usual) as (url, engine):
        backend = opened(url)
        assert (backend.version, len(backend)) == ("v1", 3)
        engine.say = lambda *_: Said(content=mark("v2", 4))
        assert backend.version == "v1"
        monkeypatch.setattr("her2kg.sparql.backend._FRESH", 0)
        backend = opened(url)
        assert (backend.version, len(backend)) == ("v2", 4)
        engine.say = lambda *_: Said(content=mark("v3", 4))
        assert backend.version == "v3"
        engine.say = lambda *_: Said(content=mark("", 0))
        with pytest.raises(BackendError, match="half of a build"):
            _ = backend.version


def test_an_engine_without_our_data_has_a_version_of_this_start_or_is_empty() -> None:
    def say(form: dict[str, list[str]], _authorization: str) -> Said:
        if str(LOADED) in form["query"][0]:
            return Said(content=b'{"head": {"vars": ["version"]}, "results": {"bindings": []}}')
        if form["query"][0].startswith("ASK"):
            return Said(content=b'{"head": {}, "boolean": false}')
        return Said(content=mark("", count))

    with telling(say) as (url, _):
        count = 7
        with ExitStack() as stack:
            backend, other = (
                stack.enter_context(closing(open_backend(address(url), 5, 1000, "default"))) for _ in range(2)
            )
            assert len(backend) == 7
            assert not backend.built
            assert backend.version == backend.version != other.version
        count = 0
        with pytest.raises(BackendError, match=r"holds nothing in its graph https.*: fill it: `her2kg load`"):
            open_backend(address(url), 5, 1000)


def test_answers_of_virtuoso_are_read_with_its_blank_nodes_and_its_asks() -> None:
    row = b'{ "head": { "vars": ["x"] }, "results": { "bindings": [ %s ] } }'
    node = row % b'{ "x": { "type": "bnode", "value": "nodeID://b1" }}'
    text = row % b'{ "x": { "type": "literal", "value": "nodeID://b1" }}'
    for content, value in ((node, "b1"), (text, "nodeID://b1")):
        answer = read_answer("table", JSON, content)
        assert isinstance(answer, Table)
        assert [plain(row["x"]) for row in answer.rows()] == [value]
    assert not read_answer("truth", JSON, row % b"")
    assert read_answer("truth", JSON, node)
    triples = read_answer("triples", "text/turtle", b"<urn:a> <urn:b> [] .")
    assert isinstance(triples, Triples)
    assert triples.text("application/n-triples").startswith(b"<urn:a> <urn:b> _:")


_CALLS = [
    "SELECT (bif:f() AS ?x) {}",
    "ASK { FILTER bif:f(1) }",
    "ASK { FILTER(1 = <b\\u0069f:f>(1)) }",
    "SELECT * {} ORDER BY ?a bif:f(?a)",
    "SELECT * {} GROUP BY ?a HAVING (EXISTS {}) bif:f(?a)",
    "SELECT (COUNT(DISTINCT bif:f(?a)) AS ?n) {}",
    "ASK { BIND(IF(true, 1, bif:f()) AS ?x) }",
]


@pytest.mark.parametrize("query", _CALLS)
def test_functions_of_an_engine_are_refused(query: str) -> None:
    with pytest.raises(QueryError, match=r"1:\d+: the function .* is not of SPARQL"):
        refuse_functions(f"PREFIX bif: <bif:> PREFIX BIF: <http://www.w3.org/2001/XMLSchema#> {query}")


@pytest.mark.parametrize(
    "query",
    [
        "PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> ASK { FILTER(xsd:integer('1') = 1) }",
        "PREFIX owl: <urn:owl> ASK { ?a owl:unionOf ( 1 2 ) ; owl:oneOf ( 3 ) . owl:a owl:b (4) }",
        "SELECT * { { SELECT ?a {} GROUP BY ?a } ?a <urn:p> (1) }",
        "SELECT (COUNT(*) AS ?n) { VALUES (?a ?b) { (<urn:a> <urn:b>) (<urn:a> <urn:b>) } }",
    ],
)
def test_casts_and_collections_are_not(query: str) -> None:
    refuse_functions(query)


@pytest.fixture
def remote(opened: _Opener) -> Iterator[RemotePool]:
    """Give what answers from an engine that says yes to any query."""
    limits = Limits(seconds=20, answer=1000, workers=1, waiting=0)
    with telling(usual) as (url, engine):
        backend = opened(url, limit=1000)
        tasks = {EXPLAIN: partial(explain_apart, backend)}
        pool = RemotePool(backend, pool_of_files((), limits), {"owl": "urn:owl:"}, tasks)
        with closing(pool.open()):
            pool.engine = engine  # type: ignore[attr-defined]
            # The version and the parser were looked up: what comes now is what the test does.
            _ = pool.version
            engine.asked.clear()
            yield pool


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("ASK { SERVICE <http://127.0.0.1/> {} }", "1:7: SERVICE is refused"),
        ("INSERT DATA { <urn:a> <urn:b> 1 }", "1:1: updates are refused"),
        ("ASK {\n ?s ?p }", "2:"),
        ("ASK { \\u0053ERVICE <http://127.0.0.1/> {} }", "1:"),
        (f"ASK {'{' * 101}{'}' * 101}", "more than 100 levels of nested brackets"),
        (f"ASK {{ FILTER({'+'.join(['1'] * 4100)}) }}", "more than 4,000 words and signs"),
        ("PREFIX bif: <bif:> ASK { FILTER bif:http_get('http://127.0.0.1/') }", "not "),
        ("define get:soft 'soft' ASK {}", "1:8: the prefix get: is not declared"),
    ],
)
@pytest.mark.slow
def test_what_must_not_get_to_an_engine_does_not(remote: Any, query: str, problem: str) -> None:
    with pytest.raises(QueryError) as caught:
        remote.ask(Job(query))
    assert problem in str(caught.value)
    assert remote.engine.asked == []


@pytest.mark.slow
def test_an_answer_comes_in_the_format_of_its_form(remote: Any) -> None:
    reply = remote.ask(Job("ASK {}", formats={"truth": "application/sparql-results+xml"}))
    assert reply.form == "truth"
    assert b"<boolean>true</boolean>" in reply.read()
    assert remote.ask(Job("ASK {}", formats={"table": "text/csv"})).content is None


@pytest.mark.slow
def test_triples_come_with_prefixes_and_an_answer_may_grow_too_long(remote: Any) -> None:
    lines = b"".join(b"<urn:owl:%d> <urn:owl:p> <urn:owl:o> .\n" % number for number in range(24))
    remote.engine.say = lambda *_: Said(media_type="application/n-triples", content=lines)
    query = "CONSTRUCT WHERE { ?s ?p ?o }"
    reply = remote.ask(Job(query, formats={"triples": "text/turtle"}))
    assert b"owl:1 owl:p owl:o ." in reply.read()
    with pytest.raises(LimitError, match="1,000 bytes"):
        remote.ask(Job(query, formats={"triples": "application/rdf+xml"}))


@pytest.mark.slow
def test_a_relative_iri_is_resolved_against_the_base(remote: Any) -> None:
    remote.ask(Job("ASK { <a> ?p ?o }", base="http://localhost/sparql"))
    [sent] = [form["query"][0] for form in remote.engine.asked]
    assert sent == "BASE <http://localhost/sparql> ASK { <a> ?p ?o }"


@pytest.mark.slow
def test_one_more_than_may_wait_is_refused(remote: Any) -> None:
    with remote.gate.place("a", 1), pytest.raises(BusyError):
        remote.ask(Job("ASK {}"), "b")
    assert remote.ask(Job("ASK {}")).form == "truth"


@pytest.mark.slow
def test_an_explanation_queries_the_engine_and_passes_its_errors_on(remote: Any) -> None:
    def say(form: dict[str, list[str]], _authorization: str) -> Said:
        empty = b'{"head": {"vars": ["a"]}, "results": {"bindings": []}}'
        return Said(content=empty if form["query"][0].startswith("SELECT") else Said().content)

    remote.engine.say = say
    [finding] = remote.run(Job("SELECT ?a { ?a <urn:p> ?b }", task=EXPLAIN))
    assert finding["kind"] == "none"
    remote.engine.say = lambda *_: Said(500)
    with pytest.raises(BackendError, match="the engine answers 500"):
        remote.run(Job("SELECT ?a { ?a <urn:p> ?b }", task=EXPLAIN))


@pytest.mark.slow
@pytest.mark.parametrize("explained", [False, True], ids=["answer", "explanation"])
def test_what_takes_long_at_an_engine_leaves_the_light_places_to_others(
    opened: _Opener, *, explained: bool
) -> None:
    over, begun = threading.Event(), threading.Event()

    def say(form: dict[str, list[str]], authorization: str) -> Said:
        if "urn:long" in form["query"][0]:
            begun.set()
            over.wait(20)
        return usual(form, authorization)

    def explain(_job: Job, _seconds: float) -> list[dict[str, str]]:
        begun.set()
        over.wait(20)
        return []

    limits = Limits(seconds=20, workers=1, long=1, waiting=4)
    job = Job("ASK { <urn:long> ?p ?o }", task=EXPLAIN if explained else "")
    with telling(say) as (url, _), ThreadPoolExecutor(1) as threads:
        pool = RemotePool(opened(url), pool_of_files((), limits), {}, {EXPLAIN: explain})
        with closing(pool.open()):
            long = threads.submit(pool.run if explained else pool.ask, job, "a")
            try:
                assert begun.wait(20)
                start = time.monotonic()
                assert pool.ask(Job("ASK {}"), "b").form == "truth"
                assert time.monotonic() - start < 5
                assert not long.done()
                with pytest.raises(BusyError):
                    (pool.run if explained else pool.ask)(job, "c")
            finally:
                over.set()
            long.result(20)


# Filling it ------------------------------------------------------------------------------------------


def test_triples_that_share_blank_nodes_are_loaded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("her2kg.answer.loading._TRIPLES", 2)
    text = "<urn:a> <urn:p> [ <urn:q> [ <urn:r> 1 ] ] , 1 , 2 , 3 . <urn:b> <urn:p> [ <urn:q> 2 ] ."
    batches = list(_batches(Memory.from_text(text, "text/turtle").statements()))
    assert sorted(map(len, batches)) == [1, 2, 2, 3]
    nodes = [{node for statement in batch for node in statement.blanks} for batch in batches]
    assert sum(map(len, nodes)) == len(set().union(*nodes)) == 3


def test_a_load_that_fails_half_way_says_how_far_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("her2kg.answer.loading._TRIPLES", 2)
    store = Store(Memory.from_text("<urn:a> <urn:p> 1, 2, 3, 4, 5 .", "text/turtle"), "v")

    def say(_form: object, _authorization: str) -> Said:
        return Said(500) if len(engine.asked) > 3 else Said(204, content=b"")

    with telling(say) as (url, engine), pytest.raises(BackendError, match="stopped at 2 of 5 triples"):
        load(store, address(url))
    first, *_, last = (form["update"][0] for form in engine.asked)
    assert f'<{LOADED}> <http://purl.org/dc/terms/identifier> ""' in first
    assert "INSERT DATA" in last
