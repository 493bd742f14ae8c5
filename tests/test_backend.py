"""Another engine in the place of ours: real servers of two kinds, and one that misbehaves as it is told."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from rdflib import Graph

from her2kg.answer.backend import Backend
from her2kg.answer.endpoint import Endpoint
from her2kg.answer.loading import _batches, load
from her2kg.answer.questions import ask
from her2kg.answer.remote import RemoteWorkers, nothing
from her2kg.answer.store import Store
from her2kg.answer.workers import Limits, Workers
from her2kg.engine import Engine as Memory
from her2kg.engine import Table, Triples, plain, read_answer
from her2kg.errors import BackendError, BusyError, Her2kgError, LimitError, QueryError, SettingError
from her2kg.model.namespaces import BACKEND_GRAPH, LOADED
from her2kg.model.queries import question_names
from her2kg.settings import Address, Settings
from her2kg.syntax import refuse_functions
from tests.conftest import ROOT
from tests.engines import Addresses, Said, free_port, oxigraph, telling, virtuoso
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_JSON = "application/sparql-results+json"
_COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


def _address(text: str) -> Address:
    return Address.read("backend", text)


def _mark(version: str = "v1", triples: int = 3) -> bytes:
    row = {
        "version": {"type": "literal", "value": version},
        "triples": {"type": "literal", "value": str(triples)},
    }
    return json.dumps({"head": {"vars": list(row)}, "results": {"bindings": [row]}}).encode()


def _usual(form: dict[str, list[str]], _authorization: str) -> Said:
    """Answer as an engine that holds a build."""
    return Said(content=_mark()) if str(LOADED) in form["query"][0] else Said()


# An engine that misbehaves ---------------------------------------------------------------------------

_TRACE = b"java.lang.IllegalStateException: boom\n\tat org.example.Secret.run(Secret.java:1)\n"


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (Said(500, "text/plain", _TRACE), "the engine answers 500: java.lang.IllegalStateException: boom"),
        (Said(500, "text/html", b"<h1>Secret</h1>"), "the engine answers 500"),
        (Said(400, "text/plain", b"x" * 5000), f"the engine answers 400: {'x' * 199}…"),
        (Said(403), "the engine does not let us in"),
        (Said(302), "the engine sends us elsewhere"),
        (Said(200, "text/html", b"<html>"), "the engine answers in 'text/html'"),
        (Said(200, _JSON, b'{"head": {"vars": ["a"]}, "results": {"bindings": [{'), "cannot be read"),
        (Said(200, _JSON, b""), "cannot be read"),
        (Said(200, _JSON, _mark(), (("X-SPARQL-MaxRows", "10"),)), "cut the answer off at 10 rows"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_an_engine_does_wrong_is_one_line_without_its_inside(said: Said, problem: str) -> None:
    with telling(lambda *_: said) as (url, _):
        backend = Backend(_address(url), 5, 1_000_000)
        with pytest.raises(BackendError) as caught:
            answer = backend.query("SELECT * { ?s ?p ?o }")
            list(answer.rows() if isinstance(answer, Table) else ())
    assert problem in caught.value.problem
    assert len(caught.value.problem) < 260
    assert "Secret" not in str(caught.value)
    assert caught.value.remedy
    assert not caught.value.timed_out


@pytest.mark.parametrize("status", [408, 504])
def test_an_engine_that_gave_up_in_time_is_told_so(status: int) -> None:
    with telling(lambda *_: Said(status)) as (url, _), pytest.raises(BackendError) as caught:
        Backend(_address(url), 5, 1000).query("ASK {}")
    assert caught.value.timed_out


def test_the_deadline_holds_for_the_whole_answer_not_for_each_byte() -> None:
    with telling(lambda *_: Said(slowly=0.1)) as (url, _):
        begun = time.monotonic()
        with pytest.raises(LimitError, match=r"longer than 0\.5 s"):
            Backend(_address(url), 0.5, 1000).query("ASK {}")
        assert time.monotonic() - begun < 2


def test_an_answer_of_too_many_bytes_is_not_read() -> None:
    with (
        telling(lambda *_: Said(content=b" " * 2000)) as (url, _),
        pytest.raises(LimitError, match="1,000 bytes"),
    ):
        Backend(_address(url), 5, 1000).query("ASK {}")


def test_nobody_there_is_one_line_and_names_the_address_at_the_start_only() -> None:
    address = _address(f"http://me:secret@127.0.0.1:{free_port()}/query")
    with pytest.raises(BackendError) as caught:
        Backend(address, 5, 1000).query("ASK {}")
    assert caught.value.problem == "the engine cannot be reached: Connection refused"
    with pytest.raises(BackendError, match=r"127\.0\.0\.1:\d+/query: the engine cannot") as caught:
        Backend.open(address, 5, 1000)
    assert "secret" not in str(caught.value)


def test_connections_are_kept_and_one_that_was_closed_is_made_anew() -> None:
    with telling(_usual) as (url, engine):
        backend = Backend(_address(url), 5, 1000)
        for _ in range(3):
            assert backend.query("ASK {}")
        assert engine.connections == 1
        engine.say = lambda *_: Said(headers=(("Connection", "close"),))
        assert backend.query("ASK {}")
        assert backend.query("ASK {}")
        assert engine.connections == 2


def test_a_kept_connection_that_the_engine_closed_is_no_failure() -> None:
    with telling(_usual) as (url, engine):
        endpoint = Endpoint(_address(url), 1000)
        endpoint.post([("query", "ASK {}")], "*/*", time.monotonic() + 5)
        [connection] = endpoint._idle
        connection.sock._link.shutdown(2)  # type: ignore[union-attr]
        endpoint.post([("query", "ASK {}")], "*/*", time.monotonic() + 5)
        assert engine.connections == 2


def test_user_and_password_are_sent_when_they_are_asked_for() -> None:
    def say(_form: object, authorization: str) -> Said:
        return Said() if authorization == "Basic bWU6c2VjcmV0" else Said(401)

    with telling(say) as (url, engine):
        backend = Backend(_address(url.replace("http://", "http://me:secret@")), 5, 1000)
        assert backend.query("ASK {}")
        assert backend.query("ASK {}")
        assert len(engine.asked) == 3


def test_addresses_keep_their_secrets() -> None:
    address = _address("https://me:s%40cret@host:1/sparql?reasoning=true")
    assert (address.user, address.password) == ("me", "s@cret")
    assert str(address) == "https://host:1/sparql?reasoning=true"
    assert "cret" not in repr(address)
    settings = Settings.read(
        {"backend": "http://me:secret@host/q", "backend_update": "http://a:secret@host/u"}, {}
    )
    assert "secret" not in f"{settings}"


@pytest.mark.parametrize(
    "text", ["x", "ftp://host/secret", "http://", "http://host:secret/", "http://ho st/secret"]
)
def test_an_address_that_is_none_is_not_repeated(text: str) -> None:
    with pytest.raises(SettingError, match="backend is no address of HTTP") as caught:
        Settings.read({"backend": text}, {})
    assert "secret" not in str(caught.value)


def test_an_address_for_updates_alone_is_wrong_use() -> None:
    with pytest.raises(SettingError, match="without backend"):
        Settings.read({"backend_update": "http://host/"}, {})


# What is asked of it ---------------------------------------------------------------------------------


def test_a_query_is_over_the_graphs_of_the_build_unless_it_names_others() -> None:
    with telling(_usual) as (url, engine):
        backend = Backend(_address(url), 5, 1000)
        backend.query("ASK {}")
        backend.query("ASK FROM <urn:a> {}")
        backend.query("ASK {}", ["urn:b"], ["urn:c"])
        Backend(_address(url), 5, 1000, "default").query("ASK {}")
    over = [(form.get("default-graph-uri"), form.get("named-graph-uri")) for form in engine.asked]
    names = [
        f"https://w3id.org/her2kg/graph/{name}" for name in ("ontology", "asserted", "inferred", "metadata")
    ]
    assert over == [([str(BACKEND_GRAPH)], names), (None, None), (["urn:b"], ["urn:c"]), (None, None)]


def test_the_version_is_that_of_the_load_and_read_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with telling(_usual) as (url, engine):
        backend = Backend(_address(url), 5, 1000)
        assert (backend.version, len(backend)) == ("v1", 3)
        engine.say = lambda *_: Said(content=_mark("v2", 4))
        assert backend.version == "v1"
        monkeypatch.setattr("her2kg.answer.backend._BELIEVED", 0)
        backend = Backend(_address(url), 5, 1000)
        assert (backend.version, len(backend)) == ("v2", 4)
        engine.say = lambda *_: Said(content=_mark("v3", 4))
        assert backend.version == "v3"
        engine.say = lambda *_: Said(content=_mark("", 0))
        with pytest.raises(BackendError, match="half of a build"):
            _ = backend.version


def test_an_engine_without_our_data_has_a_version_of_this_start_or_is_empty() -> None:
    def say(form: dict[str, list[str]], _authorization: str) -> Said:
        if str(LOADED) in form["query"][0]:
            return Said(content=b'{"head": {"vars": ["version"]}, "results": {"bindings": []}}')
        if form["query"][0].startswith("ASK"):
            return Said(content=b'{"head": {}, "boolean": false}')
        return Said(content=_mark("", count))

    with telling(say) as (url, _):
        count = 7
        backend, other = (Backend.open(_address(url), 5, 1000, "default") for _ in range(2))
        assert len(backend) == 7
        assert not backend.built
        assert backend.version == backend.version != other.version
        count = 0
        with pytest.raises(BackendError, match="holds nothing in its graph https.*: fill it: `her2kg load`"):
            Backend.open(_address(url), 5, 1000)


def test_answers_of_virtuoso_are_read_with_its_blank_nodes_and_its_asks() -> None:
    node = b'{ "head": { "vars": ["a"] }, "results": { "bindings": [ { "a": { "type": "bnode", "value": "nodeID://b1" }} ] } }'
    text = b'{ "head": { "vars": ["a"] }, "results": { "bindings": [ { "a": { "type": "literal", "value": "nodeID://b1" }} ] } }'
    for content, value in ((node, "b1"), (text, "nodeID://b1")):
        answer = read_answer("table", _JSON, content)
        assert isinstance(answer, Table)
        assert [plain(row["a"]) for row in answer.rows()] == [value]
    no = b'{ "head": { "vars": ["__ASK_RETVAL"] }, "results": { "bindings": [ ] } }'
    assert not read_answer("truth", _JSON, no)
    assert read_answer("truth", _JSON, node)
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
def remote() -> Iterator[RemoteWorkers]:
    """Give workers for an engine that answers any query with yes."""
    limits = Limits(seconds=5, answer=1000, workers=1, waiting=0)
    with telling(_usual) as (url, engine):
        backend = Backend(_address(url), 5, 1000)
        with RemoteWorkers(backend, limits, Workers(nothing(), limits), {"owl": "urn:owl:"}) as workers:
            workers.engine = engine  # type: ignore[attr-defined]
            yield workers


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("ASK { SERVICE <http://127.0.0.1/> {} }", "1:7: SERVICE is refused"),
        ("INSERT DATA { <urn:a> <urn:b> 1 }", "1:1: updates are refused"),
        ("ASK {\n ?s ?p }", "2:"),
        ("ASK { \\u0053ERVICE <http://127.0.0.1/> {} }", "1:"),
        (f"ASK {'{' * 101}{'}' * 101}", "brackets stand inside each other"),
        (f"ASK {{ FILTER({'+'.join(['1'] * 6000)}) }}", "more than 10,000 words and signs"),
        ("PREFIX bif: <bif:> ASK { FILTER bif:http_get('http://127.0.0.1/') }", "not "),
        ("define get:soft 'soft' ASK {}", "1:1: "),
    ],
)
def test_what_must_not_get_to_an_engine_does_not(remote: Any, query: str, problem: str) -> None:
    with pytest.raises(QueryError) as caught:
        remote.ask(query)
    assert problem in str(caught.value)
    assert remote.engine.asked == []


def test_an_answer_comes_in_the_format_of_its_form(remote: Any) -> None:
    reply = remote.ask("ASK {}", formats={"truth": "application/sparql-results+xml"})
    assert (reply.form, reply.fits) == ("truth", True)
    assert b"<boolean>true</boolean>" in b"".join(reply.pieces())
    assert not remote.ask("ASK {}", formats={"table": "text/csv"}).fits


def test_triples_come_with_prefixes_and_an_answer_may_grow_too_long(remote: Any) -> None:
    lines = b"".join(b"<urn:owl:%d> <urn:owl:p> 1 .\n" % number for number in range(30))
    remote.engine.say = lambda *_: Said(media_type="application/n-triples", content=lines)
    query = "CONSTRUCT WHERE { ?s ?p ?o }"
    reply = remote.ask(query, formats={"triples": "text/turtle"})
    assert b"owl:1 owl:p 1 ." in reply.whole
    with pytest.raises(LimitError, match="1,000 bytes"):
        remote.ask(query, formats={"triples": "application/rdf+xml"})


def test_one_more_than_may_wait_is_told_to_come_again(remote: Any) -> None:
    with remote._place(), pytest.raises(BusyError):
        remote.ask("ASK {}")
    assert remote.ask("ASK {}").form == "truth"


@pytest.mark.slow
def test_an_explanation_asks_the_engine_and_tells_its_errors(remote: Any) -> None:
    def say(form: dict[str, list[str]], _authorization: str) -> Said:
        empty = b'{"head": {"vars": ["a"]}, "results": {"bindings": []}}'
        return Said(content=empty if form["query"][0].startswith("SELECT") else Said().content)

    remote.engine.say = say
    [finding] = remote.explain("SELECT ?a { ?a <urn:p> ?b }")
    assert finding["kind"] == "none"
    remote.engine.say = lambda *_: Said(500)
    with pytest.raises(BackendError, match="the engine answers 500"):
        remote.explain("SELECT ?a { ?a <urn:p> ?b }")


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

    def say(form: dict[str, list[str]], _authorization: str) -> Said:
        return Said(500) if len(engine.asked) > 3 else Said(204, content=b"")

    with telling(say) as (url, engine), pytest.raises(BackendError, match="stopped at 2 of 5 triples"):
        load(store, _address(url))
    first, *_, last = (form["update"][0] for form in engine.asked)
    assert f'<{LOADED}> <http://purl.org/dc/terms/identifier> ""' in first
    assert "INSERT DATA" in last


# Real engines ----------------------------------------------------------------------------------------

#: What Virtuoso 7.2.5.1 answers otherwise, and why; the reasons are shown one by one below.
_UNION = "a variable that one branch of a UNION leaves unbound joins with nothing outside it"
_CONCAT = "CONCAT with an unbound argument is a text, where SPARQL has an error"
_BOUND = "BOUND and EXISTS give the integers 1 and 0"
_PATH = "a path with + or * gives an end once for each way to it"
VIRTUOSO = {
    "applicable-claims": _UNION,
    "assays": _UNION,
    "definitions": _PATH,
    "drug-response": _CONCAT,
    "references": _BOUND,
    "trials": _CONCAT,
}
#: Each reason in its shortest query: what SPARQL gives, and what Virtuoso gives.
_REASONS = [
    (
        _UNION,
        'SELECT ?x { VALUES ?p { "a" } { VALUES ?p { "a" } BIND(1 AS ?x) } UNION { BIND(2 AS ?x) } }',
        ["1", "2"],
        ["1"],
    ),
    (_CONCAT, 'SELECT (CONCAT("a", ?none) AS ?x) { VALUES ?y { 1 } }', [""], ["a"]),
    (_BOUND, "SELECT (BOUND(?none) AS ?x) { VALUES ?y { 1 } }", ["false"], ["0"]),
    (
        _PATH,
        "SELECT (COUNT(?c) AS ?x) { <https://w3id.org/her2kg/id/alteration/erbb2-exon-20-insertion> "
        "<http://www.w3.org/2000/01/rdf-schema#subClassOf>+ ?c }",
        ["7"],
        ["14"],
    ),
]


def _her2kg(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "her2kg", *words]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environ}, check=False)


def _load(addresses: Addresses, built: Path) -> None:
    words = ("--backend", addresses.query, "--backend-update", addresses.update)
    done = _her2kg("load", *words, HER2KG_BUILD=str(built))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.fixture(scope="module")
def ox(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Start Oxigraph and load the build into it, twice."""
    with oxigraph(tmp_path_factory.mktemp("oxigraph")) as addresses:
        _load(addresses, built)
        yield addresses


