"""The 42 rules of a good ontology: each is held by something that exists; some are held here."""

from __future__ import annotations

import csv
import re

import pytest
from rdflib import OWL, RDF, RDFS, Graph, URIRef
from rdflib.collection import Collection

from her2kg.model.namespaces import HER2, ONTOLOGY
from tests.conftest import ROOT

_RULES = ROOT / "ontology" / "checks" / "rules.tsv"
_ONTOLOGY = Graph().parse(ROOT / "ontology" / "her2kg.ttl")
#: Words for what something is for a while or to something else, never what it is.
_ROLES = ("patient", "responder", "biomarker", "marker", "carrier", "survivor", "target", "driver")


def _rules() -> list[dict[str, str]]:
    with _RULES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_all_rules_are_there() -> None:
    assert [int(row["number"]) for row in _rules()] == list(range(1, 43))


@pytest.mark.parametrize("row", _rules(), ids=lambda row: row["number"])
def test_what_holds_a_rule_exists(row: dict[str, str]) -> None:
    assert row["held_by"].split()
    for place in row["held_by"].split():
        path, _, function = place.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not function or re.search(rf"^def {function}\(", text, re.MULTILINE), place


def _own(kind: URIRef) -> set[URIRef]:
    return {
        node
        for node in _ONTOLOGY.subjects(RDF.type, kind)
        if isinstance(node, URIRef) and (node, RDFS.isDefinedBy, ONTOLOGY) in _ONTOLOGY
    }


def test_every_class_reaches_a_root_that_is_disjoint_from_the_others() -> None:
    groups = [
        set(Collection(_ONTOLOGY, members))
        for axiom in _ONTOLOGY.subjects(RDF.type, OWL.AllDisjointClasses)
        for members in _ONTOLOGY.objects(axiom, OWL.members)
    ]
    roots = {kind for kind in _own(OWL.Class) if not set(_ONTOLOGY.objects(kind, RDFS.subClassOf))}
    loose = {
        root
        for root in roots
        if not any(
            root in group or set(_ONTOLOGY.subjects(RDFS.subClassOf, root)) & group for group in groups
        )
    }
    # Negative status is said of findings of any kind, so it stands across the kinds of alteration.
    assert loose == {HER2.NegativeStatus}


def test_no_class_is_named_after_a_role_or_phase() -> None:
    labels = {
        str(label).casefold() for kind in _own(OWL.Class) for label in _ONTOLOGY.objects(kind, RDFS.label)
    }
    assert {label for label in labels if label.split()[-1] in _ROLES} == set()


def test_inverses_turn_domain_and_range_round() -> None:
    for one, other in _ONTOLOGY.subject_objects(OWL.inverseOf):
        domain, reach = _ONTOLOGY.value(one, RDFS.domain), _ONTOLOGY.value(one, RDFS.range)
        assert _ONTOLOGY.value(other, RDFS.range) == domain, one
        assert _ONTOLOGY.value(other, RDFS.domain) == reach, one


def test_the_change_log_names_the_version_of_the_ontology() -> None:
    version = str(_ONTOLOGY.value(ONTOLOGY, OWL.versionInfo))
    assert re.search(
        rf"^## .*{re.escape(version)}", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
