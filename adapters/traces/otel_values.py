"""Attributes of spans as plain values: OTLP's AnyValue, and what is flattened into names with numbers in them."""

from __future__ import annotations

import re
from typing import cast

from leanloop.adapters.traces.fields import at, listed
from leanloop.plugins.shorten.json_read import is_object

__all__ = ["any_value", "attributes", "unflattened"]

_SCALARS = ("stringValue", "doubleValue", "boolValue", "bytesValue", "intValue")
_SNAKE = {
    **{f"{name.removesuffix('Value')}_value": name for name in _SCALARS},
    "array_value": "arrayValue",
    "kvlist_value": "kvlistValue",
}
"""By the names of the protocol buffer, which its JSON may keep."""

_INTEGER = re.compile(r"-?[0-9]{1,20}")
_DEEPEST = 100
_LONGEST_NUMBER = 10
_STEPS = 12
"""Names within one flattened name; deeper ones are none of any convention's."""


def attributes(value: object) -> dict[str, object]:
    """By name: OTLP's list of pairs (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding), or a plain
    object, as ``span.to_json()`` of the Python SDK writes.
    """
    if is_object(value):
        return {str(name): one for name, one in value.items()}
    found: dict[str, object] = {}
    for pair in listed(value):
        name = at(pair, "key")
        if isinstance(name, str):
            found[name] = any_value(at(pair, "value"))
    return found


def any_value(value: object) -> object:
    """What an AnyValue stands for; None where it is none."""
    return _plain(value, 0)


def _plain(value: object, depth: int) -> object:
    if not is_object(value) or depth > _DEEPEST:
        return None
    for name, inner in value.items():
        match _SNAKE.get(str(name), name):
            case "arrayValue":
                return [_plain(one, depth + 1) for one in listed(at(inner, "values"))]
            case "kvlistValue":
                pairs = listed(at(inner, "values"))
                return {str(at(pair, "key")): _plain(at(pair, "value"), depth + 1) for pair in pairs}
            case "intValue" if isinstance(inner, str) and _INTEGER.fullmatch(inner):
                return int(inner)  # 64 bits, which JSON's numbers do not hold everywhere
            case known if known in _SCALARS:
                return inner
            case _:
                pass
    return None


def unflattened(fields: dict[str, object], prefix: str) -> object:
    """What stands under a prefix, flattened or not: ``a.0.b`` and ``a.1.b`` are a list under ``a`` of objects with b.

    Numbers say the order, not the place: a list that misses some is as long as what there is.
    """
    whole = fields.get(prefix)
    if whole is not None:
        return whole
    tree: dict[str, object] = {}
    for name, value in fields.items():
        if name.startswith(f"{prefix}."):
            *way, last = name[len(prefix) + 1 :].split(".", _STEPS)
            place = tree
            for step in way:
                below = place.setdefault(step, {})
                place = cast("dict[str, object]", below) if isinstance(below, dict) else {}
            place.setdefault(last, value)
    return _lists(tree)


def _lists(value: object) -> object:
    if not isinstance(value, dict):
        return value
    tree = cast("dict[str, object]", value)
    if tree and all(name.isascii() and name.isdigit() and len(name) < _LONGEST_NUMBER for name in tree):
        return [_lists(tree[name]) for name in sorted(tree, key=int)]
    return {name: _lists(one) for name, one in tree.items()}
