"""One run of a guarded agent or workflow: the task it has, from its beginning to its end, however it ends."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from decimal import Decimal
from functools import wraps
from typing import Any, ClassVar, cast
from weakref import WeakKeyDictionary

from llama_index.core.agent.workflow.workflow_events import AgentOutput
from llama_index.core.workflow import Context, StopEvent
from workflows.handler import WorkflowHandler

from leanloop.adapters.llama_index.guard import Guard
from leanloop.adapters.llama_index.place import Member, Scope, beginning, current_scope, last_step
from leanloop.budgets.fields import shown
from leanloop.errors import UsageError
from leanloop.plugins.task import Task

__all__ = ["STEPS", "GuardedRun", "task_of"]

_TASK = "leanloop_task"
"""Where a run's context keeps the id of its task, so that it goes on in it when it is stored and resumed."""

_sessions: WeakKeyDictionary[object, str] = WeakKeyDictionary()
"""The conversations of the contexts that runs were given."""


class GuardedRun:
    """Guards `run` of an agent or a workflow."""

    leanloop_: ClassVar[Guard]

    def run(self, *args: Any, **kwargs: Any) -> WorkflowHandler:
        """Guarded. ``leanloop={"user": "u1", "value": 2.5}`` gives the run's task its tags and its worth in usd.

        A tag ``session`` names the conversation as well; else the `memory` or the `ctx` does that the run is given.
        """
        guard = self.leanloop_
        given = _about_run(kwargs.pop("leanloop", None))
        tags = {str(name): str(tag) for name, tag in given.items() if name != "value"}
        value = _worth(given.get("value"))
        inner: Any = getattr(super(), "run")  # noqa: B009
        resumed = _stored_task([*args, kwargs.get("ctx")])
        root = (guard.runs.earlier(resumed) if resumed else None) or Member(guard.begin_task(resumed, tags, value))
        task = root.task
        # LlamaIndex's own default of 20 gives way to a limit on cycles; one that was asked for holds.
        if resumed is None and "cycles" in task.limited and not kwargs.get("max_iterations"):
            kwargs["max_iterations"] = sys.maxsize
        run_id = kwargs["run_id"] = kwargs.get("run_id") or uuid.uuid4().hex
        scope = Scope(run_id, task, session=tags.get("session") or _session([*args, kwargs.get("ctx")], kwargs))
        guard.runs.begin(root)
        try:
            with beginning(scope):
                handler: WorkflowHandler = inner(*args, **kwargs)
        except BaseException:
            guard.runs.end(task.id, early=True)
            raise
        setattr(handler, _TASK, task)
        setattr(handler, "_leanloop_end", asyncio.ensure_future(_end(guard, scope, handler)))  # noqa: B010
        return handler


def task_of(handler: WorkflowHandler) -> Task:
    """The task of a guarded run: its receipt while it goes on, and after it failed.

    Raises:
        UsageError: the run is not one of a guarded agent or workflow.
    """
    task: object = getattr(handler, _TASK, None)
    if not isinstance(task, Task):
        raise UsageError("task_of() takes the handler of a guarded agent's run; guard the agent: loop.agent(agent).")
    return task


async def _end(guard: Guard, scope: Scope, handler: WorkflowHandler) -> None:
    """When a run is over, however it ended, nothing stays set aside for its landing."""
    early = True
    try:
        await handler.stop_event_result()
        early = False
    except Exception:  # noqa: BLE001, S110  raised to whoever awaits the handler
        pass
    finally:
        guard.runs.end(scope.root.id, early=early)
        for task in (scope.root, *scope.opened):
            await task.aclose()


def _session(given: Sequence[object], kwargs: Mapping[str, object]) -> str:
    """What names the conversation: the memory that a run is given, or the context that it goes on with."""
    memory: object = getattr(kwargs.get("memory"), "session_id", None)
    if isinstance(memory, str):
        return memory
    for part in given:
        if isinstance(part, Context):
            return _sessions.setdefault(cast("Any", part), uuid.uuid4().hex)
    return ""


def _about_run(given: object) -> Mapping[str, object]:
    if given is None or isinstance(given, Mapping):
        return cast("Mapping[str, object]", given or {})
    raise UsageError(
        f"What leanloop is told of a run must be a mapping of tags, not {shown(given)}: "
        'agent.run(user_msg="...", leanloop={"user": "u1"}).'
    )


def _worth(value: object) -> Decimal | float | None:
    if value is None or (isinstance(value, Decimal | float | int) and not isinstance(value, bool)):
        return value
    raise UsageError(
        f"The value of a run must be a number of US dollars, not {shown(value)}: "
        'agent.run(user_msg="...", leanloop={"value": 2.5}).'
    )


def _stored_task(given: Sequence[object]) -> str | None:
    """The id of the task of a run that was stored in its midst and is about to be resumed by its context."""
    for part in given:
        if isinstance(part, Context) and part.is_running:
            context = cast("Any", part)
            waiting: Coroutine[object, None, object] = context.store.get(_TASK, default=None)
            try:
                waiting.send(None)  # the state of what has not begun is in memory: there is nothing to wait for
            except StopIteration as done:
                return cast("str | None", done.value)
            waiting.close()
    return None


Step = Callable[..., Awaitable[object]]


def _first_step(step: Step) -> Step:
    """The step that sets a run up, which also notes the run's task in its context."""

    @wraps(step)
    async def init_run(self: GuardedRun, ctx: Context, *args: Any, **kwargs: Any) -> object:
        event = await step(self, ctx, *args, **kwargs)
        scope = current_scope()
        if scope is not None:
            await ctx.store.set(_TASK, scope.root.id)
            scope.max_iterations, scope.steps = await ctx.store.get("max_iterations", default=None), 0
        return event

    return init_run


def _last_step(step: Step) -> Step:
    """A step that may end a run, whose result then carries the receipt."""

    @wraps(step)
    async def ending(self: GuardedRun, *args: Any, **kwargs: Any) -> object:
        with last_step():
            event = await step(self, *args, **kwargs)
        result: object = event.result if isinstance(event, StopEvent) else None
        scope = current_scope() if isinstance(result, AgentOutput) else None
        if scope is not None:
            cast("AgentOutput", result)["leanloop"] = scope.root.receipt().as_dict()
        return event

    return ending


STEPS: Mapping[str, Callable[[Step], Step]] = {
    "init_run": _first_step,
    "parse_agent_output": _last_step,
    "aggregate_tool_results": _last_step,
}
"""The steps of LlamaIndex's agents and workflows that begin or may end a run, and what is put around them."""
