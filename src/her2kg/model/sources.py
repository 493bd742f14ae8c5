"""A source document: what ``source.toml`` says of it, and its normalised text.

The text of a source is never part of the project. It is addressed by 0-based offsets of Unicode code
points, end exclusive, into the text without any white space (W3C Web Annotation, TextPositionSelector).
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from her2kg.model.columns import Line, Sha256, Slug
from her2kg.model.spelling import formed
from her2kg.model.vocabulary import Voice


class SourceDocument(BaseModel):
    """What is known of a source without its text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Slug
    label_en: Line
    label_zh: Line
    voice: Voice
    language: Annotated[str, BeforeValidator(formed(r"[a-z]{2}", "two small letters, such as zh"))]
    curated_by: Line
    curated_on: date
    #: What was seen of the evidence: the review only, or the abstract of the study.
    verification_depth: Line
    #: Code points and SHA-256 of the normalised text; empty for a source that is not addressed by offsets.
    length: Annotated[int, Field(ge=0)] = 0
    sha256: Sha256 | None = None


def normalise(text: str) -> str:
    """Remove every Unicode white space; offsets count in what is left.

    >>> normalise("HER 2 阳 性")
    'HER2阳性'
    """
    return re.sub(r"\s+", "", text)


def digest(text: str) -> str:
    """Give the SHA-256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
