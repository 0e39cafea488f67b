"""Twins of agents and workflows of agents: every step draws from the budget, and every way out of one lands."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar, cast

from llama_index.core.agent.workflow import AgentWorkflow, BaseWorkflowAgent
from llama_index.core.agent.workflow.agent_context import AgentContext
from llama_index.core.agent.workflow.workflow_events import AgentOutput, ToolCallResult
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.memory import BaseMemory
from llama_index.core.tools import BaseTool
from llama_index.core.tools.types import AsyncBaseTool
from llama_index.core.workflow import Context

from leanloop.adapters.llama_index.final_answer import made_final
from leanloop.adapters.llama_index.guard import Guard
from leanloop.adapters.llama_index.llm import guarded
from leanloop.adapters.llama_index.max_iterations import land_before_cap
from leanloop.adapters.llama_index.place import Member, current_run, current_scope, stepping
from leanloop.adapters.llama_index.read_result import is_read_tool, read_tool, with_read_tool
from leanloop.adapters.llama_index.run import STEPS, GuardedRun
from leanloop.adapters.llama_index.steps import said, seen
from leanloop.adapters.llama_index.tool import guarded_tools
from leanloop.errors import UsageError
from leanloop.plugins.task import Task

__all__ = ["guarded_agent"]

Agent = TypeVar("Agent", bound=BaseWorkflowAgent | AgentWorkflow)


def guarded_agent(agent: Agent, guard: Guard) -> Agent:
    """A twin of `agent`, with its model and tools guarded; each run is a task, and its result carries the receipt.

    In an AgentWorkflow every agent is guarded, and draws from the one task of the run; an agent that was guarded
    by itself has its own budget below that.

    Raises:
        UsageError: `agent` is neither an agent nor an AgentWorkflow.
    """
    if isinstance(agent, GuardedRun):
        return agent
    if isinstance(agent, BaseWorkflowAgent):
        methods: type = _AgentTwin
    elif isinstance(cast("object", agent), AgentWorkflow):
        methods = _WorkflowTwin
    else:
        raise UsageError(f"agent() takes an agent of LlamaIndex or an AgentWorkflow, not {type(agent).__name__}.")
    kind = guard.kind(type(agent), methods)
    for name, wrapped in STEPS.items():
        if name not in kind.__dict__:
            setattr(kind, name, wrapped(getattr(type(agent), name)))
    twin = guard.twin(agent, methods)
    held = cast("dict[str, object]", twin.__dict__)
    held.update(_parts(agent, guard), _runtime_locked=False, _broker_config=None, _validation_result=None)
    twin.runtime.track_workflow(twin)
    return twin


def _parts(agent: BaseWorkflowAgent | AgentWorkflow, guard: Guard) -> dict[str, object]:
    """What of a twin is not shared with the original.

    An agent that has tools is given `read_result` as well; in a workflow every agent, since they share one memory.
    """
    if isinstance(agent, AgentWorkflow):
        agents = {name: guarded_agent(part, guard) for name, part in agent.agents.items()}
        if any(map(_has_tools, agents.values())):
            for name, part in agents.items():
                if part is not agent.agents[name]:  # else it is under another guard, which saw to it
                    held = vars(part)
                    held["tools"] = _with_read_tool(held["tools"] or (), guard)
        return {"agents": agents}
    given: Any = agent
    tools, retriever = cast("tuple[list[BaseTool] | None, object]", (given.tools, given.tool_retriever))
    parts: dict[str, object] = {"llm": guarded(agent.llm, guard)}
    parts["tools"] = _with_read_tool(tools or (), guard) if tools or retriever is not None else tools
    if retriever is not None:
        parts["tool_retriever"] = guard.twin(retriever, _Retrieves)
    return parts


def _has_tools(agent: Any) -> bool:
    return bool(agent.tools or agent.tool_retriever)


def _with_read_tool(tools: Sequence[Any], guard: Guard) -> list[BaseTool]:
    own = read_tool() if guard.budget.results is not None else None
    return guarded_tools(with_read_tool(cast("Sequence[BaseTool]", tools), own), guard)


class _Retrieves:
    """Guards the tools a retriever finds."""

    leanloop_: ClassVar[Guard]

    def retrieve(self, query: Any) -> list[BaseTool]:
        """Guarded."""
        inner: Any = getattr(super(), "retrieve")  # noqa: B009
        return guarded_tools(inner(query), self.leanloop_)

    async def aretrieve(self, query: Any) -> list[BaseTool]:
        """Guarded."""
        inner: Any = getattr(super(), "aretrieve")  # noqa: B009
        return guarded_tools(await inner(query), self.leanloop_)


class _TakesSteps:
    """Guards the methods of an agent that LlamaIndex calls by itself and within an AgentWorkflow alike."""

    leanloop_: ClassVar[Guard]
    name: str

    async def take_step(
        self, ctx: AgentContext, llm_input: list[ChatMessage], tools: Sequence[AsyncBaseTool], memory: BaseMemory
    ) -> AgentOutput:
        """Guarded."""
        inner: Any = getattr(super(), "take_step")  # noqa: B009
        member = self._member()
        await land_before_cap(ctx, member.task)
        member.task.readable = any(map(is_read_tool, tools))
        with stepping(member, self.name):
            output: AgentOutput = await inner(ctx, llm_input, tools, memory)
        scope = current_scope()
        if member.task.landed:
            output = await made_final(cast("BaseWorkflowAgent", self), ctx, output, member)
            if scope is not None:
                _ends_with(scope.root, member.task)
        member.steps += said(output, len(member.steps))
        if scope is None:  # nobody will see the end of this run
            await member.task.aclose()
        return output

    async def handle_tool_call_results(self, ctx: Context, results: list[ToolCallResult], memory: BaseMemory) -> None:
        """Guarded."""
        inner: Any = getattr(super(), "handle_tool_call_results")  # noqa: B009
        self._member().steps += seen(results)
        await inner(ctx, results, memory)

    def _member(self) -> Member:
        key, guard = current_run(), self.leanloop_
        if key is None:
            return Member(guard.begin_task())
        return guard.runs.of(key, self.name, lambda: _opened(guard, f"{key}\n{self.name}"))


class _AgentTwin(_TakesSteps, GuardedRun):
    """A guarded agent."""


class _WorkflowTwin(GuardedRun):
    """A guarded AgentWorkflow: the tools it adds by itself, to hand over, are guarded too."""

    async def get_tools(self, agent_name: str, input_str: str | None = None) -> Sequence[AsyncBaseTool]:
        """Guarded."""
        inner: Any = getattr(super(), "get_tools")  # noqa: B009
        return guarded_tools(await inner(agent_name, input_str), self.leanloop_)


def _ends_with(whole: Task, agent: Task) -> None:
    """The landing of an agent ends the run it is in, for the agent's reason."""
    if whole is not agent and agent.stopped is not None:
        whole.stop(agent.stopped)
        whole.begin_landing()


def _opened(guard: Guard, name: str) -> Member:
    """An agent's part of a run, closed with the run; its task has the same id when the run is resumed elsewhere."""
    task = guard.begin_task(uuid.uuid5(uuid.NAMESPACE_OID, name).hex)
    scope = current_scope()
    if scope is not None:
        scope.opened.append(task)
    return Member(task)
