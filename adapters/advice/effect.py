"""What a change of the budget file would have made of one run."""

from __future__ import annotations

from dataclasses import dataclass

from leanloop.adapters.advice.case import Case
from leanloop.adapters.traces.replay import Replayed
from leanloop.adapters.traces.trace import succeeded

__all__ = ["Effect", "effect_between"]


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


def effect_between(case: Case, before: Replayed, after: Replayed) -> Effect:
    """What lies between two replays of a run."""
    ended = after.at_call is not None and (before.at_call is None or after.at_call < before.at_call)
    return Effect(
        case.group,
        before.budgeted.cached or 0,
        after.budgeted.cached or 0,
        success=succeeded(case.trace),
        ended=ended,
        used=after.used,
        missing=max(0, after.missing - before.missing),
    )
