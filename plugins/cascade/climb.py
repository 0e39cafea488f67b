"""Cheap first: an answer is checked, and where a gate does not pass it, the next tier is asked."""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from leanloop.budgets.route_rules import CascadeRules
from leanloop.errors import StoreError, TaskStopped
from leanloop.plugins.alerts import Alert
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.cascade.candidate import Candidate
from leanloop.plugins.cascade.judge import check_gates, judge, judge_plainly
from leanloop.plugins.cascade.learned import learned
from leanloop.plugins.cascade.standing import Call, Standing
from leanloop.plugins.cascade.terms import Terms, terms_of, told_off, turn_off
from leanloop.plugins.cascade.verdict import Verdict
from leanloop.plugins.difficulty.estimate import Estimate
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.drive_stream import shown
from leanloop.plugins.flow import Io
from leanloop.plugins.routing.failure import failure_of
from leanloop.plugins.routing.ladder import Ladder
from leanloop.plugins.routing.rung import Rung
from leanloop.plugins.steps import Steps
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task

__all__ = ["Climbed", "climb", "pays"]

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


@dataclass(frozen=True, slots=True)
class _Rejected:
    """An answer that was not taken; `spent` is what it and its checks cost, in nano-dollars."""

    terms: Terms
    candidate: Candidate
    rung: Rung
    verdict: Verdict
    spent: int
    asks: int
    dear: int


def pays(ladder: Ladder, rules: CascadeRules, task: Task, learning: Learning) -> Steps[bool]:
    """Whether the answers of the first rung are to be asked for and checked; why not is said once."""
    terms = yield from _terms(ladder, 0, rules, task, learning)
    _offered[ladder] = ladder.rungs[:2], terms
    return terms is not None


_offered: WeakKeyDictionary[Ladder, tuple[tuple[Rung, ...], Terms | None]] = WeakKeyDictionary()
"""The terms that were found for a call, until it is made."""


def climb(
    ladder: Ladder, rules: CascadeRules, task: Task, learning: Learning, *, estimate: Estimate, supplied: Supplied
) -> Generator[Io[Any] | ModelCall, Any, Climbed]:
    """Ask the first rung, check, go up. The stream is held back of answers that may not be taken.

    Where an answer was not taken and nothing better can be had (the budget has no room, the models of the tiers above
    fail), it is given after all, with a note, unless it cannot be used. A first rung for which it does not pay to check
    is asked as it is.

    Raises:
        UsageError: the file names a gate that nobody knows.
        Exception: no model of any rung answers.
    """
    check_gates(rules, supplied)
    rungs, first = _offered.pop(ladder, ((), None))
    if rungs != ladder.rungs[:2]:  # the routes chose another tier to begin with
        first = yield from _terms(ladder, 0, rules, task, learning)
    return (yield from _Climb(ladder, rules, task, learning, estimate, supplied).up(first))


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
        level, rejected, best = 0, None, None
        while True:
            rung, call = ladder.rungs[level], ladder.call
            asked = call
            if at is not None or best is not None:
                asked = replace(call, hold_stream=at is not None or call.hold_stream, final=call.final and best is None)
            before, count = ladder.cost or 0, ladder.asked
            try:
                reply: ModelReply = yield from ladder.ask(rung, asked, down=rejected is None)
            except BaseException as error:
                if rejected is not None:
                    yield from self._count(rejected, None)
                if best is None or task.stopped is not None or not _passing(error):
                    raise
                task.note("An answer that a gate had not passed was given, since no better one could be had.")
                return Climbed(
                    best.candidate.reply, best.rung, best.candidate.call.model, escalated=False, passed=False
                )
            spent = (ladder.cost or 0) - before
            if rejected is not None:
                yield from self._count(rejected, spent)
                yield from self._compare(rejected, reply)
                rejected = None
            rung = ladder.rung or rung
            made = _made_with(call, ladder.model or rung.models[0])
            level = max(level, ladder.rungs.index(rung) if rung in ladder.rungs else level)
            if at is None or level + 1 >= len(ladder.rungs) or rung not in ladder.rungs:
                return Climbed(reply, rung, made.model, escalated=level > 0, passed=False)
            candidate = Candidate(made, reply, ladder, at.rules, self.supplied, task)
            dear = _as_if(ladder, made, reply, at.dear)
            verdict = yield from judge(candidate)
            spent, asks = (ladder.cost or 0) - before, _asks(at, ladder.asked - count)
            rejected = _Rejected(at, candidate, rung, verdict, spent, asks, dear)
            if verdict.outcome == "passed":
                yield from self._keep(rejected, dear - spent, dear, escalated=False)
                yield from learned(self.learning, self.estimate, candidate, verdict, None, task=task)
                return Climbed(reply, rung, made.model, escalated=level > 0, passed=True)
            _log.debug("An answer of %s is not taken: %s", made.model, verdict.why)
            if verdict.outcome == "unknown":
                task.note(f"An answer of {made.model} went up unjudged: {verdict.why}.")
            best = best if verdict.hard else rejected
            level += 1
            at = yield from _terms(ladder, level, self.rules, task, self.learning)
            while at is None and level + 1 < len(ladder.rungs):  # an answer that nobody checks is no better
                level += 1

    def _count(self, rejected: _Rejected, dear: int | None) -> Steps[None]:
        """What the answer that went up has cost, beside what the next tier's did."""
        yield from self._keep(rejected, -rejected.spent, dear or rejected.dear, escalated=True)

    def _keep(self, of: _Rejected, saved: int, dear: int, *, escalated: bool) -> Steps[None]:
        terms, task = of.terms, self.task
        store = self.learning.store_of(task.budget)
        share = saved / terms.unit
        usage = of.candidate.reply.usage
        made = Call(saved, share, dear, escalated, of.asks, usage.output if usage else 0)
        played = terms.stakes.play(share)
        after = terms.standing.after(made, played)
        try:
            yield Io(store.add, store.aadd, terms.standing.added(made, played))
            if after.loses(terms.rules.trial):
                yield from turn_off(terms.standing, store)
                _tell_off(terms, after, task)
        except StoreError:
            task.note("What the cascade has saved could not be kept.")

    def _compare(self, rejected: _Rejected, reply: ModelReply) -> Steps[None]:
        """What the gates that cost nothing say of the next tier's answer."""
        call = _made_with(self.ladder.call, self.ladder.model or rejected.terms.dear)
        verdict = judge_plainly(self.rules, call, reply)
        yield from learned(
            self.learning, self.estimate, rejected.candidate, rejected.verdict, (call, verdict), task=self.task
        )


