"""Why an alteration falls under a wider one, in words: one node per pair, the reason in both languages.

The reasoner says that it follows. This finds what it follows from by the shape of our definitions (a genus
and marks; marks handed on through property chains) and says it. A test gives the premises alone to the
reasoner, which has to come to the same conclusion.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from rdflib import Graph, Literal, URIRef
from rdflib.collection import Collection
from rdflib.namespace import OWL, PROV, RDF, RDFS

from her2kg.model.namespaces import HER2, rule, thing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rdflib.term import Node

#: A property and its value, which every member of a class has.
Mark = tuple[URIRef, URIRef]

_LANGUAGES = ("en", "zh")
#: How a mark is said.
_MARKS: Mapping[URIRef, Mapping[str, str]] = {
    HER2.affectsExon: {"en": "lies in {0}", "zh": "位于{0}"},
    HER2.affectsDomain: {"en": "lies in the {0}", "zh": "位于{0}"},
    HER2.affectsGene: {"en": "affects {0}", "zh": "累及{0}"},
    HER2.affectsPathway: {"en": "touches the {0}", "zh": "涉及{0}"},
    HER2.criterion: {"en": "meets the criterion “{0}”", "zh": "符合标准“{0}”"},
    HER2.assay: {"en": "is found by {0}", "zh": "由{0}检出"},
    HER2.alleleOrigin: {"en": "is of {0} origin", "zh": "来源为{0}"},
}
#: How a fact that hands a mark on is said.
_LINKS: Mapping[URIRef, Mapping[str, str]] = {
    HER2.withinDomain: {"en": "{0} lies within the {1}", "zh": "{0}位于{1}之内"},
    HER2.gene: {"en": "{0} belongs to {1}", "zh": "{0}属于{1}"},
    HER2.participatesIn: {"en": "{0} acts in the {1}", "zh": "{0}参与{1}"},
    HER2.implies: {"en": "“{0}” implies “{1}”", "zh": "“{0}”蕴含“{1}”"},
    HER2.assay: {"en": "“{0}” is read by {1}", "zh": "“{0}”由{1}判读"},
}
_MAKER = rule("owl-2-el")
_MAKER_LABEL = {
    "en": "OWL 2 EL reasoning over the definitions of alterations",
    "zh": "基于变异定义的OWL 2 EL推理",
}
_BECAUSE = {"en": " (because it {0})", "zh": "（因为{0}）"}
_AS_EVERY = {"en": ", as every {0} does", "zh": "（凡{0}皆如此）"}
_AND = {"en": " and ", "zh": "，且"}
_DEFINED = {"en": "{0} is a kind of {1}: it is a kind of {2} that {3}", "zh": "{0}属于{1}：它是一种{2}，{3}"}
_RECORDED = {"en": "{0} is recorded as a kind of {1}", "zh": "{0}按记录归入{1}"}
_THEN = {"en": "; ", "zh": "；"}


@dataclass(frozen=True)
class Reason:
    """What is said in each language, and the triples that it rests on."""

    words: Mapping[str, str]
    premises: frozenset[tuple[Node, Node, Node]]


def reasons(ontology: Graph, entities: Graph, inferred: Graph) -> Graph:
    """Give a node of class Inference for every alteration and each wider alteration."""
    justifier = Justifier(ontology, entities, inferred)
    said = Graph()
    said.add((_MAKER, RDF.type, PROV.Activity))
    for language, words in _MAKER_LABEL.items():
        said.add((_MAKER, RDFS.label, Literal(words, lang=language)))
    for narrower, wider in justifier.pairs():
        node = thing("inference", f"{_slug(narrower)}_{_slug(wider)}")
        said.add((node, RDF.type, HER2.Inference))
        said.add((node, HER2.narrower, narrower))
        said.add((node, HER2.wider, wider))
        said.add((node, PROV.wasGeneratedBy, _MAKER))
        for language, words in justifier.reason(narrower, wider).words.items():
            said.add((node, HER2.reason, Literal(words, lang=language)))
    return said


def _iris(nodes: Iterable[Node]) -> set[URIRef]:
    return {node for node in nodes if isinstance(node, URIRef)}


def _slug(node: URIRef) -> str:
    return str(node).rpartition("/")[2]


class Justifier:
    """Finds reasons in an ontology with class axioms, the entities, and what was inferred of them."""

    def __init__(self, ontology: Graph, entities: Graph, inferred: Graph) -> None:
        """Take the graphs, which must not change afterwards."""
        self._ontology = ontology
        self._graphs = (entities, inferred, ontology)
        self._recorded_in = (entities, ontology)
        self._chains = sorted(
            (*Collection(ontology, chain), prop)
            for prop, chain in ontology.subject_objects(OWL.propertyChainAxiom)
        )
        self.marks = cache(self._marks)
        self.wider = cache(self._wider)

    def pairs(self) -> Iterator[tuple[URIRef, URIRef]]:
        """Give every alteration with each wider alteration, sorted."""
        alterations = _iris(self._graphs[0].subjects(RDF.type, HER2.AlterationCategory))
        for narrower in sorted(alterations):
            for wider in sorted(alterations & self.wider(narrower)):
                yield narrower, wider

    def reason(self, narrower: URIRef, wider: URIRef) -> Reason:
        """Say why a class falls under a wider one; both must be named classes of the graphs."""
        definition = self._definition(wider)
        if definition is None:
            return self._as_recorded(narrower, wider)
        genus, conditions = definition
        own = self._marks_for(narrower, wider)
        kind = self._kind(narrower, genus)
        premises = set(self._axioms(wider)) | self._way(narrower, genus)
        clauses: dict[str, list[str]] = {language: [] for language in _LANGUAGES}
        for condition in conditions:
            mark = self._mark(condition)
            if mark is None:  # a definition by other means than ours
                continue
            step = own[mark]
            premises |= step.premises
            for language in _LANGUAGES:
                clauses[language].append(step.words[language])
        words = {
            language: _DEFINED[language].format(
                self._label(narrower, language), self._label(wider, language), self._label(kind, language),
                _AND[language].join(clauses[language]),
            )
            for language in _LANGUAGES
        }  # fmt: skip
        return Reason(words, frozenset(premises))

    def _as_recorded(self, narrower: URIRef, wider: URIRef) -> Reason:
        """Say that a class was filed under another, and why the first falls under that class."""
        below = min(
            (node for node in (narrower, *sorted(self.wider(narrower))) if self._recorded(node, wider)),
            key=lambda node: node != narrower,
        )
        recorded = {
            language: _RECORDED[language].format(self._label(below, language), self._label(wider, language))
            for language in _LANGUAGES
        }
        premises = frozenset({(below, RDFS.subClassOf, wider)})
        if below == narrower:
            return Reason(recorded, premises)
        first = self.reason(narrower, below)
        words = {
            language: f"{first.words[language]}{_THEN[language]}{recorded[language]}"
            for language in _LANGUAGES
        }
        return Reason(words, first.premises | premises)

    def _recorded(self, narrower: URIRef, wider: URIRef) -> bool:
        return any((narrower, RDFS.subClassOf, wider) in graph for graph in self._recorded_in)

    def _wider(self, node: URIRef) -> set[URIRef]:
        return self._ancestors(node, self._graphs)

    def _ancestors(self, node: URIRef, graphs: tuple[Graph, ...]) -> set[URIRef]:
        found: set[URIRef] = set()
        todo = [node]
        while todo:
            below = todo.pop()
            above = {wide for graph in graphs for wide in _iris(graph.objects(below, RDFS.subClassOf))}
            fresh = above - found - {node}
            found |= fresh
            todo.extend(fresh)
        return found

    def _kind(self, narrower: URIRef, genus: URIRef) -> URIRef:
        """Give the most telling class of the ontology itself that lies between a class and a genus."""
        kinds = [
            kind for kind in (genus, *self.wider(narrower)) if kind == genus or genus in self.wider(kind)
        ]
        own = [kind for kind in kinds if (kind, RDFS.isDefinedBy, None) in self._ontology]
        return max(sorted(own), key=lambda kind: len(self.wider(kind)))

    def _way(self, narrower: URIRef, genus: URIRef) -> set[tuple[Node, Node, Node]]:
        """Give the axioms of every class between a class and its genus."""
        between = {node for node in self.wider(narrower) if node == genus or genus in self.wider(node)}
        return {triple for node in {narrower, *between} for triple in self._axioms(node)}

    def _definition(self, node: URIRef) -> tuple[URIRef, list[Node]] | None:
        """Give genus and conditions of a class that has a definition."""
        whole = self._ontology.value(node, OWL.equivalentClass)
        parts = None if whole is None else self._ontology.value(whole, OWL.intersectionOf)
        if parts is None:
            return None
        genus, *conditions = Collection(self._ontology, parts)
        return URIRef(str(genus)), conditions

    def _mark(self, restriction: Node) -> Mark | None:
        prop = self._ontology.value(restriction, OWL.onProperty)
        value = self._ontology.value(restriction, OWL.hasValue)
        return (prop, value) if isinstance(prop, URIRef) and isinstance(value, URIRef) else None

    def _marks(self, node: URIRef) -> dict[Mark, Reason]:
        """Give the marks that a class has by its own axioms, by recorded wider classes and by chains."""
        found: dict[Mark, Reason] = {}
        for owner in (node, *sorted(self._ancestors(node, self._recorded_in))):
            premises = frozenset(self._axioms(owner)) | (self._way(node, owner) if owner != node else set())
            for mark in self._conditions(owner):
                found.setdefault(mark, Reason(self._say(_MARKS, mark[0], mark[1]), premises))
        return self._chained(found)

    def _marks_for(self, narrower: URIRef, wider: URIRef) -> dict[Mark, Reason]:
        """Give also the marks of classes that it was inferred to fall under other than by the wider one."""
        found = dict(self.marks(narrower))
        for owner in sorted(self.wider(narrower) - self.wider(wider) - {wider}):
            if wider in self.wider(owner):
                continue
            for mark in self._necessary(owner):
                if mark in found:
                    continue
                said = self._say(_MARKS, mark[0], mark[1])
                words = {
                    language: f"{said[language]}{_AS_EVERY[language].format(self._label(owner, language))}"
                    for language in _LANGUAGES
                }
                premises = frozenset(self._axioms(owner)) | self.reason(narrower, owner).premises
                found[mark] = Reason(words, premises)
        return self._chained(found)

    def _conditions(self, owner: URIRef) -> list[Mark]:
        """Give the marks that the axioms of one class name."""
        definition = self._definition(owner)
        sufficient = map(self._mark, definition[1]) if definition else ()
        return sorted({mark for mark in sufficient if mark is not None} | set(self._necessary(owner)))

    def _necessary(self, owner: URIRef) -> list[Mark]:
        """Give the marks that follow from belonging to a class, those that define it left out."""
        conditions = map(self._mark, self._ontology.objects(owner, RDFS.subClassOf))
        return sorted(mark for mark in conditions if mark is not None)

    def _chained(self, found: dict[Mark, Reason]) -> dict[Mark, Reason]:
        """Add the marks that property chains hand on, nearest first."""
        todo = sorted(found)
        while todo:
            mark = todo.pop(0)
            for first, second, prop in self._chains:
                values = {value for graph in self._graphs for value in _iris(graph.objects(mark[1], second))}
                for value in sorted(values) if mark[0] == first else ():
                    if (prop, value) not in found:
                        found[prop, value] = self._handed_on(found[mark], mark, second, (prop, value))
                        todo.append((prop, value))
        return found

    def _handed_on(self, known: Reason, mark: Mark, link: URIRef, result: Mark) -> Reason:
        said = self._say(_MARKS, result[0], result[1])
        linked = self._say(_LINKS, link, mark[1], result[1])
        because = {
            language: f"{known.words[language]}{_AND[language]}{linked[language]}" for language in _LANGUAGES
        }
        words = {
            language: f"{said[language]}{_BECAUSE[language].format(because[language])}"
            for language in _LANGUAGES
        }
        return Reason(words, known.premises | {(mark[1], link, result[1])})

    def _say(
        self, templates: Mapping[URIRef, Mapping[str, str]], prop: URIRef, *nodes: URIRef
    ) -> dict[str, str]:
        return {
            language: templates[prop][language].format(*(self._label(node, language) for node in nodes))
            for language in _LANGUAGES
        }

    def _label(self, node: URIRef, language: str) -> str:
        labels = (label for graph in self._graphs for label in graph.objects(node, RDFS.label))
        return next(
            (str(label) for label in labels if isinstance(label, Literal) and label.language == language),
            _slug(node),
        )

    def _axioms(self, node: Node) -> Iterator[tuple[Node, Node, Node]]:
        """Give the axioms of a class, with the blank nodes that belong to them."""
        yield from self._graphs[0].triples((node, RDFS.subClassOf, None))
        todo = [node]
        while todo:
            here = todo.pop()
            for triple in self._ontology.triples((here, None, None)):
                if here != node or triple[1] in {OWL.equivalentClass, RDFS.subClassOf}:
                    yield triple
                    if not isinstance(triple[2], URIRef | Literal):
                        todo.append(triple[2])
