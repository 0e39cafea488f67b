"""Calls that ask for several answers at once (OpenAI's and Gemini's ``n``): each of them is billed, up to the cap."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import cast

__all__ = ["answers_asked", "cap_of_all", "cap_of_each"]


def answers_asked(model: object, settings: Mapping[str, object]) -> int:
    """How many answers a call asks for, by its settings or its model."""
    given = settings.get("n")
    if given is None and _may_ask(cast("Hashable", type(model))):
        given = getattr(model, "n", None)
    return given if isinstance(given, int) and given > 1 else 1


def cap_of_all(cap: int | None, answers: int) -> int | None:
    """The output that all answers together may have, where each has `cap`."""
    return None if cap is None else cap * answers


def cap_of_each(cap: int | None, answers: int) -> int | None:
    """The cap of each answer, where all together have `cap`."""
    return None if cap is None else max(1, cap // answers)


@lru_cache(maxsize=256)
def _may_ask(kind: Hashable) -> bool:
    return "n" in getattr(kind, "model_fields", ())
