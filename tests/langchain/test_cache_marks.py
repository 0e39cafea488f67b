"""Where Anthropic is told to cache, as it goes over the wire."""

# what is sent has no type, and bind_tools is partly untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from typing import Any

import pytest
from langchain.agents.middleware import AgentMiddleware
from langchain_anthropic import ChatAnthropic
from langchain_anthropic.middleware import AnthropicPromptCachingMiddleware
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

import leanloop
from leanloop import Budget, Landing, Limit
from leanloop.adapters.langchain import LeanLoop, wrap

LONG = "You are careful and say what you know. " * 200
MARK = {"type": "ephemeral"}


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


@tool
def read(q: str) -> str:
    """Read."""
    return f"what {q} says"


def claude(provider: Any, **settings: Any) -> ChatAnthropic:
    return ChatAnthropic(
        model_name="claude-sonnet-5",
        base_url=provider.url,
        api_key=SecretStr("none"),
        max_retries=0,
        timeout=None,
        stop=None,
        **settings,
    )


def searching(steps: int) -> Any:
    """Searches so often, then answers."""

    def reply(payload: dict[str, Any]) -> tuple[int, Any]:
        asked = sum(message["role"] == "assistant" for message in payload["messages"])
        if asked >= steps or payload.get("tool_choice") == {"type": "none"}:
            return 200, "the answer"
        return 200, {"id": f"c{asked}", "name": "search", "args": {"q": f"topic {asked}"}}

    return reply


def marks(payload: dict[str, Any]) -> list[str]:
    """Where breakpoints stand in what was sent."""
    found = [f"tool {offered['name']}" for offered in payload.get("tools", []) if "cache_control" in offered]
    system = payload.get("system")
    found += ["system" for block in system if "cache_control" in block] if isinstance(system, list) else []
    for number, message in enumerate(payload["messages"]):
        content = message["content"]
        for block in content if isinstance(content, list) else []:
            assert "cache_control" not in str(block.get("content"))  # the API refuses it there
            if "cache_control" in block:
                assert block["cache_control"] == MARK
                found.append(f"{block['type']} in {number}")
    return found


def loop(store: Any, **budget: Any) -> LeanLoop:
    return LeanLoop(Budget.model_validate({"agent": "a", "unknown_model": "free", **budget}), store=store)


def test_each_step_of_an_agent_finds_what_the_one_before_has_written(
    run: Any, provider: Any, create_agent: Any, store: Any
) -> None:
    provider.reply = searching(3)
    agent = create_agent(claude(provider), [search, read], system_prompt=LONG, middleware=[loop(store)])
    run(agent, {"messages": [HumanMessage("Find out.")]})
    assert [marks(payload) for payload in provider.payloads] == [
        ["system", "text in 0"],
        ["system", "text in 0", "tool_result in 2"],
        ["system", "tool_result in 2", "tool_result in 4"],
        ["system", "tool_result in 4", "tool_result in 6"],
    ]


def test_long_tools_are_marked_by_themselves_and_stay_as_the_user_made_them(
    run: Any, provider: Any, create_agent: Any, store: Any
) -> None:
    long = search.model_copy(update={"description": LONG})
    agent = create_agent(
        claude(provider), [read, long], system_prompt="Be brief.", middleware=[loop(store, results=False)]
    )
    run(agent, {"messages": [HumanMessage("Find out.")]})
    assert marks(provider.payloads[0]) == ["tool search", "system", "text in 0"]
    assert long.extras is None


def test_the_stored_history_holds_no_mark(run: Any, provider: Any, create_agent: Any, store: Any) -> None:
    provider.reply = searching(2)
    agent = create_agent(claude(provider), [search], system_prompt=LONG, middleware=[loop(store)])
    result = run(agent, {"messages": [HumanMessage("Find out.")]})
    assert "cache_control" not in repr(result["messages"])
    assert [message.content for message in result["messages"] if message.type == "tool"] == [
        f"something about topic {number}" for number in range(2)
    ]


def test_a_landing_only_reads(run: Any, provider: Any, create_agent: Any, store: Any) -> None:
    provider.reply = searching(9)
    guarded = loop(store, limits=(Limit(cycles=3),), landing=Landing(tokens=700))
    agent = create_agent(claude(provider), [search], system_prompt=LONG, middleware=[guarded])
    run(agent, {"messages": [HumanMessage("Find out.")]})
    assert provider.payloads[-1]["tool_choice"] == {"type": "none"}
    assert marks(provider.payloads[-1]) == ["system"]


