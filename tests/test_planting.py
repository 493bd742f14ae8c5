"""The planted conflicts are what the definitions call conflicts, the near-misses are not."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import pytest

from her2kg.graph import validation
from her2kg.graph.build import read_ontology
from her2kg.graph.make.mapping import map_tables
from her2kg.graph.read.links import check_links
from her2kg.graph.read.tables import read
from her2kg.model.claims import Result, Statement
from her2kg.model.vocabulary import ConflictKind, Explanation, Voice
from tests.conflict_reference import expected
from tests.conftest import ROOT
from tests.planting import CONFLICTS, COUNT, NEAR_MISSES, Planted, plant, scale

if TYPE_CHECKING:
    from her2kg.model.rows import Tables

pytestmark = [
    pytest.mark.slow,
    pytest.mark.untraced,
]  # a tracer doubles the time, and a build runs the same lines

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return read(ROOT / "data")


@pytest.fixture(
    scope="module", params=[1, *(pytest.param(seed, marks=pytest.mark.long) for seed in SEEDS[1:])]
)
def planted(request: pytest.FixtureRequest, tables: Tables) -> Planted:
    return plant(tables, request.param)


def test_the_reference_finds_the_planted_conflicts_and_no_others(planted: Planted) -> None:
    assert len(planted.conflicts) == COUNT
    assert expected(planted.tables) == planted.conflicts


def test_no_near_miss_is_a_conflict(planted: Planted) -> None:
    pairs = [pair for found in planted.near_misses.values() for pair in found]
    assert len(pairs) == len({*pairs}) == COUNT
    assert len(planted.near_misses) >= COUNT // 2
    assert not {*pairs} & {conflict.pair for conflict in expected(planted.tables)}


def test_every_rule_kind_explanation_and_voice_is_planted(planted: Planted) -> None:
    rules = {name.split()[0] for name in planted.names.values()}
    assert rules == {"D1", "D2", "D3", "D4", "D5", "D6", "numeric"}
    assert {found.explanation for found in planted.conflicts} == {*Explanation}
    assert {found.kind for found in planted.conflicts} == {ConflictKind.DIRECT, ConflictKind.NUMERIC}
    voices = Counter(_voice(planted, found.first) for found in planted.conflicts)
    assert min(voices[Voice.REVIEW], voices[Voice.PRIMARY_STUDY]) >= 10


def _voice(planted: Planted, slug: str) -> Voice:
    source = next(name for name in planted.tables.sources if slug.startswith(f"{name}-"))
    return planted.tables.sources[source].voice


@pytest.mark.long
def test_every_near_miss_is_planted_by_some_seed(tables: Tables) -> None:
    seen = {name for seed in SEEDS for name in plant(tables, seed).near_misses}
    assert len(seen) >= len(NEAR_MISSES) - 3
    assert len(CONFLICTS) == COUNT


def test_planting_is_decided_by_the_seed(tables: Tables) -> None:
    planted = plant(tables, SEEDS[0])
    assert planted == plant(tables, SEEDS[0])
    assert planted.conflicts != plant(tables, SEEDS[1]).conflicts


def test_the_real_tables_stay_as_they_are(tables: Tables) -> None:
    plant(tables, 4)
    assert tables == read(ROOT / "data")


def test_most_of_the_real_statements_stay(planted: Planted, tables: Tables) -> None:
    kept = {row.record.id for row in planted.tables.of(Statement)} & {
        row.record.id for row in tables.of(Statement)
    }
    assert len(kept) > 0.75 * len(tables.of(Statement))
    assert len(planted.tables.of(Statement)) == len(kept) + 4 * COUNT


def test_rows_are_shuffled(planted: Planted) -> None:
    ids = [row.record.id for row in planted.tables.of(Statement)]
    assert ids != sorted(ids)
    assert len({*ids}) == len(ids)


def test_figures_belong_to_statements_that_are_there(planted: Planted) -> None:
    there = {(row.source, row.record.id) for row in planted.tables.of(Statement)}
    assert {(row.source, row.record.statement) for row in planted.tables.of(Result)} <= there


def test_nothing_leads_nowhere(planted: Planted) -> None:
    assert check_links(planted.tables) == []


def test_the_planted_graph_passes_the_shapes(tables: Tables) -> None:
    mapped = map_tables(plant(tables, SEEDS[0]).tables)
    shapes = validation.shapes(ROOT / "ontology" / "shapes")
    assert validation.run_shapes(mapped.graph, read_ontology(ROOT), shapes, {}) == []


@pytest.mark.long
@pytest.mark.parametrize("triples", [60_000, 150_000])
def test_scaling_gives_the_triples_and_as_many_more_conflicts(tables: Tables, triples: int) -> None:
    planted = plant(tables, SEEDS[0]).tables
    one, many = scale(planted, 0, 1), scale(planted, triples, 1)
    assert many.count("\n") == pytest.approx(triples, rel=0.2)
    assert len({*many.splitlines()}) == many.count("\n")
    copies = many.count("/ontology#states>") / one.count("/ontology#states>")
    assert copies == int(copies) > 1
    assert _opposed(many) == copies * _opposed(one) > 0
    assert _subjects(many) == copies * _subjects(one)


@pytest.mark.long
def test_scaling_is_decided_by_the_seed(tables: Tables) -> None:
    text = scale(tables, 50_000, 1)
    assert text == scale(tables, 50_000, 1)
    assert text != scale(tables, 50_000, 2)


def _opposed(text: str) -> int:
    """Count the pairs of statements of unlike directions about one proposition."""
    states = dict(re.findall(r"<\S+/id/statement/(\S+)> <\S+#states> <(\S+)>", text))
    directions = dict(re.findall(r"<\S+/id/statement/(\S+)> <\S+#direction> <\S+/(\S+)>", text))
    about: dict[str, Counter[str]] = defaultdict(Counter)
    for statement, proposition in states.items():
        about[proposition][directions[statement]] += 1
    return sum(found["supports"] * (found["disputes"] + found["no-effect"]) for found in about.values())


def _subjects(text: str) -> int:
    """Count what propositions are about, but for diseases, which all copies share."""
    return len({*re.findall(r"#subject> <\S+/id/(?!disease/)(\S+)>", text)})
