"""Google's models: Gemini 2.5 is told a budget of tokens, Gemini 3 and later a level.

Source: https://ai.google.dev/gemini-api/docs/thinking (levels by model, least budgets) and
https://ai.google.dev/gemini-api/docs/openai#thinking (tokens by effort). What is thought counts as output.
"""

from __future__ import annotations

import re
from functools import lru_cache

from leanloop.adapters.reasoning.known import Reasoning, first_match, up_to
from leanloop.budgets.degrade_step import Effort

__all__ = ["reasoning_of"]

_NO_REASONING = re.compile(r"image|tts|live|embedding|computer-use|audio")

_BUDGETS: dict[Effort, int] = {"low": 1_024, "medium": 8_192, "high": 24_576}
_PRO: dict[Effort, int] = {"minimal": 128, **_BUDGETS}
_FLASH: dict[Effort, int] = {"none": 0, **_BUDGETS}
_LITE: dict[Effort, int] = {"none": 0, "minimal": 512, **_BUDGETS}

_TABLE = tuple(
    (re.compile(pattern), known)
    for pattern, known in (
        (r"^gemini-2\.5-pro", Reasoning(tuple(_PRO), form="budget", budgets=_PRO)),
        (r"^gemini-2\.5-flash-lite", Reasoning(tuple(_LITE), "none", form="budget", budgets=_LITE)),
        (r"^gemini-2\.5-flash", Reasoning(tuple(_FLASH), form="budget", budgets=_FLASH)),
        (r"^gemini-3-pro", Reasoning(("low", "high"), "high")),
        (r"^gemini-3(\.1)?-flash(?!-lite)", Reasoning(up_to("minimal", "high"), "high")),
        (r"^gemini-3\.\d-flash-lite", Reasoning(up_to("minimal", "high"), "minimal")),
        (r"^gemini-3(\.\d)?-flash", Reasoning(up_to("minimal", "high"), "medium")),
        (r"^gemini-3\.1-pro", Reasoning(up_to("low", "high"), "high")),
        (r"^gemini-([3-9]|\d\d)", Reasoning(up_to("low", "high"))),  # what all of them know
    )
)


@lru_cache(maxsize=512)
def reasoning_of(model: str) -> Reasoning | None:
    """How a model reasons, with or without a path before its name; None for one that does not, or is not known."""
    name = model.rpartition("/")[2]
    return None if _NO_REASONING.search(name) else first_match(_TABLE, name)
