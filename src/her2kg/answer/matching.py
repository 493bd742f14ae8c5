"""Find what a notation means: an alteration of the graph, or a variant placed by its coordinates.

A name is an IRI, a prefixed slug, an identifier, a label or a synonym, in any order of its words, in
English or Chinese, or a verified notation. A change of a protein that the graph does not know is placed:
its residues give exon and domains, and these the alterations whose definition it meets.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from her2kg.answer.names import fold, usual_letters, words
from her2kg.answer.variants import Change, looks_like_change, read_change, read_unchecked
from her2kg.errors import NotationError, shortened
from her2kg.model.namespaces import BASE, HER2
from her2kg.model.queries import read_query
from her2kg.sparql.engine import Table, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from her2kg.sparql.engine import Solution
    from her2kg.sparql.store import Answerer

#: Letters that a notation may have: the longest verified one has fewer than a hundred.
_LONGEST = 300
_THINGS = f"{BASE}id/"
#: The gene that is meant when none is named.
_DEFAULT = "ERBB2"
_GENE_BEFORE = re.compile(
    r"^\s*(?:([A-Za-z][A-Za-z0-9/-]*?)\s*(?:\([^)]*\))?\s*[:\s]\s*|(NP_\d+\.?\d*)\s*:\s*)"
)
_GENE_SPELLING = re.compile(r"[\s-]")
_CODING = re.compile(r"(?:^|[:\s(])([cgmnr]\.|chr\w+[:\-])|^\d+[:\-]\d+", re.IGNORECASE)
_KIND_CLASSES = {
    "missense": str(HER2.MissenseMutation),
    "insertion": str(HER2.InsertionMutation),
    "deletion": str(HER2.DeletionMutation),
    "indel": str(HER2.InsertionDeletionMutation),
    "mutation": str(HER2.Mutation),
}


@dataclass(frozen=True)
class Match:
    """What a notation was found to mean.

    ``things`` are the IRIs of the alterations to answer for. For an entity that is itself; for a variant
    that the graph does not hold, what it falls under by definition: then ``placed`` says, by language, what
    it was placed by, and ``name`` is its normalised name.
    """

    things: tuple[str, ...]
    name: str = ""
    placed: dict[str, str] = field(default_factory=dict)
    exact: bool = True


@dataclass
class _Part:
    iri: str
    start: int
    end: int
    labels: dict[str, str]
    confidence: str


@dataclass
class _Definition:
    kinds: set[str] = field(default_factory=set)
    conditions: set[tuple[str, str]] = field(default_factory=set)
    wider: set[str] = field(default_factory=set)


@dataclass
class _Protein:
    gene: str
    symbol: str
    names: set[str] = field(default_factory=set)
    accession: str = ""
    residues: str = ""
    parts: list[_Part] = field(default_factory=list)


def match(store: Answerer, home: Path, notation: str) -> Match:
    """Find what a notation means.

    Raises NotationError with the nearest known names when nothing is named so, with the choices when
    several things are, and with the reason when a change of a protein cannot be.
    """
    if len(notation) > _LONGEST:
        raise NotationError(
            f"{shortened(notation)!r} is too long for a name", f"give at most {_LONGEST} letters"
        )
    known = _names(store, home, store.version)
    notation = usual_letters(notation)
    if things := known.find(notation):
        return _one(notation, things)
    symbol, change = _split(notation, known)
    if looks_like_change(change):
        return _of_change(known, symbol, change)
    if _CODING.search(notation):
        raise NotationError(
            f"{notation!r} cannot be placed: a change of DNA is known only with a verified protein change",
            "give the change of the protein, as p.Y772_A775dup",
        )
    raise NotationError(f"nothing is named {notation!r}", known.near(notation))


def _one(notation: str, things: set[str]) -> Match:
    if len(things) > 1:
        choices = " ".join(sorted(thing.removeprefix(_THINGS) for thing in things))
        raise NotationError(f"{notation!r} names several things", f"give one of: {choices}")
    return Match(tuple(things))


class _Names:
    """What is known under which name, and the proteins that changes can be read against."""

    def __init__(self, store: Answerer, home: Path) -> None:
        self._things: dict[str, set[str]] = defaultdict(set)
        self.iris: set[str] = set()
        #: Verified notations: the change that each means, by its folded text.
        self.notations: dict[str, tuple[str, str]] = {}
        #: Alterations by the change that defines them.
        self.changes: list[tuple[str, str, str]] = []
        for row in _rows(store, home, "names"):
            thing, name, change = (plain(row.get(column)) for column in ("thing", "name", "change"))
            symbol = plain(row.get("symbol"))
            if not change:
                self.iris.add(thing)
                for spelt in (name, thing.rpartition("/")[2]):
                    self._things[fold(spelt)].add(thing)
                    self._things[words(spelt)].add(thing)
            elif name:
                # with and without the transcript or protein that it counts on
                for spelt in (name, name.rpartition(":")[2] if ":c." in name or ":p." in name else name):
                    self.notations[fold(spelt)] = symbol, change
            else:
                self.changes.append((symbol, change, thing))
        self.proteins = _proteins(store, home)
        #: Defined alterations, by what a variant must be and have to fall under them.
        self.definitions: dict[str, _Definition] = defaultdict(_Definition)
        for row in _rows(store, home, "definitions"):
            definition = self.definitions[plain(row["alteration"])]
            if "kind" in row:
                definition.kinds.add(plain(row["kind"]))
            elif "property" in row:
                definition.conditions.add((plain(row["property"]), plain(row["value"])))
            else:
                definition.wider.add(plain(row["wider"]))

    def find(self, notation: str) -> set[str]:
        """Give the alterations and profiles of that name; without a gene, those of the default one."""
        path = notation.strip().removeprefix(_THINGS).replace(":", "/", 1)
        if _THINGS + path in self.iris:
            return {_THINGS + path}
        bare = words(notation)
        for spelt in (
            fold(notation),
            bare,
            " ".join(sorted({*bare.split(), _DEFAULT.casefold()})) if bare else "",
        ):
            if spelt and spelt in self._things:
                return self._things[spelt]
        return set()

    def near(self, notation: str) -> str:
        """Name the nearest known things, as a remedy."""
        close = difflib.get_close_matches(fold(notation), self._things, 3, cutoff=0.5)
        known = sorted({thing.removeprefix(_THINGS) for name in close for thing in self._things[name]})
        return f"near: {'; '.join(known)}" if known else "see the question `entities`"


@lru_cache(maxsize=1)  # a service holds one store; what another engine holds may change with its version
def _names(store: Answerer, home: Path, _version: str) -> _Names:
    return _Names(store, home)


def _rows(store: Answerer, home: Path, page: str) -> Iterator[Solution]:
    answer = store.query(read_query(home / "queries" / "pages" / f"{page}.rq").text)
    if isinstance(answer, Table):
        yield from answer.rows()


def _proteins(store: Answerer, home: Path) -> dict[str, _Protein]:
    """Give the genes by symbol, with sequence, exons and domains where these were verified."""
    found: dict[str, _Protein] = {}
    for row in _rows(store, home, "proteins"):
        symbol = plain(row["symbol"])
        protein = found.setdefault(symbol, _Protein(plain(row["gene"]), symbol, {symbol.casefold()}))
        if "name" in row:
            protein.names.add(plain(row["name"]).casefold())
        if "residues" in row:
            protein.residues, protein.accession = plain(row["residues"]), plain(row["accession"])
            protein.names.add(protein.accession.casefold())
            protein.names.add(protein.accession.partition(".")[0].casefold())
        if "part" in row:
            span = int(plain(row["start"])), int(plain(row["end"]))
            labels = {"en": plain(row["part_en"]), "zh": plain(row["part_zh"])}
            protein.parts.append(_Part(plain(row["part"]), *span, labels, plain(row.get("confidence"))))
    return found


def _split(notation: str, known: _Names) -> tuple[str | None, str]:
    """Part the gene from the change; a verified notation is exchanged for the change that it means."""
    text = notation.strip()
    if fold(text) in known.notations:
        return known.notations[fold(text)]
    found = _GENE_BEFORE.match(text)
    if found:
        name = _GENE_SPELLING.sub("", found[1] or found[2]).casefold()
        for symbol, protein in known.proteins.items():
            if name in {_GENE_SPELLING.sub("", known_name) for known_name in protein.names} or name == fold(
                symbol
            ):
                rest = text[found.end() :]
                # A notation that was verified for another gene is none of this one.
                means = known.notations.get(fold(rest))
                return means if means and means[0] == symbol else (symbol, rest)
    return None, text


def _of_change(known: _Names, symbol: str | None, text: str) -> Match:
    """Read a change against the protein of its gene, and find or place it."""
    protein, change = _read(known, symbol, text)
    for other, written_change, thing in known.changes:
        if other == protein.symbol and change.residues and _same(written_change, change, protein):
            return Match((thing,))
    name = f"{protein.symbol} p.{change.text}"
    marks = {(str(HER2.affectsGene), protein.gene)}
    parts = [part for part in protein.parts if part.start <= change.start and change.end <= part.end]
    exons = [part for part in parts if "/id/exon/" in part.iri]
    domains = [part for part in parts if "/id/domain/" in part.iri]
    if len(exons) == 1:
        marks.add((str(HER2.affectsExon), exons[0].iri))
    marks |= {(str(HER2.affectsDomain), domain.iri) for domain in domains}
    things = _fallen_under(known, change.kind, marks)
    if not things:
        raise NotationError(f"{name} falls under no alteration of the graph", "see the question `entities`")
    return Match(things, name, _said(change, exons, domains, protein), exact=False)


def _same(written_change: str, change: Change, protein: _Protein) -> bool:
    return read_change(written_change, protein.residues).residues == change.residues


def _read(known: _Names, symbol: str | None, text: str) -> tuple[_Protein, Change]:
    if symbol is not None and not known.proteins[symbol].residues:
        return known.proteins[symbol], read_unchecked(text)
    order = [symbol] if symbol else [_DEFAULT, *sorted(known.proteins)]
    failure: NotationError | None = None
    for name in order:
        protein = known.proteins.get(name)
        if protein is None or not protein.residues:
            continue
        try:
            return protein, read_change(text, protein.residues)
        except NotationError as error:
            failure = failure or error
    raise failure or NotationError(f"nothing is named {text!r}", "see the question `entities`")


def _fallen_under(known: _Names, kind: str, marks: set[tuple[str, str]]) -> tuple[str, ...]:
    """Give the most specific alterations whose definition a variant meets, sorted."""
    met = {
        thing: definition
        for thing, definition in known.definitions.items()
        if _KIND_CLASSES[kind] in definition.kinds and definition.conditions <= marks
    }
    wider = {above for definition in met.values() for above in definition.wider}
    return tuple(sorted(met.keys() - wider))


_SAID = {
    "en": {
        "one": "residue {0}",
        "many": "the stretch from residue {0} to {1}",
        "in": "{0} lies in {1}",
        "and": ", ",
        "medium": " (bounds of medium confidence)",
        "exon": "{0} is not coded by one exon alone, so that the exon is open",
        "no": "cannot be placed in {0}: its sequence is not verified, so that only the gene is known",
        "nowhere": "{0} lies in no domain whose bounds were verified",
        "delins": "whether a deletion with insertion counts as an insertion, no source says",
        "end": "; ",
    },
    "zh": {
        "one": "第{0}位残基",
        "many": "第{0}至{1}位残基",
        "in": "{0}位于{1}",
        "and": "、",
        "medium": "（边界可信度中等）",
        "exon": "{0}并非由单一外显子编码，外显子无法确定",
        "no": "无法在{0}中定位：其序列未经核实，只知基因",
        "nowhere": "{0}不在任何边界已核实的结构域内",
        "delins": "缺失并插入是否算作插入，尚无来源说明",
        "end": "；",
    },
}


def _said(change: Change, exons: list[_Part], domains: list[_Part], protein: _Protein) -> dict[str, str]:
    """Say in each language by what a variant was placed, and what stays open."""
    said = {}
    for language, phrases in _SAID.items():
        if not protein.residues:
            said[language] = phrases["no"].format(protein.symbol)
            continue
        place = phrases["one" if change.start == change.end else "many"].format(change.start, change.end)
        parts = [*(exons if len(exons) == 1 else []), *domains]
        named = phrases["and"].join(
            part.labels[language] + (phrases["medium"] if part.confidence == "medium" else "")
            for part in parts
        )
        sentences = [phrases["in"].format(place, named) if parts else phrases["nowhere"].format(place)]
        if len(exons) != 1:
            sentences.append(phrases["exon"].format(place))
        if change.kind == "indel":
            sentences.append(phrases["delins"])
        said[language] = phrases["end"].join(sentences)
    return said
