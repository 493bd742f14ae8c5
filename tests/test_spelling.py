"""How cells are spelt: one way for each value, everything that only looks like it refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from her2kg.model.columns import Count, Flag, Line, Number, Printed, Word


class Cells(BaseModel):
    text: Line | None = None
    printed: Printed | None = None
    token: Word | None = None
    number: Number | None = None
    count: Count | None = None
    flag: Flag | None = None


def read(name: str, cell: str) -> Any:
    return getattr(Cells.model_validate({name: cell}), name)


def refusal(name: str, cell: str) -> str:
    with pytest.raises(ValidationError) as caught:
        read(name, cell)
    [error] = caught.value.errors()
    assert error["ctx"]["remedy"]
    return str(error["ctx"]["problem"])


NUMBERS = {"0": "0", "5": "5", "-5": "-5", "0.05": "0.05", "-0.5": "-0.5", "1.80": "1.80", "100": "100"}


@pytest.mark.parametrize(("cell", "number"), NUMBERS.items())
def test_number_is_read(cell: str, number: str) -> None:
    assert str(read("number", cell)) == number


@pytest.mark.parametrize(
    "cell",
    [
        "５０", "٥٠", "5_0", " 50", "50 ", "50\u00a0", "+50", "0050", "50.", ".5", "5e1", "1E5", "-0", "-0.0",
        "1e9999999", "NaN", "inf", "1,5", "1 000", "--5", "−5", "5%", "0x10", "9" * 13, f"0.{'1' * 13}", "½",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_number_is_refused(cell: str) -> None:
    assert refusal("number", cell) == "is not a number"


@pytest.mark.parametrize("cell", ["7_0", " 7", "7.0", "+7", "-7", "007", "７", "9" * 400, "1e3", "7\n"])
def test_what_only_looks_like_a_count_is_refused(cell: str) -> None:
    assert refusal("count", cell) == "is not a whole number"


def test_counts_and_flags_are_read() -> None:
    assert (read("count", "0"), read("count", "999999999")) == (0, 999_999_999)
    assert (read("flag", "true"), read("flag", "false")) == (True, False)
    assert Cells(number=Decimal(5), count=5, flag=True, text=None).number == 5


@pytest.mark.parametrize("cell", ["yes", "on", "1", "0", "T", "TRUE", "True", "true "])
def test_what_only_looks_like_yes_is_refused(cell: str) -> None:
    assert refusal("flag", cell) == "is neither true nor false"


TEXTS = {
    "NUL": ("pac\x00x", "holds a character that is no text (U+0000)"),
    "a control character": ("a\x1fb", "holds a character that is no text (U+001F)"),
    "DEL": ("a\x7f", "holds a character that is no text (U+007F)"),
    "no character": ("a\ufffeb", "holds a character that is no text (U+FFFE)"),
    "a private character": ("a\ue000b", "holds a character that is no text (U+E000)"),
    "a line separator": ("a\u2028b", "holds a line break (U+2028)"),
    "a paragraph separator": ("a\u2029b", "holds a line break (U+2029)"),
    "next line": ("a\x85b", "holds a line break (U+0085)"),
    "a vertical tab": ("a\x0bb", "holds a line break (U+000B)"),
    "a form feed": ("a\x0cb", "holds a line break (U+000C)"),
    "a line feed": ("a\n", "holds a line break (U+000A)"),
    "a zero-width space": ("a\u200bb", "holds an invisible character (U+200B)"),
    "a byte-order mark": ("a\ufeffb", "holds an invisible character (U+FEFF)"),
    "a bidi override": ("a\u202eb", "holds an invisible character (U+202E)"),
    "a soft hyphen": ("a\u00adb", "holds an invisible character (U+00AD)"),
    "a filler": ("a\u3164b", "holds an invisible character (U+3164)"),
    "a variation selector": ("a\ufe0fb", "holds an invisible character (U+FE0F)"),
    "a no-break space": ("a\u00a0b", "holds a space of another kind (U+00A0)"),
    "an ideographic space": ("a\u3000b", "holds a space of another kind (U+3000)"),
    "a space at its edge": ("a ", "has a space at its edge"),
    "a letter in two parts": (
        "e\u0301tude", "has a letter in two parts, so that it looks like another text",
    ),
    "too many letters": ("a" * 1001, "has 1001 characters"),
    "a missing value of a spreadsheet": ("#N/A", "is an error value of a spreadsheet"),
    "a lost cell of a spreadsheet": ("#REF!", "is an error value of a spreadsheet"),
    "a sum of a lost cell": ("age #REF!", "is an error value of a spreadsheet"),
    "a column too narrow": ("####", "is an error value of a spreadsheet"),
    "a lone quotation mark": ('"', "has a quotation mark without its partner"),
    "an open quotation": ('HER2 "neu', "has a quotation mark without its partner"),
}  # fmt: skip


@pytest.mark.parametrize(("cell", "problem"), TEXTS.values(), ids=TEXTS.keys())
def test_text_that_does_not_show_what_it_is_is_refused(cell: str, problem: str) -> None:
    assert refusal("text", cell) == problem


@pytest.mark.parametrize(
    "cell", ["étude", "PI3Kα", "≥3", "无进展生存期（PFS）", "a" * 1000, "Å", "#1", "{x}"]
)
def test_text_of_people_is_kept(cell: str) -> None:
    assert read("text", cell) == cell


@pytest.mark.parametrize("cell", ["-5%", "+1", "−0.3", "-5", "月" * 40])
def test_figure_may_be_printed_with_its_sign(cell: str) -> None:
    assert read("printed", cell) == cell


@pytest.mark.parametrize("cell", ["=1", "+1+cmd", "-1+2", "@x", "+", "#N/A"])
def test_formula_is_nothing_printed(cell: str) -> None:
    assert refusal("printed", cell)


def test_signs_are_tokens_and_no_text() -> None:
    assert (read("token", "+"), read("token", "-")) == ("+", "-")
    assert refusal("token", "=") == refusal("text", "+") == "looks like a spreadsheet formula"


def test_braces_of_a_cell_stay_in_its_refusal() -> None:
    assert refusal("flag", "{problem}") == "is neither true nor false"
