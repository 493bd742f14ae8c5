"""Why an answer is empty: which constant, pattern, join or filter of a query leaves nothing.

The query is taken apart and its parts are asked; neither it nor its answer is changed. What a part lacks is
looked for nearby: a term spelt alike, the same identifier in another form, the same text with its language.
"""

from __future__ import annotations

import difflib
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from rdflib import BNode, Literal, URIRef, Variable
from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue

from her2kg.errors import QueryError
from her2kg.home import package_home
from her2kg.model.namespaces import BASE
from her2kg.model.queries import read_queries
from her2kg.sparql.engine import Table, Triples, Truth, iri, literal, plain, written
from her2kg.sparql.syntax import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from her2kg.model.queries import Query
    from her2kg.sparql.engine import Answer
    from her2kg.sparql.store import Answerer
    from her2kg.sparql.syntax import Token

#: Code points of a query, and its brackets inside each other, beyond which it is not taken apart.
_LENGTH, _DEPTH = 20_000, 40
_MARKS = {"(": ")", "{": "}", "[": "]"}
_PARTS = re.compile(r"[A-Za-z]+|\d+")
#: Parts of addresses that name no database.
_NO_NAMES = frozenset({"http", "https", "www", "org", "com", "net", "id", "data", "purl", "obo", "html"})
#: How a FROM clause names a graph.
_HOW = ("default", "named")
#: What is said of each kind of finding, with what it is about in the place of the braces.
_WORDS = {
    "too-large": {"en": "the query is too large to be taken apart", "zh": "查询过大，无法拆解"},
    "not-read": {"en": "the query cannot be taken apart", "zh": "查询无法拆解"},
    "unknown-term": {"en": "the graph does not hold {}", "zh": "图谱中没有{}"},
    "unknown-value": {"en": "no thing has the value {}", "zh": "没有任何事物具有值{}"},
    "pattern": {
        "en": "nothing matches this pattern, though its terms are known",
        "zh": "此模式没有匹配，但其中的术语均为已知",
    },
    "join": {
        "en": "with the patterns before it, nothing matches this one any more",
        "zh": "与前面的模式合并后，此模式不再有匹配",
    },
    "filter": {
        "en": "without this filter there would be an answer",
        "zh": "去掉此过滤条件即有结果",
    },
    "none": {
        "en": "the graph holds every part of the query; together they have no answer",
        "zh": "图谱含有查询的各个部分，但合在一起没有结果",
    },
    "looked-at": {
        "en": "statements about it: {}, of these of the review: {}",
        "zh": "涉及它的论断：{}条，其中综述：{}条",
    },
    "named-only": {
        "en": "no statement is about it itself; statements that name it or what is linked to it: {}",
        "zh": "没有论断专门涉及它；提及它或与之相连之物的论断：{}条",
    },
    "not-looked-at": {
        "en": "no statement is about it or what is linked to it",
        "zh": "没有论断涉及它或与之相连之物",
    },
}


class Finding(NamedTuple):
    """What leaves nothing: its kind, the part of the query, what it is about, what may be meant instead."""

    kind: str
    part: str
    about: Sequence[str] = ()
    instead: str = ""

    def words(self, lang: str = "en") -> str:
        """Say it in a language, ``en`` or ``zh``."""
        return _WORDS[self.kind][lang].format(*self.about)

    def told(self, lang: str = "en") -> dict[str, str]:
        """Give it for programs, with its words in a language."""
        return {"kind": self.kind, "part": self.part, "words": self.words(lang), "instead": self.instead}

    def line(self, lang: str = "en") -> str:
        """Give it as one line for people."""
        words = self.words(lang)
        part = self.part if self.part not in words else ""
        if lang == "zh":
            return (
                f"{words}{f'（{part}）' if part else ''}{f'；是否指{self.instead}？' if self.instead else ''}"
            )
        instead = f"; is {self.instead} meant?" if self.instead else ""
        return f"{words}{f' ({part})' if part else ''}{instead}"


class _Pattern(NamedTuple):
    """A triple pattern as SPARQL text, its terms, and the graph in which it is looked for, if any."""

    text: str
    terms: tuple[object, object, object]
    graph: object


#: Graphs that are asked as one, and those that a query can name.
_Graphs = tuple["Sequence[str]", "Sequence[str]"]


def explain(
    store: Answerer, text: str, default: Sequence[str] = (), named: Sequence[str] = ()
) -> list[Finding]:
    """Say why a query has no answer; nothing when it has one. Raises QueryError for what is no query.

    A count of 0 is no answer too. What cannot be taken apart is said to be so.
    """
    return _Explainer(store, (default, named)).explain(text)


