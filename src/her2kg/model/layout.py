"""What a build folder holds: the contract between the code that writes it and the code that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from her2kg.sparql.formats import GRAPH_FORMATS, RESULT_FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The data in every format of graphs, by the short name of the format. Formats without named graphs hold the
#: default graph (ontology, asserted and inferred triples), the others each named graph, metadata too.
DATA_FILES: Mapping[str, str] = {name: f"her2kg.{known.ending}" for name, known in GRAPH_FORMATS.items()}
#: The default graph, and the named graphs, in the formats that are read fastest.
DEFAULT_GRAPH = DATA_FILES["nt"]
DATASET = DATA_FILES["nq"]

#: The modules of the ontology, each importable by itself, and the formats in which each is written.
ONTOLOGY_MODULES = ("ontology", "ontology-base", "ontology-inferred")
MODULE_FORMATS = ("rdf", "ttl", "nt")


def module_file(module: str, kind: str) -> str:
    """Name the file of a module of the ontology in one of its formats.

    >>> module_file("ontology-base", "rdf")
    'ontology-base.rdf'
    """
    return f"{module}.{GRAPH_FORMATS[kind].ending}"


#: Mappings to the terms of others, in SSSOM.
ALIGNMENTS = "alignments.sssom.tsv"
#: The JSON-LD context of our names, and the record of our preferred prefix.
CONTEXT = "context.jsonld"
PREFIX_RECORD = "prefix.json"
#: What the build found and made, for programs.
REPORT = "report.json"
#: SHA-256 of every other file of a build.
CHECKSUMS = "checksums.txt"

#: Every file of a build with its media type.
FILES: Mapping[str, str] = {
    **{name: GRAPH_FORMATS[kind].media_type for kind, name in DATA_FILES.items()},
    **{
        module_file(module, kind): GRAPH_FORMATS[kind].media_type
        for module in ONTOLOGY_MODULES
        for kind in MODULE_FORMATS
    },
    ALIGNMENTS: RESULT_FORMATS["tsv"].media_type,
    CONTEXT: GRAPH_FORMATS["jsonld"].media_type,
    PREFIX_RECORD: "application/json",
    REPORT: "application/json",
    CHECKSUMS: "text/plain",
}
#: Those that the description of the data offers; the modules have addresses of their own.
DISTRIBUTIONS = (*DATA_FILES.values(), ALIGNMENTS, CONTEXT, PREFIX_RECORD)
