"""What a chosen effort cost, beside what the call would have cost had nobody chosen."""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

from leanloop.budgets.degrade_step import EFFORTS, Effort
from leanloop.budgets.usage import Usage
from leanloop.errors import PriceUnknown
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.flow import Io
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.receipt import Saving
from leanloop.plugins.task import Task
from leanloop.plugins.thinking.turns import Was
from leanloop.plugins.trial.segments import segments_of

__all__ = ["Account", "Choice"]

_LEAST_CACHED = 1_024
"""Tokens; providers cache no shorter prefix (https://platform.openai.com/docs/guides/prompt-caching)."""


class Choice(NamedTuple):
    """What was chosen for a call.

    Attributes:
        effort: None where the call is left as the user makes it.
        keys: the kinds of call it is of; None where nobody looked.
        chance, unsure, explored: as in `Decision`.
    """

    effort: Effort | None
    keys: tuple[str, ...] | None = None
    chance: float | None = None
    unsure: bool = False
    explored: bool = False


class Account:
    """The account of one call.

    Args:
        call: as it was before an effort was chosen.
        learning: what such calls cost.
    """

    def __init__(self, call: ModelCall, task: Task, learning: Learning) -> None:
        self._call = call
        self._task = task
        self._learning = learning

    def keep(self, reply: ModelReply, choice: Choice, own: Effort, *, seconds: float) -> Generator[Io[Any], Any, None]:
        """Keep the decision and its cost, and put on the receipt what it saved, or lost.

        That is the mean cost of a call of the same kind at the user's own effort `own`, less what this one cost;
        nothing is claimed while no such call is known, nor where another model answered than was asked.
        """
        if choice.effort is None:
            return
        call, task = self._call, self._task
        keys = choice.keys
        if keys is None:
            keys = yield from self._learning.keys(call, task)
        cost = self._cost(reply.usage) if task.latest_model in (None, call.model) else None
        setting, other, other_cost = Setting(call.model, choice.effort), Setting(call.model, own), None
        if cost is not None and other != setting:
            mean = yield from self._learning.cost_of(keys, other, task)
            other_cost = None if mean is None else round(mean)
        if cost is not None and other_cost is not None:
            more = EFFORTS.index(choice.effort) > EFFORTS.index(own)
            what = f"calls made with {'more' if more else 'less'} thinking: {choice.effort}"
            how = f"beside the mean of such calls at {own}"
            task.save(Saving("thinking", what, how, calls=1, cost=other_cost - cost))
        decision = Decision(
            id=uuid.uuid4().hex,
            task=task.id,
            agent=task.agent,
            at=time.time(),
            by="thinking",
            keys=keys,
            setting=str(setting),
            other=None if other == setting else str(other),
            chance=choice.chance,
            unsure=choice.unsure,
            explored=choice.explored,
            cost=cost,
            other_cost=other_cost,
            seconds=seconds,
            segments=segments_of(call, task),
        )
        yield from self._learning.decided(decision, task)

    def keeps_prefix(self, keys: Sequence[str], was: Was, effort: Effort) -> Generator[Io[Any], Any, bool]:
        """Whether the call stays with the effort of the one before: less would lose more of the provider's cache than
        such calls are known to save.
        """
        if was.sent < _LEAST_CACHED:
            return False
        fresh, cached = self._cost(Usage(was.sent)), self._cost(Usage(was.sent, cached_input=was.sent))
        if fresh is None or cached is None:
            return False
        model, cost_of = self._call.model, self._learning.cost_of
        more = yield from cost_of(keys, Setting(model, was.effort), self._task)
        fewer = yield from cost_of(keys, Setting(model, effort), self._task)
        saves = more - fewer if more is not None and fewer is not None else 0
        return fresh - cached > max(0, saves)

    def _cost(self, usage: Usage | None) -> int | None:
        if usage is None or not usage.plausible:
            return None
        try:
            return self._task.prices.price(self._call.model, self._call.provider).cost(usage)
        except PriceUnknown:
            return None
