"""Notations whose meaning was computed from the facts by someone who had not seen the reader of variants."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from her2kg.answer.matching import Match, match
from her2kg.errors import NotationError
from tests.conftest import ROOT

if TYPE_CHECKING:
    from her2kg.sparql.store import Store

_TABLE = Path(__file__).parent / "reasoning" / "independent-notations.tsv"
#: What the facts call a domain, and what the graph does.
_DOMAINS = {
    "protein kinase domain (UniProt)": "tyrosine kinase domain",
    "transmembrane (UniProt)": "transmembrane domain",
    "extracellular domain": "extracellular domain",
    "extracellular domain (UniProt)": "extracellular domain",
    "juxtamembrane (gap between transmembrane and kinase domain)": "juxtamembrane",
    "cytoplasmic domain": "cytoplasmic domain",
    "cytoplasmic domain (UniProt)": "cytoplasmic domain",
    "signal peptide (UniProt)": "signal peptide",
}


def _rows(*kinds: str) -> list[dict[str, str]]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row for row in rows if row["kind"] in kinds]


def _meaning(store: Store, notation: str) -> tuple[Match | None, str]:
    try:
        return match(store, ROOT, notation), ""
    except NotationError as error:
        return None, str(error)


def test_the_table_is_of_the_size_that_was_written() -> None:
    assert len(_rows("same", "placed", "named", "beyond", "wrong-residue", "other-gene", "unknown")) == 263


@pytest.mark.parametrize("row", _rows("same"), ids=lambda row: row["notation"])
def test_two_notations_of_one_change_mean_the_same(store: Store, row: dict[str, str]) -> None:
    one, refused = _meaning(store, row["notation"])
    other, also = _meaning(store, row["equals"])
    if row["consequence"] == "synonymous":
        assert "changes nothing" in refused
        assert "changes nothing" in also
    else:
        assert one is not None, refused
        assert other is not None, also
        assert (one.things, one.name) == (other.things, other.name)


@pytest.mark.parametrize("row", _rows("placed"), ids=lambda row: row["notation"])
def test_a_variant_is_placed_where_the_facts_have_it(store: Store, row: dict[str, str]) -> None:
    found, refused = _meaning(store, row["notation"])
    if row["consequence"] == "synonymous":
        assert "changes nothing" in refused
        return
    assert found is not None, refused
    if not found.placed:  # the graph knows it by name
        assert found.exact
        return
    said = found.placed["en"]
    if "|" in row["exon"]:
        assert "the exon is open" in said
    else:
        assert f"{row['gene']} exon {row['exon']}" in said
    for domain in filter(None, [row["domain"]]):
        assert _DOMAINS[domain] in said


@pytest.mark.parametrize("row", _rows("named"), ids=lambda row: row["notation"])
def test_the_names_of_the_review_are_known(store: Store, row: dict[str, str]) -> None:
    found, refused = _meaning(store, row["notation"])
    assert found is not None, refused
    assert [thing.rpartition("/id/")[2] for thing in found.things] == [row["equals"]]


@pytest.mark.parametrize("row", _rows("beyond", "wrong-residue", "unknown"), ids=lambda row: row["notation"])
def test_what_the_facts_contradict_is_refused(store: Store, row: dict[str, str]) -> None:
    found, refused = _meaning(store, row["notation"])
    assert found is None
    assert refused


@pytest.mark.parametrize("row", _rows("other-gene"), ids=lambda row: row["notation"])
def test_a_variant_of_another_gene_cannot_be_placed(store: Store, row: dict[str, str]) -> None:
    found, _ = _meaning(store, row["notation"])
    if found is not None:
        assert found.placed["en"].startswith(f"cannot be placed in {row['gene']}")
        assert all(row["gene"].casefold() in thing for thing in found.things)
