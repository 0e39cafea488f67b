"""An agent or a workflow of agents under a budget: each run is a task, and each way out of it lands."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from copy import copy
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

from leanloop.adapters.llama_index.answer import made_final
from leanloop.adapters.llama_index.cap import stop_before_cap
from leanloop.adapters.llama_index.guard import Guard
from leanloop.adapters.llama_index.llm import guarded
from leanloop.adapters.llama_index.place import Member, beginning, current_run, stepping
from leanloop.adapters.llama_index.steps import said, seen
from leanloop.adapters.llama_index.tool import guarded_tool, guarded_tools
from leanloop.errors import UsageError
from leanloop.plugins.drive_async import arun
from leanloop.plugins.landing_reserve import give_back
from leanloop.plugins.task import Task

__all__ = ["guarded_agent", "task_of"]

Agent = TypeVar("Agent", bound=BaseWorkflowAgent | AgentWorkflow)

_TASK = "leanloop_task"
"""Where a run's context keeps the id of its task, so that it goes on in it when it is stored and resumed."""

_LAST_STEPS = ("parse_agent_output", "aggregate_tool_results")
"""LlamaIndex's steps that end a run."""


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
    twin = copy(agent)
    kind = guard.kind(type(agent), methods)
    for name in _LAST_STEPS:
        if name not in kind.__dict__:
            setattr(kind, name, _with_receipt(getattr(type(agent), name)))
    object.__setattr__(twin, "__class__", kind)
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
        retriever = copy(cast("ObjectRetriever[BaseTool]", agent.tool_retriever))
        retriever.__class__ = guard.kind(type(retriever), _Retrieves)
        parts["tool_retriever"] = retriever
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
        run_id = kwargs["run_id"] = kwargs.get("run_id") or uuid.uuid4().hex
        # LlamaIndex's own default of 20 gives way to a limit on cycles; one that was asked for holds.
        if resumed is None and "cycles" in root.task.limited and not kwargs.get("max_iterations"):
            kwargs["max_iterations"] = sys.maxsize
        guard.runs.begin(run_id, root)
        try:
            with beginning(run_id, root.task):
                handler: WorkflowHandler[Any] = inner(*args, **kwargs)
        except BaseException:
            guard.runs.end(run_id, early=True)
            raise
        setattr(handler, _TASK, root.task)
        setattr(handler, "_leanloop_end", asyncio.create_task(_end(guard, run_id, root.task, handler)))  # noqa: B010
        return handler


async def _end(guard: Guard, run_id: str, task: Task, handler: WorkflowHandler[Any]) -> None:
    """When a run is over, however it ended, nothing stays set aside for its landing."""
    early = True
    try:
        await handler.stop_event_result()
        early = False
    except Exception:  # noqa: BLE001, S110  raised to whoever awaits the handler
        pass
    finally:
        for member in (task, *guard.runs.end(run_id, early=early)):
            await _give_back(member)


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
