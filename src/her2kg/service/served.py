"""What is served at the moment: a store for pages, lookups, workers for queries, all of one build."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask import current_app

if TYPE_CHECKING:
    from her2kg.answer.lookups import Lookups
    from her2kg.answer.remote import RemoteWorkers
    from her2kg.answer.workers import Pool
    from her2kg.sparql.store import Answerer


class Served(NamedTuple):
    """A build as it is served. It is replaced whole, so that no request sees half of two builds."""

    store: Answerer
    workers: Pool | RemoteWorkers
    lookups: Lookups | None = None


def served() -> Served:
    """Give what is served at the moment."""
    found: Served = current_app.config["SERVED"]
    return found
