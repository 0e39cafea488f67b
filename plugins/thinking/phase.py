"""What a model call is about, by what it is given and what it may do."""

from __future__ import annotations

from leanloop.budgets.thinking_rules import Phase
from leanloop.plugins.call import ModelCall

__all__ = ["phase_of"]


def phase_of(call: ModelCall) -> Phase:
    """``answer`` where it may call no tool but one that carries the answer, ``tool`` where it must call one, ``result``
    where it reads what one gave, else ``plan``.
    """
    if call.forbid_tools or len(call.tools) <= len(call.answer_tools):
        return "answer"
    if call.force_tool and not call.answer_tools:
        return "tool"
    return "result" if call.messages and call.messages[-1].role == "tool" else "plan"
