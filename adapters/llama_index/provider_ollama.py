"""Ollama's class. Read in llama-index-llms-ollama 0.11.

Options of the model are taken from `additional_kwargs` only, and `think=False` of a call does not beat the attribute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from leanloop.adapters.llama_index.provider import Provider, count
from leanloop.adapters.llama_index.sent import Sent, extras_of
from leanloop.adapters.llama_index.thinking import Wanted
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.adapters.reasoning.open_weights import SWITCH, reasoning_of

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

    def reasoning(self, sent: Sent, *, tools: bool = False) -> Reasoning | None:
        """By the model's name, or because the user has it think: a model that cannot is refused by the server."""
        return reasoning_of(str(sent.get("model") or "")) or (SWITCH if _own(sent) is True else None)

    def says(self, sent: Sent, known: Reasoning) -> object:
        """By `think`, as the class reads it."""
        own = _own(sent)
        return {True: known.default, False: "none"}.get(own) if isinstance(own, bool) else own

    def think(self, sent: Sent, wanted: Wanted) -> None:
        """By the attribute, which the parameter `think` of a call beats only where it is on."""
        known = self.reasoning(sent)
        asked = None if known is None else wanted.asked(known, self.says(sent, known))
        if known is not None and asked is not None:
            sent.kwargs.pop("think", None)
            sent.attributes["thinking"] = asked != "none" if known.form == "switch" else asked

    def limits(self, sent: Sent) -> tuple[int | None, bool | None]:
        """Without `metadata`, which asks the server."""
        window, calls = sent.get("context_window"), sent.get("is_function_calling_model")
        return window if isinstance(window, int) and window > 0 else None, calls if isinstance(calls, bool) else None


def _own(sent: Sent) -> object:
    return sent.kwargs.get("think") or sent.get("thinking")
