"""How a cell spells text, numbers and yes or no: one way for each value, refused otherwise with the remedy.

What a spreadsheet or an input method puts in unseen (other digits, other spaces, invisible characters,
formulas, its error values) would make two cells unlike that look alike, so nothing is read leniently.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Type of the errors that are raised here; their context holds the remedy.
MISSPELT = "misspelt"
#: No text of a cell is longer, code points; a sequence of residues may be.
TEXT_LIMIT = 1000

#: Signs with which a spreadsheet begins a formula, in both widths.
_FORMULA = re.compile(r"[=+@\-＝＋＠－]")
_SIGNED_FIGURE = re.compile(r"[-−+][0-9]+(?:[.,][0-9]+)*\s?[%％]?")
_SPREADSHEET_ERROR = re.compile(
    r"#(?:N/A|(?:REF|VALUE|DIV/0|NUM|NULL|SPILL|CALC|ERROR|BLOCKED|CONNECT|FIELD)!|NAME\?)|^#+$|^Err:[0-9]{3}$"
)
#: Letters and marks that show nothing, beside the categories of control and format characters.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
#: Long enough for every figure that is printed, short enough for any engine to be exact.
_NUMBER = re.compile(r"(?!-0(?:\.0+)?$)-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,12})?")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,8}")


def misspelt(problem: str, remedy: str) -> PydanticCustomError:
    """Make the error of a cell that is spelt as it must not be."""
    said = {"problem": problem, "remedy": remedy}
    return PydanticCustomError(MISSPELT, "{problem}; {remedy}", said)


def text(value: Any) -> Any:
    """Let pass one line of text as people write it; raises the error that says what is wrong with it."""
    if isinstance(value, str) and (wrong := _unlike_text(value) or _unlike_words(value)):
        raise misspelt(*wrong)
    return value


def printed(value: Any) -> Any:
    """Let pass what a source prints: text, or a figure with its sign, at most 40 code points."""
    if not isinstance(value, str):
        return value
    wrong = _unlike_text(value)
    if not wrong and not _SIGNED_FIGURE.fullmatch(value):
        wrong = _unlike_words(value)
    if not wrong and len(value) > 40:
        wrong = "has more than 40 characters", "give the figure or the word alone"
    if wrong:
        raise misspelt(*wrong)
    return value


def word(value: Any) -> Any:
    """Let pass a token of a vocabulary, of which two are the signs + and -."""
    return value if value in {"+", "-"} else text(value)


def number(value: Any) -> Any:
    """Read a number as tables write it: ``5``, ``-0.75``; no other digits, signs, zeros or exponents."""
    if not isinstance(value, str):
        return value
    if not _NUMBER.fullmatch(value):
        raise misspelt("is not a number", "write plain digits with at most one dot, such as 5, 0.75 or -1.2")
    return Decimal(value)


def whole(value: Any) -> Any:
    """Read a whole number as tables write it: digits only, at most nine."""
    if not isinstance(value, str):
        return value
    if not _WHOLE.fullmatch(value):
        raise misspelt("is not a whole number", "write plain digits only, such as 50")
    return int(value)


def flag(value: Any) -> Any:
    """Read ``true`` or ``false``."""
    if not isinstance(value, str):
        return value
    if value not in {"true", "false"}:
        raise misspelt("is neither true nor false", "write true or false")
    return value == "true"


def day(value: Any) -> Any:
    """Read a day as tables write it, year first: ``2024-01-31``."""
    if not isinstance(value, str):
        return value
    try:
        read = date.fromisoformat(value)
    except ValueError:
        read = None
    if read is None or read.isoformat() != value:
        raise misspelt("is no day", "write year, month and day, such as 2024-01-31")
    return read


def formed(pattern: str, form: str) -> Callable[[Any], Any]:
    """Give a check that a text has the form of the pattern, which is said in words when it has not."""
    compiled = re.compile(pattern)

    def check(value: Any) -> Any:
        if isinstance(value, str) and not compiled.fullmatch(value):
            raise misspelt("has another form than it must have", f"write {form}")
        return value

    return check


def _unlike_text(value: str) -> tuple[str, str] | None:
    """Say which characters of a text must not be in a cell."""
    for character in value:
        if wrong := _unlike_character(character):
            return wrong
    if value != value.strip():
        return "has a space at its edge", "take it out"
    if not unicodedata.is_normalized("NFC", value):
        return "has a letter in two parts, so that it looks like another text", "save the text in Unicode NFC"
    if len(value) > TEXT_LIMIT:
        return f"has {len(value)} characters", f"say it in at most {TEXT_LIMIT}"
    return None


def _unlike_character(character: str) -> tuple[str, str] | None:
    kind = unicodedata.category(character)
    name = f"U+{ord(character):04X}"
    if kind in {"Zl", "Zp"} or character in "\n\r\v\f\x85":
        return f"holds a line break ({name})", "write it as one line"
    if kind in {"Cc", "Co", "Cs", "Cn"}:
        return f"holds a character that is no text ({name})", "take it out"
    if kind == "Cf" or character in _BLANK or "\ufe00" <= character <= "\ufe0f":
        return f"holds an invisible character ({name})", "take it out"
    if kind == "Zs" and character != " ":
        return f"holds a space of another kind ({name})", "write a plain space"
    return None


def _unlike_words(value: str) -> tuple[str, str] | None:
    """Say what of a text a spreadsheet made, or would make something else of."""
    if _SPREADSHEET_ERROR.search(value):
        return "is an error value of a spreadsheet", "give the text that stood there, or leave the cell empty"
    if _FORMULA.match(value):
        return "looks like a spreadsheet formula", f"begin it with another character than {value[0]}"
    if value.count('"') % 2:
        return "has a quotation mark without its partner", "give the other one or take it out"
    return None
