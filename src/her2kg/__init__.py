"""A knowledge graph of what a Chinese review says about HER2 (ERBB2) in non-small-cell lung cancer.

>>> import her2kg
>>> kg = her2kg.open()                                                     # doctest: +SKIP
>>> kg.query("drug-response").to_dataframe()                               # doctest: +SKIP
"""

from her2kg.answer.knowledge import KnowledgeGraph
from her2kg.answer.knowledge import open_graph as open  # noqa: A004 - the contract names it so
from her2kg.answer.results import Answers
from her2kg.errors import Her2kgError

__version__ = "0.1.0"
__all__ = ["Answers", "Her2kgError", "KnowledgeGraph", "__version__", "open"]
