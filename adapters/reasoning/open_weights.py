"""Open models, as Ollama, vLLM and SGLang serve them: most know on and off only.

Sources: https://docs.ollama.com/capabilities/thinking (which models, and levels of gpt-oss, which cannot be without),
https://docs.vllm.ai/en/latest/features/reasoning_outputs/ and https://qwen.readthedocs.io (the switch is a variable of
the chat template; the models of 2507 and coders have one mode). Of a model that is not listed nothing is known: a
server answers 400 where thinking is asked of one that has none.
"""

from __future__ import annotations

import re

from leanloop.adapters.reasoning.known import Reasoning, first_match, up_to

__all__ = ["SWITCH", "reasoning_of"]

_ONE_MODE = re.compile(r"2507|instruct|coder|embed|-vl|thinking", re.IGNORECASE)
SWITCH = Reasoning(("none", "medium"), "medium", "switch")
"""What a model knows that can be told to think and not to."""

_TABLE = (
    (re.compile(r"gpt-oss", re.IGNORECASE), Reasoning(up_to("low", "high"), "medium")),
    (re.compile(r"qwen-?3|deepseek-(r1|v3\.[12])", re.IGNORECASE), SWITCH),
)


def reasoning_of(model: str) -> Reasoning | None:
    """How a model reasons, by its name on any server; None for one that does not, or is not known."""
    return None if _ONE_MODE.search(model) else first_match(_TABLE, model)
