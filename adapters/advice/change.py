"""What one change to a budget file would have made of recorded runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from leanloop.adapters.advice.case import Case, Terms

__all__ = ["Change", "Effect", "Feature", "Unmeasured"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change would have made of one run.

    Attributes:
        group: see `Case`.
        before, after: nano-dollars, with the provider's prefix caching counted in both.
        success: what the run had come to; None where nobody judged.
        ended: it was stopped, or answered otherwise, before its recorded end: a success is counted as lost.
        used: values the agent took from tool results.
        missing: those of them that were out of its sight and that reading again did not find.
    """

    group: str
    before: int
    after: int
    success: bool | None = None
    ended: bool = False
    used: int = 0
    missing: int = 0


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


Feature = Callable[[Sequence[Case], Terms], Change | Unmeasured]
"""Tries a feature; it stands in a file of its own in this package."""
