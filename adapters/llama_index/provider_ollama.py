"""Ollama's class. Read in llama-index-llms-ollama 0.11.

Options of the model are taken from `additional_kwargs` only, and `think=False` of a call does not beat the attribute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from leanloop.adapters.llama_index.provider import Provider, Sent, count, extras_of, lowered
from leanloop.budgets.degrade_step import Effort

__all__ = ["Ollama"]


class Ollama(Provider):
    """Ollama; it has no way to forbid tools, so they are taken out."""

    learns: ClassVar[frozenset[str]] = frozenset({"context_window"})

    def output_cap(self, llm: object, kwargs: Mapping[str, object]) -> int | None:
        """`num_predict` of `additional_kwargs`; -1 and -2 mean without an end."""
        cap = extras_of(llm).get("num_predict")
        return cast("int", cap) if count(cap) else None

    def cap(self, sent: Sent, cap: int) -> None:
        """By `num_predict`.

        The class asks the server once for the size of the context and keeps it: not for a twin's single call.
        """
        llm: Any = sent.llm
        llm.get_context_window()
        sent.attributes["additional_kwargs"] = {**sent.extras, "num_predict": cap}

    def effort(self, sent: Sent, effort: Effort) -> None:
        """By `think`; only gpt-oss knows levels, and it cannot be without (https://docs.ollama.com/capabilities/thinking)."""
        asked: Effort | bool | None = False if effort == "none" else None
        if str(sent.get("model") or "").startswith("gpt-oss"):
            asked = lowered(("low", "high"), sent.kwargs.get("think") or sent.get("thinking"), effort)
        if asked is not None:
            sent.kwargs.pop("think", None)
            sent.attributes["thinking"] = asked
