"""What a budget's `thinking` comes to in LangChain: agents and wrapped models, real classes, a local provider."""

# Classes called by name, and what is private to the adapter:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents.middleware.types import ModelResponse
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from local_provider import Provider
from pydantic import BaseModel, SecretStr
from refused import refused

import leanloop
from leanloop import (
    Budget,
    MemoryStore,
    Message,
    ModelCall,
    ModelFlow,
    ModelReply,
    ModelUnavailable,
    Plugin,
    parse_budget,
)
from leanloop.adapters.langchain import LeanLoop, wrap
from leanloop.adapters.langchain.abilities import abilities_of
from leanloop.adapters.langchain.chat import ChatChunks, chat_reply
from leanloop.adapters.langchain.messages import Transcript
from leanloop.adapters.langchain.model_reply import reply_of
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.langchain.thinking import forces
from leanloop.plugins.outcomes.memory import MemoryOutcomes

KEY = SecretStr("none")
LIMITS = "limits: [{cycles: 20}]"


@tool
def look_up(word: str) -> str:
    """Look a word up."""
    return word


class Answer(BaseModel):
    """The answer."""

    text: str


def budget(thinking: str, limits: str = LIMITS, more: str = "") -> Budget:
    text = f"agent: a\nloop: off\nresults: off\nthinking: {thinking}\n{limits}\n{more}"
    return parse_budget(text, environ={})


def anthropic(wire: Provider, model: str = "claude-haiku-4-5", **settings: Any) -> ChatAnthropic:
    given: dict[str, Any] = {"max_tokens": 20_000, **settings}
    return ChatAnthropic(
        model_name=model, base_url=wire.url, api_key=KEY, max_retries=0, timeout=None, stop=None, **given
    )


def openai(wire: Provider, model: str = "gpt-5", **settings: Any) -> ChatOpenAI:
    return ChatOpenAI(model=model, base_url=f"{wire.url}/v1", api_key=KEY, max_retries=0, **settings)


def asks(payload: dict[str, Any]) -> str | dict[str, Any]:
    """Looks a word up twice in each turn, having thought where it may."""
    parts = [message["content"] for message in payload["messages"]]
    turn = next(n for n, content in enumerate(reversed(parts)) if "tool_result" not in str(content) and n % 2 == 0)
    if payload.get("tool_choice") == {"type": "none"} or turn >= 4:
        return "done"
    said: dict[str, Any] = {"id": f"c{len(parts)}", "name": "look_up", "args": {"word": "a"}}
    return said | ({"thought": "hm"} if payload.get("thinking", {}).get("type") in {"enabled", "adaptive"} else {})


