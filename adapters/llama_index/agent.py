"""An agent or a workflow of agents under a budget: each run is a task, and each way out of it lands."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import wraps
from typing import Any, ClassVar, TypeVar, cast

from llama_index.core.agent.workflow import AgentWorkflow, BaseWorkflowAgent
from llama_index.core.agent.workflow.agent_context import AgentContext
from llama_index.core.agent.workflow.workflow_events import AgentOutput, ToolCallResult
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.memory import BaseMemory
from llama_index.core.objects import ObjectRetriever
from llama_index.core.tools import BaseTool
from llama_index.core.tools.types import AsyncBaseTool
from llama_index.core.workflow import Context, StopEvent
from workflows.handler import WorkflowHandler

from leanloop.adapters.llama_index.final_answer import made_final
from leanloop.adapters.llama_index.guard import Guard
from leanloop.adapters.llama_index.llm import guarded
from leanloop.adapters.llama_index.max_iterations import land_before_cap
from leanloop.adapters.llama_index.place import Member, Scope, beginning, current_run, current_scope, stepping
from leanloop.adapters.llama_index.steps import said, seen
from leanloop.adapters.llama_index.tool import guarded_tools
from leanloop.errors import UsageError
from leanloop.plugins.task import Task

__all__ = ["guarded_agent", "task_of"]

Agent = TypeVar("Agent", bound=BaseWorkflowAgent | AgentWorkflow)

_TASK = "leanloop_task"
"""Where a run's context keeps the id of its task, so that it goes on in it when it is stored and resumed."""


def guarded_agent(agent: Agent, guard: Guard) -> Agent:
    """A twin of `agent`, with its model and tools guarded; each run is a task, and its result carries the receipt.

    In an AgentWorkflow every agent is guarded, and draws from the one task of the run; an agent that was guarded
    by itself has its own budget below that.

    Raises:
        UsageError: `agent` is neither an agent nor an AgentWorkflow.
    """
    if isinstance(agent, _Runs):
        return agent
    if isinstance(agent, BaseWorkflowAgent):
        methods: type = _AgentTwin
    elif isinstance(cast("object", agent), AgentWorkflow):
        methods = _WorkflowTwin
    else:
        raise UsageError(f"agent() takes an agent of LlamaIndex or an AgentWorkflow, not {type(agent).__name__}.")
    kind = guard.kind(type(agent), methods)
    for name, wrapped in _STEPS.items():
        if name not in kind.__dict__:
            setattr(kind, name, wrapped(getattr(type(agent), name)))
    twin = guard.twin(agent, methods)
    twin.__dict__.update(_parts(agent, guard), _runtime_locked=False, _broker_config=None, _validation_result=None)
    twin.runtime.track_workflow(twin)
    return cast("Agent", twin)


def task_of(handler: WorkflowHandler[Any]) -> Task:
    """The task of a guarded run: its receipt while it goes on, and after it failed.

    Raises:
        UsageError: the run is not one of a guarded agent or workflow.
    """
    task: object = getattr(handler, _TASK, None)
    if not isinstance(task, Task):
        raise UsageError("task_of() takes the handler of a guarded agent's run; guard the agent: loop.agent(agent).")
    return task


def _parts(agent: BaseWorkflowAgent | AgentWorkflow, guard: Guard) -> dict[str, object]:
    """What of a twin is not shared with the original."""
    if isinstance(agent, AgentWorkflow):
        return {"agents": {name: guarded_agent(part, guard) for name, part in agent.agents.items()}}
    tools = cast("list[BaseTool] | None", agent.tools)
    parts: dict[str, object] = {"llm": guarded(agent.llm, guard)}
    parts["tools"] = None if tools is None else guarded_tools(tools, guard)
    if agent.tool_retriever is not None:
        parts["tool_retriever"] = guard.twin(cast("ObjectRetriever[BaseTool]", agent.tool_retriever), _Retrieves)
    return parts


class _Retrieves:
    """Guards the tools a retriever finds."""

    leanloop_: ClassVar[Guard]

    def retrieve(self, query: Any) -> list[BaseTool]:
        inner: Any = getattr(super(), "retrieve")  # noqa: B009
        return guarded_tools(inner(query), self.leanloop_)

    async def aretrieve(self, query: Any) -> list[BaseTool]:
        inner: Any = getattr(super(), "aretrieve")  # noqa: B009
        return guarded_tools(await inner(query), self.leanloop_)


