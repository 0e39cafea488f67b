"""What a model call of an agent is about: to plan, to call a tool, to read results, to answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from leanloop.budgets.thinking_rules import Phase
from leanloop.plugins.call import ModelCall

__all__ = ["phase_of"]

_FREE = frozenset({"auto", "none", "validated", "AUTO", "NONE", "VALIDATED"})


def phase_of(call: ModelCall) -> Phase:
    """``answer`` where no tool may be called but one that carries the answer, ``tool`` where one must be, ``result``
    where the model was just given results of tools, else ``plan``.
    """
    if call.forbid_tools or len(call.tools) <= len(call.answer_tools):
        return "answer"
    if not call.answer_tools and _forced(call):
        return "tool"
    return "result" if call.messages and call.messages[-1].role == "tool" else "plan"


def _forced(call: ModelCall) -> bool:
    """By ``tool_choice`` in any provider's form, or LlamaIndex's ``tool_required``."""
    if call.settings is None:
        return False
    try:
        settings = call.settings()
    except Exception:  # noqa: BLE001 what an integration cannot say of itself forces nothing
        return False
    if settings.get("tool_required") is True:
        return True
    choice = settings.get("tool_choice")
    if isinstance(choice, Mapping):
        choice = cast("Mapping[str, object]", choice).get("type")
    return choice is True or (isinstance(choice, str) and bool(choice) and choice not in _FREE)
