"""Released IRIs stay: listed, guarded, deprecated only with a successor."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from rdflib import OWL, URIRef

from her2kg.cli import main
from her2kg.errors import NotConformError
from her2kg.graph import release
from her2kg.graph.build import read_ontology, releasable, write_released
from her2kg.graph.make.mapping import map_tables
from her2kg.graph.read.tables import read
from her2kg.model.claims import Reference, Trial, TrialArm
from her2kg.model.namespaces import HER2, ONTOLOGY, scheme, thing
from her2kg.model.queries import read_query
from her2kg.model.records import ENTITIES, VocabularyTerm
from tests.conftest import ROOT
from tests.editing import add_row, keep_rows

if TYPE_CHECKING:
    from pathlib import Path

    from her2kg.model.records import Entity

pytestmark = pytest.mark.slow

RELEASED = ROOT / "ontology" / "released.txt"
SUCCESSOR = thing("drug", "afatinib")


@pytest.fixture
def home(sample_home: Path) -> Path:
    """Give a sample home with an ontology folder of its own and without a list."""
    (sample_home / "ontology").unlink()
    shutil.copytree(ROOT / "ontology", sample_home / "ontology")
    (sample_home / "ontology" / "released.txt").unlink()
    return sample_home


def _deprecate(home: Path, iri: URIRef, text: str) -> None:
    with (home / "ontology" / "her2kg.ttl").open("a", encoding="utf-8") as file:
        file.write(f"\n{iri.n3()} owl:deprecated true ; {text} .\n")


def _problems(home: Path) -> list[str]:
    with pytest.raises(NotConformError) as caught:
        releasable(home)
    return [str(fault) for fault in caught.value.faults]


def _build(home: Path, *words: str) -> Result:
    return CliRunner(env={"HER2KG_HOME": str(home)}).invoke(main, ["build", *words])


# The list of this project ----------------------------------------------------------------------------


def test_no_released_iri_is_gone() -> None:
    graph = read_ontology(ROOT) + map_tables(read(ROOT / "data")).graph
    there = release.listed(graph, read_query(ROOT / "queries" / "diff" / "terms.rq"))
    assert [str(fault) for fault in release.faults(release.read(RELEASED), graph, there)] == []


def test_list_is_in_its_canonical_form() -> None:
    iris = release.read(RELEASED)
    assert all(
        re.fullmatch(r"https://w3id\.org/her2kg/(ontology#\w+|id/[a-z-]+(/[\w.-]+)?)", iri) for iri in iris
    )
    assert release.written(iris) == RELEASED.read_text("utf-8")


def test_list_holds_every_kind_of_term_and_no_claim() -> None:
    iris = release.read(RELEASED)
    assert {str(HER2.Statement), str(HER2.direction), str(thing("gene", "erbb2"))} <= set(iris)
    assert {str(scheme("direction")), str(thing("direction", "no-effect"))} <= set(iris)
    comes_and_goes = (
        r"/id/(statement|measurement|span|segment|issue|contrast|conflict|inference|proposition)/"
    )
    assert [iri for iri in iris if re.search(comes_and_goes, iri)] == []


# What a release promises -----------------------------------------------------------------------------


def test_every_term_and_entity_of_the_tables_is_promised(home: Path) -> None:
    promised = set(releasable(home))
    tables = read(home / "data")
    kinds: tuple[type[Entity], ...] = (*ENTITIES, Trial, TrialArm)
    for kind in kinds:
        assert {str(thing(kind.TYPE, row.record.id)) for row in tables.of(kind)} <= promised, kind
    for reference in tables.of(Reference):
        assert str(thing("reference", f"{reference.source}-{reference.record.number}")) in promised
    for word in tables.of(VocabularyTerm):
        assert {str(thing(word.record.scheme, word.record.id)), str(scheme(word.record.scheme))} <= promised
    assert {str(HER2[name]) for name in HER2.__annotations__ if not name.startswith("_")} <= promised


@pytest.mark.untraced  # a tracer doubles its time, and other tests run the same lines
def test_only_a_release_writes_the_list(home: Path, tmp_path: Path) -> None:
    assert _build(home, "--out", str(tmp_path / "build")).exit_code == 0
    assert not (home / "ontology" / "released.txt").exists()
    result = _build(home, "--out", str(tmp_path / "build"), "--release")
    assert result.exit_code == 0, result.output
    iris = release.read(home / "ontology" / "released.txt")
    assert iris == releasable(home)
    assert f"{len(iris):,} IRIs stay from now on\n" in result.stderr


def test_the_next_release_lists_what_is_new_and_keeps_what_is_deprecated(home: Path) -> None:
    write_released(home, releasable(home))
    before = release.read(home / "ontology" / "released.txt")
    keep_rows(home / "data" / "topics.tsv", lambda row: row["id"] != "sample-size")
    keep_rows(
        home / "data/sources/sample-review/statements.tsv", lambda row: row["id"] != "013-small-samples"
    )
    (problem,) = _problems(home)
    assert "id/topic/sample-size' is released and gone" in problem
    add_row(home / "data" / "topics.tsv", id="cost", label_en="cost of tests", label_zh="检测费用")
    successor = thing("topic", "cost").n3()
    text = f'rdfs:label "obsolete sample size"@en ; dcterms:isReplacedBy {successor}'
    _deprecate(home, thing("topic", "sample-size"), text)
    assert releasable(home) == sorted([*before, str(thing("topic", "cost"))])


# What breaks the promise -----------------------------------------------------------------------------


def test_a_released_iri_that_is_gone_is_named_with_its_line_and_the_remedy(
    home: Path, tmp_path: Path
) -> None:
    write_released(home, [*releasable(home), str(thing("drug", "zzz"))])
    line = release.read(home / "ontology" / "released.txt").index(str(thing("drug", "zzz"))) + 1
    (problem,) = _problems(home)
    assert problem.startswith(
        f"ontology/released.txt:{line}: 'https://w3id.org/her2kg/id/drug/zzz' is released and gone"
    )
    assert "owl:deprecated true" in problem
    before = (home / "ontology" / "released.txt").read_bytes()
    result = _build(home, "--release", "--out", str(tmp_path / "build"))
    assert result.exit_code == 1
    assert "is released and gone" in result.stderr
    assert (home / "ontology" / "released.txt").read_bytes() == before
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize("successor", [thing("drug", "gone"), thing("drug", "zzz")])
def test_a_successor_has_to_be_in_use(home: Path, successor: URIRef) -> None:
    gone = thing("drug", "zzz")
    write_released(home, [str(gone)])
    _deprecate(home, gone, f'rdfs:label "obsolete zzz"@en ; dcterms:isReplacedBy {successor.n3()}')
    (problem,) = _problems(home)
    assert f"is replaced by {successor}, which is not in use" in problem


def test_a_build_holds_deprecation_to_its_rules(home: Path, tmp_path: Path) -> None:
    _deprecate(home, thing("drug", "zzz"), 'rdfs:label "zzz"@en')
    result = _build(home, "--out", str(tmp_path / "build"))
    assert result.exit_code == 1
    assert "begin the label with obsolete" in result.stderr


def test_a_well_deprecated_iri_keeps_the_promise_and_stays_on_the_list(home: Path) -> None:
    gone = thing("drug", "zzz")
    write_released(home, [str(gone)])
    label = 'rdfs:label "obsolete zzz"@en , "已废弃zzz"@zh'
    _deprecate(home, gone, f"{label} ; dcterms:isReplacedBy {SUCCESSOR.n3()}")
    assert str(gone) in releasable(home)


# Versions --------------------------------------------------------------------------------------------


def test_the_header_names_this_version_and_the_one_before_if_there_is_one() -> None:
    ontology = read_ontology(ROOT)
    versions = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    iris = [URIRef(f"{ONTOLOGY}/{version}") for version in versions]
    assert list(ontology.objects(ONTOLOGY, OWL.versionIRI)) == iris[:1]
    assert list(ontology.objects(ONTOLOGY, OWL.priorVersion)) == iris[1:2]
