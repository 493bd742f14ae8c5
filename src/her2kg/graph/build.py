"""The pipeline: read, check, map, validate, derive, describe, write; nothing else composes the stages."""

from __future__ import annotations

import gc
import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rdflib import Graph, URIRef
from rdflib.namespace import OWL, RDF

from her2kg.errors import Fault, NotConformError
from her2kg.graph import release, validation
from her2kg.graph.derive import derivation, foreign, intervals, justification, reasoning
from her2kg.graph.diff import as_rdf, as_text, comparison
from her2kg.graph.make import alignment, class_axioms, mapping
from her2kg.graph.read import links, source, tables
from her2kg.graph.write import csvw, description, export, jsonld_context, modules, publishing
from her2kg.model.layout import ALIGNMENTS, FILES, REPORT
from her2kg.model.namespaces import HER2, ONTOLOGY, prefixes
from her2kg.model.queries import read_queries, read_query
from her2kg.model.turtle import read_turtle
from her2kg.sparql.engine import Engine
from her2kg.sparql.formats import GRAPH_FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from her2kg.graph.diff.differences import Comparison
    from her2kg.graph.read.source import Coverage
    from her2kg.model.rows import Row, Tables

#: The stages in their order, as the progress bar names them.
STAGES = ("read", "check", "map", "validate", "derive", "describe", "write")


@dataclass
class Report:
    """What a build found and made; the same data give the same report."""

    version: str
    warnings: list[Fault]
    coverage: list[Coverage]
    triples: dict[str, int]
    directions: dict[str, int]
    exported: dict[str, dict[str, int]] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> str:
        """Write the report for programs."""
        return json.dumps(
            {
                "version": self.version,
                "conforms": True,
                "warnings": [vars(fault) for fault in self.warnings],
                "coverage": [_coverage(found) for found in self.coverage],
                "triples": self.triples,
                "claims_by_direction": self.directions,
                "claims_by_direction_in_exports": self.exported,
            },
            ensure_ascii=False,
            indent=2,
            sort_keys=True,
        )


def _coverage(found: Coverage) -> dict[str, Any]:
    return {**vars(found), "missing": list(found.missing), "complete": found.complete}


def check(home: Path, document: Path | None = None) -> tuple[Tables, list[Fault]]:
    """Read the tables and find every fault that needs no graph; the document is optional."""
    read = tables.read(home / "data")
    faults = [*read.faults, *links.check_links(read), *source.check_spans(read), *source.check_sizes(read)]
    faults += alignment.check(read)
    if document is not None:
        text = source.read_document(document)
        for name, known in read.sources.items():
            if known.sha256:
                faults.extend(source.check_document(read, name, text))
    return read, sorted(faults)


def rewrite(home: Path, *, write: bool) -> list[str]:
    """Bring the tables and their description into canonical form and name the files that were not in it.

    Raises NotConformError when a table cannot be read; writes nothing unless told to.
    """
    data = home / "data"
    read = tables.read(data)
    if read.faults:
        raise NotConformError(read.faults)
    changed = tables.rewritten(data, read)
    described = csvw.metadata(data)
    path = data / csvw.NAME
    if not path.exists() or path.read_text(encoding="utf-8") != described:
        changed[path.relative_to(home).as_posix()] = described
    if write:
        for name, text in changed.items():
            publishing.replace_text(home / name, text)
    return list(changed)


def coverage(read: Tables) -> list[Coverage]:
    """Measure the coverage of every source that is addressed by offsets."""
    return [source.coverage(read, name) for name, known in read.sources.items() if known.sha256]


