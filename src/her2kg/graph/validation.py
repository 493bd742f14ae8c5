"""The gate: SHACL shapes and SPARQL checks over the graph, reported at the rows of the tables.

Shapes are run by pyshacl without inference. What SHACL Core cannot say is a SELECT of violations in
``ontology/checks/``: any row of it is a fault, at the level that its header names.
"""

from __future__ import annotations

import gc
import os
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import RDF, RDFS, SH

from her2kg.errors import Fault, InputError, QueryError, shortened
from her2kg.model.columns import column
from her2kg.model.namespaces import BASE, HER2, term
from her2kg.model.turtle import read_turtle
from her2kg.sparql.engine import Engine, Table, is_iri, language, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from her2kg.model.columns import Column
    from her2kg.model.queries import Query
    from her2kg.model.records import Record

T = TypeVar("T")

#: Properties of a proposition, which the row of each statement spells out under these columns;
#: what is wrong with the proposition as a whole is said of its subject.
_ARGUMENTS = {
    HER2.kind: "kind",
    HER2.subject: "subject",
    HER2.predicate: "predicate",
    HER2.object: "object",
    HER2.disease: "disease",
    HER2.states: "subject",
}
#: How a remedy names the columns to mend.
_NAMED = re.compile(r"\(columns? ([a-z_]+(?:, [a-z_]+)*)")


#: Properties of the words that a row rests on, which stand in these columns of it.
_OFFSETS = {HER2.startOffset: "start", HER2.endOffset: "end", HER2.segment: "segment"}
#: What the components of SHACL say of a value, in the words of a curator.
_WORDS = {
    "MinCount": "is missing",
    "QualifiedMinCount": "is missing",
    "HasValue": "is missing",
    "MaxCount": "is given more than once, or must not be given here",
    "QualifiedMaxCount": "is given too often",
    "UniqueLang": "is given more than once in a language",
    "LanguageIn": "is in another language than it must be",
    "Class": "is a thing of another kind than it must be",
    "Or": "is none of what may stand here",
    "Not": "must not be so",
    "In": "is none of what may stand here",
    "Datatype": "is no value of the type that it must have",
    "Pattern": "has another form than it must have",
    "NodeKind": "is no thing that can be cited",
    "MinLength": "is empty",
    "MaxLength": "is too long",
    "MinInclusive": "is too small",
    "MinExclusive": "is too small",
    "MaxInclusive": "is too large",
    "MaxExclusive": "is too large",
    "LessThan": "is not below the other",
    "LessThanOrEquals": "is above the other",
    "Disjoint": "is the same as the other",
}
#: Components that find something missing.
_MISSES = frozenset({"MinCount", "QualifiedMinCount", "HasValue"})
#: How a check finds something missing.
_LOOKS_FOR_ABSENCE = re.compile(r"NOT\s+EXISTS|\bMINUS\b")


class Place(NamedTuple):
    """Where a node of the graph was curated, the fields of its table and what stands in their cells.

    Of a ``broken`` row not all could be read; a row ``near`` one may lack what that would have said.
    """

    path: str
    line: int
    fields: Mapping[str, Any]
    cells: Mapping[str, str] = {}
    broken: bool = False
    near: bool = False


def shapes(folder: Path, classes: Collection[URIRef] = ()) -> Graph:
    """Read the shapes of a folder, or only those of some classes and what they share.

    Raises InputError naming the file that does not parse.
    """
    graph = Graph()
    paths = sorted(folder.glob("*.ttl"))
    if not paths:
        raise InputError(f"{folder} holds no shapes", "put its files back, or make it readable")
    for path in paths:
        part = read_turtle(path)
        targets = set(part.objects(None, SH.targetClass))
        if not classes or targets & set(classes):
            graph += part
    return graph


def require_shapes(shape_graph: Graph, kinds: Iterable[type[Record]]) -> None:
    """See that every kind of row has shapes.

    Raises InputError for the first that has none: its file is missing, and the gate would stand open.
    """
    targets = {str(target) for target in shape_graph.objects(None, SH.targetClass)}
    for kind in kinds:
        if kind.CLASS and str(HER2[kind.CLASS]) not in targets:
            raise InputError(f"no shape is about her2:{kind.CLASS}", "put its file back in ontology/shapes/")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


def run_shapes(
    data: Graph,
    ontology: Graph,
    shape_graph: Graph,
    places: Mapping[URIRef, Place],
    said: Collection[Fault] = (),
) -> list[Fault]:
    """Give one fault for each result of the SHACL report that does not follow from what is said already.

    Of the ontology the shapes need the class hierarchy alone; pyshacl copies what it is given.
    """
    return _shape_faults(_report(data, _hierarchy(ontology), shape_graph), _Finder(data, places, said))


#: Triples from which on the start of a process costs less than it saves.
_WORTH_A_PROCESS = 10_000