def _terms(ladder: Ladder, level: int, rules: CascadeRules, task: Task, learning: Learning) -> Steps[Terms | None]:
    if level + 1 >= len(ladder.rungs):
        return None
    pair = f"{ladder.rungs[level].models[0]}>{ladder.rungs[level + 1].models[0]}"

    def silenced(reason: str, said: str) -> None:
        _tell(task, f"{pair} {reason}", said)

    store = learning.store_of(task.budget)
    return (yield from terms_of(ladder, level, rules, task, store=store, silenced=silenced))


def _passing(error: BaseException) -> bool:
    """Whether an answer that is there may be given instead: nothing was shown of a better one, and nobody erred."""
    if not isinstance(error, Exception) or shown(error):
        return False
    return isinstance(error, TaskStopped) or failure_of(error) != "other"


def _made_with(call: ModelCall, model: str) -> ModelCall:
    return call if model == call.model else replace(call, model=model, provider=None)


def _asks(terms: Terms, made: int) -> int:
    """How often the cheaper model was asked, of the calls that were made."""
    return made if "agreement" in terms.rules.gates and terms.rules.second is None else 1


def _as_if(ladder: Ladder, call: ModelCall, reply: ModelReply, dear: str) -> int:
    """What the same tokens would have cost with the dearer model, in nano-dollars; 0 where they were none."""
    price = ladder.price(dear)
    return price.cost(ladder.usage_of(call, reply)) if price is not None else 0


def _tell(task: Task, what: str, said: str) -> None:
    message = f"Agent {task.agent}: {said}"
    if task.alerts.first(task.store, f"task:{task.id}", "cascade", what):
        task.note(said[:1].upper() + said[1:])
    if task.alerts.first(task.store, f"agent={task.agent}", "cascade", what):
        task.alerts.tell(Alert("cascade", message, task.agent, task.id), logging.WARNING)


def _tell_off(terms: Terms, after: Standing, task: Task) -> None:
    why = "which is not known to be more than chance" if after.saved > 0 else "and is known to lose or not to save"
    said = f"{told_off(after, terms.cheap, terms.dear)}, {why}."
    _tell(task, f"{after.key} turned off {after.turn}", said)
