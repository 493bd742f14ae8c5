"""Named queries: header, parameters bound as terms, and one line for a file that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from her2kg.errors import InputError, QueryError, UnknownQuestionError
from her2kg.model.queries import Query, question_names, read_queries, read_query, read_question
from her2kg.sparql.engine import Engine, Table, literal, plain, written
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """#+ summary:
#+   en: a summary
#+   zh: 摘要
#+ question:
#+   en: What?
#+   zh: 什么？
#+ tags: [one, two]
#+ parameters:
#+   name: what it is
#+ lists: [references]

SELECT ?name WHERE {
  VALUES ?name { "default" }
}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "mine.rq"
    file.write_text(TEXT, encoding="utf-8")
    return file


def answers(text: str) -> list[str]:
    answer = Engine().query(text)
    assert isinstance(answer, Table)
    return [plain(row["name"]) for row in answer.rows()]


def test_header_is_read(path: Path) -> None:
    query = read_query(path)
    assert query.name == "mine"
    assert query.question == {"en": "What?", "zh": "什么？"}
    assert query.summary == {"en": "a summary", "zh": "摘要"}
    assert (query.tags, query.lists) == (("one", "two"), ("references",))
    assert query.parameters == {"name": "what it is"}


def test_text_is_a_query_as_it_stands(path: Path) -> None:
    query = read_query(path)
    assert query.text.startswith("SELECT ?name")
    assert answers(query.text) == ["default"]


def test_query_needs_no_header(tmp_path: Path) -> None:
    (tmp_path / "bare.rq").write_text("ASK {}\n", encoding="utf-8")
    query = read_query(tmp_path / "bare.rq")
    assert (query.text, query.header, query.parameters) == ("ASK {}\n", {}, {})


@pytest.mark.parametrize(
    "value", ["x", 'say "so"', "back\\slash", "a\nb", "} ?s ?p ?o {", r"\1", r"\g<0>", "${name}", "扩增"]
)
def test_parameter_is_bound_as_a_term(path: Path, value: str) -> None:
    assert answers(read_query(path).bind({"name": written(literal(value))})) == [value]


def test_nothing_bound_leaves_the_default(path: Path) -> None:
    query = read_query(path)
    assert query.bind({}) == query.text


def test_unknown_parameter_is_named_with_those_there_are(path: Path) -> None:
    with pytest.raises(QueryError, match="mine has no parameter 'nam': its parameters: name"):
        read_query(path).bind({"nam": '"x"'})
    with pytest.raises(QueryError, match="its parameters: none"):
        Query("bare", "ASK {}").bind({"nam": '"x"'})


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"#+ a: [\n\nASK {}\n", r"mine\.rq: the #\+ header is not YAML: mend the header"),
        (b"#+ words\n\nASK {}\n", r"mine\.rq: the #\+ header is not YAML with keys: mend the header"),
        (b"ASK { ?s ?p '\xb2' }\n", r"mine\.rq: byte 13 is not UTF-8: save it as UTF-8"),
    ],
)
def test_file_that_is_no_query_is_one_line(path: Path, content: bytes, expected: str) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match=expected):
        read_query(path)


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.rq: No such file or directory: check the name of the file"):
        read_query(tmp_path / "none.rq")


def test_queries_of_a_folder_come_by_name(tmp_path: Path) -> None:
    for name in ("b.rq", "a.rq", "c.txt"):
        (tmp_path / name).write_text("ASK {}\n", encoding="utf-8")
    assert [query.name for query in read_queries(tmp_path)] == ["a", "b"]


def test_question_is_found_by_its_name() -> None:
    assert read_question(ROOT, "claims").name == "claims"
    assert question_names(ROOT) == sorted(question_names(ROOT))


def test_misspelt_question_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownQuestionError, match=r"no question is named 'claim': try claims"):
        read_question(ROOT, "claim")


def test_question_that_resembles_none_is_answered_with_all() -> None:
    with pytest.raises(UnknownQuestionError) as caught:
        read_question(ROOT, "zzz")
    assert all(name in str(caught.value) for name in question_names(ROOT))


def test_question_is_no_path() -> None:
    with pytest.raises(UnknownQuestionError):
        read_question(ROOT, "../pages/claims-by-kind")