class ShapesRun:
    """A run of the shapes: over many triples in a process of its own, since it takes as long as the rest."""

    def __init__(self, data: Graph, ontology: Graph, shape_graph: Graph) -> None:
        """Start it; the graphs go over as text."""
        self._data = data
        self._graphs = (data, _hierarchy(ontology), shape_graph)
        self._pool = (
            ProcessPoolExecutor(1, get_context("spawn"), initializer=_end_with_parent)
            if len(data) > _WORTH_A_PROCESS
            else None
        )
        if self._pool:
            texts = [graph.serialize(format="nt") for graph in self._graphs]
            self._report = self._pool.submit(_report_of_texts, *texts)

    def __enter__(self) -> Self:
        """Give the run."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, also when nobody waits for its answer any more."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def apart(self, function: Callable[..., T], *arguments: object) -> Callable[[], T]:
        """Have something else done in that process after the shapes, and give what waits for its result.

        It is done at once when there is no such process. Arguments and result go over as copies.
        """
        if self._pool:
            return self._pool.submit(function, *arguments).result
        result = function(*arguments)
        return lambda: result

    def faults(self, places: Mapping[URIRef, Place], said: Collection[Fault] = ()) -> list[Fault]:
        """Wait for the report and give its faults as ``run_shapes`` does; raises InputError."""
        if self._pool:
            report = Graph().parse(data=self._report.result(), format="nt")
        else:
            report = _report(*self._graphs)
        return _shape_faults(report, _Finder(self._data, places, said))


def _end_with_parent() -> None:
    """Let this process end when the one that started it is killed and cannot say so."""

    def wait() -> None:
        if parent := parent_process():
            parent.join()
            os._exit(1)

    Thread(target=wait, daemon=True).start()


def _report_of_texts(data: str, hierarchy: str, shape_graph: str) -> str:
    gc.disable()  # as in the build: the process ends soon
    graphs = [Graph().parse(data=text, format="nt") for text in (data, hierarchy, shape_graph)]
    return _report(*graphs).serialize(format="nt")


def _hierarchy(ontology: Graph) -> Graph:
    hierarchy = Graph()
    for triple in ontology.triples((None, RDFS.subClassOf, None)):
        hierarchy.add(triple)
    return hierarchy


def _report(data: Graph, hierarchy: Graph, shape_graph: Graph) -> Graph:
    """Give pyshacl's report; raises InputError when the shapes are none."""
    import pyshacl  # noqa: PLC0415 - slow to import, and a build needs it in the other process only

    try:
        _, report, _ = pyshacl.validate(
            data_graph=data, shacl_graph=shape_graph, ont_graph=hierarchy, inference="none", advanced=False
        )
    except RuntimeError as error:  # what pyshacl raises for shapes that are none
        raise InputError(f"the shapes cannot be run: {_one_line(error)}", "mend the shapes") from error
    if not isinstance(report, Graph):
        raise InputError(f"the shapes cannot be run: {_one_line(Exception(report))}", "mend the shapes")
    return report


def _shape_faults(report: Graph, finder: _Finder) -> list[Fault]:
    faults = set()
    for result in report.subjects(RDF.type, SH.ValidationResult):
        name = str(report.value(result, SH.sourceConstraintComponent)).rpartition("#")[2]
        component = name.removesuffix("ConstraintComponent")
        problem = f"{_WORDS.get(component, 'breaks a rule of its shape')} ({component})"
        remedy = str(report.value(result, SH.resultMessage))
        level = "ERROR" if report.value(result, SH.resultSeverity) == SH.Violation else "WARN"
        path, value = report.value(result, SH.resultPath), report.value(result, SH.value)
        # Of a choice between several properties, which names none, any may be missing.
        misses = component in _MISSES or (component == "Or" and path is None)
        finding = _Finding(problem, remedy, "shape", level, misses=misses)
        faults.add(finder.fault(report.value(result, SH.focusNode), path, value, finding))
    return sorted(fault for fault in faults if fault)


def run_checks(
    graphs: Iterable[Graph],
    checks: Iterable[Query],
    data: Graph,
    places: Mapping[URIRef, Place],
    said: Collection[Fault] = (),
) -> list[Fault]:
    """Give one fault for each row that a check finds and that does not follow from what is said already."""
    engine = Engine()
    for graph in graphs:
        engine.add_text(graph.serialize(format="nt"), "application/n-triples")
    finder = _Finder(data, places, said)
    faults = set()
    for check in checks:
        finding = _finding(check)
        try:
            answer = engine.query(check.text)
        except QueryError as error:
            raise InputError(f"the check {check.name}: {error.problem}", error.remedy) from error
        if not isinstance(answer, Table):
            raise InputError(f"the check {check.name} is no SELECT", "write it as SELECT ?node ?path ?value")
        for row in answer.rows():
            path = URIRef(plain(row["path"])) if "path" in row else None
            value = row.get("value")
            named = URIRef(plain(value)) if is_iri(value) else Literal(plain(value), lang=language(value))
            faults.add(finder.fault(URIRef(plain(row["node"])), path, named, finding))
    return sorted(fault for fault in faults if fault)


