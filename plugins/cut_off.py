"""An answer that ended at leanloop's cap: the receipt says so, or nobody would know why half of it is missing."""

from __future__ import annotations

from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.quote import DEFAULT_MAX_OUTPUT
from leanloop.plugins.task import Task

__all__ = ["note_cut_off"]


def note_cut_off(reply: ModelReply, call: ModelCall, sent: ModelCall, task: Task) -> None:
    """Note on the receipt, where `reply` was cut off at a cap that is not the agent's own, which one it was.

    Args:
        reply: what came back.
        call: the call as it was to be made.
        sent: the call as it was made, with the cap that there was room for.
        task: whose call it is.
    """
    cap = sent.max_output
    landing = call.purpose == "landing"
    if reply.finish != "length" or cap is None or not (landing or cap != call.max_output):
        return
    ceiling = task.budget.max_output
    if landing:
        why = "no more was kept back for it (landing: {tokens: ...})"
    elif cap == ceiling:
        why = "that is max_output of the budget"
    elif ceiling is None and cap == DEFAULT_MAX_OUTPUT:
        why = "a call that names no cap gets no more under a limit on tokens or usd (max_output: ...)"
    else:
        why = "a limit had no room for more"
    task.note(f"An answer of {call.model} was cut off at {cap:,} output tokens: {why}.")
