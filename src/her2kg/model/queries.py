"""Named queries: a ``.rq`` file with a YAML header of ``#+`` lines, one blank line, then SPARQL.

The file is a query that any engine runs as it stands. A parameter is a ``VALUES ?name { default }`` in
it; another value is put there as a term that the engine wrote, never as text of the user.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import yaml

from her2kg.errors import InputError, QueryError, UnknownQuestionError, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_MARK = "#+"
#: What the keys of a header hold.
_HEADER: dict[str, tuple[type, str]] = {
    "question": (dict, "text by language"),
    "summary": (dict, "text by language"),
    "tags": (list, "list of words"),
    "parameters": (dict, "text by parameter"),
    "variables": (dict, "variable by parameter"),
    "lists": (list, "list of columns"),
}


@dataclass(frozen=True)
class Query:
    """A named query and what its header says.

    ``lists`` are the columns whose cells hold several values; ``parameters`` are what can be set, with
    what each is; ``variables`` name the variable of a parameter's ``VALUES`` where it is another name.
    """

    name: str
    text: str
    question: dict[str, str] = field(default_factory=dict)
    summary: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    parameters: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    header: dict[str, Any] = field(default_factory=dict)

    def bind(self, terms: Mapping[str, str]) -> str:
        """Give the query with terms in the place of the defaults, written as SPARQL writes them.

        Several terms stand behind each other; those of several variables in brackets, as in SPARQL.

        Raises QueryError for a name that is no parameter of the query.
        """
        text = self.text
        for name, written in terms.items():
            variable = self.variables.get(name, name)
            values = re.compile(rf"(VALUES\s+\(?\?{re.escape(variable)}\)?\s*)\{{[^{{}}]*\}}")
            if not values.search(text):
                known = ", ".join(self.parameters) or "none"
                raise QueryError(f"{self.name} has no parameter {name!r}", f"its parameters: {known}")
            text = values.sub(partial(_put, written), text)
        return text


def _put(written: str, found: re.Match[str]) -> str:
    """Put terms into the braces of a VALUES, whatever backslashes they hold."""
    return f"{found[1]}{{ {written} }}"


@cache
def read_query(path: Path) -> Query:
    """Read a query file, once; raises InputError when the header is missing or not YAML."""
    try:
        lines = list(io.StringIO(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "check the name of the file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8", "save it as UTF-8") from error
    header = [line.removeprefix(_MARK) for line in lines if line.startswith(_MARK)]
    try:
        said: dict[str, Any] = yaml.safe_load("".join(header)) or {}
    except yaml.YAMLError as error:
        raise InputError(f"{path}: the #+ header is not YAML", "mend the header") from error
    if not isinstance(said, dict):
        raise InputError(f"{path}: the #+ header is not YAML with keys", "mend the header")
    for key, (kind, what) in _HEADER.items():
        if not isinstance(said.get(key, kind()), kind) or not all(
            isinstance(item, str) for item in said.get(key, ())
        ):
            raise InputError(f"{path}: {key} of the #+ header is no {what}", "mend the header")
    text = "".join(line for line in lines if not line.startswith(_MARK)).lstrip("\n")
    return Query(
        name=path.stem,
        text=text,
        question=said.get("question", {}),
        summary=said.get("summary", {}),
        tags=tuple(said.get("tags", ())),
        parameters=said.get("parameters", {}),
        variables=said.get("variables", {}),
        lists=tuple(said.get("lists", ())),
        header=said,
    )


@cache
def _paths(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(folder.glob("*.rq")))


def forget_queries() -> None:
    """Read files that have been read before once more when they are next needed."""
    read_query.cache_clear()
    _paths.cache_clear()


def read_queries(folder: Path) -> Iterator[Query]:
    """Read every ``.rq`` file of a folder, by name; raises InputError when there is none."""
    paths = _paths(folder)
    if not paths:
        raise InputError(f"{folder} holds no queries", "put its files back, or make it readable")
    for path in paths:
        yield read_query(path)


def question_names(home: Path) -> list[str]:
    """Name the questions, in alphabetical order."""
    return [path.stem for path in _paths(home / "queries" / "questions")]


def read_question(home: Path, name: str) -> Query:
    """Read one question; raises UnknownQuestionError with the nearest names."""
    import difflib  # noqa: PLC0415 - only needed to help after a mistake

    names = question_names(home)
    if not names:
        raise InputError(f"{home / 'queries' / 'questions'} holds no questions", "put its files back")
    if name not in names:
        near = difflib.get_close_matches(name, names, 3)
        raise UnknownQuestionError(
            f"no question is named {shortened(name)!r}", f"try {' or '.join(near or names)}"
        )
    return read_query(home / "queries" / "questions" / f"{name}.rq")
