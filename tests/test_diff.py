"""Two versions are compared term by term, axiom by axiom, claim by claim; told as text and as RDF."""

from __future__ import annotations

import hashlib
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from rdflib import BNode, Graph, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import DCTERMS, OWL, PROV, RDF, RDFS
from rich.cells import cell_len

from her2kg.cli import main
from her2kg.graph.build import compare, infer, read_ontology, tell
from her2kg.graph.diff.differences import How
from her2kg.graph.make.class_axioms import class_axioms
from her2kg.graph.make.mapping import map_tables
from her2kg.graph.read.tables import read
from her2kg.graph.write.export import artefacts
from her2kg.graph.write.publishing import publish
from her2kg.model.layout import CHECKSUMS
from her2kg.model.namespaces import CS, HER2, prefixes, thing
from her2kg.sparql.formats import GRAPH_FORMATS
from tests.conftest import ROOT, make_sample_home
from tests.editing import add_row, keep_rows, set_cell

if TYPE_CHECKING:
    from pathlib import Path

    from her2kg.graph.diff.differences import Change, Comparison

pytestmark = pytest.mark.slow

REVIEW = "data/sources/sample-review"
GOLDEN = ROOT / "tests" / "golden" / "diff.txt"


def _edit(home: Path) -> None:
    """Change something of every kind that is compared."""
    claims = home / REVIEW / "statements.tsv"
    set_cell(claims, "007-no-difference-in-men", "direction", "disputes")
    set_cell(claims, "008-fish-and-ihc-agree", "certainty", "asserted")
    set_cell(claims, "005-promotes-proliferation", "object", "pathway:mapk")
    set_cell(claims, "004-amplification-frequency", "population", "resected")
    set_cell(claims, "004-amplification-frequency", "references", "2")
    set_cell(home / REVIEW / "results.tsv", "010-afatinib-response-orr", "value", "55.5")
    for name, column in (("statements.tsv", "id"), ("spans.tsv", "statement")):
        keep_rows(home / REVIEW / name, lambda row, column=column: row[column] != "013-small-samples")  # type: ignore[misc]
    add_row(
        claims,
        id="013-new",
        kind="recommendation",
        subject="topic:cost",
        predicate="needs-study",
        direction="supports",
        certainty="asserted",
        setting="review-opinion",
        citation_status="missing",
        label_en="Cost needs study.",
        label_zh="费用有待研究。",
    )
    keep_rows(home / "data" / "topics.tsv", lambda row: row["id"] != "sample-size")
    add_row(home / "data" / "topics.tsv", id="cost", label_en="cost of tests", label_zh="检测费用")
    set_cell(home / "data" / "drugs.tsv", "paclitaxel", "label_zh", "泰素")
    set_cell(home / "data" / "alterations.tsv", "erbb2-exon-20-insertion", "exon", "egfr-20")


def _publish(graphs: dict[str, Graph], folder: Path) -> Path:
    publish(artefacts(graphs, prefixes(ROOT)), folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, sample_graphs: dict[str, Graph]) -> Path:
    """Give a folder with two builds, ``old`` and ``new``."""
    folder = tmp_path_factory.mktemp("diff")
    _publish(sample_graphs, folder / "old")
    home = make_sample_home(folder / "home")
    _edit(home)
    tables = read(home / "data")
    assert tables.faults == []
    asserted = map_tables(tables).graph
    ontology = read_ontology(home) + class_axioms(tables)
    graphs = {"ontology": ontology, "asserted": asserted, "inferred": infer(home, ontology, asserted)}
    _publish(graphs, folder / "new")
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> Comparison:
    return compare(ROOT, folder / "old", folder / "new")


@pytest.fixture(scope="module")
def described(found: Comparison) -> Graph:
    return Graph().parse(data=tell(ROOT, found, "nt"), format="nt")


def _change(changes: tuple[Change, ...], kind: str, slug: str) -> Change:
    (change,) = (change for change in changes if change.thing == str(thing(kind, slug)))
    return change


def _claim(found: Comparison, slug: str) -> Change:
    return _change(found.claims, "statement", f"sample-review-{slug}")


def _diff(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["diff", *words])
    assert isinstance(result.exception, SystemExit | None)
    return result.exit_code, result.stdout, result.stderr


# What is found ---------------------------------------------------------------------------------------


