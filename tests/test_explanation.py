"""Why an answer is empty: each cause is named with the part of the query, and with what may be meant."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from her2kg.answer.explanation import Finding, explain
from her2kg.answer.processes import pool_of_files
from her2kg.cli import main
from her2kg.errors import QueryError
from her2kg.model.namespaces import prefixes
from her2kg.service.app import create_app
from her2kg.settings import Settings
from her2kg.sparql.engine import Table, Triples, plain
from her2kg.sparql.pool import EXPLAIN
from her2kg.sparql.store import Store
from her2kg.sparql.worker import Job, Limits
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from her2kg.sparql.pool import Pool

_PREFIXES = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in prefixes(ROOT).items())
#: Query, kind of the finding, in what part, and what is meant instead.
CASES = {
    "a misspelt class": (
        "SELECT * { ?s a her2:Amplificaton }", "unknown-term", "her2kg/ontology#Amplificaton>",
        "<https://w3id.org/her2kg/ontology#Amplification>",
    ),
    "a misspelt property": (
        "SELECT * { ?s her2:affectGene gene:erbb2 }", "unknown-term", "affectGene",
        "<https://w3id.org/her2kg/ontology#affectsGene>",
    ),
    "a misspelt thing": (
        "SELECT * { drug:afatinb ?p ?o }", "unknown-term", "drug/afatinb",
        "<https://w3id.org/her2kg/id/drug/afatinib>",
    ),
    "an identifier in another form": (
        "SELECT * { ?s ?p <http://www.example.org/hgnc:3430> }", "unknown-term", "hgnc:3430", "3430>",
    ),
    "a label without its language": (
        'SELECT * { ?s rdfs:label "阿法替尼" }', "unknown-value", "阿法替尼", '"阿法替尼"@zh',
    ),
    "a label in other letters": (
        'SELECT * { ?s rdfs:label "Afatinib"@en }', "unknown-value", "Afatinib", '"afatinib"@en',
    ),
    "a label misspelt": (
        'SELECT * { ?s rdfs:label "gefitinb"@en }', "unknown-value", "gefitinb", '"gefitinib"@en',
    ),
    "a number as text": (
        'SELECT * { ?s her2:year "2005" }', "unknown-value", "2005",
        '"2005"^^<http://www.w3.org/2001/XMLSchema#integer>',
    ),
    "a pattern": (
        "SELECT * { drug:afatinib her2:affectsGene ?gene }", "pattern", "affectsGene", "",
    ),
    "a join": (
        "SELECT * { ?s a her2:Statement . ?s her2:direction ?d . ?d her2:target ?t }", "join", "target", "",
    ),
    "a filter": (
        "SELECT * { ?s her2:year ?y FILTER(?y > 3000) }", "filter", "FILTER(?y > 3000)", "",
    ),
    "a filter of existence": (
        "SELECT * { ?s a her2:Gene FILTER NOT EXISTS { ?s rdfs:label ?l } }", "filter", "FILTER NOT EX", "",
    ),
    "a count": (
        "SELECT (COUNT(*) AS ?n) { ?s a her2:Amplificaton }", "unknown-term", "Amplificaton",
        "<https://w3id.org/her2kg/ontology#Amplification>",
    ),
    "a truth": (
        "ASK { ?s a her2:Amplificaton }", "unknown-term", "Amplificaton",
        "<https://w3id.org/her2kg/ontology#Amplification>",
    ),
    "a graph": (
        "CONSTRUCT { ?s a her2:X } { ?s a her2:Amplificaton }", "unknown-term", "Amplificaton",
        "<https://w3id.org/her2kg/ontology#Amplification>",
    ),
    "really none": (
        "SELECT * { { ?s a her2:Gene } { ?s a her2:DrugCategory } }", "none", "", "",
    ),
    "a term inside a filter of existence": (
        "SELECT * { ?s a her2:Gene FILTER EXISTS { ?s a her2:Amplificaton } }", "unknown-term",
        "Amplificaton", "<https://w3id.org/her2kg/ontology#Amplification>",
    ),
    "a term inside a filter of existence inside another": (
        "SELECT * { FILTER EXISTS { ?c her2:states ?p FILTER EXISTS { ?p her2:subjct ?s } } }",
        "unknown-term", "subjct", "<https://w3id.org/her2kg/ontology#subject>",
    ),
    "a filter inside filters of existence": (
        "SELECT * { FILTER EXISTS { ?c her2:states ?p FILTER EXISTS { ?p a ?k FILTER(ISLITERAL(?k)) } } }",
        "filter", "FILTER(ISLITERAL(?k))", "",
    ),
    "a filter of what is not, inside one of existence": (
        "SELECT * { ?c a her2:Statement FILTER EXISTS { ?c her2:states ?p FILTER NOT EXISTS { ?p a ?k } } }",
        "filter", "FILTER NOT EXISTS { ?p a ?k }", "",
    ),
    "existence that fails only for what is asked": (
        "SELECT * { ?s a her2:Gene FILTER EXISTS { ?s her2:direction ?d } }", "filter", "FILTER EXISTS", "",
    ),
    "a prefix with another namespace": (
        "PREFIX h: <https://w3id.org/her2kg/ontology/> SELECT * { ?s a h:Amplification }", "unknown-term",
        "her2kg/ontology/Amplification>", "<https://w3id.org/her2kg/ontology#Amplification>",
    ),
    **{
        f"HGNC as <{form}>": (f"SELECT * {{ ?s ?p <{form}> }}", "unknown-term", form, "hgnc_id/3430>")
        for form in (
            "http://identifiers.org/hgnc/3430", "https://identifiers.org/hgnc:3430", "HGNC:3430",
            "urn:hgnc:3430", "https://www.genenames.org/cgi-bin/gene_symbol_report?hgnc_id=HGNC:3430",
            "http://www.genenames.org/data/gene-symbol-report/#!/hgnc_id/3430",
            "https://bioregistry.io/hgnc:3430",
        )
    },
    "a CURIE in small letters": (
        'SELECT * { ?s dcterms:identifier "hgnc:3430" }', "unknown-value", "hgnc:3430",
        '"HGNC:3430"^^<http://www.w3.org/2001/XMLSchema#string>',
    ),
    "an IRI as text": (
        'SELECT * { ?s her2:target "https://w3id.org/her2kg/id/gene/erbb2" }', "unknown-value", "gene/erbb2",
        "<https://w3id.org/her2kg/id/gene/erbb2>",
    ),
    "a number as another one": (
        "SELECT * { ?s her2:year 2005.0 }", "unknown-value", "2005.0",
        '"2005"^^<http://www.w3.org/2001/XMLSchema#integer>',
    ),
    "a year of another type": (
        'SELECT * { ?s her2:year "2005"^^xsd:gYear }', "unknown-value", "gYear",
        '"2005"^^<http://www.w3.org/2001/XMLSchema#integer>',
    ),
    "a label in the wrong language": (
        'SELECT * { ?s rdfs:label "阿法替尼"@en }', "unknown-value", "阿法替尼", '"阿法替尼"@zh',
    ),
    "two counts": (
        "SELECT (COUNT(?s) AS ?n) (COUNT(DISTINCT ?s) AS ?m) { ?s a her2:Amplificaton }", "unknown-term",
        "Amplificaton", "<https://w3id.org/her2kg/ontology#Amplification>",
    ),
    "counts of groups": (
        "SELECT ?k (COUNT(*) AS ?n) { ?s a her2:Amplificaton ; her2:kind ?k } GROUP BY ?k", "unknown-term",
        "Amplificaton", "<https://w3id.org/her2kg/ontology#Amplification>",
    ),
    "a term in a named graph": (
        "SELECT * { GRAPH graph:metadata { ?s a sh:SPARQLExecutabel } }", "unknown-term", "SPARQLExecutabel",
        "<http://www.w3.org/ns/shacl#SPARQLExecutable>",
    ),
    "a pattern in any graph": (
        "SELECT * { GRAPH ?g { ?s a sh:SPARQLExecutable ; her2:target ?t } }", "pattern|join", "target", "",
    ),
    "a graph that is not the one asked": (
        "SELECT * FROM graph:ontology { ?s a her2:Statement ; her2:direction ?d ; her2:voice ?v }",
        "pattern", "her2kg/ontology#Statement>", "",
    ),
}  # fmt: skip


_FOUND: dict[str, list[Finding]] = {}


def _found(store: Store, query: str) -> list[Finding]:
    """Explain a query once for all tests."""
    if query not in _FOUND:
        _FOUND[query] = explain(store, _PREFIXES + query)
    return _FOUND[query]


@pytest.mark.parametrize(("query", "kind", "part", "instead"), CASES.values(), ids=CASES)
def test_the_cause_is_named(store: Store, query: str, kind: str, part: str, instead: str) -> None:
    found = _found(store, query)
    assert found[0].kind in kind.split("|"), found
    assert part in f"{found[0].part} {found[0].words()}"
    assert found[0].instead.endswith(instead)
    assert bool(found[0].instead) == bool(instead)


@pytest.mark.parametrize(
    "query",
    ["SELECT * { ?s ?p ?o } LIMIT 1", "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", "ASK { ?s ?p ?o }",
     "CONSTRUCT WHERE { ?s a her2:Gene }", "SELECT ?n { ?m her2:numerator ?n FILTER(?n = 0) } LIMIT 1",
     "SELECT ?s { GRAPH graph:metadata { ?s a sh:SPARQLExecutable } }",
     "SELECT * { OPTIONAL { ?s a her2:Amplificaton } ?t a her2:Gene }"],
)  # fmt: skip
def test_nothing_is_said_of_an_answer_that_is_there(store: Store, query: str) -> None:
    assert explain(store, _PREFIXES + query) == []


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        ("drug:afatinib", "looked-at"),
        ("population:her2-mutant-nsclc", "named-only"),
        ("exon:erbb2-9", "not-looked-at"),
    ],
)
def test_it_is_said_whether_the_review_looked_at_a_thing(store: Store, thing: str, kind: str) -> None:
    found = explain(store, f"{_PREFIXES} ASK {{ {thing} her2:target {thing} }}")
    said = [finding for finding in found if finding.part.startswith("<") and " " not in finding.part]
    assert [finding.kind for finding in said] == [kind]
    assert said[0].part.endswith(f"{thing.replace(':', '/')}>")


def test_statements_about_a_thing_are_counted_and_those_of_the_review_among_them(store: Store) -> None:
    found = explain(store, _PREFIXES + "ASK { drug:afatinib her2:target drug:afatinib }")
    [(statements, review)] = [finding.about for finding in found if finding.kind == "looked-at"]
    query = "SELECT ?c ?v { ?c her2:states ?p ; her2:voice ?v . ?p her2:subject|her2:object drug:afatinib }"
    answer = store.query(_PREFIXES + query)
    assert isinstance(answer, Table)
    voices = {plain(row["c"]): plain(row["v"]) for row in answer.rows()}
    assert int(statements) == len(voices) > int(review) > 0
    assert int(review) == sum(voice.endswith("/review") for voice in voices.values())


@pytest.mark.parametrize("case", CASES)
def test_it_is_said_in_chinese_too(store: Store, case: str) -> None:
    for finding in _found(store, CASES[case][0]):
        said = finding.told("zh")
        assert re.search("[\u4e00-\u9fff]", said["words"])
        assert said | {"words": ""} == finding.told("en") | {"words": ""}
        assert " meant" not in finding.line("zh")


def test_a_prefix_that_is_not_declared_is_told_at_its_place(store: Store) -> None:
    with pytest.raises(QueryError, match=r"1:12: the prefix hgnc: is not declared: add a line PREFIX hgnc:"):
        explain(store, "SELECT * { hgnc:3430 ?p ?o }")


@pytest.mark.parametrize("case", ["a filter", "two counts", "a truth", "a graph", "really none"])
def test_neither_the_query_nor_its_answer_is_changed(store: Store, case: str) -> None:
    text, triples = _PREFIXES + CASES[case][0], len(store)

    def answered() -> bytes:
        answer = store.query(text)
        return answer.text("application/n-triples" if isinstance(answer, Triples) else "application/json")

    before = answered()
    explain(store, text)
    assert (answered(), len(store)) == (before, triples)


def test_a_query_that_is_none_is_refused_as_ever(store: Store) -> None:
    with pytest.raises(QueryError, match="never closed"):
        explain(store, "SELECT * {")


def test_a_query_that_is_too_large_is_not_taken_apart(store: Store) -> None:
    deep = f"ASK {{ FILTER(false) {'{' * 60}{'}' * 60} }}"
    long = f"ASK {{ FILTER(false) }} #{'a' * 30_000}"
    assert [explain(store, query)[0].kind for query in (deep, long)] == ["too-large", "too-large"]


def test_the_service_explains_within_its_limits_and_the_page_links_to_it(engine: Pool, built: Path) -> None:
    query = _PREFIXES + CASES["a misspelt class"][0]
    client = create_app(engine, Settings.read({"build": built}, {}), prefixes(ROOT)).test_client()
    said = client.get("/sparql", query_string={"query": query, "explain": "1"}).get_json()
    assert said["query"] == query
    assert said["findings"][0]["instead"] == "<https://w3id.org/her2kg/ontology#Amplification>"
    asked = {"query": query, "explain": "1", "lang": "zh"}
    for response in (client.get("/sparql", query_string=asked), client.post("/sparql", data=asked)):
        assert response.get_json()["query"] == query
        assert response.get_json()["findings"][0] == said["findings"][0] | {
            "words": "图谱中没有<https://w3id.org/her2kg/ontology#Amplificaton>"
        }
    assert client.get("/sparql", query_string=asked | {"lang": "fr"}).status_code == 400
    assert client.get("/sparql", query_string={"query": "ASK {", "explain": "1"}).status_code == 400
    assert "explain=1" not in client.get("/questions/drugs").text
    problem = client.get("/sparql", query_string={"query": "ASK { ?s a her2:Gene }"}).get_json()
    assert problem["remedy"] == "add a line PREFIX her2: <https://w3id.org/her2kg/ontology#> at the top"


def test_the_page_of_a_question_without_answer_leads_to_the_reason(built: Path) -> None:
    with pool_of_files([built / "ontology.nt"], Limits(seconds=10)) as engine:
        client = create_app(engine, Settings.read({"build": built}, {})).test_client()
        page = client.get("/questions/claims").text
        [target] = re.findall(r'href="(/sparql[^"]*explain=1)"', page)
        findings = client.get(unescape(target)).get_json()["findings"]
        assert findings[0]["kind"] in {"unknown-term", "pattern"}
        assert any("her2kg/ontology#" in finding["part"] for finding in findings)
        [target] = re.findall(
            r'href="(/sparql[^"]*explain=1[^"]*)"', client.get("/questions/claims?lang=zh").text
        )
        assert "模式" in client.get(unescape(target)).get_json()["findings"][0]["words"]


def test_a_worker_takes_apart_what_this_process_does(built: Path) -> None:
    """Nothing that taking a query apart needs may be imported in a worker, which cannot open files."""
    file = built / "ontology.nt"
    store = Store.of_files([file])
    with pool_of_files([file], Limits(seconds=10)) as engine:
        for query, *_ in CASES.values():
            text = _PREFIXES + query
            found = [Finding(**finding) for finding in engine.run(Job(text, task=EXPLAIN))]
            assert [finding.kind for finding in found] == [finding.kind for finding in explain(store, text)]


def test_the_command_line_explains_on_standard_error(built: Path, tmp_path: Path) -> None:
    path = tmp_path / "query.rq"
    path.write_text(_PREFIXES + CASES["a misspelt class"][0], encoding="utf-8")
    environ = {"HER2KG_BUILD": str(built)}
    done = CliRunner().invoke(main, ["query", str(path), "--explain"], env=environ)
    assert done.exit_code == 0
    assert done.stdout.strip() == "s"
    assert "is <https://w3id.org/her2kg/ontology#Amplification> meant?" in done.stderr
    plain_answer = CliRunner().invoke(main, ["query", str(path)], env=environ)
    assert plain_answer.stdout == done.stdout
    done = CliRunner().invoke(main, ["query", str(path), "--explain", "--lang", "zh"], env=environ)
    assert done.stdout == plain_answer.stdout
    assert "是否指<https://w3id.org/her2kg/ontology#Amplification>？" in done.stderr
    done = CliRunner().invoke(main, ["query", "drugs", "--explain"], env=environ)
    assert done.stderr == ""
