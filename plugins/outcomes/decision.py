"""What was decided for one model call, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["By", "Decision"]

By = Literal["thinking", "routes", "scaffold", "experiment"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for one model call, and what came of it. Holds no text of the call.

    Attributes:
        id: unique.
        task, agent: whose call it was.
        at: when, in Unix seconds.
        by: which plugin decided.
        keys: the kinds of call it is of, from the most general to its own.
        setting: what the answer that was taken was made with.
        other: what it would have been made with, had nobody decided.
        chance: the estimate that the dearer setting succeeds where the cheaper fails; None where none was made.
        unsure: too little was known to say; ``explored``: it was made the other way, to learn.
        escalated: a cheaper answer was made first and not taken.
        cost: in nano-dollars, all attempts, samples and checks included; None without a price.
        other_cost: what the other setting would have cost, the cached prefix counted; None where that is not known.
        seconds: until the answer was there.
        segments: what the call is told apart by in reports: tags, language, length, hour of the week.
        score: how it went, from 0 to 1; None while nobody said.
        within: the tasks that the task is a part of, nearest first; an outcome of theirs counts for it too.
        inferred: weight, and weight times score, of what has been counted for it without anybody saying how it went.
    """

    id: str
    task: str
    agent: str
    at: float
    by: By
    keys: tuple[str, ...]
    setting: str
    other: str | None = None
    chance: float | None = None
    unsure: bool = False
    explored: bool = False
    escalated: bool = False
    cost: int | None = None
    other_cost: int | None = None
    seconds: float | None = None
    segments: Mapping[str, str] = field(default_factory=dict[str, str])
    score: float | None = None
    within: tuple[str, ...] = ()
    inferred: tuple[float, float] = (0.0, 0.0)
