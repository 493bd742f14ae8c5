"""The engine: what it reads, what it answers, and how it says what it cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyoxigraph as ox
import pytest
from rdflib import RDF, Graph
from rdflib.compare import isomorphic

from her2kg.errors import FormatError, InputError, QueryError
from her2kg.sparql.engine import Engine, Table, Triples, Truth, convert, iri, literal, plain, written

if TYPE_CHECKING:
    from pathlib import Path

TRIG = "<urn:a> <urn:p> 1 . <urn:g> { <urn:b> <urn:p> '二'@zh . <urn:a> <urn:p> 1 }"
ONE = "<urn:a> <urn:b> <urn:c> ."
RDF_XML = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:u="urn:">'
    '<rdf:Description rdf:about="urn:a"><u:b rdf:resource="urn:c"/></rdf:Description></rdf:RDF>'
)


@pytest.fixture
def engine() -> Engine:
    return Engine.from_text(TRIG, "application/trig")


def table(engine: Engine, query: str) -> Table:
    answer = engine.query(query)
    assert isinstance(answer, Table)
    return answer


def test_named_graphs_are_kept_apart(engine: Engine) -> None:
    assert len(engine) == 3
    assert len(list(table(engine, "SELECT * { ?s ?p ?o }").rows())) == 1
    assert len(list(table(engine, "SELECT * { GRAPH ?g { ?s ?p ?o } }").rows())) == 2


def test_graphs_named_by_the_caller_replace_the_default(engine: Engine) -> None:
    named = engine.query("SELECT * { ?s ?p ?o }", ["urn:g"])
    assert isinstance(named, Table)
    assert len(list(named.rows())) == 2
    inside = engine.query("SELECT * { GRAPH ?g { ?s ?p ?o } }", [], ["urn:none"])
    assert isinstance(inside, Table)
    assert list(inside.rows()) == []


def test_select_keeps_the_order_of_columns(engine: Engine) -> None:
    answer = table(engine, "SELECT ?o ?nothing ?s { ?s ?p ?o }")
    assert answer.columns == ["o", "nothing", "s"]
    assert list(answer.rows()) == [{"o": ox.Literal(1), "s": ox.NamedNode("urn:a")}]


def test_ask_is_true_or_false(engine: Engine) -> None:
    yes, no = engine.query("ASK { ?s ?p 1 }"), engine.query("ASK { FILTER(false) }")
    assert isinstance(yes, Truth)
    assert isinstance(no, Truth)
    assert (bool(yes), bool(no)) == (True, False)
    assert b"true" in yes.text("application/sparql-results+json")


def test_construct_gives_each_triple_once(engine: Engine) -> None:
    answer = engine.query(
        "CONSTRUCT { <urn:x> <urn:p> 1 } WHERE { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"
    )
    assert isinstance(answer, Triples)
    assert answer.text("application/n-triples").count(b"<urn:x>") == 1


def test_construct_uses_prefixes() -> None:
    answer = Engine.from_text(ONE, "text/turtle").query("CONSTRUCT WHERE { ?s ?p ?o }")
    assert isinstance(answer, Triples)
    assert b"u:a u:b u:c" in answer.text("text/turtle", {"u": "urn:"})


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("text/csv", b"s\r\nurn:a\r\n"),
        ("text/tab-separated-values", b"?s\n<urn:a>\n"),
        ("application/sparql-results+json", b'"value":"urn:a"'),
        ("application/sparql-results+xml", b"<uri>urn:a</uri>"),
    ],
)
def test_table_is_written_in_every_results_format(engine: Engine, media_type: str, expected: bytes) -> None:
    assert expected in table(engine, "SELECT ?s { ?s ?p ?o }").text(media_type)


def test_store_is_written_with_or_without_its_graphs(engine: Engine) -> None:
    assert engine.text("application/n-quads").count("\n") == 3
    assert engine.text("application/n-triples").count("\n") == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.ttl", ONE),
        ("a.nt", ONE),
        ("a.nq", "<urn:a> <urn:b> <urn:c> <urn:g> ."),
        ("a.trig", "<urn:g> { <urn:a> <urn:b> <urn:c> }"),
        ("a.jsonld", '{"@id": "urn:a", "urn:b": {"@id": "urn:c"}}'),
        (
            "a.rdf",
            RDF_XML,
        ),
    ],
)
def test_file_is_read_in_the_format_of_its_ending(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    engine = Engine()
    engine.add_file(tmp_path / name)
    assert engine.text("application/n-triples") == f"{ONE}\n"


def test_files_are_added_to_each_other(tmp_path: Path) -> None:
    engine = Engine.from_text(ONE, "text/turtle")
    (tmp_path / "b.ttl").write_text("<urn:x> <urn:b> 'x' .", encoding="utf-8")
    engine.add_file(tmp_path / "b.ttl")
    assert len(engine) == 2


FILES = {
    "a syntax error": ("a.ttl", f"{ONE}\n<urn:a> b .", r"a\.ttl:2:\d+: .*: mend the syntax"),
    "another ending": ("a.docx", "", r"a\.docx: \.docx is no RDF format: use \.ttl, \.nt, \.nq, \.trig,"),
    "no ending": ("a", "", r"/a: no ending is no RDF format"),
    "an IRI that is none": ("a.nt", "<a b> <urn:b> <urn:c> .", r"a\.nt:1:\d+: .*: mend the syntax"),
}


@pytest.mark.parametrize("case", FILES.values(), ids=FILES.keys())
def test_file_that_is_no_rdf_is_one_line(tmp_path: Path, case: tuple[str, str, str]) -> None:
    name, text, expected = case
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=expected) as caught:
        Engine().add_file(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"none\.ttl: No such file or directory: check that the file is there"
    ):
        Engine().add_file(tmp_path / "none.ttl")


def test_text_that_does_not_parse_is_refused() -> None:
    with pytest.raises(InputError, match="mend the syntax"):
        Engine.from_text("<urn:a> .", "text/turtle")


def test_media_type_that_is_no_rdf_is_refused() -> None:
    with pytest.raises(InputError, match="text/html is no RDF format: use Turtle"):
        Engine.from_text("", "text/html")


def test_query_that_cannot_be_evaluated_is_an_error_of_ours(engine: Engine) -> None:
    with pytest.raises(QueryError, match="SERVICE"):
        engine.query("SELECT * { SERVICE <http://localhost:1/> { ?s ?p ?o } }")


@pytest.mark.parametrize(
    "query", ["", "SELECT", "SELECT * {", "SELEC * {}", "DROP ALL", "SELECT * { ?s a x:y }"]
)
def test_query_that_does_not_parse_tells_its_place(engine: Engine, query: str) -> None:
    with pytest.raises(QueryError) as caught:
        engine.query(query)
    assert caught.value.line == 1
    assert caught.value.column >= 1
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["no iri", "urn", "<urn:a>", ""])
def test_what_is_no_iri_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="is no IRI: give an absolute IRI"):
        iri(text)


def test_terms_are_written_plain_and_as_sparql() -> None:
    assert plain(None) == ""
    assert plain(literal("二", "zh")) == "二"
    assert plain(iri("urn:a")) == "urn:a"
    assert plain(ox.BlankNode("b")) == "b"
    assert plain(ox.Triple(iri("urn:a"), iri("urn:b"), literal("c"))) == '<urn:a> <urn:b> "c"'
    assert written(literal("二", "zh")) == '"二"@zh'
    assert written(iri("urn:a")) == "<urn:a>"


def test_quads_are_converted_in_their_order() -> None:
    quads = "<urn:b> <urn:p> <urn:o> <urn:g> .\n<urn:a> <urn:p> <urn:o> <urn:g> .\n"
    assert convert(quads, "application/n-quads").decode() == quads
    made = convert(quads, "application/ld+json")
    assert made.index(b"urn:b") < made.index(b"urn:a")


@pytest.mark.parametrize("media_type", ["text/turtle", "text/html"])
def test_quads_go_only_into_formats_with_graphs(media_type: str) -> None:
    with pytest.raises(InputError, match="holds no named graphs: use TriG"):
        convert("", media_type)


@pytest.mark.parametrize("value", ["&a0;&a0;", "a" * 501], ids=["entities", "much text"])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_xml_that_would_grow_when_it_is_read_is_refused(tmp_path: Path, value: str, quote: str) -> None:
    path = tmp_path / "a.rdf"
    entities = f"<!ENTITY a0 'aaaa'> <!ENTITY a1 {quote}{value}{quote}>"
    path.write_text(f"<?xml version='1.0'?><!DOCTYPE a [ {entities} ]>{_RDF}", encoding="utf-8")
    with pytest.raises(InputError, match="holds entities or much text"):
        Engine().add_file(path)


def test_xml_with_entities_for_namespaces_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.rdf"
    path.write_text(f'<!DOCTYPE a [ <!ENTITY a1 "urn:b"> ]>{_RDF}', encoding="utf-8")
    engine = Engine()
    engine.add_file(path)
    assert "urn:b" in engine.text("application/n-triples")


_RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:x="urn:">
<rdf:Description rdf:about="urn:a"><x:p rdf:resource="&a1;"/></rdf:Description></rdf:RDF>"""


