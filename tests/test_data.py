"""The real tables: in order, complete, true to their document, and free of its sentences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from her2kg.graph import build
from her2kg.model.claims import Figure, Reference, Result, Statement
from her2kg.model.records import Population, Study
from her2kg.model.sources import normalise
from her2kg.model.vocabulary import CitationStatus, Direction
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from her2kg.model.rows import Tables


@pytest.fixture(scope="module")
def read() -> Tables:
    tables, faults = build.check(ROOT)
    assert faults == []
    return tables


def test_review_is_covered_completely(read: Tables) -> None:
    (found,) = build.coverage(read)
    assert found.missing == ()
    assert (found.sentences, found.sentences_covered) == (151, 151)
    assert (found.references, found.references_covered) == (90, 90)
    assert found.figures == found.figures_covered > 80
    assert found.exempt <= 8


@pytest.mark.source
def test_every_span_and_every_run_of_digits_is_found_again_in_the_document(shared: Path) -> None:
    _, faults = build.check(ROOT, shared / "source" / "review.txt")
    assert faults == []


@pytest.mark.source
def test_segments_are_those_of_the_source(shared: Path, read: Tables) -> None:
    from her2kg.model.claims import Segment

    lines = (shared / "source" / "sentences.tsv").read_text(encoding="utf-8").splitlines()[1:]
    wanted = [tuple(line.split("\t")[:5]) for line in lines]
    found = [
        (str(row.n), row.section, str(row.kind), str(row.start), str(row.end))
        for row in (segment.record for segment in read.of(Segment))
    ]
    assert found == wanted


@pytest.mark.source
def test_bibliography_of_a_reference_is_a_verified_one(shared: Path, read: Tables) -> None:
    lines = (shared / "facts" / "references.tsv").read_text(encoding="utf-8").splitlines()[1:]
    exact = {int(cells[0]): cells for cells in (line.split("\t") for line in lines) if cells[0].isdigit()}
    studies = {row.record.id: row.record for row in read.of(Study)}
    for row in read.of(Reference):
        study = studies.get(row.record.study or "")
        if study is not None and study.verified_in:
            cells = exact[row.record.number]
            assert (study.first_author, study.pmid or "", study.doi or "") == (cells[1], cells[5], cells[6])
    doubtful = {study for row in read.of(Reference) for study in row.record.possible_studies}
    assert not doubtful & {row.record.study for row in read.of(Reference)}


@pytest.mark.source
def test_no_sentence_of_the_review_stands_in_the_project(shared: Path) -> None:
    text = normalise((shared / "source" / "review.txt").read_text(encoding="utf-8"))
    pieces = {text[start : start + 20] for start in range(len(text) - 20)}
    han = re.compile(r"[\u4e00-\u9fff]")
    for path in [*ROOT.glob("data/**/*.tsv"), *ROOT.glob("tests/**/*.t*"), *ROOT.glob("ontology/**/*.ttl")]:
        for line in path.read_text(encoding="utf-8").splitlines():
            flat = normalise(line)
            copied = [flat[at : at + 20] for at in range(len(flat) - 20) if flat[at : at + 20] in pieces]
            assert [piece for piece in copied if len(han.findall(piece)) >= 14] == [], path


def test_reference_and_citation_status_fit_each_other(read: Tables) -> None:
    for row in read.of(Statement):
        if row.source == "zhang-review":
            assert bool(row.record.references) == (
                row.record.citation_status is not CitationStatus.MISSING
            ), row.record.id


def test_all_six_directions_are_said(read: Tables) -> None:
    assert {row.record.direction for row in read.of(Statement)} == set(Direction)


def test_every_printed_figure_that_is_a_measurement_is_linked_to_one(read: Tables) -> None:
    ids = {row.record.id for row in read.of(Result) if row.source == "zhang-review"}
    groups = {row.record.id for row in read.of(Population)}
    targets = {target for row in read.of(Figure) for target in row.record.targets}
    for target in targets:
        kind, _, slug = target.partition(":")
        if kind == "measurement":
            assert slug in ids
        if kind == "population":
            assert slug in groups
