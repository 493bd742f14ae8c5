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
    from collections.abc import Iterable, Iterator

    from pyelk import EntityNode, ReasoningResult

_T = TypeVar("_T")

_OPTIONS = owl.LoadOptions(format=owl.DocumentFormat.TURTLE, imports=owl.ImportPolicy.IGNORE)
_DOCUMENT = "urn:her2kg:ontology"
OWL, RDF = "http://www.w3.org/2002/07/owl#", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_TOP, _BOTTOM = f"{OWL}Thing", f"{OWL}Nothing"


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

    def types(self) -> Iterator[tuple[str, str]]:
        """Give each individual with each named class that it follows to belong to."""
        found = _complete(self._reasoner.realize())
        above: dict[tuple[str, ...], list[EntityNode[owl.Class]]] = {}
        for below, wider in found.class_taxonomy.direct_edges:
            above.setdefault(_names(below), []).append(wider)
        for individual, kind in found.direct_types:
            todo, seen = [kind], {_names(kind)}
            while todo:
                names = _names(todo.pop())
                for member in individual.members:
                    for name in names:
                        yield member.iri.value, name
                for wider in above.get(names, ()):
                    if (named := _names(wider)) not in seen:
                        seen.add(named)
                        todo.append(wider)

    def is_subclass(self, narrower: str, wider: str) -> bool:
        """Say whether one named class follows to fall under another."""
        axiom = owl.SubClassOf(owl.Class(owl.IRI(narrower)), owl.Class(owl.IRI(wider)))
        return bool(_complete(self._reasoner.is_entailed(axiom)))


def values(triples: str, wanted: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Give, as triples, each individual that follows to have one of the wanted values of a property.

    ``triples`` are an ontology as N-Triples, ``wanted`` pairs of an object property and an individual. For
    each pair a class of those who have the value is added, and all individuals are classified at once: one
    question for each pair would cost the size of the ontology each time. Raises InputError.
    """
    pairs = {f"{_ASKED}{number}": pair for number, pair in enumerate(sorted(set(wanted)))}
    asked = "".join(_who_has(name, *pair) for name, pair in pairs.items())
    with Ontology(f"{triples}{asked}") as ontology:
        yield from sorted(
            (individual, *pairs[name]) for individual, name in ontology.types() if name in pairs
        )


#: How the IRIs of classes begin that are added to ask who belongs to them.
_ASKED = "urn:her2kg:asked:"


def _who_has(name: str, prop: str, value: str) -> str:
    """Define a class by a value of a property, in N-Triples."""
    blank = f"_:{name.replace(':', '')}"
    kinds = f"<{name}> <{RDF}type> <{OWL}Class> .\n{blank} <{RDF}type> <{OWL}Restriction> .\n"
    which = f"{blank} <{OWL}onProperty> <{prop}> .\n{blank} <{OWL}hasValue> <{value}> .\n"
    return f"{kinds}{which}<{name}> <{OWL}equivalentClass> {blank} .\n"


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