def build(
    home: Path,
    folder: Path,
    document: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Report:
    """Build and publish the graph; raises NotConformError with all faults when the data break a rule.

    Nothing is published then, and an earlier build stays as it is.
    """

    def tell(stage: str) -> None:
        if progress:
            progress(stage, STAGES.index(stage), len(STAGES))

    with _uncollected():
        return _build(home, folder, document, tell)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the cycle collector out: walking millions of live triples was a third of the time, measured."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _build(home: Path, folder: Path, document: Path | None, tell: Callable[[str], None]) -> Report:
    tell("read")
    ontology = read_ontology(home)
    tell("check")
    read, faults = check(home, document)
    tell("map")
    mapped = mapping.map_tables(read)
    if not _errors(faults):
        ontology += alignment.of_terms(read)
    tell("validate")
    said = _errors(faults)
    places = _places(mapped, links.doubt(read) if said else links.Doubt())
    gate = validation.shapes(home / "ontology" / "shapes")
    validation.require_shapes(gate, [kind for kind, rows in read.rows.items() if rows])
    defined = ontology + class_axioms.class_axioms(read)
    with validation.ShapesRun(mapped.graph, ontology, gate) as shapes:
        checks = read_queries(home / "ontology" / "checks")
        faults += validation.run_checks([defined, mapped.graph], checks, mapped.graph, places, said)
        tell("derive")
        if said:
            # Rules would derive from what was read alone; that no class is empty holds for any part of it.
            found = _reasoned(home, defined, mapped.graph)
            raise NotConformError(_errors([*faults, *found, *shapes.faults(places, said)]))
        graphs, found = _derive(home, defined, mapped.graph)
        faults += found
        derived_shapes = validation.shapes(home / "ontology" / "shapes", derivation.DERIVED)
        typed = _typed(graphs["inferred"], mapped.graph)
        faults += validation.run_shapes(typed, ontology, derived_shapes, places)
        # All faults are said at once, and nothing is written.
        if any(fault.level == "ERROR" for fault in faults):
            raise NotConformError(_errors([*faults, *shapes.faults(places)]))
        tell("describe")
        triples = {name: len(graph) for name, graph in graphs.items()}
        modified = max(known.curated_on for known in read.sources.values())
        questions = read_queries(home / "queries" / "questions")
        names = prefixes(home)
        graphs["metadata"] = description.describe(graphs, questions, version(ontology), modified, names)
        tell("write")
        files = export.artefacts(graphs, names)
        counted = {
            name: shapes.apart(export.directions, home, content, name)
            for name, content in sorted(files.items())
        }
        parts = modules.modules(ontology, graphs["ontology"], graphs["asserted"], graphs["inferred"])
        files |= export.modules(parts, names) | jsonld_context.documents(ontology, names)
        files[ALIGNMENTS] = alignment.sssom(read, ontology, names)
        faults += shapes.faults(places)
        exported = {name: count() for name, count in counted.items()}
    if errors := _errors(faults):
        raise NotConformError(errors)
    report = Report(version(ontology), sorted(faults), coverage(read), triples, directions(mapped.graph))
    report.exported = exported
    if lost := [*_export_faults(files, report)]:
        raise NotConformError(lost)
    files[REPORT] = f"{report.as_json()}\n".encode()
    report.checksums = publishing.publish(files, folder)
    return report


def _export_faults(files: Mapping[str, bytes], report: Report) -> Iterator[Fault]:
    """Find exports that lost a claim or that no parser of their format reads."""
    for name, kept in report.exported.items():
        if kept != report.directions:
            problem = "the export holds other claims by direction than the graph"
            yield Fault(name, 0, "", "", problem, "mend the writer of the format")
    for name, content in files.items():
        if FILES.get(name) == GRAPH_FORMATS["rdf"].media_type and (where := export.xml_error(content)):
            remedy = "take the character that stands there out of the ontology"
            yield Fault(name, 0, "", "", f"the export is no XML: {where}", remedy)


def _errors(faults: list[Fault]) -> list[Fault]:
    return [fault for fault in faults if fault.level == "ERROR"]


def _reasoned(home: Path, ontology: Graph, asserted: Graph) -> list[Fault]:
    """Give what the reasoner refuses of a graph that is not whole."""
    try:
        _classified(home, ontology, asserted)
    except NotConformError as error:
        return error.faults
    return []


def _derive(home: Path, ontology: Graph, asserted: Graph) -> tuple[dict[str, Graph], list[Fault]]:
    """Give ontology, asserted and inferred graph, and what the reasoner refused."""
    graphs = {"ontology": ontology, "asserted": asserted}
    try:
        return {**graphs, "inferred": infer(home, ontology, asserted)}, []
    except NotConformError as error:
        return {**graphs, "inferred": Graph()}, error.faults


def infer(home: Path, ontology: Graph, asserted: Graph) -> Graph:
    """Give what follows: by rules before the reasoner, by the reasoner, by rules after it.

    Rules whose number is below 10 run first, since the reasoner needs what they make. Raises
    NotConformError when a class can have no member or the ontology contradicts itself.
    """
    entities, early, classes = _classified(home, ontology, asserted)
    inferred = early + classes
    inferred += justification.reasons(ontology, entities, classes)
    late = [rule for rule in read_queries(home / "ontology" / "rules") if rule.name >= _AFTER_REASONER]
    inferred += derivation.derive([ontology, asserted, inferred], late)
    inferred += intervals.intervals(asserted)
    return inferred


#: Rules from this number on run after the reasoner.
_AFTER_REASONER = "10"


def _classified(home: Path, ontology: Graph, asserted: Graph) -> tuple[Graph, Graph, Graph]:
    """Give what the reasoner saw, what rules made of it before, and what it derived."""
    rules = read_queries(home / "ontology" / "rules")
    first = [rule for rule in rules if rule.name < _AFTER_REASONER]
    early = derivation.derive([ontology, asserted], first)
    entities = asserted + early
    return entities, early, reasoning.reason(ontology, entities)


def _typed(inferred: Graph, asserted: Graph) -> Graph:
    """Give the inferred graph with the classes of what it speaks of, which is all that its shapes look at."""
    typed = Graph()
    typed += inferred
    for triple in asserted.triples((None, RDF.type, None)):
        typed.add(triple)
    return typed


def _places(mapped: mapping.Mapped, doubt: links.Doubt) -> Mapping[URIRef, validation.Place]:
    return {node: _place(row, doubt) for node, row in mapped.origins.items()}


def _place(row: Row[Any], doubt: links.Doubt) -> validation.Place:
    fields = type(row.record).model_fields
    where = row.path, row.line
    cells = {name: tables.cell(getattr(row.record, name)) for name in fields}
    return validation.Place(
        row.path, row.line, fields, cells, broken=where in doubt.broken, near=where in doubt.near
    )


def read_ontology(home: Path) -> Graph:
    """Read the edit file with blank nodes named canonically; raises InputError."""
    named = Graph()
    named += _canonical(read_turtle(home / "ontology" / "her2kg.ttl"))
    return named


# To name the blank nodes takes as long as to read the file.
_canonical = lru_cache(maxsize=4)(export.canonical)


def version(ontology: Graph) -> str:
    """Read the version off the ontology's header."""
    return str(ontology.value(ONTOLOGY, OWL.versionInfo))


def directions(graph: Graph) -> dict[str, int]:
    """Count the claims by direction, so that an export can show that it lost none."""
    counted = Counter(
        str(direction).rpartition("/")[2]
        for statement in graph.subjects(RDF.type, HER2.Statement)
        for direction in graph.objects(statement, HER2.direction)
    )
    return dict(sorted(counted.items()))


def validate(home: Path, path: Path) -> list[Fault]:
    """Run shapes and checks over an RDF file of any origin; raises InputError when it does not parse."""
    engine = Engine()
    engine.add_file(path)
    data = Graph().parse(data=engine.text("application/n-triples"), format="nt")
    ontology = read_ontology(home)
    faults = validation.run_shapes(data, ontology, validation.shapes(home / "ontology" / "shapes"), {})
    # A build holds the ontology already; read twice, its axioms would be there under two sets of blank nodes.
    known = [data] if (ONTOLOGY, RDF.type, OWL.Ontology) in data else [ontology, data]
    faults += validation.run_checks(known, read_queries(home / "ontology" / "checks"), data, {})
    return sorted(faults)


def compare(home: Path, old: Path, new: Path) -> Comparison:
    """Compare two builds, or RDF files; raises InputError when one of them cannot be read."""
    queries = {query.name: query for query in read_queries(home / "queries" / "diff")}
    return comparison.compare(comparison.read(old, queries), comparison.read(new, queries))


def tell(home: Path, found: Comparison, kind: str) -> bytes:
    """Give a comparison as ``text``, or as RDF in the format ``ttl``, ``nt`` or ``jsonld``."""
    names = prefixes(home)
    if kind == "text":
        return as_text.summarise(found, names).encode()
    return export.document(as_rdf.describe(found), kind, names)


def place(folder: Path, file: Path, name: str) -> foreign.Placed:
    """Place a class of somebody else's ontology under our alterations; raises InputError, NotationError."""
    return foreign.place(folder, file, name)


def releasable(home: Path) -> list[str]:
    """Give the IRIs that a release of the tables and the ontology promises, those of earlier ones included.

    Raises NotConformError when a released IRI is gone and not deprecated, or when the tables have faults.
    """
    read = tables.read(home / "data")
    if read.faults:
        raise NotConformError(read.faults)
    graph = read_ontology(home) + mapping.map_tables(read).graph
    released = release.read(home / "ontology" / release.NAME)
    there = release.listed(graph, read_query(home / "queries" / "diff" / "terms.rq"))
    if faults := release.faults(released, graph, there):
        raise NotConformError(faults)
    return sorted({*released, *there})


def write_released(home: Path, iris: list[str]) -> None:
    """Write the list of the IRIs that stay from now on; raises InputError when it cannot be written."""
    publishing.replace_text(home / "ontology" / release.NAME, release.written(iris))
