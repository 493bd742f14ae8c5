"""Compare two versions of the graph: a build each, or any one RDF file each."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rdflib import BNode, Graph
from rdflib.compare import to_canonical_graph
from rdflib.namespace import OWL

from her2kg.errors import InputError
from her2kg.graph.diff.differences import Axiom, Change, Comparison, Fact, How, Version
from her2kg.model.layout import CHECKSUMS, DATASET
from her2kg.model.namespaces import HER2, ONTOLOGY
from her2kg.sparql.engine import Engine, Table, Triples, plain, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from her2kg.graph.diff.differences import Triple
    from her2kg.model.queries import Query
    from her2kg.sparql.engine import Solution

_TRIPLES = "application/n-triples"


@dataclass
class View:
    """What of a version is compared: things by IRI with their facts, axioms, and labels to show."""

    version: Version
    terms: dict[str, set[Fact]] = field(default_factory=lambda: defaultdict(set))
    claims: dict[str, set[Fact]] = field(default_factory=lambda: defaultdict(set))
    kinds: dict[str, str] = field(default_factory=dict)
    axioms: frozenset[Axiom] = frozenset()
    labels: dict[str, str] = field(default_factory=dict)
    derived: frozenset[Fact] = frozenset()


def read(path: Path, queries: Mapping[str, Query]) -> View:
    """Read a build folder or an RDF file by the queries of ``queries/diff``.

    Named graphs are compared as one, so that every export of a build compares as the build itself.
    Raises InputError when there is no build, or when the file is not RDF or holds nothing of ours.
    """
    file, seal = _file(path)
    engine = Engine()
    engine.add_file(file)
    union = Engine.from_text(engine.text(_TRIPLES), _TRIPLES)
    view = View(Version(str(path), "", seal))
    for row in _rows(union, queries["terms"]):
        view.terms[plain(row["thing"])].add(_fact(row))
        view.kinds[plain(row["thing"])] = plain(row["kind"])
    for row in _rows(union, queries["claims"]):
        fact = _fact(row)
        view.claims[plain(row["thing"])].add(fact)
        if fact.property == str(HER2.kind):
            view.kinds[plain(row["thing"])] = plain(row["value"]).rpartition("/")[2]
    view.labels = {plain(row["thing"]): plain(row["label"]) for row in _rows(union, queries["labels"])}
    view.derived = frozenset(map(_fact, _rows(engine, queries["derived"])))
    view.axioms = _axioms(union, queries["axioms"])
    if not (view.terms or view.claims):
        raise InputError(
            f"{path} holds no term and no claim of her2kg", "give a build folder or one of its files"
        )
    view.version = replace(view.version, number=_number(view))
    return view


def _file(path: Path) -> tuple[Path, str]:
    """Give the file to read and its SHA-256; a build must be complete, or what is cut off looks removed."""
    folder = path.is_dir()
    file = path / DATASET if folder else path
    try:
        seal = hashlib.sha256(file.read_bytes()).hexdigest()
        sums = (path / CHECKSUMS).read_text("ascii", "replace") if folder else ""
    except OSError as error:
        place = error.filename or file
        if folder:
            problem = f"{path} is no build: {place}: {error.strerror}"
            raise InputError(problem, f"run `her2kg build --out {path}`") from error
        raise InputError(f"{place}: {error.strerror}", "give a build folder or an RDF file") from error
    if folder and f"{seal}  {DATASET}" not in sums.splitlines():
        raise InputError(f"{file} is not what {CHECKSUMS} says", f"run `her2kg build --out {path}` again")
    return file, seal


def _rows(engine: Engine, query: Query) -> Iterator[Solution]:
    answer = engine.query(query.text)
    if not isinstance(answer, Table):
        raise InputError(f"the query {query.name} is no SELECT", "write it as SELECT")
    return answer.rows()


def _fact(row: Solution) -> Fact:
    of_figure = plain(row.get("figure")) == "true"
    return Fact(plain(row["about"]), plain(row["property"]), written(row["value"]), of_figure)


def _number(view: View) -> str:
    """Read the version off the header of the ontology, if it is in the file."""
    said = [fact.value for fact in view.terms.get(str(ONTOLOGY), ()) if fact.property == str(OWL.versionInfo)]
    return said[0].strip('"') if said else ""


def _axioms(engine: Engine, query: Query) -> frozenset[Axiom]:
    answer = engine.query(query.text)
    if not isinstance(answer, Triples):
        raise InputError(f"the query {query.name} is no CONSTRUCT", "write it as CONSTRUCT")
    graph = Graph().parse(data=answer.text(_TRIPLES), format="nt")
    return frozenset(Axiom(frozenset(triples)) for triples in _components(graph))


def _components(graph: Graph) -> Iterator[set[Triple]]:
    """Give the triples without a blank node one by one, and together those that share blank nodes.

    Names are made canonical in each component by itself, so that a change of one axiom renames nothing
    in another.
    """
    blank = {node for triple in graph for node in triple if isinstance(node, BNode)}
    for triple in graph:
        if not blank.intersection(triple):
            yield {triple}
    while blank:
        component = _around(graph, min(blank))
        blank.difference_update(node for triple in component for node in triple)
        yield set(to_canonical_graph(component))


def _around(graph: Graph, start: BNode) -> Graph:
    component = Graph()
    met, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        for triple in (*graph.triples((node, None, None)), *graph.triples((None, None, node))):
            component.add(triple)
            for other in (triple[0], triple[2]):
                if isinstance(other, BNode) and other not in met:
                    met.add(other)
                    waiting.append(other)
    return component


def compare(old: View, new: View) -> Comparison:
    """Give all differences between two versions."""
    derived = old.derived | new.derived
    before, after = _marked(old.axioms, old.derived), _marked(new.axioms, new.derived)
    if not (old.derived and new.derived):
        # A file without named graphs does not tell what is derived: then it makes no difference.
        before, after = old.axioms - new.axioms, new.axioms - old.axioms
        before, after = _marked(before, derived), _marked(after, derived)
    return Comparison(
        old=old.version,
        new=new.version,
        terms=tuple(_changes(old.terms, new.terms, old.kinds | new.kinds)),
        removed_axioms=_ordered(before - after),
        added_axioms=_ordered(after - before),
        claims=tuple(_changes(old.claims, new.claims, old.kinds | new.kinds)),
        labels=old.labels | new.labels,
        derived=derived,
        kept=frozenset(_all(old) & _all(new)),
    )


def _all(view: View) -> set[Fact]:
    return {fact for things in (view.terms, view.claims) for facts in things.values() for fact in facts}


def _changes(
    old: Mapping[str, set[Fact]], new: Mapping[str, set[Fact]], kinds: Mapping[str, str]
) -> Iterator[Change]:
    for thing in sorted({*old, *new}):
        before, after = old.get(thing, set()), new.get(thing, set())
        if before != after:
            how = How.ADDED if thing not in old else How.REMOVED if thing not in new else How.CHANGED
            gone, come = frozenset(before - after), frozenset(after - before)
            yield Change(thing, kinds.get(thing, ""), how, gone, come)


def _marked(axioms: frozenset[Axiom], derived: frozenset[Fact]) -> frozenset[Axiom]:
    """Mark the axioms that a reasoner made; one with blank nodes is always stated."""
    return frozenset(replace(axiom, derived=_facts(axiom) <= derived) for axiom in axioms)


def _facts(axiom: Axiom) -> set[Fact]:
    return {Fact(str(subject), str(property_), value.n3()) for subject, property_, value in axiom.triples}


def _ordered(axioms: frozenset[Axiom]) -> tuple[Axiom, ...]:
    return tuple(sorted(axioms, key=lambda axiom: sorted(map(_line, axiom.triples))))


def _line(triple: Triple) -> str:
    # Blank nodes sort behind names, so that an axiom stands under the name that it is about.
    return " ".join(f"~{node}" if isinstance(node, BNode) else node.n3() for node in triple)
