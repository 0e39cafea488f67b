"""What tools give to real agents counts for what was decided, in both frameworks, and so does what is said."""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import StructuredTool, ToolException
from llama_index.core.agent.workflow import FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool

import leanloop
from leanloop import Budget, ModelCall, ModelReply, Plugin, Task
from leanloop.adapters import langchain, llama_index
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.llama_index.scripted import ScriptedLLM
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.flow import ModelFlow
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.signals import FAILED, WELL
from leanloop.plugins.supplied import Supplied

BUDGET = Budget.model_validate({"agent": "support", "thinking": True})


class Decides(Plugin):
    """Keeps a decision about each call, as thinking and routes do."""

    def __init__(self, store: MemoryOutcomes) -> None:
        self._learning = Learning(Supplied(outcomes=store))

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        reply: ModelReply = yield call
        made = Decision(uuid.uuid4().hex, task.id, task.agent, 1.0, "routes", ("agent=support",), "mini")
        yield from self._learning.decided(made, task)
        return reply


def search(q: str) -> str:
    """Finds it only the second time."""
    if q == "first":
        raise ToolException("nothing is there")
    return "found"


def langchain_agent(store: MemoryOutcomes) -> Any:
    def script(messages: list[Any], settings: dict[str, Any]) -> AIMessage:
        done = sum(message.type == "tool" for message in messages)
        if done == 2:
            return AIMessage("so")
        return AIMessage(
            "", tool_calls=[{"name": "search", "args": {"q": ("first", "second")[done]}, "id": f"c{done}"}]
        )

    tool = StructuredTool.from_function(search, handle_tool_error=True)
    lean = langchain.LeanLoop(BUDGET, plugins=[Decides(store)])
    return create_agent(ScriptedModel(script=script), [tool], middleware=[lean])


def in_langchain(store: MemoryOutcomes) -> None:
    langchain_agent(store).invoke({"messages": [("user", "go")]})


def in_langchain_awaited(store: MemoryOutcomes) -> None:
    asyncio.run(langchain_agent(store).ainvoke({"messages": [("user", "go")]}))


def in_function_agent(store: MemoryOutcomes) -> None:
    def script(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatResponse:
        done = sum(message.role is MessageRole.TOOL for message in messages)
        calls = [] if done == 2 else [("first", "second")[done]]
        blocks = [ToolCallBlock(tool_call_id=f"c{done}", tool_name="search", tool_kwargs={"q": q}) for q in calls]
        text = TextBlock(text="" if calls else "so")
        return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, blocks=[text, *blocks]))

    made = FunctionAgent(llm=ScriptedLLM(script=script), tools=[FunctionTool.from_defaults(search)])
    _run(made, store)


def in_react_agent(store: MemoryOutcomes) -> None:
    def script(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatResponse:
        done = sum("Observation:" in (message.content or "") for message in messages if message.role != "system")
        said = "Thought: I know.\nAnswer: so"
        if done < 2:
            said = f'Thought: I look.\nAction: search\nAction Input: {{"q": "{("first", "second")[done]}"}}'
        return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=said))

    made = ReActAgent(llm=ScriptedLLM(script=script), tools=[FunctionTool.from_defaults(search)])
    _run(made, store)


def _run(made: Any, store: MemoryOutcomes) -> None:
    agent = llama_index.LeanLoop(BUDGET, plugins=[Decides(store)]).agent(made)

    async def run() -> None:
        await agent.run("go")

    asyncio.run(run())


@pytest.mark.parametrize("run", [in_langchain, in_langchain_awaited, in_function_agent, in_react_agent])
def test_steps_count_and_what_is_said_takes_their_place(run: Callable[[MemoryOutcomes], None]) -> None:
    store = MemoryOutcomes()
    with leanloop.task(BUDGET) as task:
        run(store)
    made = store.of_task(task.id)
    assert [one.inferred for one in made] == [(FAILED, 0), (WELL, WELL), (0, 0)]
    [counts] = store.counts(["agent=support"])
    assert counts["mini"][:2] == pytest.approx((FAILED + WELL, WELL))
    assert leanloop.outcome(task.receipt().task, True, store=store) == 3
    [counts] = store.counts(["agent=support"])
    assert counts["mini"][:2] == pytest.approx((1, 1))
