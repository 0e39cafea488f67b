"""Cheap first: an answer is checked, and where a gate does not pass it, the next tier is asked."""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from leanloop.budgets.cascade_rules import CascadeRules
from leanloop.errors import TaskStopped
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.cascade.attempt import Attempt, settle
from leanloop.plugins.cascade.candidate import Candidate
from leanloop.plugins.cascade.judge import check_gates, judge, judge_plainly
from leanloop.plugins.cascade.learned import learned
from leanloop.plugins.cascade.terms import Terms, terms_of
from leanloop.plugins.difficulty.estimate import Estimate
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.drive_stream import shown
from leanloop.plugins.flow import Io
from leanloop.plugins.routing.failure import failure_of
from leanloop.plugins.routing.ladder import Ladder
from leanloop.plugins.routing.rung import Rung
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task

__all__ = ["Climbed", "climb"]

_log = logging.getLogger("leanloop")


@dataclass(frozen=True, slots=True)
class Climbed:
    """What a climb came to.

    Attributes:
        reply: the answer that was taken.
        rung, model: whose it is.
        escalated: an answer of a cheaper tier was not taken.
        passed: it passed the gates; the dearest tier's is taken as it comes.
    """

    reply: ModelReply
    rung: Rung
    model: str
    escalated: bool
    passed: bool


def climb(
    ladder: Ladder,
    terms: Terms | None,
    rules: CascadeRules,
    task: Task,
    *,
    learning: Learning,
    estimate: Estimate,
    supplied: Supplied,
) -> Generator[Io[Any] | ModelCall, Any, Climbed]:
    """Ask the first rung, check, go up. The stream is held back of answers that may not be taken.

    Where an answer was not taken and nothing better can be had (the budget has no room, the models of the tiers above
    fail), it is given after all, with a note, unless it cannot be used.

    Args:
        ladder: the tiers, the first of which is asked first.
        terms: on which its answer is; None where it is taken unchecked.
        rules: the file's.
        task: whose call it is.
        learning: what the gates say is learned from.
        estimate: of how hard the call is.
        supplied: the user's own checks.

    Raises:
        UsageError: the file names a gate that nobody knows.
        Exception: no model of any rung answers.
    """
    check_gates(rules, supplied)
    return (yield from _Climb(ladder, rules, task, learning, estimate, supplied).up(terms))


@dataclass(frozen=True, slots=True)
class _Climb:
    """One call on its way up."""

    ladder: Ladder
    rules: CascadeRules
    task: Task
    learning: Learning
    estimate: Estimate
    supplied: Supplied

    def up(self, at: Terms | None) -> Generator[Io[Any] | ModelCall, Any, Climbed]:
        """The answer that is taken; `at` are the terms on which that of the first rung is."""
        ladder, task = self.ladder, self.task
        store = self.learning.store_of(task.budget)
        level, below, best = 0, None, None
        while True:
            before, count = ladder.cost or 0, ladder.asked
            try:
                reply = yield from self._asked(level, checked=at is not None, below=below, last=best is None)
            except Exception as error:
                if best is None or task.stopped is not None or not _passing(error):
                    raise
                task.note("An answer that a gate had not passed was given, since no better one could be had.")
                kept = best.candidate
                return Climbed(kept.reply, best.rung, kept.call.model, escalated=False, passed=False)
            rung = ladder.rung or ladder.rungs[level]
            made = _made_with(ladder.call, ladder.model or rung.models[0])
            known = rung in ladder.rungs
            level = max(level, ladder.rungs.index(rung)) if known else level
            if at is None or level + 1 >= len(ladder.rungs) or not known:
                return Climbed(reply, rung, made.model, escalated=level > 0, passed=False)
            candidate = Candidate(made, reply, ladder, at.rules, self.supplied, task)
            verdict = yield from judge(candidate)
            spent, calls = (ladder.cost or 0) - before, ladder.asked - count
            below = Attempt.of(at, candidate, rung, verdict, spent=spent, calls=calls)
            if verdict.outcome == "passed":
                yield from settle(below, store)
                yield from learned(self.learning, self.estimate, candidate, verdict, None, task=task)
                return Climbed(reply, rung, made.model, escalated=level > 0, passed=True)
            self._rejected(below)
            best = best if verdict.hard else below
            level += 1
            at = yield from terms_of(ladder, level, self.rules, task, store)
            if at is None:  # an answer that nobody checks is no better
                level = len(ladder.rungs) - 1

    def _asked(
        self, level: int, *, checked: bool, below: Attempt | None, last: bool
    ) -> Generator[Io[Any] | ModelCall, Any, ModelReply]:
        """The answer of a rung; what the attempt below it has come to is counted, however that ends."""
        ladder, call, learning, task = self.ladder, self.ladder.call, self.learning, self.task
        store, before = learning.store_of(task.budget), ladder.cost or 0
        if checked or not last:
            call = call.but(hold_stream=checked or call.hold_stream, final=call.final and last)
        try:
            reply: ModelReply = yield from ladder.ask(ladder.rungs[level], call, down=below is None)
        except BaseException:
            if below is not None:
                yield from settle(below, store)
            raise
        if below is not None:
            yield from settle(below, store, (ladder.cost or 0) - before)
            answered = _made_with(ladder.call, ladder.model or below.terms.dear)
            told = answered, judge_plainly(self.rules, answered, reply)
            yield from learned(learning, self.estimate, below.candidate, below.verdict, told, task=task)
        return reply

    def _rejected(self, attempt: Attempt) -> None:
        model, verdict = attempt.candidate.call.model, attempt.verdict
        _log.debug("An answer of %s is not taken: %s", model, verdict.why)
        if verdict.outcome == "unknown":
            self.task.note(f"An answer of {model} went up unjudged: {verdict.why}.")


def _passing(error: Exception) -> bool:
    """Whether an answer that is there may be given instead: nothing was shown of a better one, and nobody erred."""
    return not shown(error) and (isinstance(error, TaskStopped) or failure_of(error) != "other")


def _made_with(call: ModelCall, model: str) -> ModelCall:
    return call if model == call.model else call.but(model=model, provider=None)
