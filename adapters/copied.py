"""A second instance of what a user made, of its class or one of ours below it."""

from __future__ import annotations

from copy import copy
from typing import cast

__all__ = ["HELD", "copied"]

HELD = ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
"""Where an object keeps what it holds; the last three are those of a pydantic model."""

_NOT_THERE = object()


def copied(original: object, kind: type[object]) -> object:
    """A new instance of `kind` with all that `original` holds: what is put into one is not put into the other."""
    other = object.__new__(kind)
    for name in HELD:
        value = cast("object", getattr(original, name, _NOT_THERE))
        if value is not _NOT_THERE:
            object.__setattr__(other, name, copy(value))
    return other
