"""What is said in two places says the same: terms, tokens, columns, prefixes, shapes, queries, versions."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest
from rdflib import OWL, RDF, Graph, URIRef
from rdflib.namespace import SH

import her2kg
from her2kg.graph.build import version
from her2kg.graph.read import tables
from her2kg.graph.write import csvw
from her2kg.model import vocabulary
from her2kg.model.claims import SOURCE_TABLES
from her2kg.model.columns import Column, column
from her2kg.model.namespaces import HER2, prefixes, term
from her2kg.model.queries import read_query
from her2kg.model.records import SHARED_TABLES, Record, VocabularyTerm
from her2kg.model.vocabulary import AlterationKind, FigureClass, SegmentKind, Token
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from her2kg.sparql.store import Store

ONTOLOGY = Graph().parse(ROOT / "ontology" / "her2kg.ttl")
OWN = "https://w3id.org/her2kg/ontology#"
KINDS = (OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty)
QUERIES = [
    path
    for folder in ("queries", "ontology/checks", "ontology/rules")
    for path in sorted((ROOT / folder).rglob("*.rq"))
]
RULES = sorted((ROOT / "ontology" / "rules").glob("*.rq"))
RECORDS = (*SHARED_TABLES, *SOURCE_TABLES)


def _declared() -> set[str]:
    subjects = {subject for kind in KINDS for subject in ONTOLOGY.subjects(RDF.type, kind)}
    return {str(subject).removeprefix(OWN) for subject in subjects if str(subject).startswith(OWN)}


def test_namespace_in_code_and_ontology_declare_the_same_terms() -> None:
    assert set(HER2.__annotations__) - {"_fail", "_NS"} == _declared()


def test_misspelt_term_raises() -> None:
    with pytest.raises(AttributeError):
        _ = HER2.dirrection


def test_every_token_of_the_code_has_its_row_and_no_row_is_without_token() -> None:
    read = tables.read(ROOT / "data")
    rows = {(row.record.scheme, row.record.id): row.record.token for row in read.of(VocabularyTerm)}
    without_node = (SegmentKind, FigureClass, AlterationKind, Token)
    kinds = [
        kind
        for kind in vars(vocabulary).values()
        if isinstance(kind, type) and issubclass(kind, Token) and kind not in without_node
    ]
    tokens = {(kind.scheme(), member.slug): member.value for kind in kinds for member in kind}
    assert tokens == {key: token for key, token in rows.items() if key[0] != "predicate"}


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.TABLE)
def test_every_field_has_a_column_whose_property_is_declared(kind: type[Record]) -> None:
    for info in kind.model_fields.values():
        what = column(info)
        assert isinstance(what, Column)
        assert what.help
        if what.prop.startswith("her2:"):
            assert str(term(what.prop)).removeprefix(OWN) in _declared()


def test_tables_and_their_description_are_in_canonical_form() -> None:
    read = tables.read(ROOT / "data")
    assert read.faults == []
    assert tables.rewritten(ROOT / "data", read) == {}
    assert (ROOT / "data" / csvw.NAME).read_text(encoding="utf-8") == csvw.metadata(ROOT / "data")


def test_every_class_of_a_record_has_a_shape() -> None:
    shapes = Graph()
    for path in (ROOT / "ontology" / "shapes").glob("*.ttl"):
        shapes.parse(path)
    targets = set(shapes.objects(None, SH.targetClass))
    assert {HER2[kind.CLASS] for kind in RECORDS if kind.CLASS} <= targets
    paths = {path for path in shapes.objects(None, SH.path) if isinstance(path, URIRef)}
    own = {str(path).removeprefix(OWN) for path in paths if str(path).startswith(OWN)}
    assert own <= _declared()


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_prefixes_of_a_query_are_those_of_the_one_map_and_all_used(path: Path) -> None:
    known = prefixes(ROOT)
    text = path.read_text(encoding="utf-8")
    declared = dict(re.findall(r"^PREFIX ([\w-]+): <([^>]+)>$", text, re.MULTILINE))
    assert declared == {prefix: known[prefix] for prefix in declared}
    body = re.sub(r"^(PREFIX|#).*$", "", text, flags=re.MULTILINE)
    assert [prefix for prefix in declared if not re.search(rf"(?<![\w-]){prefix}:", body)] == []


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_every_constant_of_a_query_is_in_the_graph(store: Store, path: Path) -> None:
    text = re.sub(r'"[^"]*"', "", path.read_text(encoding="utf-8"))
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    known = prefixes(ROOT)
    body = re.sub(r"^PREFIX.*$", "", text, flags=re.MULTILINE)
    names = set(re.findall(r"(?<![\w-])([a-z][\w-]*):([A-Za-z][\w-]*)", body))
    derived = {"Conflict", "conflict"}
    for prefix, name in sorted(names):
        if prefix == "rule":
            # A working triple is made by one rule for another and not published.
            assert sum(f"rule:{name}" in other.read_text(encoding="utf-8") for other in RULES) > 1, name
            continue
        if prefix not in {"her2", *[p for p, n in known.items() if "/id/" in n]} or name in derived:
            continue
        iri = f"{known[prefix]}{name}"
        assert store.query(
            f"ASK {{ {{ <{iri}> ?p ?o }} UNION {{ ?s ?p <{iri}> }} UNION {{ ?s <{iri}> ?o }} }}"
        ), iri


@pytest.mark.parametrize("path", sorted((ROOT / "queries").rglob("*.rq")), ids=lambda path: path.stem)
def test_every_query_says_what_it_answers_in_both_languages(path: Path) -> None:
    found = read_query(path)
    # What only our own code asks has a summary; what people read has a question.
    own = path.parent.name in {"backend", "diff", "export", "lookups"}
    assert set(found.summary if own else found.question) == {"en", "zh"}


def test_sparql_stands_in_files_and_not_in_python() -> None:
    for folder in ("answer", "service", "graph", "model"):
        for path in sorted((ROOT / "src" / "her2kg" / folder).glob("*.py")):
            lines = path.read_text(encoding="utf-8").splitlines()
            queries = [
                line for line in lines if re.search(r"\b(SELECT|ASK|CONSTRUCT|DESCRIBE)\b[^\"]*\{", line)
            ]
            # A part of somebody's query is asked by itself; an example in a docstring asks nothing.
            asked = [
                line
                for line in queries
                if "{where}" not in line and "?a :p ?b" not in line and "ASK {}" not in line
            ]
            assert [line for line in asked if ">>>" not in line] == [], path


def test_foreign_terms_of_the_ontology_stand_in_the_list() -> None:
    listed = {
        line.split("\t")[0] for line in (ROOT / "ontology" / "terms.tsv").read_text("utf-8").splitlines()[1:]
    }
    used = {node for triple in ONTOLOGY for node in triple if isinstance(node, URIRef)}
    language = tuple(str(namespace) for namespace in (RDF, OWL, "http://www.w3.org/2000/01/rdf-schema#"))
    foreign = {
        str(node) for node in used
        if not str(node).startswith(("https://w3id.org/her2kg/", *language, "http://www.w3.org/2001/XMLSchema#"))
    }  # fmt: skip
    assert {iri for iri in foreign if not iri.startswith("https://creativecommons.org/")} <= listed


def test_one_version_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert her2kg.__version__ == project
    assert version(ONTOLOGY) == project
    assert f"version: {project}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    released = re.search(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert released
    assert released[1] == project


def test_no_file_names_a_registry_or_a_path_of_a_machine() -> None:
    hosts = [".".join(parts) for parts in (("pypi", "org"), ("registry", "npmjs"), ("files", "pythonhosted"))]
    for path in [
        # in a worktree of git, .git is a file that names the main one
        *(
            path
            for path in ROOT.glob("*.*")
            if path.is_file() and not path.name.startswith((".coverage", ".git"))
        ),
        ROOT / "Makefile",
        *ROOT.glob(".ci/*"),
        *ROOT.glob("src/**/*.py"),
    ]:
        text = path.read_text(encoding="utf-8")
        assert [host for host in hosts if host in text] == [], path
        assert re.search(r"(?<![\w.])/(home|work|root|Users)/", text) is None, path
