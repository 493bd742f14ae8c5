"""Answers as tables: the W3C result formats to the letter, list cells, DataFrames, notebooks."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree as ET

import pytest

from her2kg.answer.results import FORMATS, Answers, python_value
from her2kg.errors import QueryError
from her2kg.model.queries import Query
from her2kg.sparql.engine import Engine, Table, literal

_XSD = "http://www.w3.org/2001/XMLSchema#"
_AWKWARD = 'tab\there, "quoted"\\ line\nfeed\rreturn <b>&amp; 中文'


def _answers(values: str, query: Query | None = None) -> Answers:
    """Ask for rows that stand in the query itself, in the order of its columns."""
    names = values.partition("{")[0].strip(" ()")
    found = Engine.from_text("", "text/turtle").query(f"SELECT {names} {{ VALUES {values} }}")
    assert isinstance(found, Table)
    return Answers.of(found, query)


def _awkward() -> Answers:
    return Answers(("a",), ({"a": literal(_AWKWARD, "en")},))


def test_csv_has_plain_values_carriage_returns_and_no_question_marks() -> None:
    answers = _answers('(?name ?n) { ("x, y" 1) ("z"@en UNDEF) }')
    assert answers.to_csv() == 'name,n\r\n"x, y",1\r\nz,\r\n'


def test_csv_reads_back_what_was_written() -> None:
    with io.StringIO(_awkward().to_csv(), newline="") as text:
        assert list(csv.reader(text)) == [["a"], [_AWKWARD]]


def test_csv_marks_blank_nodes_as_such() -> None:
    found = Engine.from_text("_:b <urn:p> 'b' .", "text/turtle").query("SELECT ?s ?o { ?s ?p ?o }")
    assert isinstance(found, Table)
    cells = Answers.of(found).to_csv().splitlines()[1].split(",")
    assert cells[0].startswith("_:")
    assert cells[1] == "b"


def test_tsv_writes_terms_as_turtle_does() -> None:
    answers = _answers('(?a ?b) { (<urn:x> "v"@zh) (1.5 UNDEF) ("d"^^<urn:t> "") }')
    assert answers.to_tsv() == (f'?a\t?b\n<urn:x>\t"v"@zh\n"1.5"^^<{_XSD}decimal>\t\n"d"^^<urn:t>\t""\n')


def test_tsv_keeps_one_line_per_row() -> None:
    header, row = _awkward().to_tsv().splitlines()
    assert header == "?a"
    assert row == r'"tab\there, \"quoted\"\\ line\nfeed\rreturn <b>&amp; 中文"@en'


def test_tsv_reads_back_as_the_same_terms() -> None:
    (row,) = _awkward().to_tsv().splitlines()[1:]
    assert next(iter(_answers(f"?a {{ {row} }}")))["a"] == _AWKWARD


def test_json_names_type_language_and_datatype_and_leaves_unbound_cells_out() -> None:
    answers = _answers('(?a ?b) { (<urn:x> "v"@zh) (1 UNDEF) ("plain" "d"^^<urn:t>) }')
    assert json.loads(answers.to_json()) == {
        "head": {"vars": ["a", "b"]},
        "results": {
            "bindings": [
                {
                    "a": {"type": "uri", "value": "urn:x"},
                    "b": {"type": "literal", "value": "v", "xml:lang": "zh"},
                },
                {"a": {"type": "literal", "value": "1", "datatype": f"{_XSD}integer"}},
                {
                    "a": {"type": "literal", "value": "plain"},
                    "b": {"type": "literal", "value": "d", "datatype": "urn:t"},
                },
            ]
        },
    }


def test_json_gives_blank_nodes_without_their_mark() -> None:
    found = Engine.from_text("_:b <urn:p> 1 .", "text/turtle").query("SELECT ?s { ?s ?p ?o }")
    assert isinstance(found, Table)
    (binding,) = json.loads(Answers.of(found).to_json())["results"]["bindings"]
    assert binding["s"]["type"] == "bnode"
    assert not binding["s"]["value"].startswith("_:")


def test_xml_holds_what_json_holds() -> None:
    answers = _answers('(?a ?b) { (<urn:x> "v"@zh) (1 UNDEF) }')
    root = ET.fromstring(answers.to_xml())  # noqa: S314 - our own text
    ns = "{http://www.w3.org/2005/sparql-results#}"
    assert root.tag == f"{ns}sparql"
    assert [variable.get("name") for variable in root.iter(f"{ns}variable")] == ["a", "b"]
    first, second = root.iter(f"{ns}result")
    assert [binding.get("name") for binding in first] == ["a", "b"]
    assert first[0][0].tag == f"{ns}uri"
    assert first[0][0].text == "urn:x"
    assert first[1][0].get("{http://www.w3.org/XML/1998/namespace}lang") == "zh"
    assert [binding.get("name") for binding in second] == ["a"]
    assert second[0][0].get("datatype") == f"{_XSD}integer"


def test_xml_reads_back_what_was_written() -> None:
    (cell,) = ET.fromstring(_awkward().to_xml()).iter("{http://www.w3.org/2005/sparql-results#}literal")  # noqa: S314
    assert cell.text == _AWKWARD


def test_xml_says_in_which_encoding_it_is() -> None:
    assert _awkward().to_xml().startswith("<?xml version='1.0' encoding='utf-8'?>")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_table_without_rows_has_its_columns_in_every_format(kind: str) -> None:
    _, write = FORMATS[kind]
    text = write(Answers(("claim", "direction"), ()))
    assert "claim" in text
    assert "direction" in text


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_a_quoted_triple_is_refused_where_the_format_has_no_word_for_it(kind: str) -> None:
    found = Engine.from_text("", "text/turtle").query(
        "SELECT ?t { BIND(TRIPLE(<urn:a>, <urn:b>, <urn:c>) AS ?t) }"
    )
    assert isinstance(found, Table)
    with pytest.raises(QueryError, match="select its parts"):
        FORMATS[kind][1](Answers.of(found))


def test_list_cells_are_sorted_with_numbers_by_value_and_without_duplicates() -> None:
    query = Query("q", "", lists=("references",))
    answers = _answers('(?references ?other) { ("53; 9; 27; 9" "b; a; b") }', query)
    assert list(answers) == [{"references": "9; 27; 53", "other": "b; a; b"}]


def test_a_list_cell_without_values_is_unbound() -> None:
    answers = _answers('(?a ?b) { ("" "x") (UNDEF "y") }', Query("q", "", lists=("a",)))
    assert [set(row) for row in answers.rows] == [{"b"}, {"b"}]


def test_a_dataframe_has_numbers_as_numbers_and_unbound_cells_as_missing() -> None:
    pd = pytest.importorskip("pandas")
    frame = _answers('(?n ?share ?name) { (1 22.8 "a") (12 UNDEF "b") }').to_dataframe()
    assert list(frame.columns) == ["n", "share", "name"]
    assert frame["n"].sum() == 13
    assert frame["share"].dtype == float
    assert pd.isna(frame["share"][1])
    assert frame["name"].tolist() == ["a", "b"]


def test_a_dataframe_without_rows_keeps_its_columns() -> None:
    pytest.importorskip("pandas")
    assert list(Answers(("a", "b"), ()).to_dataframe().columns) == ["a", "b"]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('"7"^^xsd:integer', 7),
        ('"7.5"^^xsd:decimal', 7.5),
        ('"1.0E3"^^xsd:double', 1000.0),
        ('"2.5"^^xsd:float', 2.5),
        ('"true"^^xsd:boolean', True),
        ('"false"^^xsd:boolean', False),
        ('"2013-05-01"^^xsd:date', "2013-05-01"),
        ('"ten"^^xsd:integer', "ten"),
        ('"seven"', "seven"),
        ("<urn:x>", "urn:x"),
    ],
)
def test_terms_become_python_values(written: str, value: object) -> None:
    engine = Engine.from_text(f"@prefix xsd: <{_XSD}> . <urn:s> <urn:p> {written} .", "text/turtle")
    found = engine.query("SELECT ?o { ?s ?p ?o }")
    assert isinstance(found, Table)
    (row,) = found.rows()
    assert python_value(row["o"]) == value
    assert type(python_value(row["o"])) is type(value)


def test_a_notebook_shows_text_and_never_runs_it() -> None:
    html = Answers(("<i>",), ({"<i>": literal("<script>alert('x')</script> & more")},))._repr_html_()
    assert "<th>&lt;i&gt;</th>" in html
    assert "<td>&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; more</td>" in html


def test_answers_count_and_give_their_rows_as_text() -> None:
    answers = _answers("(?a ?b) { (1 UNDEF) (2 3) }")
    assert len(answers) == 2
    assert list(answers) == [{"a": "1", "b": ""}, {"a": "2", "b": "3"}]
