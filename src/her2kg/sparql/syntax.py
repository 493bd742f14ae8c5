"""Where a query stops being SPARQL, and what of SPARQL is refused: said with line, column and remedy.

The engine's parser names the farthest place that it looked at, which lies a keyword's length past the
fault or further. The usual faults are therefore found here, token by token; only the rest is told with
the engine's place, set right by the length of the keyword that it expected.
"""

from __future__ import annotations

import difflib
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from her2kg.errors import QueryError, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

# Every repetition is possessive, so that no query takes longer to cut than its length allows.
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\r\n]*+)
    |(?P<iri><(?:[^<>"{}|^`\\\x00-\x20]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*+>)
    |(?P<string>\"{3}(?:\"{0,2}(?:[^"\\]|\\.))*+\"{3}|'{3}(?:'{0,2}(?:[^'\\]|\\.))*+'{3}
               |"(?:[^"\\\r\n]|\\.)*+"|'(?:[^'\\\r\n]|\\.)*+')
    |(?P<unclosed>["'].*+)
    |(?P<variable>[?$]\w++)
    |(?P<language>@[A-Za-z]++(?:-[A-Za-z0-9]++)*+)
    |(?P<blank>_:\w++)
    |(?P<name>(?:[^\W\d_][\w.\-·]*+)?:(?:\.*+(?:[\w:\-·]|%[0-9A-Fa-f]{2}|\\.))*+)
    |(?P<words>[^\W\d][\w.\-·]*+)
    |(?P<mark>[^\s\w])""",
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"\w+")
_SCHEME = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*:")
_PLACE = re.compile(r"error at (\d+):(\d+): (?:expected (?:one of )?)?(.*)", re.DOTALL)
_KEYWORD = re.compile(r"(?<![\w\"'\[])[A-Z][A-Z_0-9]+(?![\w\"'\]])")
_RULE = re.compile(r"[A-Z]\w+ ?\w* (?:[a-zA-Z]+ ){2,}[a-zA-Z]+")
_UPDATES = frozenset(["INSERT", "DELETE", "LOAD", "CLEAR", "CREATE", "DROP", "COPY", "MOVE", "ADD", "WITH"])
_ADD_PREFIX = re.compile(r"add a line PREFIX ([^:\s]*): <\.\.\.> at the top(.*)")
#: Code points of a prefix beyond which it is like no other.
_LONG_PREFIX = 40
_CLOSES = {"}": "{", ")": "(", "]": "["}
_FORMS = {"SELECT": "table", "ASK": "truth", "CONSTRUCT": "triples", "DESCRIBE": "triples"}
#: Functions whose value is another one each time.
_CHANGING = re.compile(r"\b(?:NOW|RAND|UUID|STRUUID|BNODE)\s*\(", re.IGNORECASE)
_CASTS = "http://www.w3.org/2001/XMLSchema#"
#: What an expression may begin after; after a term, an IRI is a property.
_BEFORE_CALL = frozenset("(,=<>+-*/!&|") | {"FILTER", "DISTINCT"}


@dataclass(frozen=True)
class Token:
    """A piece of a query: its kind, its text and where it starts, counted from 0."""

    kind: str
    text: str
    start: int


def tokens(query: str) -> Iterator[Token]:
    """Cut a query into tokens, without comments.

    >>> [token.text for token in tokens("ASK { ?a <urn:b> 'SERVICE' } # no")]
    ['ASK', '{', '?a', '<urn:b>', "'SERVICE'", '}']
    """
    for found in _TOKEN.finditer(query):
        kind = found.lastgroup or ""
        if kind == "words":  # a dot may end a statement: `true.ASK` is two words
            for word in _WORD.finditer(found[0]):
                yield Token("word", word[0], found.start() + word.start())
        elif kind != "comment":
            yield Token(kind, found[0], found.start())


def with_columns(query: str, columns: Iterable[str]) -> str:
    """Name the columns of ``SELECT *`` in the order in which the query names the variables first.

    ``columns`` are those that the query has; any other query comes back as it is.

    >>> with_columns("SELECT * { ?s ?p ?o . ?b ?p ?a }", ["a", "b", "o", "p", "s"])
    'SELECT ?s ?p ?o ?b ?a { ?s ?p ?o . ?b ?p ?a }'
    """
    if "*" not in query:
        return query
    pieces = tokens(query)
    for token in pieces:
        if token.kind == "word" and token.text.upper() == "SELECT":
            break
    star = next(pieces, None)
    if star and star.text.upper() in {"DISTINCT", "REDUCED"}:
        star = next(pieces, None)
    if star is None or star.text != "*":
        return query
    left = set(columns)
    ordered = []
    for token in pieces:
        if token.kind == "variable" and token.text[1:] in left:
            left.remove(token.text[1:])
            ordered.append(f"?{token.text[1:]}")
    if left or not ordered:
        return query
    return f"{query[: star.start]}{' '.join(ordered)}{query[star.start + 1 :]}"


def refuse_service(query: str) -> None:
    """Raise QueryError when a query would have the engine ask another endpoint."""
    if "service" not in query.casefold():
        return
    for token in tokens(query):
        if token.kind == "word" and token.text.upper() == "SERVICE":
            raise _at(query, token.start, "SERVICE is refused: nothing is fetched", "ask this graph alone")


def refuse_nesting(query: str, limit: int) -> None:
    """Raise QueryError when brackets stand inside each other more than so many times.

    >>> refuse_nesting("ASK { { ?s ?p '{{{{' } }", 2)
    """
    if sum(map(query.count, "{([")) <= limit:
        return
    depth = 0
    for token in tokens(query):
        if token.kind == "mark" and token.text in "{([":
            depth += 1
            if depth > limit:
                raise _at(
                    query, token.start, f"brackets stand inside each other over {limit} times", "nest less"
                )
        elif token.kind == "mark" and token.text in "})]":
            depth -= 1


def based(query: str, base: str) -> str:
    """Give a query its base IRI, unless it declares one.

    >>> based("ASK { <a> ?p ?o }", "http://localhost/sparql")
    'BASE <http://localhost/sparql> ASK { <a> ?p ?o }'
    """
    declares = any(token.kind == "word" and token.text.upper() == "BASE" for token in tokens(query))
    return query if declares or not base else f"BASE <{base}> {query}"


def is_stable(query: str) -> bool:
    """Say whether a query has the same answer whenever it is evaluated over the same data.

    >>> is_stable("SELECT (RAND() AS ?x) {}"), is_stable("ASK { ?s ?rand 'x' }")
    (False, True)
    """
    return "(" not in query or not _CHANGING.search(query)


def form(query: str) -> str:
    """Name the form of a query's answer: ``table``, ``truth`` or ``triples``; nothing of what is no query.

    >>> form("PREFIX ask: <urn:ask> SELECT * { ?s ask:a ?o }")
    'table'
    """
    words = (token.text.upper() for token in tokens(query) if token.kind == "word")
    return next((_FORMS[word] for word in words if word in _FORMS), "")


def names_graphs(query: str) -> bool:
    """Say whether a query says itself over which graphs it is asked (FROM).

    >>> names_graphs("SELECT * FROM <urn:a> { ?s ?p ?o }"), names_graphs("ASK { ?s ?p 'FROM' }")
    (True, False)
    """
    return any(token.kind == "word" and token.text.upper() == "FROM" for token in tokens(query))


def refuse_functions(query: str) -> None:
    """Raise QueryError when a query that parses calls a function that is not of SPARQL: an engine's own.

    >>> refuse_functions("PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> ASK { FILTER(xsd:date('x') = 1) }")
    """
    declared: dict[str, str] = {}
    pieces = list(tokens(query))
    # What stands behind BY and HAVING are expressions, one after the other, in each pair of braces anew.
    modifiers = [False]
    for place, token in enumerate(pieces):
        before = pieces[place - 1].text if place else ""
        if token.kind == "word" and token.text.upper() in {"BY", "HAVING"}:
            modifiers[-1] = True
        elif token.text == "{":
            modifiers.append(False)
        elif token.text == "}" and len(modifiers) > 1:
            modifiers.pop()
        elif token.kind == "iri" and place > 1 and pieces[place - 2].text.upper() == "PREFIX":
            declared[before] = _unescaped(token.text[1:-1])
        elif token.kind in {"iri", "name"} and place + 1 < len(pieces) and pieces[place + 1].text == "(":
            called = modifiers[-1] or before.upper() in _BEFORE_CALL
            if called and not _full(token, declared).startswith(_CASTS):
                problem = f"the function {token.text[:80]} is not of SPARQL"
                raise _at(query, token.start, problem, "do without it")


def _full(token: Token, declared: dict[str, str]) -> str:
    if token.kind == "iri":
        return _unescaped(token.text[1:-1])
    prefix, _, local = token.text.partition(":")
    return declared.get(f"{prefix}:", "") + local


def _unescaped(name: str) -> str:
    return re.sub(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})", lambda at: chr(int(at[1] or at[2], 16)), name)


def syntax_error(query: str, message: str) -> QueryError:
    """Say where a query stops being SPARQL, what stands there, and what to do about it."""
    pieces = list(tokens(query))
    finders: tuple[Callable[[str, list[Token]], QueryError | None], ...] = (
        _update,
        _unclosed_string,
        _undeclared_prefix,
        _relative_iri,
        _bracket,
    )
    for find in finders:
        if (fault := find(query, pieces)) is not None:
            return fault
    return _elsewhere(query, message, pieces)


def _update(query: str, pieces: list[Token]) -> QueryError | None:
    words = (
        token for token in pieces if token.kind == "word" and token.text.upper() not in {"PREFIX", "BASE"}
    )
    first = next(words, None)
    if first is None or first.text.upper() not in _UPDATES:
        return None
    return _at(query, first.start, "updates are refused: the graph is read-only", "send a query")


def _unclosed_string(query: str, pieces: list[Token]) -> QueryError | None:
    for token in pieces:
        if token.kind == "unclosed":
            remedy = f"close it with {token.text[0]}"
            return _at(query, token.start, "the string that starts here has no end", remedy)
    return None


def _undeclared_prefix(query: str, pieces: list[Token]) -> QueryError | None:
    declared = set()
    before = ""
    for token in pieces:
        if token.kind == "name":
            prefix = token.text.partition(":")[0]
            if before == "PREFIX":
                declared.add(prefix)
            elif prefix not in declared:
                said = shortened(prefix, _LONG_PREFIX)
                meant = dict.fromkeys(_like(prefix, declared), "which is declared")
                remedy = f"add a line PREFIX {said}: <...> at the top{_or_write(meant)}"
                return _at(query, token.start, f"the prefix {said}: is not declared", remedy)
        before = token.text.upper() if token.kind == "word" else ""
    return None


def with_iri(remedy: str, prefixes: Mapping[str, str]) -> str:
    """Complete the remedy of a prefix that is not declared by its IRI, or by those that may be meant.

    >>> known = {"rdfs": "http://www.w3.org/2000/01/rdf-schema#"}
    >>> with_iri("add a line PREFIX rdfs: <...> at the top", known)
    'add a line PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> at the top'
    >>> print(with_iri("add a line PREFIX RDSF: <...> at the top", known))
    add a line PREFIX RDSF: <...> at the top, or write rdfs: with PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
    """
    missing = _ADD_PREFIX.fullmatch(remedy)
    if missing is None:
        return remedy
    name, others = missing[1], missing[2]
    if name in prefixes:
        return f"add a line PREFIX {name}: <{prefixes[name]}> at the top"
    if others:
        return remedy
    return remedy + _or_write(
        {near: f"with PREFIX {near}: <{prefixes[near]}>" for near in _like(name, prefixes)}
    )


def _like(prefix: str, prefixes: Iterable[str]) -> list[str]:
    """Give the prefixes that may be meant, at most two."""
    if len(prefix) > _LONG_PREFIX:
        return []
    folded = {name.casefold(): name for name in sorted(prefixes)}
    return [folded[name] for name in difflib.get_close_matches(prefix.casefold(), folded, 2, 0.75)]


def _or_write(meant: Mapping[str, str]) -> str:
    return "".join(f", or write {name}: {how}" for name, how in meant.items())


def _relative_iri(query: str, pieces: list[Token]) -> QueryError | None:
    for token in pieces:
        if token.kind == "word" and token.text.upper() == "BASE":
            return None
        if token.kind == "iri" and not _SCHEME.match(token.text):
            return _at(
                query, token.start, f"the IRI {token.text} is relative", "write it in full or add BASE"
            )
    return None


def _bracket(query: str, pieces: list[Token]) -> QueryError | None:
    still_open: list[Token] = []
    for token in pieces:
        if token.kind != "mark":
            continue
        if token.text in _CLOSES.values():
            still_open.append(token)
            continue
        opening = _CLOSES.get(token.text)
        if opening and (not still_open or still_open.pop().text != opening):
            return _at(query, token.start, f"this {token.text} closes nothing", "mend the brackets")
    if still_open:
        return _at(query, still_open[-1].start, f"the {still_open[-1].text} here is never closed", "close it")
    return None


def _elsewhere(query: str, message: str, pieces: list[Token]) -> QueryError:
    place = _PLACE.search(message)
    if place is None:
        return QueryError(" ".join(message.split())[:200], "mend the query")
    lines = list(io.StringIO(query))  # a line ends with LF alone, as the engine counts
    start = min(sum(map(len, lines[: int(place[1]) - 1])) + int(place[2]) - 1, len(query))
    if rule := _RULE.search(place[3]):
        return _at(query, start, rule[0], "mend the query")
    if keywords := _KEYWORD.findall(place[3]):
        start = max(start - min(map(len, keywords)), 0)
    start = next((token.start for token in reversed(pieces) if token.start <= start < _end(token)), start)
    near = " ".join(query[start:].split())[:30] or "the end of the query"
    return _at(query, start, f"the query is not SPARQL at {near!r}", "mend it at this place")


def _end(token: Token) -> int:
    return token.start + len(token.text)


def _at(query: str, start: int, problem: str, remedy: str) -> QueryError:
    before = query[:start]
    line = before.count("\n") + 1
    return QueryError(problem, remedy, line=line, column=start - (before.rfind("\n") + 1) + 1)
