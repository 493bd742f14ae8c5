"""The gate: SHACL shapes and SPARQL checks over the graph, reported at the rows of the tables.

Shapes are run by pyshacl without inference. What SHACL Core cannot say is a SELECT of violations in
``ontology/checks/``: any row of it is a fault, at the level that its header names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyshacl
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import RDF, SH

from her2kg.engine import Engine, Table
from her2kg.errors import Fault, InputError
from her2kg.model.columns import column
from her2kg.model.namespaces import HER2, term

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from her2kg.model.queries import Query

#: Properties of a proposition, which the row of each statement spells out under these columns.
_ARGUMENTS = {
    HER2.kind: "kind",
    HER2.subject: "subject",
    HER2.predicate: "predicate",
    HER2.object: "object",
    HER2.disease: "disease",
}


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
    for path in sorted(folder.glob("*.ttl")):
        part = _parse(path)
        targets = set(part.objects(None, SH.targetClass))
        if not classes or targets & set(classes):
            graph += part
    return graph


def _parse(path: Path) -> Graph:
    try:
        return Graph().parse(path)
    except Exception as error:  # rdflib's parsers raise many kinds; all mean the same to the user
        raise InputError(f"{path}: {_one_line(error)}", "mend the Turtle") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


def run_shapes(data: Graph, ontology: Graph, shape_graph: Graph, places: Mapping[URIRef, Place]) -> list[Fault]:
    """Give one fault for each result of the SHACL report."""
    _, report, _ = pyshacl.validate(
        data_graph=data, shacl_graph=shape_graph, ont_graph=ontology, inference="none", advanced=False
    )
    if not isinstance(report, Graph):
        raise InputError(f"the shapes cannot be run: {_one_line(Exception(report))}", "mend the shapes")
    faults = set()
    for result in report.subjects(RDF.type, SH.ValidationResult):
        focus = report.value(result, SH.focusNode)
        message = report.value(result, SH.resultMessage)
        component = str(report.value(result, SH.sourceConstraintComponent)).rpartition("#")[2]
        problem = f"breaks a rule of its shape ({component.removesuffix('ConstraintComponent')})"
        severity = report.value(result, SH.resultSeverity)
        faults.add(
            _fault(
                data, places, focus, report.value(result, SH.resultPath), report.value(result, SH.value), problem,
                str(message), "shape", "ERROR" if severity == SH.Violation else "WARN",
            )
        )  # fmt: skip
    return sorted(faults)


def run_checks(graphs: Iterable[Graph], checks: Iterable[Query], data: Graph, places: Mapping[URIRef, Place]) -> list[Fault]:
    """Give one fault for each row that a check finds."""
    engine = Engine()
    for graph in graphs:
        engine.add_text(graph.serialize(format="nt"), "application/n-triples")
    faults = set()
    for check in checks:
        answer = engine.query(check.text)
        if not isinstance(answer, Table):
            raise InputError(f"the check {check.name} is no SELECT", "write it as SELECT ?node ?path ?value")
        for row in answer.rows():
            focus = URIRef(row["node"].value)  # type: ignore[union-attr]
            path = URIRef(row["path"].value) if "path" in row else None  # type: ignore[union-attr]
            value = Literal(getattr(row.get("value"), "value", "")) if "value" in row else None
            faults.add(
                _fault(
                    data, places, focus, path, value, str(check.header["problem"]), str(check.header["solution"]),
                    check.name, str(check.header["level"]),
                )
            )  # fmt: skip
    return sorted(faults)


def _fault(
    data: Graph, places: Mapping[URIRef, Place], focus: Any, path: Any, value: Any, problem: str, remedy: str,
    rule: str, level: str,
) -> Fault:  # fmt: skip
    node = focus if focus in places else _row_of(data, places, focus)
    shown = "" if value is None else str(value)
    if node is None:
        return Fault("", 0, str(path or "").rpartition("#")[2], shown[:80], f"{focus} {problem}", remedy, rule, level)
    place = places[node]
    return Fault(place.path, place.line, _column(place, path), shown[:80], problem, remedy, rule, level)


def _row_of(data: Graph, places: Mapping[URIRef, Place], focus: Any) -> URIRef | None:
    """Find the row behind a node that a mapping function made: a row that points to it, at most two steps off."""
    nearest = sorted(str(node) for node in data.subjects(None, focus))
    further = sorted(str(node) for near in nearest for node in data.subjects(None, URIRef(near)))
    return next((URIRef(node) for node in [*nearest, *further] if URIRef(node) in places), None)


def _column(place: Place, path: Any) -> str:
    if path in _ARGUMENTS and "predicate" in place.fields:
        return _ARGUMENTS[path]
    for name, info in place.fields.items():
        what = column(info)
        if what.prop and term(what.prop) == path:
            return name
    return str(path or "").rpartition("#")[2].rpartition("/")[2]