def _finding(check: Query) -> _Finding:
    """Read off the header of a check what it says of each violation."""
    said = check.header
    for key in ("problem", "solution", "level"):
        if key not in said:
            raise InputError(f"the check {check.name} has no {key} in its header", "add it as a line #+")
    misses = bool(_LOOKS_FOR_ABSENCE.search(check.text))
    return _Finding(
        str(said["problem"]).removesuffix("."),
        str(said["solution"]),
        check.name,
        str(said["level"]),
        misses=misses,
    )


class _Finding(NamedTuple):
    """What a rule says of each of its violations, and whether it finds that something is missing."""

    problem: str
    remedy: str
    rule: str
    level: str
    misses: bool


class _Finder:
    """Find the row of a table behind a node of the graph, and what follows from faults that are known."""

    def __init__(self, data: Graph, places: Mapping[URIRef, Place], said: Collection[Fault]) -> None:
        self._data = data
        self._places = places
        self._said = {(fault.path, fault.line, fault.column) for fault in said if fault.level == "ERROR"}

    def fault(self, focus: Any, path: Any, value: Any, finding: _Finding) -> Fault | None:
        """Say a finding at the row and column of its focus node; by the node itself when it has no row.

        Nothing when it follows from what is said already: that a row could not be read, or that an id
        leads nowhere.
        """
        node = focus if focus in self._places else self._behind(focus)
        place = self._places[node] if node is not None else None
        name = (
            _column(place, path, finding.remedy, getattr(value, "language", None)) if place else _local(path)
        )
        if self._said and self._follows(place, path, name, value, finding):
            return None
        rest = (finding.remedy, finding.rule, finding.level)
        if place is None:
            return Fault("", 0, name, shortened(str(value or "")), f"{focus}: {finding.problem}", *rest)
        shown = shortened(place.cells.get(name, str(value or "")))
        return Fault(place.path, place.line, name, shown, finding.problem, *rest)

    def _follows(self, place: Place | None, path: Any, name: str, value: Any, finding: _Finding) -> bool:
        """Say whether a finding comes from rows or cells that are known to be broken."""
        # Offsets are wrong together.
        names = _OFFSETS.values() if name in _OFFSETS.values() else (name,)
        if place and any((place.path, place.line, known) in self._said for known in names):
            return True
        if isinstance(value, URIRef) and value.startswith(f"{BASE}id/"):
            there = self._places.get(value)
            if (value, RDF.type, None) not in self._data or (finding.misses and there and there.broken):
                return True
        if not finding.misses:
            return False
        # What a column of the row itself lacks is known; what other rows say may be lost with them.
        own = place is not None and finding.rule == "shape" and _is_own(place, path)
        return place is None or place.broken or (place.near and not own)

    def _behind(self, focus: Any) -> URIRef | None:
        """Find a row that points to a node which a mapping function made, at most two steps off."""
        nearest = sorted(str(node) for node in self._data.subjects(None, focus))
        further = sorted(str(node) for near in nearest for node in self._data.subjects(None, URIRef(near)))
        return next((URIRef(node) for node in [*nearest, *further] if URIRef(node) in self._places), None)


def _column(place: Place, path: Any, remedy: str, language: str | None) -> str:
    """Name the column behind a property; for other paths, one that the remedy names."""
    if path in _ARGUMENTS and "predicate" in place.fields:
        return _ARGUMENTS[path]
    if path in _OFFSETS and _OFFSETS[path] in place.fields:
        return _OFFSETS[path]
    named = _NAMED.search(remedy)
    columns = [name for name in named[1].split(", ") if name in place.fields] if named else []
    behind = {name: what.lang for name, what in _properties(place) if term(what.prop) == path}
    if behind:
        # A text in two languages has two columns.
        likely = [name for name, tag in behind.items() if tag == language or name in columns]
        return next(iter(likely or behind))
    # What is filled is what can be wrong; a path that is no property has another name in every run.
    filled = [name for name in columns if place.cells.get(name)]
    return next(iter(filled or columns), "") or _local(path)


def _properties(place: Place) -> Iterator[tuple[str, Column]]:
    """Give the columns of the row that have a property."""
    for name, info in place.fields.items():
        if (what := column(info)).prop:
            yield name, what


def _is_own(place: Place, path: Any) -> bool:
    """Say whether a property is told by columns of the row itself."""
    if path in _ARGUMENTS and "predicate" in place.fields:
        return True
    return any(term(what.prop) == path for _, what in _properties(place))


def _local(path: Any) -> str:
    return path.rpartition("#")[2] if isinstance(path, URIRef) else ""
