"""A faster form of a query with the same answer: an anti-join by hash in the place of one by search.

The engine evaluates ``FILTER NOT EXISTS { P }`` anew for each solution and neither reorders P nor looks it up
by what is known already, so that "claims that nothing speaks against" takes a search of the graph per claim.
``MINUS { P }`` is evaluated once. The two are no synonyms; where they are is told by `rewritten`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from her2kg.sparql.syntax import Token, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Where P would be matched in another graph, or where the order in which solutions come decides the answer.
_LEFT_ALONE = frozenset(
    {"SERVICE", "GRAPH", "LATERAL", "LIMIT", "OFFSET", "REDUCED", "SAMPLE", "GROUP_CONCAT", "RAND", "UUID"}
    | {"STRUUID", "BNODE"}
)
#: Code points of a query beyond which it is left as it is.
_LENGTH = 20_000
_OPENS, _CLOSES = frozenset("{(["), frozenset("})]")
#: What stands before a group that is evaluated by itself, whatever is bound outside of it.
_BEFORE_GROUP = frozenset({"WHERE", "UNION", "ASK", "{", "}", ")", "*", "."})
_BLANK = re.compile(r"(?:\s|#[^\r\n]*+[\r\n])*+")
_HEAD = re.compile(rf"FILTER{_BLANK.pattern}NOT{_BLANK.pattern}EXISTS{_BLANK.pattern}\{{", re.IGNORECASE)
_NUMBERS = re.compile(r"(?:[\s\d]|#[^\r\n]*+[\r\n])*+")
#: Words of a condition that depends on nothing but the values of its variables.
_CONDITIONS = frozenset(
    {"IN", "NOT", "TRUE", "FALSE", "STR", "LANG", "LANGMATCHES", "DATATYPE", "LCASE", "UCASE", "CONTAINS"}
    | {"STRSTARTS", "STRENDS", "REGEX", "SAMETERM", "ISIRI", "ISURI", "ISLITERAL", "ISBLANK", "ISNUMERIC"}
)


class _Filter(NamedTuple):
    """A ``FILTER NOT EXISTS { P }``: where it starts, where P does, where both end, and what P is made of."""

    start: int
    body: tuple[int, int]
    end: int
    triples: list[_Triple]
    conditions: bool


class _Triple(NamedTuple):
    """A pattern: its subject, the properties that lead on from there, its object if that is a variable."""

    subject: str
    steps: int
    object: str


@dataclass
class _Group:
    """A bracket that is still open: variables that its own triples bind, and its filters."""

    plain: bool
    bound: set[str] = field(default_factory=set)
    filters: list[_Filter] = field(default_factory=list)


def rewritten(query: str) -> str:
    """Give a query with the same answer, with ``MINUS`` for ``FILTER NOT EXISTS`` where the two are the same.

    Let m be a solution of the group without the filter. The filter keeps m unless P has a match after the
    variables that m binds are replaced by their values (SPARQL 1.1, 18.6). P being triple patterns without
    paths of length zero, and conditions on their variables alone, its matches then are the solutions n of P
    that agree with m on the variables bound in both, less these variables. MINUS drops m if there is an n
    that agrees with it in just this way and shares a variable with it (18.5). Each n binds every variable
    of P. So the two differ only for an m that binds no variable of P, and there is none if one of them
    stands in a triple pattern of the group itself. A filter holds for its whole group, wherever it stands
    in it, and other filters do not change what it keeps: MINUS goes to the end of the group. It binds
    nothing, so nothing else can tell.

    What is not wholly understood is left as it is: groups whose variables may be bound from outside
    (OPTIONAL, EXISTS, GRAPH), P with anything else. So is what would not become faster: a single
    pattern or patterns that each are looked up, and a P whose solutions could be far more than the triples,
    that is, one whose patterns do not all lead from one thing on to the next.

    >>> print(rewritten("ASK { ?a :p ?b FILTER NOT EXISTS { ?c :p ?b ; :q :d } }"))
    ASK { ?a :p ?b FILTER(true)  MINUS { ?c :p ?b ; :q :d } }
    """
    folded = query.casefold()
    if len(query) > _LENGTH or "exists" not in folded or "<<" in query or "\\u" in folded:
        return query
    pieces = list(tokens(query))
    words = {token.text.upper() for token in pieces if token.kind == "word"}
    if words & _LEFT_ALONE:
        return query
    edits = sorted(_edits(query, pieces), reverse=True)
    for start, end, text in edits:
        query = query[:start] + text + query[end:]
    return query


def _edits(query: str, pieces: Sequence[Token]) -> Iterable[tuple[int, int, str]]:
    """Give what to put in the place of what."""
    still_open: list[_Group] = []
    may_stay = any(map(_may_stay, pieces, pieces[1:]))
    end = 0
    for place, token in enumerate(pieces):
        if token.start < end:
            continue
        group = still_open[-1] if still_open else _Group(plain=True)
        before = pieces[place - 1] if place else Token("word", "WHERE", 0)
        if token.kind == "mark" and token.text in _OPENS:
            plain = group.plain and token.text == "{" and _evaluated_alone(before)
            still_open.append(_Group(plain))
        elif token.kind == "mark" and token.text in _CLOSES:
            if still_open:
                still_open.pop()
            for one in group.filters:
                if _pays(one.triples, group.bound) and not (one.conditions and may_stay):
                    yield one.start, one.end, "FILTER(true)"
                    yield token.start, token.start, f" MINUS {{{query[slice(*one.body)]}}} "
        elif token.kind == "variable" and group.plain and before.text.upper() != "VALUES":
            group.bound.add(token.text[1:])
        elif group.plain and token.kind == "word" and (found := _filter(query, pieces, place)):
            group.filters.append(found)
            end = found.end


def _may_stay(before: Token, token: Token) -> bool:
    """Say whether a path may have the length zero, so that a literal is its subject.

    The engine believes there to be none and then takes ``=`` for sameness in conditions of P, so that what is
    plain and what is rewritten would differ by a fault of the former.
    """
    return token.kind == "mark" and (
        token.text == "?"
        or (token.text == "*" and (before.kind in {"iri", "name"} or before.text in {")", "a"}))
    )


def _evaluated_alone(before: Token) -> bool:
    return before.kind == "variable" or (
        before.kind in {"word", "mark"} and before.text.upper() in _BEFORE_GROUP
    )


def _filter(query: str, pieces: Sequence[Token], place: int) -> _Filter | None:
    """Read the filter that starts at a place, if P is triples and conditions on their variables."""
    head = _HEAD.match(query, pieces[place].start)
    if head is None or [token.start for token in pieces[place + 3 : place + 4]] != [head.end() - 1]:
        return None
    marks = (at for at in range(place + 4, len(pieces)) if pieces[at].kind == "mark")
    end = next((at for at in marks if pieces[at].text in "{[]}"), None)
    if end is None or (triples := _triples(query, pieces[place + 3 : end + 1])) is None:
        return None
    last = pieces[end].start
    conditions = any(token.text.upper() == "FILTER" for token in pieces[place + 4 : end])
    return _Filter(pieces[place].start, (pieces[place + 3].start + 1, last), last + 1, triples, conditions)


#: P as the kinds of its tokens: triples, each subject with its properties and objects, and conditions (f).
_PROPERTY = "[na](?:/[na])*"
_OBJECTS = "(?:v|n|sl?)(?:,(?:v|n|sl?))*"
_SAME_SUBJECT = f"v{_PROPERTY}{_OBJECTS}(?:;+{_PROPERTY}{_OBJECTS})*;*"
_MORE = r"(?:f\.?)"
_SHAPE = re.compile(rf"\{{{_MORE}*{_SAME_SUBJECT}(?:(?:\.|\.?{_MORE}+){_SAME_SUBJECT})*\.?{_MORE}*\}}")
_LETTERS = {"variable": "v", "iri": "n", "name": "n", "string": "s", "language": "l"}


def _triples(query: str, pieces: Sequence[Token]) -> list[_Triple] | None:
    """Read a group of variables, IRIs and strings in triples, and conditions; None for any other group."""
    kept: list[Token] = []
    letters: list[str] = []
    asked: set[str] = set()
    end, depth = pieces[0].start, 0
    for token in pieces:
        gap, end = query[end : token.start], token.start + len(token.text)
        if not (_NUMBERS if depth else _BLANK).fullmatch(gap):
            return None  # a number, or what else is no token
        if depth or (token.text == "(" and letters[-1:] == ["f"]):
            if token.kind == "word" and token.text.upper() not in _CONDITIONS:
                return None
            asked |= {token.text[1:]} if token.kind == "variable" else set()
            depth += (token.text == "(") - (token.text == ")")
            continue
        kept.append(token)
        letters.append(_letter(token))
    if depth or not _SHAPE.fullmatch("".join(letters)):
        return None
    found: list[_Triple] = []
    subject, steps = "", 0
    for letter, token, before in zip(letters[1:], kept[1:], letters, strict=False):
        if letter == "v" and before in "{.f":
            subject = token.text[1:]
        elif letter in "na" and before in "v;/":
            steps = steps + 1 if before == "/" else 1
        elif letter in "vns":
            found.append(_Triple(subject, steps, token.text[1:] if letter == "v" else ""))
    known = {name for triple in found for name in (triple.subject, triple.object)}
    return found if asked <= known else None


def _letter(token: Token) -> str:
    if token.kind == "word" and token.text.upper() == "FILTER":
        return "f"
    if token.kind == "mark" or token.text == "a":
        return token.text
    return _LETTERS.get(token.kind, "?")


def _pays(triples: Sequence[_Triple], bound: set[str]) -> bool:
    """Say whether MINUS is the same, and faster: the patterns lead on from one thing, some out of sight."""
    objects = [triple.object for triple in triples if triple.object]
    roots = {triple.subject for triple in triples}.difference(objects)
    if len(roots) != 1 or len(objects) != len(set(objects)):
        return False
    reached, count = set(roots), 0
    while count < len(reached):
        count = len(reached)
        reached |= {triple.object for triple in triples if triple.object and triple.subject in reached}
    connected = reached.issuperset(triple.subject for triple in triples)
    unseen = any(triple.steps > 1 or not bound & {triple.subject, triple.object} for triple in triples)
    return connected and unseen and not bound.isdisjoint(reached)
