"""Edit a table as a curator does: one cell, one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def set_cell(table: Path, row: str, name: str, value: str) -> int:
    """Put a value into the column of the first row that begins with ``row``; give its line."""
    header, *lines = _lines(table)
    names = header.split("\t")
    for number, line in enumerate(lines):
        cells = line.split("\t")
        if cells[0] == row:
            cells[names.index(name)] = value
            lines[number] = "\t".join(cells)
            _write(table, [header, *lines])
            return number + 2
    raise LookupError(f"{table.name} has no row {row!r}")


def add_row(table: Path, **cells: str) -> int:
    """Add a row below the others; give its line."""
    lines = _lines(table)
    names = lines[0].split("\t")
    assert set(cells) <= set(names), set(cells) - set(names)
    _write(table, [*lines, "\t".join(cells.get(name, "") for name in names)])
    return len(lines) + 1


def keep_rows(table: Path, wanted: Callable[[dict[str, str]], bool]) -> None:
    """Take out the rows that are not wanted."""
    header, *lines = _lines(table)
    names = header.split("\t")
    kept = [line for line in lines if wanted(dict(zip(names, line.split("\t"), strict=True)))]
    assert len(kept) < len(lines), "no row went"
    _write(table, [header, *kept])


def _lines(table: Path) -> list[str]:
    return table.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def _write(table: Path, lines: list[str]) -> None:
    table.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
