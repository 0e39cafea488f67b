"""The budget and the plugins around every guarded call, and which task a call belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import LLM

from leanloop.adapters.event_sinks import checked_otel, sinks_of
from leanloop.adapters.given import NeutralGiven, checked_budget
from leanloop.adapters.llama_index.covered import lands_elsewhere
from leanloop.adapters.llama_index.embedder import embedder_of
from leanloop.adapters.llama_index.findings import noting
from leanloop.adapters.llama_index.place import (
    Member,
    current_agent,
    current_run,
    current_scope,
    current_step,
    in_last_step,
)
from leanloop.adapters.llama_index.runs import Runs
from leanloop.adapters.llama_index.substitutes import Substitutes
from leanloop.adapters.llama_index.twins import Twins
from leanloop.budgets.budget import Budget
from leanloop.budgets.store import LedgerStore
from leanloop.plugins.alerts import Alerts, OnAlert
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.cache.embedder import Embedder
from leanloop.plugins.cache.ground import Grounds, SameAnswer
from leanloop.plugins.call import ModelCall, ToolCall
from leanloop.plugins.current import begin_task, current_task
from leanloop.plugins.events.sink import Redact, Sink
from leanloop.plugins.flow import ModelFlow, Plugin, ToolFlow
from leanloop.plugins.landing_reserve import without_hold
from leanloop.plugins.outcomes.store import OutcomeStore
from leanloop.plugins.scaffold.tool import CognitiveTool
from leanloop.plugins.stack import Stack
from leanloop.plugins.supplied import Answer, Check, Difficulty, RunCode, Supplied
from leanloop.plugins.task import Task

__all__ = ["Given", "Guard"]


class Given(NeutralGiven, total=False):
    """What `LeanLoop` takes beside its budget; see there."""

    models: Mapping[str, LLM] | None
    embedder: BaseEmbedding | Embedder | None


class Guard(Twins):
    """What the guarded twins of models, tools, engines and agents share.

    Args: those of `LeanLoop`.
    """

    def __init__(
        self,
        budget: Budget | None = None,
        *,
        plugins: Sequence[Plugin] = (),
        store: LedgerStore | None = None,
        models: Mapping[str, LLM] | None = None,
        on_alert: OnAlert | None = None,
        embedder: BaseEmbedding | Embedder | None = None,
        same_answer: SameAnswer | None = None,
        checks: Mapping[str, Check] | None = None,
        answers: Mapping[str, Answer] | None = None,
        difficulty: Difficulty | None = None,
        outcomes: OutcomeStore | None = None,
        cognitive_tools: Sequence[CognitiveTool] = (),
        run_code: RunCode | None = None,
        on_event: Sink | Sequence[Sink] = (),
        redact: Redact | None = None,
    ) -> None:
        super().__init__()
        self.has_own_budget = budget is not None
        self.budget = checked_budget(budget)
        reads = None if embedder is None else embedder_of(embedder)
        supplied = Supplied(
            checks=checks or {},
            answers=answers or {},
            difficulty=difficulty,
            outcomes=outcomes,
            embedder=reads,
            cognitive_tools=cognitive_tools,
            same_answer=same_answer,
            run_code=run_code,
            on_event=sinks_of(on_event),
            redact=redact,
            otel=checked_otel(self.budget),
        )
        self.stack = Stack(plugins, Grounds(reads, same_answer=same_answer), supplied)
        self.stack.check(self.budget)
        self.store = store
        self.substitutes = Substitutes(models)
        self._on_alert = Alerts(on_alert).hook  # checked before the first run
        self._given: Given = {
            "plugins": tuple(plugins),
            "store": store,
            "models": models,
            "on_alert": on_alert,
            "embedder": embedder,
            "same_answer": same_answer,
            "checks": checks,
            "answers": answers,
            "difficulty": difficulty,
            "outcomes": outcomes,
            "cognitive_tools": tuple(cognitive_tools),
            "run_code": run_code,
            "on_event": on_event,
            "redact": redact,
        }
        self.runs = Runs()

    def __reduce__(self) -> tuple[object, ...]:
        """What makes an equal one in another process; what is running stays behind."""
        return _revived, (type(self), self.budget if self.has_own_budget else None, self._given)

    def member(self) -> Member:
        """What a call made here belongs to: an agent's run, the current task, or a task of its own.

        The current task is shared where it is about this budget, or below one that is, or there is none of our own.
        """
        current, found = current_task(), self.runs.latest(current_run())
        if found is not None and (current is None or current is found.task or found.task not in current.lineage):
            return found
        if current is None or (self.has_own_budget and not current.serves(self.budget)):
            return Member(Task(self.budget, parent=current, store=self.store, on_alert=self._on_alert))
        return Member(current)

    def begin_task(
        self,
        task_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        value: Decimal | float | None = None,
    ) -> Task:
        """The task of an agent's run: the current one where it is about this budget and no run's yet, else a child.

        `value` is what it is worth, in US dollars.

        Raises:
            UsageError: the current task has another value for one of the tags.
        """
        return begin_task(
            self.budget, tags=tags, store=self.store, task_id=task_id, value=value, on_alert=self._on_alert
        )

    def task(self) -> Task:
        """The task a call made here belongs to."""
        return self.member().task

    def model_flow(self, call: ModelCall, member: Member) -> ModelFlow:
        """The flow of a model call of `member`, made here.

        Inside a tool of the agent whose task it is, or a query's, a call that does not fit raises: the agent or the
        query lands, not this call. An agent that landed in words is asked for its structured answer (`output_cls`)
        as well, where what is left of its budget can pay that.
        A task made for one call keeps nothing set aside when it is over.
        """
        scope, step = current_scope(), current_step()
        if scope is not None and scope.session:
            call = replace(call, session=scope.session)
        if step is not None and step.task is member.task:
            return self.stack.model_flow(replace(call, history=step.steps, agent=current_agent()), member.task)
        if in_last_step() and member.task.landed and member.task.budget.landing.tokens:
            return BudgetGuard().on_model(_last_answer(call, member.task), member.task)
        if member.task is not current_task():
            return without_hold(self.stack.model_flow(call, member.task), member.task)
        if lands_elsewhere():
            return noting(self.stack.part_flow(call, member.task), member.task)
        return self.stack.model_flow(call, member.task)

    def tool_flow(self, call: ToolCall, member: Member) -> ToolFlow:
        """The flow of a tool call of `member`."""
        return self.stack.tool_flow(call, member.task)


def _last_answer(call: ModelCall, task: Task) -> ModelCall:
    most = task.budget.landing.tokens + call.min_output
    return replace(call, purpose="landing", max_output=min(most, call.max_output or most))


def _revived(kind: type[Guard], budget: Budget | None, given: Given) -> Guard:
    return kind(budget, **given)
