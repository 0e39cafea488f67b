"""Routes: each call of an agent goes to the cheapest tier of models that is likely to do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from leanloop.budgets.budget import Budget
from leanloop.budgets.route_rules import RouteRules
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.cascade.climb import climb
from leanloop.plugins.cascade.terms import terms_of
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.first_look import first_look
from leanloop.plugins.flow import ModelFlow, Plugin
from leanloop.plugins.routing.accounts import Answer, decision_of, save
from leanloop.plugins.routing.choice import Choice, choose, is_valuable
from leanloop.plugins.routing.contradictions import contradictions
from leanloop.plugins.routing.fits import rungs_for
from leanloop.plugins.routing.health import Health
from leanloop.plugins.routing.ladder import Ladder
from leanloop.plugins.routing.privacy import local_models
from leanloop.plugins.routing.runs import Runs
from leanloop.plugins.routing.sessions import Key, Session, Sessions
from leanloop.plugins.routing.steadiness import costs_more, place_of, preferred
from leanloop.plugins.steps import Steps
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task

__all__ = ["HEALTH", "Routing"]

_log = logging.getLogger("leanloop")

HEALTH = Health()
"""What is known of the models of this process."""


class _Turn(NamedTuple):
    """One call on its way."""

    call: ModelCall
    task: Task
    rules: RouteRules
    ladder: Ladder
    key: Key
    session: Session | None


class Routing(Plugin):
    """Chooses the tier of each call of an agent, and the model in it (the file's `routes`).

    - Up goes what is likely to fail below, and what too little is known of; see `leanloop.plugins.routing.choice`.
    - A session stays in its tier. It rises for what is hard, or where an answer was not taken; it falls only where the
      rest of the task is expected to cost less so, the prompt prefix counted that the provider has cached.
    - From `falls_at` of any limit on calls go a tier down, unless that costs more.
    - Only models that may see the task, can read all of it and can do what it asks for are chosen from; one that fails
      or is slow is passed over.
    - With `cascade` answers of cheaper tiers are checked, and go up where they fail.

    Summaries, checks and thoughts are left to who asks for them; a landing stays with the model the session is with, or
    goes to a cheaper one where there is no room for that.

    Args:
        learning: knows how hard calls are.
        supplied: what the user brings of their own.
        health: which models are passed over; by default that of the process.
        clock: seconds, from any start.
    """

    def __init__(
        self,
        learning: Learning,
        supplied: Supplied | None = None,
        *,
        health: Health | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._learning = learning
        self._supplied = supplied or Supplied()
        self._health = health or HEALTH
        self._sessions = Sessions(clock)
        self._runs = Runs()
        self._told: RouteRules | None = None

    def idle(self, budget: Budget) -> bool:
        """Where the file names no routes."""
        return budget.routes is None

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Choose, make the call, and keep what came of it."""
        rules = task.rules.routes
        if rules is None or call.apart:
            reply: ModelReply = yield call
            return reply
        yield from first_look(task)
        self._tell_contradictions(task, rules)
        key = (task.agent, call.session or task.id, call.agent)
        session = self._sessions.of(key, rules.sticky)
        rungs = rungs_for(call, task, rules)
        if session is not None:
            rungs = preferred(rungs, session)
        ladder = Ladder(
            call, rungs, task=task, rules=rules, health=self._health, session=session, clock=self._sessions.clock
        )
        turn = _Turn(call, task, rules, ladder, key, session)
        if call.purpose == "landing":
            return (yield from self._landed(turn))
        return (yield from self._made(turn))

    def _tell_contradictions(self, task: Task, rules: RouteRules) -> None:
        """Once for each file: on the receipt of the task that is the first, and in the log."""
        if self._told is not rules:
            self._told = rules
            for said in contradictions(rules, task.prices):
                task.note(f"Routes: {said}.")
                _log.warning("Agent %s, routes: %s.", task.agent, said)

    def _landed(self, turn: _Turn) -> ModelFlow:
        ladder, session = turn.ladder, turn.session
        at = (place_of(session, ladder.every) if session is not None else None) or 0
        ladder.begin(at, at if is_valuable(turn.task, turn.rules) else 0)
        reply = yield from ladder.ask(ladder.rungs[0], turn.call)
        turn.task.latest_model = ladder.model
        return reply

    def _made(self, turn: _Turn) -> ModelFlow:
        call, task, rules, ladder = turn.call, turn.task, turn.rules, turn.ladder
        self._runs.begins(task)
        began = self._sessions.clock()

        cascade, terms = rules.cascade, None

        def checked() -> Steps[bool]:
            nonlocal terms
            if cascade is not None:
                terms = yield from terms_of(ladder, 0, cascade, task, self._learning.store_of(task.budget))
            return terms is not None

        choice = yield from choose(ladder.every, call, task, rules=rules, learning=self._learning, checked=checked)
        at = self._steady(turn, choice)
        ladder.begin(at, choice.least)
        if choice.checked and cascade is not None and choice.estimate is not None and len(ladder.rungs) > 1:
            if at:  # the terms were those of the cheapest tier
                terms = yield from terms_of(ladder, 0, cascade, task, self._learning.store_of(task.budget))
            climbed = yield from climb(
                ladder, terms, cascade, task, learning=self._learning, estimate=choice.estimate, supplied=self._supplied
            )
            answer = Answer(climbed.reply, climbed.rung, climbed.model, climbed.escalated)
        else:
            first = ladder.every[at - choice.least]
            reply = yield from ladder.ask(first, call)
            answer = Answer(reply, ladder.rung or first, ladder.model or call.model)
        yield from self._account(turn, choice._replace(explored=choice.explored and at == choice.at), answer, began)
        return answer.reply

    def _steady(self, turn: _Turn, choice: Choice) -> int:
        """The tier that was chosen, or the session's, or the one below where the budget runs out."""
        task, ladder, session, now = turn.task, turn.ladder, turn.session, self._sessions.clock()
        here = place_of(session, ladder.every) if session is not None else None

        def dear(at: int) -> bool:
            if session is None or here is None or at >= here:
                return False
            return costs_more(session, ladder.every[at], ladder, task, later=self._runs.later(task), now=now)

        at = choice.at
        failed = session is not None and session.failed_in == task.id
        if here is not None and here > at and (failed or dear(at)):
            at = here
        if at > choice.least and self._runs.falls(task, turn.rules) and not dear(at - 1):
            at -= 1
        return at

    def _account(self, turn: _Turn, choice: Choice, answer: Answer, began: float) -> Steps[None]:
        """Put on the receipt what was saved, keep the decision, and remember where the session is."""
        call, task, ladder, session = turn.call, turn.task, turn.ladder, turn.session
        reply, model, now = answer.reply, answer.model, self._sessions.clock()
        usage = ladder.usage_of(call, reply, model)
        other = None
        if local_models(task) is None:  # else the agent's own might not have been asked
            plain = model == call.model and ladder.asked == 1
            other = ladder.cost if plain else ladder.as_if(call.model, usage)
            save(task, model, call.model, cost=ladder.cost, other=other)
        if not task.degraded:
            task.latest_model = model
        if choice.estimate is not None and task.latest_model == model:  # else it went to another one, further in
            decision = decision_of(call, choice, answer, task=task, cost=ladder.cost, other=other, seconds=now - began)
            yield from self._learning.decided(decision, task)
        self._runs.answered(call, reply, task)
        kept = session or Session(answer.rung.tier, model, now)
        kept.answered(model, call.messages, usage, now)
        kept.tier, kept.model, kept.used = answer.rung.tier, model, now
        if answer.escalated:
            kept.failed_in = task.id
        self._sessions.keep(turn.key, kept)
