"""How the LLMs that follow a script are told to think: as much as their fields say they can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from leanloop.adapters.llama_index.provider import Provider
from leanloop.adapters.llama_index.sent import Sent
from leanloop.adapters.llama_index.thinking import Wanted
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.budgets.degrade_step import Effort

__all__ = ["Scripted"]

_EFFORT = "reasoning_effort"


class Scripted(Provider):
    """By the parameter `reasoning_effort`, which a script is given with the others."""

    def reasoning(self, sent: Sent, *, tools: bool = False) -> Reasoning | None:
        """By the fields `efforts` and `steady`."""
        efforts = tuple(cast("Sequence[Effort]", sent.get("efforts") or ()))
        return Reasoning(efforts, steady=bool(sent.get("steady"))) if efforts else None

    def says(self, sent: Sent, known: Reasoning) -> object:
        """By the parameter."""
        return sent.kwargs.get(_EFFORT)

    def think(self, sent: Sent, wanted: Wanted) -> None:
        """By the parameter."""
        known = self.reasoning(sent, tools=wanted.tools)
        asked = None if known is None else wanted.asked(known, sent.kwargs.get(_EFFORT))
        if asked is not None:
            sent.kwargs[_EFFORT] = asked
