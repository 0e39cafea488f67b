"""Cheap answers are checked in query engines and agents too, and what streams is held back until one is taken."""

# LlamaIndex leaves out type arguments:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import Any

import pytest
from llama_index.core import Document, SummaryIndex
from llama_index.core.agent.workflow import AgentStream, FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock

from leanloop import parse_budget
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM

STREAMING = pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "whole"])
RULES = """
agent: a
routes: {cheap: gpt-4.1-nano, frontier: gpt-4o, when_unsure: cheap, cascade: {gates: [good]}}
"""


def search(q: str) -> str:
    """Search."""
    return f"about {q}"


def asked_to_search(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
    if any(message.role == "tool" for message in messages):
        return ChatMessage(role="assistant", content="a good answer")
    call = ToolCallBlock(tool_call_id="c", tool_name="search", tool_kwargs={"q": "returns"})
    return ChatMessage(role="assistant", blocks=[call])


@pytest.fixture
def cheap() -> ScriptedLLM:
    return ScriptedLLM(script=["a bad answer"], model="gpt-4.1-nano")


def checking(cheap: ScriptedLLM, dear: ScriptedLLM, store: Any) -> LeanLoop:
    return LeanLoop(
        parse_budget(RULES),
        store=store,
        models={"gpt-4.1-nano": cheap, "gpt-4o": dear},
        checks={"good": lambda call, reply: "bad" not in reply.message.text},
    )


@STREAMING
def test_a_query_goes_up_and_shows_the_better_answer_alone(streaming: bool, cheap: ScriptedLLM, store: Any) -> None:
    dear = ScriptedLLM(script=["a good answer"], model="gpt-4o")
    index = SummaryIndex.from_documents([Document(text="30 days")])
    response: Any = (
        checking(cheap, dear, store).query_engine(index.as_query_engine(llm=dear, streaming=streaming)).query("when?")
    )
    assert ("".join(response.response_gen) if streaming else str(response)) == "a good answer"
    assert (len(cheap.seen), len(dear.seen)) == (1, 1)
    assert response.metadata["leanloop"]["model_calls"] == 2


@STREAMING
async def test_a_step_of_an_agent_goes_up(streaming: bool, cheap: ScriptedLLM, store: Any) -> None:
    dear = ScriptedLLM(script=asked_to_search, model="gpt-4o")
    agent: Any = FunctionAgent(tools=[search], llm=dear, streaming=streaming)
    handler = checking(cheap, dear, store).agent(agent).run(user_msg="when?")
    shown = [event.delta async for event in handler.stream_events() if isinstance(event, AgentStream)]
    result = await handler
    assert str(result) == "a good answer"
    assert "bad" not in "".join(shown)
    assert cheap.seen
    assert result["leanloop"]["model_calls"] == len(cheap.seen) + len(dear.seen)
