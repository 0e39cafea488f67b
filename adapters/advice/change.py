"""What one change to a budget file would have made of recorded runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.runs import Runs

__all__ = ["Change", "Feature", "Unmeasured"]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the file, and what it would have made of each run.

    Attributes:
        feature: its name, as people know it: ``shortened results``, ``budget``, ``loop guard`` ...
        keys: what to put into the budget file.
        effects: by run.
        how: in a sentence, how it was measured, and what a recording cannot show of it.
        notes: what else was found, with its numbers.
        successes_lost: successes lost of those counted, with the upper bound, where it is known otherwise than by
            `Effect.ended` (from labelled rows); shares.
    """

    feature: str
    keys: Mapping[str, JsonValue]
    effects: Sequence[Effect]
    how: str
    notes: tuple[str, ...] = ()
    successes_lost: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A feature of which these runs say nothing, or that is on already, and why."""

    feature: str
    why: str
    notes: tuple[str, ...] = field(default=())


Feature = Callable[[Runs], Change | Unmeasured]
"""Tries a feature; it stands in a file of its own in this package."""
