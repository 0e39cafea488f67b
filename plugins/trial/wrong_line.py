"""What is wrong with a line of a file, in plain words and never with what stands there: it may be anybody's secret."""

from __future__ import annotations

import re

from pydantic import ValidationError
from pydantic_core import ErrorDetails

__all__ = ["first_wrong", "in_words"]

_LONGEST = 200
_SUBJECT = re.compile(r"^(?:Value error, |[A-Z][a-z]+ (?=should ))")
_OBJECTS, _LISTS = {"model_type", "dict_type", "model_attributes_type"}, {"tuple_type", "list_type"}


def first_wrong(error: ValidationError) -> str:
    """The first key that is wrong, and how."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = str(first["loc"][0])[:40] if first["loc"] else "the line"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place} {in_words(first)}{more}"


def in_words(problem: ErrorDetails) -> str:
    """What pydantic found, to go behind the name of the place."""
    kind = problem["type"]
    if kind == "missing":
        return "is missing"
    if kind in _OBJECTS:
        return "is no JSON object"
    if kind in _LISTS:
        return "is no list"
    return _SUBJECT.sub("", problem["msg"])[:_LONGEST]
