"""What the views share: the engine that answers, the answers that are kept, and the settings."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING

from cachetools import LRUCache
from flask import current_app, g, request

from her2kg.sparql.engine import read_answer
from her2kg.sparql.formats import GRAPH_FORMATS, RESULT_FORMATS
from her2kg.sparql.pool import Job
from her2kg.sparql.syntax import is_stable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from her2kg.settings import Settings
    from her2kg.sparql.engine import Answer
    from her2kg.sparql.pool import Asker, Reply

#: The name under which Flask keeps it.
EXTENSION = "her2kg"
#: In what the service itself reads answers.
_FORMATS = {
    "table": RESULT_FORMATS["json"].media_type,
    "truth": RESULT_FORMATS["json"].media_type,
    "triples": GRAPH_FORMATS["nt"].media_type,
}


@dataclass
class Service:
    """The state of one application."""

    engine: Asker
    store: ServedStore
    settings: Settings
    prefixes: Mapping[str, str]
    #: Whether a build is served; the questions and pages know nothing of other data.
    built: bool
    cache: Cache
    #: Request bodies that are being read, and large responses that are being sent.
    bodies: BoundedSemaphore
    transfers: BoundedSemaphore


def service() -> Service:
    """Give the state of the current application."""
    found: Service = current_app.extensions[EXTENSION]
    return found


class Cache:
    """Keeps answers that were given last, in a limited number of bytes.

    >>> from her2kg.sparql.pool import Reply
    >>> cache = Cache(3)
    >>> cache.keep("a", Reply("truth", "1", b"12"))
    >>> cache.keep("b", Reply("truth", "1", b"34"))
    >>> cache.get("a"), cache.size
    (None, 2)
    """

    def __init__(self, limit: int) -> None:
        """Keep at most this many bytes; 0 keeps none."""
        self._kept: LRUCache[str, Reply] = LRUCache(limit, getsizeof=_size)
        self._lock = Lock()

    @property
    def size(self) -> int:
        """Count the bytes."""
        return int(self._kept.currsize)

    def __len__(self) -> int:
        """Count the answers."""
        return len(self._kept)

    def get(self, tag: str) -> Reply | None:
        """Give an answer, if it is kept."""
        with self._lock:
            return self._kept.get(tag)

    def keep(self, tag: str, reply: Reply) -> None:
        """Keep an answer that is in memory, unless it is larger than everything that may be kept."""
        with self._lock:
            if isinstance(reply.content, bytes) and len(reply.content) <= self._kept.maxsize:
                self._kept[tag] = reply


def _size(reply: Reply) -> int:
    return len(reply.content) if isinstance(reply.content, bytes) else 0


def tag(version: str, job: Job) -> str:
    """Name the answer of a job over one version of the data; different answers have different names."""
    return hashlib.blake2b(version.encode() + b"\0" + job.packed(), digest_size=16).hexdigest()


def ask(job: Job, name: str = "") -> Reply:
    """Answer a query for the client of the current request, from the kept answers if possible.

    ``name`` is the tag of the job over the present version of the data, if the caller has it.
    """
    here = service()
    version = here.engine.version
    name = name or tag(version, job)
    if kept := here.cache.get(name):
        g.outcome = "cached"
        return kept
    reply = here.engine.ask(job, request.remote_addr or "")
    if reply.version == version and is_stable(job.text):
        here.cache.keep(name, reply)
    return reply


class ServedStore:
    """The data behind the engine with the interface of `Store`, for questions and pages.

    Its queries go through the same processes and limits as those of `/sparql`.
    """

    @property
    def version(self) -> str:
        """Name the version of the data."""
        return service().engine.version

    def __len__(self) -> int:
        """Count the triples of the default graph."""
        return service().engine.triples

    def query(
        self,
        text: str,
        default_graphs: Sequence[str] = (),
        named_graphs: Sequence[str] = (),
        base: str = "",
    ) -> Answer:
        """Evaluate a query; raises as `Pool.ask` does."""
        reply = ask(Job(text, default_graphs, named_graphs, _FORMATS, base))
        return read_answer(reply.form, _FORMATS[reply.form], reply.read())
