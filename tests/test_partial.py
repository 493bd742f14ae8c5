"""What can be read is held against every rule, and nothing is blamed for what is broken elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from her2kg.errors import NotConformError
from her2kg.graph.build import build
from tests.conftest import SAMPLE
from tests.editing import set_cell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.slow

REVIEW = "data/sources/sample-review"
CLAIMS, RESULTS = f"{REVIEW}/statements.tsv", f"{REVIEW}/results.tsv"


class Cell(NamedTuple):
    """A cell and the value that spoils it."""

    table: str
    row: str
    name: str
    value: str

    def put(self, home: Path) -> str:
        """Put the value in and give the place of the fault to expect."""
        return f"{self.table}:{set_cell(home / self.table, self.row, self.name, self.value)}:{self.name}"


def places(home: Path) -> list[str]:
    """Build and give the places of all faults, in the order in which they are told."""
    with pytest.raises(NotConformError) as caught:
        build(home, home / "build", SAMPLE / "review.txt")
    return [f"{fault.path}:{fault.line}:{fault.column}" for fault in caught.value.faults]


#: Cells that only shapes and checks can refuse.
WRONG = (
    Cell(RESULTS, "010-afatinib-response-orr", "value", "101"),
    Cell(RESULTS, "011-afatinib-no-response-orr", "numerator", "8"),
    Cell(CLAIMS, "010-afatinib-response", "object", ""),
)


def test_faults_of_cells_hide_no_faults_of_rules(sample_home: Path) -> None:
    cells = (
        Cell("data/drugs.tsv", "afatinib", "label_zh", ""),
        Cell(CLAIMS, "007-worse-in-women", "direction", "nope"),
        Cell(f"{REVIEW}/spans.tsv", "008-mutations-exclude", "end", "500"),
        *WRONG,
    )
    expected = sorted(cell.put(sample_home) for cell in cells)
    # A span that is outside its segment is not what was hashed either.
    assert sorted({*places(sample_home)} - {f"{expected[-3].rpartition(':')[0]}:sha256"}) == expected


#: One broken cell in each kind of row: it alone is told.
BROKEN = (
    Cell("data/drugs.tsv", "afatinib", "classes", "Afatinib"),
    Cell("data/drugs.tsv", "afatinib", "id", "Afatinib"),
    Cell("data/alterations.tsv", "erbb2-mutation", "kind", "nope"),
    Cell("data/alterations.tsv", "erbb2-mutation", "label_zh", ""),
    Cell("data/diseases.tsv", "nsclc", "label_en", "#N/A"),
    Cell("data/genes.tsv", "erbb2", "symbol", ""),
    Cell("data/outcomes.tsv", "orr", "abbreviation", ""),
    Cell("data/populations.tsv", "resected-women", "n", "thirty"),
    Cell("data/studies.tsv", "nobody-2001", "year", "MMI"),
    Cell("data/sequences.tsv", "erbb2-np-004439-2", "sha256", "0" * 64),
    Cell("data/vocabularies.tsv", "acquisition", "scheme", "nope"),
    Cell("data/vocabularies.tsv", "acquisition", "definition_zh", ""),
    Cell("data/prefixes.tsv", "HGNC", "pattern", "("),
    Cell("data/identifiers.tsv", "gene:erbb2", "curie", "nope"),
    Cell(CLAIMS, "010-afatinib-response", "id", "Afatinib"),
    Cell(CLAIMS, "010-afatinib-response", "kind", "nope"),
    Cell(CLAIMS, "010-afatinib-response", "subject", "nope"),
    Cell(CLAIMS, "010-afatinib-response", "references", "1-3"),
    Cell(CLAIMS, "010-afatinib-response", "citation_status", "nope"),
    Cell(CLAIMS, "007-worse-in-women", "population", "Women"),
    Cell(CLAIMS, "008-fish-and-ihc-agree", "label_en", " FISH"),
    Cell(RESULTS, "010-afatinib-response-orr", "statement", "Nope"),
    Cell(RESULTS, "010-afatinib-response-orr", "value", "５０"),
    Cell(RESULTS, "010-afatinib-response-orr", "unit", "percent"),
    Cell(RESULTS, "010-afatinib-response-pfs", "id", "Nope"),
    Cell(f"{REVIEW}/spans.tsv", "008-mutations-exclude", "statement", "Nope"),
    Cell(f"{REVIEW}/spans.tsv", "008-mutations-exclude", "segment", "eight"),
    Cell(f"{REVIEW}/spans.tsv", "008-mutations-exclude", "start", "x"),
    Cell(f"{REVIEW}/segments.tsv", "8", "n", "eight"),
    Cell(f"{REVIEW}/segments.tsv", "8", "start", "x"),
    Cell(f"{REVIEW}/segments.tsv", "8", "section", ""),
    Cell(f"{REVIEW}/figures.tsv", "41", "targets", "nope"),
    Cell(f"{REVIEW}/figures.tsv", "41", "start", "x"),
    Cell(f"{REVIEW}/issues.tsv", "013-alteration-open", "kind", "nope"),
    Cell(f"{REVIEW}/issues.tsv", "013-alteration-open", "statements", "Nope"),
    Cell(f"{REVIEW}/contrasts.tsv", "011-another-study", "one", ""),
    Cell(f"{REVIEW}/references.tsv", "1", "number", "one"),
    Cell(f"{REVIEW}/trials.tsv", "nct00000001", "has_results", "yes"),
    Cell(f"{REVIEW}/trials.tsv", "nct00000001", "id", "NCT00000001"),
)


def _every_other(values: Sequence[Any]) -> list[Any]:
    """Have every second value tried by `make test-long` alone: each checks all tables, for two seconds."""
    return [
        pytest.param(value, marks=pytest.mark.long) if number % 2 else value
        for number, value in enumerate(values)
    ]


@pytest.mark.untraced  # a tracer doubles its time, and the tests above run the same lines
@pytest.mark.parametrize("cell", _every_other(BROKEN), ids=lambda cell: f"{cell.table[5:]}:{cell.name}")
def test_nothing_is_blamed_for_a_broken_cell(sample_home: Path, cell: Cell) -> None:
    wrong = {other.put(sample_home) for other in WRONG}
    place = cell.put(sample_home)
    found = {*places(sample_home)}
    # What a rule says of the broken row itself, or of its statement, may have to wait.
    assert place in found
    assert found <= {place, *wrong}
    assert len(found & wrong) >= 2


TABLES = sorted(
    path.relative_to(SAMPLE).as_posix()
    for path in (SAMPLE / "data").rglob("*.*")
    if path.name != "results.tsv"
)


@pytest.mark.untraced
@pytest.mark.parametrize("table", _every_other([*TABLES, "data/vocabularies.tsv"]))
def test_nothing_is_blamed_for_a_file_that_cannot_be_read(sample_home: Path, table: str) -> None:
    wrong = {other.put(sample_home) for other in WRONG}
    (sample_home / table).write_bytes(b"\xef\xbb\xbf")
    found = {*places(sample_home)}
    assert f"{table}:1:" in found
    assert found <= {f"{table}:1:", *wrong}
    assert found & wrong


def test_nothing_is_blamed_for_a_table_of_another_name(sample_home: Path) -> None:
    path = sample_home / RESULTS
    path.rename(path.with_name("result.tsv"))
    assert places(sample_home) == [f"{REVIEW}/result.tsv:0:", f"{RESULTS}:0:"]


def test_nothing_is_blamed_for_results_that_cannot_be_read(sample_home: Path) -> None:
    (sample_home / RESULTS).write_text("", encoding="utf-8")
    assert places(sample_home) == [f"{RESULTS}:1:"]


def test_nothing_is_blamed_for_a_row_with_a_tab_too_many(sample_home: Path) -> None:
    table = sample_home / CLAIMS
    table.write_text(table.read_text(encoding="utf-8").replace("drug:afatinib", "drug:afatinib\t", 1))
    found = places(sample_home)
    assert len(found) == 1
    assert found[0].startswith(f"{CLAIMS}:")


def test_broken_id_does_not_bring_a_rule_down(sample_home: Path) -> None:
    for table in ("drugs", "populations", "alterations", "outcomes"):
        path = sample_home / "data" / f"{table}.tsv"
        header, *rows = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([header, *(f"X{row}" for row in rows), ""]), encoding="utf-8")
    found = places(sample_home)
    assert {place.split(":")[0] for place in found} == {
        "data/alterations.tsv", "data/drugs.tsv", "data/outcomes.tsv", "data/populations.tsv",
    }  # fmt: skip
    assert all(place.endswith(":id") for place in found)
