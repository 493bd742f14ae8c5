"""The gate: every shape and check proven by its fixtures, and what must be refused named at its row."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from pyshacl.graph_abstraction import DataGraph
from pyshacl.shapes_graph import ShapesGraph
from pyshacl.validator import Validator
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.namespace import RDF, RDFS, SH

from her2kg.errors import Fault, InputError, NotConformError
from her2kg.graph import build, validation
from her2kg.graph.make.mapping import map_tables
from her2kg.graph.read.tables import read
from her2kg.model.namespaces import HER2, prefixes, thing
from her2kg.model.queries import Query, read_queries, read_query
from her2kg.sparql.engine import Engine, Table, plain
from tests.conftest import ROOT, SAMPLE, make_sample_home
from tests.editing import add_row, set_cell

if TYPE_CHECKING:
    from pathlib import Path

FIXTURES = sorted((ROOT / "tests" / "shapes").glob("*/*.ttl"))
OF_SHAPES = [path for path in FIXTURES if not path.parent.name.startswith("check-")]
OF_CHECKS = [path for path in FIXTURES if path.parent.name.startswith("check-")]
CHECKS = ROOT / "ontology" / "checks"
NAMESPACES = prefixes(ROOT)
REVIEW = "data/sources/sample-review"
GENE = thing("gene", "erbb2")
SAID = {"problem": "it is wrong", "solution": "mend it", "level": "WARN"}
PREFIXES = f"@prefix sh: <{SH}> . @prefix her2: <{NAMESPACES['her2']}> ."


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def expected(path: Path) -> list[str]:
    found = re.findall(r"^# expect: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert bool(found) == path.name.startswith("invalid-"), "only an invalid fixture expects a result"
    return sorted(found)


def curie(node: Any) -> str:
    if isinstance(node, BNode):
        return "_:"
    text = str(node)
    namespace, prefix = max(
        ((namespace, prefix) for prefix, namespace in NAMESPACES.items() if text.startswith(namespace)),
        key=lambda pair: len(pair[0]),
    )
    return f"{prefix}:{text.removeprefix(namespace)}"


@pytest.fixture(scope="module")
def ontology() -> Graph:
    return build.read_ontology(ROOT)


@pytest.fixture(scope="module")
def terms(ontology: Graph) -> str:
    """Give the ontology as N-Triples."""
    return ontology.serialize(format="nt")


@pytest.fixture(scope="module")
def shapes() -> ShapesGraph:
    graph = ShapesGraph(validation.shapes(ROOT / "ontology" / "shapes"), False, logging.getLogger(__name__))  # noqa: FBT003
    assert graph.shapes
    return graph


@pytest.fixture(scope="module")
def subclasses(ontology: Graph) -> list[tuple[Any, Any, Any]]:
    """Give what the shapes use of the ontology."""
    return list(ontology.triples((None, RDFS.subClassOf, None)))


@pytest.mark.untraced
@pytest.mark.parametrize("path", OF_SHAPES, ids=name)
def test_shape_finds_what_its_fixture_expects(
    path: Path, shapes: ShapesGraph, subclasses: list[tuple[Any, Any, Any]]
) -> None:
    data = Graph().parse(path)
    for triple in subclasses:
        data.add(triple)
    validator = Validator(DataGraph.from_rdflib_graph(data), shacl_graph=Graph(), options={})
    validator.shacl_graph = shapes
    _, report, _ = validator.run()  # type: ignore[no-untyped-call]
    found = []
    for result in report.subjects(RDF.type, SH.ValidationResult):
        where = report.value(result, SH.resultPath)
        component = report.value(result, SH.sourceConstraintComponent)
        focus = curie(report.value(result, SH.focusNode))
        found.append(f"{focus} {curie(where) if isinstance(where, URIRef) else '-'} {curie(component)}")
    assert sorted(found) == expected(path)


@pytest.mark.untraced
@pytest.mark.parametrize("path", OF_CHECKS, ids=name)
def test_check_finds_what_its_fixture_expects(path: Path, terms: str) -> None:
    check = read_query(CHECKS / f"{path.parent.name.removeprefix('check-')}.rq")
    engine = Engine.from_text(terms, "application/n-triples")
    engine.add_text(path.read_text(encoding="utf-8"), "text/turtle")
    answer = engine.query(check.text)
    assert isinstance(answer, Table)
    assert answer.columns == ["node", "path", "value"]
    assert sorted(curie(plain(row["node"])) for row in answer.rows()) == expected(path)


def test_every_check_has_a_valid_and_an_invalid_fixture() -> None:
    for path in CHECKS.glob("*.rq"):
        kinds = {
            fixture.name.partition("-")[0]
            for fixture in OF_CHECKS
            if fixture.parent.name == f"check-{path.stem}"
        }
        assert kinds == {"valid", "invalid"}, path.stem


def test_every_file_of_shapes_has_its_folder_of_fixtures() -> None:
    folders = {path.parent.name for path in OF_SHAPES}
    # names.ttl holds rules for whatever has a name; the folders of the things exercise them.
    assert {path.stem for path in (ROOT / "ontology" / "shapes").glob("*.ttl")} - folders == {"names"}


def test_every_folder_of_fixtures_has_both() -> None:
    kinds: dict[str, set[str]] = {}
    for path in FIXTURES:
        kinds.setdefault(path.parent.name, set()).add(path.name.partition("-")[0])
    assert {folder for folder, found in kinds.items() if found != {"valid", "invalid"}} == set()


def test_every_check_says_problem_and_solution() -> None:
    for check in read_queries(CHECKS):
        assert check.header["level"] in {"ERROR", "WARN"}, check.name
        assert check.header["title"], check.name
        assert check.header["problem"], check.name
        assert check.header["solution"], check.name


def faults_of(home: Path, out: Path) -> list[Fault]:
    with pytest.raises(NotConformError) as caught:
        build.build(home, out)
    return caught.value.faults


class Planted:
    """Errors that only the graph shows, all in one set of tables, and the faults that the build gives."""

    def __init__(self, home: Path) -> None:
        """Spoil the tables of a home and build it."""
        self.home = home
        self.lines: dict[str, tuple[str, int]] = {}
        self._plant(home)
        self.out = home / "build"
        self.faults = faults_of(home, self.out)

    def _put(self, table: Path, what: str, row: str, name: str, value: str) -> None:
        self.lines[what] = (table.relative_to(self.home).as_posix(), set_cell(table, row, name, value))

    def _plant(self, home: Path) -> None:
        claims, figures = home / REVIEW / "statements.tsv", home / REVIEW / "results.tsv"
        self._put(claims, "response without therapy", "010-afatinib-response", "object", "")
        self._put(claims, "response to a disease", "011-afatinib-no-response", "object", "disease:nsclc")
        self._put(claims, "prognosis with a therapy effect", "007-worse-in-women", "predicate", "sensitivity")
        self._put(claims, "prognosis of a therapy", "007-no-difference-in-men", "object", "drug:afatinib")
        self._put(claims, "frequency without disease", "004-amplification-frequency", "disease", "")
        self._put(
            claims, "trial without results has some", "004-share-of-lung-cancer", "trial", "nct00000001"
        )
        self._put(claims, "acquired signalling", "005-activates-mapk", "acquisition", "acquired")
        self._put(claims, "known citation without reference", "008-fish-and-ihc-agree", "references", "")
        self._put(claims, "missing citation with reference", "013-small-samples", "references", "4")
        self._put(claims, "doubtful without issue", "008-mutations-exclude", "citation_status", "doubtful")
        vague = "alteration:unspecified"
        self._put(claims, "unspecified without issue", "005-promotes-proliferation", "subject", vague)
        self._put(figures, "percentage over 100", "010-afatinib-response-orr", "value", "150")
        self._put(figures, "numerator above denominator", "011-afatinib-no-response-orr", "numerator", "9")
        self._put(figures, "p above 1", "007-worse-in-women-hr", "p", "1.5")
        self._put(figures, "interval upside down", "010-afatinib-response-pfs", "low", "9")
        set_cell(figures, "010-afatinib-response-pfs", "high", "1")
        self._put(
            figures, "confidence interval upside down", "004-amplification-frequency-share", "ci_low", "9"
        )
        set_cell(figures, "004-amplification-frequency-share", "ci_high", "1")
        trials = home / REVIEW / "trials.tsv"
        words = {"label_en": "another trial", "label_zh": "另一试验"}
        add_row(trials, id="nct00000002", **words, status="ongoing", has_results="false")
        self._put(trials, "ongoing trial with results", "nct00000002", "has_results", "true")
        people = home / "data" / "populations.tsv"
        self._put(people, "part larger than the whole", "resected-women", "n", "61")
        abstracts = home / "data" / "sources" / "sample-abstracts" / "statements.tsv"
        self._put(abstracts, "study that is not named", "nobody-2001-amplification", "study", "")
        studies = home / "data" / "studies.tsv"
        self._put(studies, "study that nobody verified", "nobody-2001", "verified_in", "")
        figure = {"start": "127", "end": "128", "kind": "name"}
        add_row(home / REVIEW / "figures.tsv", **figure, targets="population:resected-women")

    def at(self, what: str) -> list[tuple[str, str]]:
        """Give column and remedy of each fault in the line of a planted error."""
        table, line = self.lines[what]
        return [
            (fault.column, fault.remedy) for fault in self.faults if (fault.path, fault.line) == (table, line)
        ]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return Planted(make_sample_home(tmp_path_factory.mktemp("planted") / "home"))


#: Column and beginning of the remedy.
REFUSED = {
    "response without therapy": ("object", "Give as object a drug, a drug class or a regimen"),
    "response to a disease": ("object", "Give as object a drug, a drug class or a regimen"),
    "prognosis with a therapy effect": ("predicate", "Give a predicate of this kind of claim: better,"),
    "prognosis of a therapy": ("object", "Give as object an outcome"),
    "frequency without disease": ("disease", "Give the disease in which it is said to hold"),
    "acquired signalling": ("acquisition", "Leave the acquisition out, or give the kind"),
    "known citation without reference": ("citation_status", "Give the reference, or the status missing"),
    "missing citation with reference": ("references", "Give the status printed, carried or doubtful"),
    "doubtful without issue": ("citation_status", "Add an issue row that concerns the statement"),
    "unspecified without issue": ("subject", "Add an issue row that concerns the statement"),
    "percentage over 100": ("value", "Give percentages from 0 to 100, or another unit"),
    "numerator above denominator": ("numerator", "Give the numerator as one whole number that is"),
    "p above 1": ("p", "Give the p-value as one number from 0 to 1"),
    "interval upside down": ("low", "Give the lower end of the range as one number that is not above"),
    "confidence interval upside down": ("ci_low", "Give the lower confidence limit as one number that"),
    "trial without results has some": ("trial", "Take the measurement or the trial out of the statement"),
    "ongoing trial with results": ("has_results", "Take the measurement or the trial out"),
    "part larger than the whole": ("n", "Mend the size or the parent"),
    "study that is not named": ("study", "Give the study whose own words these are"),
    "study that nobody verified": ("verified_in", "Give where PubMed id and DOI were seen"),
}


@pytest.mark.parametrize(("what", "said"), REFUSED.items(), ids=REFUSED.keys())
def test_planted_error_is_refused_at_its_row(planted: Planted, what: str, said: tuple[str, str]) -> None:
    name, remedy = said
    assert [fault for fault in planted.at(what) if fault[0] == name and fault[1].startswith(remedy)]


def test_nothing_is_published_when_data_do_not_conform(planted: Planted) -> None:
    assert not planted.out.exists()
    assert len(planted.faults) >= len(REFUSED)
    assert all(fault.level == "ERROR" and fault.problem and fault.remedy for fault in planted.faults)


def test_gate_tells_file_line_and_column(planted: Planted) -> None:
    table, line = planted.lines["p above 1"]
    remedy = "Give the p-value as one number from 0 to 1 (column p)."
    problem = "is too large (MaxInclusive)"
    assert f"{table}:{line}:p: '1.5' {problem}; {remedy}" in map(str, planted.faults)


FIGURES, CLAIMS, TRIALS = f"{REVIEW}/results.tsv", f"{REVIEW}/statements.tsv", f"{REVIEW}/trials.tsv"
RESPONSE = "010-afatinib-response-orr"
HAZARD = "007-worse-in-women-hr"
PERCENT = "The percentage is below 0 or above 100; Give percentages from 0 to 100, or another unit."
#: Table, row, what is put into its cells, and what is said at which column.
CELLS = {
    "an upper end above 100": (
        FIGURES, RESPONSE, {"value": "", "low": "20", "high": "150"}, f"high: '150' {PERCENT}",
    ),
    "a share below 0": (FIGURES, RESPONSE, {"value": "-1"}, f"value: '-1' {PERCENT}"),
    "a p-value above 1": (FIGURES, HAZARD, {"p": "1.2"}, "p: '1.2' is too large (MaxInclusive); Give the p-"),
    "a p-value without relation": (
        FIGURES, HAZARD, {"p_relation": ""}, "p_relation: is missing (MinCount); Give the relation",
    ),
    "half a confidence interval": (
        FIGURES, HAZARD, {"ci_high": ""}, "ci_high: is missing (MinCount); Give both confidence limits",
    ),
    "a value outside its interval": (
        FIGURES, HAZARD, {"value": "9.9"}, "value: '9.9' The value is below the lower or above the upper",
    ),
    "a value and a range": (
        FIGURES, RESPONSE, {"low": "6", "high": "7"},
        "low: '6' is given more than once, or must not be given here (MaxCount); Give a value or a range",
    ),
    "an object of another kind": (
        CLAIMS, "010-afatinib-response", {"object": "outcome:os"},
        "object: 'outcome:os' is none of what may stand here (Or); Give as object a drug, a drug class",
    ),
    "a trial without results": (
        CLAIMS, "004-share-of-lung-cancer", {"trial": "nct00000001"},
        "trial: 'nct00000001' A statement about a trial that has no results",
    ),
    "another NCT number": (TRIALS, "nct00000001", {"nct": "NCT00000002"}, "nct: 'NCT00000002' The id or the"),
    "its own parent": (
        "data/populations.tsv", "resected", {"parent": "resected"}, "parent: 'resected' The thing is its own",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("table", "row", "cells", "said"), CELLS.values(), ids=CELLS.keys())
@pytest.mark.untraced  # a tracer doubles its time, and other tests run the same lines
def test_broken_rule_is_told_once_at_the_cell(
    sample_home: Path, table: str, row: str, cells: dict[str, str], said: str
) -> None:
    [line] = {set_cell(sample_home / table, row, name, value) for name, value in cells.items()}
    with pytest.raises(NotConformError) as caught:
        build.build(sample_home, sample_home / "build")
    [fault] = caught.value.faults
    assert str(fault).startswith(f"{table}:{line}:{said}")


@pytest.mark.slow
def test_text_in_another_language_is_told_at_its_column(sample_home: Path) -> None:
    line = set_cell(sample_home / CLAIMS, "010-afatinib-response", "label_zh", "It worked.")
    [fault] = build.build(sample_home, sample_home / "build").warnings
    assert str(fault).startswith(f"{CLAIMS}:{line}:label_zh: 'It worked.' The Chinese text has no Chinese")


def test_node_without_a_row_is_named_itself(ontology: Graph) -> None:
    data = Graph()
    data.add((GENE, RDF.type, HER2.Gene))
    data.add((GENE, RDFS.label, Literal("ERBB2", lang="en")))
    faults = validation.run_shapes(data, ontology, validation.shapes(ROOT / "ontology" / "shapes"), {})
    assert any("Chinese" in fault.remedy for fault in faults)
    assert {fault.line for fault in faults} == {0}
    assert all(str(GENE) in fault.problem for fault in faults)


def test_made_node_is_told_at_the_row_that_points_to_it() -> None:
    data = map_tables(read(SAMPLE / "data"))
    result = thing("study-result", "sample-review-010-afatinib-response")
    row = data.origins[thing("statement", "sample-review-010-afatinib-response")]
    places = {
        node: validation.Place(row.path, row.line, type(row.record).model_fields)
        for node, row in data.origins.items()
    }
    check = Query("made", f"SELECT ?node {{ BIND(<{result}> AS ?node) }}", header=SAID)
    [fault] = validation.run_checks([data.graph], [check], data.graph, places)
    assert (fault.path, fault.line, fault.column, fault.rule) == (row.path, row.line, "", "made")


def test_check_names_property_and_value() -> None:
    text = f"SELECT * {{ VALUES (?node ?path ?value) {{ (<{GENE}> <{HER2.pmid}> 7) }} }}"
    [fault] = validation.run_checks([], [Query("named", text, header=SAID)], Graph(), {})
    assert (fault.column, fault.value, fault.level) == ("pmid", "7", "WARN")
    assert str(fault) == f"pmid: '7' {GENE}: it is wrong; mend it"


def test_check_that_is_no_select_is_named() -> None:
    with pytest.raises(InputError, match="the check odd is no SELECT: write it as SELECT"):
        validation.run_checks([], [Query("odd", "ASK { ?s ?p ?o }", header=SAID)], Graph(), {})


def test_check_that_is_no_sparql_is_named() -> None:
    with pytest.raises(InputError, match=r"the check odd: .* the query is not SPARQL at"):
        validation.run_checks([], [Query("odd", "SELECT ?node WHER {}", header=SAID)], Graph(), {})


@pytest.mark.parametrize("key", ["problem", "solution", "level"])
def test_check_with_a_gap_in_its_header_is_named(key: str) -> None:
    header = {name: words for name, words in SAID.items() if name != key}
    with pytest.raises(InputError, match=f"the check odd has no {key} in its header: add it"):
        validation.run_checks([], [Query("odd", "SELECT ?node {}", header=header)], Graph(), {})


def test_shapes_that_do_not_parse_are_named(tmp_path: Path) -> None:
    (tmp_path / "gene.ttl").write_text("<#Gene> a sh:NodeShape", encoding="utf-8")
    with pytest.raises(InputError, match=r"gene\.ttl:1:1: .*: mend the syntax"):
        validation.shapes(tmp_path)


def test_shapes_that_cannot_be_run_are_told(tmp_path: Path, ontology: Graph) -> None:
    (tmp_path / "gene.ttl").write_text(f"{PREFIXES} <urn:x> a sh:PropertyShape ; sh:targetClass her2:Gene .")
    data = Graph().add((GENE, RDF.type, HER2.Gene))
    with pytest.raises(InputError, match=r"the shapes cannot be run: .*: mend the shapes"):
        validation.run_shapes(data, ontology, validation.shapes(tmp_path), {})


def test_shapes_of_some_classes_can_be_had(shapes: ShapesGraph) -> None:
    some = validation.shapes(ROOT / "ontology" / "shapes", (HER2.Conflict,))
    assert HER2.Conflict in set(some.objects(None, SH.targetClass))
    assert len(some) < len(shapes.graph)


def test_shape_may_only_warn(ontology: Graph, tmp_path: Path) -> None:
    shape = "sh:targetClass her2:Gene ; sh:path her2:pmid ; sh:minCount 1 ; sh:severity sh:Warning"
    (tmp_path / "gene.ttl").write_text(
        f'{PREFIXES} <urn:x> a sh:PropertyShape ; {shape} ; sh:message "Give." .'
    )
    data = Graph().add((GENE, RDF.type, HER2.Gene))
    [fault] = validation.run_shapes(data, ontology, validation.shapes(tmp_path), {})
    assert (fault.level, fault.column, fault.remedy) == ("WARN", "pmid", "Give.")