@pytest.mark.parametrize("own", ["middleware", "setting", "model", "message", "system", "tool"])
def test_marks_of_the_users_own_are_left_alone(
    own: str, run: Any, provider: Any, create_agent: Any, store: Any
) -> None:
    block = {"type": "text", "text": LONG, "cache_control": MARK}
    system: Any = SystemMessage([block]) if own == "system" else LONG
    question = HumanMessage([block]) if own == "message" else HumanMessage("Find out.")
    tools = [search.model_copy(update={"extras": {"cache_control": MARK}})] if own == "tool" else [search]
    middleware: list[AgentMiddleware[Any, Any, Any]] = [AnthropicPromptCachingMiddleware()] * (own == "middleware")
    model = claude(provider, **({"model_kwargs": {"cache_control": MARK}} if own == "model" else {}))
    if own == "setting":
        middleware = [Sets()]
    for guard in ([], [loop(store, results=False)]):
        agent = create_agent(model, tools, system_prompt=system, middleware=[*middleware, *guard])
        run(agent, {"messages": [question]})
    assert provider.payloads[0] == provider.payloads[1]
    assert "cache_control" in str(provider.payloads[0])


class Sets(AgentMiddleware[Any, Any, Any]):
    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return handler(request.override(model_settings={"cache_control": MARK}))

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        return await handler(request.override(model_settings={"cache_control": MARK}))


def test_a_provider_that_caches_by_itself_is_told_nothing(
    run: Any, provider: Any, create_agent: Any, store: Any
) -> None:
    model = ChatOpenAI(model="gpt-4o-mini", base_url=f"{provider.url}/v1", api_key=SecretStr("none"), max_retries=0)
    for guard in ([], [loop(store, results=False)]):
        agent = create_agent(model, [search], system_prompt=LONG, middleware=guard)
        run(agent, {"messages": [HumanMessage("Find out.")]})
    assert provider.payloads[0] == provider.payloads[1]


def test_single_calls_of_a_wrapped_model_are_not_marked_and_loops_by_hand_are(
    run: Any, provider: Any, store: Any
) -> None:
    budget = Budget(agent="a", unknown_model="free")
    with leanloop.task(budget, store=store):
        model: Any = wrap(claude(provider)).bind_tools([read.model_copy(update={"description": LONG}), search])
        history = [SystemMessage("Be brief."), HumanMessage("?")]
        run(model, history)
        run(model, [SystemMessage("Be brief."), HumanMessage("Something else.")])
        call = {"name": "search", "args": {"q": "a"}, "id": "c1"}
        run(model, [*history, AIMessage("", tool_calls=[call]), ToolMessage("found", tool_call_id="c1")])
    assert [marks(payload) for payload in provider.payloads] == [
        [],
        [],
        ["tool search", "system", "tool_result in 2"],
    ]


def test_shuffled_tools_go_out_in_one_order(run: Any, provider: Any, create_agent: Any, store: Any) -> None:
    provider.reply = searching(3)
    agent = create_agent(claude(provider), [search, read], middleware=[Shuffles(), loop(store, results=False)])
    run(agent, {"messages": [HumanMessage("Find out.")]})
    orders = {tuple(offered["name"] for offered in payload["tools"]) for payload in provider.payloads}
    assert len(provider.payloads) == 4
    assert len(orders) == 1


class Shuffles(AgentMiddleware[Any, Any, Any]):
    """Turns the tools around before each second call."""

    def _turned(self, request: Any) -> Any:
        turned = len(request.messages) // 2 % 2 == 1
        return request.override(tools=request.tools[::-1]) if turned else request

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return handler(self._turned(request))

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        return await handler(self._turned(request))


def test_a_clock_in_the_system_prompt_is_sent_behind_the_history(
    run: Any, provider: Any, create_agent: Any, store: Any
) -> None:
    provider.reply = searching(2)
    guarded = loop(store, prefix={"volatile": "behind"})
    agent = create_agent(claude(provider), [search], middleware=[Clock(), guarded])
    run(agent, {"messages": [HumanMessage("Find out.")]})
    systems = [payload["system"][0]["text"] for payload in provider.payloads]
    assert systems == [f"{LONG}\nIt is [see the end]."] * 3
    texts = [
        block["text"]
        for message in provider.payloads[-1]["messages"]
        for block in message["content"]
        if "text" in block
    ]
    assert [text for text in texts if "[system prompt]" in text] == [
        "[system prompt] It is 12:01.",
        "[system prompt] From here on:\nIt is 12:03.",
        "[system prompt] From here on:\nIt is 12:05.",
    ]


class Clock(AgentMiddleware[Any, Any, Any]):
    def _timed(self, request: Any) -> Any:
        now = f"{LONG}\nIt is 12:0{len(request.messages)}."
        return request.override(system_message=SystemMessage(now))

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return handler(self._timed(request))

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        return await handler(self._timed(request))
