"""Every format reads back as its scope, byte-identical in every run, published in one step or not at all."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING

import pyoxigraph as ox
import pytest
from rdflib import BNode, Dataset, Graph, Literal
from rdflib.compare import isomorphic
from rdflib.namespace import OWL, RDF, XSD

from her2kg.errors import InputError
from her2kg.graph.build import directions, read_ontology, version
from her2kg.graph.write import modules
from her2kg.graph.write.description import describe
from her2kg.graph.write.export import artefacts, canonical
from her2kg.graph.write.export import modules as export_modules
from her2kg.graph.write.publishing import publish
from her2kg.model.layout import CHECKSUMS
from her2kg.model.namespaces import DEFAULT_GRAPHS, GRAPHS, HER2, MODULES, prefixes, thing
from her2kg.model.queries import read_queries
from her2kg.sparql.engine import Engine, Table, plain
from tests.conftest import ROOT, make_sample_home

if TYPE_CHECKING:
    from pathlib import Path

# rdflib's own parsers of TriG and JSON-LD use what rdflib deprecates.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning"),
]

DEFAULT = ("her2kg.ttl", "her2kg.nt", "her2kg.rdf")
NAMED = ("her2kg.nq", "her2kg.trig", "her2kg.jsonld")
DIRECTIONS = {"disputes": 1, "no-effect": 1, "not-reported": 1, "supports": 18}
COUNT = """
SELECT ?direction (COUNT(DISTINCT ?claim) AS ?claims) WHERE {
  { ?claim <https://w3id.org/her2kg/ontology#direction> ?direction }
  UNION { GRAPH ?graph { ?claim <https://w3id.org/her2kg/ontology#direction> ?direction } }
} GROUP BY ?direction
"""


@pytest.fixture(scope="module")
def graphs(sample_graphs: dict[str, Graph]) -> dict[str, Graph]:
    questions = read_queries(ROOT / "queries" / "questions")
    number = version(sample_graphs["ontology"])
    metadata = describe(sample_graphs, questions, number, date(2024, 1, 3), prefixes(ROOT))
    return {**sample_graphs, "metadata": metadata}


@pytest.fixture(scope="module")
def files(graphs: dict[str, Graph], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "build"
    parts = modules.modules(read_ontology(ROOT), graphs["ontology"], graphs["asserted"], graphs["inferred"])
    publish(artefacts(graphs, prefixes(ROOT)) | export_modules(parts, prefixes(ROOT)), folder)
    return folder


def union(graphs: dict[str, Graph]) -> Graph:
    merged = Graph()
    for name in ("ontology", "asserted", "inferred"):
        merged += graphs[name]
    return merged


def quads(path: Path) -> ox.Dataset:
    kind = ox.RdfFormat.from_extension(path.suffix.removeprefix("."))
    found = ox.Dataset(ox.parse(path=str(path), format=kind))
    found.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return found


def expected_quads(graphs: dict[str, Graph], *, named: bool) -> ox.Dataset:
    found = ox.Dataset()
    for name, graph in graphs.items():
        if not named and GRAPHS[name] not in DEFAULT_GRAPHS:
            continue
        where = ox.NamedNode(GRAPHS[name]) if named else ox.DefaultGraph()
        for quad in ox.parse(graph.serialize(format="nt").encode(), format=ox.RdfFormat.N_TRIPLES):
            found.add(ox.Quad(quad.subject, quad.predicate, quad.object, where))
    found.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return found


@pytest.mark.untraced
@pytest.mark.parametrize("name", DEFAULT)
def test_rdflib_reads_back_the_default_graph(name: str, files: Path, graphs: dict[str, Graph]) -> None:
    assert isomorphic(Graph().parse(files / name), union(graphs))


@pytest.mark.untraced
@pytest.mark.parametrize("name", NAMED)
def test_rdflib_reads_back_every_named_graph(name: str, files: Path, graphs: dict[str, Graph]) -> None:
    read = Dataset()
    read.parse(files / name)
    full = {graph.identifier: graph for graph in read.graphs() if len(graph)}
    assert set(full) == set(GRAPHS.values())
    for short, graph in graphs.items():
        assert isomorphic(full[GRAPHS[short]], graph), short


@pytest.mark.parametrize("name", DEFAULT)
def test_oxigraph_reads_back_the_default_graph(name: str, files: Path, graphs: dict[str, Graph]) -> None:
    assert quads(files / name) == expected_quads(graphs, named=False)


@pytest.mark.parametrize("name", NAMED)
def test_oxigraph_reads_back_every_named_graph(name: str, files: Path, graphs: dict[str, Graph]) -> None:
    assert quads(files / name) == expected_quads(graphs, named=True)


@pytest.mark.slow
@pytest.mark.untraced
@pytest.mark.parametrize("name", list(MODULES))
def test_modules_are_the_same_in_every_format(name: str, files: Path) -> None:
    turtle = Graph().parse(files / f"{name}.ttl")
    assert isomorphic(turtle, Graph().parse(files / f"{name}.rdf", format="xml"))
    assert isomorphic(turtle, Graph().parse(files / f"{name}.nt", format="nt"))


def test_each_module_holds_the_one_before_it_and_no_statement(files: Path) -> None:
    sizes = []
    for name, iri in (("ontology-base", "base"), ("ontology", ""), ("ontology-inferred", "inferred")):
        graph = Graph().parse(files / f"{name}.ttl")
        assert str(graph.value(None, RDF.type, OWL.Ontology)).rpartition("ontology")[2].strip("/") == iri
        assert (None, RDF.type, HER2.Statement) not in graph
        sizes.append(len(graph))
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2]


@pytest.mark.parametrize("name", [*DEFAULT, *NAMED])
def test_no_claim_is_lost_or_turned(name: str, files: Path) -> None:
    engine = Engine()
    engine.add_file(files / name)
    answer = engine.query(COUNT)
    assert isinstance(answer, Table)
    counted = {plain(row["direction"]).rpartition("/")[2]: int(plain(row["claims"])) for row in answer.rows()}
    assert counted == DIRECTIONS


def test_directions_are_counted_off_the_graph(graphs: dict[str, Graph]) -> None:
    assert directions(graphs["asserted"]) == DIRECTIONS


def test_prefixes_of_the_map_are_used(files: Path) -> None:
    turtle = (files / "her2kg.ttl").read_text(encoding="utf-8")
    assert "\nstatement:sample-review-008-mutations-exclude a her2:Statement ;" in turtle
    assert "ns1:" not in turtle
    assert "@prefix her2: <https://w3id.org/her2kg/ontology#> ." in turtle


def test_chinese_is_readable_in_turtle(files: Path) -> None:
    assert '"HER2扩增"@zh' in (files / "her2kg.ttl").read_text(encoding="utf-8")


@pytest.mark.parametrize("value", ["5", "0", "1.8", "-3", "100", "0.03", "12345678901234567890"])
def test_decimal_keeps_its_form(value: str) -> None:
    graph = Graph().add((thing("measurement", "x"), HER2.value, Literal(value, datatype=XSD.decimal)))
    made = artefacts({"ontology": Graph(), "asserted": graph, "inferred": Graph()}, prefixes(ROOT))
    back = [Graph().parse(data=made["her2kg.ttl"]), Graph().parse(data=made["her2kg.rdf"], format="xml")]
    trig = Dataset()
    trig.parse(data=made["her2kg.trig"], format="trig")
    back.append(trig.graph(GRAPHS["asserted"]))
    assert [str(read.value(thing("measurement", "x"), HER2.value)) for read in back] == [value] * 3


@pytest.mark.parametrize(
    "text", ['say "so"', "back\\slash", "two\nlines", "tab\there", "扩增", "a<b>&c", "'''"]
)
def test_text_keeps_its_characters(text: str) -> None:
    graph = Graph().add((thing("gene", "x"), HER2.readAs, Literal(text)))
    made = artefacts({"ontology": Graph(), "asserted": graph, "inferred": Graph()}, prefixes(ROOT))
    for name, kind in (("her2kg.ttl", "turtle"), ("her2kg.nt", "nt"), ("her2kg.rdf", "xml")):
        assert Graph().parse(data=made[name], format=kind).value(thing("gene", "x"), HER2.readAs) == Literal(
            text
        )
    for name, kind in (("her2kg.nq", "nquads"), ("her2kg.trig", "trig"), ("her2kg.jsonld", "json-ld")):
        dataset = Dataset(default_union=True)
        dataset.parse(data=made[name], format=kind)
        assert dataset.value(thing("gene", "x"), HER2.readAs) == Literal(text)


def test_blank_nodes_are_named_after_their_content() -> None:
    def graph(first: str, second: str) -> Graph:
        made = Graph()
        for label, text in ((first, "one"), (second, "two")):
            made.add((BNode(label), HER2.readAs, Literal(text)))
        return made

    assert set(canonical(graph("a", "b"))) == set(canonical(graph("b", "a")))


def test_artefacts_are_the_same_in_any_order(graphs: dict[str, Graph]) -> None:
    turned = {name: Graph(store="SimpleMemory") for name in reversed(graphs)}
    for name, graph in turned.items():
        for triple in reversed(list(graphs[name])):
            graph.add(triple)
    assert artefacts(turned, prefixes(ROOT)) == artefacts(graphs, prefixes(ROOT))


def run_build(home: Path, out: Path, seed: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "her2kg", "build", "--out", str(out)],
        env={**os.environ, "HER2KG_HOME": str(home), "PYTHONHASHSEED": seed},
        check=True,
        capture_output=True,
        timeout=300,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.untraced
def test_two_builds_of_the_sample_are_byte_identical(tmp_path: Path) -> None:
    home = make_sample_home(tmp_path / "home")
    for seed in ("1", "2"):
        run_build(home, tmp_path / seed, seed)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


@pytest.mark.slow
@pytest.mark.untraced
def test_two_builds_of_the_real_data_are_byte_identical(built: Path, tmp_path: Path) -> None:
    run_build(ROOT, tmp_path / "1", "1")  # the other one was built with another seed of hashes
    assert contents(tmp_path / "1") == contents(built)


def test_checksums_fit_the_files(files: Path) -> None:
    lines = (files / CHECKSUMS).read_text(encoding="ascii").splitlines()
    assert {line.partition("  ")[2] for line in lines} == {*contents(files)} - {CHECKSUMS}
    for line in lines:
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((files / name).read_bytes()).hexdigest() == digest


def test_publish_gives_the_checksums(tmp_path: Path) -> None:
    sums = publish({"b": b"2", "a": b"1"}, tmp_path / "build")
    assert sums == {"a": hashlib.sha256(b"1").hexdigest(), "b": hashlib.sha256(b"2").hexdigest()}
    assert list(sums) == ["a", "b"]


def test_publish_makes_the_folders_above(tmp_path: Path) -> None:
    publish({"a": b"1"}, tmp_path / "some" / "where" / "build")
    assert (tmp_path / "some" / "where" / "build" / "a").read_bytes() == b"1"


def test_publish_takes_the_old_build_away(tmp_path: Path) -> None:
    publish({"a": b"1", "gone": b""}, tmp_path / "build")
    publish({"a": b"2"}, tmp_path / "build")
    assert sorted(contents(tmp_path / "build")) == ["a", CHECKSUMS]
    assert (tmp_path / "build" / "a").read_bytes() == b"2"
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


def test_published_folder_can_be_read_by_others(tmp_path: Path) -> None:
    publish({"a": b"1"}, tmp_path / "build")
    assert (tmp_path / "build").stat().st_mode & 0o777 == 0o755


def test_old_build_stays_when_writing_fails(tmp_path: Path) -> None:
    publish({"a": b"1"}, tmp_path / "build")
    before = contents(tmp_path / "build")
    with pytest.raises(InputError, match=r"build cannot be written: File name too long: make room"):
        publish({"a": b"2", "x" * 300: b""}, tmp_path / "build")
    assert contents(tmp_path / "build") == before
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


def test_nothing_is_left_when_the_first_build_fails(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="File name too long"):
        publish({"a": b"2", "x" * 300: b""}, tmp_path / "build")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def no_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the system's call that exchanges two names."""

    def absent(name: object, **_: object) -> None:
        raise OSError(2, f"no library {name}")

    monkeypatch.setattr(ctypes, "CDLL", absent)


@pytest.mark.usefixtures("no_exchange")
def test_build_is_replaced_where_names_cannot_be_exchanged(tmp_path: Path) -> None:
    folder = tmp_path / "build"
    publish({"a": b"1"}, folder)
    publish({"a": b"2"}, folder)
    assert (folder / "a").read_bytes() == b"2"
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


@pytest.mark.usefixtures("no_exchange")
def test_old_build_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "build"
    publish({"a": b"1"}, folder)
    before = contents(folder)
    rename = os.rename

    def full_disk(source: Path, target: Path) -> None:
        if target == folder and not str(source).endswith("x"):
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", full_disk)
    with pytest.raises(InputError, match="No space left on device"):
        publish({"a": b"2"}, folder)
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


def test_folder_of_other_things_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("ten years", encoding="utf-8")
    with pytest.raises(InputError, match=r"is no build of her2kg \(thesis.tex\): give a new or empty"):
        publish({"a": b"1"}, tmp_path)
    assert contents(tmp_path) == {"thesis.tex": b"ten years"}


@pytest.mark.parametrize("sums", ["z", f"{'0' * 64}  a\n"])
def test_a_file_of_checksums_does_not_make_a_folder_a_build(tmp_path: Path, sums: str) -> None:
    (tmp_path / CHECKSUMS).write_text(sums, encoding="ascii")
    (tmp_path / "thesis.tex").write_text("ten years", encoding="utf-8")
    (tmp_path / "photos").mkdir()
    with pytest.raises(InputError, match="holds what is no build"):
        publish({"a": b"1"}, tmp_path)
    assert (tmp_path / "thesis.tex").exists()
    assert (tmp_path / "photos").is_dir()


def test_a_build_with_files_of_an_older_version_is_replaced(tmp_path: Path) -> None:
    publish({"a": b"1", "given-up": b"2"}, tmp_path / "build")
    publish({"a": b"1"}, tmp_path / "build")
    assert sorted(contents(tmp_path / "build")) == ["a", CHECKSUMS]


def test_a_link_to_a_build_stays_a_link(tmp_path: Path) -> None:
    publish({"a": b"1"}, tmp_path / "real")
    (tmp_path / "build").symlink_to("real")
    publish({"a": b"2"}, tmp_path / "build")
    assert (tmp_path / "build").is_symlink()
    assert (tmp_path / "real" / "a").read_bytes() == b"2"


def test_what_a_killed_builder_left_goes_away_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    for owner in (gone.pid, os.getpid()):
        (tmp_path / f".build-{owner}-abc").mkdir()
    publish({"a": b"1"}, tmp_path / "build")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".build-{os.getpid()}-abc", "build"]


_FULL_DISK = """
import pathlib, resource, signal, sys
from her2kg.graph.write.publishing import replace_text
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
replace_text(pathlib.Path(sys.argv[1]), "b" * 9999)
"""
_WRITER = """
import pathlib, sys
from her2kg.graph.write.publishing import publish
for number in range(40):
    publish({"a": str(number).encode()}, pathlib.Path(sys.argv[1]))
"""


def _started(program: str, path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, str(path)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def test_a_text_file_stays_when_its_new_content_does_not_fit(tmp_path: Path) -> None:
    table = tmp_path / "t.tsv"
    table.write_text("a" * 5000, encoding="utf-8")
    _, said = _started(_FULL_DISK, table).communicate()
    assert "cannot be written: File too large: it is as it was" in said
    assert table.read_text(encoding="utf-8") == "a" * 5000
    assert [path.name for path in tmp_path.iterdir()] == ["t.tsv"]


def test_a_build_is_there_whenever_one_looks_while_two_write_it(tmp_path: Path) -> None:
    folder = tmp_path / "build"
    publish({"a": b"0"}, folder)
    writers = [_started(_WRITER, folder) for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        assert folder.is_dir()
    assert [writer.communicate()[1] for writer in writers] == ["", ""]
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


def test_build_that_was_cut_off_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "build"
    publish({"a": b"1", "b": b"2"}, folder)
    (folder / CHECKSUMS).unlink()
    publish({"a": b"1", "b": b"2"}, folder)
    assert (folder / CHECKSUMS).exists()


def test_empty_folder_may_be_given(tmp_path: Path) -> None:
    publish({"a": b"1"}, tmp_path)
    assert (tmp_path / "a").read_bytes() == b"1"


def test_file_in_the_place_of_the_folder_is_kept(tmp_path: Path) -> None:
    (tmp_path / "build").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="build is a file: give a folder with --out"):
        publish({"a": b"1"}, tmp_path / "build")
    assert (tmp_path / "build").read_text(encoding="utf-8") == "mine"
    shutil.rmtree(tmp_path)
