"""What a labelled set teaches: its rows as outcomes of the kinds of calls that its questions are."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from leanloop.budgets.budget import Budget
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.message import Message
from leanloop.budgets.route_rules import TIERS
from leanloop.plugins.call import ModelCall
from leanloop.plugins.difficulty.keys import keys_of_step
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.difficulty.step import step
from leanloop.plugins.outcomes.draft import Draft
from leanloop.plugins.outcomes.store import Added, Count
from leanloop.plugins.steps import perform
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task
from leanloop.plugins.trial.labelled import Labelled

__all__ = ["Lessons"]

_WAITING = 50_000
"""Questions whose rows may lie so far apart and are still compared; each takes about a kilobyte."""

_LONGEST = 20_000
"""Characters of a question that are looked at."""


@dataclass(slots=True)
class _Question:
    keys: tuple[str, ...]
    scores: dict[Setting, float] = field(default_factory=dict[Setting, float])


class Lessons:
    """Gathers outcomes in a draft; settings that were tried on one question are compared with each other.

    Args:
        draft: where they are gathered.
        budget: the agent's; rows of other agents are passed over.

    Attributes:
        rows: that were learned from; ``others`` are of other agents, ``again`` of a question and setting that came
            before.
        kinds: by their last key, all keys of the kinds of questions that came, and how many questions.
        settings: in the order they came.
    """

    def __init__(self, draft: Draft, budget: Budget) -> None:
        self.rows = self.others = self.again = 0
        self.kinds: dict[str, tuple[tuple[str, ...], int]] = {}
        self.settings: dict[Setting, None] = {}
        self._draft = draft
        self._budget = budget
        self._learning = Learning(Supplied(outcomes=draft))
        self._task = Task(budget.model_copy(update={"limits": ()}), store=MemoryStore())
        self._waiting: OrderedDict[str, _Question] = OrderedDict()

    def tier(self, setting: Setting) -> int:
        """Its place among the tiers of the file, 0 the cheapest; a model that no tier names is above them."""
        routes = self._budget.routes
        tiers = () if routes is None else tuple(routes.tier(tier) for tier in TIERS)
        return next((place for place, models in enumerate(tiers) if setting.model in models), len(tiers))

    def add(self, row: Labelled) -> None:
        """Learn from a row, or keep it until another setting of its question comes."""
        if row.agent not in {"", self._budget.agent}:
            self.others += 1
            return
        question = self._waiting.get(row.id)
        if question is None:
            question = self._waiting[row.id] = _Question(self._keys(row))
        if row.setting in question.scores:
            self.again += 1
            return
        question.scores[row.setting] = row.score
        self.rows += 1
        self.settings[row.setting] = None
        if row.cost is not None:
            counted = Count(calls=1, cost=row.cost)
            self._draft.add([Added(key, str(row.setting), counted) for key in question.keys])
        while len(self._waiting) > _WAITING:
            self._learn(*self._waiting.popitem(last=False))

    def end(self) -> None:
        """Learn from what waits."""
        while self._waiting:
            self._learn(*self._waiting.popitem(last=False))

    def _learn(self, _: str, question: _Question) -> None:
        keys, times = self.kinds.get(question.keys[-1], (question.keys, 0))
        self.kinds[question.keys[-1]] = keys, times + 1
        perform(self._learning.observed(question.keys, question.scores, self._budget))

    def _keys(self, row: Labelled) -> tuple[str, ...]:
        """As those of a call that asks this question, in this step."""
        agent = self._budget.agent
        if row.question is None:
            return keys_of_step(agent, row.step or None)
        call = ModelCall(row.setting.model, (Message("user", row.question[:_LONGEST]),), agent=agent)
        if not row.step.strip():
            return perform(self._learning.keys(call, self._task))
        with step(row.step):
            return perform(self._learning.keys(call, self._task))
