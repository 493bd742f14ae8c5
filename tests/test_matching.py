"""Notations resolved to things: what people write for an alteration, and what is said when nothing fits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from her2kg.answer.matching import match
from her2kg.answer.names import fold
from her2kg.answer.questions import claims_on
from her2kg.errors import NotationError
from her2kg.sparql.engine import Engine
from her2kg.sparql.store import Store
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_BASE = "https://w3id.org/her2kg/id/"
_STATUS = "<https://w3id.org/her2kg/ontology#alterationStatus>"
_THINGS = f"""
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX her2: <https://w3id.org/her2kg/ontology#>
<{_BASE}alteration/gain> a her2:AlterationCategory ; rdfs:label "ERBB2 gain"@en ; skos:altLabel "HER2 up"@en .
<{_BASE}alteration/rise> a her2:AlterationCategory ; rdfs:label "ERBB2 rise"@en ; skos:altLabel "HER2 up"@en .
<{_BASE}drug/gain-blocker> a her2:DrugCategory ; rdfs:label "gain blocker"@en .
"""


def resolve(store: Store, notation: str) -> str:
    """Give the one alteration that a notation names."""
    (thing,) = match(store, ROOT, notation).things
    return thing


@pytest.fixture
def small() -> Store:
    """Give a store with two alterations that share a synonym, and a drug."""
    return Store(Engine.from_text(_THINGS, "text/turtle"), "1")


@pytest.mark.parametrize(
    "notation",
    [
        "ERBB2 amplification",
        "HER2 amplification",
        "HER2 gene amplification",
        "HER2扩增",
        "HER2基因扩增",
        "erbb2-amplification",
        "alteration:erbb2-amplification",
        "alteration/erbb2-amplification",
        f"{_BASE}alteration/erbb2-amplification",
    ],
    ids=["label", "synonym", "longer-synonym", "zh-label", "zh-synonym", "slug", "curie", "path", "iri"],
)
def test_a_label_synonym_slug_or_iri_names_its_alteration(store: Store, notation: str) -> None:
    assert resolve(store, notation) == f"{_BASE}alteration/erbb2-amplification"


@pytest.mark.parametrize(
    "notation",
    [
        "her2 AMPLIFICATION",
        "HER-2 amplification",
        "HER 2 amplification",
        "HER2/neu amplification",
        "c-erbB-2 amplification",
        "erbB2-amplification",
        "HER2\N{NON-BREAKING HYPHEN}amplification",
        "HER\N{HYPHEN}2 amplification",
        "HER\N{EN DASH}2 amplification",
        "HER\N{MINUS SIGN}2 amplification",
        "ＨＥＲ２　ａｍｐｌｉｆｉｃａｔｉｏｎ",
        "  HER2\tamplification ",
        "amplification of HER2",
    ],
)
def test_case_width_hyphens_and_order_of_words_do_not_matter(store: Store, notation: str) -> None:
    assert resolve(store, notation) == f"{_BASE}alteration/erbb2-amplification"


@pytest.mark.parametrize(
    "notation", ["G660D", "p.G660D", "HER2 G660D", "ERBB2:p.G660D", "ERBB2 p.G660D", "HER2（G660D）"]
)
def test_a_change_of_the_protein_is_found_with_and_without_its_gene(store: Store, notation: str) -> None:
    assert resolve(store, notation) == f"{_BASE}alteration/erbb2-g660d"


def test_a_profile_is_found_by_its_label(store: Store) -> None:
    found = resolve(store, "EGFR amplification without HER2 amplification")
    assert found == f"{_BASE}profile/egfr-amplification-without-erbb2-amplification"


@pytest.mark.parametrize(
    ("notation", "near"),
    [
        ("HER2 amplificaton", "near: alteration/erbb2-amplification"),
        (f"{_BASE}alteration/erbb2-amplificatio", "alteration/erbb2-amplification"),
        ("zzz qqq", "see the question `entities`"),
        ("", "see the question `entities`"),
        ("::", "see the question `entities`"),
    ],
)
def test_an_unknown_notation_is_answered_with_near_names(store: Store, notation: str, near: str) -> None:
    with pytest.raises(NotationError) as caught:
        resolve(store, notation)
    assert str(caught.value).startswith(f"nothing is named {notation!r}: ")
    assert near in str(caught.value)


@pytest.mark.parametrize("notation", ["drug:gain-blocker", "gain blocker", "drug:gain"])
def test_what_is_no_alteration_is_not_taken_for_one(small: Store, notation: str) -> None:
    with pytest.raises(NotationError, match="nothing is named"):
        resolve(small, notation)


def test_a_name_of_several_things_is_answered_with_the_choices(small: Store) -> None:
    with pytest.raises(NotationError) as caught:
        resolve(small, "HER2 up")
    assert str(caught.value) == "'HER2 up' names several things: give one of: alteration/gain alteration/rise"
    assert resolve(small, "alteration/gain") == f"{_BASE}alteration/gain"


def test_folding_keeps_what_tells_alterations_apart() -> None:
    assert fold("HER2 IHC 2+") != fold("HER2 IHC 3+")
    assert fold("HER2 exon 20") != fold("HER2 exon 2")
    assert fold("HER3 mutation") != fold("HER2 mutation")


_NOTATIONS = [
    tuple(line.split("\t"))
    for line in (ROOT / "tests" / "reasoning" / "notations.tsv").read_text("utf-8").splitlines()[1:]
]


def test_more_than_a_hundred_and_twenty_notations_are_tried() -> None:
    assert len({notation for notation, _ in _NOTATIONS}) >= 120


@pytest.mark.parametrize(
    ("notation", "expected"), _NOTATIONS, ids=[row[0][:40] or "empty" for row in _NOTATIONS]
)
def test_notation_means_what_the_table_says(store: Store, notation: str, expected: str) -> None:
    if expected.startswith("refused "):
        with pytest.raises(NotationError, match=re.escape(expected.removeprefix("refused "))):
            match(store, ROOT, notation)
        return
    found = match(store, ROOT, notation)
    slugs = "|".join(thing.rpartition("/")[2] for thing in found.things)
    assert expected == (f"alteration {slugs}" if found.exact else f"placed {found.name}: {slugs}")


def test_unseen_variant_gets_claims_on_wider_alterations_with_a_warning(store: Store) -> None:
    answers = list(claims_on(store, ROOT, match(store, ROOT, "V777L")))
    assert {row["relation"] for row in answers} == {"broader"}
    assert {row["alteration"] for row in answers} == {"ERBB2 p.V777L"}
    assert all("wider" in row["warning"] for row in answers)
    assert all(row["via"].startswith("residue 777 lies in ERBB2 exon 20, ") for row in answers)
    chinese = list(claims_on(store, ROOT, match(store, ROOT, "V777L"), "zh"))
    assert len(chinese) == len(answers)
    assert all(row["via"].startswith("第777位残基位于") for row in chinese)


def test_exon_20_claims_do_not_speak_for_a_transmembrane_mutation(store: Store) -> None:
    answers = list(claims_on(store, ROOT, match(store, ROOT, "V659E")))
    assert answers
    assert not [row for row in answers if "exon 20" in row["via"]]


@pytest.fixture(scope="module")
def narrowed(built: Path) -> Store:
    """Give the real graph, with one population of HER2 mutation narrowed to exon 20 insertion."""
    triples = (built / "her2kg.nt").read_text(encoding="utf-8")
    status = f"<{_BASE}population/her2-mutant-nsclc> {_STATUS} <{_BASE}alteration/"
    assert triples.count(f"{status}erbb2-mutation>") == 1
    changed = triples.replace(f"{status}erbb2-mutation>", f"{status}erbb2-exon-20-insertion>")
    return Store(Engine.from_text(changed, "application/n-triples"), "1")


@pytest.mark.parametrize("notation", ["V777L", "V659E", "HER2 mutation"])
def test_claims_from_patients_with_another_alteration_say_so(narrowed: Store, notation: str) -> None:
    claims = {
        row["claim"].rpartition("/")[2]: row["warning"]
        for row in claims_on(narrowed, ROOT, match(narrowed, ROOT, notation))
    }
    # A point mutation is no exon 20 insertion, though both are mutations of exon 20 or of the gene.
    assert claims["zhang-review-121-female"].endswith("narrower alteration: ERBB2 exon 20 insertion")


def test_claims_from_patients_with_the_alteration_itself_carry_no_such_warning(store: Store) -> None:
    rows = list(claims_on(store, ROOT, match(store, ROOT, "HER2 exon 20 insertion")))
    assert rows
    assert not [row for row in rows if "ERBB2 exon 20 insertion" in row["warning"]]
