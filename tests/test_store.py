"""The read-only store: what opens, what is refused and how it is said; where a query is at fault."""

from __future__ import annotations

import shutil
import socket
import time
from typing import TYPE_CHECKING

import pytest

from her2kg.answer.opening import open_build
from her2kg.errors import BuildMissingError, InputError, QueryError
from her2kg.sparql.engine import Engine, Table, Triples, Truth, convert
from her2kg.sparql.store import Store
from her2kg.sparql.syntax import syntax_error

if TYPE_CHECKING:
    from pathlib import Path

_DATA = """
@prefix e: <urn:e:> .
e:a e:knows e:b ; e:name "A"@en .
"""


@pytest.fixture
def copied(built: Path, tmp_path: Path) -> Path:
    """Give a copy of the build that the test may spoil."""
    return shutil.copytree(built, tmp_path / "build")


def _rows(store: Store | Engine, query: str) -> list[list[str]]:
    found = store.query(query)
    assert isinstance(found, Table)
    return [[str(term) for term in row.values()] for row in found.rows()]


def test_a_build_opens_with_its_default_graph_and_its_named_graphs(store: Store) -> None:
    found = store.query("ASK { ?s ?p ?o . GRAPH <https://w3id.org/her2kg/graph/asserted> { ?s ?p ?o } }")
    assert isinstance(found, Truth)
    assert found
    assert len(store) > 10_000


def test_the_version_of_a_build_changes_with_its_data(built: Path, store: Store) -> None:
    assert f"{store.version}  her2kg.nq" in (built / "checksums.txt").read_text()


def test_without_a_build_one_line_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(BuildMissingError) as caught:
        open_build(tmp_path / "none")
    assert str(caught.value) == f"{tmp_path}/none/checksums.txt is missing: run `her2kg build` first"


