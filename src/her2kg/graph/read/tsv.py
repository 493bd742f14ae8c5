"""Cut the file of a table into rows of cells, or say at which line it is no table."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from her2kg.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_BOM = b"\xef\xbb\xbf"


@dataclass
class Sheet:
    """The rows of a file by line, and what is wrong with the file."""

    rows: dict[int, dict[str, str]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    #: Lines that are no rows; 0 when the file is no table at all.
    lost: list[int] = field(default_factory=list)


def read_sheet(path: Path, name: str, header: Sequence[str]) -> Sheet:
    """Read a file that should have the columns of the header; ``name`` is how faults call it."""
    sheet = Sheet()
    if wrong := _unreadable(path) or _unlike_table(path.read_bytes()):
        at, said, remedy = wrong
        sheet.faults.append(Fault(name, at, "", "", said, remedy))
        sheet.lost.append(0)
        return sheet
    first, *lines = path.read_bytes().decode("utf-8")[:-1].split("\n")
    sheet.faults = [Fault(name, 1, *said) for said in _unlike_header(first.split("\t"), list(header))]
    if sheet.faults:
        sheet.lost.append(0)
        return sheet
    for number, line in enumerate(lines, start=2):
        cells = line.split("\t")
        if len(cells) == len(header):
            sheet.rows[number] = dict(zip(header, cells, strict=True))
            continue
        sheet.lost.append(number)
        problem = f"the row has {len(cells)} cells, the header {len(header)}"
        remedy = "mend the tabs of the row" if line else "take the empty line out"
        sheet.faults.append(Fault(name, number, "", "", problem, remedy))
    return sheet


def _unreadable(path: Path) -> tuple[int, str, str] | None:
    try:
        path.read_bytes()
    except FileNotFoundError:
        return 0, "the table is missing", "put it back; it needs at least its header line"
    except OSError as error:
        return 0, f"the table cannot be read: {error.strerror}", "make it a file that can be read"
    return None


def _unlike_table(raw: bytes) -> tuple[int, str, str] | None:
    """Say at which line the bytes are no lines of UTF-8."""
    if not raw:
        return 1, "the file is empty", "put the table back; it needs at least its header line"
    if raw.startswith(_BOM):
        return 1, "the file begins with a byte-order mark", "save it as UTF-8 without BOM"
    if b"\r" in raw:
        line = raw[: raw.index(b"\r")].count(b"\n") + 1
        return line, "the line ends with CR", "save it with LF line ends"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return line, f"byte 0x{raw[error.start]:02x} is not UTF-8", "save it as UTF-8"
    if not raw.endswith(b"\n"):
        line = raw.count(b"\n") + 1
        return line, "the last line has no line end", "the file may be cut off; end it with LF"
    return None


def _unlike_header(found: list[str], header: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """Give column, value, problem and remedy of whatever is wrong with the header."""
    if found == header:
        return
    if found == [""]:
        yield "", "", "the header line is empty", f"the columns are {' '.join(header)}"
        return
    for name in found:
        if name not in header:
            near = difflib.get_close_matches(name, header, 1)
            yield "", name[:60], "no such column", f"did you mean {near[0]}?" if near else "remove it"
    for name in header:
        if name not in found:
            yield "", name, "the column is missing", "add it in the order of `her2kg format`"
    for name in sorted({name for name in found if found.count(name) > 1}):
        yield "", name[:60], "the column stands twice", "remove one"
    if sorted(found) == sorted(header):
        yield "", "", "the columns stand in another order", f"the order is {' '.join(header)}"
