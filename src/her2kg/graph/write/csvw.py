"""Describe the tables for others: CSV on the Web metadata, made from the records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args, get_origin

from her2kg.model.claims import SOURCE_TABLES
from her2kg.model.columns import LIST_MARK, column
from her2kg.model.namespaces import term
from her2kg.model.records import SHARED_TABLES, Record

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic.fields import FieldInfo

NAME = "csv-metadata.json"


def metadata(data: Path) -> str:
    """Give the CSVW description of every table below ``data`` as JSON."""
    tables = [_table(kind, kind.TABLE) for kind in sorted(SHARED_TABLES, key=lambda kind: kind.TABLE)]
    for folder in sorted(path for path in (data / "sources").glob("*") if path.is_dir()):
        there = (kind for kind in SOURCE_TABLES if (folder / kind.TABLE).exists())
        tables.extend(
            _table(kind, f"sources/{folder.name}/{kind.TABLE}")
            for kind in sorted(there, key=lambda kind: kind.TABLE)
        )
    description = {
        "@context": "http://www.w3.org/ns/csvw",
        "dialect": {"delimiter": "\t", "quoteChar": None, "lineTerminators": ["\n"], "header": True},
        "tables": tables,
    }
    return json.dumps(description, ensure_ascii=False, indent=1) + "\n"


def _table(kind: type[Record], url: str) -> dict[str, Any]:
    columns = [_column(name, info) for name, info in kind.model_fields.items()]
    summary = (kind.__doc__ or "").split("\n")[0]
    return {"url": url, "dc:description": summary, "tableSchema": {"columns": columns}}


def _column(name: str, info: FieldInfo) -> dict[str, Any]:
    what = column(info)
    said: dict[str, Any] = {"name": name, "titles": name, "dc:description": what.help}
    if what.prop:
        said["propertyUrl"] = str(term(what.prop))
    if what.lang:
        said["lang"] = what.lang
    if get_origin(info.annotation) is tuple:
        said["separator"] = LIST_MARK
    if info.is_required():
        said["required"] = True
    said["datatype"] = _datatype(info.annotation)
    return said


def _datatype(annotation: Any) -> str:
    """Name the XML Schema type of a field, looking through lists, options and annotations."""
    names = {"int": "integer", "Decimal": "decimal", "bool": "boolean"}
    parts = [part for part in get_args(annotation) if part not in {type(None), Ellipsis}]
    if parts:
        return _datatype(parts[0])
    return names.get(getattr(annotation, "__name__", ""), "string")
