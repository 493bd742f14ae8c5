"""What is said of the data as a whole is true of what is served, and is where programs look for it."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from pyld import jsonld
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, OWL, RDF, RDFS, SDO, SH, VOID

from her2kg.answer.processes import pool_of_files
from her2kg.model.namespaces import BASE, DATASET, ENDPOINT, GRAPHS, HER2, PREFIXES, prefixes
from her2kg.model.queries import question_names
from her2kg.service.app import create_app
from her2kg.settings import Settings
from her2kg.sparql.engine import Engine
from her2kg.sparql.worker import Limits
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient

    from her2kg.sparql.pool import Pool

_BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
_NT = {"Accept": "application/n-triples"}


@pytest.fixture(scope="module")
def client(engine: Pool, built: Path) -> FlaskClient:
    return create_app(engine, Settings.read({"build": built}, {}), prefixes(ROOT)).test_client()


@pytest.fixture(scope="module")
def described(client: FlaskClient) -> Graph:
    """Give the description as it is served."""
    response = client.get("/.well-known/void", headers=_NT, follow_redirects=True)
    return Graph().parse(data=response.data, format="nt")


@pytest.fixture(scope="module")
def examples(client: FlaskClient) -> Graph:
    return Graph().parse(data=client.get("/.well-known/sparql-examples").data, format="turtle")


def _asked(client: FlaskClient, query: str) -> list[tuple[str, ...]]:
    response = client.post("/sparql", data={"query": query, "format": "csv"})
    assert response.status_code == 200, response.text
    return [tuple(row) for row in csv.reader(io.StringIO(response.text))][1:]


def _number(graph: Graph, node: Any, prop: URIRef) -> int:
    return int(str(graph.value(node, prop, any=False)))


# Counts -----------------------------------------------------------------------------------------------


def test_the_members_of_every_class_are_counted_as_they_are_served(
    client: FlaskClient, described: Graph
) -> None:
    said = {
        (str(described.value(part, VOID["class"], any=False)), str(_number(described, part, VOID.entities)))
        for part in described.objects(DATASET, VOID.classPartition)
    }
    assert said == set(_asked(client, "SELECT ?c (COUNT(DISTINCT ?s) AS ?n) { ?s a ?c } GROUP BY ?c"))
    assert len(said) == _number(described, DATASET, VOID.classes) > 80


def test_the_triples_of_every_property_are_counted_as_they_are_served(
    client: FlaskClient, described: Graph
) -> None:
    said = {
        (str(described.value(part, VOID.property, any=False)), str(_number(described, part, VOID.triples)))
        for part in described.objects(DATASET, VOID.propertyPartition)
    }
    assert said == set(_asked(client, "SELECT ?p (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?p"))
    assert len(said) == _number(described, DATASET, VOID.properties) > 150


def test_the_triples_of_every_property_of_every_class_are_counted_as_they_are_served(
    client: FlaskClient, described: Graph
) -> None:
    said = {
        (
            str(described.value(kind, VOID["class"], any=False)),
            str(described.value(part, VOID.property, any=False)),
            str(_number(described, part, VOID.triples)),
        )
        for kind in described.objects(DATASET, VOID.classPartition)
        for part in described.objects(kind, VOID.propertyPartition)
    }
    query = "SELECT ?c ?p (COUNT(*) AS ?n) { ?s a ?c ; ?p ?o } GROUP BY ?c ?p"
    assert said == set(_asked(client, query))


def test_the_size_of_the_data_is_that_of_what_is_served(client: FlaskClient, described: Graph) -> None:
    for prop, what in (
        (VOID.triples, "*"),
        (VOID.distinctSubjects, "DISTINCT ?s"),
        (VOID.distinctObjects, "DISTINCT ?o"),
    ):
        query = f"SELECT (COUNT({what}) AS ?n) {{ ?s ?p ?o }}"
        assert _asked(client, query) == [(str(_number(described, DATASET, prop)),)]
    for name in ("ontology", "asserted", "inferred"):
        query = f"SELECT (COUNT(*) AS ?n) {{ GRAPH <{GRAPHS[name]}> {{ ?s ?p ?o }} }}"
        assert _asked(client, query) == [(str(_number(described, GRAPHS[name], VOID.triples)),)]


# DCAT and schema.org ----------------------------------------------------------------------------------


def test_every_vocabulary_says_the_same_of_the_data(described: Graph) -> None:
    assert {VOID.Dataset, DCAT.Dataset, SDO.Dataset} <= set(described.objects(DATASET, RDF.type))
    for one, other in (
        (DCTERMS.title, SDO.name),
        (DCTERMS.description, SDO.description),
        (DCTERMS.license, SDO.license),
        (DCTERMS.creator, SDO.creator),
        (DCTERMS.modified, SDO.dateModified),
        (DCTERMS.source, SDO.isBasedOn),
        (OWL.versionInfo, SDO.version),
        (DCAT.keyword, SDO.keywords),
        (DCAT.distribution, SDO.distribution),
    ):
        assert set(described.objects(DATASET, one)) == set(described.objects(DATASET, other)) != set()
    for prop in (SDO.name, SDO.description):
        texts = [text for text in described.objects(DATASET, prop) if isinstance(text, Literal)]
        assert sorted(str(text.language) for text in texts) == ["en", "zh"]
    assert described.value(DATASET, VOID.sparqlEndpoint) == ENDPOINT


def test_the_data_are_based_on_the_sources_of_the_graph(client: FlaskClient, described: Graph) -> None:
    sources = _asked(client, f"SELECT ?s {{ ?s a <{HER2.SourceDocument}> }}")
    assert {(str(source),) for source in described.objects(DATASET, SDO.isBasedOn)} == set(sources)
    for source in described.objects(DATASET, SDO.isBasedOn):
        assert len(list(described.objects(source, SDO.name))) == 2


def test_every_file_of_the_description_is_to_be_had_as_what_it_is_said_to_be(
    client: FlaskClient, described: Graph, built: Path
) -> None:
    files = list(described.objects(DATASET, SDO.distribution))
    assert len(files) > 5
    for node in files:
        address = described.value(node, SDO.contentUrl, any=False)
        assert address == described.value(node, DCAT.downloadURL, any=False)
        with client.get(str(address).removeprefix(BASE.rstrip("/"))) as response:
            assert response.status_code == 200, address
            assert response.mimetype == str(described.value(node, SDO.encodingFormat))
            assert response.data == (built / str(described.value(node, SDO.name))).read_bytes()
    dumps = set(described.objects(DATASET, VOID.dataDump))
    assert dumps < {described.value(node, DCAT.downloadURL) for node in files}


@pytest.mark.parametrize("name", ["x.ttl", "nothing", ".ttl", "..%2Fher2kg.ttl", "%00.ttl", "checksums.txt"])
def test_only_files_of_the_build_are_to_be_had(client: FlaskClient, name: str) -> None:
    assert client.get(f"/download/{name}").status_code == 404


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_home_page_carries_the_description_as_data(
    client: FlaskClient, described: Graph, lang: str
) -> None:
    page = client.get(f"/?lang={lang}", base_url="https://kg.example.org/").text
    [(attributes, text)] = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    assert attributes == ' type="application/ld+json"'  # anything else the policy would stop
    said = json.loads(text)
    assert said["@type"] == "Dataset"
    assert said["url"] == "https://kg.example.org/"
    assert said["name"] == str(_in(described, SDO.name, lang))
    assert 50 <= len(said["description"]) <= 5000  # what Google's dataset search takes
    files = {file["name"]: urlsplit(file["contentUrl"]) for file in said["distribution"]}
    for name, address in files.items():
        assert (address.netloc, address.path) == ("kg.example.org", f"/download/{name}")
    read = Graph().parse(data=jsonld.to_rdf(said, {"format": "application/n-quads"}), format="nt")
    assert (DATASET, SDO.license, described.value(DATASET, SDO.license)) in read
    for prop in (SDO.isBasedOn, SDO.distribution, SDO.creator, SDO.identifier):
        assert set(read.objects(DATASET, prop)) == set(described.objects(DATASET, prop)), prop
    assert str(read.value(DATASET, SDO.version)) == str(described.value(DATASET, SDO.version))


def _in(graph: Graph, prop: URIRef, lang: str) -> Literal:
    texts = [text for text in graph.objects(DATASET, prop) if isinstance(text, Literal)]
    return next(text for text in texts if text.language == lang)


# Example queries --------------------------------------------------------------------------------------


def test_every_question_is_an_example_with_texts_and_keywords(examples: Graph) -> None:
    """As the examples of SIB have it: comment with its language, keywords, target, exactly one query."""
    nodes = set(examples.subjects(RDF.type, SH.SPARQLExecutable))
    assert sorted(str(examples.value(node, DCTERMS.identifier)) for node in nodes) == question_names(ROOT)
    for node in nodes:
        assert (node, RDF.type, SH.SPARQLSelectExecutable) in examples
        assert len(list(examples.objects(node, SH.select))) == 1
        for prop in (RDFS.label, RDFS.comment):
            texts = [text for text in examples.objects(node, prop) if isinstance(text, Literal)]
            assert sorted(str(text.language) for text in texts) == ["en", "zh"], node
        assert set(examples.objects(node, SDO.keywords))
        assert set(examples.objects(node, SDO.target)) == {ENDPOINT}
        assert set(examples.objects(node, SH.prefixes)) == {PREFIXES}


@pytest.mark.parametrize("name", question_names(ROOT))
def test_every_example_runs_as_it_is_served_and_after_its_prefixes(
    client: FlaskClient, examples: Graph, name: str
) -> None:
    node = examples.value(None, DCTERMS.identifier, Literal(name), any=False)
    text = str(examples.value(node, SH.select, any=False))
    rows = _asked(client, text)
    assert rows
    declared = "".join(
        f"PREFIX {examples.value(prefix, SH.prefix)}: <{examples.value(prefix, SH.namespace)}>\n"
        for prefix in examples.objects(PREFIXES, SH.declare)
    )
    assert _asked(client, declared + text) == rows
    bare = re.sub(r"^PREFIX .*\n", "", text, flags=re.MULTILINE)
    assert _asked(client, declared + bare) == rows


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("", "text/turtle"),
        ("*/*", "text/turtle"),
        ("application/ld+json", "application/ld+json"),
        ("application/rdf+xml", "application/rdf+xml"),
        ("application/n-triples", "application/n-triples"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
    ],
)
def test_the_examples_come_as_they_are_asked_for(
    client: FlaskClient, examples: Graph, accept: str, mimetype: str
) -> None:
    response = client.get("/.well-known/sparql-examples", headers={"Accept": accept} if accept else {})
    assert (response.status_code, response.mimetype) == (200, mimetype)
    if mimetype != "text/html":
        assert len(
            set(Engine.from_text(response.text, mimetype).text("application/n-triples").splitlines())
        ) == len(examples)
        again = client.get(
            "/.well-known/sparql-examples",
            headers={"Accept": accept, "If-None-Match": response.headers["ETag"]},
        )
        assert again.status_code == 304


@pytest.mark.parametrize(("lang", "said"), [("en", "Which drugs"), ("zh", "涉及哪些药物")])
def test_the_page_of_the_examples_shows_every_query(client: FlaskClient, lang: str, said: str) -> None:
    page = client.get(f"/.well-known/sparql-examples?lang={lang}", headers=_BROWSER).text
    assert page.count("<pre>") == len(question_names(ROOT))
    assert said in page
    assert f'href="/questions/drugs{"?lang=zh" if lang == "zh" else ""}"' in page


# Places -----------------------------------------------------------------------------------------------


def test_every_iri_of_the_description_leads_somewhere(client: FlaskClient, described: Graph) -> None:
    ours = {
        node for triple in described for node in triple
        if isinstance(node, URIRef) and node.startswith(BASE) and not node.startswith(str(HER2._NS))
    }  # fmt: skip
    kinds = [node for node in sorted(ours) if "/id/class-partition/" not in node][::7]
    for node in [*kinds, *sorted(ours)[::97], DATASET, PREFIXES, ENDPOINT]:
        path = str(node).removeprefix(BASE.rstrip("/")) or "/"
        with client.get(path, headers={"Accept": "text/turtle, */*;q=0.1"}) as response:
            assert response.status_code in {200, 303}, node
            target = response.headers.get("Location", path)
        with client.get(target, headers={"Accept": "text/turtle, */*;q=0.1"}) as response:
            assert response.status_code == 200, node


def test_a_browser_is_led_from_the_data_to_their_page(client: FlaskClient) -> None:
    response = client.get("/dataset", headers=_BROWSER)
    assert (response.status_code, response.headers["Location"]) == (303, "/")


@pytest.mark.slow
def test_of_files_of_the_users_own_nothing_is_described(tmp_path: Path) -> None:
    file = tmp_path / "own.ttl"
    file.write_text("<urn:a> <urn:b> <urn:c> .", encoding="utf-8")
    with pool_of_files([file], Limits()) as engine:
        own = create_app(engine, Settings.read({}, {}), built=False).test_client()
        for path in ("/.well-known/sparql-examples", "/download/her2kg.ttl"):
            assert own.get(path).status_code == 404
        assert "ld+json" not in own.get("/").text
