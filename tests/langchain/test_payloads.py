"""What really goes over the wire to OpenAI and Anthropic."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents.structured_output import ProviderStrategy
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, SecretStr

import leanloop
from leanloop import Budget, BudgetExceeded, Landing, Limit
from leanloop.adapters.langchain import LeanLoop, LeanLoopCallback, wrap


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


class Weather(BaseModel):
    """The weather."""

    city: str


def openai(provider: Any, **settings: Any) -> ChatOpenAI:
    return ChatOpenAI(
        model="gpt-4o-mini", base_url=f"{provider.url}/v1", api_key=SecretStr("none"), max_retries=0, **settings
    )


def anthropic(provider: Any, **settings: Any) -> ChatAnthropic:
    return ChatAnthropic(
        model_name="claude-haiku-4-5",
        base_url=provider.url,
        api_key=SecretStr("none"),
        max_retries=0,
        timeout=None,
        stop=None,
        **settings,
    )


def question() -> dict[str, Any]:
    return {"messages": [HumanMessage("Find out.")]}


def tool_names(payload: dict[str, Any]) -> list[str]:
    return [offered.get("function", offered)["name"] for offered in payload.get("tools", [])]


def searching_on(payload: dict[str, Any]) -> tuple[int, Any]:
    """Searches for as long as it may."""
    if payload.get("tool_choice") in ("none", {"type": "none"}) or not payload.get("tools"):
        return 200, "the answer"
    number = len(payload["messages"])
    return 200, {"id": f"c{number}", "name": "search", "args": {"q": f"topic {number}"}}


def test_openai_is_sent_a_lower_cap(run: Any, provider: Any, create_agent: Any, store: Any) -> None:
    loop = LeanLoop(Budget(agent="a", limits=(Limit(tokens=1_000),)), store=store)
    run(create_agent(openai(provider, max_completion_tokens=5_000), [search], middleware=[loop]), question())
    (payload,) = provider.payloads
    assert 0 < payload["max_completion_tokens"] < 1_000
    assert "max_tokens" not in payload


def test_openai_keeps_a_cap_that_fits(run: Any, provider: Any, create_agent: Any, store: Any) -> None:
    loop = LeanLoop(Budget(agent="a", limits=(Limit(tokens=100_000),)), store=store)
    run(create_agent(openai(provider, max_completion_tokens=500), [search], middleware=[loop]), question())
    assert [payload["max_completion_tokens"] for payload in provider.payloads] == [500]


def test_anthropic_is_sent_a_lower_cap(run: Any, provider: Any, create_agent: Any, store: Any) -> None:
    loop = LeanLoop(Budget(agent="a", limits=(Limit(tokens=5_000),)), store=store)
    run(create_agent(anthropic(provider), [search], middleware=[loop]), question())
    (payload,) = provider.payloads
    assert 0 < payload["max_tokens"] < 5_000


def test_anthropics_cap_stays_above_its_thinking_budget(run: Any, provider: Any, create_agent: Any, store: Any) -> None:
    loop = LeanLoop(Budget(agent="a", limits=(Limit(tokens=20_000),)), store=store)
    model = anthropic(provider, max_tokens=12_000, thinking={"type": "enabled", "budget_tokens": 2_000})
    run(create_agent(model, [search], middleware=[loop]), question())
    (payload,) = provider.payloads
    assert 2_000 < payload["max_tokens"] < 12_000
    assert payload["thinking"]["budget_tokens"] == 2_000


def test_a_thinking_budget_that_does_not_fit_is_refused(run: Any, provider: Any, create_agent: Any, store: Any) -> None:
    loop = LeanLoop(Budget(agent="a", limits=(Limit(tokens=2_000),), at_limit="raise"), store=store)
    model = anthropic(provider, max_tokens=12_000, thinking={"type": "enabled", "budget_tokens": 2_000})
    with pytest.raises(BudgetExceeded):
        run(create_agent(model, [search], middleware=[loop]), question())
    assert provider.payloads == []


@pytest.mark.parametrize("wire", [(openai, "none"), (anthropic, {"type": "none"})], ids=["openai", "anthropic"])
def test_a_landing_forbids_tools_and_still_lists_them(
    provider: Any, create_agent: Any, store: Any, wire: tuple[Any, object]
) -> None:
    make, choice = wire
    provider.reply = searching_on
    loop = LeanLoop(Budget(agent="a", limits=(Limit(cycles=3),), landing=Landing(tokens=700)), store=store)
    agent = create_agent(make(provider), [search], system_prompt="Be brief.", middleware=[loop])
    result = agent.invoke(question())
    assert result["messages"][-1].text == "the answer"
    *steps, landing = provider.payloads
    assert len(steps) == 2
    assert landing["tool_choice"] == choice
    assert tool_names(landing) == ["read_result", "search"]
    assert landing["tools"] == steps[-1]["tools"]
    assert landing.get("max_completion_tokens", landing.get("max_tokens")) == 700
    assert landing.get("system") == steps[-1].get("system")
    before = steps[-1]["messages"]
    assert landing["messages"][: len(before)] == before


@pytest.mark.parametrize("form", [ProviderStrategy(Weather), Weather], ids=["provider", "auto"])
def test_a_landing_under_openais_schema_keeps_the_tools_and_the_schema(
    run: Any, provider: Any, create_agent: Any, store: Any, form: Any
) -> None:
    def reply(payload: dict[str, Any]) -> tuple[int, Any]:
        return (200, '{"city": "Oslo"}') if payload.get("tool_choice") == "none" else searching_on(payload)

    provider.reply = reply
    loop = LeanLoop(Budget(agent="a", limits=(Limit(cycles=3),)), store=store)
    agent = create_agent(openai(provider), [search], response_format=form, middleware=[loop])
    assert run(agent, question())["structured_response"] == Weather(city="Oslo")
    landing = provider.payloads[-1]
    assert tool_names(landing) == ["read_result", "search"]
    assert landing["response_format"]["json_schema"]["name"] == "Weather"


def test_a_wrapped_model_with_bound_tools_forbids_them_in_a_landing(run: Any, provider: Any, store: Any) -> None:
    provider.reply = searching_on
    with leanloop.task(Budget(agent="a", limits=(Limit(model_calls=2),)), store=store):
        guarded: Any = wrap(openai(provider))
        model = guarded.bind_tools([search])
        assert run(model, "?").tool_calls
        history = [
            HumanMessage("?"),
            AIMessage("", tool_calls=[{"name": "search", "args": {"q": "a"}, "id": "c1"}]),
            ToolMessage("found", tool_call_id="c1"),
        ]
        answers = [run(model, history) for _ in range(2)]
    assert answers[0].text == "the answer"
    assert provider.payloads[1]["tool_choice"] == "none"
    assert tool_names(provider.payloads[1]) == ["search"]
    assert len(provider.payloads) == 2


def test_messages_the_budget_has_nothing_to_say_about_go_out_as_they_are(
    run: Any, provider: Any, create_agent: Any, store: Any
) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}}
    messages = [
        SystemMessage("Be brief."),
        HumanMessage([{"type": "text", "text": "What is this?"}, picture], id="m1", name="ann"),
    ]
    bare = create_agent(openai(provider), [search])
    loop = LeanLoop(Budget(agent="a", results=None), store=store)
    guarded = create_agent(openai(provider), [search], middleware=[loop])
    run(bare, {"messages": messages})
    result = run(guarded, {"messages": messages})
    assert provider.payloads[0] == provider.payloads[1]
    assert result["messages"][0] is messages[0]
    assert result["messages"][1] is messages[1]


def test_usage_reported_over_the_wire_is_what_is_billed(run: Any, provider: Any, create_agent: Any, store: Any) -> None:
    loop = LeanLoop(Budget(agent="a", limits=(Limit(tokens=10_000),)), store=store)
    for make in (openai, anthropic):
        receipt = run(create_agent(make(provider), [], middleware=[loop]), question())["messages"][-1]
        (model,) = receipt.response_metadata["leanloop"]["models"]
        assert (model["input"], model["output"], model["estimated"]) == (50, 10, False)
    assert store.spent("tokens") == [60, 60]


@pytest.mark.parametrize("make", [openai, anthropic])
def test_a_callback_counts_on_the_cap_the_model_has(run: Any, provider: Any, make: Any) -> None:
    budget = Budget(agent="a", limits=(Limit(tokens=5_000),))
    with pytest.raises(BudgetExceeded):
        run(make(provider, max_tokens=6_000), "?", {"callbacks": [LeanLoopCallback(budget)]})
    assert provider.payloads == []
    run(make(provider, max_tokens=600), "?", {"callbacks": [LeanLoopCallback(budget)]})
    assert len(provider.payloads) == 1
