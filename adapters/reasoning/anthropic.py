"""Anthropic's models: whether they are told a budget or think adaptively, which levels they know, what they refuse.

Sources, all below https://platform.claude.com/docs/en/: build-with-claude/extended-thinking (a tool loop is one turn of
the assistant, in which thinking is not switched; a budget is at least 1,024 and less than max_tokens; no forced tool,
no temperature beside it), build-with-claude/adaptive-thinking, build-with-claude/effort,
build-with-claude/preserved-thinking (thinking is bound to what stands before it), and the migration guides of
models/opus-5 and models/sonnet-5-5 (what each new model answers with an error 400).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from leanloop.adapters.reasoning.known import Reasoning, first_match, up_to
from leanloop.budgets.degrade_step import Effort

__all__ = ["BUDGETS", "WITHOUT_THINKING", "reasoning_of"]

BUDGETS: dict[Effort, int] = {"low": 1_024, "medium": 2_048, "high": 4_096, "xhigh": 8_192, "max": 16_384}
"""Tokens of thinking an effort is worth, as LiteLLM has it
(https://docs.litellm.ai/docs/providers/anthropic#usage---thinking--reasoning_content); 1,024 is the least allowed."""

_MANUAL = Reasoning(
    up_to("none", "max", "minimal"),
    "none",
    "budget",
    BUDGETS,
    steady=True,
    in_prefix=True,
    samples=("none",),
    forces=("none",),
)
_OPUS_4_5 = replace(_MANUAL, efforts=up_to("none", "high", "minimal"), levels=up_to("low", "high"))
_ADAPTIVE_4_6 = Reasoning(
    up_to("none", "max", "minimal", "xhigh"),
    "none",
    "adaptive",
    levels=up_to("low", "max", "xhigh"),
    steady=True,
    in_prefix=True,
    samples=("none",),
)
_ADAPTIVE = Reasoning(
    up_to("none", "max", "minimal"),
    "none",
    "adaptive",
    levels=up_to("low", "max"),
    steady=True,
    in_prefix=True,
    hides=True,
    samples=(),
)
_THINKS = replace(_ADAPTIVE, default="high")
_ALWAYS = replace(_ADAPTIVE, efforts=up_to("low", "max"), default="high")
_BOUND = replace(_THINKS, bound=True, forces=())

_TABLE = tuple(
    (re.compile(pattern), known)
    for pattern, known in (
        (r"claude-3-7|(opus|sonnet)-4(?!-[5-9](?!\d))|(sonnet|haiku)-4-5(?!\d)", _MANUAL),
        (r"opus-4-5(?!\d)", _OPUS_4_5),
        (r"(opus|sonnet)-4-6(?!\d)", _ADAPTIVE_4_6),
        (r"(opus|sonnet)-4-[78](?!\d)", _ADAPTIVE),
        (r"opus-5-5(?!\d)", replace(_BOUND, efforts=_ALWAYS.efforts, default="medium")),
        (r"sonnet-5-5(?!\d)", replace(_BOUND, off="between_tools")),
        (r"haiku-5-5(?!\d)", replace(_BOUND, default="medium")),
        (r"(opus|sonnet)-5(?!-?\d\d?(?!\d))", _THINKS),
        (r"(fable|mythos)-5-[1-9](?!\d)", replace(_BOUND, efforts=_ALWAYS.efforts)),
        (r"(fable|mythos)-5(?!\d)", _ALWAYS),
    )
)

WITHOUT_THINKING: frozenset[Effort] = frozenset(up_to("low", "high"))
"""Levels beside which thinking can be off, where it is on by itself: above them the API answers 400."""


@lru_cache(maxsize=512)
def reasoning_of(model: str) -> Reasoning | None:
    """How a model reasons, by its name on any platform; None for one that does not, or is not known."""
    return first_match(_TABLE, model)