def test_terms_are_found_added_removed_and_changed(found: Comparison) -> None:
    stated = {
        (change.thing.rpartition("/id/")[2], change.how)
        for change in found.terms
        if not change.removed | change.added <= found.derived
    }
    assert stated == {
        ("alteration/erbb2-exon-20-insertion", How.CHANGED),
        ("drug/paclitaxel", How.CHANGED),
        ("topic/cost", How.ADDED),
        ("topic/sample-size", How.REMOVED),
    }
    drug = _change(found.terms, "drug", "paclitaxel")
    assert ([fact.value for fact in drug.removed], [fact.value for fact in drug.added]) == (
        ['"紫杉醇"@zh'],
        ['"泰素"@zh'],
    )


def test_claims_are_found_added_removed_and_changed(found: Comparison) -> None:
    slugs = {(change.thing.rpartition("sample-review-")[2], change.how) for change in found.claims}
    assert slugs == {
        ("013-new", How.ADDED),
        ("013-small-samples", How.REMOVED),
        ("004-amplification-frequency", How.CHANGED),
        ("005-promotes-proliferation", How.CHANGED),
        ("007-no-difference-in-men", How.CHANGED),
        ("008-fish-and-ihc-agree", How.CHANGED),
        ("010-afatinib-response", How.CHANGED),
    }


def test_a_changed_direction_or_figure_is_known_as_such(found: Comparison) -> None:
    assert [change.thing for change in found.claims if change.of_direction] == [
        _claim(found, "007-no-difference-in-men").thing
    ]
    assert [change.thing for change in found.claims if change.of_figures] == [
        _claim(found, "010-afatinib-response").thing
    ]


def test_a_claim_that_states_another_proposition_shows_its_arguments(found: Comparison) -> None:
    change = _claim(found, "005-promotes-proliferation")
    objects = [
        (fact.property, fact.value)
        for side in (change.removed, change.added)
        for fact in side
        if fact.property == str(HER2.object)
    ]
    assert objects == [
        (str(HER2.object), thing("process", "proliferation").n3()),
        (str(HER2.object), thing("pathway", "mapk").n3()),
    ]


def test_axioms_are_compared_as_a_whole_and_derived_ones_marked(found: Comparison) -> None:
    insertion = thing("alteration", "erbb2-exon-20-insertion")
    for axioms, exon in ((found.removed_axioms, "erbb2-20"), (found.added_axioms, "egfr-20")):
        stated = [axiom.triples for axiom in axioms if not axiom.derived]
        assert len(stated) == 1
        assert (OWL.hasValue, thing("exon", exon)) in {triple[1:] for triple in stated[0]}
        assert {triple[0] for triple in stated[0] if isinstance(triple[0], URIRef)} == {insertion}
    derived = {triple for axiom in found.removed_axioms if axiom.derived for triple in axiom.triples}
    assert derived
    assert {property_ for _, property_, _ in derived} == {RDFS.subClassOf}


# What is no difference -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["her2kg.nt", "her2kg.ttl", "her2kg.rdf", "her2kg.nq", "her2kg.jsonld"])
def test_a_build_is_the_same_in_every_format(folder: Path, name: str) -> None:
    assert not compare(ROOT, folder / "old", folder / "old" / name)


def test_other_names_of_blank_nodes_and_another_order_are_no_difference(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "old" / "her2kg.nt").read_text("utf-8").splitlines()
    names = sorted(set(re.findall(r"_:\w+", "\n".join(lines))))
    other = {name: f"_:other{number}" for number, name in enumerate(reversed(names))}
    renamed = [re.sub(r"_:\w+", lambda name: other[name[0]], line) for line in reversed(lines)]
    assert len(other) > 20
    (tmp_path / "renamed.nt").write_text("\n".join(renamed) + "\n", "utf-8")
    assert not compare(ROOT, folder / "old", tmp_path / "renamed.nt")


def test_an_axiom_said_twice_with_other_blank_nodes_is_one(tmp_path: Path) -> None:
    head = "@prefix : <https://w3id.org/her2kg/ontology#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .\n"
    said = ":A a owl:Class . :A owl:equivalentClass [ owl:complementOf [ owl:oneOf ( :b :c ) ] ] .\n"
    (tmp_path / "once.ttl").write_text(head + said)
    (tmp_path / "twice.ttl").write_text(head + said + said)
    (tmp_path / "other.ttl").write_text(head + said.replace(":b :c", ":c :b"))
    assert not compare(ROOT, tmp_path / "once.ttl", tmp_path / "twice.ttl")
    assert len(compare(ROOT, tmp_path / "once.ttl", tmp_path / "other.ttl").added_axioms) == 1


