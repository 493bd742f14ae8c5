"""The SPARQL engine: an in-memory Oxigraph store, loaded once, and its errors in our words.

Both wings evaluate SPARQL: the rules that derive conflicts when the graph is built, and the store
that answers. rdflib's evaluator is not used for either: it was measured about a thousand times slower
on self-joins and wrong on ``ASK { FILTER(false) }``. This module alone knows pyoxigraph.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

import pyoxigraph as ox

from her2kg.errors import BackendError, FormatError, InputError, QueryError, shortened
from her2kg.sparql.syntax import refuse_service, syntax_error, with_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

Term: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
Solution: TypeAlias = dict[str, Term]
T = TypeVar("T")

_PARSER_PLACE = re.compile(
    r"^Parser error (?:at line \d+ (?:column \d+|between columns \d+ and \d+)"
    r"|between line \d+ column \d+ and line \d+ column \d+): "
)
_SYSTEM_NUMBER = re.compile(r" \(os error \d+\)$")


class Sink(Protocol):
    """What takes the bytes of an answer."""

    def write(self, content: bytes, /) -> int:
        """Take some bytes."""
        ...


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
        try:
            for solution in self.answer:
                yield {name: term for name in self.columns if (term := solution[name]) is not None}
        except SyntaxError as error:
            raise _broken() from error

    def has_more_than(self, rows: int) -> bool:
        """Say whether there are more rows than these; reads them."""
        return sum(1 for _ in islice(self.answer, rows + 1)) > rows

    def text(self, media_type: str) -> bytes:
        """Serialise in a SPARQL results format."""
        return _held(self, media_type)

    def write(self, output: Sink, media_type: str, _prefixes: Mapping[str, str] | None = None) -> None:
        """Serialise in a SPARQL results format, as rows come; raises QueryError, also half-way."""
        kind = ox.QueryResultsFormat.from_media_type(media_type)
        _write(lambda out: self.answer.serialize(out, kind), output, media_type)


@dataclass(frozen=True)
class Truth:
    """The answer of an ASK."""

    answer: ox.QueryBoolean

    def __bool__(self) -> bool:
        """Say yes or no."""
        return bool(self.answer)

    def text(self, media_type: str) -> bytes:
        """Serialise in a SPARQL results format that knows booleans."""
        return _held(self, media_type)

    def write(self, output: Sink, media_type: str, _prefixes: Mapping[str, str] | None = None) -> None:
        """Serialise in a SPARQL results format that knows booleans."""
        kind = ox.QueryResultsFormat.from_media_type(media_type)
        _write(lambda out: self.answer.serialize(out, kind), output, media_type)


@dataclass(frozen=True)
class Triples:
    """The answer of a CONSTRUCT or DESCRIBE."""

    answer: Iterable[ox.Triple]

    def text(self, media_type: str, prefixes: Mapping[str, str] | None = None) -> bytes:
        """Serialise in an RDF format, each triple once."""
        output = io.BytesIO()
        self.write(output, media_type, prefixes)
        return output.getvalue()

    def write(self, output: Sink, media_type: str, prefixes: Mapping[str, str] | None = None) -> None:
        """Serialise in an RDF format, each triple once; raises QueryError, also half-way.

        The prefixes shorten Turtle and TriG; RDF/XML would get elements without a name.
        """
        kind = ox.RdfFormat.from_media_type(media_type)
        declared = dict(prefixes) if prefixes and kind in {ox.RdfFormat.TURTLE, ox.RdfFormat.TRIG} else None

        def serialize(out: Any) -> None:
            triples = dict.fromkeys(self.answer)
            if kind == ox.RdfFormat.RDF_XML:
                _write_rdf_xml(triples, out)
                return
            ox.serialize(triples, out, kind, prefixes=declared)

        _write(serialize, output, media_type)


Answer: TypeAlias = Table | Truth | Triples
#: What each form of answer is called.
FORMS: Mapping[type[Answer], str] = {Table: "table", Truth: "truth", Triples: "triples"}

_NO_RDF_XML = "ask for Turtle or JSON-LD"
_NO_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")


class _XmlOutput(io.RawIOBase):
    """Passes XML on in which a CR is a reference, since a parser would read it as LF."""

    def __init__(self, output: Sink, remedy: str) -> None:
        super().__init__()
        self._output = output
        self._remedy = remedy

    def write(self, content: Any) -> int:
        if _NO_XML.search(content):
            raise FormatError("the answer holds a character that XML has not", self._remedy)
        self._output.write(bytes(content).replace(b"\r", b"&#xD;"))
        return len(content)


_TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
#: What is written for the type of a node where the engine would name its element by the class.
_STAND_IN = ox.NamedNode(f"{_TYPE.value}.of-no-name")


def _write_rdf_xml(triples: Iterable[ox.Triple], output: Any) -> None:
    """Write RDF/XML, all of which a parser of XML reads; raises FormatError when a predicate has no name.

    The engine names elements by predicates, and by the class of a node, also where that ends in no name.
    """
    triples = list(triples)
    for iri in sorted({triple.predicate.value for triple in triples}):
        if not _is_xml_name(ox.NamedNode(iri)):
            raise FormatError(f"RDF/XML has no name for the predicate {shortened(iri)}", _NO_RDF_XML)
    nameless = {kind for kind in {o for _, p, o in triples if p == _TYPE} if not _is_xml_name(kind)}
    if not nameless:
        ox.serialize(triples, output, ox.RdfFormat.RDF_XML)
        return
    written = ox.serialize(
        [ox.Triple(s, _STAND_IN if p == _TYPE and o in nameless else p, o) for s, p, o in triples],
        format=ox.RdfFormat.RDF_XML,
    )
    output.write((written or b"").replace(b"<rdf:type.of-no-name ", b"<rdf:type "))


def _is_xml_name(term: Term) -> bool:
    """Say whether the engine can write an IRI as the name of an element, by letting it try."""
    if not isinstance(term, ox.NamedNode):
        return True  # never used as one
    try:
        written = ox.serialize([ox.Triple(term, term, term)], format=ox.RdfFormat.RDF_XML)
    except OSError:  # a word of RDF/XML itself
        return False
    return written is not None and b"<oxprefix: " not in written and b"<xmlns:" not in written


def _held(answer: Table | Truth, media_type: str) -> bytes:
    if media_type.endswith("xml"):
        output = io.BytesIO()
        answer.write(output, media_type)
        return output.getvalue()
    # The engine is faster where it need not call an output.
    kind = ox.QueryResultsFormat.from_media_type(media_type)
    return _told(lambda: answer.answer.serialize(format=kind)) or b""


def _write(serialize: Callable[[Any], object], output: Sink, media_type: str) -> None:
    """Serialise into an output, which may raise errors of its own."""
    if media_type.endswith("xml"):
        remedy = _NO_RDF_XML if media_type == ox.RdfFormat.RDF_XML.media_type else "ask for JSON or CSV"
        _told(lambda: serialize(_XmlOutput(output, remedy)))
    else:
        _told(lambda: serialize(output))


def _told(serialize: Callable[[], T]) -> T:
    """Serialise, and tell the engine's errors in our words."""
    try:
        return serialize()
    except SyntaxError as error:
        raise _broken() from error
    except (ValueError, RuntimeError, OSError) as error:
        raise QueryError(str(error)[:200], "change the query") from error


