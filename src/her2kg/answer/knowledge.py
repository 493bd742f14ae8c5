"""The graph from Python: ask it, or take it as an rdflib graph or an owlready2 ontology."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from her2kg.answer.opening import open_build
from her2kg.answer.questions import ask
from her2kg.answer.results import Answers
from her2kg.errors import QueryError, SettingError
from her2kg.model.layout import DATA_FILES, module_file
from her2kg.model.queries import question_names
from her2kg.settings import SETTINGS, Settings
from her2kg.sparql.engine import Table, Truth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rdflib import Graph


_NAME = re.compile(r"[\w.-]+")


class KnowledgeGraph:
    """The built graph.

    ``kg.query(...)`` takes the name of a question or a SPARQL text; ``kg.graph`` is the default graph
    for rdflib, ``kg.ontology`` the ontology for owlready2.
    """

    def __init__(self, settings: Settings) -> None:
        """Open the build that the settings name; raises BuildMissingError."""
        self.settings = settings
        self.store = open_build(settings.build)

    @property
    def questions(self) -> list[str]:
        """Name the questions."""
        return question_names(self.settings.home)

    def query(
        self, query: str, parameters: Mapping[str, str] | None = None, lang: str = "en"
    ) -> Answers | bool | Graph:
        """Answer a question or a SPARQL query: a table, a truth value or an rdflib graph.

        Raises UnknownQuestionError, NotationError, or QueryError, also for a parameter that the
        question does not have; a SPARQL text has none.
        """
        if _NAME.fullmatch(query):
            return ask(self.store, self.settings.home, query, parameters, lang)
        if parameters:
            raise QueryError("a SPARQL text has no parameters", "write the values into it")
        answer = self.store.query(query)
        if isinstance(answer, Table):
            return Answers.of(answer)
        if isinstance(answer, Truth):
            return bool(answer)
        from rdflib import Graph  # noqa: PLC0415 - slow to import, and most queries give tables

        return Graph().parse(data=answer.text("application/n-triples"), format="nt")

    @cached_property
    def graph(self) -> Graph:
        """Give the default graph (ontology, asserted and inferred) as an rdflib graph."""
        from rdflib import Graph  # noqa: PLC0415

        return Graph().parse(self.settings.build / DATA_FILES["ttl"])

    @cached_property
    def ontology(self) -> Any:
        """Give the ontology as owlready2 sees it, in a world of its own."""
        import owlready2  # noqa: PLC0415

        world = owlready2.World()
        with (self.settings.build / module_file("ontology", "rdf")).open("rb") as file:
            return world.get_ontology("https://w3id.org/her2kg/ontology#").load(fileobj=file)


def open_graph(**settings: object) -> KnowledgeGraph:
    """Open the built graph; keyword arguments are settings such as ``build``.

    Raises BuildMissingError when nothing was built yet, SettingError for a keyword that is no setting.
    """
    known = [setting.name for setting in SETTINGS]
    for name in settings:
        if name not in known:
            raise SettingError(f"there is no setting {name!r}", f"the settings: {', '.join(known)}")
    return KnowledgeGraph(Settings.read(settings))
