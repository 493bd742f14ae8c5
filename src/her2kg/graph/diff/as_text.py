"""Tell the differences between two versions as text: counts first, then term by term and claim by claim.

No line is wider than 80 columns. In a changed claim the lines marked ``!`` come first: its direction, if
that changed, and its figures.
"""

from __future__ import annotations

import io
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from rdflib import BNode, Literal
from rdflib.namespace import OWL, RDF
from rdflib.util import from_n3
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from her2kg.graph.diff.differences import Change, How
from her2kg.model.namespaces import HER2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rdflib.term import Node

    from her2kg.graph.diff.differences import Axiom, Comparison, Fact, Triple, Version

WIDTH = 80
#: What a proposition is made of: its IRI spells the same out and need not be told too.
_ARGUMENTS = tuple(map(str, (HER2.kind, HER2.subject, HER2.predicate, HER2.object, HER2.disease)))
#: Properties of a claim in the order in which their changes are told; the others follow by name.
_ORDER = (
    str(HER2.direction), *_ARGUMENTS, str(HER2.certainty), str(HER2.population), str(HER2.citesReference),
)  # fmt: skip
#: Ranks of the lines of a changed claim; others follow in the order above.
_DIRECTION, _FIGURE, _OTHER = range(3)


def summarise(found: Comparison, prefixes: Mapping[str, str]) -> str:
    """Tell a comparison in lines of at most 80 columns, with IRIs in short form and labels beside them."""
    return _Teller(found, prefixes).text()


class _Line(NamedTuple):
    """A changed property: what it belongs to and which of its values went and came."""

    rank: int
    about: str
    property: str
    language: str
    removed: list[str]
    added: list[str]
    derived: bool


