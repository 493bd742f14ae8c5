"""Records to triples: one loop for simple fields, one function per pattern that needs nodes of its own.

Every function is pure: rows in, triples out. ``Mapped`` also keeps from which row each node came, so
that a rule broken in the graph is reported at the line of its table.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, OWL, RDF, RDFS, SKOS, XSD

from her2kg.model.claims import (
    Contrast,
    Difference,
    Figure,
    Issue,
    Reference,
    Result,
    Segment,
    Span,
    Statement,
    Trial,
    TrialArm,
)
from her2kg.model.columns import column
from her2kg.model.curies import curies
from her2kg.model.namespaces import HER2, proposition, scheme, term, thing, token
from her2kg.model.records import (
    ENTITIES,
    Alteration,
    Entity,
    Identifier,
    Record,
    ReferenceSequence,
    Study,
    VariantNotation,
    VocabularyTerm,
)
from her2kg.model.vocabulary import KIND_CLASSES, Match, Token, Voice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from her2kg.model.curies import Curies
    from her2kg.model.rows import Row, Tables
    from her2kg.model.sources import SourceDocument

Triple: TypeAlias = tuple[URIRef, URIRef, URIRef | Literal]

#: What was seen of a study, deepest first.
_DEPTHS = ("abstract seen", "summary seen", "title seen")
#: Types whose slug carries the source that they belong to.
_OF_SOURCE = frozenset(
    {"statement", "measurement", "reference", "segment", "issue", "contrast", "voice-difference"}
)


@dataclass
class Mapped:
    """The asserted graph and where each of its nodes came from."""

    graph: Graph = field(default_factory=Graph)
    origins: dict[URIRef, Row[Any]] = field(default_factory=dict)

    def put(self, node: URIRef, row: Row[Any], triples: Iterable[Triple]) -> None:
        """Add the triples of a node and remember its row."""
        self.origins[node] = row
        _add(self.graph, triples)


def map_tables(tables: Tables) -> Mapped:
    """Turn all rows into the asserted graph; of broken rows, what could be read of them.

    So rules can still be held against what names a broken row. Such a graph is for validation alone.
    """
    mapped = Mapped()
    for document in tables.sources.values():
        _add(mapped.graph, source_triples(document))
    for word in tables.of(VocabularyTerm):
        node = thing(word.record.scheme, word.record.id)
        mapped.put(node, word, vocabulary_triples(node, word))
    kinds: tuple[type[Entity], ...] = (*ENTITIES, Trial)
    for kind in kinds:
        for row in tables.of(kind):
            node = thing(kind.TYPE, row.record.id)
            mapped.put(node, row, entity_triples(node, row))
    facts: tuple[type[Record], ...] = (ReferenceSequence, VariantNotation)
    for kept in facts:
        for fact in tables.of(kept):
            node = thing(kept.TYPE, fact.record.key)
            mapped.put(node, fact, own_triples(node, fact))
    known = curies(tables)
    for identifier in tables.of(Identifier):
        if not known.problem(identifier.record.curie):  # else there is no IRI for it
            _add(mapped.graph, identifier_triples(identifier.record, known))
    _map_claims(tables, mapped)
    for broken in tables.broken:
        _map_broken(broken.row, mapped)
    return mapped


def _map_broken(row: Row[Any], mapped: Mapped) -> None:
    """Map what could be read of a row whose node no other row has made."""
    node = _node(row)
    if node is None or node in mapped.origins:
        return
    if isinstance(row.record, VocabularyTerm):
        mapped.put(node, row, vocabulary_triples(node, row))
        return
    mapped.put(node, row, own_triples(node, row))
    if isinstance(row.record, Statement):
        mapped.graph.add((node, HER2.evidenceLine, _evidence_line(row)))
        mapped.graph.add((_evidence_line(row), RDF.type, HER2.EvidenceLine))


def _node(row: Row[Any]) -> URIRef | None:
    """Give the node of a row; none for a row without one, or whose id could not be read."""
    record = row.record
    if isinstance(record, Segment):
        return None if record.n is None else thing("segment", f"{row.source}-{record.key}")
    if isinstance(record, Reference):
        return None if record.number is None else thing("reference", f"{row.source}-{record.number}")
    slug = getattr(record, "id", None)
    kind = record.scheme if isinstance(record, VocabularyTerm) else record.TYPE
    if slug is None or kind is None:
        return None
    return thing(kind, f"{row.source}-{slug}" if kind in _OF_SOURCE else slug)


def _evidence_line(row: Row[Statement]) -> URIRef:
    return thing("evidence-line", f"{row.source}-{row.record.id}")


def _map_claims(tables: Tables, mapped: Mapped) -> None:
    """Map what belongs to a source."""
    for segment in tables.of(Segment):
        node = thing("segment", f"{segment.source}-{segment.record.key}")
        mapped.put(node, segment, own_triples(node, segment))
    for reference in tables.of(Reference):
        node = thing("reference", f"{reference.source}-{reference.record.number}")
        mapped.put(node, reference, reference_triples(node, reference))
    for arm in tables.of(TrialArm):
        node = thing("arm", arm.record.id)
        mapped.put(
            node, arm, [*entity_triples(node, arm), (thing("trial", arm.record.trial), HER2.arm, node)]
        )
    _map_statements(tables, mapped)
    for issue in tables.of(Issue):
        node = thing("issue", f"{issue.source}-{issue.record.id}")
        mapped.put(node, issue, passage_triples(node, issue))
    for contrast in tables.of(Contrast):
        node = thing("contrast", f"{contrast.source}-{contrast.record.id}")
        mapped.put(node, contrast, passage_triples(node, contrast))
    for difference in tables.of(Difference):
        node = thing("voice-difference", f"{difference.source}-{difference.record.id}")
        mapped.put(node, difference, own_triples(node, difference))
    segments = [(segment.source, segment.record) for segment in tables.of(Segment)]
    for figure in tables.of(Figure):
        _add(mapped.graph, figure_triples(figure, segments))


def _map_statements(tables: Tables, mapped: Mapped) -> None:
    """Map the statements with their measurements and spans."""
    results = defaultdict(list)
    for result in [*tables.of(Result), *tables.broken_of(Result)]:
        results[result.source, result.record.statement].append(result)
    depths = _depths(tables)
    for statement in tables.of(Statement):
        slug = f"{statement.source}-{statement.record.id}"
        node = thing("statement", slug)
        mapped.put(node, statement, statement_triples(node, statement, tables.sources[statement.source]))
        depth = depths.get(slug, tables.sources[statement.source].verification_depth)
        mapped.graph.add((node, HER2.verificationDepth, Literal(depth)))
    for statement in [*tables.of(Statement), *tables.broken_of(Statement)]:
        for result in results.pop((statement.source, statement.record.id), ()):
            if (measurement := _node(result)) and measurement not in mapped.origins:
                mapped.put(measurement, result, measurement_triples(measurement, result, statement))
    for orphans in results.values():  # their statement is not there, which is said where links are checked
        for result in orphans:
            _map_broken(result, mapped)
    for span in tables.of(Span):
        statement_node = thing("statement", f"{span.source}-{span.record.statement}")
        node = span_iri(span.source, span.record.start, span.record.end)
        mapped.put(node, span, span_triples(node, statement_node, span))


def _depths(tables: Tables) -> dict[str, str]:
    """Give how deep statements were verified: as far as their study was seen.

    A statement of the review counts as verified by a study that it is held against, if it cites any at all.
    """
    seen = {row.record.id: row.record.seen for row in tables.of(Study) if row.record.seen}
    citing = {f"{row.source}-{row.record.id}" for row in tables.of(Statement) if row.record.references}
    depths: dict[str, str] = {}
    for row in tables.of(Statement):
        depth = seen.get(row.record.study or "")
        if depth is None:
            continue
        depths[f"{row.source}-{row.record.id}"] = depth
        for slug in citing & {name.split(":")[1] for name in row.record.compares_with}:
            depths[slug] = min(depth, depths.get(slug, depth), key=_DEPTHS.index)
    return depths


def _add(graph: Graph, triples: Iterable[Triple]) -> None:
    for triple in triples:
        graph.add(triple)


def reference_iri(cell: str, source: str, default: str = "") -> URIRef:
    """Give the IRI of what a cell names: ``type:slug``, or a bare slug of the one type allowed."""
    kind, slug = cell.split(":") if ":" in cell else (default, cell)
    if kind in _OF_SOURCE and ":" not in cell:
        slug = f"{source}-{slug}"
    return thing(kind, slug)


def span_iri(source: str, start: int, end: int) -> URIRef:
    """Give the IRI of a span; statements that rest on the same words share it."""
    return thing("span", f"{source}-{start}-{end}")


def own_triples(node: URIRef, row: Row[Any]) -> Iterator[Triple]:
    """Give a node's class and the triples of its simple fields."""
    record: Record = row.record
    if record.CLASS:
        yield node, RDF.type, HER2[record.CLASS]
    if row.source and record.TYPE in _OF_SOURCE:
        yield node, HER2.source, thing("source", row.source)
    for name, info in type(record).model_fields.items():
        what = column(info)
        if not what.prop:
            continue
        value = getattr(record, name)
        for item in value if isinstance(value, tuple) else (value,):
            if item is not None:
                yield node, term(what.prop), _object(item, what.refs, what.lang, name, row.source)


