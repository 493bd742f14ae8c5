"""Offsets held against the document, and the coverage of a source by its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from her2kg.errors import InputError
from her2kg.graph.read.source import check_document, check_sizes, check_spans, coverage, read_document
from her2kg.graph.read.tables import read
from her2kg.model.claims import Figure
from tests.conftest import SAMPLE
from tests.editing import keep_rows, set_cell

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = "sample-review"
FOLDER = f"data/sources/{SOURCE}"


@pytest.fixture
def text() -> str:
    return read_document(SAMPLE / "review.txt")


def missing(home: Path) -> tuple[str, ...]:
    return coverage(read(home / "data"), SOURCE).missing


def misplaced(home: Path) -> list[str]:
    return [str(fault) for fault in check_spans(read(home / "data"))]


def unlike(home: Path, text: str) -> list[str]:
    return [str(fault) for fault in check_document(read(home / "data"), SOURCE, text)]


def test_sample_is_covered(sample_home: Path) -> None:
    found = coverage(read(sample_home / "data"), SOURCE)
    assert found.complete
    assert (found.sentences, found.sentences_covered, found.exempt) == (9, 9, 1)
    assert (found.references, found.references_covered) == (4, 4)
    assert (found.figures, found.figures_covered) == (15, 15)


def test_sentence_without_claim_is_missing(sample_home: Path) -> None:
    keep_rows(sample_home / FOLDER / "spans.tsv", lambda row: row["segment"] != "8")
    found = coverage(read(sample_home / "data"), SOURCE)
    assert found.missing == ("sentence 8 has no claim and no exemption",)
    assert found.sentences_covered == 8
    assert not found.complete


def test_heading_needs_no_claim(sample_home: Path) -> None:
    set_cell(sample_home / FOLDER / "segments.tsv", "3", "kind", "heading")
    set_cell(sample_home / FOLDER / "segments.tsv", "3", "exempt_en", "")
    assert missing(sample_home) == ()


def test_exemption_makes_up_for_a_claim(sample_home: Path) -> None:
    set_cell(sample_home / FOLDER / "segments.tsv", "3", "exempt_en", "")
    assert missing(sample_home) == ("sentence 3 has no claim and no exemption",)


def test_reference_of_no_claim_is_missing(sample_home: Path) -> None:
    set_cell(sample_home / FOLDER / "statements.tsv", "013-unspecified-predicts", "references", "")
    assert missing(sample_home) == ("reference 4 is attached to no claim",)


def test_reference_of_a_measurement_is_attached(sample_home: Path) -> None:
    set_cell(sample_home / FOLDER / "statements.tsv", "013-unspecified-predicts", "references", "")
    set_cell(sample_home / FOLDER / "results.tsv", "010-afatinib-response-orr", "references", "4")
    assert missing(sample_home) == ()


def test_figure_of_nothing_is_missing(sample_home: Path) -> None:
    figure = next(row.record for row in read(sample_home / "data").of(Figure) if row.record.kind == "date")
    set_cell(sample_home / FOLDER / "figures.tsv", str(figure.start), "targets", "")
    assert missing(sample_home) == (f"the figure at {figure.start}-{figure.end} is linked to nothing",)


def test_too_many_exemptions_are_no_coverage(sample_home: Path) -> None:
    for number in (4, 5, 7, 8, 10, 11, 12, 13):
        set_cell(sample_home / FOLDER / "segments.tsv", str(number), "exempt_en", "no reason")
    assert missing(sample_home) == ("9 sentences are exempt, more than 8",)


def test_sample_fits_its_document(sample_home: Path, text: str) -> None:
    assert misplaced(sample_home) == []
    assert unlike(sample_home, text) == []


OUTSIDE = {
    "its end": ("spans.tsv", "008-mutations-exclude", "end", "221", "end: '221' 185-221", "185-220"),
    "its start": ("spans.tsv", "008-mutations-exclude", "start", "184", "start: '184' 184-200", "185-220"),
    "its number": ("spans.tsv", "008-mutations-exclude", "segment", "7", "start: '185' 185-200", "115-185"),
    "a contrast": ("contrasts.tsv", "011-another-study", "start", "0", "start: '0' 0-263", "258-297"),
    "an issue": ("issues.tsv", "013-alteration-open", "start", "0", "start: '0' 0-362", "354-401"),
}


@pytest.mark.parametrize("end", ["185", "70"])
def test_span_that_ends_before_it_begins_is_found(sample_home: Path, end: str) -> None:
    line = set_cell(sample_home / FOLDER / "spans.tsv", "008-mutations-exclude", "end", end)
    said = f"{end!r} does not lie after the start 185; give offsets of the segment"
    assert misplaced(sample_home) == [f"{FOLDER}/spans.tsv:{line}:end: {said}"]


def test_a_wording_that_is_not_hashed_is_found_without_the_document(sample_home: Path) -> None:
    line = set_cell(sample_home / FOLDER / "contrasts.tsv", "011-another-study", "printed", "另一研究")
    said = (
        "'另一研究' the hash beside it is of other words; give printed, start, end and sha256 of one passage"
    )
    assert misplaced(sample_home) == [f"{FOLDER}/contrasts.tsv:{line}:printed: {said}"]


@pytest.mark.parametrize("case", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_span_outside_its_segment_is_found(sample_home: Path, case: tuple[str, ...]) -> None:
    table, row, name, value, place, segment = case
    line = set_cell(sample_home / FOLDER / table, row, name, value)
    said = f"is outside its segment {segment}; give offsets of the segment, or another segment"
    assert misplaced(sample_home) == [f"{FOLDER}/{table}:{line}:{place} {said}"]


def test_gap_between_segments_is_found(sample_home: Path) -> None:
    line = set_cell(sample_home / FOLDER / "segments.tsv", "9", "start", "221")
    said = "'221' the segment before ends at 220; segments leave no gap"
    assert f"{FOLDER}/segments.tsv:{line}:start: {said}" in misplaced(sample_home)


def test_end_of_the_document_that_no_segment_holds_is_found(sample_home: Path) -> None:
    keep_rows(sample_home / FOLDER / "segments.tsv", lambda row: row["n"] != "13")
    assert (
        f"{FOLDER}/source.toml:length: '401' the last segment ends at 354; segments leave no gap"
        in misplaced(sample_home)
    )


def test_figure_in_no_segment_is_found(sample_home: Path) -> None:
    line = set_cell(sample_home / FOLDER / "figures.tsv", "3", "end", "14")
    said = "'3' 3-14 is in no segment; give offsets of the text"
    assert misplaced(sample_home) == [f"{FOLDER}/figures.tsv:{line}:start: {said}"]


def test_another_document_is_refused(sample_home: Path) -> None:
    said = "the document has 6 code points and another SHA-256 than the source"
    remedy = "give the document that was curated"
    assert unlike(sample_home, "另一篇文章。") == [f"{FOLDER}/source.toml:sha256: {said}; {remedy}"]


@pytest.mark.parametrize(
    ("table", "row", "span"),
    [
        ("segments.tsv", "8", "185-220"),
        ("spans.tsv", "008-mutations-exclude", "185-200"),
        ("issues.tsv", "013-alteration-open", "358-362"),
        ("contrasts.tsv", "011-another-study", "258-263"),
    ],
)
def test_offsets_of_other_words_are_found(
    sample_home: Path, text: str, table: str, row: str, span: str
) -> None:
    line = set_cell(sample_home / FOLDER / table, row, "sha256", "0" * 64)
    said = f"{span!r} other words stand there; mend the offsets"
    assert unlike(sample_home, text) == [f"{FOLDER}/{table}:{line}:sha256: {said}"]


def test_digits_without_a_class_are_found(sample_home: Path, text: str) -> None:
    keep_rows(sample_home / FOLDER / "figures.tsv", lambda row: row["start"] != "41")
    said = "'41-43' the digits are not classified; add a row for them"
    assert text[41:43] == "80"
    assert unlike(sample_home, text) == [f"{FOLDER}/figures.tsv:start: {said}"]


def test_digits_that_are_half_classified_are_found(sample_home: Path, text: str) -> None:
    set_cell(sample_home / FOLDER / "figures.tsv", "41", "end", "42")
    assert [fault.partition(" ")[2].partition(" ")[0] for fault in unlike(sample_home, text)] == ["'41-43'"]


def test_digits_in_citation_brackets_need_no_class(sample_home: Path, text: str) -> None:
    classified = {row.record.start for row in read(sample_home / "data").of(Figure)}
    cited = text.index("[1]") + 1
    assert cited not in classified
    assert unlike(sample_home, text) == []


def test_figure_that_is_not_printed_there_is_found(sample_home: Path, text: str) -> None:
    line = set_cell(sample_home / FOLDER / "results.tsv", "010-afatinib-response-pfs", "printed", "6个月")
    said = "'6个月' this is not printed there; give the figure as it stands in the segment"
    assert unlike(sample_home, text) == [f"{FOLDER}/results.tsv:{line}:printed: {said}"]


def test_figure_printed_in_another_segment_is_found(sample_home: Path, text: str) -> None:
    assert "80%" in text
    line = set_cell(sample_home / FOLDER / "results.tsv", "010-afatinib-response-orr", "printed", "80%")
    assert len(unlike(sample_home, text)) == 1
    assert unlike(sample_home, text)[0].startswith(f"{FOLDER}/results.tsv:{line}:printed:")


def test_unknown_segment_does_not_stop_the_check(sample_home: Path, text: str) -> None:
    set_cell(sample_home / FOLDER / "spans.tsv", "010-afatinib-response", "segment", "152")
    assert [fault.split()[1] for fault in unlike(sample_home, text)] == ["'50%'", "'5个月'"]


def test_all_that_does_not_fit_is_found_at_once(sample_home: Path, text: str) -> None:
    set_cell(sample_home / FOLDER / "segments.tsv", "8", "sha256", "0" * 64)
    set_cell(sample_home / FOLDER / "results.tsv", "010-afatinib-response-pfs", "printed", "6个月")
    keep_rows(sample_home / FOLDER / "figures.tsv", lambda row: row["start"] != "41")
    assert len(unlike(sample_home, text)) == 3


def test_white_space_of_the_document_does_not_count(sample_home: Path, text: str, tmp_path: Path) -> None:
    spaced = tmp_path / "spaced.txt"
    spaced.write_text("\u3000\n".join(text), encoding="utf-8")
    assert unlike(sample_home, read_document(spaced)) == []


def test_document_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.txt: No such file or directory: give the path"):
        read_document(tmp_path / "none.txt")


def test_document_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"HER2 \xb2")
    with pytest.raises(InputError, match=r"latin\.txt: byte 5 is not UTF-8: save it as UTF-8"):
        read_document(path)


def test_size_that_no_figure_backs_is_found(sample_home: Path) -> None:
    line = set_cell(sample_home / "data/populations.tsv", "resected-women", "n", "30")
    said = "'30' no figure of a source backs the size; link it in figures.tsv"
    assert [str(fault) for fault in check_sizes(read(sample_home / "data"))] == [
        f"data/populations.tsv:{line}:n: {said}"
    ]


def test_sizes_of_sources_without_text_need_no_figure(sample_home: Path) -> None:
    set_cell(sample_home / "data/populations.tsv", "resected-women", "n", "30")
    keep_rows(sample_home / FOLDER / "statements.tsv", lambda row: row["population"] != "resected-women")
    assert check_sizes(read(sample_home / "data")) == []