def kinds(wire: Provider) -> list[str]:
    return [payload.get("thinking", {}).get("type", "off") for payload in wire.payloads]


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-opus-4-8", "claude-opus-5"])
def test_a_turn_is_thought_about_to_its_end_and_the_next_is_decided_anew(
    wire: Provider, create_agent: Any, model: str
) -> None:
    chances: Iterator[float] = iter([0.9, 0.0])
    wire.reply = asks
    loop = LeanLoop(budget("{effort: low}"), difficulty=lambda _: next(chances))
    agent = create_agent(anthropic(wire, model), [look_up], middleware=[loop], checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t"}}
    for text in ("first", "second"):
        agent.invoke({"messages": [HumanMessage(text)]}, config)
    on = "enabled" if model == "claude-haiku-4-5" else "adaptive"
    off = "disabled" if model == "claude-opus-5" else "off"
    assert kinds(wire) == [on] * 3 + [off] * 3
    assert [refused("anthropic", payload) for payload in wire.payloads] == [[]] * 6
    assert wire.sent["messages"][1]["content"][0]["signature"] == "signed"


@pytest.mark.parametrize("chance", [0.9, 0.0], ids=["thinks", "does not"])
def test_a_turn_that_goes_on_in_another_process_stays_as_it_began(
    wire: Provider, create_agent: Any, chance: float
) -> None:
    wire.reply = asks
    saver, config = InMemorySaver(), {"configurable": {"thread_id": "t"}}

    def agent(judge: float) -> Any:
        loop = LeanLoop(budget("{effort: high}"), store=MemoryStore(), difficulty=lambda _: judge)
        own = anthropic(wire)
        return create_agent(own, [look_up], middleware=[loop], checkpointer=saver, interrupt_before=["tools"])

    agent(chance).invoke({"messages": [HumanMessage("go")]}, config)
    agent(0.9 - chance).invoke(None, config)
    assert kinds(wire) == ["enabled" if chance else "off"] * 2
    assert [refused("anthropic", payload) for payload in wire.payloads] == [[], []]


def test_a_landing_in_a_turn_that_thinks_goes_on_thinking(wire: Provider, create_agent: Any) -> None:
    wire.reply = asks
    loop = LeanLoop(budget("{effort: high}", "limits: [{cycles: 3, tokens: 60_000}]"), difficulty=lambda _: 0.9)
    agent = create_agent(anthropic(wire), [look_up], middleware=[loop])
    result = agent.invoke({"messages": [HumanMessage("go")]})
    assert result["messages"][-1].text == "done"
    landing = wire.sent
    assert landing["thinking"] == {"type": "enabled", "budget_tokens": 1_024}
    assert landing["tool_choice"] == {"type": "none"}
    assert [refused("anthropic", payload) for payload in wire.payloads] == [[]] * 3


@pytest.mark.parametrize("make", [openai, anthropic])
def test_what_the_model_does_anyway_is_sent_as_if_there_were_no_gate(
    wire: Provider, create_agent: Any, make: Any
) -> None:
    own = make(wire)
    rules = "{effort: medium, below: low}" if make is openai else "{effort: low, below: none}"
    for text in (rules, "off"):
        loop = LeanLoop(budget(text), difficulty=lambda _: 0.9 if make is openai else 0.0)
        create_agent(own, [look_up], middleware=[loop]).invoke({"messages": [HumanMessage("go", id="1")]})
    first, second = wire.payloads
    assert first == second


def test_the_phases_of_a_loop_are_told_apart(wire: Provider, create_agent: Any) -> None:
    wire.reply = lambda payload: (
        "done" if payload["messages"][-1]["role"] == "tool" else {"id": "c1", "name": "look_up", "args": {"word": "a"}}
    )
    loop = LeanLoop(budget("{phases: {plan: high, result: minimal, answer: low}}"))
    create_agent(openai(wire), [look_up], middleware=[loop]).invoke({"messages": [HumanMessage("go")]})
    with leanloop.task(loop.budget):
        wrap(openai(wire), loop).invoke("go")
    assert [payload["reasoning_effort"] for payload in wire.payloads] == ["high", "minimal", "low"]


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-opus-4-8"])
@pytest.mark.parametrize("form", [ToolStrategy, ProviderStrategy])
def test_a_structured_answer_is_taken_beside_the_gate(wire: Provider, create_agent: Any, model: str, form: Any) -> None:
    by_tool = {"id": "c1", "name": "Answer", "args": {"text": "yes"}}
    wire.reply = lambda _: by_tool if form is ToolStrategy else '{"text": "yes"}'
    loop = LeanLoop(budget("{effort: high}"), difficulty=lambda _: 0.9)
    agent = create_agent(anthropic(wire, model), [look_up], response_format=form(Answer), middleware=[loop])
    assert agent.invoke({"messages": [HumanMessage("go")]})["structured_response"] == Answer(text="yes")
    assert refused("anthropic", wire.sent) == []
    forced_by_hand = model == "claude-haiku-4-5" and form is ToolStrategy
    assert kinds(wire) == ["off"] if forced_by_hand else kinds(wire) != ["off"]


def test_a_budget_without_room_thinks_less_before_it_lands(wire: Provider, create_agent: Any) -> None:
    limits = "limits: [{tokens: 6_000}]\nlanding: {tokens: 200}"
    loop = LeanLoop(budget("{effort: high}", limits), difficulty=lambda _: 0.9)
    result = create_agent(anthropic(wire), [look_up], middleware=[loop]).invoke({"messages": [HumanMessage("go")]})
    receipt = result["messages"][-1].response_metadata["leanloop"]
    assert not receipt["landed"]
    assert kinds(wire) == ["off"]
    assert any("no room to think" in note for note in receipt["notes"])


class Apart(Plugin):
    """Makes a small call of its own first."""

    def on_model(self, call: ModelCall, task: Any) -> ModelFlow:
        messages = (Message("system", "Sum up."), Message("user", "all"))
        yield ModelCall(call.model, messages, max_output=500, purpose="check", abilities=call.abilities)
        reply: ModelReply = yield call
        return reply


def test_a_small_call_of_a_plugin_has_no_room_for_the_users_own_thinking(wire: Provider, create_agent: Any) -> None:
    own = anthropic(wire, thinking={"type": "enabled", "budget_tokens": 2_000})
    loop = LeanLoop(budget("off"), plugins=[Apart()])
    create_agent(own, [look_up], middleware=[loop]).invoke({"messages": [HumanMessage("go")]})
    wrap(own, loop).invoke("go")
    assert kinds(wire) == ["off", "enabled"] * 2
    assert [payload["max_tokens"] for payload in wire.payloads[::2]] == [500, 500]
    assert "tools" not in wire.payloads[0]
    assert [refused("anthropic", payload) for payload in wire.payloads] == [[]] * 4


class Looks(Plugin):
    """Remembers calls and replies."""

    def __init__(self) -> None:
        self.seen: list[tuple[ModelCall, ModelReply]] = []

    def on_model(self, call: ModelCall, task: Any) -> ModelFlow:
        reply: ModelReply = yield call
        self.seen.append((call, reply))
        return reply


def test_a_call_tells_its_session_what_models_can_do_and_whether_a_tool_is_forced(
    wire: Provider, create_agent: Any
) -> None:
    looks = Looks()
    loop = LeanLoop(budget("off"), plugins=[looks], models={"small": openai(wire, "gpt-4o-mini")})
    agent = create_agent(openai(wire), [look_up], middleware=[loop], checkpointer=InMemorySaver())
    agent.invoke({"messages": [HumanMessage("go")]}, {"configurable": {"thread_id": "thread-7"}})
    wrap(openai(wire), loop).bind_tools([look_up], tool_choice="any").invoke("go")
    (step, _), (wrapped, _) = looks.seen
    assert (step.session, wrapped.session) == ("thread-7", "")
    assert (step.force_tool, wrapped.force_tool) == (False, True)
    for call in (step, wrapped):
        assert call.abilities is not None
        own, other = call.abilities("gpt-5"), call.abilities("gpt-5.1")
        assert own.efforts == ("minimal", "low", "medium", "high")
        assert (own.default, own.context, own.output, own.tools, own.images) == ("medium", 272_000, 128_000, True, True)
        assert other.efforts[0] == "none"
        assert call.abilities("small").efforts == ()


def test_a_model_that_cannot_be_had_has_no_abilities(wire: Provider, create_agent: Any) -> None:
    looks = Looks()
    own = ScriptedModel(script=[AIMessage("yes")])
    loop = LeanLoop(budget("on"), plugins=[looks])
    create_agent(own, [], middleware=[loop]).invoke({"messages": [HumanMessage("?")]})
    ((call, _),) = looks.seen
    assert call.abilities is not None
    assert call.abilities(call.model).efforts == ()
    bound = own.bind(stop=["x"])
    assert abilities_of(bound, {}).efforts == ()
    assert abilities_of(object(), {}).efforts == ()
    looks.seen.clear()
    hidden = HiddenModel(script=[AIMessage("yes")])
    create_agent(hidden, [], middleware=[loop]).invoke({"messages": [HumanMessage("?")]})
    assert looks.seen[0][0].abilities is not None
    with pytest.raises(ModelUnavailable):
        looks.seen[0][0].abilities("another")


class HiddenModel(ScriptedModel):
    """One that is bound to where it is deployed."""

    deployment_name: str = "here"


@pytest.mark.parametrize(
    ("logprobs", "expected"),
    [
        ({"content": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1.5}]}, -1.0),
        ({"content": []}, None),
        ({"content": None}, None),
        ({"content": ["?"]}, None),
        (None, None),
    ],
)
def test_a_reply_has_the_mean_log_probability_of_its_tokens(logprobs: Any, expected: float | None) -> None:
    said = AIMessage("yes", response_metadata={"logprobs": logprobs})
    in_an_agent = reply_of(ModelResponse(result=[said]), Transcript())
    wrapped = chat_reply(ChatResult(generations=[ChatGeneration(message=said)]))
    chunk = AIMessageChunk(content="yes", response_metadata={"logprobs": logprobs})
    streamed = ChatChunks("m").join([ChatGenerationChunk(message=chunk)])
    assert [reply.logprob for reply in (in_an_agent, wrapped, streamed)] == [expected] * 3


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, False),
        ("auto", False),
        ({"type": "auto"}, False),
        ({"type": "none"}, False),
        ("none", False),
        (False, False),
        ("any", True),
        (True, True),
        ("look_up", True),
        ({"type": "tool", "name": "x"}, True),
        ({"type": "function", "function": {"name": "x"}}, True),
        ({"function": {"name": "x"}}, True),
    ],
)
def test_what_forces_a_tool(choice: object, *, expected: bool) -> None:
    assert forces(choice) is expected


def test_what_it_saves_is_on_the_receipt_and_in_the_outcomes(wire: Provider, create_agent: Any) -> None:
    outcomes = MemoryOutcomes()
    chances: Iterator[float] = iter([0.9, 0.0])
    loop = LeanLoop(budget("{effort: high, below: low}"), difficulty=lambda _: next(chances), outcomes=outcomes)
    agent = create_agent(openai(wire, reasoning_effort="high"), [look_up], middleware=[loop])
    receipts = [
        agent.invoke({"messages": [HumanMessage("go")]})["messages"][-1].response_metadata["leanloop"] for _ in range(2)
    ]
    settings = [(decision.setting, decision.other) for decision in outcomes.decisions()]
    assert settings == [("gpt-5@high", None), ("gpt-5@low", "gpt-5@high")]
    assert receipts[0]["savings"] == []
    assert [payload.get("reasoning_effort") for payload in wire.payloads] == ["high", "low"]
