"""Why an answer is empty: which constant, pattern, join or filter of a query leaves nothing.

The query is taken apart and its parts are asked; neither it nor its answer is changed. What a part lacks is
looked for nearby: a term spelt alike, the same identifier in another form, the same text with its language.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from rdflib import BNode, Literal, URIRef, Variable
from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue

from her2kg.engine import Table, Triples, Truth, literal, plain, written
from her2kg.errors import QueryError
from her2kg.model.namespaces import BASE, HER2
from her2kg.syntax import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from her2kg.answer.store import Answerer
    from her2kg.engine import Answer
    from her2kg.syntax import Token

#: Code points of a query, and its brackets inside each other, beyond which it is not taken apart.
_LENGTH, _DEPTH = 20_000, 40
_MARKS = {"(": ")", "{": "}", "[": "]"}
_PARTS = re.compile(r"[A-Za-z]+|\d+")
#: Parts of addresses that name no database.
_NO_NAMES = frozenset({"http", "https", "www", "org", "com", "net", "id", "data", "purl", "obo", "html"})


class Finding(NamedTuple):
    """What leaves nothing: its kind, the part of the query, what is said of it, what may be meant instead."""

    kind: str
    part: str
    words: str
    instead: str = ""


class _Pattern(NamedTuple):
    """A triple pattern as SPARQL text and its terms."""

    text: str
    terms: tuple[object, object, object]


def explain(
    store: Answerer, text: str, default: Sequence[str] = (), named: Sequence[str] = ()
) -> list[Finding]:
    """Say why a query has no answer; nothing when it has one. Raises QueryError for what is no query.

    A count of 0 is no answer too. What cannot be taken apart is said to be so.
    """
    return _Explainer(store, default, named).explain(text)


class _Explainer:
    """Asks parts of one query over the graphs of that query."""

    def __init__(self, store: Answerer, default: Sequence[str], named: Sequence[str]) -> None:
        self._store = store
        self._graphs = default, named

    def explain(self, text: str) -> list[Finding]:
        if not _is_empty(self._query(text)):
            return []
        if len(text) > _LENGTH or _depth(text) > _DEPTH:
            return [Finding("too-large", "", "the query is too large to be taken apart")]
        try:
            algebra = translateQuery(parseQuery(text)).algebra
        except Exception:  # noqa: BLE001 - its parser raises what it likes, and reads less than the engine
            return [Finding("not-read", "", "the query cannot be taken apart")]
        groups = [[_pattern(triple) for triple in group] for group in _groups(algebra)]
        found = [finding for group in groups for finding in self._constants(group)]
        found = found or [finding for group in groups for finding in self._matches(group)]
        found = found or self._filters(text)
        found = found or [
            Finding("none", "", "the graph holds every part of the query; together they have no answer")
        ]
        return [*found, *self._looked_at(groups)]

    def _query(self, text: str) -> Answer:
        return self._store.query(text, *self._graphs)

    def _rows(self, text: str) -> Iterator[dict[str, str]]:
        answer = self._query(text)
        if isinstance(answer, Table):
            for row in answer.rows():
                yield {name: plain(term) for name, term in row.items()}

    def _holds(self, where: str) -> bool:
        return bool(self._query(f"ASK {{ {where} }}"))

    def _constants(self, group: list[_Pattern]) -> Iterator[Finding]:
        """Find terms of patterns that the graph does not hold at all."""
        for pattern in group:
            for term in pattern.terms:
                if isinstance(term, URIRef) and not self._knows(term):
                    words = f"the graph does not hold {term.n3()}"
                    yield Finding("unknown-term", pattern.text, words, self._near(term))
                if isinstance(term, Literal) and not self._holds(f"?s ?p {term.n3()}"):
                    words = f"no thing has the value {term.n3()}"
                    yield Finding("unknown-value", pattern.text, words, self._like(term))

    def _knows(self, term: URIRef) -> bool:
        node = term.n3()
        return self._holds(f"{{ {node} ?p ?o }} UNION {{ ?s {node} ?o }} UNION {{ ?s ?p {node} }}")

    def _near(self, term: URIRef) -> str:
        """Give a term of the graph that is spelt alike, or that is the same identifier in another form."""
        known = {
            row["term"]
            for place in ("?term ?p ?o", "?s ?term ?o", "?s ?p ?term")
            for row in self._rows(f"SELECT DISTINCT ?term {{ {place} FILTER(ISIRI(?term)) }}")
        }
        number, words = _identifier(str(term))
        for name in sorted(known) if number else ():
            other, said = _identifier(name)
            if other == number and words & said:
                return f"<{name}>"
        space, name = _split(str(term))
        alike = {_split(other)[1].casefold(): other for other in sorted(known) if _split(other)[0] == space}
        alike = alike or {_split(other)[1].casefold(): other for other in sorted(known)}
        near = difflib.get_close_matches(name.casefold(), alike, 1, 0.7)
        return f"<{alike[near[0]]}>" if near else ""

    def _like(self, term: Literal) -> str:
        """Give a value with the same text in a language or of a type, or a label that is spelt alike."""
        text = written(literal(str(term)))
        for condition in (f"STR(?o) = {text}", f"LCASE(STR(?o)) = LCASE({text})"):
            query = (
                f"SELECT ?o (LANG(?o) AS ?l) (DATATYPE(?o) AS ?d) {{ ?s ?p ?o FILTER({condition}) }} LIMIT 1"
            )
            for row in self._rows(query):
                tag = f"@{row['l']}" if row.get("l") else f"^^<{row['d']}>"
                return f"{written(literal(row['o']))}{tag}"
        labels = {
            row["o"]: row.get("l", "")
            for row in self._rows(
                "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> "
                "PREFIX skos: <http://www.w3.org/2004/02/skos/core#> "
                "SELECT DISTINCT ?o (LANG(?o) AS ?l) "
                "{ ?s rdfs:label|skos:altLabel ?o FILTER(STRLEN(?o) < 80) }"
            )
        }
        near = difflib.get_close_matches(str(term), labels, 1, 0.7)
        return f"{written(literal(near[0]))}@{labels[near[0]]}" if near else ""

    def _matches(self, group: list[_Pattern]) -> Iterator[Finding]:
        """Find the first pattern of a group that matches nothing, alone or with those before it."""
        for pattern in group:
            if not self._holds(pattern.text):
                yield Finding(
                    "pattern", pattern.text, "nothing matches this pattern, though its terms are known"
                )
                return
        for count in range(2, len(group) + 1):
            if not self._holds(" . ".join(pattern.text for pattern in group[:count])):
                words = "with the patterns before it, nothing matches this one any more"
                yield Finding("join", group[count - 1].text, words)
                return

    def _filters(self, text: str) -> list[Finding]:
        """Find filters without which there would be an answer."""
        found = []
        for start, end in _filter_places(text):
            try:
                empty = _is_empty(self._query(f"{text[:start]} {text[end:]}"))
            except QueryError:
                continue
            if not empty:
                part = " ".join(text[start:end].split())
                found.append(Finding("filter", part, "without this filter there would be an answer"))
        return found

    def _looked_at(self, groups: list[list[_Pattern]]) -> Iterator[Finding]:
        """Say of each thing that the query names how many statements there are about it."""
        things = {
            term
            for group in groups
            for pattern in group
            for term in pattern.terms
            if isinstance(term, URIRef) and term.startswith(f"{BASE}id/") and self._knows(term)
        }
        for thing in sorted(things):
            query = (
                "SELECT (COUNT(DISTINCT ?statement) AS ?n) { "
                f"?statement <{HER2.states}> ?proposition . "
                f"{{ ?proposition <{HER2.subject}> {thing.n3()} }} UNION "
                f"{{ ?proposition <{HER2.object}> {thing.n3()} }} }}"
            )
            for row in self._rows(query):
                count = int(row["n"])
                words = f"{count} statements are about it" if count else "no statement is about it"
                yield Finding("looked-at", thing.n3(), words)


def _is_empty(answer: Answer) -> bool:
    """Say whether there is no answer: no row, no triple, no, or the count 0."""
    if isinstance(answer, Truth):
        return not answer
    if isinstance(answer, Triples):
        return next(iter(answer.answer), None) is None
    rows = answer.rows()
    first = next(rows, None)
    if first is None:
        return True
    return len(first) == 1 and [plain(term) for term in first.values()] == ["0"] and next(rows, None) is None


def _depth(text: str) -> int:
    depth = deepest = 0
    for token in tokens(text):
        if token.text in _MARKS:
            depth += 1
            deepest = max(deepest, depth)
        elif token.text in _MARKS.values():
            depth -= 1
    return deepest


def _groups(node: object) -> Iterator[list[tuple[object, object, object]]]:
    """Give the triples of each basic graph pattern, in their order."""
    if isinstance(node, CompValue):
        if node.name in {"Filter", "Minus"}:
            yield from _groups(node.p if node.name == "Filter" else node.p1)
            return
        if node.name == "LeftJoin":  # what is optional empties nothing
            yield from _groups(node.p1)
            return
        if node.name == "BGP":
            yield list(node.triples)
            return
        for value in node.values():
            yield from _groups(value)
    elif isinstance(node, list | tuple):
        for item in node:
            yield from _groups(item)


def _pattern(triple: tuple[object, object, object]) -> _Pattern:
    return _Pattern(" ".join(map(_term, triple)), triple)


def _term(term: object) -> str:
    if isinstance(term, BNode):
        return f"?_{re.sub(r'[^A-Za-z0-9]', '', term)}"
    if isinstance(term, URIRef | Literal | Variable):
        return term.n3()
    path: Any = term
    return str(path.n3())


def _identifier(name: str) -> tuple[str, set[str]]:
    """Give the number at the end of an IRI, and the words in it by which databases are known."""
    parts = _PARTS.findall(name.casefold())
    if not parts or not parts[-1].isdigit():
        return "", set()
    return parts[-1], {part for part in parts if len(part) > 1} - _NO_NAMES


def _split(name: str) -> tuple[str, str]:
    at = max(name.rfind("#"), name.rfind("/"))
    return name[: at + 1], name[at + 1 :]


def _filter_places(text: str) -> Iterator[tuple[int, int]]:
    """Give start and end of each filter."""
    pieces = list(tokens(text))
    for place, piece in enumerate(pieces):
        if piece.kind == "word" and piece.text.upper() == "FILTER":
            end = _end_of_brackets(pieces[place:])
            if end:
                yield piece.start, end


def _end_of_brackets(pieces: list[Token]) -> int:
    depth = 0
    for piece in pieces:
        if piece.text in _MARKS:
            depth += 1
        elif piece.text in _MARKS.values():
            depth -= 1
            if depth <= 0:
                return piece.start + 1
    return 0