def _broken() -> BackendError:
    """Say that what another engine answered breaks off or is something else."""
    return BackendError(
        "the engine's answer cannot be read",
        "look into its log: it may have been cut off, as by a limit of its own",
    )


#: A blank node as Virtuoso names it in JSON, which is no name of one.
_VIRTUOSO_NODE = re.compile(rb'("type"\s*:\s*"bnode"\s*,\s*"value"\s*:\s*")nodeID://')


def read_answer(form: str, media_type: str, content: bytes) -> Answer:
    """Read what another engine answered to a query of a form; raises BackendError, for rows as they are read.

    >>> bool(read_answer("truth", "application/sparql-results+json", b'{"head": {}, "boolean": true}'))
    True
    """
    try:
        if form == "triples":
            kind = ox.RdfFormat.from_media_type(media_type)
            return Triples([quad.triple for quad in ox.parse(content, format=kind)])
        found = ox.parse_query_results(
            _VIRTUOSO_NODE.sub(rb"\1", content), format=ox.QueryResultsFormat.from_media_type(media_type)
        )
        if form == "table":
            if isinstance(found, ox.QuerySolutions):
                return Table(found)
            raise _broken()
        # Virtuoso answers an ASK with a table that has a row or none.
        truth = found if isinstance(found, ox.QueryBoolean) else _truth(any(True for _ in found))
    except SyntaxError as error:
        raise _broken() from error
    except ValueError as error:  # no media type that is known, or none at all
        raise BackendError(
            f"the engine answers in {media_type[:60]!r}",
            "see that its address is that of its SPARQL endpoint",
        ) from error
    return Truth(truth)


