"""The reader of tables: every fault at its file, line and column, with its remedy, all at once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

import pytest

from her2kg.graph.read.links import check_links
from her2kg.graph.read.tables import read, rewritten
from her2kg.model.claims import ARGUMENTS, Statement
from her2kg.model.records import Gene
from her2kg.model.vocabulary import SCHEMES
from tests.editing import add_row, keep_rows, set_cell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REVIEW = "data/sources/sample-review"
GENES = "data/genes.tsv"
GENE_COLUMNS = "id label_en label_zh synonyms_en synonyms_zh symbol species pathways"


def faults(home: Path) -> list[str]:
    tables = read(home / "data")
    return [str(fault) for fault in sorted([*tables.faults, *check_links(tables)])]


def test_sample_is_without_fault(sample_home: Path) -> None:
    assert faults(sample_home) == []


def test_rows_know_their_place(sample_home: Path) -> None:
    tables = read(sample_home / "data")
    row = next(row for row in tables.of(Gene) if row.record.id == "erbb2")
    assert (row.path, row.line, row.source) == (GENES, 3, "")
    assert {row.source for row in tables.of(Statement)} == {"sample-review", "sample-abstracts"}


class Bad(NamedTuple):
    """A value in a cell, and what is said of it there; ``said`` is the part that is quoted."""

    table: str
    row: str
    name: str
    value: str
    problem: str
    remedy: str
    said: str | None = None

    def put(self, home: Path) -> str:
        """Put the value into its cell and give the fault to expect."""
        line = set_cell(home / self.table, self.row, self.name, self.value)
        said = self.value if self.said is None else self.said
        value = f" {said!r}" if said else ""
        return f"{self.table}:{line}:{self.name}:{value} {self.problem}; {self.remedy}"


CELLS = {
    "a cell that must be filled is empty": Bad(
        GENES, "erbb2", "symbol", "",
        "the cell is empty but must be filled", "the column holds: official symbol",
    ),
    "the Chinese label is missing": Bad(
        GENES, "erbb2", "label_zh", "",
        "the cell is empty but must be filled", "the column holds: Chinese label",
    ),
    "the English label is missing": Bad(
        GENES, "erbb2", "label_en", "",
        "the cell is empty but must be filled", "the column holds: English label",
    ),
    "a slug has capitals": Bad(
        GENES, "erbb2", "id", "ERBB2",
        "has another form than it must have",
        "write small letters and digits, words joined with single hyphens",
    ),
    "a slug has an underscore": Bad(
        GENES, "erbb2", "id", "erbb_2",
        "has another form than it must have",
        "write small letters and digits, words joined with single hyphens",
    ),
    "a space stands at the edge": Bad(
        GENES, "erbb2", "label_en", "ERBB2 ",
        "has a space at its edge", "take it out",
    ),
    "a formula": Bad(
        GENES, "erbb2", "label_en", "=SUM(A1:A2)",
        "looks like a spreadsheet formula", "begin it with another character than =",
    ),
    "a formula of numbers": Bad(
        GENES, "erbb2", "label_en", "=1+2",
        "looks like a spreadsheet formula", "begin it with another character than =",
    ),
    "a list with an empty item": Bad(
        GENES, "erbb2", "synonyms_en", "HER2||NEU",
        "the list has an empty item", "write items joined with |, none of them empty",
    ),
    "a token outside the vocabulary": Bad(
        f"{REVIEW}/statements.tsv", "008-mutations-exclude", "direction", "agrees",
        "no such token", "use 'supports', 'disputes', 'no-effect', 'inconclusive', 'mixed' or 'not-reported'",
    ),
    "words where a number belongs": Bad(
        f"{REVIEW}/results.tsv", "010-afatinib-response-pfs", "value", "five",
        "is not a number", "write plain digits with at most one dot, such as 5, 0.75 or -1.2",
    ),
    "a number that is none": Bad(
        f"{REVIEW}/results.tsv", "010-afatinib-response-pfs", "value", "NaN",
        "is not a number", "write plain digits with at most one dot, such as 5, 0.75 or -1.2",
    ),
    "a fraction where a count belongs": Bad(
        f"{REVIEW}/results.tsv", "011-afatinib-no-response-orr", "denominator", "7.5",
        "is not a whole number", "write plain digits only, such as 50",
    ),
    "a negative size": Bad(
        "data/populations.tsv", "screened", "n", "-50",
        "is not a whole number", "write plain digits only, such as 50",
    ),
    "neither yes nor no": Bad(
        f"{REVIEW}/trials.tsv", "nct00000001", "has_results", "perhaps",
        "is neither true nor false", "write true or false",
    ),
    "a malformed NCT number": Bad(
        f"{REVIEW}/trials.tsv", "nct00000001", "nct", "NCT0000001",
        "has another form than it must have", "write NCT and eight digits, such as NCT02500199",
    ),
    "a printed form that is too long": Bad(
        f"{REVIEW}/results.tsv", "010-afatinib-response-pfs", "printed", "月" * 41,
        "has more than 40 characters", "give the figure or the word alone",
    ),
    "reference numbers with an empty item": Bad(
        f"{REVIEW}/statements.tsv", "010-afatinib-response", "references", "3|",
        "the list has an empty item", "write items joined with |, none of them empty",
    ),
    "a range of reference numbers": Bad(
        f"{REVIEW}/statements.tsv", "010-afatinib-response", "references", "1-3",
        "is not a whole number", "write plain digits only, such as 50; several are joined with |",
    ),
    "a reference number twice": Bad(
        f"{REVIEW}/statements.tsv", "010-afatinib-response", "references", "3|3",
        "3 stands twice in the list", "take one out, or give the one that was meant",
    ),
    "a reference number 0": Bad(
        f"{REVIEW}/statements.tsv", "010-afatinib-response", "references", "0",
        "is below 1", "give 1 or more: references of the source; several are joined with |",
    ),
    "a year that cannot be": Bad(
        f"{REVIEW}/statements.tsv", "010-afatinib-response", "year", "2999",
        "is above 2100", "give 2100 or less: year printed",
    ),
    "a vocabulary that is none": Bad(
        "data/vocabularies.tsv", "acquisition", "scheme", "nope",
        "has another form than it must have", f"write one of the vocabularies: {', '.join(SCHEMES)}",
    ),
    "an operator that is none": Bad(
        "data/criteria.tsv", "ihc-3-plus", "operator", "=>",
        "has another form than it must have", "write =, <, >, >= or <=",
    ),
    "residues that changed since their hash": Bad(
        "data/sequences.tsv", "erbb2-np-004439-2", "sha256", "0" * 64,
        "is the SHA-256 of other residues", "compare the residues with the accession again", "0" * 59 + "…",
    ),
    "an id that is too long": Bad(
        GENES, "egfr", "id", "e" * 121,
        "the cell has more than 120 characters", "the column holds: readable slug, the last part of the IRI",
        "e" * 59 + "…",
    ),
    "an identifier that is no CURIE": Bad(
        "data/identifiers.tsv", "gene:erbb2", "curie", "3430",
        "has another form than it must have", "write prefix:identifier, such as HGNC:3430",
    ),
    "an identifier that nobody has seen": Bad(
        "data/identifiers.tsv", "gene:erbb2", "verified_in", "",
        "the cell is empty but must be filled", "the column holds: file in which it was seen",
    ),
    "a DOI with its address": Bad(
        "data/studies.tsv", "nobody-2001", "doi", "https://doi.org/10.5555/sample",
        "has another form than it must have", "write 10.prefix/suffix without its address",
    ),
    "a bare slug where several types may stand": Bad(
        f"{REVIEW}/statements.tsv", "005-activates-mapk", "subject", "erbb2",
        "has another form than it must have", "write type:id, such as drug:afatinib",
    ),
    "a typed slug where one type may stand": Bad(
        "data/alterations.tsv", "erbb2-mutation", "genes", "gene:erbb2",
        "has another form than it must have",
        "write small letters and digits, words joined with single hyphens; several are joined with |",
    ),
}  # fmt: skip


@pytest.mark.parametrize("bad", CELLS.values(), ids=CELLS.keys())
def test_bad_cell_is_reported_at_its_place(sample_home: Path, bad: Bad) -> None:
    expected = bad.put(sample_home)
    assert faults(sample_home) == [expected]


def test_measurement_that_says_nothing_is_reported(sample_home: Path) -> None:
    table, row = f"{REVIEW}/results.tsv", "010-afatinib-response-pfs"
    line = set_cell(sample_home / table, row, "value", "")
    problem = "the row has no value, range, ordinal, numerator or p; fill one of these columns"
    assert faults(sample_home) == [f"{table}:{line}:id: {row!r} {problem}"]


LINKS = {
    "a misspelt id": Bad(
        f"{REVIEW}/statements.tsv", "010-afatinib-response", "object", "drug:afatinb",
        "no drug has this id", "did you mean afatinib?",
    ),
    "an id that resembles none": Bad(
        f"{REVIEW}/statements.tsv", "010-afatinib-response", "object", "drug:xyz",
        "no drug has this id", "add it to the table of drugs",
    ),
    "a misspelt id of the one type": Bad(
        f"{REVIEW}/statements.tsv", "007-worse-in-women", "population", "resected-womn",
        "no population has this id", "did you mean resected-women?",
    ),
    "a type that cannot stand there": Bad(
        f"{REVIEW}/statements.tsv", "010-afatinib-response", "object", "segment:003",
        "a segment cannot stand here",
        f"give one of: {', '.join(ARGUMENTS)}",
    ),
    "a predicate that is no token": Bad(
        f"{REVIEW}/statements.tsv", "007-worse-in-women", "predicate", "wors",
        "no predicate has this id", "did you mean worse?",
    ),
    "a reference number beyond the list": Bad(
        f"{REVIEW}/statements.tsv", "010-afatinib-response", "references", "3|91",
        "the source has no reference of that number", "give a number of its table of references",
        "91",
    ),
    "a reference number of a trial beyond the list": Bad(
        f"{REVIEW}/trials.tsv", "nct00000001", "references", "5",
        "the source has no reference of that number", "give a number of its table of references",
    ),
    "an unknown segment": Bad(
        f"{REVIEW}/spans.tsv", "012-evaluates-regimen", "segment", "152",
        "the source has no segment of that number", "give a number of its table of segments",
    ),
    "an unknown segment of an issue": Bad(
        f"{REVIEW}/issues.tsv", "013-alteration-open", "segment", "152",
        "the source has no segment of that number", "give a number of its table of segments",
    ),
    "a statement that is not there": Bad(
        f"{REVIEW}/results.tsv", "010-afatinib-response-pfs", "statement", "010-afatinib-respons",
        "no statement has this id", "did you mean 010-afatinib-response?",
    ),
    "a measurement of another source that is not there": Bad(
        "data/sources/sample-abstracts/results.tsv", "nobody-2001-amplification-share", "restates",
        "measurement:sample-review-004-frequency",
        "no measurement has this id", "did you mean sample-review-004-amplification-frequency-share?",
    ),
    "a study that is not there": Bad(
        f"{REVIEW}/references.tsv", "4", "possible_studies", "nobody-2002",
        "no study has this id", "did you mean nobody-2001?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("bad", LINKS.values(), ids=LINKS.keys())
def test_id_that_leads_nowhere_is_reported_with_the_nearest(sample_home: Path, bad: Bad) -> None:
    expected = bad.put(sample_home)
    assert faults(sample_home) == [expected]


def test_ids_of_a_source_are_its_own(sample_home: Path) -> None:
    table = "data/sources/sample-abstracts/results.tsv"
    other = "010-afatinib-response"
    line = set_cell(sample_home / table, "nobody-2001-amplification-share", "statement", other)
    assert [fault for fault in faults(sample_home) if fault.startswith(f"{table}:{line}:statement")] == [
        f"{table}:{line}:statement: {other!r} no statement has this id; add it to the table of statements"
    ]


def spoil(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def write(table: Path) -> None:
        table.write_bytes(change(table.read_bytes()))

    return write


def replace_by_folder(table: Path) -> None:
    table.unlink()
    table.mkdir()


FILES = {
    "a byte-order mark": (
        spoil(lambda raw: b"\xef\xbb\xbf" + raw),
        ":1: the file begins with a byte-order mark; save it as UTF-8 without BOM",
    ),
    "CRLF": (
        spoil(lambda raw: raw.replace(b"\n", b"\r\n")),
        ":1: the line ends with CR; save it with LF line ends",
    ),
    "one CR": (
        spoil(lambda raw: raw.replace(b"human\t\n", b"human\t\r\n", 1)),
        ":2: the line ends with CR; save it with LF line ends",
    ),
    "a byte that is not UTF-8": (
        spoil(lambda raw: raw.replace(b"HER2", b"HER\xb2", 1)),
        ":3: byte 0xb2 is not UTF-8; save it as UTF-8",
    ),
    "a cut-off last line": (
        spoil(lambda raw: raw[:-5]),
        ":4: the last line has no line end; the file may be cut off; end it with LF",
    ),
    "an empty file": (
        spoil(lambda _: b""),
        ":1: the file is empty; put the table back; it needs at least its header line",
    ),
    "a file of one empty line": (
        spoil(lambda _: b"\n"),
        f":1: the header line is empty; the columns are {' '.join(GENE_COLUMNS.split())}",
    ),
    "a folder": (
        replace_by_folder,
        ": the table cannot be read: Is a directory; make it a file that can be read",
    ),
    "a tab too many": (
        spoil(lambda raw: raw.replace(b"human\t\n", b"human\t\t\n", 1)),
        ":2: the row has 9 cells, the header 8; mend the tabs of the row",
    ),
    "a tab too few": (
        spoil(lambda raw: raw.replace(b"\thuman\t\n", b"\thuman\n", 1)),
        ":2: the row has 7 cells, the header 8; mend the tabs of the row",
    ),
    "an empty line": (
        spoil(lambda raw: raw + b"\n"),
        ":5: the row has 1 cells, the header 8; take the empty line out",
    ),
    "a misspelt column": (
        spoil(lambda raw: raw.replace(b"symbol", b"symbl", 1)),
        ":1: 'symbl' no such column; did you mean symbol?",
    ),
    "an unknown column": (
        spoil(lambda raw: raw.replace(b"symbol", b"q", 1)),
        ":1: 'q' no such column; remove it",
    ),
    "a column that is missing": (
        spoil(lambda raw: raw.replace(b"\tsymbol", b"", 1)),
        ":1: 'symbol' the column is missing; add it in the order of `her2kg format`",
    ),
    "columns in another order": (
        spoil(lambda raw: raw.replace(b"symbol\tspecies", b"species\tsymbol", 1)),
        f":1: the columns stand in another order; the order is {GENE_COLUMNS}",
    ),
    "a column that stands twice": (
        spoil(lambda raw: raw.replace(b"species\t", b"species\tspecies\t", 1)),
        ":1: 'species' the column stands twice; remove one",
    ),
    "no file": (
        lambda table: table.unlink(),
        ": the table is missing; put it back; it needs at least its header line",
    ),
}


@pytest.mark.parametrize(("change", "expected"), FILES.values(), ids=FILES.keys())
def test_broken_file_is_reported_at_its_line(
    sample_home: Path, change: Callable[[Path], None], expected: str
) -> None:
    change(sample_home / GENES)
    assert f"{GENES}{expected}" in faults(sample_home)
    assert all(fault.startswith(GENES) for fault in faults(sample_home))


def test_duplicate_key_is_reported_with_the_first_line(sample_home: Path) -> None:
    line = add_row(
        sample_home / GENES, id="erbb2", label_en="again", label_zh="又", symbol="ERBB2", species="human"
    )
    assert faults(sample_home) == [
        f"{GENES}:{line}:id: the key 'erbb2' stands already in line 3; give the row a key of its own"
    ]


def test_duplicate_statement_is_reported(sample_home: Path) -> None:
    table = sample_home / REVIEW / "statements.tsv"
    last = table.read_text(encoding="utf-8").splitlines()[-1]
    with table.open("a", encoding="utf-8") as lines:
        lines.write(f"{last}\n")
    key = last.partition("\t")[0]
    problem = f"the key {key!r} stands already in line 21; give the row a key of its own"
    assert faults(sample_home) == [f"{REVIEW}/statements.tsv:22:id: {problem}"]


def test_table_of_an_addressed_source_must_be_there(sample_home: Path) -> None:
    (sample_home / REVIEW / "arms.tsv").unlink()
    assert faults(sample_home) == [
        f"{REVIEW}/arms.tsv: the table is missing; put it back; it needs at least its header line"
    ]


TOML = f"{REVIEW}/source.toml"
SOURCES = {
    "missing": (None, f"{TOML}: the file is missing; describe the source in it"),
    "no TOML": (
        ("voice =", "voice"),
        f"{TOML}:3:7: Expected '=' after a key in a key/value pair; mend the TOML",
    ),
    "cut off": (('sha256 = "', "sha256 = '''"), f"{TOML}:10: Expected \"'''\"; mend the TOML"),
    "a byte-order mark": (
        ("label_en", "\ufefflabel_en"),
        f"{TOML}:1: the file begins with a byte-order mark; save it as UTF-8 without BOM",
    ),
    "a voice outside the vocabulary": (
        ('"review"', '"rumour"'),
        f"{TOML}:3:voice: 'rumour' no such token; use 'primary-study', 'review' or 'curator'",
    ),
    "a day that is no date": (
        ("2024-01-02", '"soon"'),
        f"{TOML}:6:curated_on: 'soon' is no date; write a day such as 2024-01-31, without quotation marks",
    ),
    "an unknown key": (
        ("voice =", 'colour = "red"\nvoice ='),
        f"{TOML}:3:colour: 'red' no such key; remove the line",
    ),
    "a misspelt key": (
        ("voice =", 'voise = "review"\nvoice ='),
        f"{TOML}:3:voise: 'review' no such key; did you mean voice?",
    ),
    "a key that is missing": (
        ('language = "zh"\n', ""),
        f"{TOML}:language: the key is missing; add a line language = ...",
    ),
    "an id, which the folder gives": (
        ("voice =", 'id = "other"\nvoice ='),
        f"{TOML}:3:id: 'other' the folder names the source; remove the line",
    ),
    "a hash that is none": (('sha256 = "', 'sha256 = "x'), f"{TOML}:9:sha256: 'xb6a71"),
    "a label with a line separator": (("Sample", "Sam\u2028ple"), f"{TOML}:1:label_en: 'Sam\\u2028ple"),
}


@pytest.mark.parametrize(("change", "expected"), SOURCES.values(), ids=SOURCES.keys())
def test_broken_description_of_a_source_is_reported(
    sample_home: Path, change: tuple[str, str] | None, expected: str
) -> None:
    path = sample_home / TOML
    if change is None:
        path.unlink()
    else:
        text = path.read_text(encoding="utf-8")
        assert change[0] in text
        path.write_text(text.replace(*change), encoding="utf-8")
    [fault] = faults(sample_home)
    assert fault.startswith(expected)


def test_description_that_is_not_utf8_is_reported(sample_home: Path) -> None:
    path = sample_home / TOML
    path.write_bytes(path.read_bytes().replace("样例".encode(), b"\xb2"))
    assert faults(sample_home) == [f"{TOML}:2: byte 0xb2 is not UTF-8; save it as UTF-8"]


def test_data_without_any_source_are_reported(sample_home: Path) -> None:
    shutil.rmtree(sample_home / "data" / "sources")
    assert faults(sample_home) == ["data/sources: there is no source; make a folder with a source.toml"]


def test_all_faults_are_reported_at_once(sample_home: Path) -> None:
    set_cell(sample_home / GENES, "egfr", "symbol", "")
    set_cell(sample_home / GENES, "erbb2", "label_en", " ERBB2")
    set_cell(sample_home / GENES, "erbb2", "species", "@human")
    set_cell(sample_home / "data/drugs.tsv", "afatinib", "targets", "egfr|erb")
    (sample_home / "data/topics.tsv").write_bytes(b"\xef\xbb\xbf")
    (sample_home / "data/exons.tsv").unlink()
    set_cell(sample_home / REVIEW / "trials.tsv", "nct00000001", "phase", "4")
    found = [fault.partition(" ")[0] for fault in faults(sample_home)]
    for place in (
        f"{GENES}:2:symbol:",
        f"{GENES}:3:label_en:",
        f"{GENES}:3:species:",
        "data/drugs.tsv:2:targets:",
        "data/exons.tsv:",
        "data/topics.tsv:1:",
        f"{REVIEW}/trials.tsv:2:phase:",
    ):
        assert place in found


def test_sample_is_in_canonical_form(sample_home: Path) -> None:
    assert rewritten(sample_home / "data", read(sample_home / "data")) == {}


def test_format_sorts_rows_and_trims_numbers(sample_home: Path) -> None:
    table, results = sample_home / GENES, sample_home / REVIEW / "results.tsv"
    before = table.read_text(encoding="utf-8"), results.read_text(encoding="utf-8")
    header, *rows = before[0].splitlines(keepends=True)
    table.write_text("".join([header, *reversed(rows)]), encoding="utf-8")
    set_cell(results, "007-worse-in-women-hr", "value", "1.800")
    changed = rewritten(sample_home / "data", read(sample_home / "data"))
    assert list(changed) == [GENES, f"{REVIEW}/results.tsv"]
    assert tuple(changed.values()) == before
    assert table.read_text(encoding="utf-8") != before[0]


def test_source_without_text_needs_only_its_own_tables(sample_home: Path) -> None:
    folder = sample_home / "data" / "sources" / "sample-abstracts"
    assert not (folder / "segments.tsv").exists()
    keep_rows(folder / "differences.tsv", lambda _: False)
    (folder / "differences.tsv").unlink()
    assert faults(sample_home) == []


def test_fault_in_a_description_hides_no_fault_of_its_tables(sample_home: Path) -> None:
    (sample_home / TOML).write_text("label_en\n", encoding="utf-8")
    line = set_cell(sample_home / REVIEW / "statements.tsv", "007-worse-in-women", "predicate", "wors")
    assert faults(sample_home)[1:] == [
        f"{REVIEW}/statements.tsv:{line}:predicate: 'wors' no predicate has this id; did you mean worse?"
    ]


def test_id_that_a_duplicate_overwrote_is_not_missed_elsewhere(sample_home: Path) -> None:
    line = set_cell(sample_home / "data/drugs.tsv", "paclitaxel", "id", "afatinib")
    [fault] = faults(sample_home)
    assert fault.startswith(f"data/drugs.tsv:{line}:id: the key 'afatinib' stands already in line 2")


def test_broken_id_excuses_what_may_name_it_and_nothing_else(sample_home: Path) -> None:
    set_cell(sample_home / "data/drugs.tsv", "paclitaxel", "id", "Paclitaxel")
    table = sample_home / REVIEW / "statements.tsv"
    line = set_cell(table, "007-worse-in-women", "predicate", "wors")
    set_cell(table, "010-afatinib-response", "object", "drug:nothing")
    assert [fault.partition(" ")[0] for fault in faults(sample_home)] == [
        "data/drugs.tsv:3:id:",
        f"{REVIEW}/statements.tsv:{line}:predicate:",
    ]


STRAYS = {
    "a misspelt table": (
        "data/drug.tsv", "did you mean drugs.tsv?",
    ),
    "a table in capitals": ("data/Drugs.TSV", "did you mean drugs.tsv?"),
    "a table as a spreadsheet": ("data/drugs.xlsx", "did you mean drugs.tsv?"),
    "a misspelt table of a source": (f"{REVIEW}/statments.tsv", "did you mean statements.tsv?"),
    "a misspelt description": (f"{REVIEW}/sources.toml", "did you mean source.toml?"),
    "a table of a source beside the shared ones": (
        "data/statements.tsv", "move it into the folder of its source",
    ),
    "a shared table in a source": (f"{REVIEW}/drugs.tsv", "move it to data/"),
    "a table beside the folders of the sources": (
        "data/sources/statements.tsv", "move it into the folder of its source",
    ),
    "a description outside its folder": ("data/source.toml", "move it into the folder of its source"),
    "a table of no kind": ("data/xyz.tsv", "take it out of the folder"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "remedy"), STRAYS.values(), ids=STRAYS.keys())
def test_table_that_nothing_reads_is_reported(sample_home: Path, path: str, remedy: str) -> None:
    (sample_home / path).write_text("id\n", encoding="utf-8")
    assert faults(sample_home) == [f"{path}: nothing reads what has this name; {remedy}"]


def test_folder_that_nothing_reads_is_reported(sample_home: Path) -> None:
    (sample_home / "data/source").mkdir()
    assert faults(sample_home) == ["data/source: nothing reads what has this name; did you mean sources?"]


def test_misspelt_table_is_not_missed_elsewhere(sample_home: Path) -> None:
    folder = sample_home / "data/sources/sample-abstracts"
    (folder / "results.tsv").rename(folder / "result.tsv")
    [fault] = faults(sample_home)
    assert fault.startswith("data/sources/sample-abstracts/result.tsv: nothing reads what has this name;")


def test_files_that_are_no_tables_may_stand_beside_them(sample_home: Path) -> None:
    for name in ("README.md", ".hidden.tsv", "genes.tsv~", "csv-metadata.json"):
        (sample_home / "data" / name).write_text("", encoding="utf-8")
    assert faults(sample_home) == []


def test_all_faults_of_a_row_are_reported(sample_home: Path) -> None:
    table = sample_home / REVIEW / "statements.tsv"
    set_cell(table, "010-afatinib-response", "direction", "nope")
    line = set_cell(table, "010-afatinib-response", "object", "drug:afatinb")
    assert [fault.partition(" ")[0] for fault in faults(sample_home)] == [
        f"{REVIEW}/statements.tsv:{line}:direction:",
        f"{REVIEW}/statements.tsv:{line}:object:",
    ]
