"""DeepSeek's models since version 4: thinking is a switch and a level.

Source: https://api-docs.deepseek.com/guides/thinking_mode (on by itself, at ``high``; ``medium`` is ``high``; a
temperature is ignored, not refused; after a tool call `reasoning_content` must be sent back, else the API answers 400).
"""

from __future__ import annotations

import re

from leanloop.adapters.reasoning.known import Reasoning, first_match

__all__ = ["reasoning_of"]

_TABLE = (
    (
        re.compile(r"^(deepseek/)?deepseek-(v[4-9]|flash|pro)"),
        Reasoning(("none", "low", "high", "max"), "high", "switch", steady=True, forces=("none",)),
    ),
)


def reasoning_of(model: str) -> Reasoning | None:
    """How a model reasons; None for one that is not known, as the older ones, which are named by their mode."""
    return first_match(_TABLE, model)
