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
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from rdflib import Graph, URIRef
from rdflib.namespace import RDF, RDFS, SH

from her2kg.engine import Engine, Table, plain
from her2kg.errors import Fault, InputError, QueryError
from her2kg.model.columns import column
from her2kg.model.namespaces import HER2, term

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from her2kg.model.queries import Query
    from her2kg.model.records import Record

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


class Place(NamedTuple):
    """Where a node of the graph was curated, and the fields of its table."""

    path: str
    line: int
    fields: Mapping[str, Any]


def shapes(folder: Path, classes: Collection[URIRef] = ()) -> Graph:
    """Read the shapes of a folder, or only those of some classes and what they share.

    Raises InputError naming the file that does not parse.
    """
    graph = Graph()
    paths = sorted(folder.glob("*.ttl"))
    if not paths:
        raise InputError(f"{folder} holds no shapes", "put its files back, or make it readable")
    for path in paths:
        part = _parse(path)
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


def _parse(path: Path) -> Graph:
    try:
        return Graph().parse(path)
    except Exception as error:  # rdflib's parsers raise many kinds; all mean the same to the user
        raise InputError(f"{path}: {_one_line(error)}", "mend the Turtle") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


def run_shapes(
    data: Graph, ontology: Graph, shape_graph: Graph, places: Mapping[URIRef, Place]
) -> list[Fault]:
    """Give one fault for each result of the SHACL report.

    Of the ontology the shapes need the class hierarchy alone; pyshacl copies what it is given.
    """
    return _shape_faults(_report(data, _hierarchy(ontology), shape_graph), data, places)


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

    def faults(self, places: Mapping[URIRef, Place]) -> list[Fault]:
        """Wait for the report and give one fault for each of its results; raises InputError."""
        if self._pool:
            report = Graph().parse(data=self._report.result(), format="nt")
        else:
            report = _report(*self._graphs)
        return _shape_faults(report, self._data, places)


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


def _shape_faults(report: Graph, data: Graph, places: Mapping[URIRef, Place]) -> list[Fault]:
    finder = _Finder(data, places)
    faults = set()
    for result in report.subjects(RDF.type, SH.ValidationResult):
        component = str(report.value(result, SH.sourceConstraintComponent)).rpartition("#")[2]
        problem = f"breaks a rule of its shape ({component.removesuffix('ConstraintComponent')})"
        remedy = str(report.value(result, SH.resultMessage))
        level = "ERROR" if report.value(result, SH.resultSeverity) == SH.Violation else "WARN"
        finding = _Finding(problem, remedy, "shape", level)
        path, value = report.value(result, SH.resultPath), report.value(result, SH.value)
        faults.add(finder.fault(report.value(result, SH.focusNode), path, value, finding))
    return sorted(faults)


def run_checks(
    graphs: Iterable[Graph], checks: Iterable[Query], data: Graph, places: Mapping[URIRef, Place]
) -> list[Fault]:
    """Give one fault for each row that a check finds."""
    engine = Engine()
    for graph in graphs:
        engine.add_text(graph.serialize(format="nt"), "application/n-triples")
    finder = _Finder(data, places)
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
            faults.add(finder.fault(URIRef(plain(row["node"])), path, plain(row.get("value")), finding))
    return sorted(faults)


def _finding(check: Query) -> _Finding:
    """Read off the header of a check what it says of each violation."""
    said = check.header
    for key in ("problem", "solution", "level"):
        if key not in said:
            raise InputError(f"the check {check.name} has no {key} in its header", "add it as a line #+")
    return _Finding(str(said["problem"]), str(said["solution"]), check.name, str(said["level"]))


class _Finding(NamedTuple):
    """What a rule says of each of its violations."""

    problem: str
    remedy: str
    rule: str
    level: str


class _Finder:
    """Find the row of a table behind a node of the graph."""

    def __init__(self, data: Graph, places: Mapping[URIRef, Place]) -> None:
        self._data = data
        self._places = places

    def fault(self, focus: Any, path: Any, value: Any, finding: _Finding) -> Fault:
        """Say a finding at the row and column of its focus node; by the node itself when it has no row."""
        node = focus if focus in self._places else self._behind(focus)
        shown = str(value or "")[:80]
        rest = (finding.remedy, finding.rule, finding.level)
        if node is None:
            name = path.rpartition("#")[2] if isinstance(path, URIRef) else ""
            return Fault("", 0, name, shown, f"{focus}: {finding.problem}", *rest)
        place = self._places[node]
        name = _column(place, path, finding.remedy)
        return Fault(place.path, place.line, name, shown, finding.problem, *rest)

    def _behind(self, focus: Any) -> URIRef | None:
        """Find a row that points to a node which a mapping function made, at most two steps off."""
        nearest = sorted(str(node) for node in self._data.subjects(None, focus))
        further = sorted(str(node) for near in nearest for node in self._data.subjects(None, URIRef(near)))
        return next((URIRef(node) for node in [*nearest, *further] if URIRef(node) in self._places), None)


def _column(place: Place, path: Any, remedy: str) -> str:
    """Name the column behind a property; for other paths the first one that the remedy names."""
    if path in _ARGUMENTS and "predicate" in place.fields:
        return _ARGUMENTS[path]
    for name, info in place.fields.items():
        what = column(info)
        if what.prop and term(what.prop) == path:
            return name
    named = _NAMED.search(remedy)
    first = next((name for name in named[1].split(", ") if name in place.fields), "") if named else ""
    # A path that is no plain property is a blank node, whose name would change from run to run.
    return first or (path.rpartition("#")[2] if isinstance(path, URIRef) else "")
