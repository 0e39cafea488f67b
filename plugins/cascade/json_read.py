"""JSON as a model writes it: read strictly, whatever it is."""

from __future__ import annotations

import json
import re
from typing import NoReturn, cast

__all__ = ["canonical", "read_json", "unfenced"]

LONGEST = 200_000
"""Characters of JSON that are read."""

_FENCED = re.compile(r"```(?:json|JSON)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)


def read_json(text: str) -> object:
    """The value; NaN, infinities and a key that stands twice are no JSON.

    Raises:
        ValueError: it is none, or nests too deep, or is longer than 200,000 characters.
    """
    if len(text) > LONGEST:
        raise ValueError("it is too long")
    try:
        return cast("object", _DECODER.decode(text))
    except RecursionError:
        raise ValueError("it nests too deep") from None


def canonical(value: object) -> str:
    """One spelling for equal values: key order does not count, and 1.0 is 1, as JSON Schema has it; true is not 1."""
    try:
        return json.dumps(_whole(value), sort_keys=True, separators=(",", ":"))
    except RecursionError:
        raise ValueError("it nests too deep") from None


def unfenced(text: str) -> str:
    """What stands in a code fence that is all of the text; else the text."""
    found = _FENCED.fullmatch(text.strip())
    return text.strip() if found is None else found[1]


def _whole(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(one) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in cast("dict[str, object]", value).items()}
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


_DECODER = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_once)
