"""What a budget file says under ``answers``: what is known before any model is asked."""

from __future__ import annotations

from typing import Annotated

import regex
from pydantic import AfterValidator, BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from leanloop.budgets.fields import FROZEN, Label

__all__ = ["KnownAnswer"]


def _readable(pattern: str) -> str:
    try:
        regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        context = {"why": str(error)[:200] or type(error).__name__}
        raise PydanticCustomError("not_a_pattern", "is no regular expression: {why}", context) from None
    return pattern


Text = Annotated[str, Field(min_length=1, max_length=100_000)]
Pattern = Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_readable)]


class KnownAnswer(BaseModel):
    """An answer, or what gives one, and to which question."""

    model_config = FROZEN

    ask: Text | None = None
    """The question, word for word; case, blanks and the mark at its end do not count."""

    match: Pattern | None = None
    """Or a regular expression that the whole question must match; looking for it is bounded in time."""

    say: Text | None = None
    """The answer; with ``match``, ``{name}`` stands for the group of that name."""

    function: Label | None = None
    """Or the name of a function given to LeanLoop (`answers`), called with the question: a text, or None to pass."""

    @model_validator(mode="after")
    def _one_of_each(self) -> KnownAnswer:
        if self.ask is not None and self.match is not None:
            raise PydanticCustomError("answer_question", "has both ask and match; keep one")
        if (self.say is None) == (self.function is None):
            raise PydanticCustomError("answer_source", "must have one of say and function")
        if self.say is not None and self.ask is None and self.match is None:
            raise PydanticCustomError("answer_to_all", "answers every question with the same text; name ask or match")
        return self
