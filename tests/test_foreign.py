"""Another team's ontology imports ours from the running service, and its variants receive our claims."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import owlready2
import pytest
from click.testing import CliRunner
from rdflib import Graph, URIRef
from rdflib.namespace import OWL, RDF, RDFS

from her2kg.cli import main
from her2kg.errors import InputError, NotationError
from her2kg.graph.derive.foreign import place
from her2kg.model.namespaces import HER2, ONTOLOGY, thing
from tests.conftest import needs
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

BREAST = Path(__file__).parent / "foreign" / "breast.ttl"
_OWN = "https://example.org/breast"


@pytest.fixture(scope="module")
def imported(built: Path) -> Iterator[str]:
    """Serve the real graph and give the address of its ontology."""
    with serving(HER2KG_BUILD=str(built)) as (url, _):
        yield f"{url}ontology"


@pytest.fixture
def breast(imported: str) -> Graph:
    """Give the other ontology, with its import led to the running service."""
    graph = Graph().parse(BREAST)
    graph.set((URIRef(_OWN), OWL.imports, URIRef(imported)))
    return graph


@pytest.fixture
def world(breast: Graph, tmp_path: Path) -> owlready2.World:
    """Give an owlready2 world into which the other ontology was loaded, and ours because it imports it."""
    path = tmp_path / "breast.rdf"
    breast.serialize(path, format="xml")
    world = owlready2.World()
    world.get_ontology(path.as_uri()).load()
    return world


@pytest.mark.slow
def test_owlready2_follows_the_import_to_the_running_service(world: owlready2.World) -> None:
    lobular = world[f"{_OWN}#LobularCarcinoma"]
    assert world[str(thing("disease", "breast-cancer"))] in lobular.is_a
    assert world[str(HER2.InsertionMutation)].label.en == ["insertion mutation"]
    assert world[str(HER2.Disease)] in lobular.ancestors()


@pytest.mark.slow
@pytest.mark.untraced  # the time is that of reasoners
def test_the_two_together_are_consistent_and_what_cannot_be_is_found(world: owlready2.World) -> None:
    needs("java")
    with world.get_ontology(f"{_OWN}/inferred#"):
        owlready2.sync_reasoner_hermit(world, infer_property_values=False, debug=0)
    found = {found.iri for found in world.inconsistent_classes()} - {str(OWL.Nothing)}
    assert found == {f"{_OWN}#Impossible"}


@pytest.mark.slow
def test_rdflib_reads_what_the_other_ontology_imports(breast: Graph) -> None:
    whole = breast + Graph().parse(str(breast.value(URIRef(_OWN), OWL.imports)))
    assert (ONTOLOGY, RDF.type, OWL.Ontology) in whole
    lobular = URIRef(f"{_OWN}#LobularCarcinoma")
    assert HER2.Disease in set(whole.transitive_objects(lobular, RDFS.subClassOf))


@pytest.mark.parametrize(
    ("name", "things"),
    [
        ("tandem insertion of the clinic", ["erbb2-exon-20-insertion"]),
        ("本院串联插入", ["erbb2-exon-20-insertion"]),
        (f"{_OWN}#TandemInsertion", ["erbb2-exon-20-insertion"]),
        ("tandeminsertion", ["erbb2-exon-20-insertion"]),
        ("L755S", ["erbb2-kinase-missense"]),
    ],
)
def test_a_foreign_class_falls_where_its_definition_puts_it(
    built: Path, name: str, things: list[str]
) -> None:
    assert place(built, BREAST, name).things == tuple(str(thing("alteration", slug)) for slug in things)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Impossible", "can have no member: mend its definition"),
        ("Ward", "falls under no alteration of the graph: define it by"),
        ("Nurse", "no class is named 'Nurse' in .*: give an IRI: https://example.org/breast#"),
    ],
)
def test_a_foreign_class_that_cannot_be_placed_says_why(built: Path, name: str, said: str) -> None:
    with pytest.raises(NotationError, match=said):
        place(built, BREAST, name)


def test_an_ontology_that_contradicts_ours_is_refused(built: Path, tmp_path: Path) -> None:
    path = tmp_path / "wrong.ttl"
    words = f"<{_OWN}#x> a <{OWL.NamedIndividual}> , <{_OWN}#Impossible> ."
    path.write_text(f"{BREAST.read_text(encoding='utf-8')}\n{words}\n", encoding="utf-8")
    with pytest.raises(InputError, match="contradicts the ontology that it imports"):
        place(built, path, "L755S")


def test_match_gives_a_foreign_variant_the_claims_of_its_class(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HER2KG_BUILD", str(built))
    words = ["match", "--ontology", str(BREAST), "tandem insertion of the clinic", "-f", "csv"]
    ran = CliRunner().invoke(main, words)
    assert ran.exit_code == 0, ran.output
    rows = {row["claim"].rpartition("/")[2]: row for row in csv.DictReader(io.StringIO(ran.stdout))}
    found = rows["zhang-review-151-dacomitinib-exon-20-insertion"]
    assert found["alteration"] == "tandem insertion of the clinic"
    assert found["relation"] == "broader"
    assert found["via"].startswith("as breast.ttl defines it → ERBB2 exon 20 insertion")
    assert found["warning"]
    # what is said of another kind of change is not said of it
    assert "zhang-review-151-dacomitinib-point-mutation-none" not in rows
