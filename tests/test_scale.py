"""The rules as data grow; minutes long, so apart from the others (`make test-long`)."""

from __future__ import annotations

import pytest
from bench.run import run_rules

from her2kg.graph import build
from her2kg.graph.read import tables
from tests.conftest import ROOT
from tests.planting import plant, scale


@pytest.mark.long
def test_rules_take_time_in_proportion_to_triples_and_conflicts() -> None:
    planted = plant(tables.read(ROOT / "data"), seed=1).tables
    ontology = build.read_ontology(ROOT).serialize(format="nt")
    runs = [
        min((run_rules(ontology, scale(planted, size, 1)) for _ in range(3)), key=lambda run: run[2])
        for size in (125_000, 1_000_000)
    ]
    (small, few, fast), (large, many, slow) = runs
    assert many / few == pytest.approx(large / small, rel=0.25)
    # Twice the growth of the data leaves room for a noisy machine and none for a quadratic rule.
    assert slow / fast < 2 * large / small
