"""Whether a session leaves its tier: upward for what is hard, downward only where that pays."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.budgets.tokens import counter_for
from leanloop.plugins.routing.ladder import Ladder
from leanloop.plugins.routing.rung import Rung
from leanloop.plugins.routing.sessions import Session
from leanloop.plugins.routing.warmth import Rest, rest_cost
from leanloop.plugins.task import Task

__all__ = ["costs_more", "place_of", "preferred"]


def place_of(session: Session, rungs: Sequence[Rung]) -> int | None:
    """The place of a session's tier among those that may take a call; None where it is none of them."""
    return next((place for place, rung in enumerate(rungs) if rung.tier == session.tier), None)


def costs_more(session: Session, wanted: Rung, ladder: Ladder, task: Task, *, later: float, now: float) -> bool:
    """Whether the rest of the task is expected to cost more, or as much, in a cheaper tier than the session's.

    The model that the session is with has the prompt prefix cached, another must read it anew. Where a price is missing
    it does as long as anything is cached.

    Args:
        session: the session.
        wanted: the cheaper tier.
        ladder: of the call.
        task: whose call it is.
        later: calls expected after this one.
        now: by the clock of the process.
    """
    call, model = ladder.call, wanted.models[0]
    warm = session.cached(session.model, call.messages, now)
    here, there = ladder.price(session.model), ladder.price(model)
    if here is None or there is None:
        if warm:
            unpriced = session.model if here is None else model
            task.note(
                f"The session stayed in its tier: what leaving it costs is not known without a price of {unpriced}."
            )
        return warm > 0
    counter = counter_for(session.model)
    prompt = counter.expected(counter.prompt(call.messages, call.tools))
    rest = Rest(prompt, session.growth, session.output, later)
    writes = session.caches is not False
    staying = rest_cost(session.model, here, rest, warm, writes=writes)
    return staying <= rest_cost(model, there, rest, session.cached(model, call.messages, now), writes=writes)


def preferred(rungs: Sequence[Rung], session: Session) -> tuple[Rung, ...]:
    """The tiers with the session's own model first in its tier: it has the prompt prefix cached."""
    return tuple(
        rung._replace(models=(session.model, *(model for model in rung.models if model != session.model)))
        if session.model in rung.models
        else rung
        for rung in rungs
    )
