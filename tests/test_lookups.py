"""What is answered on the spot: only what looks one thing up, and with the answer that a worker gives."""

from __future__ import annotations

import pytest

from her2kg.answer.lookups import Lookups, is_lookup
from her2kg.sparql.engine import Engine
from her2kg.sparql.store import Store
from tests.conftest import ROOT

_THING = "<https://w3id.org/her2kg/id/drug/afatinib>"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { <urn:a> ?p ?o }",
        "select distinct ?p $o where{<urn:a> ?p ?o.}LIMIT 10",
        "  SELECT ?o\nWHERE {\n  <urn:a> <urn:b> ?o .\n}\n",
        "SELECT ?p { <urn:a> ?p <urn:o> }",
    ],
)
def test_a_query_of_one_thing_is_a_lookup(query: str) -> None:
    assert is_lookup(query)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "SELECT * { ?s ?p ?o }",
        "SELECT * { ?s ?p <urn:a> }",
        "SELECT * { <urn:a> ?p ?o . ?o ?q ?r }",
        "SELECT * { <urn:a> ?p ?o . <urn:b> ?q ?r }",
        "SELECT * { <urn:a> (<urn:p>|!<urn:p>)* ?o }",
        "SELECT * { <urn:a> <urn:p>+ ?o }",
        "SELECT * { <urn:a> <urn:p>* ?o }",
        "SELECT * { <urn:a> ^<urn:p> ?o }",
        "SELECT * { <urn:a> ?p ?o FILTER(REGEX(STR(?o), '(x+x+)+y')) }",
        "SELECT * { SERVICE <urn:a> { <urn:a> ?p ?o } }",
        "SELECT * FROM <urn:g> { <urn:a> ?p ?o }",
        "SELECT (COUNT(*) AS ?n) { <urn:a> ?p ?o }",
        "SELECT * { <urn:a> ?p ?o } VALUES ?o { 1 }",
        "SELECT * { <urn:a> ?p ?o } # SERVICE",
        "PREFIX a: <urn:> SELECT * { a:b ?p ?o }",
        "ASK { <urn:a> ?p ?o }",
        "CONSTRUCT { <urn:a> ?p ?o } { <urn:a> ?p ?o }",
        "SELECT * { GRAPH ?g { <urn:a> ?p ?o } }",
        "SELECT * { <urn:a> ?p ?o } LIMIT 99999999999",
        "SELECT * { <urn:a> ?p ?o } ; SELECT * { <urn:a> ?p ?o }",
        f"SELECT * {{ <urn:{'a' * 2000}> ?p ?o }}",
        "SELECT * { <urn:a\\u003E> ?p ?o }",
        "SELECT * { <urn:a> ?p ?o }\x00",
    ],
)
def test_anything_else_is_none(query: str) -> None:
    assert not is_lookup(query)


@pytest.mark.parametrize("length", [1000, 1990])
def test_what_nearly_is_one_is_told_quickly(length: int) -> None:
    for query in (
        "SELECT " + "?a " * (length // 3) + "x",
        "SELECT * {" + " " * length,
        "SELECT" + " " * length + "(",
    ):
        assert not is_lookup(query)


@pytest.mark.parametrize("media_type", ["application/sparql-results+json", "text/csv"])
@pytest.mark.parametrize(
    "query",
    [
        f"SELECT * {{ {_THING} ?p ?o }}",
        f"SELECT ?o {{ {_THING} ?p ?o }} LIMIT 2",
        "SELECT * { <urn:nothing> ?p ?o }",
    ],
)
def test_a_lookup_has_the_answer_of_the_store(store: Store, query: str, media_type: str) -> None:
    found = Lookups(store, ROOT).answer(query, media_type)
    assert found == store.query(query).text(media_type)


def test_a_fault_is_left_to_who_can_tell_it(store: Store) -> None:
    lookups = Lookups(store, ROOT)
    assert lookups.answer("SELECT * { <no iri> ?p ?o }", "text/csv") is None
    assert lookups.answer("SELECT ?x ?x { <urn:a> ?p ?o }", "text/csv") is None
    control = Store(Engine.from_text(r'<urn:a> <urn:p> "\u0001" .', "text/turtle"), "1")
    xml = "application/sparql-results+xml"
    assert Lookups(control, ROOT).answer("SELECT * { <urn:a> ?p ?o }", xml) is None


def test_where_one_thing_has_very_many_triples_nothing_is_a_lookup() -> None:
    lines = "".join(f"<urn:a> <urn:p> <urn:o{n}> .\n" for n in range(1001))
    lookups = Lookups(Store(Engine.from_text(lines, "text/turtle"), "1"), ROOT)
    assert lookups.answer("SELECT * { <urn:b> ?p ?o }", "text/csv") is None


def test_over_nothing_there_is_nothing_to_find() -> None:
    assert Lookups(Store(Engine(), "1"), ROOT).answer("SELECT ?o { <urn:b> ?p ?o }", "text/csv") == b"o\r\n"
