"""Hold the offsets of a source against its document, and measure what of it is covered.

The document itself is never part of the project; without it the coverage of the tables is still told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from her2kg.errors import Fault, InputError
from her2kg.model.claims import Contrast, Figure, Issue, Reference, Result, Segment, Span, Statement
from her2kg.model.records import Population
from her2kg.model.sources import digest, normalise
from her2kg.model.vocabulary import FigureClass, SegmentKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from her2kg.model.records import Record
    from her2kg.model.rows import R, Row, Tables

_DIGITS = re.compile(r"\d+")
_CITATION = re.compile(r"\[\d[\d,\-]*\]")
_LINKED = (FigureClass.MEASUREMENT, FigureClass.CRITERION, FigureClass.DATE)
#: More exempt sentences than this would be a way not to curate.
EXEMPT_LIMIT = 8


@dataclass(frozen=True)
class Coverage:
    """How much of a source is in the tables; each ``missing`` names what is not."""

    source: str
    sentences: int
    exempt: int
    sentences_covered: int
    references: int
    references_covered: int
    figures: int
    figures_covered: int
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Say whether nothing is missing."""
        return not self.missing


def coverage(tables: Tables, source: str) -> Coverage:
    """Measure the coverage of one source by its tables alone."""
    mine = _Mine(tables, source)
    sentences = [segment for segment in mine.segments if segment.kind is SegmentKind.SENTENCE]
    claimed = {span.segment for span in mine.spans}
    exempt = [segment.n for segment in sentences if segment.exempt_en]
    silent = [segment.n for segment in sentences if segment.n not in claimed and not segment.exempt_en]
    cited = {number for statement in mine.statements for number in statement.references}
    cited |= {number for result in mine.results for number in result.references}
    uncited = [reference.number for reference in mine.references if reference.number not in cited]
    figures = [figure for figure in mine.figures if figure.kind in _LINKED]
    loose = [figure for figure in figures if not figure.targets]
    missing = [f"sentence {n} has no claim and no exemption" for n in silent]
    missing += [f"reference {number} is attached to no claim" for number in uncited]
    missing += [f"the figure at {figure.start}-{figure.end} is linked to nothing" for figure in loose]
    if len(exempt) > EXEMPT_LIMIT:
        missing.append(f"{len(exempt)} sentences are exempt, more than {EXEMPT_LIMIT}")
    return Coverage(
        source,
        len(sentences),
        len(exempt),
        len(sentences) - len(silent),
        len(mine.references),
        len(mine.references) - len(uncited),
        len(figures),
        len(figures) - len(loose),
        tuple(missing),
    )


class _Mine:
    """The rows of one source."""

    def __init__(self, tables: Tables, source: str) -> None:
        self.segments = [row.record for row in tables.of(Segment) if row.source == source]
        self.spans = [row.record for row in tables.of(Span) if row.source == source]
        self.figures = [row.record for row in tables.of(Figure) if row.source == source]
        self.references = [row.record for row in tables.of(Reference) if row.source == source]
        self.statements = [row.record for row in tables.of(Statement) if row.source == source]
        self.results = [row.record for row in tables.of(Result) if row.source == source]


def read_document(path: Path) -> str:
    """Read a source document and normalise it; raises InputError."""
    try:
        return normalise(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "give the path of the document") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8", "save it as UTF-8") from error


def _all(tables: Tables, kind: type[R], source: str) -> list[Row[R]]:
    """Give the rows of a source, also what could be read of broken ones, in their order."""
    rows = [row for row in (*tables.of(kind), *tables.broken_of(kind)) if row.source == source]
    return sorted(rows, key=lambda row: row.line)


def _lacks(tables: Tables, kind: type[Record], source: str, *names: str) -> bool:
    """Say whether a row of the source is broken in one of the columns: what it would say is not missing."""
    return any(
        type(broken.row.record) is kind and broken.row.source == source and broken.unread & {*names}
        for broken in tables.broken
    )


def check_spans(tables: Tables) -> list[Fault]:
    """Find spans, issues and figures outside their segment, and what of a document no segment holds."""
    segments = {(row.source, row.record.n): row.record for row in tables.of(Segment)}
    faults: list[Fault] = []
    rows: list[Row[Span] | Row[Issue] | Row[Contrast]] = [
        *tables.of(Span),
        *tables.of(Issue),
        *tables.of(Contrast),
    ]
    for row in rows:
        segment = segments.get((row.source, row.record.segment))
        if segment and (wrong := _outside(row.record.start, row.record.end, segment)):
            faults.append(Fault(row.path, row.line, *wrong))
    return [*faults, *_unlike_hashes(tables), *_loose_figures(tables), *_gaps(tables)]


def _outside(start: int, end: int, segment: Segment) -> tuple[str, str, str, str] | None:
    """Give column, value, problem and remedy of offsets that are not those of words in a segment."""
    if end <= start:
        return "end", str(end), f"does not lie after the start {start}", "give offsets of the segment"
    if segment.start <= start and end <= segment.end:
        return None
    name, value = ("end", end) if segment.start <= start < segment.end else ("start", start)
    problem = f"{start}-{end} is outside its segment {segment.start}-{segment.end}"
    return name, str(value), problem, "give offsets of the segment, or another segment"


