"""Asks every question with every setting, several at once, under the budget, and keeps each answer as it comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field

from leanloop.adapters.cli.evaluate_arms import EvaluationArm
from leanloop.budgets.fields import shown
from leanloop.errors import BudgetExceeded, StoreError, UsageError
from leanloop.plugins.current import task
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.difficulty.step import step
from leanloop.plugins.receipt import Receipt
from leanloop.plugins.task import Task
from leanloop.plugins.trial.checks import Compare, compared
from leanloop.plugins.trial.comparison import Answered
from leanloop.plugins.trial.questions import AskedOf
from leanloop.plugins.trial.results_file import Result, ResultsFile

__all__ = ["Evaluation", "checks_for", "evaluated"]


@dataclass
class Evaluation:
    """What has come of it.

    Attributes:
        answered: by setting and question.
        errors: what went wrong, with how often.
        notes: what a setting could not do as asked, one sentence each.
        spent: nano-dollars, now; what was answered before is not paid again.
        kept: answers that were there before.
        stopped: why not all questions were asked; None where they were.
    """

    answered: dict[str, dict[str, Answered]] = field(default_factory=dict[str, dict[str, Answered]])
    errors: dict[str, int] = field(default_factory=dict[str, int])
    notes: dict[str, None] = field(default_factory=dict[str, None])
    spent: int = 0
    kept: int = 0
    stopped: str | None = None


def evaluated(
    arms: Sequence[EvaluationArm],
    questions: Iterable[AskedOf],
    check_of: Callable[[AskedOf], Compare],
    results: ResultsFile,
    *,
    at_once: int,
) -> Evaluation:
    """Ask each question with each setting, those of one question beside each other; as many at once as is said.

    A limit of the budget that has no room for more than the one question (of the day, of a user) ends it.

    Raises:
        UsageError: results are of other questions.
    """
    asking = _Asking(arms, check_of, results, at_once)
    with ThreadPoolExecutor(at_once, thread_name_prefix="evaluate") as pool:
        for asked in questions:
            for arm in arms:
                if not asking.knows(asked, arm) and not asking.stop.is_set():
                    asking.room.acquire()
                    pool.submit(asking.run, asked, arm)
    if asking.failure is not None:
        raise asking.failure
    return asking.found


class _Asking:
    """What the threads share."""

    def __init__(
        self,
        arms: Sequence[EvaluationArm],
        check_of: Callable[[AskedOf], Compare],
        results: ResultsFile,
        at_once: int,
    ) -> None:
        self.found = Evaluation(answered={arm.setting: {} for arm in arms})
        self.stop = threading.Event()
        self.room = threading.Semaphore(at_once * 2)  # so that a set is read as it is asked, and not at once
        self.failure: BaseException | None = None
        self._ask = {arm.setting: arm.model.under(arm.budget) for arm in arms}
        self._check_of, self._results = check_of, results
        self._lock = threading.Lock()

    def knows(self, asked: AskedOf, arm: EvaluationArm) -> bool:
        """Whether it was answered before, which then counts."""
        known = self._results.known_of(asked, arm.setting)
        if known is not None:
            with self._lock:
                self.found.kept += 1
                self.found.answered[arm.setting][asked.id] = Answered(known.score, known.cost, known.seconds)
        return known is not None

    def run(self, asked: AskedOf, arm: EvaluationArm) -> None:
        """Ask it; what goes wrong here and not in the call is raised where the questions come from."""
        try:
            if not self.stop.is_set():
                self._run(asked, arm)
        except BaseException as error:  # noqa: BLE001  see above
            self.stop.set()
            self.failure = self.failure or error
        finally:
            self.room.release()

    def _run(self, asked: AskedOf, arm: EvaluationArm) -> None:
        result, opened = _answer(asked, arm, self._ask[arm.setting], self._check_of(asked))
        with self._lock:
            if isinstance(result, str):
                self.stop.set()
                self.found.stopped = self.found.stopped or result
                return
            _count(self.found, result, opened.receipt())
            self._results.add(result)


def _answer(asked: AskedOf, arm: EvaluationArm, ask: Callable[[str], str], check: Compare) -> tuple[Result | str, Task]:
    """What came of it; as a text why nothing more may be asked."""
    score: float | None = None
    given, error = "", None
    with task(arm.budget, tags=asked.tags) as opened, step(asked.step) if asked.step.strip() else nullcontext():
        begun = time.perf_counter()
        try:
            given = ask(asked.question)
        except BudgetExceeded as refused:
            if refused.scope != "this task":
                return refused.reason, opened
            error = f"BudgetExceeded: {refused.reason}"
        except StoreError as failed:
            return str(failed), opened
        except Exception as failed:  # noqa: BLE001  whatever the model's client raises
            error = f"{type(failed).__name__}: {failed}"
        seconds = time.perf_counter() - begun
    if error is None:
        error = _other_effort(arm, opened)
    if error is None:
        try:
            score = compared(check, given, asked.answer)
        except UsageError as failed:
            error = str(failed)
    cost = _cost(opened.receipt())
    return Result(asked, arm.setting, score, error, cost, round(seconds, 4), given), opened


def _other_effort(arm: EvaluationArm, opened: Task) -> str | None:
    """Why it was not asked with the effort that its setting names, so that nothing is said of what was not tried."""
    wanted = Setting.read(arm.setting).effort
    if wanted is None:
        return None
    made = [one for store in opened.made.stores for one in store.of_task(opened.id) if one.by == "thinking"]
    efforts = {effort for one in made if (effort := Setting.read(one.setting).effort) is not None}
    if efforts - {wanted}:
        return f"{arm.model.name} cannot be asked for the effort {wanted}; the nearest it knows is {efforts.pop()}."
    if not made and wanted != "none":
        return f"{arm.model.name} cannot be asked for the effort {wanted}, as far as its integration says."
    return None


def _cost(receipt: Receipt) -> int | None:
    """What a task cost; None where a price is not known, or no use was reported."""
    costs = [use.cost for use in receipt.models]
    return None if not costs or None in costs else sum(filter(None, costs))


def _count(found: Evaluation, result: Result, receipt: Receipt) -> None:
    found.answered[result.setting][result.asked.id] = Answered(result.score, result.cost, result.seconds)
    found.spent += result.cost or 0
    found.notes.update(dict.fromkeys(f"{result.setting}: {note}" for note in receipt.notes))
    if result.error is not None:
        kind = f"{result.setting}: {result.error[:160]}"
        found.errors[kind] = found.errors.get(kind, 0) + 1


def checks_for(named: Mapping[str, Compare], default: str) -> Callable[[AskedOf], Compare]:
    """Which check a question has: its own, else `default`.

    Raises:
        UsageError: from what it gives, for a question with a check that is not named.
    """

    def check_of(asked: AskedOf) -> Compare:
        name = asked.check or default
        if name not in named:
            known = ", ".join(named)
            raise UsageError(
                f"The question {shown(asked.id)} names the check {shown(name)}, which is none of {known}. A function "
                "of your own is named by --check MODULE:FUNCTION; then rows can name it."
            )
        return named[name]

    return check_of