def test_what_names_the_axioms_is_left_out_of_the_terms() -> None:
    listed = [
        set(
            re.findall(
                r"(?:rdfs|owl):[a-z]\w+|owl:\w+Property\b", text.partition("FILTER(!ISBLANK")[2] or text
            )
        )
        for text in (
            (ROOT / "queries" / "diff" / f"{name}.rq").read_text("utf-8").partition("WHERE")[2]
            for name in ("terms", "axioms")
        )
    ]
    assert listed[0] == listed[1]
    assert len(listed[0]) == 18


# Text ------------------------------------------------------------------------------------------------


def test_text_is_as_recorded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    code, text, talk = _diff("old", "new")
    assert (code, talk) == (1, "")
    assert text == GOLDEN.read_text("utf-8")


def test_a_claim_shows_its_changed_direction_first_and_marked(folder: Path) -> None:
    _, text, _ = _diff(str(folder / "old"), str(folder / "new"))
    changed = text.partition("CLAIMS CHANGED (5)\n")[2].split("\n\n")
    assert "007-no-difference-in-men" in changed[0]
    assert "! her2:direction:" in changed[0]
    assert "010-afatinib-response" in changed[1]
    assert "! measurement:sample-review-010-afatinib-response-orr\n      her2:value: " in changed[1]
    assert not any("!" in claim for claim in changed[2:])


def test_counts_come_first(folder: Path) -> None:
    _, text, _ = _diff(str(folder / "old"), str(folder / "new"))
    counts = text.split("\n\n")[1]
    assert re.search(r"^claims +1 +1 +5$", counts, re.MULTILINE)
    assert "with another direction: 1, with other figures: 1" in counts


def test_no_line_is_wider_than_80_columns(tmp_path: Path) -> None:
    one, other = tmp_path / "one.ttl", tmp_path / "other.ttl"
    claim = (
        "@prefix : <https://w3id.org/her2kg/ontology#> .\n"
        "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
        f"<https://w3id.org/her2kg/id/statement/{'very-' * 30}long> a :Statement ; rdfs:label "
    )
    one.write_text(f'{claim} "{"word " * 60}"@en , "{"没有空格的长句" * 20}"@zh .', "utf-8")
    other.write_text(f'{claim} "{"w" * 200}"@en , "{"another " * 60}{"长" * 90}"@zh .', "utf-8")
    code, text, _ = _diff(str(one), str(other))
    assert code == 1
    assert text.count("长") == 90 + 20  # the old text has the letter too
    assert max(map(cell_len, text.splitlines())) <= 80


# RDF -------------------------------------------------------------------------------------------------


def _triples(described: Graph, verb: URIRef) -> set[tuple[object, ...]]:
    return {
        tuple(described.value(node, part) for part in (RDF.subject, RDF.predicate, RDF.object))
        for node in described.objects(None, verb)
    }


def _named(triples: set[tuple[object, ...]]) -> set[tuple[object, ...]]:
    return {triple for triple in triples if not any(isinstance(node, BNode) for node in triple)}


def test_change_sets_hold_exactly_what_came_and_went(folder: Path, described: Graph) -> None:
    old, new = (set(Graph().parse(folder / side / "her2kg.nt")) for side in ("old", "new"))
    # What is neither term nor claim nor part of one, and what is computed from figures, is not compared.
    apart = re.compile(r"/id/(span|segment|issue|contrast|conflict|inference|evidence-line|study-result)/")
    for verb, difference in ((CS.removal, old - new), (CS.addition, new - old)):
        expected = {
            triple
            for triple in _named(set(difference))
            if not apart.search(str(triple[0]))
            and triple[1] not in {HER2.curatedBy, HER2.curatedOn, HER2.evidenceLine, HER2.wilsonLow}
            and triple[:2] != (thing("statement", "sample-review-013-small-samples"), RDF.type)
        }
        got = _named(_triples(described, verb))
        assert got - set(difference) == set()
        # The proposition of a claim has types that its kind says already.
        assert {triple for triple in expected - got if triple[1] != RDF.type} == set()


def test_every_change_set_has_one_subject_and_is_part_of_the_difference(described: Graph) -> None:
    (whole,) = (
        node
        for node in described.subjects(RDF.type, PROV.Entity)
        if (node, PROV.wasDerivedFrom, None) in described
    )
    changesets = set(described.subjects(RDF.type, CS.ChangeSet))
    assert changesets
    for node in changesets:
        assert len(list(described.objects(node, CS.subjectOfChange))) == 1
        (above,) = described.objects(node, DCTERMS.isPartOf)
        assert above == whole or above in changesets
    assert len(list(described.objects(whole, PROV.wasDerivedFrom))) == 2


