"""What rules derive: conflicts with their explanation, contraries, and which rule made them."""

from __future__ import annotations

import pytest
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import PROV, RDF, RDFS

from her2kg.errors import InputError
from her2kg.graph.derive.derivation import derive, names
from her2kg.model.namespaces import HER2, rule, thing
from her2kg.model.queries import Query, read_queries
from tests.conftest import ROOT

A, B, C = (URIRef(f"urn:{name}") for name in "abc")
NEXT = URIRef("urn:next")


def conflict(first: str, second: str) -> URIRef:
    return thing("conflict", f"direct_sample-review-{first}_sample-review-{second}")


BY_SEX = conflict("007-worse-in-women", "007-no-difference-in-men")
UNRESOLVED = conflict("010-afatinib-response", "011-afatinib-no-response")


@pytest.fixture
def inferred(sample_graphs: dict[str, Graph]) -> Graph:
    return sample_graphs["inferred"]


def test_sample_has_the_conflicts_that_its_sentences_have(inferred: Graph) -> None:
    assert set(inferred.subjects(RDF.type, HER2.Conflict)) == {BY_SEX, UNRESOLVED}


def test_conflict_of_women_and_men_is_explained_by_sex(inferred: Graph) -> None:
    women = thing("statement", "sample-review-007-worse-in-women")
    men = thing("statement", "sample-review-007-no-difference-in-men")
    assert set(inferred.objects(BY_SEX, HER2.explainedBy)) == {thing("explanation", "sex")}
    assert inferred.value(BY_SEX, HER2.conflictKind) == thing("conflict-kind", "direct")
    assert inferred.value(BY_SEX, HER2.firstStatement) == women
    assert inferred.value(BY_SEX, HER2.secondStatement) == men
    assert set(inferred.objects(BY_SEX, HER2.between)) == {women, men}


def test_conflict_that_nothing_recorded_explains_is_unresolved(inferred: Graph) -> None:
    assert set(inferred.objects(UNRESOLVED, HER2.explainedBy)) == {thing("explanation", "unresolved")}


def test_conflict_is_about_the_shared_proposition(inferred: Graph, sample_graphs: dict[str, Graph]) -> None:
    for node in (BY_SEX, UNRESOLVED):
        about = inferred.value(node, HER2.about)
        for statement in inferred.objects(node, HER2.between):
            assert sample_graphs["asserted"].value(statement, HER2.states) == about


def test_conflict_is_named_in_both_languages(inferred: Graph) -> None:
    for node in (BY_SEX, UNRESOLVED):
        assert sorted(
            label.language or "" for label in inferred.objects(node, RDFS.label) if isinstance(label, Literal)
        ) == ["en", "zh"]


def test_conflict_says_which_rule_made_it(inferred: Graph) -> None:
    makers = {maker for node in (BY_SEX, UNRESOLVED) for maker in inferred.objects(node, PROV.wasGeneratedBy)}
    assert len(makers) == 1
    assert set(names(inferred)) == makers | {rule("owl-2-el")}
    assert (makers.pop(), RDF.type, PROV.Activity) in inferred


def test_nothing_asserted_is_changed(sample_graphs: dict[str, Graph]) -> None:
    known = Graph().parse(data=sample_graphs["asserted"].serialize(format="nt"), format="nt")
    before = set(known)
    derive([known], [construct("r", "?s ?p ?o", "?o ?p ?s FILTER(ISIRI(?o))")])
    assert set(known) == before


def test_working_triples_are_not_published(inferred: Graph) -> None:
    assert not [triple for triple in inferred if str(triple[1]).startswith(str(rule("")))]


def construct(name: str, head: str, body: str) -> Query:
    return Query(name, f"CONSTRUCT {{ {head} }} WHERE {{ {body} }}", summary={"en": "a rule", "zh": "规则"})


def test_later_rule_sees_what_an_earlier_one_derived() -> None:
    known = Graph().add((A, NEXT, B))
    rules = [
        construct("1", f"?b <{NEXT}> <{C}>", f"<{A}> <{NEXT}> ?b"),
        construct("2", f"<{A}> <{NEXT}> ?c", f"<{A}> <{NEXT}>/<{NEXT}> ?c"),
    ]
    assert {triple for triple in derive([known], rules) if triple[1] == NEXT} == {(B, NEXT, C), (A, NEXT, C)}
    backwards = derive([known], reversed(rules))
    assert {triple for triple in backwards if triple[1] == NEXT} == {(B, NEXT, C)}


def test_rule_joins_over_all_graphs() -> None:
    graphs = [Graph().add((A, NEXT, B)), Graph().add((B, NEXT, C))]
    made = derive(graphs, [construct("r", f"?a <{NEXT}> ?c", f"?a <{NEXT}>/<{NEXT}> ?c")])
    assert (A, NEXT, C) in made


def test_rule_that_finds_nothing_is_still_named() -> None:
    made = derive([Graph()], [construct("r", "?s ?p ?o", "?s ?p ?o")])
    assert set(made) == {
        (rule("r"), RDF.type, PROV.Activity),
        (rule("r"), RDFS.label, Literal("a rule", lang="en")),
        (rule("r"), RDFS.label, Literal("规则", lang="zh")),
    }
    assert names(made) == []


def test_contrary_predicates_make_contrary_propositions() -> None:
    better, worse = thing("predicate", "better"), thing("predicate", "worse")
    known = Graph().add((better, HER2.opposedPredicate, worse)).add((worse, HER2.opposedPredicate, better))
    for node, predicate in ((A, better), (B, worse), (C, thing("predicate", "associated"))):
        known.add((node, HER2.kind, thing("claim-kind", "prognosis")))
        known.add((node, HER2.subject, thing("alteration", "erbb2-mutation")))
        known.add((node, HER2.predicate, predicate))
        known.add((node, HER2.object, thing("outcome", "os")))
    made = derive([known], read_queries(ROOT / "ontology" / "rules"))
    assert set(made.triples((None, HER2.opposes, None))) == {(A, HER2.opposes, B), (B, HER2.opposes, A)}


def test_rule_that_is_no_construct_is_named() -> None:
    with pytest.raises(InputError, match="the rule odd is no CONSTRUCT: write it as CONSTRUCT"):
        derive([Graph()], [Query("odd", "SELECT * { ?s ?p ?o }")])


def test_rule_that_is_no_sparql_is_named() -> None:
    with pytest.raises(InputError, match=r"the rule odd: .* the query is not SPARQL at"):
        derive([Graph()], [Query("odd", "CONSTRUCT { ?s ?p } WHERE { }")])
