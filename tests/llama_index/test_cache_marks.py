"""Where Anthropic is told to cache by LlamaIndex's own class, as it goes over the wire."""

# LlamaIndex's `run` is an overload of which the first is deprecated, and what is called by name has no type:
# pyright: reportDeprecated=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# mypy: disable-error-code="deprecated, index"
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import CacheControl, CachePoint, ChatMessage, TextBlock
from llama_index.core.tools import FunctionTool

import leanloop
from leanloop import Budget, Limit
from leanloop.adapters.llama_index import LeanLoop

LONG = "You are careful and say what you know. " * 700  # 4,096 tokens are the least of claude-haiku-4-5
MARK = {"type": "ephemeral"}
STREAMING = pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "whole"])


def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


def read(q: str) -> str:
    """Read."""
    return f"what {q} says"


def searching(steps: int) -> Callable[[dict[str, Any]], Any]:
    def reply(payload: dict[str, Any]) -> Any:
        asked = sum(message["role"] == "assistant" for message in payload["messages"])
        if asked >= steps or payload.get("tool_choice", {}).get("type") == "none":
            return "the answer"
        return {"id": f"c{asked}", "name": "search", "args": {"q": f"topic {asked}"}}

    return reply


def marks(payload: dict[str, Any]) -> list[str]:
    """Where breakpoints stand in what was sent."""
    found = [f"tool {offered['name']}" for offered in payload.get("tools", []) if "cache_control" in offered]
    system = payload.get("system")
    found += ["system" for block in system if "cache_control" in block] if isinstance(system, list) else []
    for number, message in enumerate(payload["messages"]):
        for block in message["content"]:
            assert "cache_control" not in str(block.get("content"))  # the API refuses it there
            if "cache_control" in block:
                assert block["cache_control"] == MARK
                found.append(f"{block['type']} in {number}")
    return found


def loop(store: Any, **budget: Any) -> LeanLoop:
    return LeanLoop(Budget.model_validate({"agent": "a", "unknown_model": "free", **budget}), store=store)


def ask(agent: Any) -> Any:
    async def running() -> Any:
        return await agent.run("Find out.")

    return asyncio.run(running())


@STREAMING
def test_each_step_of_an_agent_finds_what_the_one_before_has_written(
    streaming: bool, llm: Callable[..., Any], provider: Any, store: Any
) -> None:
    provider.reply = searching(3)
    own = llm("anthropic")
    client = own._client
    agent = FunctionAgent(llm=own, tools=[search, read], system_prompt=LONG, streaming=streaming)
    result = ask(loop(store).agent(agent))
    assert [marks(payload) for payload in provider.payloads] == [
        ["system", "text in 0"],
        ["system", "text in 0", "tool_result in 2"],
        ["system", "tool_result in 2", "tool_result in 4"],
        ["system", "tool_result in 4", "tool_result in 6"],
    ]
    assert provider.sent["system"][0]["text"] == LONG
    assert own._client is client
    assert result["leanloop"]["models"][0]["cached_input"] == 120


def test_long_tools_are_marked_by_themselves(llm: Callable[..., Any], provider: Any, store: Any) -> None:
    async def lookup(q: str) -> str:
        return q

    lookup.__doc__ = LONG
    agent = FunctionAgent(llm=llm("anthropic"), tools=[search, lookup], system_prompt="Be brief.")
    ask(loop(store, results=False).agent(agent))
    assert marks(provider.sent) == ["tool lookup", "system", "text in 0"]


def test_a_landing_only_reads(llm: Callable[..., Any], provider: Any, store: Any) -> None:
    provider.reply = searching(9)
    agent = FunctionAgent(llm=llm("anthropic"), tools=[search], system_prompt=LONG)
    ask(loop(store, limits=(Limit(cycles=3),)).agent(agent))
    assert provider.sent["tool_choice"] == {"type": "none"}
    assert marks(provider.sent) == ["system"]


@pytest.mark.parametrize("own", ["cache_idx", "extras", "header", "point"])
def test_marks_of_the_users_own_are_left_alone(own: str, llm: Callable[..., Any], provider: Any, store: Any) -> None:
    given_settings: dict[str, dict[str, Any]] = {
        "cache_idx": {"cache_idx": 0},
        "extras": {"additional_kwargs": {"extra_body": {"cache_control": MARK}}},
    }
    settings = given_settings.get(own, {})
    blocks = [TextBlock(text=LONG), *([CachePoint(cache_control=CacheControl(type="ephemeral"))] * (own == "point"))]
    kwargs = {"extra_headers": {"anthropic-beta": "prompt-caching-2024-07-31"}} if own == "header" else {}
    sent = []
    for guard in (None, loop(store, results=False)):
        given = llm("anthropic", **settings)
        model = given if guard is None else guard.llm(given)
        history = [ChatMessage(role="user", blocks=blocks)]
        with leanloop.task(Budget(agent="a", unknown_model="free"), store=store):
            for text in ("First.", "Then?"):
                model.chat_with_tools([FunctionTool.from_defaults(search)], chat_history=history, **kwargs)
                history = [*history, ChatMessage(role="user", content=text)]
        sent.append(provider.payloads[-1])
    assert sent[0] == sent[1]
    assert "cache_control" in str(sent[0])


def test_single_calls_are_not_marked_and_a_history_that_grows_is(
    llm: Callable[..., Any], provider: Any, store: Any
) -> None:
    guard = loop(store)
    model = guard.llm(llm("anthropic"))
    with leanloop.task(guard.budget, store=store):
        history = [ChatMessage(role="system", content=LONG), ChatMessage(role="user", content="?")]
        for number in range(3):
            model.chat(history)
            history = [*history, ChatMessage(role="user", content=f"And {number}?")]
        model.chat([history[0], ChatMessage(role="user", content="Something else.")])
    assert [marks(payload) for payload in provider.payloads] == [
        [],
        ["system", "text in 0"],
        ["system", "text in 0", "text in 0"],
        [],
    ]


def test_a_provider_that_caches_by_itself_is_told_nothing(llm: Callable[..., Any], provider: Any, store: Any) -> None:
    for guard in (None, loop(store, results=False)):
        agent = FunctionAgent(llm=llm("openai"), tools=[search], system_prompt=LONG)
        ask(agent if guard is None else guard.agent(agent))
    assert provider.payloads[0]["messages"] == provider.payloads[1]["messages"]
    assert provider.payloads[0]["tools"] == provider.payloads[1]["tools"]