class _Teller:
    def __init__(self, found: Comparison, prefixes: Mapping[str, str]) -> None:
        self._found = found
        # The longest namespace that fits gives the shortest name.
        self._prefixes = sorted(prefixes.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        self._console = Console(width=WIDTH, file=io.StringIO(), color_system=None)

    def text(self) -> str:
        found = self._found
        lines = [*self._version("old", found.old), *self._version("new", found.new), "", *_counts(found)]
        for how in How:
            lines += self._changes("terms", how, found.terms)
        for how, axioms in ((How.ADDED, found.added_axioms), (How.REMOVED, found.removed_axioms)):
            lines += self._axioms("axioms", how, [axiom for axiom in axioms if not axiom.derived])
            lines += self._axioms("derived axioms", how, [axiom for axiom in axioms if axiom.derived])
        for how in How:
            lines += self._changes("claims", how, found.claims)
        return "".join(f"{line}\n" for line in lines)

    def _version(self, side: str, version: Version) -> Iterator[str]:
        number = f", version {version.number}" if version.number else ""
        yield from self._wrapped(f"{side}: ", f"{version.name}{number}")

    def _changes(self, what: str, how: How, changes: Iterable[Change]) -> Iterator[str]:
        told = [change for change in changes if change.how is how]
        derived = [change for change in told if how is How.CHANGED and self._is_derived(change)]
        stated = [change for change in told if change not in derived]
        yield from self._section(f"{what.upper()} {how.upper()}", stated)
        yield from self._section(f"{what.upper()} {how.upper()} BY REASONING ALONE", derived)

    def _is_derived(self, change: Change) -> bool:
        return change.removed | change.added <= self._found.derived

    def _section(self, title: str, changes: Sequence[Change]) -> Iterator[str]:
        if changes:
            yield from ("", f"{title} ({len(changes)})")
        before = 2
        for change in sorted(changes, key=lambda change: (not change.of_direction, not change.of_figures)):
            lines = list(self._change(change))
            if len(lines) > 1 or before > 1:
                yield ""
            before = len(lines)
            yield from lines

    def _change(self, change: Change) -> Iterator[str]:
        label = self._found.labels.get(change.thing, "")
        name = self._short(change.thing)
        kind = f" [{change.kind}]" if change.kind and not name.startswith(f"{change.kind}:") else ""
        if len(name) + cell_len(label) + len(kind) + 5 <= WIDTH:
            yield f"  {name}{kind}" + (f" ({label})" if label else "")
        else:
            yield from self._wrapped("  ", f"{name}{kind}")
            yield from self._wrapped("    ", label)
        if change.how is How.CHANGED:
            yield from self._properties(change)
            return
        for fact in sorted(change.added | change.removed):
            if fact.property == str(HER2.direction):
                yield from self._wrapped("    ", f"direction: {self._value(fact.value)}")

    def _properties(self, change: Change) -> Iterator[str]:
        figure = ""
        for line in sorted(_lines(change, self._found.derived)):
            name = self._short(line.property) + (f"@{line.language}" if line.language else "")
            if line.rank != _FIGURE:
                yield from self._property("  ! " if line.rank == _DIRECTION else "    ", name, line)
                continue
            if line.about != figure:
                figure = line.about
                yield from self._wrapped("  ! ", self._short(figure))
            yield from self._property("      ", name, line)

    def _property(self, lead: str, name: str, line: _Line) -> Iterator[str]:
        """Tell a change on one line if it fits, else one line or more for each value."""
        removed, added = ([self._value(value) for value in side] for side in (line.removed, line.added))
        derived = " (derived)" if line.derived else ""
        whole = ""
        if len(removed) == len(added) == 1:
            whole = f"{lead}{name}: {removed[0]} -> {added[0]}{derived}"
        elif len(removed) + len(added) == 1:
            whole = f"{lead}{name}: {'-' if removed else '+'} {(removed or added)[0]}{derived}"
        if whole and cell_len(whole) <= WIDTH:
            yield whole
            return
        yield from self._wrapped(lead, f"{name}:{derived}")
        indent = " " * len(lead)
        for sign, values in (("-", removed), ("+", added)):
            for value in values:
                yield from self._wrapped(f"{indent}  {sign} ", value)

    def _axioms(self, what: str, how: How, axioms: Sequence[Axiom]) -> Iterator[str]:
        if axioms:
            yield from ("", f"{what.upper()} {how.upper()} ({len(axioms)})", "")
        for axiom in axioms:
            yield from self._wrapped("  ", self._axiom(axiom))

    def _axiom(self, axiom: Axiom) -> str:
        """Write an axiom as Turtle writes it on one line, the label beside the name that it is about."""
        reached = {value for _, _, value in axiom.triples if isinstance(value, BNode)}
        roots = {triple[0] for triple in axiom.triples} - reached
        met: set[Node] = set()
        told = []
        for root in sorted(roots, key=lambda node: (isinstance(node, BNode), str(node))):
            if isinstance(root, BNode):
                told.append(self._node(root, axiom, met))
                continue
            label = self._found.labels.get(str(root), "")
            name = f"{self._short(str(root))} ({label})" if label else self._short(str(root))
            for _, property_, value in sorted(triple for triple in axiom.triples if triple[0] == root):
                told.append(f"{name} {self._short(str(property_))} {self._node(value, axiom, met)}")
        return " ; ".join(told) or "[ ] (blank nodes that lead in a circle)"

    def _node(self, node: Node, axiom: Axiom, met: set[Node]) -> str:
        if not isinstance(node, BNode):
            return self._value(node.n3() if isinstance(node, Literal) else str(node), labelled=False)
        if node in met:
            return f"_:{node}"
        met.add(node)
        parts = [triple for triple in axiom.triples if triple[0] == node]
        if any(property_ == RDF.first for _, property_, _ in parts):
            return f"( {' '.join(self._members(node, axiom, met))} )"
        told = [
            f"{'a' if property_ == RDF.type else self._short(str(property_))} {self._node(value, axiom, met)}"
            for _, property_, value in sorted(parts, key=_reading_order)
            if value not in {OWL.Class, OWL.Restriction}  # said by the properties already
        ]
        return f"[ {' ; '.join(told)} ]"

    def _members(self, node: Node, axiom: Axiom, met: set[Node]) -> Iterator[str]:
        rest: Node | None = node
        while rest is not None and rest != RDF.nil:
            met.add(rest)
            cell = {property_: value for subject, property_, value in axiom.triples if subject == rest}
            if RDF.first in cell:
                yield self._node(cell[RDF.first], axiom, met)
            rest = cell.get(RDF.rest)
            if rest in met:
                return

    def _value(self, value: str, *, labelled: bool = True) -> str:
        if value.startswith('"'):
            return " ".join(str(from_n3(value)).split())
        iri = value.removeprefix("<").removesuffix(">")
        label = self._found.labels.get(iri, "") if labelled else ""
        return f"{self._short(iri)} ({label})" if label else self._short(iri)

    def _short(self, iri: str) -> str:
        for prefix, namespace in self._prefixes:
            if iri.startswith(namespace) and len(iri) > len(namespace):
                return f"{prefix}:{iri[len(namespace) :]}"
        return f"<{iri}>"

    def _wrapped(self, lead: str, text: str) -> Iterator[str]:
        """Break a text at the width, by the cells of a terminal: Chinese letters are twice as wide.

        The lead stands before the first line, which the others are set in under.
        """
        hang = " " * len(lead) + ("" if lead.rstrip().endswith(("-", "+")) else "  ")
        for number, line in enumerate(Text(text).wrap(self._console, WIDTH - len(hang), overflow="fold")):
            yield (hang if number else lead) + line.plain.rstrip()


def _counts(found: Comparison) -> Iterator[str]:
    yield f"{'':<14}{'added':>8}{'removed':>9}{'changed':>9}"
    yield _row("terms", [_count(found.terms, how) for how in How])
    for name, derived in (("axioms", False), ("derived axioms", True)):
        sides = (found.added_axioms, found.removed_axioms)
        counts = [sum(axiom.derived is derived for axiom in side) for side in sides]
        if any(counts) or not derived:
            yield _row(name, counts)
    yield _row("claims", [_count(found.claims, how) for how in How])
    directions = sum(change.of_direction for change in found.claims)
    figures = sum(change.of_figures for change in found.claims)
    if directions or figures:
        yield f"! claims with another direction: {directions}, with other figures: {figures}"


def _row(name: str, counts: Sequence[int]) -> str:
    widths = (8, 9, 9)
    return f"{name:<14}" + "".join(f"{count:>{width},}" for count, width in zip(counts, widths, strict=False))


def _count(changes: Iterable[Change], how: How) -> int:
    return sum(change.how is how for change in changes)


def _lines(change: Change, derived: frozenset[Fact]) -> Iterator[_Line]:
    """Give one line for each property that changed, with the values that only one side has."""
    sides: dict[tuple[int, str, str, str], tuple[list[Fact], list[Fact]]] = defaultdict(lambda: ([], []))
    for side, facts in enumerate((change.removed, change.added)):
        for fact in sorted(facts):
            sides[_key(fact)][side].append(fact)
    spelt = any(property_ in _ARGUMENTS for _, _, property_, _ in sides)
    for (rank, about, property_, language), (removed, added) in sides.items():
        # Another proposition has other facts, but most of them with the same values.
        both = {fact.value for fact in removed} & {fact.value for fact in added}
        went = [fact.value for fact in removed if fact.value not in both]
        came = [fact.value for fact in added if fact.value not in both]
        if not (went or came) or (spelt and property_ == str(HER2.states)):
            continue
        yield _Line(
            rank,
            about,
            property_,
            language,
            went,
            came,
            all(fact in derived for fact in (*removed, *added)),
        )


def _key(fact: Fact) -> tuple[int, str, str, str]:
    """Rank the direction before figures, figures before the rest; a figure's properties stay together."""
    if fact.of_figure:
        return _FIGURE, fact.about, fact.property, _language(fact.value)
    if fact.property == str(HER2.direction):
        return _DIRECTION, "", fact.property, ""
    place = _ORDER.index(fact.property) if fact.property in _ORDER else len(_ORDER)
    return _OTHER + place, "", fact.property, _language(fact.value)


def _language(value: str) -> str:
    """Give the language of a literal, so that a label is held against the label in the same language."""
    tail = value.rpartition('"')[2]
    return tail.removeprefix("@") if value.startswith('"') and tail.startswith("@") else ""


def _reading_order(triple: Triple) -> tuple[bool, bool, str]:
    return triple[1] != RDF.type, triple[1] != OWL.onProperty, str(triple)
