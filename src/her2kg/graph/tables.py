"""Read the tables of ``data/`` into records, saying of every bad cell where it is and how to mend it.

A table is TSV: UTF-8, LF, one header, no quoting, ``|`` inside lists, an empty cell for unknown, sorted.
"""

from __future__ import annotations

import difflib
import tomllib
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, get_origin

from pydantic import ValidationError

from her2kg.errors import Fault
from her2kg.graph.publishing import replace_text
from her2kg.model.claims import SOURCE_TABLES, Difference
from her2kg.model.columns import LIST_MARK, Column, column
from her2kg.model.records import SHARED_TABLES, Record, VocabularyTerm
from her2kg.model.rows import R, Row, Tables
from her2kg.model.sources import SourceDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic_core import ErrorDetails


def read(data: Path) -> Tables:
    """Read every table below ``data``; nothing is raised, each fault is kept."""
    tables = Tables()
    for kind in SHARED_TABLES:
        _read_table(tables, data.parent, data / kind.TABLE, kind, "")
    folders = sorted(path for path in (data / "sources").glob("*") if path.is_dir())
    if not folders:
        remedy = "make a folder with a source.toml"
        tables.faults.append(Fault("data/sources", 0, "", "", "there is no source", remedy))
    for folder in folders:
        _read_source(tables, data.parent, folder)
    return tables


def _read_source(tables: Tables, home: Path, folder: Path) -> None:
    path = folder / "source.toml"
    name = path.relative_to(home).as_posix()
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        if "id" in said:
            problem = "the folder names the source"
            tables.faults.append(Fault(name, 0, "id", str(said["id"]), problem, "remove the line"))
        document = SourceDocument.model_validate({**said, "id": folder.name})
    except FileNotFoundError:
        tables.faults.append(Fault(name, 0, "", "", "the file is missing", "describe the source in it"))
        return
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        tables.faults.append(Fault(name, 0, "", "", str(error), "mend the TOML"))
        return
    except ValidationError as error:
        tables.faults.extend(
            Fault(name, 0, str(fault["loc"][0]), "", fault["msg"], "mend the value")
            for fault in error.errors()
        )
        return
    tables.sources[folder.name] = document
    for kind in SOURCE_TABLES:
        if (folder / kind.TABLE).exists() or (document.sha256 and kind is not Difference):
            _read_table(tables, home, folder / kind.TABLE, kind, folder.name)


def _read_table(tables: Tables, home: Path, path: Path, kind: type[Record], source: str) -> None:
    name = path.relative_to(home).as_posix()
    seen: dict[str, int] = {}
    earlier = len(tables.faults)
    for line, cells in _lines(tables.faults, path, name, list(kind.model_fields)):
        try:
            record = kind.model_validate(_values(kind, cells))
        except ValidationError as error:
            found = [_cell_fault(kind, name, line, cells, fault) for fault in error.errors()]
            tables.faults.extend(found)
            whose = "" if any(fault.column == "id" for fault in found) else cells.get("id", "")
            tables.lost.add((cells.get("scheme", kind.TYPE), whose))
            continue
        if record.key in seen:
            problem = f"the key {record.key!r} stands already in line {seen[record.key]}"
            tables.faults.append(
                Fault(name, line, next(iter(cells)), "", problem, "give the row a key of its own")
            )
            continue
        seen[record.key] = line
        tables.rows[kind].append(Row(record, name, line, source))
    if any(not fault.column for fault in tables.faults[earlier:]):
        tables.lost.add((kind.TYPE, ""))


