"""Rows: records with the place they were read from, and all rows of the tables together."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from her2kg.model.records import Record

if TYPE_CHECKING:
    from her2kg.errors import Fault
    from her2kg.model.sources import SourceDocument

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Row(Generic[R]):
    """A record with the place it was read from; ``source`` is empty for the shared tables."""

    record: R
    path: str
    line: int
    source: str = ""


@dataclass(frozen=True)
class Broken:
    """A row that is not as its curator means it: what could be read of it, and the columns that could not.

    The record has None in those columns, even where its type allows none. Line 0 stands for all rows of
    a table that could not be read.
    """

    row: Row[Any]
    unread: frozenset[str] = frozenset()


@dataclass
class Tables:
    """All rows that could be read, all sources, and the faults of what could not."""

    rows: dict[type[Record], list[Row[Any]]] = field(default_factory=lambda: defaultdict(list))
    sources: dict[str, SourceDocument] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    #: Rows that could not be read whole, and all rows of a source whose description could not.
    broken: list[Broken] = field(default_factory=list)
    #: Types of which any row may have been lost, so that what names one is not blamed.
    lost: set[str] = field(default_factory=set)

    def of(self, kind: type[R]) -> list[Row[R]]:
        """Give the rows of one table, over all sources, in the order of the files."""
        return self.rows[kind]

    def broken_of(self, kind: type[R]) -> list[Row[R]]:
        """Give what could be read of the broken rows of one table."""
        return [broken.row for broken in self.broken if type(broken.row.record) is kind]
