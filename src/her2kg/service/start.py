"""Put the service together: what answers the queries, and the application before it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from her2kg.answer.processes import pool_of_build, pool_of_files
from her2kg.errors import SettingError
from her2kg.sparql.worker import Limits, settle

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from her2kg.settings import Settings
    from her2kg.sparql.pool import Asker


def application(settings: Settings, files: tuple[Path, ...]) -> tuple[Flask, Asker]:
    """Make the application over a build, files, or another engine; raises what opening them raises."""
    if files and settings.backend:
        raise SettingError("files and an engine are named", "give --data or --backend")
    limits = limits_of(settings)
    if settings.backend:
        pool = pool_of_files((), limits, settings.home, _give_up)
    elif files:
        pool = pool_of_files(files, limits, settings.home, _give_up)
    else:
        pool = pool_of_build(settings.build, limits, settings.home, _give_up)
    # The data are loaded in another process, while this one imports what the application needs.
    from her2kg.model.namespaces import prefixes  # noqa: PLC0415
    from her2kg.service.app import create_app  # noqa: PLC0415

    engine: Asker = pool
    names, built = prefixes(settings.home), not files
    if settings.backend:
        from her2kg.service.backend import remote_pool  # noqa: PLC0415 - few need an HTTP client

        engine, built = remote_pool(settings, pool, names)
    app = create_app(engine, settings, names, built=built)
    engine.open()
    settle()
    return app, engine


def _give_up() -> None:
    """End the web process, which cannot answer queries any more; the main process starts another one."""
    os._exit(1)


def limits_of(settings: Settings) -> Limits:
    """Give the limits of a query."""
    return Limits(
        seconds=settings.query_seconds,
        memory=settings.query_memory,
        answer=settings.answer_limit,
        rows=settings.row_limit,
        length=settings.query_length,
        nesting=settings.query_nesting,
        workers=settings.workers,
        long=settings.long_queries,
        waiting=settings.waiting,
    )