def _unlike_hashes(tables: Tables) -> Iterator[Fault]:
    """Find contrasts whose wording and hash do not fit each other, which needs no document."""
    for row in tables.of(Contrast):
        if digest(row.record.printed) != row.record.sha256:
            yield Fault(
                row.path, row.line, "printed", row.record.printed, "the hash beside it is of other words",
                "give printed, start, end and sha256 of one passage",
            )  # fmt: skip


def _loose_figures(tables: Tables) -> Iterator[Fault]:
    """Find figures that lie in no segment, or in two."""
    for name in tables.sources:
        if _lacks(tables, Segment, name, "n", "start", "end"):
            continue
        segments = [row.record for row in _all(tables, Segment, name)]
        for row in tables.of(Figure):
            start, end = row.record.start, row.record.end
            if row.source == name and not any(one.start <= start < end <= one.end for one in segments):
                problem = f"{start}-{end} is in no segment"
                yield Fault(row.path, row.line, "start", str(start), problem, "give offsets of the text")


def _gaps(tables: Tables) -> Iterator[Fault]:
    """Find where a segment does not begin at the end of the one before, or the last not end the document."""
    remedy = "segments leave no gap"
    for name, document in tables.sources.items():
        if _lacks(tables, Segment, name, "n", "start", "end"):
            continue
        end = 0
        for row in _all(tables, Segment, name):
            if row.record.start != end:
                problem = f"the segment before ends at {end}"
                yield Fault(row.path, row.line, "start", str(row.record.start), problem, remedy)
            end = row.record.end
        if document.sha256 and end != document.length:
            where = f"data/sources/{name}/source.toml"
            yield Fault(where, 0, "length", str(document.length), f"the last segment ends at {end}", remedy)


def check_document(tables: Tables, source: str, text: str) -> list[Fault]:
    """Find every offset whose hash, and every run of digits whose class, does not fit the document."""
    document = tables.sources[source]
    if digest(text) != document.sha256:
        problem = f"the document has {len(text)} code points and another SHA-256 than the source"
        where = f"data/sources/{source}/source.toml"
        return [Fault(where, 0, "sha256", "", problem, "give the document that was curated")]
    faults: list[Fault] = []
    hashed: list[Row[Segment] | Row[Span] | Row[Issue] | Row[Contrast]] = [
        *tables.of(Segment),
        *tables.of(Span),
        *tables.of(Issue),
        *tables.of(Contrast),
    ]
    for row in hashed:
        if row.source == source and digest(text[row.record.start : row.record.end]) != row.record.sha256:
            place = f"{row.record.start}-{row.record.end}"
            faults.append(
                Fault(row.path, row.line, "sha256", place, "other words stand there", "mend the offsets")
            )
    faults.extend(_printed_faults(tables, source, text))
    faults.extend(_unclassified(tables, source, text))
    return faults


def _printed_faults(tables: Tables, source: str, text: str) -> Iterator[Fault]:
    """Hold what the tables call printed against the words of the segments that they name."""
    if _lacks(tables, Span, source, "statement", "segment") or _lacks(
        tables, Segment, source, "n", "start", "end"
    ):
        return
    segments = {
        row.record.n: text[row.record.start : row.record.end] for row in _all(tables, Segment, source)
    }
    said: dict[str, list[str]] = {}
    for row in _all(tables, Span, source):
        said.setdefault(row.record.statement, []).append(segments.get(row.record.segment, ""))
    for result in tables.of(Result):
        words = said.get(result.record.statement, [])
        if result.source == source and not any(normalise(result.record.printed) in word for word in words):
            yield Fault(
                result.path, result.line, "printed", result.record.printed, "this is not printed there",
                "give the figure as it stands in the segment",
            )  # fmt: skip


def _unclassified(tables: Tables, source: str, text: str) -> Iterator[Fault]:
    """Find every run of digits outside citation brackets that no row of figures.tsv classifies."""
    if _lacks(tables, Figure, source, "start", "end"):
        return
    rows = [row.record for row in _all(tables, Figure, source)]
    citations = [match.span() for match in _CITATION.finditer(text)]
    for match in _DIGITS.finditer(text):
        start, end = match.span()
        if any(left <= start and end <= right for left, right in citations):
            continue
        if not any(figure.start <= start and end <= figure.end for figure in rows):
            where = f"data/sources/{source}/figures.tsv"
            yield Fault(
                where, 0, "start", f"{start}-{end}", "the digits are not classified", "add a row for them"
            )


def check_sizes(tables: Tables) -> list[Fault]:
    """Find a group size that its source does not print: a claim of an addressed source needs its figure."""
    figures = [*tables.of(Figure), *tables.broken_of(Figure)]
    if any(row.record.targets is None for row in figures):
        return []  # what could not be read may back any size
    backed = {target for row in figures for target in row.record.targets}
    addressed = {name for name, document in tables.sources.items() if document.sha256}
    used = {row.record.population for row in tables.of(Statement) if row.source in addressed}
    used |= {row.record.group for row in tables.of(Result) if row.source in addressed}
    return [
        Fault(
            row.path,
            row.line,
            "n",
            str(row.record.n),
            "no figure of a source backs the size",
            "link it in figures.tsv",
        )
        for row in tables.of(Population)
        if row.record.n is not None and row.record.id in used and f"population:{row.record.id}" not in backed
    ]