@pytest.mark.parametrize("name", ["her2kg.nt", "her2kg.nq"])
def test_a_build_that_lacks_a_file_is_refused(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(BuildMissingError, match=rf"{name} is missing: run `her2kg build` first"):
        open_build(copied)


@pytest.mark.parametrize("name", ["her2kg.nt", "her2kg.nq"])
def test_a_half_written_build_is_refused(copied: Path, name: str) -> None:
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(
        BuildMissingError, match=rf"{name} is not what checksums.txt says: run `her2kg build` again"
    ):
        open_build(copied)


def test_an_altered_build_is_refused_although_it_parses(copied: Path) -> None:
    with (copied / "her2kg.nq").open("a") as file:
        file.write("<urn:a> <urn:b> <urn:c> .\n")
    with pytest.raises(BuildMissingError, match=r"is not what checksums\.txt says"):
        open_build(copied)


@pytest.mark.parametrize("sums", [b"", b"nonsense\n", b"\xff\xfe\n"])
def test_checksums_that_say_nothing_are_no_build(copied: Path, sums: bytes) -> None:
    (copied / "checksums.txt").write_bytes(sums)
    with pytest.raises(BuildMissingError, match="run `her2kg build` again"):
        open_build(copied)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.ttl", "<urn:a> <urn:b> <urn:c> ."),
        ("a.TTL", "<urn:a> <urn:b> <urn:c> ."),
        ("a.nt", "<urn:a> <urn:b> <urn:c> .\n"),
        ("a.nq", "<urn:a> <urn:b> <urn:c> .\n"),
        ("a.trig", "{ <urn:a> <urn:b> <urn:c> }"),
        ("a.jsonld", '{"@id": "urn:a", "urn:b": {"@id": "urn:c"}}'),
        (
            "a.rdf",
            (
                '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:u="urn:">'
                '<r:Description r:about="urn:a"><u:b r:resource="urn:c"/></r:Description></r:RDF>'
            ),
        ),
    ],
)
def test_files_of_the_user_open_in_every_format(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert _rows(Store.of_files([tmp_path / name]), "SELECT ?s ?p ?o { ?s ?p ?o }") == [
        ["<urn:a>", "<urn:b>", "<urn:c>"]
    ]


def test_several_files_are_one_graph_and_the_version_follows_their_content(tmp_path: Path) -> None:
    first, second = tmp_path / "1.ttl", tmp_path / "2.ttl"
    first.write_text("<urn:a> <urn:p> 1 .")
    second.write_text("<urn:b> <urn:p> 2 .")
    store = Store.of_files([first, second])
    assert len(store) == 2
    second.write_text("<urn:b> <urn:p> 3 .")
    assert Store.of_files([first, second]).version != store.version


def test_a_turtle_file_with_a_syntax_error_names_file_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "broken.ttl"
    path.write_text("<urn:a> <urn:b>\n  <urn:c> ,, .\n")
    with pytest.raises(InputError) as caught:
        Store.of_files([path])
    assert str(caught.value) == f"{path}:2:12: , is not a valid RDF object: mend the syntax"


def test_a_file_that_is_not_utf_8_names_the_place(tmp_path: Path) -> None:
    path = tmp_path / "latin.ttl"
    path.write_bytes(b"<urn:a> <urn:b>\n'\xe9' .")
    with pytest.raises(InputError, match=r"latin\.ttl:\d+:\d+: .*UTF-8"):
        Store.of_files([path])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone.ttl", "gone.ttl: No such file or directory: check that the file is there and is RDF"),
        ("table.xlsx", "table.xlsx: .xlsx is no RDF format: use .ttl, .nt, .nq, .trig, .rdf or .jsonld"),
        ("table", "table: no ending is no RDF format: use .ttl, .nt, .nq, .trig, .rdf or .jsonld"),
    ],
)
def test_a_file_that_is_no_rdf_is_named_with_the_remedy(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        Store.of_files([tmp_path / name])
    assert str(caught.value) == f"{tmp_path}/{said}"


def test_broken_xml_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.rdf").write_text("<a>")
    with pytest.raises(InputError, match=r"a\.rdf: .*: mend the syntax"):
        Store.of_files([tmp_path / "a.rdf"])


def test_text_of_an_unknown_format_is_refused() -> None:
    with pytest.raises(InputError, match="text/html is no RDF format"):
        Engine.from_text("", "text/html")
    with pytest.raises(InputError, match="mend the syntax"):
        Engine.from_text("<urn:a>", "text/turtle")
    with pytest.raises(InputError, match="holds no named graphs"):
        convert("", "text/turtle")


def test_named_graphs_flatten_where_the_format_has_none() -> None:
    engine = Engine.from_text(
        "<urn:a> <urn:b> <urn:c> <urn:g> .\n<urn:a> <urn:b> <urn:c> .\n", "application/n-quads"
    )
    assert engine.text("application/n-triples").count("\n") == 1
    assert engine.text("application/n-quads").count("\n") == 2


def test_the_graphs_of_a_request_take_the_place_of_the_default_graph() -> None:
    engine = Engine.from_text(
        "<urn:a> <urn:p> <urn:c> .\n<urn:b> <urn:p> <urn:c> <urn:g> .\n", "application/n-quads"
    )
    query = "SELECT ?s { ?s <urn:p> ?o }"
    assert _rows(engine, query) == [["<urn:a>"]]
    found = engine.query(query, ["urn:g"])
    assert isinstance(found, Table)
    assert [str(row["s"]) for row in found.rows()] == ["<urn:b>"]
    found = engine.query("SELECT ?s { GRAPH ?g { ?s <urn:p> ?o } }", (), ["urn:other"])
    assert isinstance(found, Table)
    assert list(found.rows()) == []
    with pytest.raises(QueryError, match="'no iri' is no IRI"):
        engine.query(query, ["no iri"])


def test_a_construct_gives_each_triple_once() -> None:
    found = Engine.from_text(_DATA, "text/turtle").query("CONSTRUCT { <urn:x> <urn:y> 1 } WHERE { ?s ?p ?o }")
    assert isinstance(found, Triples)
    assert found.text("application/n-triples").count(b"\n") == 1


# Where a query is at fault ---------------------------------------------------------------------------


def _fault(query: str) -> str:
    with pytest.raises(QueryError) as caught:
        Engine.from_text(_DATA, "text/turtle").query(query)
    assert f"{caught.value.line}:{caught.value.column}: " in str(caught.value) or not caught.value.line
    return str(caught.value)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELEC ?x { ?x ?y ?z }", "1:1: the query is not SPARQL at 'SELEC ?x { ?x ?y ?z }'"),
        ("SELECT * { ?s ?p ?o }\nORDR BY ?s", "2:1: the query is not SPARQL at 'ORDR BY ?s'"),
        ("SELECT * { ?s ?p ?o }\nGROUP BY", "2:1: the query is not SPARQL at 'GROUP BY'"),
        (
            "SELECT * {\n  FILTER(STRSTART('a', 'b')) }",
            "2:10: the query is not SPARQL at \"STRSTART('a', 'b')) }\"",
        ),
        ("SELECT * {\n  ?s ?p ?o .\n  FILTER(?o > )\n}", "3:15: the query is not SPARQL at ') }'"),
        ("", "1:1: the query is not SPARQL at 'the end of the query'"),
        ("# nothing", "1:10: the query is not SPARQL at 'the end of the query'"),
    ],
)
def test_a_slip_is_shown_at_its_place(query: str, said: str) -> None:
    assert _fault(query) == f"{said}: mend it at this place"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            "SELECT * {\n  ?s drug:class ?o }",
            "2:6: the prefix drug: is not declared: add a line PREFIX drug: <...> at the top",
        ),
        ("PREFIX a: <urn:>\nSELECT * { ?s a:b|^c:d ?o }", "2:20: the prefix c: is not declared: add"),
        ("SELECT * { <a> ?p ?o }", "1:12: the IRI <a> is relative: write it in full or add BASE"),
        ("SELECT * { ?s ?p 'x }", "1:18: the string that starts here has no end: close it with '"),
        ("SELECT * {\n  { ?s ?p ?o }", "1:10: the { here is never closed: close it"),
        ("SELECT * { ?s ?p ?o ) }", "1:21: this ) closes nothing: mend the brackets"),
        ("SELECT * { ?s ?p ?o } }", "1:23: this } closes nothing: mend the brackets"),
        ("SELECT (COUNT(?s) AS ?n) ?p { ?s ?p ?o }", "The SELECT contains a variable that is unbound"),
        ("SELECT (1 AS ?x) (2 AS ?x) { }", "Duplicated variable name in SELECT"),
    ],
)
def test_the_usual_faults_are_told_with_their_remedy(query: str, said: str) -> None:
    assert said in _fault(query)


