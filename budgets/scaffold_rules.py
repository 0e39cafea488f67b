"""What a budget file says under ``scaffold``: cognitive tools for models that do not reason by themselves."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from leanloop.budgets.fields import FROZEN, Flag, Label, Positive, Share

__all__ = ["COGNITIVE_TOOLS", "ScaffoldRules", "scaffold_or_switch"]

COGNITIVE_TOOLS = ("understand_question", "recall_related", "examine_answer", "backtracking")
"""Those of Ebouky, Bartezzaghi and Rigotti, Eliciting Reasoning in Language Models with Cognitive Tools
(arXiv 2506.12115)."""


class ScaffoldRules(BaseModel):
    """Which models are offered cognitive tools, and how often they may use them."""

    model_config = FROZEN

    models: tuple[Label, ...] = ()
    """The models that are offered them; none where empty."""

    above: Share | None = None
    """From which difficulty on: the chance that the model succeeds with the tools where it fails without them. Where
    too little is known of that they are offered. By default for all calls of these models."""

    not_with_thinking: Flag = True
    """Whether calls that reason natively are left alone."""

    tools: tuple[Label, ...] = COGNITIVE_TOOLS
    """The tools that are offered, by name; those of your own too. Beside the four there are ``think``, room to write a
    thought down that asks no model, and ``use_code``, which needs an executor of yours (``LeanLoop(run_code=...)``)."""

    per_task: Positive = 12
    """How many uses one task may make."""

    per_step: Positive = 4
    """How many uses may lie between two steps of the agent."""

    max_tokens: Positive = 800
    """Output tokens of one use."""

    form: Literal["tools", "text"] | None = None
    """Whether they are offered as tools or by a protocol in the text, for models that cannot call tools; by default as
    the model's profile says."""


def scaffold_or_switch(value: object) -> object:
    """``scaffold: off`` offers none."""
    if value is False:
        return None
    return value
