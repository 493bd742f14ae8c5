"""Read the tables of ``data/`` into records, saying of every bad cell where it is and how to mend it.

A table is TSV: UTF-8, LF, one header, no quoting, ``|`` inside lists, an empty cell for unknown, sorted.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, get_origin

from pydantic import TypeAdapter, ValidationError

from her2kg.errors import Fault, shortened
from her2kg.graph.read import source_file
from her2kg.graph.read.tsv import read_sheet
from her2kg.model.claims import SOURCE_TABLES, Difference
from her2kg.model.columns import LIST_MARK, column
from her2kg.model.records import SHARED_TABLES, Record, VocabularyTerm
from her2kg.model.rows import Broken, R, Row, Tables
from her2kg.model.spelling import MISSPELT
from her2kg.model.vocabulary import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails


def read(data: Path) -> Tables:
    """Read every table below ``data``; nothing is raised, each fault is kept."""
    tables = Tables()
    for kind in SHARED_TABLES:
        _read_table(tables, data / kind.TABLE, kind, _Place(data.parent))
    _find_strays(tables, data, data.parent, _SHARED)
    _find_strays(tables, data / "sources", data.parent, {})
    folders = sorted(path for path in (data / "sources").glob("*") if path.is_dir())
    if not folders:
        remedy = "make a folder with a source.toml"
        tables.faults.append(Fault("data/sources", 0, "", "", "there is no source", remedy))
    for folder in folders:
        _read_source(tables, data.parent, folder)
    return tables


@dataclass(frozen=True)
class _Place:
    """Where tables are read from: the home, the source, and whether that could be described."""

    home: Path
    source: str = ""
    described: bool = True

    def name(self, path: Path) -> str:
        """Give a path as faults tell it."""
        return path.relative_to(self.home).as_posix()


def _read_source(tables: Tables, home: Path, folder: Path) -> None:
    path = folder / source_file.NAME
    document, faults = source_file.read_description(path, path.relative_to(home).as_posix())
    tables.faults.extend(faults)
    if document:
        tables.sources[folder.name] = document
    place = _Place(home, folder.name, described=document is not None)
    for kind in SOURCE_TABLES:
        needed = document is not None and document.sha256 and kind is not Difference
        if (folder / kind.TABLE).exists() or needed:
            _read_table(tables, folder / kind.TABLE, kind, place)
    _find_strays(tables, folder, home, _OF_SOURCE)


def _read_table(tables: Tables, path: Path, kind: type[Record], place: _Place) -> None:
    name = place.name(path)
    sheet = read_sheet(path, name, list(kind.model_fields))
    tables.faults.extend(sheet.faults)
    for line in sheet.lost:
        _keep_broken(tables, Row(_salvaged(kind, {}, ()), name, line, place.source), kind.model_fields)
    seen: dict[str, int] = {}
    for line, cells in sheet.rows.items():
        try:
            record = kind.model_validate(_values(kind, cells))
        except ValidationError as error:
            faults = [_cell_fault(kind, name, line, cells, fault) for fault in error.errors()]
            unread = {fault.column for fault in faults}
            tables.faults.extend(faults)
            _keep_broken(tables, Row(_salvaged(kind, cells, unread), name, line, place.source), unread)
            continue
        row = Row(record, name, line, place.source)
        if record.key in seen:
            first = next(iter(cells))
            problem = f"the key {record.key!r} stands already in line {seen[record.key]}"
            tables.faults.append(Fault(name, line, first, "", problem, "give the row a key of its own"))
            # It may have been put over another key, which other rows still name.
            _keep_broken(tables, row, {first})
            continue
        seen[record.key] = line
        if place.described:
            tables.rows[kind].append(row)
        else:
            tables.broken.append(Broken(row))


#: Columns by which other rows name a row.
_KEYS = frozenset({"id", "scheme", "number", "n"})


def _keep_broken(tables: Tables, row: Row[Any], unread: Iterable[str]) -> None:
    """Keep what could be read of a row; without its key, any row of its type may be the one that it is."""
    tables.broken.append(Broken(row, frozenset(unread)))
    if not _KEYS.isdisjoint(unread):
        record = row.record
        if isinstance(record, VocabularyTerm):
            tables.lost.update([record.scheme] if record.scheme else SCHEMES)
        else:
            tables.lost.add(record.TYPE)


def _salvaged(kind: type[Record], cells: dict[str, str], unread: Collection[str]) -> Record:
    """Make a record of the cells that can be read, with None in the place of all others."""
    values = _values(kind, cells)
    read: dict[str, Any] = {}
    for name, info in kind.model_fields.items():
        if name in unread or (name not in values and (not cells or info.is_required())):
            read[name] = None
        elif name in values:
            read[name] = _field(kind, name).validate_python(values[name])
        else:
            read[name] = info.default
    return kind.model_construct(**read)


@cache
def _field(kind: type[Record], name: str) -> TypeAdapter[Any]:
    """Give what validates one field of a record by itself."""
    info = kind.model_fields[name]
    return TypeAdapter(Annotated[(info.annotation, *info.metadata)])  # type: ignore[arg-type] # made here


#: Endings of what a curator may take for a table.
_TABLE_LIKE = frozenset({".tsv", ".csv", ".tab", ".txt", ".xls", ".xlsx", ".ods", ".toml"})
#: What stands in the folder of a source, and in that of the shared tables.
_OF_SOURCE = {**{kind.TABLE: kind for kind in SOURCE_TABLES}, source_file.NAME: None}
_SHARED = {**{kind.TABLE: kind for kind in SHARED_TABLES}, "sources": None}


def _find_strays(tables: Tables, folder: Path, home: Path, known: Mapping[str, type[Record] | None]) -> None:
    """Find files and folders that nothing reads, because their name or place is another than meant."""
    stems = {name.partition(".")[0]: name for name in known}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        # Any folder of sources/ is a source, whatever its name.
        like_table = path.suffix.lower() in _TABLE_LIKE or (bool(known) and path.is_dir())
        if path.name in known or path.name.startswith(".") or not like_table:
            continue
        near = difflib.get_close_matches(path.stem.lower(), stems, 1)
        meant = stems[near[0]] if near else ""
        remedy = f"did you mean {meant}?" if meant else "take it out of the folder"
        if path.name in _OF_SOURCE:
            remedy = "move it into the folder of its source"
        elif path.name in _SHARED:
            remedy = "move it to data/"
        name = path.relative_to(home).as_posix()
        if (kind := known.get(meant)) and not (folder / meant).exists():
            source = folder.name if known is _OF_SOURCE else ""
            _keep_broken(tables, Row(_salvaged(kind, {}, ()), name, 0, source), kind.model_fields)
        tables.faults.append(Fault(name, 0, "", "", "nothing reads what has this name", remedy))


def _values(kind: type[Record], cells: dict[str, str]) -> dict[str, Any]:
    """Leave out empty cells, so that defaults hold, and split lists."""
    values: dict[str, Any] = {}
    for name, cell in cells.items():
        if cell:
            is_list = get_origin(kind.model_fields[name].annotation) is tuple
            values[name] = tuple(cell.split(LIST_MARK)) if is_list else cell
    return values


def _cell_fault(
    kind: type[Record], path: str, line: int, cells: dict[str, str], error: ErrorDetails
) -> Fault:
    name = str(error["loc"][0]) if error["loc"] else next(iter(cells))
    problem, remedy = _said(error, column(kind.model_fields[name]).help)
    return Fault(path, line, name, shortened(cells[name], 60), problem, remedy)


#: Problem and remedy of the errors of a cell; ``held`` is what its column holds.
_SAID = {
    "missing": ("the cell is empty but must be filled", "the column holds: {held}"),
    MISSPELT: ("{problem}", "{remedy}"),
    "enum": ("no such token", "use {expected}"),
    "greater_than_equal": ("is below {ge}", "give {ge} or more: {held}"),
    "less_than_equal": ("is above {le}", "give {le} or less: {held}"),
    "string_too_long": ("the cell has more than {max_length} characters", "the column holds: {held}"),
    "too_long": ("the cell has more than {max_length} characters", "the column holds: {held}"),
    "value_error": ("{error}", "fill one of these columns"),
}


def _said(error: ErrorDetails, held: str) -> tuple[str, str]:
    """Say problem and remedy of a cell in a column that holds what ``held`` says."""
    if error["input"] == "":
        return "the list has an empty item", f"write items joined with {LIST_MARK}, none of them empty"
    problem, remedy = _SAID.get(error["type"], ("{message}", "the column holds: {held}"))
    if len(error["loc"]) > 1:
        remedy += f"; several are joined with {LIST_MARK}"
    context = {"held": held, "message": error["msg"], **error.get("ctx", {})}
    return problem.format(**context), remedy.format(**context)


def cell(value: Any) -> str:
    """Write a value as a cell; numbers without needless zeros.

    >>> cell(("a", "b")), cell(None), cell(Decimal("5.10")), cell(True)
    ('a|b', '', '5.1', 'true')
    """
    if value is None:
        return ""
    if isinstance(value, tuple):
        return LIST_MARK.join(cell(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)


def canonical(kind: type[Record], records: list[R]) -> str:
    """Write a table in its one canonical form: header, rows by key, columns in order."""
    header = list(kind.model_fields)
    ordered = sorted(records, key=lambda record: record.key)
    lines = ["\t".join(cell(getattr(record, name)) for name in header) for record in ordered]
    return "".join(f"{line}\n" for line in ["\t".join(header), *lines])


def rewritten(data: Path, tables: Tables) -> dict[str, str]:
    """Give the canonical text of every table that is not in canonical form, by the name of its file."""
    changed = {}
    grouped: dict[tuple[str, type[Record]], list[Record]] = defaultdict(list)
    for kind, rows in tables.rows.items():
        for row in rows:
            grouped[row.path, kind].append(row.record)
    for (name, kind), records in sorted(grouped.items(), key=lambda item: item[0][0]):
        text = canonical(kind, records)
        if (data.parent / name).read_text(encoding="utf-8") != text:
            changed[name] = text
    return changed
