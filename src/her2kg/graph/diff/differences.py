"""What differs between two versions of the graph: terms, axioms and claims that came, went or changed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from her2kg.model.namespaces import HER2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rdflib.term import Node

    Triple: TypeAlias = tuple[Node, Node, Node]


class How(StrEnum):
    """What happened to a thing."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Fact(NamedTuple):
    """A triple that describes a thing: two IRIs, and a value as N-Triples write it.

    ``about`` is the thing itself or a part of it: a claim's proposition or one of its figures.
    """

    about: str
    property: str
    value: str
    of_figure: bool = False


@dataclass(frozen=True)
class Change:
    """A term or claim that differs: the facts that only the old version has, and those of the new one.

    ``kind`` is ``class``, ``property``, ``vocabulary``, ``ontology``, the type of an entity (``drug``) or
    the kind of a claim (``prognosis``).
    """

    thing: str
    kind: str
    how: How
    removed: frozenset[Fact]
    added: frozenset[Fact]

    @property
    def of_direction(self) -> bool:
        """Say whether a claim now speaks for something else than it did."""
        return self._changed and any(fact.property == str(HER2.direction) for fact in self._facts)

    @property
    def of_figures(self) -> bool:
        """Say whether a figure of a claim came, went or changed."""
        return self._changed and any(fact.of_figure for fact in self._facts)

    @property
    def _changed(self) -> bool:
        return self.how is How.CHANGED

    @property
    def _facts(self) -> frozenset[Fact]:
        return self.removed | self.added


@dataclass(frozen=True)
class Axiom:
    """A triple between names, or all triples that hang together by blank nodes, with canonical names.

    Two axioms that differ in the names of their blank nodes alone are equal. ``derived`` is said of one
    that a reasoner made, which is known where a version keeps its named graphs apart.
    """

    triples: frozenset[Triple]
    derived: bool = False


@dataclass(frozen=True)
class Version:
    """One side of a comparison: the name that the user gave, the ontology's version, the file's SHA-256."""

    name: str
    number: str
    sha256: str


@dataclass(frozen=True)
class Comparison:
    """All differences between two versions, each list in the order of the IRIs; false when there is none.

    ``labels`` are the English ones, of the new version where it has one; ``derived`` are the facts that a
    reasoner made; ``kept`` are facts that both versions have of anything that differs.
    """

    old: Version
    new: Version
    terms: tuple[Change, ...]
    removed_axioms: tuple[Axiom, ...]
    added_axioms: tuple[Axiom, ...]
    claims: tuple[Change, ...]
    labels: Mapping[str, str]
    derived: frozenset[Fact]
    kept: frozenset[Fact]

    def __bool__(self) -> bool:
        """Say whether anything differs."""
        return bool(self.terms or self.removed_axioms or self.added_axioms or self.claims)
