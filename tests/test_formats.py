"""The table of formats says what the engine and the W3C say, and knows the words that people write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyoxigraph as ox
import pytest

from her2kg.answer.results import FORMATS
from her2kg.sparql.engine import Engine, Table, Truth
from her2kg.sparql.formats import GRAPH_FORMATS, RESULT_FORMATS, TRUTH_FORMATS, Format, counterpart, find

if TYPE_CHECKING:
    from collections.abc import Mapping

FAMILIES = {"graphs": GRAPH_FORMATS, "results": RESULT_FORMATS}
DATA = "@prefix ex: <http://example.org/> . ex:s ex:p ex:o ."


@pytest.mark.parametrize("known", GRAPH_FORMATS.values(), ids=GRAPH_FORMATS)
def test_format_of_graphs_is_that_of_the_engine(known: Format) -> None:
    theirs = ox.RdfFormat.from_media_type(known.media_type)
    assert theirs is not None
    assert (known.media_type, known.ending) == (theirs.media_type, theirs.file_extension)
    assert known.named_graphs is theirs.supports_datasets
    # The engine names JSON-LD by an address that the W3C has only redirected from.
    assert known.iri.rpartition("/")[2] == theirs.iri.rpartition("/")[2]


@pytest.mark.parametrize("known", RESULT_FORMATS.values(), ids=RESULT_FORMATS)
def test_format_of_results_is_that_of_the_engine(known: Format) -> None:
    theirs = ox.QueryResultsFormat.from_media_type(known.media_type)
    assert theirs is not None
    assert known.media_type == theirs.media_type.partition(";")[0]
    assert (known.ending, known.iri) == (theirs.file_extension, theirs.iri)


@pytest.mark.parametrize("name", GRAPH_FORMATS)
def test_prefixes_shorten_the_formats_that_say_so(name: str) -> None:
    known, engine = GRAPH_FORMATS[name], Engine.from_text(DATA, "text/turtle")
    written = engine.written(known.media_type, {"ex": "http://example.org/"} if known.prefixes else None)
    assert (b"ex:s ex:p ex:o" in written) is known.prefixes


def test_truth_formats_hold_truth_values() -> None:
    for name, known in RESULT_FORMATS.items():
        answer = Engine().query("ASK { FILTER(false) }")
        assert isinstance(answer, Truth)
        if name in TRUTH_FORMATS:
            assert b"false" in answer.text(known.media_type)


def test_tables_are_written_in_every_format_of_results() -> None:
    assert {name: media_type for name, (media_type, _) in FORMATS.items()} == {
        name: known.media_type for name, known in RESULT_FORMATS.items()
    }
    for known in RESULT_FORMATS.values():
        answer = Engine.from_text(DATA, "text/turtle").query("SELECT ?s { ?s ?p ?o }")
        assert isinstance(answer, Table)
        assert b"http://example.org/s" in answer.text(known.media_type)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_word_means_one_format_of_a_family_and_is_in_lower_case(family: str) -> None:
    words = [
        word
        for known in FAMILIES[family].values()
        for word in {known.name, known.media_type, known.ending, *known.aliases}
    ]
    assert sorted(words) == sorted(set(words))
    assert [word for word in words if word != word.lower()] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_formats_are_keyed_by_their_names_with_one_ending_and_iri_each(family: str) -> None:
    formats = FAMILIES[family]
    assert list(formats) == [known.name for known in formats.values()]
    for part in ("media_type", "ending", "label", "iri"):
        assert len({getattr(known, part) for known in formats.values()}) == len(formats)


@pytest.mark.parametrize(
    ("word", "graphs", "results"),
    [
        ("xml", "rdf", "xml"), ("application/xml", "rdf", "xml"), ("text/xml", "rdf", "xml"),
        ("rdf+xml", "rdf", "xml"), ("rdfxml", "rdf", "xml"), ("application/rdf+xml", "rdf", "xml"),
        ("json", "jsonld", "json"), ("application/json", "jsonld", "json"), ("json-ld", "jsonld", "json"),
        ("application/ld+json", "jsonld", "json"), ("application/sparql-results+json", "jsonld", "json"),
        ("turtle", "ttl", None), ("n3", "ttl", None), ("text/n3", "ttl", None), ("TTL", "ttl", None),
        ("n-triples", "nt", None), ("ntriples", "nt", None), ("text/plain", "nt", None),
        ("Text/CSV", None, "csv"), ("srx", None, "xml"), ("csv", None, "csv"), ("pdf", None, None),
        ("", None, None),
    ],
)  # fmt: skip
def test_words_that_people_write_are_understood(word: str, graphs: str | None, results: str | None) -> None:
    assert (_name(word, GRAPH_FORMATS), _name(word, RESULT_FORMATS)) == (graphs, results)


def _name(word: str, formats: Mapping[str, Format]) -> str | None:
    found = find(word, formats) or counterpart(word, formats)
    return found.name if found else None
