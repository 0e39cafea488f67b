"""Decisions, counts and names as the stores on disk and in Redis write them; what was not written so is passed over."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast, get_args
from urllib.parse import quote, unquote

from leanloop.plugins.outcomes.decision import By, Decision
from leanloop.plugins.outcomes.store import Count

__all__ = ["quoted", "read_count", "read_decision", "space_of", "unquoted", "written"]

_PLAIN = " !#$&'()*+,/:;<=>?@[]^`{|}"

_write = json.JSONEncoder(separators=(",", ":")).encode
_NAMES = tuple(one.name for one in fields(Decision) if one.name != "score")
_SILENT: Mapping[str, object] = {
    **dict.fromkeys(("unsure", "explored", "escalated"), False),
    "segments": {},
    "within": (),
    "inferred": (0.0, 0.0),
}


def quoted(name: str) -> str:
    """A key, a setting or a task's id as ASCII of one line: it comes from users, and may be no valid Unicode."""
    return quote(name, safe=_PLAIN, errors="surrogatepass")


def space_of(agent: str, space: str) -> str:
    """One name for the space of an agent's families."""
    return f"{quoted(agent)}\n{quoted(space)}"


def unquoted(text: object) -> str | None:
    """What `quoted` wrote; None where it cannot have."""
    if isinstance(text, bytes):
        text = text.decode("ascii", "replace")
    if not isinstance(text, str) or not text.isascii():
        return None
    try:
        return unquote(text, errors="surrogatepass")
    except UnicodeDecodeError:
        return None


def read_count(numbers: tuple[object, object, object, object]) -> Count | None:
    """A count of its four numbers; None where nobody of ours has written them."""
    if not all(map(_is_number, numbers)):
        return None
    weight, score, calls, cost = cast("tuple[float, ...]", numbers)
    if not 0 <= score <= weight or calls < 0:
        return None
    return Count(float(weight), float(score), int(calls), int(cost))


def written(decision: Decision) -> str:
    """A decision as one line of JSON, without its score, which the stores keep beside it."""
    told = {name: getattr(decision, name) for name in _NAMES}
    return _write({name: value for name, value in told.items() if value is not None and value != _SILENT.get(name)})


def read_decision(row: object, score: object) -> Decision | None:
    """What `written` wrote, with its score; None where it is damaged, or of a later version that decides otherwise.

    Keys that are not known are passed over.
    """
    try:
        told: object = json.loads(row) if isinstance(row, (str, bytes)) else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    known = {name: value for name, value in cast("dict[str, Any]", told).items() if name in _NAMES}
    if not all(_fits(name, value) for name, value in known.items()) or not (score is None or _is_share(score)):
        return None
    for name in ("keys", "within", "inferred"):
        if name in known:
            known[name] = tuple(known[name])
    try:
        return Decision(**known, score=None if score is None else float(cast("float", score)))
    except TypeError:  # one that every decision has is missing
        return None


def _fits(name: str, value: object) -> bool:
    match name:
        case "by":
            return value in get_args(By)
        case "id" | "task" | "agent" | "setting" | "other":
            return isinstance(value, str)
        case "keys" | "within":
            return isinstance(value, list) and _all_text(cast("list[object]", value))
        case "segments":
            return isinstance(value, dict) and _all_text(cast("Mapping[str, object]", value).values())
        case "unsure" | "explored" | "escalated":
            return isinstance(value, bool)
        case "chance":
            return _is_share(value)
        case "inferred":
            return isinstance(value, list) and [*map(_is_amount, cast("list[object]", value))] == [True, True]
        case "cost" | "other_cost":
            return type(value) is int
        case _:
            return _is_number(value)


def _all_text(values: Any) -> bool:
    return all(isinstance(one, str) for one in values)


def _is_number(value: object) -> bool:
    try:
        return type(value) in {int, float} and math.isfinite(cast("float", value))
    except OverflowError:  # an integer past all that a double holds
        return False


def _is_amount(value: object) -> bool:
    return _is_number(value) and cast("float", value) >= 0


def _is_share(value: object) -> bool:
    return _is_amount(value) and cast("float", value) <= 1
