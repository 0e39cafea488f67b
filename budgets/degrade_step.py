"""A step of a budget's `degrade`: what makes calls cheaper, and from which share of a limit on."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import BaseModel, model_validator
from pydantic_core import PydanticCustomError

from leanloop.budgets.fields import FROZEN, Label, Share

__all__ = ["EFFORTS", "DegradeStep", "Effort"]

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""How much a model is to think, as the providers name it (each model knows some of them)."""

EFFORTS: tuple[Effort, ...] = get_args(Effort)
"""The least first."""


class DegradeStep(BaseModel):
    """From which share of a limit on a task's calls are made cheaper, and how."""

    model_config = FROZEN

    at: Share = 0.8
    """The share of any limit of the task, or of a task it is a part of."""

    to: Label | None = None
    """The model that takes over; the one of an earlier step where not given."""

    effort: Effort | None = None
    """The reasoning effort asked for where the model supports it; that of an earlier step where not given."""

    @model_validator(mode="after")
    def _changes_something(self) -> DegradeStep:
        if self.to is None and self.effort is None:
            raise PydanticCustomError("no_degrade", "changes nothing; name a model (to) or an effort")
        return self