def _object(value: Any, refs: tuple[str, ...], lang: str, name: str, source: str) -> URIRef | Literal:
    if name == "references":
        return thing("reference", f"{source}-{value}")
    if refs:
        return reference_iri(value, source, refs[0])
    if isinstance(value, Token) and value.scheme() != "segment-kind":
        return token(value)
    return literal(value, lang)


def literal(value: Any, lang: str = "") -> Literal:
    """Give a literal in a plain type and canonical form, since engines rewrite others.

    >>> literal(Decimal("5.10"))
    rdflib.term.Literal('5.1', datatype=rdflib.term.URIRef('http://www.w3.org/2001/XMLSchema#decimal'))
    """
    if lang:
        return Literal(value, lang=lang)
    if isinstance(value, Decimal):
        return Literal(f"{value.normalize():f}", datatype=XSD.decimal)
    if isinstance(value, str):
        return Literal(str(value))
    return Literal(value)


def source_triples(document: SourceDocument) -> Iterator[Triple]:
    """Describe a source document by what is known without its text."""
    node = thing("source", document.id)
    yield node, RDF.type, HER2.SourceDocument
    yield node, RDFS.label, Literal(document.label_en, lang="en")
    yield node, RDFS.label, Literal(document.label_zh, lang="zh")
    yield node, DCTERMS.language, Literal(document.language)
    yield node, HER2.voice, token(document.voice)
    if document.sha256:
        yield node, HER2.sha256, Literal(document.sha256)


