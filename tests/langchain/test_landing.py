from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from langchain.agents.structured_output import AutoStrategy, ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from leanloop import Budget, Landing, Limit
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel


class Weather(BaseModel):
    """The weather, as far as it is known."""

    city: str
    celsius: int


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


def question() -> dict[str, Any]:
    return {"messages": [HumanMessage("Find out.")]}


def answers_calls(history: list[BaseMessage]) -> bool:
    """Whether each tool call is answered, once and behind it: what providers insist on."""
    asked = [call["id"] for message in history if isinstance(message, AIMessage) for call in message.tool_calls]
    answered = [getattr(message, "tool_call_id", None) for message in history if message.type == "tool"]
    return sorted(asked, key=str) == sorted(answered, key=str)


def names(settings: dict[str, Any]) -> list[str]:
    return [offered["function"]["name"] for offered in settings.get("tools") or ()]


@pytest.mark.parametrize("form", [ToolStrategy(Weather), AutoStrategy(Weather)], ids=["tool", "auto"])
def test_a_structured_answer_by_a_tool_is_given_in_the_landing_too(
    run: Any, create_agent: Any, store: Any, ask: Any, form: Any
) -> None:
    def reply(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        if "search" in names(settings):
            return ask(("search", {"q": f"weather {len(messages)}"}))  # type: ignore[no-any-return]
        assert settings["tool_choice"] == "any"
        return ask(("Weather", {"city": "Oslo", "celsius": 3}))  # type: ignore[no-any-return]

    model = ScriptedModel(script=reply, model_name="gpt-3.5-turbo")  # AutoStrategy: no schema on its side
    budget = Budget(agent="a", limits=(Limit(cycles=4),))
    agent = create_agent(model, [search], response_format=form, middleware=[LeanLoop(budget, store=store)])
    result = run(agent, question())
    assert result["structured_response"] == Weather(city="Oslo", celsius=3)
    assert store.spent("cycles") == [4]
    assert answers_calls(result["messages"])
    assert names(model.seen[-1][1]) == ["Weather"]


@pytest.mark.parametrize("form", [ProviderStrategy(Weather), AutoStrategy(Weather)], ids=["provider", "auto"])
def test_a_structured_answer_by_the_provider_is_given_in_the_landing_too(
    run: Any, create_agent: Any, store: Any, ask: Any, form: Any
) -> None:
    def reply(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        assert settings["response_format"]
        if "[budget] This task ends here" in messages[-1].text:
            return AIMessage('{"city": "Oslo", "celsius": 3}')
        return ask(("search", {"q": f"weather {len(messages)}"}))  # type: ignore[no-any-return]

    budget = Budget(agent="a", limits=(Limit(cycles=4),))
    agent = create_agent(
        ScriptedModel(script=reply),
        [search],
        response_format=form,
        middleware=[LeanLoop(budget, store=store)],
    )
    result = run(agent, question())
    assert result["structured_response"] == Weather(city="Oslo", celsius=3)
    assert store.spent("cycles") == [4]


def test_a_structured_answer_that_fails_its_schema_after_the_landing_ends_without_another_call(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    def reply(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        if "search" in names(settings):
            return ask(("search", {"q": f"weather {len(messages)}"}))  # type: ignore[no-any-return]
        return ask(("Weather", {"city": "Oslo", "celsius": "cold"}))  # type: ignore[no-any-return]

    model = ScriptedModel(script=reply)
    budget = Budget(agent="a", limits=(Limit(model_calls=3),))
    agent = create_agent(
        model, [search], response_format=ToolStrategy(Weather), middleware=[LeanLoop(budget, store=store)]
    )
    result = run(agent, question(), {"recursion_limit": 50})
    assert len(model.seen) == 3
    assert result["messages"][-1].text.startswith("This task stopped before it was finished.")


def test_each_of_many_parallel_calls_gets_a_result_also_where_some_are_refused(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    script = [ask(*(("search", {"q": f"topic {n}"}) for n in range(8))), AIMessage("done")]
    budget = Budget(agent="a", limits=(Limit(tool_calls={"search": 3}),))
    agent = create_agent(ScriptedModel(script=script), [search], middleware=[LeanLoop(budget, store=store)])
    result = run(agent, question())
    results = [message for message in result["messages"] if message.type == "tool"]
    assert answers_calls(result["messages"])
    assert sorted(message.status for message in results) == ["error"] * 5 + ["success"] * 3
    assert store.spent("tool_calls:search") == [3]
    assert result["messages"][-1].text == "done"


def test_parallel_calls_that_use_up_the_total_land_with_every_call_answered(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    script = [ask(*(("search", {"q": f"topic {n}"}) for n in range(8))), AIMessage("landed")]
    model = ScriptedModel(script=script)
    agent = create_agent(
        model, [search], middleware=[LeanLoop(Budget(agent="a", limits=(Limit(tool_calls=3),)), store=store)]
    )
    result = run(agent, question())
    assert answers_calls(model.seen[-1][0])
    assert "[budget] This task ends here" in model.seen[-1][0][-1].text
    assert result["messages"][-1].text == "landed"
    assert result["messages"][-1].response_metadata["leanloop"]["landed"] is True
    assert store.spent("tool_calls") == [3]


def test_the_landing_is_sent_the_same_prefix_and_only_a_note_behind_it(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    script = [*(ask(("search", {"q": f"topic {n}"})) for n in range(3)), AIMessage("landed")]
    model = ScriptedModel(script=script)
    budget = Budget(agent="a", limits=(Limit(cycles=4),), notify=())
    agent = create_agent(model, [search], system_prompt="Be brief.", middleware=[LeanLoop(budget, store=store)])
    run(agent, question())
    before, landing = model.seen[-2][0], model.seen[-1][0]
    assert all(one is other for one, other in zip(before, landing, strict=False))
    assert landing[-1].type == "human"
    assert names(model.seen[-1][1]) == []  # what ScriptedModel's integration has no tool_choice for


def test_a_landing_whose_model_fails_still_answers_with_what_was_found(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    def reply(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        if names(settings):
            return ask(("search", {"q": f"topic {len(messages)}"}), text="I am looking.")  # type: ignore[no-any-return]
        raise ConnectionError("gone")

    budget = Budget(agent="a", limits=(Limit(cycles=3, tokens=50_000),))
    agent = create_agent(ScriptedModel(script=reply), [search], middleware=[LeanLoop(budget, store=store)])
    answer = run(agent, question())["messages"][-1].text
    assert "The limit of 3 cycles" in answer
    assert "Last said:\nI am looking." in answer
    assert "something about topic" in answer


def test_tool_calls_made_in_spite_of_the_landing_are_dropped(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    script = [ask(("search", {"q": f"topic {n}"}), text=f"step {n}") for n in range(9)]
    budget = Budget(agent="a", limits=(Limit(cycles=3),))
    agent = create_agent(ScriptedModel(script=script), [search], middleware=[LeanLoop(budget, store=store)])
    result = run(agent, question())
    assert result["messages"][-1].text == "step 2"
    assert not result["messages"][-1].tool_calls
    assert answers_calls(result["messages"])


def test_a_landing_of_no_tokens_asks_no_model(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    model = ScriptedModel(script=[ask(("search", {"q": f"topic {n}"})) for n in range(9)])
    budget = Budget(agent="a", limits=(Limit(usd=Decimal("0.0003")),), landing=Landing(tokens=0))
    agent = create_agent(model, [search], middleware=[LeanLoop(budget, store=store)])
    result = run(agent, question())
    assert "something about topic" in result["messages"][-1].text
    assert len(model.seen) == result["messages"][-1].response_metadata["leanloop"]["model_calls"]
    assert not any("[budget] This task ends here" in sent[-1].text for sent, _ in model.seen)
