"""Where our things stand among those of others: faults of the mappings, their triples, their SSSOM file.

SSSOM, the Simple Standard for Sharing Ontological Mappings (version 1.0), is TSV below a header of YAML.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import yaml
from rdflib import Graph, URIRef
from rdflib.namespace import DCTERMS, OWL, RDFS

from her2kg.errors import Fault
from her2kg.model.claims import Trial
from her2kg.model.curies import curies
from her2kg.model.namespaces import ALIGNMENTS, HER2, ONTOLOGY, term
from her2kg.model.records import ENTITIES, Alignment, Entity, Identifier, MappingRow, Prefix, VocabularyTerm
from her2kg.model.vocabulary import Match

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from her2kg.model.rows import Row, Tables

#: The slots of a mapping, in the order of the standard.
COLUMNS = (
    "subject_id", "subject_label", "predicate_id", "object_id", "object_label", "mapping_justification",
    "author_label", "mapping_date", "comment",
)  # fmt: skip


def _rows(tables: Tables) -> list[Row[Any]]:
    return [*tables.of(Identifier), *tables.of(Alignment)]


def check(tables: Tables) -> list[Fault]:
    """Find every mapping that leads nowhere or says of two things that they are one."""
    known = curies(tables)
    broken = {row.record.id for row in tables.broken_of(Prefix)}
    faults: list[Fault] = []
    exact: dict[tuple[str, str], Row[Any]] = {}
    for row in _rows(tables):
        record: MappingRow = row.record
        prefix = record.curie.partition(":")[0]
        if prefix in broken or Prefix.TYPE in tables.lost:
            continue  # the row of the prefix is to blame
        found = known.problem(record.curie)
        if found:
            faults.append(Fault(row.path, row.line, "curie", record.curie, *found))
            continue
        faults.extend(_of_record(row))
        if record.predicate is Match.EXACT:
            # One to one both ways: two of ours that are exactly one thing would be one.
            ends = ((record.entity, prefix), ("", known.iri(record.curie)))
            faults.extend(_taken(row, exact[end]) for end in ends if end in exact)
            exact.update(dict.fromkeys(ends, row))
    return faults


def _of_record(row: Row[Any]) -> Iterator[Fault]:
    record: MappingRow = row.record
    if isinstance(record, Alignment):
        name = record.entity.removeprefix("her2:")
        if name not in HER2.__annotations__ or name.startswith("_"):
            near = difflib.get_close_matches(name, HER2.__annotations__, 1)
            remedy = f"did you mean her2:{near[0]}?" if near else "declare it in ontology/her2kg.ttl"
            yield Fault(row.path, row.line, "entity", record.entity, "the ontology has no such term", remedy)
    if record.predicate is not Match.EXACT and not record.note:
        problem = f"is not exact, but no note says why ({record.predicate})"
        yield Fault(row.path, row.line, "note", "", problem, "say in what the other thing differs")


def _taken(row: Row[Any], other: Row[Any]) -> Fault:
    problem = (
        f"{other.record.entity} is exactly {other.record.curie} already in line {other.line} of {other.path}"
    )
    remedy = "an exact match is one to one: give another predicate to one of the two"
    return Fault(row.path, row.line, "predicate", f"{row.record.entity} {row.record.curie}", problem, remedy)


def of_terms(tables: Tables) -> Graph:
    """Give the mapping triples of our ontology's terms; those of the entities come with the entities."""
    known = curies(tables)
    graph = Graph()
    for row in tables.of(Alignment):
        record = row.record
        graph.add((term(record.entity), term(record.predicate), URIRef(known.iri(record.curie))))
    return graph


def sssom(tables: Tables, ontology: Graph, prefixes: Mapping[str, str]) -> bytes:
    """Write all mappings as one SSSOM file, sorted; the date of each is that of its row."""
    labels = _labels(tables, ontology)
    lines = sorted(_cells(row.record, labels) for row in _rows(tables))
    curie_map = {**prefixes, **{name: known.namespace for name, known in curies(tables).prefixes.items()}}
    used = {cells[column].partition(":")[0] for cells in lines for column in (0, 2, 3, 5)}
    header = {
        "curie_map": {name: curie_map[name] for name in sorted(used)},
        "mapping_set_id": str(ALIGNMENTS),
        "mapping_set_version": str(ontology.value(ONTOLOGY, OWL.versionInfo)),
        "mapping_set_title": "her2kg alignments",
        "mapping_set_description": "Terms and entities of her2kg mapped to those of other vocabularies.",
        "creator_label": sorted({row.record.curated_by for row in _rows(tables)}),
        "license": str(ontology.value(ONTOLOGY, DCTERMS.license)),
    }
    said = yaml.safe_dump(header, sort_keys=False, allow_unicode=True, width=10_000)
    above = "".join(f"#{line}\n" for line in said.splitlines())
    table = "".join("\t".join(cells) + "\n" for cells in [COLUMNS, *lines])
    return f"{above}{table}".encode()


def _cells(record: MappingRow, labels: Mapping[str, str]) -> tuple[str, ...]:
    seen = f"seen in {record.verified_in}"
    return (
        record.entity,
        labels[record.entity],
        str(record.predicate),
        record.curie,
        record.label or "",
        str(record.justification),
        record.curated_by,
        record.curated_on.isoformat(),
        f"{record.note}; {seen}" if record.note else seen,
    )


def _labels(tables: Tables, ontology: Graph) -> dict[str, str]:
    """Give the English labels of what can be mapped, by CURIE."""
    kinds: tuple[type[Entity], ...] = (*ENTITIES, Trial)
    labels = {
        f"{kind.TYPE}:{row.record.id}": row.record.label_en for kind in kinds for row in tables.of(kind)
    }
    for word in tables.of(VocabularyTerm):
        labels[f"{word.record.scheme}:{word.record.id}"] = word.record.label_en
    for alignment in tables.of(Alignment):
        name = alignment.record.entity
        said = (
            text for text in ontology.objects(term(name), RDFS.label) if getattr(text, "language", "") == "en"
        )
        labels[name] = str(next(said))
    return labels
