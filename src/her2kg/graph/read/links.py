"""Follow the ids that rows name: find those that lead nowhere, and what stands near a row that is broken."""

from __future__ import annotations

import difflib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from her2kg.errors import Fault
from her2kg.model.columns import column
from her2kg.model.records import VocabularyTerm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from her2kg.model.columns import Column
    from her2kg.model.rows import Row, Tables

#: Columns that name by number what belongs to the source.
_NUMBERED = frozenset({"references", "segment"})
#: Types whose ids count within their source only.
LOCAL_TYPES = frozenset(
    {"statement", "measurement", "reference", "segment", "issue", "contrast", "voice-difference"}
)


#: Rows by type and id.
_Index: TypeAlias = "dict[tuple[str, str], Row[Any]]"


class Target(NamedTuple):
    """What an item of a cell names: a thing of a type, and the item as it is written."""

    kind: str
    slug: str
    written: str


def check_links(tables: Tables) -> list[Fault]:
    """Find every id that leads nowhere, within the tables and their sources."""
    there = _index(tables)
    return [
        Fault(row.path, row.line, name, target.written, *_wrong(target, refs, row.source, there))
        for row in _rows(tables)
        for name, refs, target in _targets(row)
        if (refs and target.kind not in refs)
        or not (target.kind in tables.lost or _find(target, row.source, there))
    ]


@dataclass(frozen=True)
class Doubt:
    """Rows, by file and line, about which a rule that misses something may be wrong."""

    #: Rows that are not as their curator means them.
    broken: frozenset[tuple[str, int]] = frozenset()
    #: These, rows that name what is not there, and all that any of them names or may name.
    near: frozenset[tuple[str, int]] = frozenset()


def doubt(tables: Tables) -> Doubt:
    """Find the rows that are broken, and those near them, which may lack what a broken row would say."""
    there = _index(tables)
    kinds = defaultdict(list)
    for row in _rows(tables):
        kinds[type(row.record).TYPE].append(row)
    unread = {(broken.row.path, broken.row.line): broken.unread for broken in tables.broken}
    waiting = [broken.row for broken in tables.broken]
    waiting += [row for row in _rows(tables) if None in _named(row, there)]
    near: set[tuple[str, int]] = set()
    while waiting:
        row = waiting.pop()
        place = row.path, row.line
        if place in near:
            continue
        near.add(place)
        waiting += [named for named in _named(row, there) if named]
        for name in unread.get(place, ()):
            for kind in _kinds(name, column(type(row.record).model_fields[name])):
                # What the cell names is not known: it may be any row of these types.
                waiting += kinds.pop(kind, [])
    return Doubt(frozenset(unread), frozenset(near))


def _rows(tables: Tables) -> Iterator[Row[Any]]:
    for rows in list(tables.rows.values()):
        yield from rows
    for broken in tables.broken:
        yield broken.row


def _kinds(name: str, what: Column) -> tuple[str, ...]:
    return (name.removesuffix("s"),) if name in _NUMBERED else what.refs


def _targets(row: Row[Any]) -> Iterator[tuple[str, tuple[str, ...], Target]]:
    """Give what a row names: the column, the types that may stand there (none: by number), the target."""
    for name, info in type(row.record).model_fields.items():
        what = column(info)
        kinds, value = _kinds(name, what), getattr(row.record, name)
        if not kinds or value is None:
            continue
        for item in value if isinstance(value, tuple) else (value,):
            if name in _NUMBERED:
                yield name, (), Target(kinds[0], f"{item:03d}", str(item))
            else:
                kind, _, slug = item.rpartition(":")
                yield name, kinds, Target(kind or kinds[0], slug, item)


def _named(row: Row[Any], there: _Index) -> list[Row[Any] | None]:
    """Give the rows that a row names, and None for each that is not there."""
    return [_find(target, row.source, there) for _, _, target in _targets(row)]


def _find(target: Target, source: str, there: _Index) -> Row[Any] | None:
    own = there.get((target.kind, f"{source}/{target.slug}"))
    return own or there.get((target.kind, target.slug))


def _index(tables: Tables) -> _Index:
    """Give the rows by type and id; those of a source by both forms in which its ids are written."""
    there: _Index = {}
    for row in _rows(tables):
        kind, key = _key(row)
        if not key:
            continue
        if kind in LOCAL_TYPES:
            there.setdefault((kind, f"{row.source}/{key}"), row)
            there.setdefault((kind, f"{row.source}-{key}"), row)
        else:
            there.setdefault((kind, key), row)
    return there


def _key(row: Row[Any]) -> tuple[str, str]:
    """Give type and id by which other rows name a row; no id when it could not be read."""
    record = row.record
    if isinstance(record, VocabularyTerm):
        return str(record.scheme or ""), str(record.id or "")
    number = getattr(record, "number", None) if record.TYPE == "reference" else getattr(record, "n", None)
    if record.TYPE in {"reference", "segment"}:
        return record.TYPE, f"{number:03d}" if number is not None else ""
    return record.TYPE, str(getattr(record, "id", None) or "")


def _wrong(target: Target, refs: tuple[str, ...], source: str, there: _Index) -> tuple[str, str]:
    """Say why a target cannot stand where it does, and what could."""
    kind = target.kind
    if not refs:
        return f"the source has no {kind} of that number", f"give a number of its table of {kind}s"
    if kind not in refs:
        return f"a {kind} cannot stand here", f"give one of: {', '.join(refs)}"
    near = difflib.get_close_matches(target.slug, _candidates(target, f"{source}/", there), 1)
    remedy = f"did you mean {near[0]}?" if near else f"add it to the table of {kind}s"
    return f"no {kind} has this id", remedy


def _candidates(target: Target, own: str, there: _Index) -> list[str]:
    """Give the ids that could be meant; a bare id of a type that counts within its source names its own."""
    places = [place for kind, place in there if kind == target.kind]
    if target.kind in LOCAL_TYPES and ":" not in target.written:
        places = [place for place in places if place.startswith(own)]
    return sorted(place for place in (place.removeprefix(own) for place in places) if "/" not in place)
