"""How a column of a table becomes triples: the metadata that a record's fields carry.

A field says once what it is: its property, what it may refer to, what it means. The reader of tables,
the mapping, the CSVW description and the drift tests all take it from here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import StringConstraints
from pydantic.functional_validators import BeforeValidator

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

LIST_MARK = "|"
#: What a spreadsheet would run instead of keep.
_FORMULA = re.compile(r"=.|[@+-]\s*[A-Za-z(@]")


@dataclass(frozen=True)
class Column:
    """What one column means.

    ``prop`` is the property as a CURIE (empty: a mapping function of its own handles the field).
    ``refs`` are the entity types that a cell may name: with one type a cell holds the bare slug, with
    several it holds ``type:slug``. ``local`` says that the type belongs to the source of the row.
    ``lang`` makes the value a text in that language.
    """

    help: str
    prop: str = ""
    refs: tuple[str, ...] = ()
    lang: str = ""


def column(field: FieldInfo) -> Column:
    """Give the Column of a field; every field of a record has one."""
    return next(item for item in field.metadata if isinstance(item, Column))


def _no_edges(value: Any) -> Any:
    if isinstance(value, str) and value != value.strip():
        raise ValueError("has a space at its edge")
    if isinstance(value, str) and _FORMULA.match(value):
        raise ValueError("looks like a spreadsheet formula")
    return value


def _exact_decimal(value: Any) -> Any:
    if isinstance(value, str):
        try:
            number = Decimal(value)
        except InvalidOperation as error:
            raise ValueError("is not a number") from error
        if not number.is_finite():
            raise ValueError("is not a finite number")
        return number
    return value


SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"
Slug = Annotated[str, StringConstraints(pattern=rf"^{SLUG}$")]
#: ``type:slug``
TypedSlug = Annotated[str, StringConstraints(pattern=rf"^{SLUG}:{SLUG}$")]
#: One line of text, without spaces at its edges.
Line = Annotated[str, BeforeValidator(_no_edges), StringConstraints(min_length=1, pattern=r"^[^\t\r\n]*$")]
#: A figure as printed or the misprinted word, at most 40 code points.
Printed = Annotated[str, BeforeValidator(_no_edges), StringConstraints(min_length=1, max_length=40)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[Decimal, BeforeValidator(_exact_decimal)]