@cache
def prepare() -> Mapping[str, Query]:
    """Read the queries that the parts of a query are asked by: those of the package, whatever the home.

    A process that can open no file any more must have done this before.
    """
    translateQuery(parseQuery("ASK {}"))  # rdflib imports modules when it does this for the first time
    folder = package_home() / "queries" / "explanation"
    return {query.name: query for query in read_queries(folder)}


class _Explainer:
    """Asks parts of one query over the graphs of that query."""

    def __init__(self, store: Answerer, graphs: _Graphs) -> None:
        self._store = store
        self._graphs = graphs

    def explain(self, text: str) -> list[Finding]:
        if not _is_empty(self._query(text), text):
            return []
        if len(text) > _LENGTH or _depth(text) > _DEPTH:
            return [Finding("too-large", "")]
        groups = self._parts(text)
        if groups is None:
            return [Finding("not-read", "")]
        return [*(self._causes(groups, text) or [Finding("none", "")]), *self._looked_at(groups)]

    def _parts(self, text: str) -> list[list[_Pattern]] | None:
        """Take a query apart and note its graphs; None when that cannot be done."""
        try:
            algebra = translateQuery(parseQuery(text)).algebra
        except Exception:  # noqa: BLE001 - its parser raises what it likes, and reads less than the engine
            return None
        if clauses := not any(self._graphs) and algebra.datasetClause:
            default, named = ([str(clause[how]) for clause in clauses if how in clause] for how in _HOW)
            self._graphs = default, named
        return [[_pattern(triple, graph) for triple in group] for graph, group in _groups(algebra)]

    def _causes(self, groups: list[list[_Pattern]], text: str) -> list[Finding]:
        found = [finding for group in groups for finding in self._constants(group)]
        found = found or [finding for group in groups for finding in self._matches(group)]
        return found or self._filters(text)

    def _query(self, text: str, graphs: _Graphs | None = None) -> Answer:
        return self._store.query(text, *(graphs or self._graphs))

    def _rows(self, name: str, graphs: _Graphs | None = None, **terms: str) -> Iterator[dict[str, str]]:
        answer = self._query(prepare()[name].bind(terms), graphs)
        if isinstance(answer, Table):
            for row in answer.rows():
                yield {name: plain(term) for name, term in row.items()}

    def _holds(self, where: str, graphs: _Graphs | None = None) -> bool:
        return bool(self._query(_ask(where), graphs))

    def _where(self, graph: object) -> _Graphs | None:
        """Give the graphs in which a pattern is looked for."""
        if isinstance(graph, URIRef):
            return [str(graph)], ()
        if isinstance(graph, Variable):
            return self._graphs[1] or [row["graph"] for row in self._rows("graphs")], ()
        return None

    def _constants(self, group: list[_Pattern]) -> Iterator[Finding]:
        """Find terms of patterns that the graph does not hold at all."""
        for pattern in group:
            graphs = self._where(pattern.graph)
            for term in pattern.terms:
                if isinstance(term, URIRef) and not self._knows(term, graphs):
                    yield Finding("unknown-term", pattern.text, [term.n3()], self._near(term, graphs))
                if isinstance(term, Literal) and not self._holds(f"?s ?p {term.n3()}", graphs):
                    yield Finding("unknown-value", pattern.text, [term.n3()], self._like(term, graphs))

    def _knows(self, term: URIRef, graphs: _Graphs | None = None) -> bool:
        return bool(self._query(prepare()["known"].bind({"term": written(iri(str(term)))}), graphs))

    def _near(self, term: URIRef, graphs: _Graphs | None) -> str:
        """Give a term of the graph that is spelt alike, or that is the same identifier in another form."""
        known = [row["term"] for row in self._rows("terms", graphs)]
        number, words = _identifier(str(term))
        for name in known if number else ():
            other, said = _identifier(name)
            if other == number and words & said:
                return f"<{name}>"
        space, name = _split(str(term))
        if same := [other for other in known if _split(other)[1] == name]:
            return f"<{same[0]}>"
        alike = {_split(other)[1].casefold(): other for other in known if _split(other)[0] == space}
        alike = alike or {_split(other)[1].casefold(): other for other in known}
        near = difflib.get_close_matches(name.casefold(), alike, 1, 0.7)
        return f"<{alike[near[0]]}>" if near else ""

    def _like(self, term: Literal, graphs: _Graphs | None) -> str:
        """Give a value with the same text in a language or of a type, or a label that is spelt alike."""
        for row in self._rows("values", graphs, text=written(literal(str(term)))):
            if "type" not in row:
                return f"<{row['value']}>"
            tag = f"@{row['language']}" if row["language"] else f"^^<{row['type']}>"
            return f"{written(literal(row['value']))}{tag}"
        labels = {row["label"]: row["language"] for row in self._rows("labels", graphs)}
        near = difflib.get_close_matches(str(term), labels, 1, 0.7)
        return f"{written(literal(near[0]))}@{labels[near[0]]}" if near else ""

    def _matches(self, group: list[_Pattern]) -> Iterator[Finding]:
        """Find the first pattern of a group that matches nothing, alone or with those before it."""
        for pattern in group:
            if not self._holds(pattern.text):
                yield Finding("pattern", pattern.text)
                return
        for count in range(2, len(group) + 1):
            if not self._holds(" . ".join(pattern.text for pattern in group[:count])):
                yield Finding("join", group[count - 1].text)
                return

    def _filters(self, text: str) -> list[Finding]:
        """Find filters without which there would be an answer; of EXISTS, what is not there."""
        found: list[Finding] = []
        blamed = 0
        for start, end in _filter_places(text):
            if start < blamed:  # inside of a filter that was told of already
                continue
            rest = f"{text[:start]} {text[end:]}"
            try:
                if _is_empty(self._query(rest), rest):
                    continue
                found += self._inside(text, start, end) or [Finding("filter", _one_line(text[start:end]))]
                blamed = end
            except QueryError:
                continue
        return found

    def _inside(self, text: str, start: int, end: int) -> list[Finding]:
        """Say why what a filter asks to be there is not there at all."""
        pieces = [piece for piece in tokens(text) if start <= piece.start < end]
        if [piece.text.upper() for piece in pieces[1:3]] != ["EXISTS", "{"]:
            return []
        asked = _ask(text[pieces[2].start : end], _prologue(text))
        groups = self._parts(asked) if _is_empty(self._query(asked), asked) else None
        return self._causes(groups, asked) if groups else []

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
            for row in self._rows("looked-at", thing=written(iri(str(thing)))):
                counts = {name: row[name] for name in ("statements", "review", "named")}
                if counts["statements"] != "0":
                    yield Finding("looked-at", thing.n3(), [counts["statements"], counts["review"]])
                elif counts["named"] != "0":
                    yield Finding("named-only", thing.n3(), [counts["named"]])
                else:
                    yield Finding("not-looked-at", thing.n3())