def vocabulary_triples(node: URIRef, row: Row[VocabularyTerm]) -> Iterator[Triple]:
    """Describe a vocabulary term, which is a SKOS concept of its scheme."""
    name = "".join(part.capitalize() for part in row.record.scheme.split("-"))
    yield (
        node,
        RDF.type,
        HER2["EvidenceSetting" if name == "Setting" else "TrialPhase" if name == "Phase" else name],
    )
    yield node, RDF.type, SKOS.Concept
    yield node, SKOS.inScheme, scheme(row.record.scheme)
    yield scheme(row.record.scheme), RDF.type, SKOS.ConceptScheme
    yield from own_triples(node, row)


def entity_triples(node: URIRef, row: Row[Any]) -> Iterator[Triple]:
    """Describe an entity; one that is class and individual gets its class view too."""
    record = row.record
    root = KIND_CLASSES[record.kind] if isinstance(record, Alteration) else record.ROOT
    if root:
        yield node, RDF.type, OWL.Class
        yield node, RDF.type, OWL.NamedIndividual
        yield node, RDFS.subClassOf, HER2[root]
    yield from own_triples(node, row)


def identifier_triples(record: Identifier, known: Curies) -> Iterator[Triple]:
    """Give an identifier of another database as text to look for and as a link that says how far it fits."""
    named = reference_iri(record.entity, "")
    yield named, term(record.predicate), URIRef(known.iri(record.curie))
    # Whoever looks for a wider thing by its identifier does not look for ours.
    if record.predicate is not Match.BROAD:
        yield named, DCTERMS.identifier, Literal(record.curie)


def reference_triples(node: URIRef, row: Row[Reference]) -> Iterator[Triple]:
    """Describe a reference number, which is all that is known of it unless a study was verified."""
    yield from own_triples(node, row)
    yield node, RDFS.label, Literal(f"reference {row.record.number}", lang="en")
    yield node, RDFS.label, Literal(f"参考文献{row.record.number}", lang="zh")
    for study in row.record.possible_studies:
        yield thing("study", study), HER2.possiblyCitedAs, node


def statement_triples(node: URIRef, row: Row[Statement], document: SourceDocument) -> Iterator[Triple]:
    """Describe a claim: the proposition that it states, who says it, and its line of evidence."""
    record = row.record
    stated = proposition(record.kind, record.subject, record.predicate, record.object, record.disease)
    line = _evidence_line(row)
    yield from own_triples(node, row)
    yield node, HER2.states, stated
    yield from proposition_triples(stated, record)
    yield node, HER2.voice, token(document.voice)
    yield node, HER2.curatedBy, Literal(document.curated_by)
    yield node, HER2.curatedOn, Literal(document.curated_on)
    yield node, HER2.setting, token(record.setting)
    yield node, HER2.evidenceLine, line
    yield line, RDF.type, HER2.EvidenceLine
    yield line, HER2.setting, token(record.setting)


