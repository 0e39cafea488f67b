"""The thinking gate on every framework: the same calls, the same efforts, the same receipt."""

# create_agent's own annotations lack type arguments, and what LlamaIndex's `run` gives has no type:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportDeprecated=false
# mypy: disable-error-code="deprecated, index"
from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import StructuredTool
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool

from leanloop import Budget, Limit, MemoryStore, ModelCall, parse_budget
from leanloop.adapters import langchain, llama_index
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.llama_index.scripted import ScriptedLLM
from leanloop.budgets.degrade_step import Effort
from leanloop.plugins.outcomes.memory import MemoryOutcomes

EFFORTS: tuple[Effort, ...] = ("none", "low", "medium", "high")


def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


@dataclass
class Seen:
    """The effort of each call, in turn; None where none was asked for."""

    efforts: list[object] = field(default_factory=list[object])
    receipt: Mapping[str, Any] = field(default_factory=dict[str, Any])


Judge = Callable[[ModelCall], float]
Run = Callable[[Budget, Judge, tuple[Effort, ...], int], Seen]


def langchain_agent(budget: Budget, judge: Judge, efforts: tuple[Effort, ...], rounds: int, seen: Seen) -> Any:
    def script(messages: list[Any], settings: dict[str, Any]) -> AIMessage:
        seen.efforts.append(settings.get("reasoning_effort"))
        done = sum(message.type == "tool" for message in messages)
        if done >= rounds or settings.get("tool_choice") == "none" or not settings.get("tools"):
            return AIMessage("done")
        return AIMessage("", tool_calls=[{"name": "search", "args": {"q": f"w{done}"}, "id": f"c{done}"}])

    profile: Any = {"reasoning_effort_levels": list(efforts)} if efforts else {}
    loop = langchain.LeanLoop(budget, store=MemoryStore(), difficulty=judge, outcomes=MemoryOutcomes())
    return create_agent(
        ScriptedModel(script=script, profile=profile), [StructuredTool.from_function(search)], middleware=[loop]
    )


def langchain_whole(budget: Budget, judge: Judge, efforts: tuple[Effort, ...], rounds: int) -> Seen:
    seen = Seen()
    result = langchain_agent(budget, judge, efforts, rounds, seen).invoke({"messages": [HumanMessage("go")]})
    seen.receipt = result["messages"][-1].response_metadata["leanloop"]
    return seen


def langchain_streamed(budget: Budget, judge: Judge, efforts: tuple[Effort, ...], rounds: int) -> Seen:
    seen = Seen()
    made = langchain_agent(budget, judge, efforts, rounds, seen)

    async def run() -> Any:
        return [part async for part in made.astream({"messages": [HumanMessage("go")]}, stream_mode="values")][-1]

    seen.receipt = asyncio.run(run())["messages"][-1].response_metadata["leanloop"]
    return seen


def llama_index_run(budget: Budget, judge: Judge, efforts: tuple[Effort, ...], rounds: int, *, streaming: bool) -> Seen:
    seen = Seen()

    def script(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
        seen.efforts.append(settings.get("reasoning_effort"))
        done = sum(message.role is MessageRole.TOOL for message in messages)
        blocks: list[Any] = [ToolCallBlock(tool_call_id=f"c{done}", tool_name="search", tool_kwargs={"q": f"w{done}"})]
        if done >= rounds or settings.get("tool_choice") == "none" or not settings.get("tools"):
            blocks = [TextBlock(text="done")]
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks)

    tools: list[Any] = [FunctionTool.from_defaults(search)]
    agent = FunctionAgent(llm=ScriptedLLM(script=script, efforts=efforts), tools=tools, streaming=streaming)
    guarded = llama_index.LeanLoop(budget, store=MemoryStore(), difficulty=judge, outcomes=MemoryOutcomes()).agent(
        agent
    )

    async def run() -> Any:
        return await guarded.run("go")

    seen.receipt = asyncio.run(run())["leanloop"]
    return seen


RUNS: Mapping[str, Run] = {
    "langchain, whole": langchain_whole,
    "langchain, streamed": langchain_streamed,
    "llama_index, whole": partial(llama_index_run, streaming=False),
    "llama_index, streamed": partial(llama_index_run, streaming=True),
}


def budget(thinking: str, *limits: Limit) -> Budget:
    return parse_budget(f"agent: a\nloop: off\nthinking: {thinking}", environ={}).model_copy(update={"limits": limits})


def hard(call: ModelCall) -> float:
    """Only what reads the second result."""
    return 0.9 if sum(message.role == "tool" for message in call.messages) == 2 else 0.1


@dataclass(frozen=True)
class Scenario:
    thinking: str
    judge: Judge
    efforts: list[object]
    knows: tuple[Effort, ...] = EFFORTS
    limits: tuple[Limit, ...] = ()
    notes: int = 0


SCENARIOS = {
    "hard calls think": Scenario("{above: 0.5}", hard, ["none", "none", "high", "none"]),
    "all think": Scenario("{above: 0.5}", lambda call: 1.0, ["high"] * 4),
    "a phase has an effort of its own": Scenario(
        "{above: 0.5, phases: {plan: medium, result: low}}", hard, ["medium", "low", "low", "low"]
    ),
    "the nearest that the model knows": Scenario(
        "{above: 0.5, effort: max, below: minimal}", hard, ["low", "low", "high", "low"], ("low", "high"), notes=1
    ),
    "a model that knows none is left alone": Scenario("{above: 0.5}", hard, [None] * 4, (), notes=1),
    "a model that knows one is left alone": Scenario("{above: 0.5}", hard, [None] * 4, ("low",), notes=1),
    "a landing goes on as the calls before it": Scenario(
        "{above: 0.5}", lambda call: 1.0, ["high"] * 2, limits=(Limit(cycles=2),)
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_framework_asks_for_the_same_efforts(name: str) -> None:
    scenario = SCENARIOS[name]
    ran = {
        one: run(budget(scenario.thinking, *scenario.limits), scenario.judge, scenario.knows, 3)
        for one, run in RUNS.items()
    }
    assert {one: seen.efforts for one, seen in ran.items()} == dict.fromkeys(ran, scenario.efforts)
    for seen in ran.values():
        assert sum(use["calls"] for use in seen.receipt["models"]) == len(scenario.efforts)
    told = [[note for note in seen.receipt["notes"] if "effort" in note] for seen in ran.values()]
    assert [len(notes) for notes in told] == [scenario.notes] * 4
    assert all(notes == told[0] for notes in told)
    savings = [[(one["plugin"], one["calls"]) for one in seen.receipt["savings"]] for seen in ran.values()]
    assert all(one == savings[0] for one in savings)
