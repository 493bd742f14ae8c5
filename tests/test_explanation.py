"""Why an answer is empty: each cause is named with the part of the query, and with what may be meant."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from her2kg.answer.explanation import explain
from her2kg.answer.store import Store
from her2kg.answer.workers import Limits, Workers
from her2kg.cli import main
from her2kg.errors import QueryError
from her2kg.model.namespaces import prefixes
from her2kg.service.app import create_app
from her2kg.settings import Settings
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

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
}  # fmt: skip


@pytest.mark.parametrize(("query", "kind", "part", "instead"), CASES.values(), ids=CASES)
def test_the_cause_is_named(store: Store, query: str, kind: str, part: str, instead: str) -> None:
    found = explain(store, _PREFIXES + query)
    assert found[0].kind == kind, found
    assert part in f"{found[0].part} {found[0].words}"
    assert found[0].instead.endswith(instead)
    assert bool(found[0].instead) == bool(instead)


@pytest.mark.parametrize(
    "query",
    ["SELECT * { ?s ?p ?o } LIMIT 1", "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", "ASK { ?s ?p ?o }",
     "CONSTRUCT WHERE { ?s a her2:Gene }", "SELECT * { OPTIONAL { ?s a her2:Amplificaton } ?t a her2:Gene }"],
)  # fmt: skip
def test_nothing_is_said_of_an_answer_that_is_there(store: Store, query: str) -> None:
    assert explain(store, _PREFIXES + query) == []


def test_it_is_said_whether_the_review_looked_at_a_thing(store: Store) -> None:
    query = "SELECT * { drug:afatinib her2:target gene:kras . drug:afatinib a her2:Gene }"
    said = {
        finding.part: finding.words
        for finding in explain(store, _PREFIXES + query)
        if finding.kind == "looked-at"
    }
    assert "statements are about it" in said["<https://w3id.org/her2kg/id/drug/afatinib>"]


def test_a_query_that_is_none_is_refused_as_ever(store: Store) -> None:
    with pytest.raises(QueryError, match="never closed"):
        explain(store, "SELECT * {")


def test_a_query_that_is_too_large_is_not_taken_apart(store: Store) -> None:
    deep = f"ASK {{ FILTER(false) {'{' * 60}{'}' * 60} }}"
    long = f"ASK {{ FILTER(false) }} #{'a' * 30_000}"
    assert [explain(store, query)[0].kind for query in (deep, long)] == ["too-large", "too-large"]


def test_the_service_explains_within_its_limits_and_the_page_links_to_it(store: Store, built: Path) -> None:
    query = _PREFIXES + CASES["a misspelt class"][0]
    with Workers(store, Limits(seconds=10)) as workers:
        client = create_app(store, workers, Settings.read({"build": built}, {}), prefixes(ROOT)).test_client()
        said = client.get("/sparql", query_string={"query": query, "explain": "1"}).get_json()
        assert said["query"] == query
        assert said["findings"][0]["instead"] == "<https://w3id.org/her2kg/ontology#Amplification>"
        assert client.get("/sparql", query_string={"query": "ASK {", "explain": "1"}).status_code == 400
        assert "explain=1" not in client.get("/questions/drugs").text
        problem = client.get("/sparql", query_string={"query": "ASK { ?s a her2:Gene }"}).get_json()
        assert problem["remedy"] == "add a line PREFIX her2: <https://w3id.org/her2kg/ontology#> at the top"


def test_the_page_of_a_question_without_answer_leads_to_the_reason(built: Path) -> None:
    empty = Store.of_files([built / "ontology.nt"])
    with Workers(empty, Limits(seconds=10)) as workers:
        client = create_app(empty, workers, Settings.read({"build": built}, {})).test_client()
        page = client.get("/questions/claims").text
        [target] = re.findall(r'href="(/sparql[^"]*explain=1)"', page)
        findings = client.get(unescape(target)).get_json()["findings"]
        assert findings[0]["kind"] in {"unknown-term", "pattern"}
        assert any("her2kg/ontology#" in finding["part"] for finding in findings)


def test_the_command_line_explains_on_standard_error(built: Path, tmp_path: Path) -> None:
    path = tmp_path / "query.rq"
    path.write_text(_PREFIXES + CASES["a misspelt class"][0], encoding="utf-8")
    environ = {"HER2KG_BUILD": str(built)}
    done = CliRunner().invoke(main, ["query", str(path), "--explain"], env=environ)
    assert done.exit_code == 0
    assert done.stdout.strip() == "s"
    assert "is <https://w3id.org/her2kg/ontology#Amplification> meant?" in done.stderr
    done = CliRunner().invoke(main, ["query", "drugs", "--explain"], env=environ)
    assert done.stderr == ""
