"""Read a Turtle file of ours, or say at which line and column it is none."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rdflib import Graph

from her2kg.errors import InputError
from her2kg.sparql.engine import Engine

if TYPE_CHECKING:
    from pathlib import Path


def read_turtle(path: Path) -> Graph:
    """Give the triples of a file, which the caller must not change: who reads it again gets the same graph.

    Raises InputError with the place of the fault, which the engine finds exactly; rdflib, which is asked
    afterwards, counts lines otherwise and quotes the bytes around.
    """
    text = _text(path)
    Engine().add_file(path)
    try:
        return _parsed(text)
    except Exception as error:  # rdflib's parsers raise many kinds; all mean the same to the user
        problem = " ".join(str(error).split())[:160]
        raise InputError(f"{path}: {problem}", "mend the Turtle") from error


# A build reads its shapes for two runs, and one process may build often.
@lru_cache(maxsize=256)
def _parsed(text: str) -> Graph:
    return Graph().parse(data=text, format="turtle")


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing", "put it back") from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "make it a file that can be read") from error
    if raw.startswith(b"\xef\xbb\xbf"):
        raise InputError(f"{path}:1:1: begins with a byte-order mark", "save it as UTF-8 without BOM")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = (
            before.count(b"\n") + 1,
            len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1,
        )
        problem = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        raise InputError(f"{path}:{line}:{column}: {problem}", "save it as UTF-8") from error
