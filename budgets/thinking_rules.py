"""What a budget file says under ``thinking``: which calls are given more reasoning, and how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from leanloop.budgets.degrade_step import EFFORTS, Effort
from leanloop.budgets.fields import FROZEN, Share

__all__ = ["Phase", "ThinkingRules", "thinking_or_switch"]

Phase = Literal["plan", "tool", "result", "answer"]
"""What a model call is about: the first of a turn, one that must call a tool, one that reads results of tools, one
that may call none."""


def _effort(value: object) -> object:
    """``off`` is a boolean in YAML, and means no thinking."""
    return "none" if value is False else value


AnEffort = Annotated[Effort, BeforeValidator(_effort)]


class ThinkingRules(BaseModel):
    """Which calls are given more reasoning, and how much."""

    model_config = FROZEN

    above: Share = 0.3
    """From which chance on that more thinking succeeds where less would fail."""

    effort: AnEffort = "high"
    """The reasoning effort of calls above it; the nearest that the model knows."""

    below: AnEffort = "none"
    """That of all others; the nearest that the model knows."""

    when_unsure: Literal["think", "cheap"] = "think"
    """What becomes of calls about which too little is known to say on which side they are."""

    phases: Mapping[Phase, Annotated[Share | Effort, BeforeValidator(_effort)]] = Field(
        default_factory=dict[Phase, Share | Effort]
    )
    """By phase of the loop (plan, tool, result, answer), another threshold, or one effort for all of its calls."""

    @model_validator(mode="after")
    def _above_is_more(self) -> ThinkingRules:
        if EFFORTS.index(self.below) >= EFFORTS.index(self.effort):
            context = {"below": self.below, "effort": self.effort}
            raise PydanticCustomError(
                "thinking_order",
                "asks for {below} below the threshold and {effort} above it; above must be more",
                context,
            )
        return self


def thinking_or_switch(value: object) -> object:
    """``thinking: on`` is the defaults, ``thinking: off`` leaves thinking to the user's model."""
    if isinstance(value, bool):
        return ThinkingRules() if value else None
    return value