class _Runs:
    """Guards `run`."""

    leanloop_: ClassVar[Guard]

    def run(self, *args: Any, **kwargs: Any) -> WorkflowHandler[Any]:
        guard = self.leanloop_
        inner: Any = getattr(super(), "run")  # noqa: B009
        context = next((part for part in (*args, kwargs.get("ctx")) if isinstance(part, Context)), None)
        resumed = _stored_task(context)
        root = (guard.runs.earlier(resumed) if resumed else None) or Member(guard.begin_task(resumed))
        task = root.task
        # LlamaIndex's own default of 20 gives way to a limit on cycles; one that was asked for holds.
        if resumed is None and "cycles" in task.limited and not kwargs.get("max_iterations"):
            kwargs["max_iterations"] = sys.maxsize
        run_id = kwargs["run_id"] = kwargs.get("run_id") or uuid.uuid4().hex
        scope = Scope(run_id, task)
        guard.runs.begin(root)
        try:
            with beginning(scope):
                handler: WorkflowHandler[Any] = inner(*args, **kwargs)
        except BaseException:
            guard.runs.end(task.id, early=True)
            raise
        setattr(handler, _TASK, task)
        setattr(handler, "_leanloop_end", asyncio.ensure_future(_end(guard, scope, handler)))  # noqa: B010
        return handler


class _TakesSteps:
    """Guards the methods of an agent that LlamaIndex calls by itself and within an AgentWorkflow alike."""

    leanloop_: ClassVar[Guard]
    name: str

    async def take_step(
        self, ctx: AgentContext, llm_input: list[ChatMessage], tools: Sequence[AsyncBaseTool], memory: BaseMemory
    ) -> AgentOutput:
        inner: Any = getattr(super(), "take_step")  # noqa: B009
        member = self._member()
        await land_before_cap(ctx, member.task)
        with stepping(member):
            output: AgentOutput = await inner(ctx, llm_input, tools, memory)
        if member.task.landed:
            output = await made_final(cast("BaseWorkflowAgent", self), ctx, output, member)
        member.steps += said(output, len(member.steps))
        if current_scope() is None:  # nobody will see the end of this run
            await _give_back(member.task)
        return output

    async def handle_tool_call_results(self, ctx: Context, results: list[ToolCallResult], memory: BaseMemory) -> None:
        inner: Any = getattr(super(), "handle_tool_call_results")  # noqa: B009
        self._member().steps += seen(results)
        await inner(ctx, results, memory)

    def _member(self) -> Member:
        key, guard = current_run(), self.leanloop_
        if key is None:
            return Member(guard.begin_task())
        return guard.runs.of(key, self.name, lambda: _opened(guard, f"{key}\n{self.name}"))


class _AgentTwin(_TakesSteps, _Runs):
    """A guarded agent."""


class _WorkflowTwin(_Runs):
    """A guarded AgentWorkflow: the tools it adds by itself, to hand over, are guarded too."""

    async def get_tools(self, agent_name: str, input_str: str | None = None) -> Sequence[AsyncBaseTool]:
        inner: Any = getattr(super(), "get_tools")  # noqa: B009
        return guarded_tools(await inner(agent_name, input_str), self.leanloop_)


def _opened(guard: Guard, name: str) -> Member:
    """An agent's part of a run, closed with the run; its task has the same id when the run is resumed elsewhere."""
    task = guard.begin_task(uuid.uuid5(uuid.NAMESPACE_OID, name).hex)
    scope = current_scope()
    if scope is not None:
        scope.opened.append(task)
    return Member(task)


Step = Callable[..., Awaitable[object]]


def _first_step(step: Step) -> Step:
    """The step that sets a run up, which also notes the run's task in its context."""

    @wraps(step)
    async def init_run(self: _Runs, ctx: Context, *args: Any, **kwargs: Any) -> object:
        event = await step(self, ctx, *args, **kwargs)
        scope = current_scope()
        if scope is not None:
            await ctx.store.set(_TASK, scope.root.id)
        return event

    return init_run


def _last_step(step: Step) -> Step:
    """A step that may end a run, whose result then carries the receipt."""

    @wraps(step)
    async def last_step(self: _Runs, *args: Any, **kwargs: Any) -> object:
        event = await step(self, *args, **kwargs)
        scope = current_scope()
        if scope is not None and isinstance(event, StopEvent):
            result: object = event.result
            if isinstance(result, AgentOutput):
                result["leanloop"] = scope.root.receipt().as_dict()
        return event

    return last_step


_STEPS: Mapping[str, Callable[[Step], Step]] = {
    "init_run": _first_step,
    "parse_agent_output": _last_step,
    "aggregate_tool_results": _last_step,
}


async def _end(guard: Guard, scope: Scope, handler: WorkflowHandler[Any]) -> None:
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
            await _give_back(task)


async def _give_back(task: Task) -> None:
    hold = task.take_hold()
    if hold is not None:
        await task.store.arelease(hold)


def _stored_task(context: Context | None) -> str | None:
    """The id of the task of a run that was stored in its midst and is about to be resumed."""
    if context is None or not context.is_running:
        return None
    waiting: Coroutine[object, None, object] = context.store.get(_TASK, default=None)
    try:
        waiting.send(None)  # a context that has not begun keeps its state in memory: there is nothing to wait for
    except StopIteration as done:
        return cast("str | None", done.value)
    waiting.close()
    return None
