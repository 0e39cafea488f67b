"""A call made for one model, as another can take it."""

from __future__ import annotations

from leanloop.plugins.call import ModelCall
from leanloop.plugins.thinking.asked import asking

__all__ = ["fitted"]


def fitted(call: ModelCall, model: str, most: int | None, *, final: bool) -> ModelCall:
    """The call for another model: with the nearest effort that it knows, and the output tokens which that needs.

    The very same call where nothing is another.

    Args:
        call: as it is made for the model it names.
        model: the other.
        most: output tokens that the budget allows a call.
        final: whether a refusal of it stops the task.

    Raises:
        ModelUnavailable: the framework cannot have that model.
    """
    if model == call.model:
        return call if final == call.final else call.but(final=final)
    can = call.abilities(model) if call.abilities is not None else None
    other = call.but(model=model, provider=call.provider if can is None else can.provider, final=final)
    if can is None:
        return other
    if call.thinking is None:
        return other
    effort = can.nearest(call.thinking)
    return other.but(thinking=None, min_output=0) if effort is None else asking(other, effort, can, most)
