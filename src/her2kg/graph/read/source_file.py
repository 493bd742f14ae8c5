"""Read ``source.toml``, which describes a source document, saying of every fault at which line it is."""

from __future__ import annotations

import difflib
import re
import tomllib
from typing import TYPE_CHECKING

from pydantic import ValidationError

from her2kg.errors import Fault
from her2kg.model.sources import SourceDocument
from her2kg.model.spelling import MISSPELT

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

NAME = "source.toml"
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_END = re.compile(r" \(at end of document\)$")
_KEYS = [name for name in SourceDocument.model_fields if name != "id"]


def read_description(path: Path, name: str) -> tuple[SourceDocument | None, list[Fault]]:
    """Give the description of the source that the folder of the file names, or the faults of the file."""
    try:
        text = _text(path)
        said = tomllib.loads(text)
    except _UnreadableError as error:
        return None, [Fault(name, error.line, "", "", error.problem, error.remedy)]
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax_fault(str(error), text, name)]
    faults = []
    if "id" in said:
        line = _line(text, "id")
        problem = "the folder names the source"
        faults.append(Fault(name, line, "id", str(said["id"])[:60], problem, "remove the line"))
    try:
        return SourceDocument.model_validate({**said, "id": path.parent.name}), faults
    except ValidationError as error:
        return None, [*faults, *(_value_fault(fault, text, name) for fault in error.errors())]


class _UnreadableError(Exception):
    """The file is no text: at which line, what it is and what to do."""

    def __init__(self, line: int, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.line, self.problem, self.remedy = line, problem, remedy


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise _UnreadableError(0, "the file is missing", "describe the source in it") from error
    except OSError as error:
        problem = f"the file cannot be read: {error.strerror}"
        raise _UnreadableError(0, problem, "make it a file that can be read") from error
    if raw.startswith(b"\xef\xbb\xbf"):
        raise _UnreadableError(1, "the file begins with a byte-order mark", "save it as UTF-8 without BOM")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _UnreadableError(
            line, f"byte 0x{raw[error.start]:02x} is not UTF-8", "save it as UTF-8"
        ) from error


def _syntax_fault(message: str, text: str, name: str) -> Fault:
    """Say where the text is no TOML; the column stands where a table's column would."""
    line, column = text.count("\n") + 1, ""
    if place := _PLACE.search(message):
        line, column = int(place[1]), place[2]
    problem = _END.sub("", _PLACE.sub("", message))
    return Fault(name, line, column, "", problem, "mend the TOML")


def _value_fault(error: ErrorDetails, text: str, name: str) -> Fault:
    """Say what is wrong with the value of one key."""
    key = str(error["loc"][0])
    context = error.get("ctx", {})
    problem, remedy = error["msg"], "mend the value"
    if error["type"] == "missing":
        problem, remedy = "the key is missing", f"add a line {key} = ..."
    elif error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, _KEYS, 1)
        problem, remedy = "no such key", f"did you mean {near[0]}?" if near else "remove the line"
    elif error["type"] == "enum":
        problem, remedy = "no such token", f"use {context['expected']}"
    elif error["type"] == MISSPELT:
        problem, remedy = context["problem"], context["remedy"]
    elif error["type"].startswith("date"):
        problem, remedy = "is no date", "write a day such as 2024-01-31, without quotation marks"
    value = "" if error["type"] == "missing" else str(error["input"])[:60]
    return Fault(name, _line(text, key), key, value, problem, remedy)


def _line(text: str, key: str) -> int:
    found = re.search(rf"^\s*{re.escape(key)}\s*=", text, re.MULTILINE)
    return text[: found.end()].count("\n") + 1 if found else 0
