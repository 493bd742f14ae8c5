"""Find the thing that a notation names: an IRI, a prefixed slug, an identifier, a label or a synonym."""

from __future__ import annotations

import difflib
import re
import unicodedata
from typing import TYPE_CHECKING

from her2kg.engine import Table, plain
from her2kg.errors import NotationError

if TYPE_CHECKING:
    from her2kg.answer.store import Store

#: The receptor by its other names; what stands before a change of a protein; words that say nothing.
_GENE = re.compile(r"her-?\s?2(/neu)?|c-?erbb-?2")
#: Every hyphen, dash and minus sign that stands for ``-``.
_DASH = re.compile(r"[\u00ad\u2010-\u2015\u2212]")
_CHANGE = re.compile(r"^\s*((ERBB2|HER-?2|EGFR)\s*[:( ]\s*)?(p\.)?", re.IGNORECASE)
_LITTLE_WORDS = frozenset({"of", "the", "in", "a", "an"})
_BASE = "https://w3id.org/her2kg/id/"
_NAMES = """
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX her2: <https://w3id.org/her2kg/ontology#>
SELECT ?thing ?name WHERE {
  VALUES ?class { her2:AlterationCategory her2:AlterationProfile }
  VALUES ?naming { rdfs:label skos:altLabel dcterms:identifier }
  ?thing a ?class ; ?naming ?name .
}
ORDER BY ?thing ?name
"""


def fold(name: str) -> str:
    """Give a name without what writers vary: case, width, spaces, hyphens, dots and the gene's other name.

    >>> fold("HER-2 ＡＭＰlification") == fold("ERBB2 amplification")
    True
    """
    return re.sub(r"[\s\-_./()]+", "", _plain_letters(name))


def words(name: str) -> str:
    """Give the words of a name in alphabetical order, so that their order does not matter.

    >>> words("exon 20 insertion of HER2") == words("ERBB2 exon 20 insertion")
    True
    """
    found = re.findall(r"\w+", _plain_letters(name))
    return " ".join(sorted(word for word in found if word not in _LITTLE_WORDS))


def _plain_letters(name: str) -> str:
    letters = unicodedata.normalize("NFKC", name).casefold()
    return _GENE.sub("erbb2", _DASH.sub("-", letters))


def resolve(store: Store, notation: str) -> str:
    """Give the IRI of the alteration or profile that a notation names.

    Raises NotationError with the nearest known names when nothing has that name, and with the choices
    when several things have it.
    """
    names = _known(store)
    path = notation.removeprefix(_BASE).replace(":", "/", 1)
    if any(_BASE + path in things for things in names.values()):
        return _BASE + path
    change = _CHANGE.sub("", notation)
    for written in (fold(notation), fold(change), words(notation)):
        found = names.get(written, set())
        if len(found) == 1:
            return next(iter(found))
        if found:
            choices = " ".join(sorted(iri.removeprefix(_BASE) for iri in found))
            raise NotationError(f"{notation!r} names several things", f"give one of: {choices}")
    near = difflib.get_close_matches(fold(notation), names, 3, cutoff=0.5)
    known = "; ".join(sorted({iri.removeprefix(_BASE) for name in near for iri in names[name]}))
    raise NotationError(
        f"nothing is named {notation!r}", f"near: {known}" if known else "see the question `entities`"
    )


def _known(store: Store) -> dict[str, set[str]]:
    answer = store.query(_NAMES)
    names: dict[str, set[str]] = {}
    if isinstance(answer, Table):
        for row in answer.rows():
            thing = plain(row["thing"])
            slug = thing.rpartition("/")[2]
            for name in (plain(row["name"]), slug):
                names.setdefault(fold(name), set()).add(thing)
                names.setdefault(words(name), set()).add(thing)
    return names
