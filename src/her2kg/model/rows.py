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


@dataclass
class Tables:
    """All rows that could be read, all sources, and the faults of what could not."""

    rows: dict[type[Record], list[Row[Any]]] = field(default_factory=lambda: defaultdict(list))
    sources: dict[str, SourceDocument] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    #: Types and ids of the rows that could not be read, so that what names them is not blamed;
    #: an empty id stands for any row of the type.
    lost: set[tuple[str, str]] = field(default_factory=set)

    def of(self, kind: type[R]) -> list[Row[R]]:
        """Give the rows of one table, over all sources, in the order of the files."""
        return self.rows[kind]