_NAMELESS = "http://example.org/kind/7"


def _rdf_xml(turtle: str) -> bytes:
    answer = Engine.from_text(turtle, "text/turtle").query("CONSTRUCT WHERE { ?s ?p ?o }")
    assert isinstance(answer, Triples)
    return answer.text("application/rdf+xml")


@pytest.mark.parametrize(
    "predicate", [_NAMELESS, "http://example.org/", "http://www.w3.org/2000/xmlns/a", f"{RDF}li"]
)
def test_a_predicate_that_is_no_name_of_xml_is_refused_in_rdf_xml(predicate: str) -> None:
    with pytest.raises(FormatError, match=f"no name for the predicate {predicate}: ask for Turtle"):
        _rdf_xml(f"<urn:a> <{predicate}> 1 .")


@pytest.mark.parametrize("kind", [_NAMELESS, "urn:9", "http://www.w3.org/2000/xmlns/a", f"{RDF}Description"])
@pytest.mark.parametrize("more", ["", "; <urn:b:c> '</a> <rdf:type.of-no-name '", ", <urn:b:C>"])
@pytest.mark.parametrize("node", ["<urn:a>", "[]"])
def test_a_class_that_is_no_name_of_xml_is_written_in_rdf_xml(kind: str, more: str, node: str) -> None:
    turtle = f"{node} a <{kind}> {more} ."
    assert isomorphic(Graph().parse(data=_rdf_xml(turtle), format="xml"), Graph().parse(data=turtle))


def test_a_graph_that_is_no_xml_can_be_asked_for_in_another_format() -> None:
    with pytest.raises(FormatError, match="XML has not: ask for Turtle or JSON-LD"):
        _rdf_xml("<urn:a> <urn:b:c> '\\u0001' .")