def test_a_figure_is_part_of_the_change_of_its_claim(described: Graph) -> None:
    figure = thing("measurement", "sample-review-010-afatinib-response-orr")
    (node,) = described.subjects(CS.subjectOfChange, figure)
    (claim,) = (
        described.value(above, CS.subjectOfChange) for above in described.objects(node, DCTERMS.isPartOf)
    )
    assert claim == thing("statement", "sample-review-010-afatinib-response")


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    ("kind", "parser"),
    [
        ("ttl", "turtle"),
        ("nt", "nt"),
        ("rdf", "xml"),
        ("jsonld", "json-ld"),
        ("nq", "nquads"),
        ("trig", "trig"),
    ],
)  # fmt: skip
def test_the_description_is_the_same_in_every_format(
    found: Comparison, described: Graph, kind: str, parser: str
) -> None:
    assert isomorphic(Graph().parse(data=tell(ROOT, found, kind), format=parser), described)


def test_the_description_is_the_same_bytes_each_time(folder: Path, found: Comparison) -> None:
    again = compare(ROOT, folder / "old", folder / "new")
    for kind in ("text", *GRAPH_FORMATS):
        assert tell(ROOT, again, kind) == tell(ROOT, found, kind)


# The verb --------------------------------------------------------------------------------------------


def test_without_differences_the_exit_code_is_0(folder: Path) -> None:
    code, text, talk = _diff(str(folder / "old"), str(folder / "old"))
    assert (code, talk) == (0, "")
    assert re.search(r"^claims +0 +0 +0$", text, re.MULTILINE)
    code, text, _ = _diff(str(folder / "old"), str(folder / "old"), "-f", "nt")
    assert code == 0
    assert CS.ChangeSet not in text


@pytest.mark.parametrize("kind", ["text", *GRAPH_FORMATS])
def test_with_differences_the_exit_code_is_1_in_every_format(folder: Path, kind: str) -> None:
    code, text, talk = _diff(str(folder / "old"), str(folder / "new"), "--format", kind)
    assert (code, talk) == (1, "")
    assert text


@pytest.mark.parametrize("words", [("old",), ("old", "new", "more"), ("old", "new", "-f", "csv")])
def test_wrong_use_exits_2(folder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.chdir(folder)
    code, text, _ = _diff(*words)
    assert (code, text) == (2, "")


def test_what_cannot_be_read_is_one_line_with_its_remedy_and_exits_3(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.ttl").write_text("<urn:a>\n  <urn:b> .")
    (tmp_path / "foreign.ttl").write_text("<urn:a> <urn:b> 1 .")
    (tmp_path / "notes.md").write_text("hello")
    expected = {
        "gone.ttl": "gone.ttl: No such file or directory: give a build folder or an RDF file",
        "empty": "her2kg.nq: No such file or directory: run `her2kg build --out ",
        "broken.ttl": "broken.ttl:2:11: ",
        "foreign.ttl": "holds no term and no claim of her2kg: give a build folder or one of its files",
        "notes.md": "notes.md: .md is no RDF format: use .ttl, ",
    }
    for name, said in expected.items():
        for words in ((tmp_path / name, folder / "old"), (folder / "old", tmp_path / name)):
            code, text, talk = _diff(*map(str, words))
            assert (code, text) == (3, ""), name
            assert said in talk
            assert talk.count("\n") == 1


def test_a_build_that_was_cut_off_is_refused(folder: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(folder / "old", cut)
    lines = (cut / "her2kg.nq").read_text("utf-8").splitlines(keepends=True)
    (cut / "her2kg.nq").write_text("".join(lines[:-100]), "utf-8")
    code, text, talk = _diff(str(folder / "old"), str(cut))
    assert (code, text) == (3, "")
    assert f"her2kg.nq is not what {CHECKSUMS} says: run `her2kg build --out " in talk


def test_the_versions_are_named_with_their_checksums(folder: Path, described: Graph) -> None:
    seals = {
        hashlib.sha256((folder / side / "her2kg.nq").read_bytes()).hexdigest() for side in ("old", "new")
    }
    assert {str(seal) for seal in described.objects(None, HER2.sha256)} == seals
