"""The description of the data in the words of schema.org, as search engines read it off a page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rdflib.namespace import RDF, SDO

from her2kg.model.namespaces import BASE, DATASET
from her2kg.model.queries import read_query
from her2kg.sparql.engine import Triples

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from her2kg.sparql.store import Answerer

_SCHEMA = str(SDO)
#: What is an address, to be reached where the service stands, and no name.
_ADDRESSES = frozenset({"contentUrl", "url"})


def dataset(store: Answerer, home: Path, lang: str, root: str) -> dict[str, Any]:
    """Give the description in one language, with addresses under ``root``; empty when the build has none."""
    found = store.query(read_query(home / "queries" / "pages" / "description" / "dataset.rq").text)
    if not isinstance(found, Triples):
        raise TypeError("the query is no CONSTRUCT")
    nodes: dict[str, dict[str, Any]] = {}
    # The engine writes triples as they come: a node may be there in several pieces.
    for piece in json.loads(found.text("application/ld+json")):
        node = nodes.setdefault(piece["@id"], {"@id": piece["@id"]})
        for prop in piece.keys() - {"@id"}:
            node[prop] = [*node.get(prop, ()), *piece[prop]]
    if str(DATASET) not in nodes:
        return {}
    teller = _Teller(nodes, lang, root)
    told = teller.node(nodes.pop(str(DATASET)))
    links = {name: {"@type": "@id"} for name in sorted(teller.links)}
    return {"@context": {"@vocab": _SCHEMA, **links}, **told}


class _Teller:
    """Writes nodes with short names, and what they lead to inside them; notes which properties hold IRIs."""

    def __init__(self, nodes: Mapping[str, Any], lang: str, root: str) -> None:
        self._nodes = nodes
        self._lang = lang
        self._root = root
        self.links: set[str] = set()

    def node(self, node: Mapping[str, Any]) -> dict[str, Any]:
        # The engine writes the class as a property like any other.
        kinds = [kind["@id"].removeprefix(_SCHEMA) for kind in node[str(RDF.type)] if _ours(kind["@id"])]
        told: dict[str, Any] = {"@id": node["@id"], "@type": kinds[0] if len(kinds) == 1 else kinds}
        for prop in filter(_ours, sorted(node)):
            name = prop.removeprefix(_SCHEMA)
            values = sorted(node[prop], key=lambda value: sorted(value.items()))
            said = [
                self._value(name, value)
                for value in values
                if value.get("@language", self._lang) == self._lang
            ]
            told[name] = said[0] if len(said) == 1 else said
        return told

    def _value(self, name: str, value: Mapping[str, Any]) -> Any:
        if "@value" in value:
            return value["@value"]
        iri: str = value["@id"]
        if iri in self._nodes:
            return self.node(self._nodes[iri])
        self.links.add(name)
        return f"{self._root}{iri.removeprefix(BASE)}" if name in _ADDRESSES else iri


def _ours(iri: str) -> bool:
    return iri.startswith(_SCHEMA)