def _is_empty(answer: Answer, text: str) -> bool:
    """Say whether there is no answer: no row, no triple, no, or only counts of 0."""
    if isinstance(answer, Truth):
        return not answer
    if isinstance(answer, Triples):
        return next(iter(answer.answer), None) is None
    rows = answer.rows()
    first = next(rows, None)
    if first is None:
        return True
    if not any(token.kind == "word" and token.text.upper() == "COUNT" for token in tokens(text)):
        return False
    return {plain(term) for term in first.values()} == {"0"} and next(rows, None) is None


def _ask(where: str, prologue: str = "") -> str:
    """Ask whether there is what a part of a query looks for."""
    return f"{prologue} ASK {{ {where} }}"


def _prologue(text: str) -> str:
    """Give what a query declares before it asks."""
    pieces = list(tokens(text))
    end = 0
    for place, piece in enumerate(pieces):
        if piece.kind == "word" and piece.text.upper() in {"SELECT", "ASK", "CONSTRUCT", "DESCRIBE"}:
            before = pieces[place - 1].text.upper() if place else ""
            if before != "PREFIX":
                end = piece.start
                break
    return text[:end]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _depth(text: str) -> int:
    depth = deepest = 0
    for token in tokens(text):
        if token.text in _MARKS:
            depth += 1
            deepest = max(deepest, depth)
        elif token.text in _MARKS.values():
            depth -= 1
    return deepest


def _groups(
    node: object, graph: object = None
) -> Iterator[tuple[object, list[tuple[object, object, object]]]]:
    """Give the triples of each basic graph pattern, in their order, with the graph that is named for them."""
    if isinstance(node, CompValue):
        if node.name in {"Filter", "Graph"}:
            yield from _groups(node.p, node.term if node.name == "Graph" else graph)
            return
        if node.name in {"LeftJoin", "Minus"}:  # what is optional empties nothing
            yield from _groups(node.p1, graph)
            return
        if node.name == "BGP":
            yield graph, list(node.triples)
            return
        for value in node.values():
            yield from _groups(value, graph)
    elif isinstance(node, list | tuple):
        for item in node:
            yield from _groups(item, graph)


def _pattern(triple: tuple[object, object, object], graph: object) -> _Pattern:
    text = " ".join(map(_term, triple))
    return _Pattern(text if graph is None else f"GRAPH {_term(graph)} {{ {text} }}", triple, graph)


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
