"""Records, the words of their vocabularies, their IRIs and the errors that are made of them."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from her2kg import errors
from her2kg.errors import Fault, Her2kgError, NotConformError, QueryError
from her2kg.graph.read.tables import canonical, cell
from her2kg.model.claims import SOURCE_TABLES, Figure, Reference, Result, Segment, Span
from her2kg.model.columns import column
from her2kg.model.namespaces import HER2, prefixes, proposition, scheme, term, thing, token
from her2kg.model.records import SHARED_TABLES, Alignment, Gene, Identifier, Record, VocabularyTerm
from her2kg.model.rows import Tables
from her2kg.model.sources import SourceDocument, digest, normalise
from her2kg.model.vocabulary import AlterationKind, Direction, Phase, Sign, Token, Unit
from tests.conftest import ROOT

HASH = "0" * 64
GENE = {"id": "erbb2", "label_en": "ERBB2", "label_zh": "ERBB2", "symbol": "ERBB2", "species": "human"}
HGNC = {
    "curie": "HGNC:3430", "predicate": "skos:exactMatch", "justification": "semapv:ManualMappingCuration",
    "curated_by": "nobody", "curated_on": "2024-01-02", "verified_in": "there",
}  # fmt: skip
RECORDS: tuple[type[Record], ...] = (*SHARED_TABLES, *SOURCE_TABLES)


def result(**cells: Any) -> Result:
    said = {"id": "x", "statement": "x", "outcome": "os", "statistic": "value", "printed": "5"}
    return Result.model_validate({**said, **cells})


def segment(n: int) -> Segment:
    return Segment.model_validate(
        {"n": n, "section": "1", "kind": "sentence", "start": 0, "end": 1, "sha256": HASH}
    )


KEYS = [
    (Gene.model_validate(GENE), "erbb2"),
    (segment(7), "007"),
    (segment(151), "151"),
    (Reference(number=9), "009"),
    (Span(statement="004-x", segment=4, start=30, end=41, sha256=HASH), "004-x 000030 000041"),
    (Figure.model_validate({"start": 5, "end": 7, "kind": "name"}), "000005 000007"),
    (Identifier.model_validate({"entity": "gene:erbb2", **HGNC}), "gene:erbb2 HGNC:3430"),
    (Alignment.model_validate({"entity": "her2:Gene", **HGNC}), "her2:Gene HGNC:3430"),
]


@pytest.mark.parametrize(("record", "key"), KEYS, ids=[key for _, key in KEYS])
def test_row_is_known_by_its_key(record: Record, key: str) -> None:
    assert record.key == key


def test_token_is_known_within_its_vocabulary() -> None:
    words = dict.fromkeys(("label_en", "label_zh", "definition_en", "definition_zh"), "x")
    word = VocabularyTerm.model_validate({"scheme": "unit", "id": "percent", "token": "%", **words})
    assert word.key == "unit:percent"


def test_keys_sort_as_numbers_do() -> None:
    assert sorted([segment(100).key, segment(20).key, segment(3).key]) == ["003", "020", "100"]


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_table_says_what_each_column_holds(kind: type[Record]) -> None:
    for name, info in kind.model_fields.items():
        what = column(info)
        assert what.help, name
        assert bool(what.lang) == name.endswith(("_en", "_zh")), name
        if what.prop:
            assert str(term(what.prop)).startswith(("http://", "https://")), name


def test_record_cannot_be_changed() -> None:
    gene = Gene.model_validate(GENE)
    with pytest.raises(ValidationError, match="frozen"):
        gene.symbol = "X"  # type: ignore[misc]


def test_record_takes_no_other_field() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Gene.model_validate({**GENE, "chromosome": "17"})


@pytest.mark.parametrize(
    ("text", "number"),
    [("5.10", "5.10"), ("0.001", "0.001"), ("-3", "-3"), ("0", "0"), ("999999999999", "999999999999")],
)
def test_decimal_is_read_exactly(text: str, number: str) -> None:
    assert result(value=text).value == Decimal(number)


@pytest.mark.parametrize("text", ["five", "5,1", "5 %", "Infinity", "", "--"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"is not a (finite )?number"):
        result(value=text)


def test_number_may_be_given_as_one() -> None:
    assert result(value=Decimal("5.1")).value == Decimal("5.1")


@pytest.mark.parametrize(
    "cells",
    [{"value": "5"}, {"low": "1"}, {"high": "1"}, {"ordinal": "none"}, {"numerator": "0"}, {"p": "0.5"}],
    ids=lambda cells: next(iter(cells)),
)
def test_measurement_needs_a_figure_or_a_finding(cells: dict[str, str]) -> None:
    assert result(**cells)
    with pytest.raises(ValidationError, match="the row has no value, range, ordinal, numerator or p"):
        result()


@pytest.mark.parametrize(
    "text",
    ["=1+1", "=SUM(A1)", "@cmd", "+cmd", "-cmd|x", "-(1)", "= x", "=", "+", "-", "-5", "+1", "-1+2", "＝1"],
)
def test_formula_is_no_text(text: str) -> None:
    with pytest.raises(ValidationError, match="looks like a spreadsheet formula"):
        Gene.model_validate({**GENE, "symbol": text})


@pytest.mark.parametrize("text", [">=", "a=b", "p185", "a - b", "5", "#1", "HER2 'neu'", 'a "b"'])
def test_text_that_is_no_formula_is_kept(text: str) -> None:
    assert Gene.model_validate({**GENE, "symbol": text}).symbol == text


@pytest.mark.parametrize("slug", ["a", "a-b", "0", "erbb2-exon-20", "12-a"])
def test_slug_is_kept(slug: str) -> None:
    assert Gene.model_validate({**GENE, "id": slug}).id == slug


@pytest.mark.parametrize("slug", ["A", "a_b", "a--b", "-a", "a-", "a b", "a/b", "扩增", "a:b", "a\n"])
def test_slug_of_other_form_is_refused(slug: str) -> None:
    with pytest.raises(ValidationError):
        Gene.model_validate({**GENE, "id": slug})


def test_list_stands_in_one_cell() -> None:
    gene = Gene.model_validate({**GENE, "synonyms_en": ("HER2", "NEU")})
    assert canonical(Gene, [gene]).splitlines() == [
        "id\tlabel_en\tlabel_zh\tsynonyms_en\tsynonyms_zh\tsymbol\tspecies\tpathways",
        "erbb2\tERBB2\tERBB2\tHER2|NEU\t\tERBB2\thuman\t",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (Decimal("1.80"), "1.8"), (Decimal(100), "100"), (True, "true"), (False, "false"), (0, "0")],
)
def test_value_has_one_form_in_a_cell(value: object, text: str) -> None:
    assert cell(value) == text


@pytest.mark.parametrize(
    ("member", "slug"),
    [
        (Unit.PERCENT, "percent"),
        (Unit.NG_PER_ML, "ng-per-ml"),
        (Direction.NO_EFFECT, "no-effect"),
        (Sign.POSITIVE, "positive"),
        (Phase.II, "ii"),
        (AlterationKind.WILD_TYPE, "wild-type"),
    ],
)
def test_word_has_a_slug_and_an_iri(member: Token, slug: str) -> None:
    assert member.slug == slug
    assert token(member) == thing(member.scheme(), slug)
    assert str(token(member)).startswith(f"{scheme(member.scheme())}/")


def test_misspelt_term_raises() -> None:
    with pytest.raises(AttributeError):
        _ = HER2.directoin
    with pytest.raises(AttributeError):
        term("her2:directoin")
    with pytest.raises(KeyError):
        term("foaf:name")


def test_unlike_arguments_make_unlike_propositions() -> None:
    made = {
        proposition("prognosis", "alteration:a", "worse", "outcome:os", "nsclc"),
        proposition("prognosis", "alteration:a", "worse", "outcome:os", None),
        proposition("prognosis", "alteration:a", "worse", None, "nsclc"),
        proposition("prognosis", "alteration:a", "worse", None, None),
        proposition("prognosis", "alteration:a-worse", "outcome", None, None),
        proposition("prognosis", "profile:a", "worse", "outcome:os", "nsclc"),
    }
    assert len(made) == 6


def test_prefixes_come_in_alphabetical_order() -> None:
    found = prefixes(ROOT)
    assert list(found) == sorted(found)
    assert found["her2"] == "https://w3id.org/her2kg/ontology#"


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\r\n", "\u3000", "\u00a0", "\u2003"])
def test_white_space_does_not_count_in_a_source(space: str) -> None:
    assert normalise(f"HER2{space}阳性{space}") == "HER2阳性"


def test_digest_is_that_of_the_utf8() -> None:
    assert digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest("阳性") == hashlib.sha256("阳性".encode()).hexdigest()


def test_source_without_text_has_no_length() -> None:
    said = {
        "id": "x", "label_en": "x", "label_zh": "x", "voice": "review", "language": "zh", "curated_by": "x",
        "curated_on": "2024-01-02", "verification_depth": "x",
    }  # fmt: skip
    document = SourceDocument.model_validate(said)
    assert (document.length, document.sha256) == (0, None)


def test_tables_begin_empty() -> None:
    tables = Tables()
    assert tables.of(Gene) == []
    assert (tables.sources, tables.faults, tables.lost) == ({}, [], set())


EXITS = {
    "SettingError": 2,
    "UnknownQuestionError": 2,
    "QueryError": 3,
    "NotationError": 3,
    "InputError": 3,
    "BuildMissingError": 3,
    "Her2kgError": 3,
}


@pytest.mark.parametrize(("name", "code"), EXITS.items())
def test_error_has_its_exit_code(name: str, code: int) -> None:
    error = getattr(errors, name)("it is wrong", "mend it")
    assert isinstance(error, Her2kgError)
    assert error.exit_code == code
    assert str(error) == "it is wrong: mend it"
    assert (error.problem, error.remedy) == ("it is wrong", "mend it")


def test_error_may_have_no_remedy() -> None:
    assert str(Her2kgError("it is wrong")) == "it is wrong"


def test_query_error_tells_its_place() -> None:
    assert str(QueryError("it is wrong", "mend it", line=3, column=5)) == "3:5: it is wrong: mend it"
    assert str(QueryError("it is wrong", "mend it")) == "it is wrong: mend it"


def fault(path: str = "a.tsv", line: int = 2, name: str = "x", value: str = "") -> Fault:
    return Fault(path, line, name, value, "it is wrong", "mend it")


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (fault(), "a.tsv:2:x: it is wrong; mend it"),
        (fault(value="v"), "a.tsv:2:x: 'v' it is wrong; mend it"),
        (fault(line=0), "a.tsv:x: it is wrong; mend it"),
        (fault(line=0, name=""), "a.tsv: it is wrong; mend it"),
        (fault(path="", line=0), "x: it is wrong; mend it"),
    ],
)
def test_fault_prints_like_a_compiler(made: Fault, text: str) -> None:
    assert str(made) == text


def test_faults_are_sorted_and_counted() -> None:
    error = NotConformError([fault(line=10), fault(line=2), fault(path="0.tsv")])
    assert [(found.path, found.line) for found in error.faults] == [("0.tsv", 2), ("a.tsv", 2), ("a.tsv", 10)]
    assert str(error) == "3 faults in the data: mend them and build again"
    assert str(NotConformError([fault()])) == "1 fault in the data: mend them and build again"
    assert error.exit_code == 1
