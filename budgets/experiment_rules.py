"""What a budget file says under ``experiment``: a key of it that only a part of the tasks runs with."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from leanloop.budgets.fields import FROZEN, Flag, Name, Positive, Share

__all__ = ["ExperimentRules"]


class ExperimentRules(BaseModel):
    """One key of the file, and the tasks that run as if it were not there."""

    model_config = FROZEN

    of: Literal["thinking", "routes", "scaffold", "cache"]
    """The key that is tried."""

    by: Name | None = None
    """The tag whose value puts a task in its arm, so that all tasks of one user are in the same; where none is named,
    and for tasks without it, each task by itself."""

    share: Share = 0.5
    """The part of them that runs with the key."""

    lose_at_most: Share = 0.02
    """By how much the mean score may fall behind and still count as no loss."""

    least: Positive = 50
    """Scored tasks of each arm before it may end."""

    ends: Flag = True
    """Whether all tasks go the way that was found better, once that is decided; else it is only said."""
