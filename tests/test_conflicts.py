"""The rules that derive conflicts: fifty planted ones, fifty near-misses, brute force on the real data."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

import pytest
from rdflib import RDF, Graph

from her2kg.answer.questions import ask
from her2kg.graph import build
from her2kg.graph.make import class_axioms, mapping
from her2kg.graph.read import tables
from her2kg.model.claims import Contrast
from her2kg.model.namespaces import HER2
from her2kg.model.vocabulary import ContrastReading
from tests.conflict_reference import Conflict, expected
from tests.conftest import ROOT
from tests.planting import plant

if TYPE_CHECKING:
    from pathlib import Path

    from her2kg.model.rows import Tables
    from her2kg.sparql.store import Store

#: What sets one finding against another in Chinese and in English.
_CONTRAST = re.compile(
    r"然而|但|相反|却|虽然|尽管|不过|反之|与此不同"
    r"|however|in\s*contrast|on\s*the\s*contrary|although|whereas|nevertheless|despite",
    re.IGNORECASE,
)
Found = frozenset[tuple[str, str, str, str]]


def _derived(read: Tables) -> Found:
    """Give what the rules find: pair, kind and explanation."""
    mapped = mapping.map_tables(read)
    ontology = build.read_ontology(ROOT) + class_axioms.class_axioms(read)
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
@pytest.mark.untraced  # a tracer doubles the time, and a build runs the same lines
@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3))])
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


def _with_worded(found: Found, read: Tables) -> Found:
    """Add what the text itself opposes and no pair of which is found, and what it says of the rest."""
    conflicts = {conflict[:2]: conflict for conflict in found}
    for row in read.of(Contrast):
        contrast = row.record
        if contrast.reading is not ContrastReading.CONFLICT:
            continue
        pairs = [
            (min(pair), max(pair))
            for pair in product(*([f"{row.source}-{name}" for name in side] for side in _sides(contrast)))
        ]
        known = [pair for pair in pairs if pair in conflicts]
        for pair in known or pairs:
            *_, kind, explanation = conflicts.get(pair, (*pair, "direct", "unresolved"))
            if explanation == "unresolved":
                conflicts[pair] = (*pair, kind, str(contrast.differ_by))
    return frozenset(conflicts.values())


def _sides(contrast: Contrast) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return contrast.one, contrast.other


@pytest.mark.slow
@pytest.mark.untraced
def test_rules_find_in_the_review_what_brute_force_finds() -> None:
    read = tables.read(ROOT / "data")
    assert _derived(read) == _with_worded(_plain(expected(read)), read)


def test_every_worded_contrast_is_a_conflict_or_is_none(store: Store) -> None:
    rows = list(ask(store, ROOT, "contrasts"))
    assert len(rows) >= 50
    for row in rows:
        assert bool(row["conflicts"]) == (row["reading"] == "conflict"), row


@pytest.mark.source
def test_every_word_of_contrast_in_the_review_is_read(shared: Path) -> None:
    read = tables.read(ROOT / "data")
    known = {row.record.segment for row in read.of(Contrast) if row.source == "zhang-review"}
    text = (shared / "source" / "sentences.tsv").read_text(encoding="utf-8").splitlines()
    worded = {int(line.split("\t")[0]) for line in text[1:] if _CONTRAST.search(line.rsplit("\t", 1)[1])}
    assert len(worded) > 25
    assert worded - known == set()
