"""The JSON-LD context and the record of the preferred prefix: standard readers take both."""

from __future__ import annotations

import importlib
import json
import re
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox
import pytest
from pyld import jsonld
from rdflib import Dataset, Graph, Literal
from rdflib.compare import isomorphic
from rdflib.namespace import OWL, RDF, VANN

from her2kg.graph.build import read_ontology
from her2kg.graph.write.export import artefacts
from her2kg.graph.write.jsonld_context import documents
from her2kg.model.layout import CONTEXT, PREFIX_RECORD
from her2kg.model.namespaces import GRAPHS, HER2, ONTOLOGY, prefixes, thing
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def written() -> dict[str, bytes]:
    return documents(read_ontology(ROOT), prefixes(ROOT))


@pytest.fixture(scope="module")
def context(written: dict[str, bytes]) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(written[CONTEXT])
    return said


@pytest.fixture(scope="module")
def exported(sample_graphs: dict[str, Graph]) -> dict[str, bytes]:
    return artefacts(sample_graphs, prefixes(ROOT))


@pytest.fixture(scope="module")
def compact(exported: dict[str, bytes], context: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = jsonld.compact(json.loads(exported["her2kg.jsonld"]), context)
    return said


def nodes(compact: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the nodes of the asserted graph by their id."""
    (asserted,) = (part for part in compact["@graph"] if part["id"] == "graph:asserted")
    return {node["id"]: node for node in asserted["@graph"]}


def canonical(text: str, kind: ox.RdfFormat) -> ox.Dataset:
    found = ox.Dataset(ox.parse(text, format=kind))
    found.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return found


def test_sample_compacts_and_expands_to_the_same_quads(
    exported: dict[str, bytes], compact: dict[str, Any]
) -> None:
    back = jsonld.to_rdf(compact, {"format": "application/n-quads"})
    quads = exported["her2kg.nq"].decode()
    assert canonical(back, ox.RdfFormat.N_QUADS) == canonical(quads, ox.RdfFormat.N_QUADS)


def test_other_readers_expand_the_compact_form_too(
    compact: dict[str, Any], sample_graphs: dict[str, Graph]
) -> None:
    dataset = Dataset()
    dataset.parse(data=json.dumps(compact), format="json-ld")
    for name, graph in sample_graphs.items():
        assert isomorphic(dataset.graph(GRAPHS[name]), graph), name


def test_compact_form_has_short_names_plain_values_and_language_maps(compact: dict[str, Any]) -> None:
    gene = nodes(compact)["gene:erbb2"]
    assert gene["rdf:type"] == "her2:Gene"
    assert set(gene["label"]) == {"en", "zh"}
    assert gene["her2:geneSymbol"] == "ERBB2"
    statement = nodes(compact)["statement:sample-review-010-afatinib-response"]
    assert statement["her2:direction"] == "direction:supports"
    measurement = nodes(compact)["measurement:sample-review-010-afatinib-response-pfs"]
    assert isinstance(measurement["her2:value"], str)


def test_no_full_iri_of_ours_is_left(compact: dict[str, Any]) -> None:
    text = json.dumps(compact["@graph"])
    # A vocabulary as a whole is no member of its own namespace.
    assert {
        iri for iri in re.findall(r'"(https://w3id\.org/her2kg/id/[^"]+)"', text) if "/" in iri[29:]
    } == set()
    assert re.findall(r"https://w3id\.org/her2kg/ontology#\w+", text) == []


def test_every_property_has_its_type_in_the_context(context: dict[str, Any]) -> None:
    ontology, said = read_ontology(ROOT), context["@context"]
    for prop in ontology.subjects(RDF.type, OWL.ObjectProperty):
        if str(prop).startswith(str(HER2._NS)):
            assert said[f"her2:{str(prop).rpartition('#')[2]}"]["@type"] == "@id"
    assert said["her2:value"]["@type"] == "http://www.w3.org/2001/XMLSchema#decimal"
    assert said["her2:reason"]["@container"] == "@language"
    assert "her2:geneSymbol" not in said


def test_prefixes_of_the_context_are_those_of_the_one_map(context: dict[str, Any]) -> None:
    plain = {name: iri for name, iri in context["@context"].items() if isinstance(iri, str)}
    assert plain == {"id": "@id", "type": "@type", **prefixes(ROOT)}


def test_terms_of_others_are_read_as_their_names_say(context: dict[str, Any]) -> None:
    document = {
        **context, "id": "gene:x", "type": "her2:Gene", "label": {"en": "x", "zh": "某"},
        "skos:exactMatch": "http://example.org/x", "her2:gene": "gene:erbb2",
    }  # fmt: skip
    read = Graph().parse(data=json.dumps(document), format="json-ld")
    assert (thing("gene", "x"), HER2.gene, thing("gene", "erbb2")) in read
    assert {text.language for text in read.objects() if isinstance(text, Literal)} == {"en", "zh"}
    assert len(read) == 5


def test_record_of_the_prefix_is_one_of_bioregistry(
    written: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYSTOW_HOME", str(tmp_path))
    bioregistry = importlib.import_module("bioregistry")
    ((name, said),) = json.loads(written[PREFIX_RECORD]).items()
    ontology = read_ontology(ROOT)
    assert Literal(name) == ontology.value(ONTOLOGY, VANN.preferredNamespacePrefix)
    record = bioregistry.Resource.model_validate(said)
    assert record.get_default_uri(said["example"]) == str(HER2.Statement)
    assert record.is_valid_identifier(said["example"])
    assert all(record.is_valid_identifier(term) for term in HER2.__annotations__ if not term.startswith("_"))
    assert bioregistry.normalize_prefix(name) is None, "the prefix is another's by now"


def test_both_files_are_in_the_build_and_the_same_each_time(built: Path, written: dict[str, bytes]) -> None:
    again = documents(read_ontology(ROOT), prefixes(ROOT))
    assert written == again
    # Mappings are no terms of their own, so those of the build change nothing.
    assert {name: (built / name).read_bytes() for name in written} == written
