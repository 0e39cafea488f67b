"""How much the model is to think about a call: by how hard the call is, and what it is about."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from typing import Any

from leanloop.budgets.budget import Budget
from leanloop.budgets.degrade_step import EFFORTS, Effort
from leanloop.errors import BudgetExceeded
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.flow import Io, ModelFlow, Plugin
from leanloop.plugins.task import Task
from leanloop.plugins.thinking.account import Account, Choice
from leanloop.plugins.thinking.asked import asking, less
from leanloop.plugins.thinking.offer import Offer, known_effort
from leanloop.plugins.thinking.phase import phase_of
from leanloop.plugins.thinking.turn import Turn, turn_of
from leanloop.plugins.thinking.turns import Was

__all__ = ["Thinking"]


class Thinking(Plugin):
    """Asks for more thinking where that is likely to help, and for less where it is not (`thinking`).

    What is likely to help is learned of the agent's own calls, see `Learning`; a phase of the loop may have a threshold
    or an effort of its own. Where the provider wants thinking left as it is from a tool call to the answer to its
    result (`Abilities.steady`), it is decided once a turn of the user. Elsewhere a call in the midst of a turn is not
    made with less than the one before where that would lose more of the provider's cache than it is known to save.

    A call that the budget has no room for is made with less thinking, before the task lands. A landing goes on as the
    calls before it; the calls that other plugins make for themselves are left alone. So is a model that knows no
    effort, or none of those that the file asks for, which is said once. What is asked for is nothing where the model
    does the same without being asked.

    Args:
        learning: how hard calls are, and what they cost.
    """

    def __init__(self, learning: Learning) -> None:
        self._learning = learning

    def idle(self, budget: Budget) -> bool:
        """Where the file has no ``thinking``."""
        return budget.thinking is None

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Choose an effort, make the call with it, and keep what it cost."""
        offer = Offer.of(call, task.budget.thinking, task)
        if offer is None:
            reply: ModelReply = yield call
            return reply
        turn = turn_of(call.steps)
        if call.purpose == "landing":
            reply = yield _landing(call, offer, turn, task)
            return reply
        accounts = Account(call, task, self._learning)
        was = task.turns.of(turn.question) if turn.begun else None
        choice = _held(offer, turn, was)
        if choice is None:
            choice = yield from self._choose(call, task, offer, was, accounts)
        began = time.monotonic()
        choice, reply = yield from _made(call, task, offer, choice, turn)
        if choice.effort is not None:
            task.turns.keep(turn.question, Was(choice.effort, reply.usage.input if reply.usage else 0))
        if reply.hit is None:
            yield from accounts.keep(reply, choice, offer.can.default or offer.dear, seconds=time.monotonic() - began)
        return reply

    def _choose(
        self, call: ModelCall, task: Task, offer: Offer, was: Was | None, accounts: Account
    ) -> Generator[Io[Any], Any, Choice]:
        """By the phase's own effort, else by how likely more thinking is to help."""
        rules, can = offer.rules, offer.can
        own = rules.phases.get(phase_of(call), rules.above)
        if isinstance(own, str):
            keys = yield from self._learning.keys(call, task)
            return Choice(known_effort(own, can, offer.most), keys)
        dear, cheap = Setting(call.model, offer.dear), Setting(call.model, offer.cheap)
        estimate = yield from self._learning.estimate(call, task, cheap, dear)
        side = estimate.side(own)
        unsure = side == "unsure"
        thinks = side == "above" or (unsure and rules.when_unsure == "think")
        explored = unsure and self._learning.explores(call, task, estimate)
        effort = offer.dear if thinks != explored else offer.cheap
        if was is not None and can.in_prefix and _below(effort, was.effort):
            kept = yield from accounts.keeps_prefix(estimate.keys, was, effort)
            effort = was.effort if kept else effort
        return Choice(effort, estimate.keys, estimate.mean, unsure, explored)


def _held(offer: Offer, turn: Turn, was: Was | None) -> Choice | None:
    """What is settled for this call by the turn it is in; None where it may be chosen."""
    can = offer.can
    if not can.steady or not turn.begun:
        return None
    if was is not None:
        return Choice(was.effort)
    # A run that goes on in another process: its messages tell whether the model thinks in this turn, not how much.
    own = can.default
    if turn.thought:
        return Choice(own if own not in (None, "none") else offer.dear)
    off = own in (None, "none") or can.thinking_tokens.get(own, 0)  # a budget would want its thinking back
    return Choice("none" if off and "none" in can.efforts else None)


def _made(
    call: ModelCall, task: Task, offer: Offer, choice: Choice, turn: Turn
) -> Generator[Io[Any] | ModelCall, Any, tuple[Choice, ModelReply]]:
    """Make the call as chosen; with less thinking where the budget has no room for as much."""
    if choice.effort is None:
        reply: ModelReply = yield call
        return choice, reply
    can, most = offer.can, offer.most
    made = asking(call, choice.effort, can, most)
    fewest = less(choice.effort, can, thinking=can.steady and turn.begun)
    smaller = asking(call, fewest, can, most)
    if smaller.min_output >= made.min_output:
        reply = yield made
        return choice, reply
    try:
        reply = yield replace(made, final=False)
    except BudgetExceeded as error:
        if task.stopped is not None:
            raise
        task.note(f"{error.reason} There was no room to think as much as asked for: {choice.effort}.")
        reply = yield smaller
        return choice._replace(effort=fewest, explored=False), reply
    return choice, reply


def _landing(call: ModelCall, offer: Offer, turn: Turn, task: Task) -> ModelCall:
    """As the calls before it, whose prompt it goes on from; with the smallest thinking budget, as its room is small."""
    was = task.turns.of(turn.question) or task.turns.latest
    choice = _held(offer, turn, None) if was is None and turn.thought else None
    effort, can = was.effort if was else choice and choice.effort, offer.can
    if effort is None:
        return call
    if can.thinking_tokens.get(effort, 0):
        effort = less(effort, can, thinking=True)
    return asking(call, effort, can, offer.most) if effort in can.efforts else call


def _below(one: Effort, other: Effort) -> bool:
    return EFFORTS.index(one) < EFFORTS.index(other)
