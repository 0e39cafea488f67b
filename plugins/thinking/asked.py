"""A call with an effort: what it asks for, and the output tokens that needs."""

from __future__ import annotations

import sys
from dataclasses import replace

from leanloop.budgets.degrade_step import EFFORTS, Effort
from leanloop.plugins.abilities import Abilities
from leanloop.plugins.call import ModelCall
from leanloop.plugins.quote import MIN_OUTPUT

__all__ = ["asking", "fitting", "less"]


def asking(call: ModelCall, effort: Effort, can: Abilities, most: int | None) -> ModelCall:
    """`call` with that effort; as it is where that is what it is made with anyway.

    The output cap grows by what is thought, so that as much as before is left for the answer, up to `most`.

    Args:
        call: as the user makes it.
        effort: one that the model knows.
        can: what the model can do.
        most: output tokens that the budget allows a call.
    """
    if effort == can.default:
        return call if call.thinking is None else replace(call, thinking=None)
    tokens, own = can.thinking_tokens.get(effort, 0), max(0, call.min_output - 1)
    cap = call.max_output
    if cap is not None and tokens > own:
        cap = max(cap, min(cap - own + tokens, _bound(can, most)))
    return replace(call, thinking=effort, min_output=tokens + MIN_OUTPUT if tokens else 0, max_output=cap)


def fitting(effort: Effort, can: Abilities, most: int | None) -> Effort:
    """The most of thinking up to `effort` that leaves room for an answer within what a call may put out."""
    bound = _bound(can, most)
    known: list[Effort] = [one for one in can.efforts if EFFORTS.index(one) <= EFFORTS.index(effort)]
    fits: list[Effort] = [one for one in known if can.thinking_tokens.get(one, 0) + MIN_OUTPUT <= bound]
    return fits[-1] if fits else can.efforts[0]


def less(effort: Effort, can: Abilities, *, thinking: bool) -> Effort:
    """The least of what it knows below `effort`; with `thinking`, of what is thinking at all."""
    for one in can.efforts:
        if one != "none" or not thinking:
            return one if EFFORTS.index(one) < EFFORTS.index(effort) else effort
    return effort


def _bound(can: Abilities, most: int | None) -> int:
    return min(can.output or sys.maxsize, most or sys.maxsize)
