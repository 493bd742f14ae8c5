"""The ontology file: what every term must have, and that both libraries load it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import owlready2
import pytest
from rdflib import OWL, RDF, RDFS, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, SKOS

from her2kg.model.namespaces import ONTOLOGY
from her2kg.sparql.engine import Table, plain
from tests.conftest import ROOT, needs

if TYPE_CHECKING:
    from pathlib import Path

    from her2kg.sparql.store import Store

GRAPH = Graph().parse(ROOT / "ontology" / "her2kg.ttl")
OWN = "https://w3id.org/her2kg/ontology#"
TERMS = sorted(
    term for term in set(GRAPH.subjects(RDF.type)) if isinstance(term, URIRef) and term.startswith(OWN)
)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: str(term).removeprefix(OWN))
def test_term_has_one_label_and_one_definition_in_each_language(term: URIRef) -> None:
    for said in (RDFS.label, SKOS.definition):
        languages = [text.language for text in GRAPH.objects(term, said) if isinstance(text, Literal)]
        assert sorted(str(language) for language in languages) == ["en", "zh"], said
    assert (term, RDFS.isDefinedBy, ONTOLOGY) in GRAPH
    assert GRAPH.value(term, DCTERMS.source) is not None


@pytest.mark.parametrize("term", TERMS, ids=lambda term: str(term).removeprefix(OWN))
def test_class_has_at_most_one_parent_and_property_at_most_one_domain_and_range(term: URIRef) -> None:
    for said in (RDFS.subClassOf, RDFS.domain, RDFS.range):
        assert len(list(GRAPH.objects(term, said))) <= 1


def test_labels_are_unique_in_each_language() -> None:
    labels = Counter(
        (str(text).casefold(), text.language)
        for term in TERMS
        for text in GRAPH.objects(term, RDFS.label)
        if isinstance(text, Literal)
    )
    assert [label for label, times in labels.items() if times > 1] == []


def test_header_says_who_what_when_and_under_which_licence() -> None:
    for said in (DCTERMS.title, DCTERMS.description):
        assert {text.language for text in GRAPH.objects(ONTOLOGY, said) if isinstance(text, Literal)} == {
            "en",
            "zh",
        }
    for said in (
        DCTERMS.license,
        DCTERMS.creator,
        DCTERMS.created,
        DCTERMS.modified,
        OWL.versionIRI,
        OWL.versionInfo,
    ):
        assert len(list(GRAPH.objects(ONTOLOGY, said))) == 1
    prefix = GRAPH.value(ONTOLOGY, URIRef("http://purl.org/vocab/vann/preferredNamespacePrefix"))
    assert prefix == Literal("her2")


def test_kinds_of_alteration_are_disjoint() -> None:
    from rdflib.collection import Collection

    kinds = {"Mutation", "Amplification", "CopyNumberGain", "Polysomy", "Overexpression", "Rearrangement"}
    groups = [
        {str(member).removeprefix(OWN) for member in Collection(GRAPH, members)}
        for axiom in GRAPH.subjects(RDF.type, OWL.AllDisjointClasses)
        for members in GRAPH.objects(axiom, OWL.members)
    ]
    assert any(kinds | {"ProteinFormAlteration"} <= group for group in groups)


def _world(built: Path, name: str) -> tuple[owlready2.World, owlready2.Ontology]:
    world = owlready2.World()
    with (built / name).open("rb") as file:
        return world, world.get_ontology(OWN).load(fileobj=file)


def test_owlready2_loads_the_ontology_from_the_built_file(built: Path) -> None:
    _, ontology = _world(built, "ontology.rdf")
    names = {found.name for found in ontology.classes()}
    assert {"Statement", "Proposition", "Amplification", "Mutation"} <= names
    assert issubclass(ontology.MissenseMutation, ontology.Mutation)
    assert "陈述" in ontology.Statement.label.zh


@pytest.mark.slow
def test_ontology_is_consistent_and_every_class_can_have_members(built: Path) -> None:
    needs("java")
    world, ontology = _world(built, "ontology.rdf")
    with ontology:
        owlready2.sync_reasoner_hermit(world, infer_property_values=False, debug=0)
    assert list(world.inconsistent_classes()) == []


#: What stands ready: a kind of variant to subclass, the link of opposed propositions when both are stated,
#: and what our shapes ask of the references of others.
_READY = {"InsertionDeletionMutation", "opposes", "verified"}


def test_no_term_is_without_use(store: Store) -> None:
    found = store.query(f"""
        PREFIX owl: <{OWL}> PREFIX rdfs: <{RDFS}> PREFIX rdf: <{RDF}>
        SELECT DISTINCT ?term WHERE {{
          VALUES ?type {{ owl:Class owl:ObjectProperty owl:DatatypeProperty owl:AnnotationProperty }}
          ?term a ?type ; rdfs:isDefinedBy <{ONTOLOGY}> .
          FILTER NOT EXISTS {{ ?thing a ?term }}
          FILTER NOT EXISTS {{ ?subject ?term ?object }}
          FILTER NOT EXISTS {{ ?narrower rdfs:subClassOf ?term }}
          FILTER NOT EXISTS {{ ?list rdf:first ?term . ?class owl:intersectionOf/rdf:rest* ?list }}
        }}""")
    assert isinstance(found, Table)
    unused = {plain(row["term"]).rpartition("#")[2] for row in found.rows()}
    assert unused == _READY
