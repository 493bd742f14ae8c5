"""From records to triples: the whole sample against its golden graph, and the patterns one by one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.compare import graph_diff, to_isomorphic
from rdflib.namespace import OWL, RDF, RDFS, XSD

from her2kg.graph.make.mapping import Mapped, map_tables
from her2kg.graph.read.tables import read
from her2kg.model.claims import Result, Span, Statement
from her2kg.model.namespaces import BASE, HER2, thing
from her2kg.model.records import VocabularyTerm
from her2kg.model.vocabulary import ClaimKind
from tests.conftest import ROOT, SAMPLE
from tests.editing import add_row, set_cell

if TYPE_CHECKING:
    from pathlib import Path

GOLDEN = ROOT / "tests" / "golden" / "sample.ttl"
REVIEW = "data/sources/sample-review"
PLAIN = {XSD.integer, XSD.decimal, XSD.date, XSD.boolean, None}


@pytest.fixture(scope="module")
def mapped() -> Mapped:
    return map_tables(read(SAMPLE / "data"))


@pytest.fixture(scope="module")
def graph(mapped: Mapped) -> Graph:
    return mapped.graph


def statement(slug: str) -> URIRef:
    return thing("statement", f"sample-review-{slug}")


def measurement(slug: str) -> URIRef:
    return thing("measurement", f"sample-review-{slug}")


def spans(graph: Graph, node: URIRef) -> list[tuple[int, int]]:
    return sorted(
        (int(str(graph.value(span, HER2.startOffset))), int(str(graph.value(span, HER2.endOffset))))
        for span in graph.objects(node, HER2.span)
    )


def test_sample_maps_to_its_golden_graph(graph: Graph) -> None:
    golden = Graph().parse(GOLDEN)
    _, lost, made = graph_diff(to_isomorphic(golden), to_isomorphic(graph))
    assert (sorted(lost), sorted(made)) == ([], [])


def test_every_subject_is_an_iri_of_ours(graph: Graph) -> None:
    assert {node for node in graph.subjects() if not str(node).startswith(f"{BASE}id/")} == set()


def test_there_are_no_blank_nodes(graph: Graph) -> None:
    assert not any(isinstance(term, BNode) for triple in graph for term in triple)


def test_literals_have_plain_types_in_canonical_form(graph: Graph) -> None:
    literals = [term for term in graph.objects() if isinstance(term, Literal)]
    assert {literal.datatype for literal in literals} <= PLAIN
    assert {literal.language for literal in literals} == {"en", "zh", None}
    assert all(literal.normalize() == literal for literal in literals)
    figures = {str(literal) for literal in literals if literal.datatype == XSD.decimal}
    assert figures == {"80", "8", "1.8", "1.1", "2.9", "0.03", "50", "5", "10"}


def test_things_of_the_graph_are_described(graph: Graph) -> None:
    things = {node for node in graph.objects() if str(node).startswith(f"{BASE}id/")}
    words = {row.record.scheme for row in read(ROOT / "data").of(VocabularyTerm)}
    described = set(graph.subjects(RDF.type, None))
    nameless = {node for node in things - described if str(node).split("/")[-2] not in words}
    assert nameless == set()


def test_each_kind_of_claim_has_its_class(graph: Graph) -> None:
    kinds = Counter(
        (str(kind).rpartition("/")[2], str(of_kind).rpartition("#")[2])
        for node in graph.subjects(RDF.type, HER2.Proposition)
        for kind in graph.objects(node, HER2.kind)
        for of_kind in graph.objects(node, RDF.type)
        if of_kind != HER2.Proposition
    )
    assert {kind for kind, _ in kinds} == set(ClaimKind)
    assert len(kinds) == len({of_kind for _, of_kind in kinds}) == 16


def test_claims_on_one_thing_share_the_proposition(graph: Graph) -> None:
    said = {
        str(node).rpartition("/")[2]: graph.value(node, HER2.states)
        for node in graph.subjects(RDF.type, HER2.Statement)
    }
    women, men = said["sample-review-007-worse-in-women"], said["sample-review-007-no-difference-in-men"]
    assert women == men
    assert str(women) == (
        f"{BASE}id/proposition/prognosis_alteration_erbb2-overexpression_worse_outcome_os_in_nsclc"
    )
    assert said["sample-review-010-afatinib-response"] == said["sample-review-011-afatinib-no-response"]
    assert (
        said["sample-review-004-amplification-frequency"]
        == said["sample-abstracts-nobody-2001-amplification"]
    )


def test_claims_keep_their_own_direction_and_population(graph: Graph) -> None:
    women, men = statement("007-worse-in-women"), statement("007-no-difference-in-men")
    assert graph.value(women, HER2.direction) == thing("direction", "supports")
    assert graph.value(men, HER2.direction) == thing("direction", "no-effect")
    assert graph.value(women, HER2.population) == thing("population", "resected-women")
    assert graph.value(men, HER2.population) == thing("population", "resected-men")


def test_claim_carries_voice_and_curation_of_its_source(graph: Graph) -> None:
    node = thing("statement", "sample-abstracts-nobody-2001-amplification")
    assert graph.value(node, HER2.voice) == thing("voice", "primary-study")
    assert graph.value(node, HER2.curatedOn) == Literal("2024-01-03", datatype=XSD.date)
    assert graph.value(node, HER2.source) == thing("source", "sample-abstracts")


def test_alteration_is_class_and_individual(graph: Graph) -> None:
    node = thing("alteration", "erbb2-exon-20-insertion")
    assert set(graph.objects(node, RDF.type)) == {OWL.Class, OWL.NamedIndividual, HER2.AlterationCategory}
    assert set(graph.objects(node, RDFS.subClassOf)) == {HER2.InsertionMutation}
    assert graph.value(node, HER2.affectsExon) == thing("exon", "erbb2-20")
    assert graph.value(node, HER2.affectsDomain) is None  # it follows from the exon


@pytest.mark.parametrize(
    ("kind", "slug", "root"),
    [
        ("drug", "afatinib", "Drug"),
        ("drug-class", "chemotherapy", "Drug"),
        ("disease", "nsclc", "Disease"),
        ("assay", "fish", "Assay"),
        ("outcome", "orr", "Outcome"),
        ("alteration", "unspecified", "UnspecifiedAlteration"),
    ],
)
def test_thing_that_is_class_and_individual_has_its_root(
    graph: Graph, kind: str, slug: str, root: str
) -> None:
    node = thing(kind, slug)
    assert {OWL.Class, OWL.NamedIndividual} <= set(graph.objects(node, RDF.type))
    assert HER2[root] in set(graph.objects(node, RDFS.subClassOf))


def test_gene_is_no_class(graph: Graph) -> None:
    assert set(graph.objects(thing("gene", "erbb2"), RDF.type)) == {HER2.Gene}


def test_profile_says_what_is_there_and_what_not(graph: Graph) -> None:
    node = thing("profile", "erbb2-mutation-without-egfr-mutation")
    assert set(graph.objects(node, HER2.hasAll)) == {thing("alteration", "erbb2-mutation")}
    assert set(graph.objects(node, HER2.hasNone)) == {thing("alteration", "egfr-mutation")}
    assert set(graph.objects(node, HER2.hasAny)) == set()


def test_measures_of_one_group_share_a_study_result(graph: Graph) -> None:
    line = graph.value(statement("010-afatinib-response"), HER2.evidenceLine)
    results = set(graph.objects(line, HER2.studyResult))
    assert results == {thing("study-result", "sample-review-010-afatinib-response")}
    assert set(graph.objects(results.pop(), HER2.measurement)) == {
        measurement("010-afatinib-response-orr"),
        measurement("010-afatinib-response-pfs"),
    }


def test_measure_of_another_group_has_its_own_study_result(sample_home: Path) -> None:
    row = "010-afatinib-response-pfs"
    set_cell(sample_home / REVIEW / "results.tsv", row, "group", "resected-women")
    graph = map_tables(read(sample_home / "data")).graph
    result = thing("study-result", "sample-review-010-afatinib-response_resected-women")
    assert graph.value(None, HER2.measurement, measurement(row)) == result
    assert graph.value(result, HER2.population) == thing("population", "resected-women")


def test_study_result_names_the_trial_of_its_statement(sample_home: Path) -> None:
    set_cell(sample_home / REVIEW / "statements.tsv", "010-afatinib-response", "trial", "nct00000001")
    graph = map_tables(read(sample_home / "data")).graph
    result = thing("study-result", "sample-review-010-afatinib-response")
    assert graph.value(result, HER2.trial) == thing("trial", "nct00000001")


def test_trial_without_results_has_no_result(graph: Graph) -> None:
    trial = thing("trial", "nct00000001")
    assert graph.value(trial, HER2.hasResults) == Literal(lexical_or_value=False)
    assert list(graph.subjects(HER2.trial, trial)) != []
    assert [
        node for node in graph.subjects(HER2.trial, trial) if (node, RDF.type, HER2.StudyResult) in graph
    ] == []
    assert graph.value(trial, HER2.arm) == thing("arm", "nct00000001-nsclc")


def test_statement_rests_on_its_spans(graph: Graph) -> None:
    assert spans(graph, statement("008-mutations-exclude")) == [(185, 200)]
    assert len(spans(graph, statement("005-promotes-proliferation"))) == 2
    span = graph.value(statement("008-mutations-exclude"), HER2.span)
    assert graph.value(span, HER2.segment) == thing("segment", "sample-review-008")
    assert len(str(graph.value(span, HER2.sha256))) == 64


def test_statements_on_the_same_words_share_the_span(sample_home: Path) -> None:
    row = next(
        row.record for row in read(sample_home / "data").of(Span) if row.record.statement.startswith("012-ev")
    )
    add_row(
        sample_home / REVIEW / "spans.tsv",
        statement="012-enrols-profile",
        segment="12",
        start=str(row.start),
        end=str(row.end),
        sha256=row.sha256,
    )
    graph = map_tables(read(sample_home / "data")).graph
    shared = thing("span", f"sample-review-{row.start}-{row.end}")
    assert set(graph.subjects(HER2.span, shared)) == {
        statement("012-enrols-profile"),
        statement("012-evaluates-regimen"),
    }


def test_figures_lead_to_where_they_are_printed(graph: Graph) -> None:
    assert spans(graph, measurement("004-share-of-lung-cancer-share")) == [(41, 43)]
    assert len(spans(graph, measurement("007-worse-in-women-hr"))) == 5
    assert len(spans(graph, thing("population", "screened"))) == 1
    assert len(spans(graph, thing("criterion", "ihc-3-plus"))) == 1
    assert spans(graph, thing("gene", "erbb2")) == []


def test_issue_stands_beside_what_is_printed(graph: Graph) -> None:
    node = thing("issue", "sample-review-005-proliferation-misprinted")
    assert graph.value(node, HER2.printedForm) == Literal("增值")
    assert graph.value(node, HER2.readAs) == Literal("增殖")
    assert graph.value(node, HER2.concerns) == statement("005-promotes-proliferation")
    assert graph.value(node, HER2.segment) == thing("segment", "sample-review-005")


def test_uncertain_study_is_only_possibly_the_reference(graph: Graph) -> None:
    study = thing("study", "nobody-2001")
    sure, unsure = thing("reference", "sample-review-2"), thing("reference", "sample-review-4")
    assert graph.value(sure, HER2.reportedIn) == study
    assert graph.value(unsure, HER2.reportedIn) is None
    assert set(graph.objects(study, HER2.possiblyCitedAs)) == {unsure}


def test_references_belong_to_their_source(graph: Graph) -> None:
    cited = set(graph.objects(statement("010-afatinib-response"), HER2.citesReference))
    assert cited == {thing("reference", "sample-review-3")}


def test_study_restates_a_measurement_of_the_review(graph: Graph) -> None:
    mine = thing("measurement", "sample-abstracts-nobody-2001-amplification-share")
    assert graph.value(mine, HER2.restates) == measurement("004-amplification-frequency-share")


def test_rows_are_remembered_by_their_nodes(mapped: Mapped, graph: Graph) -> None:
    row = mapped.origins[statement("008-mutations-exclude")]
    assert (row.path, row.line) == (f"{REVIEW}/statements.tsv", 12)
    assert isinstance(row.record, Statement)
    figure = mapped.origins[measurement("010-afatinib-response-pfs")]
    assert isinstance(figure.record, Result)
    for kind in (
        HER2.Statement,
        HER2.Measurement,
        HER2.Segment,
        HER2.Reference,
        HER2.CurationIssue,
        HER2.WordedContrast,
        HER2.TrialArm,
    ):
        assert set(graph.subjects(RDF.type, kind)) <= set(mapped.origins)


def test_vocabulary_terms_are_concepts_of_their_scheme(sample_home: Path) -> None:
    graph = map_tables(read(sample_home / "data")).graph
    node = thing("setting", "trial")
    assert HER2.EvidenceSetting in set(graph.objects(node, RDF.type))
    assert HER2.TrialPhase in set(graph.objects(thing("phase", "ii"), RDF.type))
    assert HER2.Predicate in set(graph.objects(thing("predicate", "worse"), RDF.type))
    assert graph.value(thing("predicate", "worse"), HER2.opposedPredicate) == thing("predicate", "better")
