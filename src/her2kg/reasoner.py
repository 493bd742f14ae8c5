"""The OWL 2 EL reasoner, pyELK: this is the only module that knows it.

It classifies the class part of an ontology: named classes, intersections, ``hasValue``,
``someValuesFrom``, property chains, disjointness, and the individuals that they name. What pyELK does not
take into account (data properties, symmetric properties) must not reach it: an answer that it calls
incomplete is refused, never used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeVar

import pyowl_core as owl
from pyelk import Reasoner
from pyelk.exceptions import PyElkError

from her2kg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyelk import EntityNode, ReasoningResult

_T = TypeVar("_T")

_OPTIONS = owl.LoadOptions(format=owl.DocumentFormat.TURTLE, imports=owl.ImportPolicy.IGNORE)
_DOCUMENT = "urn:her2kg:ontology"
_TOP, _BOTTOM = "http://www.w3.org/2002/07/owl#Thing", "http://www.w3.org/2002/07/owl#Nothing"


@dataclass(frozen=True)
class Classification:
    """What follows for the named classes of an ontology.

    ``direct`` holds the pairs of narrower and next wider class; ``equivalent`` groups of classes with the
    same members; ``unsatisfiable`` classes that can have no member. IRIs as text, sorted.
    """

    consistent: bool
    direct: tuple[tuple[str, str], ...]
    equivalent: tuple[tuple[str, ...], ...]
    unsatisfiable: tuple[str, ...]

    def wider(self, narrower: str) -> frozenset[str]:
        """Give every class that a class falls under, at any distance, itself left out."""
        above: dict[str, set[str]] = {}
        for sub, sup in self.direct:
            above.setdefault(sub, set()).add(sup)
        found: set[str] = set()
        todo = [narrower]
        while todo:
            for sup in above.get(todo.pop(), ()):
                if sup not in found:
                    found.add(sup)
                    todo.append(sup)
        return frozenset(found - {narrower})


class Ontology:
    """An ontology that questions of entailment can be put to; use it as a context manager."""

    def __init__(self, text: str) -> None:
        """Read Turtle or N-Triples; raises InputError when it is no OWL ontology or goes beyond EL."""
        try:
            self._reasoner = Reasoner(text.encode(), document_iri=_DOCUMENT, load_options=_OPTIONS)
        except (owl.PyOWLCoreError, PyElkError) as error:
            raise InputError(
                f"the ontology cannot be reasoned over: {_one_line(error)}", "mend the ontology"
            ) from error

    def __enter__(self) -> Self:
        """Give the ontology."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the reasoner."""
        self._reasoner.close()

    def classify(self) -> Classification:
        """Classify the named classes; raises InputError when the answer would be incomplete."""
        consistent = _complete(self._reasoner.is_consistent())
        taxonomy = _complete(self._reasoner.classify())
        groups = [(node, _names(node)) for node in taxonomy.nodes]
        unsatisfiable = tuple(
            name for _, names in groups if _BOTTOM in names for name in names if name != _BOTTOM
        )
        equivalent = tuple(sorted(names for _, names in groups if len(names) > 1 and _BOTTOM not in names))
        direct = {
            (narrower, wider)
            for below, above in taxonomy.direct_edges
            if below != taxonomy.bottom and above != taxonomy.top
            for narrower in _names(below)
            for wider in _names(above)
        }
        return Classification(consistent, tuple(sorted(direct)), equivalent, unsatisfiable)

    def subjects(self, prop: str, value: str) -> Iterator[str]:
        """Give the individuals that follow to have a value of an object property, sorted."""
        expression = owl.ObjectHasValue(
            owl.ObjectProperty(owl.IRI(prop)), owl.NamedIndividual(owl.IRI(value))
        )
        nodes = _complete(self._reasoner.instances(expression))
        yield from sorted(member.iri.value for node in nodes for member in node.members)

    def is_subclass(self, narrower: str, wider: str) -> bool:
        """Say whether one named class follows to fall under another."""
        axiom = owl.SubClassOf(owl.Class(owl.IRI(narrower)), owl.Class(owl.IRI(wider)))
        return bool(_complete(self._reasoner.is_entailed(axiom)))


def _names(node: EntityNode[owl.Class]) -> tuple[str, ...]:
    return tuple(sorted(member.iri.value for member in node.members))


def _complete(result: ReasoningResult[_T]) -> _T:
    """Give an answer, unless the reasoner says that it may be incomplete."""
    try:
        return result.require_complete()
    except PyElkError as error:
        left = sorted({feature for reason in result.reasons for feature in reason.features})
        raise InputError(
            f"the reasoner does not take into account: {', '.join(left)}", "keep to OWL 2 EL"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