def _lines(
    faults: list[Fault], path: Path, name: str, header: list[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Give line number and cells by column of each row that has the right shape."""

    def fault(line: int, problem: str, remedy: str, value: str = "") -> None:
        faults.append(Fault(name, line, "", value[:60], problem, remedy))

    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        fault(0, "the table is missing", "put it back; it needs at least its header line")
        return
    if raw.startswith(b"\xef\xbb\xbf"):
        fault(1, "the file begins with a byte-order mark", "save it as UTF-8 without BOM")
        return
    if b"\r" in raw:
        fault(raw[: raw.index(b"\r")].count(b"\n") + 1, "the line ends with CR", "save it with LF line ends")
        return
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        fault(
            raw[: error.start].count(b"\n") + 1,
            f"byte 0x{raw[error.start]:02x} is not UTF-8",
            "save it as UTF-8",
        )
        return
    if not text.endswith("\n"):
        fault(
            text.count("\n") + 1, "the last line has no line end", "the file may be cut off; end it with LF"
        )
        return
    lines = text[:-1].split("\n")
    found = lines[0].split("\t")
    if found != header:
        _header_fault(fault, found, header)
        return
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t")
        if len(cells) != len(header):
            fault(
                number,
                f"the row has {len(cells)} cells, the header {len(header)}",
                "mend the tabs of the row",
            )
            continue
        yield number, dict(zip(header, cells, strict=True))


def _header_fault(fault: Any, found: list[str], header: list[str]) -> None:
    for name in found:
        if name not in header:
            near = difflib.get_close_matches(name, header, 1)
            fault(1, "no such column", f"did you mean {near[0]}?" if near else "remove it", name)
    for name in header:
        if name not in found:
            fault(1, "the column is missing", "add it in the order of `her2kg format`", name)
    for name in sorted({name for name in found if found.count(name) > 1}):
        fault(1, "the column stands twice", "remove one", name)
    if sorted(found) == sorted(header):
        fault(1, "the columns stand in another order", f"the order is {' '.join(header)}")


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
    what = column(kind.model_fields[name])
    message = error["msg"].removeprefix("Value error, ")
    remedy = f"the column holds: {what.help}"
    if error["type"] == "missing":
        message = "the cell is empty but must be filled"
    elif error["type"] == "enum":
        allowed = str(error.get("ctx", {}).get("expected", ""))
        message, remedy = "no such token", f"use {allowed}"
    elif error["type"] == "string_pattern_mismatch":
        message = "the cell has another form than it must have"
    elif error["type"] == "too_long":
        message = f"the cell has more than {error['ctx']['max_length']} characters"
    elif error["type"] == "too_short":
        message = "the list has an empty item"
    elif not error["loc"]:
        remedy = "fill one of these columns"
    return Fault(path, line, name, cells[name][:60], message, remedy)


#: Columns that name by number what belongs to the source.
_NUMBERED = frozenset({"references", "segment"})
#: Types whose ids count within their source only.
LOCAL_TYPES = frozenset(
    {"statement", "measurement", "reference", "segment", "issue", "contrast", "voice-difference"}
)


def check_links(tables: Tables) -> list[Fault]:
    """Find every id that leads nowhere, within the tables and their sources."""
    known = _known(tables)
    faults: list[Fault] = []
    for rows in list(tables.rows.values()):
        for row in rows:
            for name, info in type(row.record).model_fields.items():
                what = column(info)
                for value in _listed(getattr(row.record, name)):
                    fault = _link_fault(what, value, row, name, known)
                    if fault:
                        faults.append(fault)
    return faults


def _known(tables: Tables) -> set[tuple[str, str]]:
    known = {(row.record.scheme, row.record.id) for row in tables.of(VocabularyTerm)} | tables.lost
    for kind, rows in tables.rows.items():
        for row in rows:
            known.add(
                (kind.TYPE, f"{row.source}/{row.record.key}" if kind.TYPE in LOCAL_TYPES else row.record.key)
            )
            if kind.TYPE in LOCAL_TYPES:
                known.add((kind.TYPE, f"{row.source}-{row.record.key}"))
    return known


def _listed(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _link_fault(
    what: Column, value: Any, row: Row[Any], name: str, known: set[tuple[str, str]]
) -> Fault | None:
    """Say what is wrong with one reference of a cell, if anything is."""
    if name in _NUMBERED:
        kind, slug = name.removesuffix("s"), f"{value:03d}"
        problem, remedy = f"the source has no {kind} of that number", f"give a number of its table of {kind}s"
    elif what.refs:
        kind, slug = (what.refs[0], value) if len(what.refs) == 1 and ":" not in value else value.split(":")
        problem, remedy = f"no {kind} has this id", f"add it to the table of {kind}s"
    else:
        return None
    if what.refs and kind not in what.refs:
        problem, remedy = f"a {kind} cannot stand here", f"give one of: {', '.join(what.refs)}"
    elif {(kind, slug), (kind, f"{row.source}/{slug}"), (kind, "")} & known:
        return None
    elif what.refs:
        near = difflib.get_close_matches(slug, _candidates(kind, str(value), f"{row.source}/", known), 1)
        remedy = f"did you mean {near[0]}?" if near else remedy
    return Fault(row.path, row.line, name, str(value), problem, remedy)


def _candidates(kind: str, value: str, own: str, known: set[tuple[str, str]]) -> list[str]:
    """Give the ids that could be meant; a bare id of a type that counts within its source names its own."""
    places = [place for other, place in known if other == kind]
    if kind in LOCAL_TYPES and ":" not in value:
        places = [place for place in places if place.startswith(own)]
    return sorted(place for place in (place.removeprefix(own) for place in places) if "/" not in place)


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


def rewrite(data: Path, tables: Tables, *, write: bool) -> list[str]:
    """Bring every table that is not in canonical form into it and name them; write nothing unless told to."""
    changed = []
    grouped: dict[tuple[str, type[Record]], list[Record]] = defaultdict(list)
    for kind, rows in tables.rows.items():
        for row in rows:
            grouped[row.path, kind].append(row.record)
    for (name, kind), records in sorted(grouped.items(), key=lambda item: item[0][0]):
        path = data.parent / name
        text = canonical(kind, records)
        if path.read_text(encoding="utf-8") != text:
            changed.append(name)
            if write:
                replace_text(path, text)
    return changed