def _truth(value: bool) -> ox.QueryBoolean:  # noqa: FBT001
    content = b'{"head": {}, "boolean": %s}' % str(value).lower().encode()
    found = ox.parse_query_results(content, format=ox.QueryResultsFormat.JSON)
    assert isinstance(found, ox.QueryBoolean)  # noqa: S101 - it is written so
    return found


class Statement(NamedTuple):
    """A triple as SPARQL writes it, the graph that holds it (none: the default graph), its blank nodes."""

    graph: str
    text: str
    blanks: tuple[str, ...]


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
            if kind == ox.RdfFormat.RDF_XML:
                _refuse_expansion(path)
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

    def statements(self) -> Iterator[Statement]:
        """Give every quad."""
        for quad in self._store:
            ends = (quad.subject, quad.object)
            blanks = tuple(node.value for node in ends if isinstance(node, ox.BlankNode))
            graph = quad.graph_name.value if isinstance(quad.graph_name, ox.NamedNode) else ""
            yield Statement(graph, str(quad.triple), blanks)

    def text(self, media_type: str) -> str:
        """Write all quads; in a format without named graphs, as the union of all graphs."""
        kind = ox.RdfFormat.from_media_type(media_type)
        if kind is not None and kind.supports_datasets:
            content = self._store.dump(format=kind)
        else:
            content = ox.serialize({quad.triple for quad in self._store}, format=kind)
        return (content or b"").decode()

    def written(self, media_type: str, prefixes: Mapping[str, str] | None = None) -> bytes:
        """Write all quads with prefixes, in a format of graphs."""
        return Triples([quad.triple for quad in self._store]).text(media_type, prefixes)

    def query(
        self,
        text: str,
        default_graphs: Sequence[str] = (),
        named_graphs: Sequence[str] = (),
        base: str = "",
    ) -> Answer:
        """Evaluate one SPARQL query; raises QueryError with line and column of the fault.

        A query that calls another endpoint (SERVICE) is refused: the engine would open connections. Graphs
        that are named replace the query's FROM (SPARQL 1.1 Protocol, 2.1.4). Relative IRIs are resolved
        against ``base``. The columns of ``SELECT *`` stand in the order in which the query names them.
        """
        refuse_service(text)
        answer = self._evaluate(text, default_graphs, named_graphs, base)
        if isinstance(answer, ox.QuerySolutions):
            ordered = with_columns(text, [variable.value for variable in answer.variables])
            if ordered != text:
                answer = self._evaluate(ordered, default_graphs, named_graphs, base)
        if isinstance(answer, ox.QuerySolutions):
            return Table(answer)
        return Truth(answer) if isinstance(answer, ox.QueryBoolean) else Triples(answer)

    def _evaluate(
        self, text: str, default_graphs: Sequence[str], named_graphs: Sequence[str], base: str
    ) -> ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples:
        dataset: dict[str, Any] = {}
        if default_graphs or named_graphs:
            dataset = {
                "default_graph": list(map(iri, default_graphs)),
                "named_graphs": list(map(iri, named_graphs)),
            }
        unknown: dict[ox.NamedNode, Callable[..., Term | None]] = {}
        while True:
            try:
                return self._store.query(
                    text, base_iri=base or None, custom_functions=unknown or None, **dataset
                )
            except SyntaxError as error:
                raise syntax_error(text, str(error)) from error
            except (ValueError, RuntimeError, OSError) as error:
                function = _UNKNOWN_FUNCTION.search(str(error))
                if not function or iri(function[1]) in unknown:
                    raise QueryError(str(error)[:200], "change the query") from error
                # A function that nobody knows is an error of the one expression (SPARQL 1.1, 17.6).
                unknown[iri(function[1])] = _no_value


_UNKNOWN_FUNCTION = re.compile(r"custom function <([^>]*)> is not supported")


def _no_value(*_arguments: object) -> None:
    """Stand for a function that nobody knows: its value is an error, as if it were unbound."""


_ENTITY = re.compile(rb"<!ENTITY\s+(?:%\s+)?[^\s>]+\s+(?:\"([^\"]*)\"|'([^']*)')")
#: Bytes that the value of an XML entity may have: enough for a namespace, too few to fill the memory with.
_ENTITY_LIMIT = 500


def _refuse_expansion(path: Path) -> None:
    """Raise InputError when entities of an XML file hold entities, or much: the parser would expand all."""
    for found in _ENTITY.finditer(path.read_bytes()):
        value = found[1] if found[1] is not None else found[2]
        if b"&" in value or len(value) > _ENTITY_LIMIT:
            raise InputError(f"{path}: an entity holds entities or much text", "write out what it stands for")


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
