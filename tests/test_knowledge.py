"""The graph from Python: questions, queries in every form, rdflib, owlready2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rdflib import Graph, URIRef
from rdflib.compare import isomorphic

import her2kg
from her2kg.answer.questions import answer
from her2kg.errors import (
    BuildMissingError,
    NotationError,
    QueryError,
    SettingError,
    UnknownQuestionError,
)
from her2kg.model.queries import Query
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from her2kg.sparql.store import Store

_DRUG = "https://w3id.org/her2kg/id/drug/"


@pytest.fixture(scope="module")
def kg(built: Path) -> her2kg.KnowledgeGraph:
    """Open the real graph as a user does."""
    return her2kg.open(build=built)


def _table(found: object) -> her2kg.Answers:
    assert isinstance(found, her2kg.Answers)
    return found


def test_a_question_gives_a_table(kg: her2kg.KnowledgeGraph) -> None:
    drugs = _table(kg.query("drugs"))
    assert drugs.columns[0] == "drug"
    assert "afatinib" in {row["drug"] for row in drugs}


def test_a_question_answers_in_chinese(kg: her2kg.KnowledgeGraph) -> None:
    assert "阿法替尼" in {row["drug"] for row in _table(kg.query("drugs", lang="zh"))}


def test_a_question_takes_its_parameters_as_notations(kg: her2kg.KnowledgeGraph) -> None:
    found = _table(kg.query("applicable-claims", {"alteration": "HER2 扩增"}))
    assert {row["alteration"] for row in found} == {"ERBB2 amplification"}


def test_the_language_may_be_given_as_a_parameter(kg: her2kg.KnowledgeGraph) -> None:
    found = _table(kg.query("applicable-claims", {"alteration": "G660D", "lang": "zh"}))
    assert list(found) == list(_table(kg.query("applicable-claims", {"alteration": "G660D"}, lang="zh")))


@pytest.mark.parametrize(
    "text",
    [
        f"DESCRIBE <{_DRUG}paclitaxel>",
        f"DESCRIBE<{_DRUG}paclitaxel>",
        f"CONSTRUCT WHERE {{ <{_DRUG}paclitaxel> ?p ?o }}",
    ],
)
def test_describe_and_construct_give_an_rdflib_graph(kg: her2kg.KnowledgeGraph, text: str) -> None:
    graph = kg.query(text)
    assert isinstance(graph, Graph)
    assert set(graph.subjects()) == {URIRef(f"{_DRUG}paclitaxel")}


@pytest.mark.parametrize(("text", "truth"), [("ASK { ?s ?p ?o }", True), ("ASK{FILTER(false)}", False)])
def test_ask_gives_a_truth_value(kg: her2kg.KnowledgeGraph, text: str, truth: bool) -> None:  # noqa: FBT001
    assert kg.query(text) is truth


def test_select_gives_a_table(kg: her2kg.KnowledgeGraph) -> None:
    found = _table(kg.query("SELECT (COUNT(*) AS ?triples) { ?s ?p ?o }"))
    assert int(next(iter(found))["triples"]) == len(kg.graph)


@pytest.mark.parametrize(
    ("asked", "kind", "said"),
    [
        (("drug", None, "en"), UnknownQuestionError, "try drugs"),
        (("SELECT * { ?s ?p }", None, "en"), QueryError, "1:12: the query is not SPARQL"),
        (("drugs", {"gene": "ERBB2"}, "en"), QueryError, "its parameters: lang"),
        (("drugs", None, "fr"), QueryError, "choose en or zh"),
        (
            ("applicable-claims", {"alteration": "nonsense"}, "en"),
            NotationError,
            "nothing is named 'nonsense'",
        ),
        (("ASK { ?s ?p ?o }", {"alteration": "x"}, "en"), QueryError, "a SPARQL text has no parameters"),
    ],
)
def test_a_mistake_is_one_error_of_ours(
    kg: her2kg.KnowledgeGraph,
    asked: tuple[str, dict[str, str] | None, str],
    kind: type[her2kg.Her2kgError],
    said: str,
) -> None:
    with pytest.raises(kind, match=said):
        kg.query(*asked)


def test_a_question_that_gives_no_table_is_refused(store: Store) -> None:
    with pytest.raises(QueryError, match="q gives no table: use SELECT"):
        answer(store, ROOT, Query("q", "ASK { }"))


def test_the_questions_are_the_files(kg: her2kg.KnowledgeGraph) -> None:
    assert kg.questions == sorted(path.stem for path in (ROOT / "queries/questions").glob("*.rq"))


@pytest.mark.untraced  # a tracer doubles its time, and other tests run the same lines
def test_the_graph_is_the_built_turtle_and_the_default_graph(kg: her2kg.KnowledgeGraph, built: Path) -> None:
    assert isomorphic(kg.graph, Graph().parse(built / "her2kg.nt"))
    assert kg.graph is kg.graph


def test_owlready2_reads_the_classes_and_their_labels(kg: her2kg.KnowledgeGraph) -> None:
    ontology = kg.ontology
    classes = {cls.name: cls for cls in ontology.classes() if cls.iri.startswith(ontology.base_iri)}
    assert {"Statement", "Proposition", "EvidenceLine", "StudyResult", "Measurement"} <= set(classes)
    statement = classes["Statement"]
    assert statement.label.en == ["statement"]
    assert len(statement.label.zh) == 1
    unlabelled = [name for name, cls in classes.items() if not (cls.label.en and cls.label.zh)]
    assert unlabelled == []


def test_each_ontology_has_a_world_of_its_own(built: Path) -> None:
    first, second = her2kg.open(build=built).ontology, her2kg.open(build=built).ontology
    assert first.world is not second.world


def test_without_a_build_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildMissingError, match="run `her2kg build` first"):
        her2kg.open(build=tmp_path)


def test_a_misspelt_setting_is_named() -> None:
    with pytest.raises(SettingError, match="there is no setting 'bild': the settings: host, port"):
        her2kg.open(bild="x")
