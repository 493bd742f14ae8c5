"""How a column of a table becomes triples: the metadata that a record's fields carry.

A field says once what it is: its property, what it may refer to, what it means. The reader of tables,
the mapping, the CSVW description and the drift tests all take it from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints
from pydantic.functional_validators import BeforeValidator

from her2kg.model.spelling import day, flag, formed, number, printed, text, whole, word

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

LIST_MARK = "|"


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


SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"
#: Longer ids cannot be read, and make IRIs that nobody can.
_SHORT = StringConstraints(max_length=120)
Slug = Annotated[
    str, BeforeValidator(formed(SLUG, "small letters and digits, words joined with single hyphens")), _SHORT
]
TypedSlug = Annotated[
    str, BeforeValidator(formed(rf"{SLUG}:{SLUG}", "type:id, such as drug:afatinib")), _SHORT
]
#: One line of text as people write it.
Line = Annotated[str, BeforeValidator(text), StringConstraints(min_length=1)]
#: A token of a vocabulary.
Word = Annotated[str, BeforeValidator(word), StringConstraints(min_length=1)]
#: A figure as printed or the misprinted word, at most 40 code points.
Printed = Annotated[str, BeforeValidator(printed), StringConstraints(min_length=1)]
Sha256 = Annotated[str, BeforeValidator(formed(r"[0-9a-f]{64}", "64 hexadecimal digits in small letters"))]
Number = Annotated[Decimal, BeforeValidator(number)]
#: A count, 0 or more.
Count = Annotated[int, BeforeValidator(whole), Field(ge=0)]
#: A number of something that is counted from 1.
Position = Annotated[int, BeforeValidator(whole), Field(ge=1)]
Year = Annotated[int, BeforeValidator(whole), Field(ge=1900, le=2100)]
Day = Annotated[date, BeforeValidator(day)]
Flag = Annotated[bool, BeforeValidator(flag)]
