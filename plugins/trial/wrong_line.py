"""What is wrong with a line of a labelled set or of questions, and what a right one looks like."""

from __future__ import annotations

from pydantic import ValidationError

__all__ = ["first_wrong"]


def first_wrong(error: ValidationError) -> str:
    """The first key that is wrong, and how; what stands there is not shown, for it may be anybody's secret."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = str(first["loc"][0])[:40] if first["loc"] else "the line"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "missing":
        return f"{place} is missing{more}"
    if first["type"] == "model_type":
        return f"{place} is no JSON object"
    return f"{place}: {first['msg'].removeprefix('Input ')[:200]}{more}"
