"""Linking out: identifiers of the right form, mappings that hold, one SSSOM file, the same as triples."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml
from rdflib import Graph, URIRef
from rdflib.namespace import DCTERMS, OWL, RDF, RDFS, SKOS

from her2kg.errors import NotConformError
from her2kg.graph import build
from her2kg.graph.make.alignment import COLUMNS
from her2kg.graph.make.mapping import map_tables
from her2kg.graph.read.tables import read
from her2kg.model import layout
from her2kg.model.curies import curies
from her2kg.model.namespaces import HER2, prefixes, thing
from her2kg.model.records import Alignment, Identifier, Prefix
from her2kg.model.vocabulary import Justification, Match
from tests.conftest import ROOT
from tests.editing import add_row, set_cell

if TYPE_CHECKING:
    from types import ModuleType

    from her2kg.model.records import MappingRow
    from her2kg.model.rows import Tables

IDENTIFIERS = "data/identifiers.tsv"
ALIGNMENTS = "data/alignments.tsv"
MATCHES = {SKOS.exactMatch, SKOS.closeMatch, SKOS.broadMatch, SKOS.narrowMatch, SKOS.relatedMatch}
ROW = {
    "predicate": "skos:exactMatch", "justification": "semapv:ManualMappingCuration", "curated_by": "nobody",
    "curated_on": "2024-01-02", "verified_in": "invented for the tests",
}  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> Tables:
    return read(ROOT / "data")


@pytest.fixture(scope="module")
def rows(tables: Tables) -> list[MappingRow]:
    found: list[MappingRow] = [row.record for row in tables.of(Identifier)]
    return [*found, *(row.record for row in tables.of(Alignment))]


@pytest.fixture(scope="module")
def bioregistry(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Give Bioregistry with its folder for downloads, which it makes when it is imported, out of the way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSTOW_HOME", str(tmp_path_factory.mktemp("pystow")))
        return importlib.import_module("bioregistry")


def faults(home: Path) -> list[str]:
    return [str(fault) for fault in build.check(home)[1]]


HGNC = "HUGO Gene Nomenclature Committee"
FORM = "has another form than it must have; write prefix:identifier, such as HGNC:3430"
PATTERN = r"what follows the prefix must match ^\d{1,5}$"
CURIES = {
    "an unknown prefix": ("foo:3430", "there is no prefix foo; add it to the table of prefixes"),
    "a prefix in another case": ("hgnc:3430", "there is no prefix hgnc; did you mean HGNC?"),
    "a misspelt prefix": ("HGCN:3430", "there is no prefix HGCN; did you mean HGNC?"),
    "a CURIE in a CURIE": ("HGNC:HGNC:3430", f"is no identifier of {HGNC}; {PATTERN}"),
    "two colons": ("HGNC:a:b", f"is no identifier of {HGNC}; {PATTERN}"),
    "letters for digits": ("HGNC:ERBB2", f"is no identifier of {HGNC}; {PATTERN}"),
    "a digit too many": ("HGNC:343000", f"is no identifier of {HGNC}; {PATTERN}"),
    "an identifier of another database": ("HGNC:C1647", f"is no identifier of {HGNC}; {PATTERN}"),
    "full-width digits": ("HGNC:３４３０", FORM),
    "a full-width colon": ("HGNC：3430", FORM),
    "a space in it": ("HGNC:34 30", FORM),
    "nothing after the prefix": ("HGNC:", FORM),
    "no prefix": (":3430", FORM),
}


@pytest.mark.parametrize(("curie", "said"), CURIES.values(), ids=CURIES.keys())
def test_identifier_of_the_wrong_form_is_a_fault_at_its_cell(
    sample_home: Path, curie: str, said: str
) -> None:
    line = set_cell(sample_home / IDENTIFIERS, "gene:erbb2", "curie", curie)
    assert faults(sample_home) == [f"{IDENTIFIERS}:{line}:curie: {curie!r} {said}"]


@pytest.mark.slow
@pytest.mark.untraced  # a tracer doubles its time, and other tests run the same lines
def test_identifier_of_the_wrong_form_stops_the_build(sample_home: Path, tmp_path: Path) -> None:
    set_cell(sample_home / IDENTIFIERS, "gene:erbb2", "curie", "foo:3430")
    with pytest.raises(NotConformError):
        build.build(sample_home, tmp_path / "build")
    assert not (tmp_path / "build").exists()


def test_identifier_is_not_blamed_for_the_row_of_its_prefix(sample_home: Path) -> None:
    line = set_cell(sample_home / "data" / "prefixes.tsv", "HGNC", "pattern", "^(")
    (said,) = faults(sample_home)
    assert said.startswith(f"data/prefixes.tsv:{line}:pattern: '^(' is no regular expression (missing )")


@pytest.mark.parametrize("iri", ["https://x.org/", "https://x.org/$1/y", "https://x.org/ $1", "x.org/$1"])
def test_prefix_needs_an_iri_that_ends_with_the_identifier(sample_home: Path, iri: str) -> None:
    set_cell(sample_home / "data" / "prefixes.tsv", "HGNC", "uri_format", iri)
    assert [fault.column for fault in build.check(sample_home)[1]] == ["uri_format"]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        (
            "entity", "her2:MissenceMutation",
            "'her2:MissenceMutation' the ontology has no such term; did you mean her2:MissenseMutation?",
        ),
        (
            "note", "",
            "is not exact, but no note says why (skos:closeMatch); say in what the other thing differs",
        ),
        (
            "predicate", "owl:sameAs",
            ("'owl:sameAs' no such token; use 'skos:exactMatch', 'skos:closeMatch', 'skos:broadMatch', "
            "'skos:narrowMatch' or 'skos:relatedMatch'"),
        ),
    ],
    ids=["undeclared-term", "no-reason", "no-such-predicate"],
)  # fmt: skip
def test_mapping_that_is_not_as_it_must_be_is_a_fault_at_its_cell(
    sample_home: Path, column: str, value: str, said: str
) -> None:
    line = set_cell(sample_home / ALIGNMENTS, "her2:MissenseMutation", column, value)
    assert faults(sample_home) == [f"{ALIGNMENTS}:{line}:{column}: {said}"]


class Second(NamedTuple):
    """An exact match beside that of the sample, and what is said of the later of the two."""

    table: str
    entity: str
    curie: str


ONCE = "is exactly HGNC:3430 already in line 2 of data/identifiers.tsv"
SECONDS = {
    "one thing has two identifiers": Second(IDENTIFIERS, "gene:erbb2", "HGNC:3431"),
    "two things are one": Second(IDENTIFIERS, "gene:egfr", "HGNC:3430"),
    "a thing and a term are one": Second(ALIGNMENTS, "her2:Gene", "HGNC:3430"),
}


@pytest.mark.parametrize("second", SECONDS.values(), ids=SECONDS.keys())
def test_exact_match_is_one_to_one(sample_home: Path, second: Second) -> None:
    line = add_row(sample_home / second.table, entity=second.entity, curie=second.curie, **ROW)
    expected = (
        f"{second.table}:{line}:predicate: '{second.entity} {second.curie}' gene:erbb2 {ONCE}; "
        "an exact match is one to one: give another predicate to one of the two"
    )
    assert faults(sample_home) == [expected]


def test_identifier_becomes_a_link_and_a_text(sample_graphs: dict[str, Graph]) -> None:
    iri = URIRef("https://www.genenames.org/data/gene-symbol-report/#!/hgnc_id/3430")
    found = sample_graphs["asserted"]
    assert list(found.objects(thing("gene", "erbb2"), SKOS.exactMatch)) == [iri]
    assert [str(text) for text in found.objects(thing("gene", "erbb2"), DCTERMS.identifier)] == ["HGNC:3430"]


def test_identifier_of_a_wider_thing_is_a_link_only(sample_home: Path) -> None:
    table = sample_home / IDENTIFIERS
    set_cell(table, "gene:erbb2", "note", "wider")
    set_cell(table, "gene:erbb2", "predicate", "skos:broadMatch")
    found = map_tables(read(sample_home / "data")).graph
    assert len(list(found.objects(thing("gene", "erbb2"), SKOS.broadMatch))) == 1
    assert list(found.objects(thing("gene", "erbb2"), DCTERMS.identifier)) == []


def test_every_prefix_is_one_of_bioregistry_with_its_rules(tables: Tables, bioregistry: ModuleType) -> None:
    own = []
    for row in tables.of(Prefix):
        known = bioregistry.get_resource(row.record.id)
        assert known is not None, row.record.id
        assert known.prefix == row.record.bioregistry
        assert known.get_uri_format() == row.record.uri_format
        assert known.get_name() == row.record.name
        if known.get_pattern() is None:
            own.append(row.record.id)
        else:
            assert known.get_pattern() == row.record.pattern
    assert own == ["ONCOTREE"]


def test_every_identifier_expands_as_bioregistry_does(
    tables: Tables, rows: list[MappingRow], bioregistry: ModuleType
) -> None:
    known = curies(tables)
    assert len(rows) > 290
    for row in rows:
        prefix, _, local = row.curie.partition(":")
        assert known.problem(row.curie) is None, row.curie
        assert bioregistry.get_resource(prefix).is_valid_identifier(local), row.curie
        assert known.iri(row.curie) == bioregistry.get_iri(prefix, local), row.curie


def test_every_prefix_has_a_use(tables: Tables, rows: list[MappingRow]) -> None:
    used = {row.curie.partition(":")[0] for row in rows}
    assert used == {row.record.id for row in tables.of(Prefix)}


def test_vocabularies_that_others_look_for_are_linked(rows: list[MappingRow]) -> None:
    used = {row.curie.partition(":")[0] for row in rows}
    wanted = "HGNC NCIT DOID MONDO EFO ONCOTREE CHEBI SO OBI ECO SEPIO reactome wikipathways GO civic.vid"
    assert set(wanted.split()) <= used


class File:
    """The SSSOM file of the build, taken apart by the rules of the standard: TSV below a header of YAML."""

    def __init__(self, path: Path) -> None:
        """Read it."""
        lines = path.read_text(encoding="utf-8").splitlines()
        above = [line.removeprefix("#") for line in lines if line.startswith("#")]
        self.header: dict[str, Any] = yaml.safe_load("\n".join(above))
        self.columns, *self.lines = (line.split("\t") for line in lines[len(above) :])
        self.rows = [dict(zip(self.columns, cells, strict=True)) for cells in self.lines]


@pytest.fixture(scope="module")
def file(built: Path) -> File:
    return File(built / layout.ALIGNMENTS)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """Give the schema of SSSOM, as the package of the standard ships it; its code is not used."""
    found = importlib.util.find_spec("sssom_schema")
    assert found is not None
    assert found.submodule_search_locations
    path = Path(found.submodule_search_locations[0]) / "schema" / "sssom_schema.yaml"
    said: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return said


def test_file_has_the_slots_of_the_schema_and_all_that_must_be(file: File, schema: dict[str, Any]) -> None:
    slots = schema["slots"]
    for name, present in (("mapping set", set(file.header)), ("mapping", set(file.columns))):
        allowed = schema["classes"][name]["slots"]
        usage = schema["classes"][name].get("slot_usage", {})
        must = {slot for slot in allowed if {**slots[slot], **usage.get(slot, {})}.get("required")}
        assert present <= set(allowed), name
        # The mappings are the table itself, what identifies a mapping is required by the rules of the class.
        assert must <= present, name
    order = schema["classes"]["mapping"]["slots"]
    assert file.columns == sorted(file.columns, key=order.index) == list(COLUMNS)
    must = {
        "subject_id",
        "predicate_id",
        "object_id",
        "mapping_justification",
        "author_label",
        "mapping_date",
    }
    assert [row for row in file.rows for name in must if not row[name]] == []


def test_values_have_the_types_of_the_schema(file: File, schema: dict[str, Any]) -> None:
    for name, value in file.header.items():
        slot = schema["slots"][name]
        assert isinstance(value, list) == (slot.get("multivalued", False) and name != "curie_map"), name
    for row in file.rows:
        for name, value in row.items():
            slot = schema["slots"][name]
            if slot.get("range") == "EntityReference":
                prefix, _, local = value.partition(":")
                assert prefix in file.header["curie_map"], value
                assert local
            if slot.get("range") == "date":
                assert re.fullmatch(r"\d{4}-\d\d-\d\d", value)
            if re.search("semapv", slot.get("pattern", "")):
                assert re.search(slot["pattern"], value), value
    assert {row["predicate_id"] for row in file.rows} <= {str(match) for match in Match}
    assert {row["mapping_justification"] for row in file.rows} == {str(reason) for reason in Justification}


def test_sssom_reader_reads_every_row(built: Path, rows: list[MappingRow], bioregistry: ModuleType) -> None:
    assert bioregistry  # imports the reader as well, so that its folder is out of the way
    import sssom_pydantic

    found, converter, described, errors = sssom_pydantic.read(built / layout.ALIGNMENTS, return_errors=True)
    assert errors == []
    assert len(found) == len(rows)
    assert str(described.license) == "https://creativecommons.org/licenses/by/4.0/"
    assert converter.expand("gene:erbb2") == str(thing("gene", "erbb2"))


def test_prefixes_of_the_file_are_the_ones_that_it_uses(file: File, tables: Tables) -> None:
    used = {
        row[name].partition(":")[0]
        for row in file.rows
        for name in ("subject_id", "predicate_id", "object_id", "mapping_justification")
    }
    known = {**prefixes(ROOT), **{row.record.id: row.record.namespace for row in tables.of(Prefix)}}
    assert file.header["curie_map"] == {name: known[name] for name in sorted(used)}


def test_own_prefixes_and_theirs_are_not_mixed_up(tables: Tables) -> None:
    assert not {row.record.id for row in tables.of(Prefix)} & set(prefixes(ROOT))


def test_rows_are_sorted_and_single(file: File) -> None:
    assert file.lines == sorted(file.lines)
    assert len({(row["subject_id"], row["object_id"]) for row in file.rows}) == len(file.rows)


def test_date_is_that_of_the_row(file: File, rows: list[MappingRow]) -> None:
    dates = {(row.entity, row.curie): row.curated_on.isoformat() for row in rows}
    assert {(row["subject_id"], row["object_id"]): row["mapping_date"] for row in file.rows} == dates


@pytest.fixture(scope="module")
def graph(built: Path) -> Graph:
    return Graph().parse(built / "her2kg.nt", format="nt")


def test_file_and_triples_say_the_same(file: File, graph: Graph) -> None:
    def iri(curie: str) -> URIRef:
        prefix, _, local = curie.partition(":")
        return URIRef(f"{file.header['curie_map'][prefix]}{local}")

    said = {(iri(row["subject_id"]), iri(row["predicate_id"]), iri(row["object_id"])) for row in file.rows}
    assert said == {triple for triple in graph if triple[1] in MATCHES}
    for row in file.rows:
        texts = {str(text) for text in graph.objects(iri(row["subject_id"]), RDFS.label)}
        assert row["subject_label"] in texts


def test_exact_match_is_one_to_one_in_each_vocabulary(file: File) -> None:
    exact = [row for row in file.rows if row["predicate_id"] == "skos:exactMatch"]
    assert len(exact) > 190
    ends = Counter((row["subject_id"], row["object_id"].partition(":")[0]) for row in exact)
    assert [end for end, times in ends.items() if times > 1] == []
    assert [end for end, times in Counter(row["object_id"] for row in exact).items() if times > 1] == []


def test_no_chain_of_exact_matches_joins_two_things_of_ours(graph: Graph) -> None:
    near = defaultdict(set)
    for subject, obj in graph.subject_objects(SKOS.exactMatch):
        near[subject].add(obj)
        near[obj].add(subject)
    own = {node for node in near if str(node).startswith("https://w3id.org/her2kg/")}
    for start in own:
        reached, front = {start}, {start}
        while front:
            front = {other for node in front for other in near[node]} - reached
            reached |= front
        assert reached & own == {start}


def test_mappings_of_terms_are_in_the_module_of_terms(built: Path, tables: Tables) -> None:
    base = Graph().parse(built / "ontology-base.ttl")
    mapped = [triple for triple in base if triple[1] in MATCHES]
    assert len(mapped) == len(tables.of(Alignment))
    assert {str(subject) for subject, _, _ in mapped} == {
        str(HER2[row.record.entity.removeprefix("her2:")]) for row in tables.of(Alignment)
    }
    for predicate in MATCHES:
        assert (predicate, RDF.type, OWL.AnnotationProperty) in base


def test_no_mapping_stands_in_the_edit_file() -> None:
    edited = Graph().parse(ROOT / "ontology" / "her2kg.ttl")
    assert [triple for triple in edited if triple[1] in MATCHES] == []


@pytest.mark.source
def test_every_mapping_is_to_a_verified_identifier_and_name(shared: Path, rows: list[MappingRow]) -> None:
    """It stands among the verified facts, or in the list of terms that were read in their ontologies."""
    names: dict[str, set[str]] = defaultdict(set)
    files: dict[str, set[str]] = defaultdict(set)
    for line in (shared / "facts" / "identifiers.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        entity, _, curie, _, where, confidence, note, *_ = line.split("\t")
        if confidence == "high" or curie.startswith("clinicaltrials:"):
            names[curie] |= {entity, note, re.sub(r" NCI=.*", "", note)}
            files[curie].add(where)
    research = (shared / "research" / "ontology.md").read_text(encoding="utf-8")
    read_there = research[research.index("### B5") : research.index("### B7")]
    for row in rows:
        if row.curie in names:
            assert not row.label or row.label in names[row.curie], row
            assert row.verified_in in files[row.curie], row
        else:
            prefix, _, local = row.curie.partition(":")
            (listed,) = re.findall(rf"^- \*\*{prefix}\*\*.*(?:\n  .*)*", read_there, re.MULTILINE)
            assert local in listed, row
            assert not row.label or row.label.replace("_", " ") in listed.replace("_", " "), row
