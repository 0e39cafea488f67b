"""A call made for one model, as another can take it."""

from __future__ import annotations

from dataclasses import replace

from leanloop.plugins.call import ModelCall
from leanloop.plugins.thinking.asked import asking

__all__ = ["fitted"]


def fitted(call: ModelCall, model: str, most: int | None) -> ModelCall:
    """The call for another model: with the nearest effort that it knows, and the output tokens which that needs.

    The very same call where the model is the same.

    Args:
        call: as it is made for the model it names.
        model: the other.
        most: output tokens that the budget allows a call.

    Raises:
        ModelUnavailable: the framework cannot have that model.
    """
    if model == call.model:
        return call
    if call.abilities is None:
        return replace(call, model=model)
    can = call.abilities(model)
    other = replace(call, model=model, provider=can.provider)
    if call.thinking is None:
        return other
    effort = can.nearest(call.thinking)
    return replace(other, thinking=None, min_output=0) if effort is None else asking(other, effort, can, most)
