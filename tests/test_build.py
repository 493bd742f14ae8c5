"""The pipeline as a whole: its report, its exit codes, and one line for each file that is broken."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from rdflib import Dataset, Graph
from rdflib.namespace import DCAT, DCTERMS, SDO, SH, VOID

from her2kg.cli import main
from her2kg.errors import Her2kgError, InputError, NotConformError
from her2kg.graph.build import STAGES, Report, build, check, coverage, rewrite, validate
from her2kg.model.layout import CHECKSUMS, CONTEXT, DATA_FILES, DISTRIBUTIONS, FILES
from her2kg.model.layout import DATASET as DATASET_FILE
from her2kg.model.namespaces import DATASET, GRAPHS, HER2
from her2kg.model.queries import question_names
from her2kg.sparql.engine import Engine
from her2kg.sparql.formats import GRAPH_FORMATS
from tests.conftest import ROOT, SAMPLE, make_sample_home
from tests.editing import keep_rows, set_cell

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

pytestmark = pytest.mark.slow

REVIEW = "data/sources/sample-review"
FIXTURES = ROOT / "tests" / "shapes"


class Built:
    """The sample, built once."""

    def __init__(self, home: Path) -> None:
        """Build the home."""
        self.home = home
        self.folder = home / "build"
        self.told: list[tuple[str, int, int]] = []
        self.report: Report = build(
            home, self.folder, SAMPLE / "review.txt", lambda *told: self.told.append(told)
        )


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built(make_sample_home(tmp_path_factory.mktemp("build") / "home"))


def her2kg(home: Path, *arguments: str) -> Result:
    return CliRunner(env={"HER2KG_HOME": str(home)}).invoke(main, arguments)


def own(home: Path, name: str) -> Path:
    """Give the home a copy of its own of a folder that it shares with the project."""
    folder = home / name
    folder.unlink()
    return shutil.copytree(ROOT / name, folder)


def test_sample_builds_without_any_warning(sample: Built) -> None:
    assert sample.report.warnings == []


def test_report_counts_claims_and_triples(sample: Built) -> None:
    assert sample.report.directions == {"disputes": 1, "no-effect": 1, "not-reported": 1, "supports": 18}
    assert set(sample.report.triples) == {"ontology", "asserted", "inferred"}
    assert len(Graph().parse(sample.folder / "her2kg.rdf")) <= sum(sample.report.triples.values())


def test_report_is_there_for_programs(sample: Built) -> None:
    said = json.loads((sample.folder / "report.json").read_text(encoding="utf-8"))
    assert said["conforms"] is True
    assert said["warnings"] == []
    assert said["claims_by_direction"] == sample.report.directions
    assert said["triples"] == sample.report.triples
    assert [(found["source"], found["complete"], found["sentences"]) for found in said["coverage"]] == [
        ("sample-review", True, 9)
    ]


def test_report_gives_the_checksums_of_the_files(sample: Built) -> None:
    lines = (sample.folder / "checksums.txt").read_text(encoding="ascii").splitlines()
    assert sample.report.checksums == {line[66:]: line[:64] for line in lines}
    assert set(sample.report.checksums) == set(FILES) - {CHECKSUMS}


def test_the_layout_names_every_file_of_a_build_and_no_other(sample: Built) -> None:
    assert {path.name for path in sample.folder.iterdir()} == set(FILES)
    assert set(DISTRIBUTIONS) < set(FILES)


def _reads(path: Path, media_type: str) -> bool:
    """Say whether a file parses as its media type."""
    text = path.read_text(encoding="utf-8")
    if media_type in {known.media_type for known in GRAPH_FORMATS.values()}:
        # The context alone has no triple.
        return len(Engine.from_text(text, media_type)) > 0 or path.name == CONTEXT
    if media_type == "application/json":
        return isinstance(json.loads(text), dict)
    mark = {"text/tab-separated-values": "\t", "text/plain": "  "}[media_type]
    return mark in text.splitlines()[-1]


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_a_build_has_the_media_type_of_the_layout(sample: Built, name: str) -> None:
    assert _reads(sample.folder / name, FILES[name])


@pytest.mark.parametrize("kind", GRAPH_FORMATS)
def test_the_data_have_named_graphs_in_the_formats_that_hold_them(sample: Built, kind: str) -> None:
    engine = Engine()
    engine.add_file(sample.folder / DATA_FILES[kind])
    graphs = {statement.graph for statement in engine.statements()}
    assert graphs == (set(map(str, GRAPHS.values())) if GRAPH_FORMATS[kind].named_graphs else {""})


def test_the_description_offers_the_distributions_of_the_layout(sample: Built) -> None:
    described = Dataset()
    described.parse(sample.folder / DATASET_FILE, format="nquads")
    metadata = described.graph(GRAPHS["metadata"])
    offered = {
        str(metadata.value(node, DCTERMS.title)): str(metadata.value(node, SDO.encodingFormat))
        for node in metadata.objects(DATASET, DCAT.distribution)
    }
    assert offered == {name: FILES[name] for name in DISTRIBUTIONS}
    dumps = {str(node).rpartition("/")[2] for node in metadata.objects(DATASET, VOID.dataDump)}
    assert dumps == set(DATA_FILES.values())


def test_stages_are_told_in_order(sample: Built) -> None:
    assert sample.told == [(stage, number, len(STAGES)) for number, stage in enumerate(STAGES)]


def test_metadata_name_every_question_and_count_every_graph(sample: Built) -> None:
    dataset = Dataset()
    dataset.parse(sample.folder / "her2kg.nq", format="nquads")
    metadata = dataset.graph(GRAPHS["metadata"])
    assert sorted(str(name) for name in metadata.objects(None, DCTERMS.identifier)) == question_names(ROOT)
    assert len(list(metadata.objects(None, SH.select))) == len(question_names(ROOT))
    for name, count in sample.report.triples.items():
        assert (
            int(str(metadata.value(GRAPHS[name], VOID.triples))) == count == len(dataset.graph(GRAPHS[name]))
        )


def test_date_comes_from_the_data(sample: Built) -> None:
    described = Graph()
    for line in (sample.folder / "her2kg.nq").read_text(encoding="utf-8").splitlines():
        if line.endswith(f"<{GRAPHS['metadata']}> ."):
            described.parse(data=f"{line.rpartition(' <')[0]} .", format="nt")
    assert str(described.value(DATASET, DCTERMS.modified)) == "2024-01-03"


def test_only_sources_with_a_text_are_measured(sample: Built) -> None:
    read, faults = check(sample.home)
    assert faults == []
    assert set(read.sources) == {"sample-review", "sample-abstracts"}
    assert [found.source for found in coverage(read)] == ["sample-review"]


def test_document_is_held_against_the_tables(sample_home: Path, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("另一篇", encoding="utf-8")
    with pytest.raises(NotConformError) as caught:
        build(sample_home, tmp_path / "build", tmp_path / "other.txt")
    assert [fault.column for fault in caught.value.faults] == ["sha256"]


def test_earlier_build_stays_when_the_data_break_a_rule(sample_home: Path, tmp_path: Path) -> None:
    out = tmp_path / "build"
    out.mkdir()
    (out / "checksums.txt").write_text("of an earlier build\n", encoding="ascii")
    set_cell(sample_home / REVIEW / "results.tsv", "010-afatinib-response-orr", "value", "150")
    with pytest.raises(NotConformError):
        build(sample_home, out)
    assert [path.name for path in out.iterdir()] == ["checksums.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["build", "home"]


def test_warning_is_reported_but_does_not_stop_the_build(sample_home: Path, tmp_path: Path) -> None:
    line = set_cell(sample_home / "data" / "topics.tsv", "sample-size", "label_en", "screening for HER2")
    report = build(sample_home, tmp_path / "build")
    assert {(fault.path, fault.column, fault.rule, fault.level) for fault in report.warnings} == {
        ("data/topics.tsv", "label_en", "label-not-unique", "WARN")
    }
    assert line in {fault.line for fault in report.warnings}
    said = json.loads((tmp_path / "build" / "report.json").read_text(encoding="utf-8"))
    assert len(said["warnings"]) == len(report.warnings) == 2


def test_build_exits_0_and_says_what_it_made(sample_home: Path) -> None:
    result = her2kg(sample_home, "build")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("21 claims, ")
    assert result.stderr.endswith(f"triples in {sample_home / 'build'}\n")


def test_build_exits_1_and_lists_all_faults(sample_home: Path) -> None:
    line = set_cell(sample_home / "data" / "genes.tsv", "erbb2", "symbol", "")
    other = set_cell(sample_home / "data" / "drugs.tsv", "afatinib", "action", "=SUM(A1)")
    result = her2kg(sample_home, "build")
    assert result.exit_code == 1
    assert f"error: data/genes.tsv:{line}:symbol: the cell is empty but must be filled" in result.stderr
    assert (
        f"error: data/drugs.tsv:{other}:action: '=SUM(A1)' looks like a spreadsheet formula" in result.stderr
    )
    assert result.stderr.endswith("her2kg: 2 faults in the data: mend them and build again\n")
    assert "Traceback" not in result.stderr


def test_one_fault_is_counted_as_one(sample_home: Path) -> None:
    set_cell(sample_home / "data" / "genes.tsv", "erbb2", "symbol", "")
    assert her2kg(sample_home, "check").stderr.endswith(
        "her2kg: 1 fault in the data: mend them and build again\n"
    )


def test_check_prints_the_coverage(sample_home: Path) -> None:
    result = her2kg(sample_home, "check", "--coverage", "--source", str(SAMPLE / "review.txt"))
    assert (result.exit_code, result.stderr) == (0, "the tables are in order\n")
    assert result.stdout == (
        "sample-review\n  sentences  9/9 (1 exempt)\n  references 4/4\n  figures    15/15\n"
    )


def test_check_exits_1_when_a_sentence_has_no_claim(sample_home: Path) -> None:
    keep_rows(sample_home / REVIEW / "spans.tsv", lambda row: row["segment"] != "8")
    result = her2kg(sample_home, "check", "--coverage")
    assert result.exit_code == 1
    assert "  sentences  8/9 (1 exempt)\n" in result.stdout
    assert "  missing: sentence 8 has no claim and no exemption\n" in result.stdout
    assert her2kg(sample_home, "check").exit_code == 0


def test_check_exits_3_without_the_document(sample_home: Path) -> None:
    result = her2kg(sample_home, "check", "--source", "none.txt")
    assert result.exit_code == 3
    assert result.stderr == "her2kg: none.txt: No such file or directory: give the path of the document\n"


BROKEN = {
    "ontology": ("ontology", "her2kg.ttl", "<x> a", r"her2kg\.ttl:1:1: .*: mend the syntax"),
    "no ontology": ("ontology", "her2kg.ttl", None, r"her2kg\.ttl is missing: put it back"),
    "prefixes": ("ontology", "prefixes.ttl", "<x> a", r"prefixes\.ttl:1:1: .*: mend the syntax"),
    "no prefixes": ("ontology", "prefixes.ttl", None, r"prefixes\.ttl is missing: put it back"),
    "shape": ("ontology", "shapes/gene.ttl", "<x> a", r"shapes/gene\.ttl:1:1: .*: mend the syntax"),
    "shape that is none": (
        "ontology", "shapes/gene.ttl",
        f"<urn:x> a <{SH.PropertyShape}> ; <{SH.targetNode}> <urn:y> ; <{SH.targetClass}> <{HER2.Gene}> .",
        r"the shapes cannot be run: .*: mend the shapes",
    ),
    "shapes of a class away": (
        "ontology", "shapes/gene.ttl", "",
        r"no shape is about her2:Gene: put its file back",
    ),
    "rule": (
        "ontology", "rules/99-mine.rq", "CONSTRUCT { ?s ?p } WHERE {}",
        r"the rule 99-mine: .*the query is not SPARQL at",
    ),
    "rule that asks": ("ontology", "rules/99-mine.rq", "ASK {}", r"the rule 99-mine is no CONSTRUCT"),
    "check": (
        "ontology", "checks/mine.rq", "#+ problem: p\n#+ solution: s\n#+ level: WARN\n\nSELECT ?node WHER",
        r"the check mine: .*the query is not SPARQL at",
    ),
    "check without header": (
        "ontology", "checks/mine.rq", "SELECT ?node {}", r"the check mine has no problem in its header",
    ),
    "check with another header": (
        "ontology", "checks/mine.rq", "#+ just words\n\nSELECT ?node {}",
        r"checks/mine\.rq: the #\+ header is not YAML with keys: mend the header",
    ),
    "question": (
        "queries", "questions/claims.rq", "#+ a: [\n\nSELECT ?node {}",
        r"questions/claims\.rq: the #\+ header is not YAML: mend the header",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN.keys())
def test_broken_file_is_one_line_that_names_it(
    sample_home: Path, tmp_path: Path, case: tuple[str, str, str | None, str]
) -> None:
    folder, name, text, expected = case
    path = own(sample_home, folder) / name
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(Her2kgError, match=expected) as caught:
        build(sample_home, tmp_path / "build")
    assert isinstance(caught.value, InputError)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "build").exists()


def test_build_exits_3_when_a_file_of_the_ontology_is_broken(sample_home: Path) -> None:
    (own(sample_home, "ontology") / "her2kg.ttl").write_text("<x> a", encoding="utf-8")
    result = her2kg(sample_home, "build")
    assert result.exit_code == 3
    assert len(result.stderr.splitlines()) == 1


def test_place_in_the_ontology_is_exact(sample_home: Path) -> None:
    path = own(sample_home, "ontology") / "her2kg.ttl"
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines[398] == ""
    lines[398] = "her2:x a owl:Class ; rdfs:label 'x'@en, ."
    path.write_text("\n".join(lines), encoding="utf-8")
    said = her2kg(sample_home, "build").stderr
    assert said == f"her2kg: {path}:399:41: . is not a valid RDF object: mend the syntax\n"


BROKEN_FILES = {
    "a byte-order mark": (
        b"\xef\xbb\xbf",
        "1:1: begins with a byte-order mark: save it as UTF-8 without BOM",
    ),
    "no UTF-8": (b"# \xe6\x80\xa7\n# \xe6\xb2\xb2\xb2", "2:4: byte 0xb2 is not UTF-8: save it as UTF-8"),
    "cut off": (b'<urn:a> <urn:b> "abc\n', "1:17: Unexpected end of file: mend the syntax"),
}


@pytest.mark.parametrize(("content", "said"), BROKEN_FILES.values(), ids=BROKEN_FILES.keys())
@pytest.mark.parametrize("name", ["her2kg.ttl", "prefixes.ttl", "shapes/gene.ttl"])
def test_place_in_a_file_of_the_ontology_is_told(
    sample_home: Path, name: str, content: bytes, said: str
) -> None:
    path = own(sample_home, "ontology") / name
    path.write_bytes(content)
    assert her2kg(sample_home, "build").stderr == f"her2kg: {path}:{said}\n"


def test_ontology_that_is_a_folder_is_named(sample_home: Path) -> None:
    path = own(sample_home, "ontology") / "her2kg.ttl"
    path.unlink()
    path.mkdir()
    said = f"her2kg: {path}: Is a directory: make it a file that can be read\n"
    assert her2kg(sample_home, "build").stderr == said


def test_export_that_is_no_xml_is_not_published(sample_home: Path) -> None:
    path = own(sample_home, "ontology") / "her2kg.ttl"
    text = path.read_text(encoding="utf-8")
    assert '"exempt reason"' in text
    path.write_text(text.replace('"exempt reason"', '"exempt \\u0001reason"'), encoding="utf-8")
    result = her2kg(sample_home, "build")
    assert result.exit_code == 1
    assert (
        "error: her2kg.rdf: the export is no XML: not well-formed (invalid token) at line " in result.stderr
    )
    assert not (sample_home / "build").exists()


def test_build_exits_3_when_it_cannot_write(sample_home: Path) -> None:
    result = her2kg(sample_home, "build", "--out", str(sample_home / "data" / "genes.tsv" / "build"))
    assert result.exit_code == 3
    assert "genes.tsv/build cannot be written: File exists: make room or give another" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("ending", ["ttl", "nq"])
def test_validate_accepts_what_was_built(sample: Built, ending: str) -> None:
    assert validate(sample.home, sample.folder / f"her2kg.{ending}") == []


def test_validate_exits_0_for_a_good_file(sample: Built) -> None:
    result = her2kg(sample.home, "validate", str(sample.folder / "her2kg.rdf"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{sample.folder / 'her2kg.rdf'} conforms\n"


def test_validate_exits_1_and_names_the_node(sample: Built) -> None:
    path = FIXTURES / "trial" / "invalid-malformed-nct-number.ttl"
    result = her2kg(sample.home, "validate", str(path))
    assert result.exit_code == 1
    assert "https://w3id.org/her2kg/id/trial/x: has another form than it must have (Pattern)" in result.stderr
    assert result.stderr.endswith(f"{path} does not conform\n")


def test_validate_runs_the_checks_too(sample: Built) -> None:
    path = FIXTURES / "check-subject-is-object" / "invalid-cooccurs-with-itself.ttl"
    assert "subject-is-object" in {fault.rule for fault in validate(sample.home, path)}


UNREADABLE = {
    "a syntax error": ("file.ttl", "<urn:a> <urn:b> .", r"file\.ttl:1:17: .*: mend the syntax"),
    "an ending that is no RDF": ("file.csv", "a,b\n", r"file\.csv: \.csv is no RDF format: use \.ttl, \.nt"),
    "no ending": ("file", "a,b\n", r"file: no ending is no RDF format: use \.ttl, \.nt"),
    "words": ("file.nt", "HER2 is a gene\n", r"file\.nt:1:1: .*: mend the syntax"),
    "no XML": ("file.rdf", "<rdf", r"file\.rdf.*: .*: (mend the syntax|check that the file is there)"),
}


@pytest.mark.parametrize("case", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_validate_names_the_place_in_a_file_that_is_no_rdf(
    sample: Built, tmp_path: Path, case: tuple[str, str, str]
) -> None:
    name, text, expected = case
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=expected):
        validate(sample.home, tmp_path / name)
    result = her2kg(sample.home, "validate", str(tmp_path / name))
    assert result.exit_code == 3
    assert len(result.stderr.splitlines()) == 1


def test_validate_names_a_file_that_is_not_there(sample: Built) -> None:
    result = her2kg(sample.home, "validate", "none.ttl")
    assert result.exit_code == 3
    assert result.stderr.startswith("her2kg: none.ttl: ")
    assert len(result.stderr.splitlines()) == 1


def test_format_brings_tables_and_their_description_into_form(sample_home: Path) -> None:
    assert rewrite(sample_home, write=True) == ["data/csv-metadata.json"]
    set_cell(sample_home / REVIEW / "results.tsv", "007-worse-in-women-hr", "value", "1.800")
    assert rewrite(sample_home, write=False) == [f"{REVIEW}/results.tsv"]
    assert rewrite(sample_home, write=True) == [f"{REVIEW}/results.tsv"]
    assert rewrite(sample_home, write=True) == []


def test_format_leaves_tables_that_cannot_be_read(sample_home: Path) -> None:
    table = sample_home / "data" / "genes.tsv"
    set_cell(table, "erbb2", "symbol", "")
    before = table.read_bytes()
    with pytest.raises(NotConformError):
        rewrite(sample_home, write=True)
    assert table.read_bytes() == before
    assert not (sample_home / "data" / "csv-metadata.json").exists()
