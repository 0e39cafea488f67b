"""What the checks compare: the words of a question that carry meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Kind", "Word"]

Kind = Literal["content", "name", "literal", "number", "date", "unit", "negation", "quantity", "modal", "person"]


@dataclass(frozen=True, slots=True)
class Word:
    """One word that carries meaning.

    Attributes:
        key: what it is compared by.
        kind: what it is.
        role: the preposition or conjunction that governs it; empty in the main clause.
        said: as it was written, in lower case.
        joined: only "and" or "or" stands between it and the word before.
        article: the form of the article before, where it is one that shows the gender.
        first: it begins a sentence, so that its capital says nothing.
    """

    key: str
    kind: Kind
    role: str
    said: str
    joined: bool = False
    first: bool = False
    article: str = ""
