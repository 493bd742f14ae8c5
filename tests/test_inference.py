"""What inference adds to the answers: each question over the whole graph, and over what was asserted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from her2kg.answer.questions import bound
from her2kg.answer.results import Answers
from her2kg.model.namespaces import GRAPHS
from her2kg.model.queries import read_question
from her2kg.sparql.engine import Table
from tests.conftest import ROOT

if TYPE_CHECKING:
    from her2kg.sparql.store import Store

Row = frozenset[tuple[str, str]]
_ASSERTED = (str(GRAPHS["ontology"]), str(GRAPHS["asserted"]))
_ALL = (*_ASSERTED, str(GRAPHS["inferred"]))


def _rows(store: Store, name: str, graphs: tuple[str, ...], **parameters: str) -> set[Row]:
    question = read_question(ROOT, name)
    found = store.query(bound(store, ROOT, question, parameters, "en"), graphs)
    assert isinstance(found, Table)
    return {frozenset((key, str(value)) for key, value in row.items()) for row in Answers.of(found, question)}


def _column(rows: set[Row], name: str) -> Counter[str]:
    return Counter(dict(row)[name] for row in rows)


def _both(store: Store, name: str, **parameters: str) -> tuple[set[Row], set[Row]]:
    """Give the rows that inference adds and those that it takes away."""
    on, off = (_rows(store, name, graphs, **parameters) for graphs in (_ALL, _ASSERTED))
    return on - off, off - on


@pytest.mark.parametrize("name", ["entities", "signalling"])
def test_what_is_listed_as_it_was_curated_needs_no_inference(store: Store, name: str) -> None:
    assert _rows(store, name, _ALL)
    assert _both(store, name) == (set(), set())


def test_drugs_gain_the_classes_that_their_targets_and_their_binding_make(store: Store) -> None:
    more, less = ({dict(row)["drug"]: dict(row) for row in rows} for rows in _both(store, "drugs"))
    assert more.keys() == less.keys()
    gained = {
        drug: {*row["class"].split("; ")} - {*less[drug]["class"].split("; ")} for drug, row in more.items()
    }
    assert gained["dacomitinib"] == gained["neratinib"] == {"irreversible pan-HER inhibitor"}
    assert gained["temsirolimus"] == gained["sirolimus (rapamycin)"] == {"mTOR inhibitor"}
    assert all(gained.values())
    for drug, row in more.items():
        assert {key: value for key, value in row.items() if key != "class"} == {
            key: value for key, value in less[drug].items() if key != "class"
        }


@pytest.mark.parametrize("notation", ["A775_G776insYVMA", "exon 20 ins", "HER2 mutation", "FISH+"])
def test_claims_on_wider_and_narrower_alterations_are_inferred(store: Store, notation: str) -> None:
    more, less = _both(store, "applicable-claims", alteration=notation)
    assert not less
    assert _column(more, "relation").keys() <= {"broader", "narrower"}
    # What is said of the alteration itself is found either way.
    off = _column(_rows(store, "applicable-claims", _ASSERTED, alteration=notation), "relation")
    on = _column(_rows(store, "applicable-claims", _ALL, alteration=notation), "relation")
    assert off["direct"] == on["direct"] > 0
    assert len(more) > 2 * off["direct"] or off["direct"] > 50


def test_an_insertion_receives_the_claims_on_its_exon_its_domain_and_its_gene(store: Store) -> None:
    [off, on] = (
        _column(_rows(store, "applicable-claims", graphs, alteration="A775_G776insYVMA"), "relation")
        for graphs in (_ASSERTED, _ALL)
    )
    assert off.keys() == {"direct"}
    assert on["broader"] > 20 * off["direct"]


def test_a_path_is_told_through_every_class_between(store: Store) -> None:
    on = _rows(store, "applicable-claims", _ALL, alteration="S310F")
    paths = {dict(row)["via"] for row in on if dict(row)["relation"] == "broader"}
    assert paths
    assert all(paths)
    assert any("mutation" in path for path in paths)
