"""The IRIs that stay: what was released is listed, and from then on there or deprecated, never gone.

The list is ``ontology/released.txt``, one IRI a line, sorted: classes, properties, vocabularies, their
members and entities. Claims and what belongs to one (figures, spans, issues) are not on it: they come and
go with curation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rdflib import Graph, URIRef
from rdflib.namespace import DCTERMS, OWL

from her2kg.errors import Fault, InputError
from her2kg.sparql.engine import Engine, Table, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from her2kg.model.queries import Query

NAME = "released.txt"
#: What the query of terms gives besides: the header, and facts that are found wrong and taken out.
_NOT_LISTED = frozenset({"ontology", "notation", "sequence"})
_RULE = "released"
_DEPRECATE = (
    "put it back, or deprecate it in ontology/her2kg.ttl: owl:deprecated true, a label that begins with "
    "'obsolete ', dcterms:isReplacedBy"
)


def read(path: Path) -> list[str]:
    """Read the list; before the first release there is none, which is no fault. Raises InputError."""
    try:
        return path.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8", "put back the released list") from error


def written(iris: Iterable[str]) -> str:
    """Write the list in its canonical form."""
    return "".join(f"{iri}\n" for iri in sorted(set(iris)))


def listed(graph: Graph, terms: Query) -> set[str]:
    """Give the IRIs that a release of this graph lists, by the query ``queries/diff/terms.rq``."""
    engine = Engine.from_text(graph.serialize(format="nt"), "application/n-triples")
    answer = engine.query(terms.text)
    rows = answer.rows() if isinstance(answer, Table) else ()
    return {plain(row["thing"]) for row in rows if plain(row["kind"]) not in _NOT_LISTED}


def faults(released: Iterable[str], graph: Graph, there: set[str]) -> list[Fault]:
    """Find each released IRI that is not there any more, or is replaced by one that is not."""
    return [
        Fault(f"ontology/{NAME}", line, "", iri, problem, remedy, _RULE)
        for line, iri in enumerate(released, 1)
        for problem, remedy in _broken(URIRef(iri), graph, there)
    ]


def _broken(iri: URIRef, graph: Graph, there: set[str]) -> Iterator[tuple[str, str]]:
    """Say what is wrong; how a term is deprecated is held by checks of the ontology."""
    if str(iri) not in there:
        yield "is released and gone", _DEPRECATE
    for successor in graph.objects(iri, DCTERMS.isReplacedBy):
        if str(successor) not in there or (successor, OWL.deprecated, None) in graph:
            yield f"is replaced by {successor}, which is not in use", "name one that is"
