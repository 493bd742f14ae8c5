"""A knowledge graph of what a Chinese review says about HER2 (ERBB2) in non-small-cell lung cancer.

>>> import her2kg
>>> kg = her2kg.open()                                                     # doctest: +SKIP
>>> kg.query("drug-response").to_dataframe()                               # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from her2kg.errors import Her2kgError

if TYPE_CHECKING:
    from her2kg.answer.knowledge import KnowledgeGraph
    from her2kg.answer.knowledge import open_graph as open  # noqa: A004 - the contract names it so
    from her2kg.answer.results import Answers

__version__ = "0.1.0"
__all__ = ["Answers", "Her2kgError", "KnowledgeGraph", "__version__", "open"]

_PLACES = {
    "Answers": ("her2kg.answer.results", "Answers"),
    "KnowledgeGraph": ("her2kg.answer.knowledge", "KnowledgeGraph"),
    "open": ("her2kg.answer.knowledge", "open_graph"),
}


def __getattr__(name: str) -> Any:
    """Import what is used: commands and processes that need little of the package start faster (PEP 562)."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)
