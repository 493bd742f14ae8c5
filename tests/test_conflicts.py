"""The rules that derive conflicts: fifty planted ones, fifty near-misses, brute force on the real data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rdflib import RDF, Graph

from her2kg.graph import build, definitions, mapping, tables
from her2kg.model.namespaces import HER2
from tests.conflict_reference import Conflict, expected
from tests.conftest import ROOT
from tests.planting import plant

if TYPE_CHECKING:
    from her2kg.model.rows import Tables

Found = frozenset[tuple[str, str, str, str]]


def _derived(read: Tables) -> Found:
    """Give what the rules find: pair, kind and explanation."""
    mapped = mapping.map_tables(read)
    ontology = build.read_ontology(ROOT) + definitions.class_axioms(read)
    inferred = build.infer(ROOT, ontology, mapped.graph)
    return frozenset(_said(inferred, node) for node in inferred.subjects(RDF.type, HER2.Conflict))


def _said(graph: Graph, node: object) -> tuple[str, str, str, str]:
    ends = sorted(_slug(end) for end in graph.objects(node, HER2.between))  # type: ignore[arg-type]
    kinds = [_slug(kind) for kind in graph.objects(node, HER2.conflictKind)]  # type: ignore[arg-type]
    explanations = [_slug(explanation) for explanation in graph.objects(node, HER2.explainedBy)]  # type: ignore[arg-type]
    assert len(ends) == 2
    assert len(kinds) == len(explanations) == 1
    return ends[0], ends[1], kinds[0], explanations[0]


def _slug(node: object) -> str:
    return str(node).rpartition("/")[2]


def _plain(conflicts: frozenset[Conflict]) -> Found:
    return frozenset(
        (*conflict.pair, str(conflict.kind), str(conflict.explanation)) for conflict in conflicts
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_conflicts_are_found_and_near_misses_are_not(seed: int) -> None:
    planted = plant(tables.read(ROOT / "data"), seed)
    found = _derived(planted.tables)
    wanted = _plain(planted.conflicts)
    assert len(wanted) >= 50
    right = found & wanted
    precision, recall = len(right) / len(found), len(right) / len(wanted)
    assert (precision, recall) == (1.0, 1.0), {
        "missed": sorted(wanted - found),
        "invented": sorted(found - wanted),
    }
    pairs = {frozenset(conflict[:2]) for conflict in found}
    for name, misses in planted.near_misses.items():
        for pair in misses:
            assert frozenset(pair) not in pairs, name


@pytest.mark.slow
def test_rules_find_in_the_review_what_brute_force_finds() -> None:
    read = tables.read(ROOT / "data")
    assert _derived(read) == _plain(expected(read))
