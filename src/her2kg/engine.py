"""The SPARQL engine: an in-memory Oxigraph store, loaded once, and its errors in our words.

Both wings evaluate SPARQL: the rules that derive conflicts when the graph is built, and the store
that answers. rdflib's evaluator is not used for either: it was measured about a thousand times slower
on self-joins and wrong on ``ASK { FILTER(false) }``. This module alone knows pyoxigraph.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pyoxigraph as ox

from her2kg.errors import InputError, QueryError
from her2kg.syntax import refuse_service, syntax_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

Term: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
Solution: TypeAlias = dict[str, Term]

_PARSER_PLACE = re.compile(
    r"^Parser error (?:at line \d+ (?:column \d+|between columns \d+ and \d+)"
    r"|between line \d+ column \d+ and line \d+ column \d+): "
)
_SYSTEM_NUMBER = re.compile(r" \(os error \d+\)$")


@dataclass(frozen=True)
class Table:
    """The answer of a SELECT: column names in the order of the query, rows as they come."""

    answer: ox.QuerySolutions

    @property
    def columns(self) -> list[str]:
        """Name the columns."""
        return [variable.value for variable in self.answer.variables]

    def rows(self) -> Iterator[Solution]:
        """Give each row as the terms of its bound columns; can be read once."""
        for solution in self.answer:
            yield {name: term for name in self.columns if (term := solution[name]) is not None}

    def text(self, media_type: str) -> bytes:
        """Serialise in a SPARQL results format."""
        kind = ox.QueryResultsFormat.from_media_type(media_type)
        written = self.answer.serialize(format=kind)
        return written if written is not None else b""


@dataclass(frozen=True)
class Truth:
    """The answer of an ASK."""

    answer: ox.QueryBoolean

    def __bool__(self) -> bool:
        """Say yes or no."""
        return bool(self.answer)

    def text(self, media_type: str) -> bytes:
        """Serialise in a SPARQL results format that knows booleans."""
        kind = ox.QueryResultsFormat.from_media_type(media_type)
        written = self.answer.serialize(format=kind)
        return written if written is not None else b""


@dataclass(frozen=True)
class Triples:
    """The answer of a CONSTRUCT or DESCRIBE."""

    answer: ox.QueryTriples

    def text(self, media_type: str, prefixes: dict[str, str] | None = None) -> bytes:
        """Serialise in an RDF format, each triple once."""
        kind = ox.RdfFormat.from_media_type(media_type)
        triples = dict.fromkeys(self.answer)
        written = ox.serialize(triples, format=kind, prefixes=dict(prefixes) if prefixes else None)
        return written if written is not None else b""


Answer: TypeAlias = Table | Truth | Triples


class Engine:
    """A store that is filled once and then only read.

    >>> engine = Engine.from_text("<urn:a> <urn:b> 1 .", "text/turtle")
    >>> [row["o"].value for row in engine.query("SELECT ?o { ?s ?p ?o }").rows()]
    ['1']
    """

    def __init__(self) -> None:
        """Start empty."""
        self._store = ox.Store()

    @classmethod
    def from_text(cls, text: str, media_type: str) -> Engine:
        """Read one document of the given media type."""
        engine = cls()
        engine.add_text(text, media_type)
        return engine

    def add_text(self, text: str, media_type: str) -> None:
        """Add the quads of one document; raises InputError when it does not parse."""
        kind = ox.RdfFormat.from_media_type(media_type)
        if kind is None:
            raise InputError(f"{media_type} is no RDF format", "use Turtle, TriG, N-Triples or N-Quads")
        try:
            self._store.bulk_load(text.encode(), format=kind)
        except SyntaxError as error:
            raise InputError(error.msg, "mend the syntax") from error

    def add_file(self, path: Path) -> None:
        """Add the quads of a file in the format that its ending names; raises InputError."""
        kind = ox.RdfFormat.from_extension(path.suffix.removeprefix("."))
        if kind is None:
            raise InputError(
                f"{path}: {path.suffix or 'no ending'} is no RDF format",
                "use .ttl, .nt, .nq, .trig, .rdf or .jsonld",
            )
        try:
            self._store.bulk_load(path=str(path), format=kind, lenient=False)
        except SyntaxError as error:
            line = f":{error.lineno}:{error.offset}" if error.lineno else ""
            problem = _PARSER_PLACE.sub("", error.msg)
            raise InputError(f"{path}{line}: {problem}", "mend the syntax") from error
        except (OSError, ValueError) as error:
            problem = _SYSTEM_NUMBER.sub("", str(error))
            raise InputError(f"{path}: {problem}", "check that the file is there and is RDF") from error

    def __len__(self) -> int:
        """Count the quads."""
        return len(self._store)

    def text(self, media_type: str) -> str:
        """Write all quads; in a format without named graphs, as the union of all graphs."""
        kind = ox.RdfFormat.from_media_type(media_type)
        if kind is not None and kind.supports_datasets:
            content = self._store.dump(format=kind)
        else:
            content = ox.serialize({quad.triple for quad in self._store}, format=kind)
        return (content or b"").decode()

    def query(
        self, text: str, default_graphs: Sequence[str] = (), named_graphs: Sequence[str] = ()
    ) -> Answer:
        """Evaluate one SPARQL query; raises QueryError with line and column of the fault.

        A query that asks another endpoint (SERVICE) is refused: the engine would open connections.
        Graphs that are named take the place of the query's FROM (SPARQL 1.1 Protocol, 2.1.4).
        """
        refuse_service(text)
        try:
            if default_graphs or named_graphs:
                answer = self._store.query(
                    text,
                    default_graph=list(map(iri, default_graphs)),
                    named_graphs=list(map(iri, named_graphs)),
                )
            else:
                answer = self._store.query(text)
        except SyntaxError as error:
            raise syntax_error(text, str(error)) from error
        except (ValueError, RuntimeError, OSError) as error:
            raise QueryError(str(error)[:200], "change the query") from error
        if isinstance(answer, ox.QuerySolutions):
            return Table(answer)
        return Truth(answer) if isinstance(answer, ox.QueryBoolean) else Triples(answer)


def literal(text: str, language: str | None = None) -> ox.Literal:
    """Make a literal, plain or with a language tag."""
    return ox.Literal(text, language=language)


def iri(text: str) -> ox.NamedNode:
    """Make an IRI; raises QueryError when the text is none."""
    try:
        return ox.NamedNode(text)
    except ValueError as error:
        raise QueryError(f"{text[:80]!r} is no IRI", "give an absolute IRI") from error


def is_iri(term: Term | None) -> bool:
    """Say whether a term is an IRI."""
    return isinstance(term, ox.NamedNode)


def language(term: Term | None) -> str | None:
    """Give the language tag of a text, if it has one."""
    return term.language if isinstance(term, ox.Literal) else None


def plain(term: Term | None) -> str:
    """Give a term without its markup; nothing for an unbound one."""
    return "" if term is None else str(getattr(term, "value", term))


def written(term: Term) -> str:
    r"""Write a term as SPARQL writes it, so that it can stand in a query as data.

    >>> print(written(literal('a"b', "en")))
    "a\"b"@en
    """
    return str(term)


def convert(nquads: str, media_type: str, prefixes: Mapping[str, str] | None = None) -> bytes:
    """Write N-Quads in another format that holds named graphs, quad by quad in the order of the lines.

    The engine writes the lines of the prefixes in an order that changes from run to run: they are sorted.
    """
    kind = ox.RdfFormat.from_media_type(media_type)
    if kind is None or not kind.supports_datasets:
        raise InputError(f"{media_type} holds no named graphs", "use TriG, N-Quads or JSON-LD")
    quads = ox.parse(nquads.encode(), format=ox.RdfFormat.N_QUADS)
    lines = (
        ox.serialize(quads, format=kind, prefixes=dict(prefixes) if prefixes else None) or b""
    ).splitlines(keepends=True)
    declared = sorted(line for line in lines if line.startswith(b"@prefix "))
    return b"".join([*declared, *lines[len(declared) :]])