@pytest.fixture(scope="module")
def virt(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Start Virtuoso and load the build into it."""
    with virtuoso(tmp_path_factory.mktemp("virtuoso")) as addresses:
        _load(addresses, built)
        yield addresses


def _get(url: str, accept: str = "*/*") -> tuple[int, str, str]:
    try:
        with urlopen(Request(url, headers={"Accept": accept}), timeout=60) as response:
            return response.status, response.headers.get_content_type(), response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.headers.get_content_type(), error.read().decode()


def _sparql(url: str, query: str, accept: str = "text/csv", **more: str) -> tuple[int, str, str]:
    return _get(f"{url}sparql?{urlencode({'query': query, **more})}", accept)


def test_every_answer_of_oxigraph_is_ours_and_a_second_load_changes_nothing(
    ox: Addresses, built: Path
) -> None:
    _load(ox, built)
    done = _her2kg("load", "--check", "--backend", ox.query, HER2KG_BUILD=str(built))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.fixture(scope="module")
def served(ox: Addresses, built: Path) -> Iterator[str]:
    """Serve what Oxigraph holds."""
    limits = {"HER2KG_QUERY_SECONDS": "3", "HER2KG_ANSWER_LIMIT": "20000000"}
    with serving("--backend", ox.query, HER2KG_BUILD=str(built), **limits) as (url, _):
        yield url


@pytest.mark.parametrize(
    ("query", "media_type"),
    [
        *[("SELECT ?s ?o { ?s ?p ?o FILTER(LANG(?o) = 'zh') } LIMIT 5", f"{name}") for name in (
            _JSON, "application/sparql-results+xml", "text/csv", "text/tab-separated-values")],
        *[("ASK { ?s ?p ?o }", name) for name in (_JSON, "application/sparql-results+xml")],
        *[("CONSTRUCT WHERE { ?s a ?o }", name) for name in (
            "text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json",
            "application/n-quads", "application/trig")],
    ],
)  # fmt: skip
def test_the_service_answers_in_every_format(served: str, query: str, media_type: str) -> None:
    status, kind, content = _sparql(served, query, media_type)
    assert (status, kind) == (200, media_type)
    assert len(content) > 20
    if media_type in {"text/turtle", "application/n-triples", "application/rdf+xml"}:
        assert len(Graph().parse(data=content, format=media_type)) > 1000


def test_the_service_over_another_engine_is_the_service(served: str, store: Store) -> None:
    assert json.loads(_get(f"{served}healthz")[2]) == {
        "status": "ok", "triples": len(store), "data": store.version,
    }  # fmt: skip
    for path in ("", "questions/drug-response?lang=zh", "ontology", "page/drug/afatinib", "graph/metadata"):
        assert _get(f"{served}{path}", "text/html")[0] in {200, 406}, path
    rows = csv.DictReader(io.StringIO(_get(f"{served}questions/applicable-claims.csv?alteration=p.G660D")[2]))
    assert list(rows) == list(ask(store, ROOT, "applicable-claims", {"alteration": "p.G660D"}))
    assert set(json.loads(_get(f"{served}-/settings")[2])) >= {"seconds", "answer", "body"}


def test_the_service_explains_and_refuses_as_ever(served: str) -> None:
    query = "PREFIX her2: <https://w3id.org/her2kg/ontology#> SELECT * { ?s her2:dirrection ?o }"
    findings = json.loads(_sparql(served, query, explain="1")[2])["findings"]
    assert findings[0]["instead"] == "<https://w3id.org/her2kg/ontology#direction>"
    for refused, line in (("ASK { SERVICE <urn:a> {} }", 1), ("INSERT DATA { <urn:a> <urn:b> 1 }", 1)):
        status, kind, content = _sparql(served, refused)
        assert (status, kind) == (400, "application/problem+json")
        assert json.loads(content)["line"] == line
    assert _sparql(served, "ASK { ?s ?p }")[0] == 400


def test_a_query_that_takes_too_long_is_given_up_and_others_are_answered(served: str) -> None:
    begun = time.monotonic()
    status, _, content = _sparql(
        served, "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f FILTER(STR(?c) < STR(?f)) }"
    )
    assert status == 503
    assert "longer than 3 s" in content
    assert time.monotonic() - begun < 15
    assert _sparql(served, "ASK {}", _JSON)[0] == 200


@pytest.mark.slow
def test_an_engine_that_goes_away_or_fails_is_a_problem_and_comes_back(built: Path) -> None:
    with telling(_usual) as (url, engine), serving("--backend", url, HER2KG_BUILD=str(built)) as (served, _):
        assert _sparql(served, "ASK {}", _JSON)[0] == 200
        engine.say = lambda *_: Said(500, "text/plain", _TRACE)
        status, kind, content = _sparql(served, "ASK { ?s ?p ?o }", _JSON)
        assert (status, kind) == (502, "application/problem+json")
        assert "Secret" not in content
        engine.say = lambda *_: Said(504)
        assert _sparql(served, "ASK { ?a ?b ?c }", _JSON)[0] == 504
        engine.say = _usual
        assert _sparql(served, "ASK { ?a ?b ?c }", _JSON)[0] == 200
        assert _get(f"{served}questions/drugs", "text/html")[0] == 502  # a table was asked for


@pytest.mark.slow
def test_a_wrong_address_is_one_line_at_the_start(built: Path) -> None:
    port = free_port()
    done = _her2kg(
        "serve", "--port", "0", "--backend", f"http://me:secret@127.0.0.1:{port}/", HER2KG_BUILD=str(built)
    )
    assert done.returncode == BackendError.exit_code
    assert done.stderr == (
        f"her2kg: http://127.0.0.1:{port}/: the engine cannot be reached: Connection refused: "
        "see that it runs, and where\n"
    )
    done = _her2kg("load", HER2KG_BUILD=str(built))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.mark.slow
def test_a_service_with_an_address_for_updates_fills_the_engine_first(tmp_path: Path) -> None:
    """Build the sample, which is small, and find it in the engine."""
    from tests.conftest import make_sample_home

    home = make_sample_home(tmp_path / "home")
    assert _her2kg("build", HER2KG_HOME=str(home)).returncode == 0
    with oxigraph(tmp_path) as addresses:
        words = ("--backend", addresses.query, "--backend-update", addresses.update)
        for _ in range(2):
            with serving(*words, HER2KG_HOME=str(home)) as (url, _process):
                found = json.loads(_get(f"{url}healthz")[2])
                assert found["data"] == Store.open(home / "build").version
                assert _sparql(url, _COUNT)[2].split() == ["n", str(found["triples"])]


def test_every_answer_of_virtuoso_is_ours_but_those_that_are_named(virt: Addresses, built: Path) -> None:
    done = _her2kg("load", "--check", "--backend", virt.query, HER2KG_BUILD=str(built))
    assert done.returncode == 1
    assert {line.split()[0] for line in done.stdout.splitlines()} == set(VIRTUOSO)
    assert len(set(question_names(ROOT)) - set(VIRTUOSO)) == 16


@pytest.mark.parametrize(
    ("reason", "query", "right", "wrong"), _REASONS, ids=["union", "concat", "bound", "path"]
)
def test_reason_is_what_virtuoso_does(
    virt: Addresses, store: Store, reason: str, query: str, right: list[str], wrong: list[str]
) -> None:
    assert reason in VIRTUOSO.values()
    backend = Backend(_address(virt.query), 20, 1_000_000)
    for asked, wanted in ((store, right), (backend, wrong)):
        answer = asked.query(query)
        assert isinstance(answer, Table)
        assert sorted(plain(row.get("x")) for row in answer.rows()) == wanted


def test_virtuoso_is_served(virt: Addresses, built: Path, store: Store) -> None:
    with serving("--backend", virt.query, HER2KG_BUILD=str(built)) as (url, _):
        assert _sparql(url, _COUNT)[2].split() == ["n", str(len(store))]
        assert "阿法替尼" in _get(f"{url}questions/drugs?lang=zh", "text/html")[2]
        assert _get(f"{url}page/drug/afatinib", "text/html")[0] == 200
        assert json.loads(_sparql(url, "ASK { FILTER(false) }", _JSON)[2])["boolean"] is False
        findings = json.loads(_sparql(url, "SELECT * { ?s <urn:none> ?o }", explain="1")[2])["findings"]
        assert findings[0]["kind"] == "unknown-term"
        status, _, content = _sparql(url, "SELECT (1/0 AS ?x) { ?s ?p ?o } LIMIT 1")
        assert status == 502
        assert "Virtuoso 22012 Error SR084: Division by 0." in content


def test_updates_without_leave_are_refused_by_virtuoso_and_told(virt: Addresses, store: Store) -> None:
    with pytest.raises(Her2kgError, match="No permission to execute procedure"):
        load(store, _address(virt.query))
