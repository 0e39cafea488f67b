"""What stands at a place in a foreign record, which may be anything."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from pydantic_core import from_json

from leanloop.budgets.usage import Usage
from leanloop.plugins.shorten.json_read import is_list, is_object

__all__ = ["at", "listed", "nano_of", "seconds_of", "structured", "tags_of", "usage_of", "word"]

_MOST = 10**12
"""More tokens than any call has: a count above it is no count."""

_TAGS, _LONGEST_TAG = 50, 200

_LONGEST_NUMBER = 40

_INPUT = ("input_tokens", "prompt_tokens", "prompt_token_count")
_OUTPUT = ("output_tokens", "completion_tokens", "candidates_token_count")
_READ = (
    ("input_token_details", "cache_read"),
    ("prompt_token_details", "cache_read"),
    ("prompt_tokens_details", "cached_tokens"),
    ("input_tokens_details", "cached_tokens"),
    ("cache_read_input_tokens",),
    ("cache_read.input_tokens",),
)
_WRITTEN = (
    ("input_token_details", "cache_creation"),
    ("prompt_token_details", "cache_creation"),
    ("cache_creation_input_tokens",),
    ("cache_creation.input_tokens",),
)
_REASONED = (
    ("output_token_details", "reasoning"),
    ("completion_token_details", "reasoning"),
    ("completion_tokens_details", "reasoning_tokens"),
    ("output_tokens_details", "reasoning_tokens"),
    ("reasoning.output_tokens",),
    ("reasoning_tokens",),
)


def at(value: object, *path: str | int) -> object:
    """What stands under these names and places, None where there is none."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if is_list(value) and -len(value) <= step < len(value) else None
        else:
            value = value.get(step) if is_object(value) else None
    return value


def listed(value: object) -> list[object]:
    """It where it is a list, else an empty one."""
    return list(value) if is_list(value) else []


def word(*values: object) -> str | None:
    """The first that is a text with something in it."""
    return next((value for value in values if isinstance(value, str) and value), None)


def tags_of(value: object, *own: str) -> list[tuple[str, str]]:
    """The words and numbers by name in an object, but those whose name begins with what is a framework's `own`."""
    if not is_object(value):
        return []
    given = [(name, one) for name, one in value.items() if not name.startswith(own)]
    return [
        (name[:_LONGEST_TAG], str(one)[:_LONGEST_TAG])
        for name, one in given[:_TAGS]
        if isinstance(one, str | int | float) and not isinstance(one, bool)
    ]


def usage_of(*values: object) -> Usage | None:
    """The tokens in the first of these that has both counts, by the names that providers and frameworks give them."""
    for value in values:
        given = [
            next((n for n in (_count(at(value, name)) for name in names) if n is not None), None)
            for names in (_INPUT, _OUTPUT)
        ]
        tokens, output = given
        if tokens is None or output is None:
            continue
        read, written, reasoned = (
            next((n for n in (_count(at(value, *path)) for path in paths) if n), 0)
            for paths in (_READ, _WRITTEN, _REASONED)
        )
        usage = Usage(tokens, output, read, written, reasoned)
        return usage if usage.plausible else Usage(tokens, output)
    return None


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < len(str(_MOST)):
        value = int(value)  # OTLP JSON writes 64-bit numbers as text
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST else None


def seconds_of(value: object) -> float | None:
    """A time as Unix time: a number of seconds, or a date as ISO 8601, in UTC where it names no zone."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) < _MOST and math.isfinite(value) else None
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def nano_of(value: object) -> int | None:
    """Dollars, as a number or as text, in nano-dollars."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > _LONGEST_NUMBER:
        return None
    try:
        cost = Decimal(str(value))
    except InvalidOperation:
        return None
    return round(cost * 10**9) if cost.is_finite() and 0 <= cost < 10**9 else None


def structured(value: object) -> object:
    """A structured value, or the JSON text of one; a text that is no JSON stays what it is."""
    if not isinstance(value, str):
        return value
    try:
        return from_json(value, allow_inf_nan=False)
    except ValueError:
        return value