def proposition_triples(node: URIRef, record: Statement) -> Iterator[Triple]:
    """Describe what may be true, shared by all who state it."""
    yield node, RDF.type, HER2[_PROPOSITIONS[record.kind]]
    yield node, RDF.type, HER2.Proposition
    yield node, HER2.kind, token(record.kind)
    yield node, HER2.subject, reference_iri(record.subject, "")
    yield node, HER2.predicate, thing("predicate", record.predicate)
    if record.object:
        yield node, HER2.object, reference_iri(record.object, "")
    if record.disease:
        yield node, HER2.disease, thing("disease", record.disease)


_PROPOSITIONS = {
    "therapeutic-response": "TherapeuticResponseProposition",
    "prognosis": "PrognosticProposition",
    "frequency": "FrequencyProposition",
    "resistance": "ResistanceProposition",
    "cooccurrence": "CooccurrenceProposition",
    "clinical-feature": "ClinicalFeatureProposition",
    "signalling": "SignallingProposition",
    "oncogenic-effect": "OncogenicEffectProposition",
    "assay-concordance": "AssayConcordanceProposition",
    "assay-threshold": "AssayThresholdProposition",
    "drug-property": "DrugPropertyProposition",
    "trial-design": "TrialDesignProposition",
    "recommendation": "RecommendationProposition",
    "limitation": "LimitationProposition",
    "history": "HistoryProposition",
    "epidemiology": "EpidemiologyProposition",
}


def measurement_triples(node: URIRef, row: Row[Result], statement: Row[Statement]) -> Iterator[Triple]:
    """Describe a figure; figures of one group of a statement share a study result."""
    group = row.record.group or statement.record.population
    slug = f"{row.source}-{row.record.statement}"
    result = thing("study-result", f"{slug}_{row.record.group}" if row.record.group else slug)
    yield thing("evidence-line", slug), HER2.studyResult, result
    yield result, RDF.type, HER2.StudyResult
    yield result, HER2.measurement, node
    if statement.record.trial:
        yield result, HER2.trial, thing("trial", statement.record.trial)
    if group:
        yield result, HER2.population, thing("population", group)
    yield from own_triples(node, row)


def span_triples(node: URIRef, statement: URIRef, row: Row[Span]) -> Iterator[Triple]:
    """Address the words that a statement rests on."""
    record = row.record
    yield statement, HER2.span, node
    yield from _span(node, row.source, record.segment, record.start, record.end)
    yield node, HER2.sha256, Literal(record.sha256)


def _span(node: URIRef, source: str, segment: int, start: int, end: int) -> Iterator[Triple]:
    yield node, RDF.type, HER2.TextSpan
    yield node, HER2.segment, thing("segment", f"{source}-{segment:03d}")
    yield node, HER2.startOffset, Literal(start)
    yield node, HER2.endOffset, Literal(end)


def passage_triples(node: URIRef, row: Row[Issue] | Row[Contrast]) -> Iterator[Triple]:
    """Describe what the curator says of a passage, beside the claims that keep what is printed."""
    record = row.record
    span = span_iri(row.source, record.start, record.end)
    yield from own_triples(node, row)
    yield node, HER2.voice, token(Voice.CURATOR)
    yield node, HER2.segment, thing("segment", f"{row.source}-{record.segment:03d}")
    yield node, HER2.span, span
    yield from _span(span, row.source, record.segment, record.start, record.end)
    yield span, HER2.sha256, Literal(record.sha256)


def figure_triples(row: Row[Figure], segments: list[tuple[str, Segment]]) -> Iterator[Triple]:
    """Link a measurement or a population size to the place where its figure is printed."""
    record = row.record
    for target in record.targets:
        if not target.startswith(("measurement:", "population:", "criterion:")):
            continue
        kind, slug = target.split(":")
        node = thing(kind, f"{row.source}-{slug}" if kind == "measurement" else slug)
        span = span_iri(row.source, record.start, record.end)
        yield node, HER2.span, span
        for source, segment in segments:
            if source == row.source and segment.start <= record.start < segment.end:
                yield from _span(span, row.source, segment.n, record.start, record.end)