def test_a_message_without_a_place_is_handed_on_in_one_line() -> None:
    assert str(syntax_error("ASK { }", "something\n  odd")) == "something odd: mend the query"


def test_a_base_makes_relative_iris_fine() -> None:
    engine = Engine.from_text(_DATA, "text/turtle")
    assert _rows(engine, "BASE <urn:e:> SELECT ?o { <urn:e:a> <urn:e:knows> ?o }") == [["<urn:e:b>"]]
    assert "not SPARQL" in _fault("BASE <http://e/> SELECT * { <a> ?p }")


@pytest.mark.parametrize(
    "update",
    [
        "INSERT DATA { <urn:a> <urn:b> 1 }",
        "delete where { ?s ?p ?o }",
        "PREFIX e: <urn:e:>\nDELETE { ?s ?p ?o } WHERE { ?s ?p ?o }",
        "WITH <urn:g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }",
        "LOAD <file:///etc/passwd>",
        "# a comment\nCLEAR ALL",
        "DROP ALL",
        "CREATE GRAPH <urn:g>",
        "COPY <urn:a> TO <urn:b>",
        "MOVE <urn:a> TO <urn:b>",
        "ADD <urn:a> TO <urn:b>",
    ],
)
def test_an_update_is_refused_as_what_it_is(update: str) -> None:
    assert "updates are refused: the graph is read-only: send a query" in _fault(update)


@pytest.mark.parametrize(
    "pattern",
    [
        "SERVICE <{url}> {{ ?s ?p ?o }}",
        "SERVICE SILENT <{url}> {{ ?s ?p ?o }}",
        "service<{url}>{{ ?s ?p ?o }}",
        "VALUES ?u {{ <{url}> }} SERVICE ?u {{ ?s ?p ?o }}",
        '{{ ?s ?p "#" . SERVICE <{url}> {{ ?a ?b ?c }} }}',
        "BIND('''it's' \"''' AS ?x) SERVICE <{url}> {{ ?s ?p ?o }}",
        "?s <urn:x#> true.SERVICE <{url}> {{ ?a ?b ?c }}",
        "?s <urn:\\u0023#> ?o . SERVICE <{url}> {{ ?a ?b ?c }}",
        "S\\u0045RVICE <{url}> {{ ?s ?p ?o }}",
    ],
)
def test_no_query_opens_a_connection(pattern: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        _fault(f"SELECT * {{ {pattern.format(url=url)} }}")
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?service { ?service ?p ?o } # SERVICE",
        "PREFIX service: <urn:e:> SELECT ?o { service:a service:knows ?o }",
        "SELECT ?o { ?s <urn:e:SERVICE> ?o }",
        'SELECT ?o { ?s ?p ?o FILTER(?o != \'SERVICE\' && ?o != """a "SERVICE" b""") }',
        "PREFIX e: <urn:e:> SELECT ?o { ?s e:SERVICE|e:a.SERVICE|e:x-SERVICE ?o }",
    ],
)
def test_the_word_service_elsewhere_is_no_matter(query: str) -> None:
    assert isinstance(Engine.from_text(_DATA, "text/turtle").query(query), Table)


@pytest.mark.parametrize(
    "piece",
    ["'", '"', '"\\', "'''a", "<", "<a", "a:", "a.", ":", "\\", "%", "a:%41", "a:b.", "{", "service "],
)
def test_a_long_malformed_query_is_refused_in_little_time(piece: str) -> None:
    engine = Engine.from_text("", "text/turtle")
    query = "ASK { } service" + piece * 3_000
    started = time.process_time()
    with pytest.raises(QueryError):
        engine.query(query)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }",
        "SELECT * { GRAPH <file:///etc/passwd> { ?s ?p ?o } }",
    ],
)
def test_nothing_outside_the_graph_is_read(query: str) -> None:
    assert _rows(Engine.from_text(_DATA, "text/turtle"), query) == []
