"""Answers as tables: the rows of a question, list cells sorted, in every format that people take away."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from her2kg.errors import QueryError
from her2kg.sparql.engine import Table, literal, plain, written
from her2kg.sparql.formats import RESULT_FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from her2kg.model.queries import Query
    from her2kg.sparql.engine import Solution, Term

LIST_SEPARATOR = "; "
_RESULTS = "http://www.w3.org/2005/sparql-results#"
_STRING = "http://www.w3.org/2001/XMLSchema#string"


@dataclass(frozen=True)
class Answers:
    """The answer of a SELECT: columns in the order of the query, rows as terms (an unbound one is absent)."""

    columns: tuple[str, ...]
    rows: tuple[Solution, ...]

    @classmethod
    def of(cls, table: Table, query: Query | None = None) -> Answers:
        """Read a table; the list cells of a named question are sorted and hold each value once."""
        lists = query.lists if query else ()
        columns = tuple(table.columns)
        return cls(columns, tuple(_tidy(row, lists) for row in table.rows()))

    def __iter__(self) -> Iterator[dict[str, str]]:
        """Give each row as texts by column; an unbound cell is empty."""
        for row in self.rows:
            yield {name: plain(row.get(name)) for name in self.columns}

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.rows)

    def to_dataframe(self) -> Any:
        """Give a pandas DataFrame: numbers as numbers, unbound cells as None; needs the extra ``pandas``."""
        import pandas as pd  # noqa: PLC0415 - an extra

        data = [{name: python_value(row.get(name)) for name in self.columns} for row in self.rows]
        return pd.DataFrame(data, columns=list(self.columns))

    def to_csv(self) -> str:
        """Write SPARQL 1.1 CSV: plain values, CRLF line ends."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(self.columns)
        writer.writerows([_csv(row.get(name)) for name in self.columns] for row in self.rows)
        return out.getvalue()

    def to_tsv(self) -> str:
        """Write SPARQL 1.1 TSV: terms as in Turtle."""
        lines = ["\t".join(f"?{name}" for name in self.columns)]
        lines += ["\t".join(_tsv(row.get(name)) for name in self.columns) for row in self.rows]
        return "".join(f"{line}\n" for line in lines)

    def to_json(self) -> str:
        """Write SPARQL 1.1 JSON results."""
        bindings = [{name: _json(row[name]) for name in self.columns if name in row} for row in self.rows]
        return json.dumps(
            {"head": {"vars": list(self.columns)}, "results": {"bindings": bindings}}, ensure_ascii=False
        )

    def to_xml(self) -> str:
        """Write SPARQL 1.1 XML results."""
        root = ET.Element("sparql", xmlns=_RESULTS)
        head = ET.SubElement(root, "head")
        for name in self.columns:
            ET.SubElement(head, "variable", name=name)
        body = ET.SubElement(root, "results")
        for row in self.rows:
            result = ET.SubElement(body, "result")
            for name in self.columns:
                if name in row:
                    _xml(ET.SubElement(result, "binding", name=name), row[name])
        # A bare carriage return would be read back as a line feed (XML 1.0, 2.11).
        return ET.tostring(root, encoding="unicode", xml_declaration=True).replace("\r", "&#13;")

    def _repr_html_(self) -> str:
        """Show the table in a notebook."""
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row.values()) + "</tr>" for row in self
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


_WRITERS: Mapping[str, Callable[[Answers], str]] = {
    "csv": Answers.to_csv,
    "tsv": Answers.to_tsv,
    "json": Answers.to_json,
    "xml": Answers.to_xml,
}
#: How each format of results is written, with its media type.
FORMATS: Mapping[str, tuple[str, Callable[[Answers], str]]] = {
    name: (RESULT_FORMATS[name].media_type, write) for name, write in _WRITERS.items()
}


def python_value(term: Term | None) -> Any:
    """Give a term as a Python value: numbers as int or float, truth values as bool, the rest as text.

    >>> python_value(literal("12")), python_value(None)
    ('12', None)
    """
    if term is None:
        return None
    kind = getattr(getattr(term, "datatype", None), "value", "").rpartition("#")[2]
    readers: dict[str, Callable[[str], Any]] = {
        "integer": int,
        "decimal": float,
        "double": float,
        "float": float,
        "boolean": lambda text: text in {"true", "1"},
    }
    try:
        return readers.get(kind, str)(plain(term))
    except ValueError:  # the text is none of its datatype, as `"ten"^^xsd:integer`
        return plain(term)


def sort_key(text: str) -> list[tuple[int, int, str]]:
    """Sort text with the numbers in it by value.

    >>> sorted(["10", "9", "a2", "a10"], key=sort_key)
    ['9', '10', 'a2', 'a10']
    """
    parts = re.split(r"(\d+)", text)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.casefold()) for part in parts if part]


def _tidy(row: Solution, lists: tuple[str, ...]) -> Solution:
    tidied = dict(row)
    for name in lists:
        term = row.get(name)
        if term is None:
            continue
        values = {value for value in plain(term).split(LIST_SEPARATOR) if value}
        if values:
            tidied[name] = literal(LIST_SEPARATOR.join(sorted(values, key=sort_key)))
        else:
            del tidied[name]
    return tidied


def _csv(term: Term | None) -> str:
    """Write a cell; a blank node keeps its mark, so that nobody takes its name for text."""
    return str(term) if type(term).__name__ == "BlankNode" else plain(term)


def _tsv(term: Term | None) -> str:
    return "" if term is None else written(term)


def _json(term: Term) -> dict[str, str]:
    kind = _kind(term)
    said = {"type": kind, "value": plain(term)}
    if language := getattr(term, "language", None):
        said["xml:lang"] = language
    elif kind == "literal" and (datatype := getattr(term, "datatype", None)) and datatype.value != _STRING:
        said["datatype"] = datatype.value
    return said


def _kind(term: Term) -> str:
    kinds = {"NamedNode": "uri", "BlankNode": "bnode", "Literal": "literal"}
    try:
        return kinds[type(term).__name__]
    except KeyError as error:
        raise QueryError("the table holds a quoted triple", "select its parts instead") from error


def _xml(binding: ET.Element, term: Term) -> None:
    said = _json(term)
    attributes = {name: text for name, text in said.items() if name in {"xml:lang", "datatype"}}
    ET.SubElement(binding, said["type"], attributes).text = said["value"]
