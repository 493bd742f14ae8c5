"""Describe the graph in the graph: VoID counts, DCAT and schema.org, files, and the questions as queries.

The questions stand here, and not beside the service, so that whoever has a file of the build has them too,
and so that the ones that are served are those that were built with the data.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING
from urllib.parse import quote

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, OWL, RDF, RDFS, SDO, SH, VOID, XSD

from her2kg.model.layout import DATA_FILES, DISTRIBUTIONS, FILES
from her2kg.model.namespaces import (
    BASE,
    DATASET,
    DEFAULT_GRAPHS,
    ENDPOINT,
    GRAPHS,
    HER2,
    ONTOLOGY,
    PREFIXES,
    download,
    thing,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from rdflib.term import Node

    from her2kg.model.queries import Query

    Triple = tuple[Node, Node, Node]

LICENCE = URIRef("https://creativecommons.org/licenses/by/4.0/")
_NAME = {
    "en": "her2kg: HER2 in non-small-cell lung cancer, claim by claim",
    "zh": "her2kg：HER2与非小细胞肺癌，逐条论断",
}
# No schema:variableMeasured: the data tell what others measured.
_DESCRIPTION = {
    "en": "What a Chinese review says about HER2 (ERBB2) in non-small-cell lung cancer, and what the "
    "abstracts of the studies that it cites say: every claim with its direction, its figures as printed, its "
    "population, assay and references, and the place in the source where it is said. Claims that contradict "
    "each other are linked. It says what a review says and is not medical advice.",
    "zh": "一篇中文综述关于非小细胞肺癌中HER2（ERBB2）的论断，以及其所引研究的摘要所述："
    "每条论断均附方向、原样数值、人群、检测方法、参考文献及其在来源中的位置；"
    "相互矛盾的论断彼此相连。所载为综述的说法，并非医疗建议。",
}
_KEYWORDS = (
    {"en": "HER2", "zh": "人表皮生长因子受体2"},
    {"en": "ERBB2"},
    {"en": "non-small-cell lung cancer", "zh": "非小细胞肺癌"},
    {"en": "knowledge graph", "zh": "知识图谱"},
    {"en": "RDF"},
    {"en": "SPARQL"},
)


def describe(
    graphs: Mapping[str, Graph],
    questions: Iterable[Query],
    version: str,
    modified: date,
    prefixes: Mapping[str, str],
) -> Graph:
    """Give the metadata graph: what is there, how much, under which licence, and what can be asked."""
    described = Graph()
    for triples in (
        _dataset(version, modified),
        _sources(graphs["asserted"]),
        _files(),
        _graphs(graphs),
        _partitions(graphs, prefixes),
        _questions(questions),
        _prefixes(prefixes),
    ):
        for triple in triples:
            described.add(triple)
    return described


def _dataset(version: str, modified: date) -> Iterator[Triple]:
    """Say what the data are, in the words of VoID, DCAT and schema.org."""
    creator = thing("agent", "her2kg-contributors")
    yield creator, RDF.type, SDO.Organization
    yield creator, SDO.name, Literal("her2kg contributors")
    said: tuple[tuple[tuple[URIRef, ...], Iterable[Node]], ...] = (
        ((RDF.type,), (VOID.Dataset, DCAT.Dataset, SDO.Dataset)),
        ((DCTERMS.title, SDO.name), _texts(_NAME)),
        ((DCTERMS.description, SDO.description), _texts(_DESCRIPTION)),
        ((DCAT.keyword, SDO.keywords), (word for words in _KEYWORDS for word in _texts(words))),
        ((DCTERMS.creator, SDO.creator), (creator,)),
        ((DCTERMS.license, SDO.license), (LICENCE,)),
        ((OWL.versionInfo, SDO.version), (Literal(version),)),
        ((DCTERMS.modified, SDO.dateModified), (Literal(modified),)),
        ((DCAT.landingPage, SDO.url), (URIRef(BASE),)),
        ((SDO.identifier,), (DATASET,)),
        ((SDO.inLanguage,), map(Literal, _NAME)),
        ((VOID.vocabulary,), (ONTOLOGY,)),
        ((VOID.uriSpace,), (Literal(BASE),)),
        ((VOID.sparqlEndpoint,), (ENDPOINT,)),
    )
    for properties, values in said:
        for value in values:
            for prop in properties:
                yield DATASET, prop, value
    yield ENDPOINT, RDF.type, DCAT.DataService
    yield ENDPOINT, DCAT.endpointURL, ENDPOINT
    yield ENDPOINT, DCAT.servesDataset, DATASET


def _texts(said: Mapping[str, str]) -> Iterator[Node]:
    for language, words in said.items():
        yield Literal(words, lang=language)


def _sources(asserted: Graph) -> Iterator[Triple]:
    """Say on whose words the data are based."""
    for source in asserted.subjects(RDF.type, HER2.SourceDocument):
        yield DATASET, DCTERMS.source, source
        yield DATASET, SDO.isBasedOn, source
        yield source, RDF.type, SDO.CreativeWork
        for label in asserted.objects(source, RDFS.label):
            yield source, SDO.name, label


def _files() -> Iterator[Triple]:
    """Say which files there are, in which format, and where."""
    for name in DISTRIBUTIONS:
        media_type = FILES[name]
        node = thing("distribution", name.replace(".", "-"))
        yield DATASET, DCAT.distribution, node
        yield node, RDF.type, DCAT.Distribution
        yield node, DCTERMS.title, Literal(name)
        yield node, DCAT.mediaType, URIRef(f"https://www.iana.org/assignments/media-types/{media_type}")
        yield node, DCAT.downloadURL, download(name)
        yield DATASET, SDO.distribution, node
        yield node, RDF.type, SDO.DataDownload
        yield node, SDO.name, Literal(name)
        yield node, SDO.encodingFormat, Literal(media_type)
        yield node, SDO.contentUrl, download(name)
        if name in DATA_FILES.values():
            yield DATASET, VOID.dataDump, download(name)


def _graphs(graphs: Mapping[str, Graph]) -> Iterator[Triple]:
    """Count each named graph."""
    for name, graph in sorted(graphs.items()):
        yield DATASET, VOID.subset, GRAPHS[name]
        yield GRAPHS[name], RDF.type, VOID.Dataset
        yield GRAPHS[name], VOID.triples, Literal(len(graph))
    yield GRAPHS["asserted"], VOID.entities, Literal(len(set(graphs["asserted"].subjects())))


def _partitions(graphs: Mapping[str, Graph], prefixes: Mapping[str, str]) -> Iterator[Triple]:
    """Count what is served when no graph is named: members of classes, triples of properties, by class."""
    triples = {triple for name, graph in graphs.items() if GRAPHS[name] in DEFAULT_GRAPHS for triple in graph}
    classes: defaultdict[Node, set[Node]] = defaultdict(set)
    for subject, prop, value in triples:
        if prop == RDF.type:
            classes[subject].add(value)
    members = Counter(kind for kinds in classes.values() for kind in kinds)
    properties = Counter(prop for _, prop, _ in triples)
    of_class = Counter((kind, prop) for subject, prop, _ in triples for kind in classes.get(subject, ()))
    yield DATASET, VOID.triples, Literal(len(triples))
    yield DATASET, VOID.distinctSubjects, Literal(len({subject for subject, _, _ in triples}))
    yield DATASET, VOID.distinctObjects, Literal(len({value for _, _, value in triples}))
    yield DATASET, VOID.classes, Literal(len(members))
    yield DATASET, VOID.properties, Literal(len(properties))
    short = {node: _short(str(node), prefixes) for node in (*members, *properties)}
    for kind, count in members.items():
        part = thing("class-partition", short[kind])
        yield DATASET, VOID.classPartition, part
        yield part, RDF.type, VOID.Dataset
        yield part, VOID["class"], kind
        yield part, VOID.entities, Literal(count)
    for prop, count in properties.items():
        yield from _property(DATASET, thing("property-partition", short[prop]), prop, count)
    for (kind, prop), count in of_class.items():
        part = thing("class-partition", short[kind])
        yield from _property(part, URIRef(f"{part}/{short[prop]}"), prop, count)


def _property(of: URIRef, part: URIRef, prop: Node, count: int) -> Iterator[Triple]:
    yield of, VOID.propertyPartition, part
    yield part, RDF.type, VOID.Dataset
    yield part, VOID.property, prop
    yield part, VOID.triples, Literal(count)


def _short(iri: str, prefixes: Mapping[str, str]) -> str:
    """Give a name for an IRI that can stand in another."""
    for prefix, namespace in prefixes.items():
        if iri.startswith(namespace) and "/" not in (name := iri.removeprefix(namespace)):
            return f"{prefix}-{name}"
    return quote(iri, safe="")


def _questions(questions: Iterable[Query]) -> Iterator[Triple]:
    """Say what can be asked, as queries that run as they stand, in the way of the SIB examples."""
    for query in questions:
        node = thing("question", query.name)
        texts = (RDFS.label, query.question), (RDFS.comment, query.summary)
        yield DATASET, VOID.exampleResource, node
        yield node, RDF.type, SH.SPARQLExecutable
        yield node, RDF.type, SH.SPARQLSelectExecutable
        yield node, SH.select, Literal(query.text)
        yield node, SH.prefixes, PREFIXES
        yield node, SDO.target, ENDPOINT
        yield node, DCTERMS.identifier, Literal(query.name)
        for prop, said in texts:
            for text in _texts(said):
                yield node, prop, text
        for tag in query.tags:
            yield node, SDO.keywords, Literal(tag)


def _prefixes(prefixes: Mapping[str, str]) -> Iterator[Triple]:
    for name, namespace in prefixes.items():
        node = thing("prefix", name)
        yield PREFIXES, SH.declare, node
        yield node, RDF.type, SH.PrefixDeclaration
        yield node, SH.prefix, Literal(name)
        yield node, SH.namespace, Literal(namespace, datatype=XSD.anyURI)
