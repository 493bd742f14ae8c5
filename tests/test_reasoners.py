"""What follows from the ontology: in both reasoners, with reasons, and nothing that must not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rdflib import OWL, RDF, RDFS, BNode, Graph, URIRef

from her2kg.answer.matching import match
from her2kg.graph.build import infer, read_ontology
from her2kg.graph.derive.justification import Justifier
from her2kg.graph.derive.reasoning import logical_part
from her2kg.graph.make.class_axioms import class_axioms
from her2kg.graph.make.mapping import map_tables
from her2kg.graph.read.tables import read
from her2kg.model.namespaces import BASE, HER2, prefixes, thing
from her2kg.reasoner import Classification, Ontology
from tests import owlapi
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from her2kg.sparql.store import Store

pytestmark = pytest.mark.slow

PREFIXES = prefixes(ROOT)
_HEADER, *_LINES = (ROOT / "tests" / "reasoning" / "entailments.tsv").read_text("utf-8").splitlines()
ENTAILMENTS = [tuple(line.split("\t")) for line in _LINES]


def _iri(curie: str) -> str:
    prefix, name = curie.split(":")
    return f"{PREFIXES[prefix]}{name}"


@pytest.fixture(scope="module")
def graphs() -> tuple[Graph, Graph, Graph]:
    """Give ontology with class axioms, entities, and what the reasoner infers."""
    tables = read(ROOT / "data")
    asserted = map_tables(tables).graph
    ontology = read_ontology(ROOT) + class_axioms(tables)
    inferred = infer(ROOT, ontology, asserted)
    within = Graph()
    for triple in inferred.triples((None, HER2.withinDomain, None)):
        within.add(triple)
    return ontology, asserted + within, inferred


@pytest.fixture(scope="module")
def el(graphs: tuple[Graph, Graph, Graph]) -> Classification:
    with Ontology(logical_part(graphs[0], graphs[1]).serialize(format="nt")) as reasoner:
        return reasoner.classify()


@pytest.fixture(scope="module")
def hermit(built: Path) -> owlapi.HermiT:
    return owlapi.HermiT(owlapi.load(built / "ontology.rdf"))


def test_at_least_a_hundred_entailments_sixty_of_them_derived() -> None:
    known = Graph().parse(ROOT / "ontology" / "her2kg.ttl") + map_tables(read(ROOT / "data")).graph
    derived = [
        row
        for row in ENTAILMENTS
        if row[2] == "yes"
        and URIRef(_iri(row[1])) not in set(known.transitive_objects(URIRef(_iri(row[0])), RDFS.subClassOf))
    ]
    assert len(ENTAILMENTS) >= 100
    assert len(derived) >= 60


@pytest.mark.parametrize(
    ("narrower", "wider", "holds", "why"), ENTAILMENTS, ids=[" ".join(row[:3]) for row in ENTAILMENTS]
)
def test_entailment_in_the_el_reasoner(
    el: Classification, narrower: str, wider: str, holds: str, why: str
) -> None:
    assert (_iri(wider) in el.wider(_iri(narrower))) is (holds == "yes"), why


@pytest.mark.untraced
def test_every_entailment_in_hermit(hermit: owlapi.HermiT) -> None:
    wrong = [
        row for row in ENTAILMENTS if hermit.is_subclass(_iri(row[0]), _iri(row[1])) is not (row[2] == "yes")
    ]
    assert wrong == []


@pytest.mark.untraced
def test_both_reasoners_give_the_same_hierarchy(el: Classification, hermit: owlapi.HermiT) -> None:
    assert hermit.consistent()
    assert hermit.unsatisfiable() == []
    assert hermit.equivalent() == []
    foreign = ("http://www.w3.org/2004/02/skos/", "http://www.w3.org/ns/oa#")
    assert {pair for pair in hermit.direct() if not pair[0].startswith(foreign)} == set(el.direct)


@pytest.mark.untraced
@pytest.mark.parametrize("module", ["ontology-base", "ontology", "ontology-inferred"])
def test_every_module_is_owl_2_dl(built: Path, module: str) -> None:
    assert owlapi.violations(owlapi.load(built / f"{module}.rdf"), "OWL2_DL") == []


@pytest.mark.untraced
@pytest.mark.parametrize("profile", ["OWL2_EL", "OWL2_RL"])
def test_class_part_is_in_el_and_in_rl(
    graphs: tuple[Graph, Graph, Graph], tmp_path: Path, profile: str
) -> None:
    path = tmp_path / "classes.ttl"
    part = logical_part(graphs[0], graphs[1])
    part.add((URIRef("urn:classes"), RDF.type, OWL.Ontology))
    for node in part.subjects(RDFS.subClassOf):  # outcomes and assays have no class axioms that declare them
        part.add((node, RDF.type, OWL.Class))
    path.write_text(part.serialize(format="turtle"), encoding="utf-8")
    assert owlapi.violations(owlapi.load(path), profile) == []


@pytest.mark.untraced
def test_hermit_justifies_the_chain_from_exon_to_domain(hermit: owlapi.HermiT) -> None:
    said = " ".join(
        hermit.why(_iri("alteration:erbb2-yvma"), _iri("alteration:erbb2-kinase-domain-mutation"))
    )
    for part in ("affectsExon", "withinDomain", "affectsDomain", "InsertionMutation", "erbb2-kinase"):
        assert part in said


def test_reason_in_words_rests_on_premises_from_which_it_follows(graphs: tuple[Graph, Graph, Graph]) -> None:
    ontology, entities, inferred = graphs
    justifier = Justifier(ontology, entities, inferred)
    chains = Graph()
    for prop in ontology.subjects(OWL.propertyChainAxiom):
        chains += ontology.cbd(prop)
    kinds = Graph()
    for triple in read_ontology(ROOT).triples((None, RDFS.subClassOf, None)):
        kinds.add(triple)
    pairs = list(justifier.pairs())
    assert len(pairs) > 80
    for narrower, wider in pairs[::4]:  # each needs a reasoner of its own
        found = justifier.reason(narrower, wider)
        assert set(found.words) == {"en", "zh"}
        part = chains + kinds
        for triple in found.premises:
            part.add(triple)
        with Ontology(logical_part(_declared(part, ontology), part).serialize(format="nt")) as reasoner:
            assert reasoner.is_subclass(str(narrower), str(wider)), found.words["en"]


def _declared(part: Graph, ontology: Graph) -> Graph:
    """Give the graph with the declarations of what it uses."""
    declared = part + Graph()
    for node in {node for triple in part for node in triple if isinstance(node, URIRef)}:
        for kind in (OWL.Class, OWL.ObjectProperty, OWL.NamedIndividual):
            if (node, RDF.type, kind) in ontology:
                declared.add((node, RDF.type, kind))
        if str(node).startswith(f"{BASE}id/") and (node, RDF.type, OWL.Class) not in ontology:
            declared.add((node, RDF.type, OWL.NamedIndividual))
    return declared


@pytest.mark.untraced
def test_placing_a_variant_agrees_with_the_reasoner(graphs: tuple[Graph, Graph, Graph], store: Store) -> None:
    """The reasoner must say of a class with the marks of a variant what the query over the axioms says."""
    ontology, entities, _ = graphs
    part = logical_part(ontology, entities)
    sequence = str(entities.value(thing("sequence", "erbb2-np-004439-2"), HER2.residues))
    kinds = {"": HER2.MissenseMutation, "del": HER2.DeletionMutation, "dup": HER2.InsertionMutation}
    wanted = {}
    for position in range(3, len(sequence), 83):
        for what, kind in kinds.items():
            old = sequence[position - 1]
            change = f"{old}{position}{what or ('A' if old != 'A' else 'G')}"
            found = match(store, ROOT, f"ERBB2 p.{change}")
            if not found.exact and found.name.endswith(change):  # a repeat is placed at its last residue
                wanted[change] = set(found.things)
                _add_variant(part, entities, change, position, kind)
    with Ontology(part.serialize(format="nt")) as reasoner:
        classified = reasoner.classify()
    alterations = {str(node) for node in entities.subjects(RDF.type, HER2.AlterationCategory)}
    assert len(wanted) > 30
    for change, things in wanted.items():
        above = classified.wider(f"urn:variant:{change}") & alterations
        specific = {name for name in above if not any(name in classified.wider(other) for other in above)}
        assert specific == things, change


def _add_variant(part: Graph, entities: Graph, change: str, position: int, kind: URIRef) -> None:
    node = URIRef(f"urn:variant:{change}")
    part.add((node, RDF.type, OWL.Class))
    part.add((node, RDFS.subClassOf, kind))
    places = [
        (HER2.affectsExon if "/exon/" in str(place) else HER2.affectsDomain, place)
        for place in entities.subjects(HER2.gene, thing("gene", "erbb2"))
        if (start := entities.value(place, HER2.startResidue)) is not None
        and int(str(start)) <= position <= int(str(entities.value(place, HER2.endResidue)))
    ]
    exons = [place for place in places if place[0] == HER2.affectsExon]
    for prop, value in places if len(exons) == 1 else [place for place in places if place not in exons]:
        restriction = BNode()
        part.add((node, RDFS.subClassOf, restriction))
        part.add((restriction, RDF.type, OWL.Restriction))
        part.add((restriction, OWL.onProperty, prop))
        part.add((restriction, OWL.hasValue, value))
