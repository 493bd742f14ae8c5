"""The comparison of two services: what counts as the same answer, and that the requests are the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bench.forms import TEXTS, count_answer, read_forms
from bench.recorded import Answer, differences
from bench.traffic import COUNT, Request, requests

from her2kg.sparql.engine import Engine

if TYPE_CHECKING:
    from pathlib import Path

UNORDERED = Request("mix", "GET", "/sparql", query="SELECT ?s { ?s ?p ?o }")
ORDERED = Request("mix", "GET", "/sparql", query="SELECT ?s { ?s ?p ?o } ORDER BY ?s")
PAGE = Request("question", "GET", "/questions/drugs.csv")


def answer(body: bytes, media_type: str = "text/csv", status: int = 200) -> Answer:
    return Answer(status, media_type, "", frozenset(), "", body, cut=False)


def test_rows_may_come_in_any_order_unless_the_query_fixes_it() -> None:
    old, new = answer(b"s\r\na\r\nb\r\n"), answer(b"s\r\nb\r\na\r\n")
    assert not differences(UNORDERED, old, new)
    assert [found.what for found in differences(ORDERED, old, new)] == ["body, text/csv"]
    assert [found.what for found in differences(PAGE, old, new)] == ["body, text/csv"]


def test_a_row_that_comes_once_more_is_a_difference() -> None:
    assert differences(UNORDERED, answer(b"s\r\na\r\n"), answer(b"s\r\na\r\na\r\n"))


def test_graphs_may_name_their_blank_nodes_otherwise() -> None:
    old = answer(b'_:a <urn:p> _:b . _:b <urn:p> "x" .', "text/turtle")
    assert not differences(UNORDERED, old, answer(b'_:c <urn:p> "x" . _:d <urn:p> _:c .', "text/turtle"))
    assert differences(UNORDERED, old, answer(b'_:a <urn:p> _:b . _:c <urn:p> "x" .', "text/turtle"))


@pytest.mark.parametrize(
    ("new", "what"),
    [
        (answer(b"", status=400), "status 200 became 400"),
        (answer(b"s\r\n", "text/csv; charset=utf-8"), "type 'text/csv' became 'text/csv; charset=utf-8'"),
        (answer(b"s\r\n")._replace(location="/"), "Location"),
        (answer(b"s\r\n")._replace(cut=True), "the transfer is aborted by one"),
    ],
)
def test_a_difference_says_what_differs(new: Answer, what: str) -> None:
    assert [found.what for found in differences(PAGE, answer(b"s\r\n"), new)] == [what]


def test_the_requests_are_the_same_for_a_seed(built: Path) -> None:
    made = requests(built)
    assert len(made) == COUNT
    assert made == requests(built)
    assert made != requests(built, seed=2)


def test_each_form_of_the_mix_has_different_texts_with_answers(built: Path) -> None:
    data = built / "her2kg.nt"
    engine = Engine()
    engine.add_file(data)
    for form in read_forms(data):
        assert len(set(form.texts)) == TEXTS
        answers = (engine.query(text).text(form.accept) for text in form.texts[:20])
        assert any(count_answer(content, form.accept) for content in answers), form.name
