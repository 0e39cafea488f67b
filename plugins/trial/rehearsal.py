"""Labelled questions judged as a live agent would judge them, each by the outcomes of others.

A question is of the kinds that `leanloop.plugins.difficulty.learning` finds for it (its declared step, else what its
text is like), and its chance is what the outcomes of the other questions say of these kinds. To judge it by its own
outcome too would promise more than holds for the next question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from leanloop.budgets.budget import Budget
from leanloop.budgets.message import Message
from leanloop.plugins.call import ModelCall
from leanloop.plugins.difficulty.counted import counted, estimate_of
from leanloop.plugins.difficulty.features import cut, features_of
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.difficulty.step import step
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.store import Count
from leanloop.plugins.steps import perform
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task
from leanloop.plugins.trial.bounds import CONFIDENCE
from leanloop.plugins.trial.pairs import Tried
from leanloop.plugins.trial.threshold import Case, loosest, setting_at

__all__ = ["Judge", "Question", "Rehearsal", "questions_of"]

FOLDS = 10
"""Parts. Fewer leave a chance much less certain than it is once all have been learned, so that what goes to the cheaper
setting then is not what was tested: of 200 labels, with five parts the promise is broken half as often again."""

_HELD_OUT = 5


@dataclass(frozen=True, slots=True)
class Question:
    """A labelled question, and the kinds of call it is of.

    Attributes:
        keys: from the most general to its own.
        odds: what its features say before anything is known, see `leanloop.plugins.difficulty.features`.
        scores, costs: by setting, the cheapest first.
    """

    keys: tuple[str, ...]
    odds: float
    scores: tuple[float, ...]
    costs: tuple[int | None, ...] = ()


def questions_of(tried: Sequence[Tried], budget: Budget) -> list[Question]:
    """With the kinds that the budget's agent would find for them, were they asked without tools."""
    learning = Learning(Supplied(outcomes=MemoryOutcomes(keys=1 << 20)))
    # Nothing of the ledger's is needed, nor of an experiment: only the agent's name, and how families are found.
    task = Task(Budget(agent=budget.agent, difficulty=budget.difficulty))
    return [_question(one, learning, task) for one in tried]


def _question(tried: Tried, learning: Learning, task: Task) -> Question:
    text = tried.question or ""
    with step(tried.step) if tried.step.strip() else nullcontext():
        keys = perform(learning.keys(ModelCall("", (Message("user", text),)), task))
    return Question(keys, features_of(cut(text)).odds, tried.scores, tried.costs)


class Rehearsal:
    """Questions in parts, each judged by what the other parts came to.

    Args:
        settings: the cheapest first.
        wary: whether calls about which too little is known go up (`when_unsure: think`, or `dear`).
    """

    def __init__(self, settings: Sequence[Setting], *, wary: bool) -> None:
        self._settings = tuple(settings)
        self._wary = wary

    def cases(self, questions: Sequence[Question]) -> list[Case]:
        """Each question with the chances that nine tenths of the questions, without it, give it; in the same order."""
        found: dict[int, Case] = {}
        for part in range(FOLDS):
            judge = self.learned([one for place, one in enumerate(questions) if place % FOLDS != part])
            for place in range(part, len(questions), FOLDS):
                found[place] = judge.case(questions[place])
        return [found[place] for place in range(len(questions))]

    def learned(self, questions: Sequence[Question]) -> Judge:
        """Who judges by these questions."""
        counts = counted(self._settings, ((one.keys, one.scores) for one in questions))
        return Judge(counts, self._settings, wary=self._wary)

    def held_out(self, questions: Sequence[Question], most: float, confidence: float = CONFIDENCE) -> list[int]:
        """The place of the setting that each question goes to with the threshold and the outcomes of the four fifths it
        is not in; in the same order.
        """
        found = [len(self._settings) - 1] * len(questions)
        for part in range(_HELD_OUT):
            rest = [one for place, one in enumerate(questions) if place % _HELD_OUT != part]
            step = loosest(self.cases(rest), most, confidence)
            judge = self.learned(rest)
            for place in range(part, len(questions), _HELD_OUT):
                found[place] = setting_at(judge.case(questions[place]), step.threshold if step else -1.0)
        return found


class Judge:
    """Gives questions their chances, by counts as a store would hold them."""

    def __init__(self, counts: Mapping[str, Mapping[str, Count]], settings: tuple[Setting, ...], *, wary: bool) -> None:
        self._counts = counts
        self._settings = settings
        self._wary = wary
        self._known: dict[tuple[tuple[str, ...], float], tuple[tuple[float, ...], ...]] = {}

    def case(self, question: Question) -> Case:
        """A question with the chances that counts give it: the bound that decides where too little is known."""
        kind = (question.keys, question.odds)
        chances = self._known.get(kind)
        if chances is None:
            chances = self._known[kind] = tuple(self._chances(question))
        return Case(chances, question.scores, question.costs)

    def _chances(self, question: Question) -> Iterator[tuple[float, ...]]:
        of_keys = [self._counts.get(key, {}) for key in question.keys]
        odds = (1.0, 1.0, question.odds)
        for place, cheap in enumerate(self._settings[:-1]):
            found = [estimate_of(of_keys, cheap, dear, question.keys, odds) for dear in self._settings[place + 1 :]]
            yield tuple(one.high if self._wary else one.low for one in found)
