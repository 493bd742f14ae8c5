"""The EL reasoner: what it finds, and that it refuses what it cannot answer in full."""

from __future__ import annotations

import pytest
from rdflib import Graph

from her2kg.errors import InputError, NotConformError
from her2kg.graph.derive.reasoning import reason
from her2kg.reasoner import Ontology, values

_PREFIXES = """
@prefix : <urn:x#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:Mutation a owl:Class ; rdfs:label "mutation"@en ; owl:disjointWith :Amplification .
:Amplification a owl:Class .
:Odd a owl:Class ; rdfs:subClassOf :Mutation .
"""
_BOTH = f"{_PREFIXES} :Odd rdfs:subClassOf :Amplification ."
_NEEDS = f"""{_PREFIXES} :has a owl:ObjectProperty . :Needs a owl:Class ;
    rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :has ; owl:someValuesFrom owl:Nothing ] ."""
_SAME = f"{_PREFIXES} :Mutation rdfs:subClassOf :Odd ."


def test_wider_classes_are_found_at_any_distance() -> None:
    with Ontology(f"{_PREFIXES} :Odder a owl:Class ; rdfs:subClassOf :Odd .") as reasoner:
        found = reasoner.classify()
        assert reasoner.is_subclass("urn:x#Odder", "urn:x#Mutation")
    assert found.consistent
    assert found.wider("urn:x#Odder") == {"urn:x#Odd", "urn:x#Mutation"}
    assert found.direct == (("urn:x#Odd", "urn:x#Mutation"), ("urn:x#Odder", "urn:x#Odd"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            _BOTH,
            "'urn:x#Odd' the class can have no member: it falls under both urn:x#Amplification and",
        ),
        (
            _NEEDS,
            "'urn:x#Needs' the class can have no member; mend",
        ),
        (_SAME, "the classes have the same members"),
    ],
)
def test_what_must_not_be_published_is_named(text: str, said: str) -> None:
    with pytest.raises(NotConformError) as caught:
        reason(Graph().parse(data=text), Graph())
    assert [said in str(fault) for fault in caught.value.faults] == [True]


def test_values_are_found_through_a_chain_and_only_for_what_is_asked() -> None:
    facts = """@prefix : <urn:x#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
        :exon a owl:ObjectProperty . :domain a owl:ObjectProperty . :inside a owl:ObjectProperty .
        :domain owl:propertyChainAxiom ( :exon :inside ) .
        :insertion a owl:NamedIndividual ; :exon :twenty . :other a owl:NamedIndividual ; :domain :kinase .
        :twenty a owl:NamedIndividual ; :inside :kinase . :kinase a owl:NamedIndividual ."""
    triples = Graph().parse(data=facts).serialize(format="nt")
    found = list(values(triples, [("urn:x#domain", "urn:x#kinase"), ("urn:x#domain", "urn:x#twenty")]))
    assert found == [
        ("urn:x#insertion", "urn:x#domain", "urn:x#kinase"),
        ("urn:x#other", "urn:x#domain", "urn:x#kinase"),
    ]


def test_text_that_is_no_ontology_is_refused() -> None:
    with pytest.raises(InputError, match="the ontology cannot be reasoned over"):
        Ontology("@prefix : <urn:x#> . :a :b")


def test_an_answer_that_would_be_incomplete_is_refused() -> None:
    beyond = f"{_PREFIXES} :Odd owl:equivalentClass [ a owl:Class ; owl:complementOf :Amplification ] ."
    with Ontology(beyond) as reasoner, pytest.raises(InputError, match="does not take into account"):
        reasoner.classify()
