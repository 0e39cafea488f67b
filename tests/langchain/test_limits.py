from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from langchain.agents.middleware import ModelFallbackMiddleware, ModelRetryMiddleware, ToolRetryMiddleware
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool

from leanloop import Budget, BudgetExceeded, Limit, LoopDetected
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import Script, ScriptedModel
from leanloop.budgets.money import to_nano


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}, " * 5


def searching_on() -> Script:
    """Asks for one more search, for as long as it may; then answers."""
    number = itertools.count()

    def reply(messages: Sequence[Any], settings: dict[str, Any]) -> AIMessage:
        if settings.get("tools") and settings.get("tool_choice") != "none":
            n = next(number)
            return AIMessage(
                f"Looking for {n}.", tool_calls=[{"name": "search", "args": {"q": f"topic {n}"}, "id": f"c{n}"}]
            )
        return AIMessage("From what I have: an answer.")

    return reply


def question(text: str = "Find out.") -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


LIMITS = {
    "tokens": (Limit(tokens=4_000), 4_000),
    "input_tokens": (Limit(input_tokens=3_000), 3_000),
    "output_tokens": (Limit(output_tokens=900), 900),
    "usd": (Limit(usd=Decimal("0.002")), to_nano(Decimal("0.002"))),
    "model_calls": (Limit(model_calls=5), 5),
    "cycles": (Limit(cycles=5), 5),
    "tool_calls": (Limit(tool_calls=3), 3),
}


@pytest.mark.parametrize("resource", LIMITS)
def test_a_task_that_runs_out_answers_and_stays_within_its_limit(
    run: Any, create_agent: Any, store: Any, resource: str
) -> None:
    limit, amount = LIMITS[resource]
    model = ScriptedModel(script=searching_on())
    agent = create_agent(model, [search], middleware=[LeanLoop(Budget(agent="a", limits=(limit,)), store=store)])
    result = run(agent, question(), {"recursion_limit": 200})
    last = result["messages"][-1]
    assert last.text == "From what I have: an answer."
    assert not last.tool_calls
    (spent,) = store.spent(resource)
    assert 0 < spent <= amount
    assert last.response_metadata["leanloop"]["model_calls"] == len(model.seen)
    assert last.response_metadata["leanloop"]["stopped"]


def test_a_limit_on_one_tool_ends_its_calls_only(run: Any, create_agent: Any, store: Any) -> None:
    @tool
    def read(name: str) -> str:
        """Read."""
        return f"contents of {name}"

    asked = [
        AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"c{n}"}])
        for n, (name, args) in enumerate(
            [("search", {"q": "a"}), ("search", {"q": "b"}), ("search", {"q": "c"}), ("read", {"name": "x"})]
        )
    ]
    budget = Budget(agent="a", limits=(Limit(tool_calls={"search": 2}),))
    agent = create_agent(
        ScriptedModel(script=[*asked, AIMessage("done")]), [search, read], middleware=[LeanLoop(budget, store=store)]
    )
    result = run(agent, question())
    assert result["messages"][-1].text == "done"
    results = [message for message in result["messages"] if message.type == "tool"]
    assert [message.status for message in results] == ["success", "success", "error", "success"]
    assert "2 calls of search" in results[2].text
    assert result["messages"][-1].response_metadata["leanloop"]["tool_calls"] == {"search": 2, "read": 1}


def test_no_time_left_lands(run: Any, create_agent: Any, store: Any) -> None:
    budget = Budget(agent="a", limits=(Limit(seconds=Decimal(0)),))
    agent = create_agent(ScriptedModel(script=searching_on()), [search], middleware=[LeanLoop(budget, store=store)])
    result = run(agent, question())
    assert result["messages"][-1].text == "From what I have: an answer."
    assert "0 seconds" in result["messages"][-1].response_metadata["leanloop"]["stopped"]


@pytest.mark.parametrize("limit", [Limit(tokens=0), Limit(usd=Decimal(0)), Limit(model_calls=0), Limit(cycles=0)])
def test_a_budget_of_zero_answers_without_calling_the_model(
    run: Any, create_agent: Any, store: Any, limit: Limit
) -> None:
    model = ScriptedModel(script=searching_on())
    agent = create_agent(model, [search], middleware=[LeanLoop(Budget(agent="a", limits=(limit,)), store=store)])
    result = run(agent, question())
    assert result["messages"][-1].text.startswith("This task stopped before it was finished.")
    assert model.seen == []


@pytest.mark.parametrize("resource", LIMITS)
def test_a_raised_limit_reaches_the_caller_past_every_retry(
    run: Any, create_agent: Any, store: Any, resource: str
) -> None:
    limit, amount = LIMITS[resource]
    other = ScriptedModel(script=[AIMessage("from the fallback")])
    agent = create_agent(
        ScriptedModel(script=searching_on()),
        [search],
        middleware=[
            ModelRetryMiddleware(max_retries=2, initial_delay=0),
            ModelFallbackMiddleware(other),
            ToolRetryMiddleware(max_retries=2, initial_delay=0),
            LeanLoop(Budget(agent="a", limits=(limit,), at_limit="raise"), store=store),
        ],
    )
    with pytest.raises(BudgetExceeded) as raised:
        run(agent, question(), {"recursion_limit": 200})
    assert raised.value.resource == resource
    assert raised.value.limit == amount
    assert raised.value.spent <= amount
    assert other.seen == []


def test_a_limit_raised_in_a_sub_agent_reaches_the_caller(run: Any, create_agent: Any, store: Any) -> None:
    inner = create_agent(ScriptedModel(script=searching_on()), [search])

    @tool
    def research(topic: str) -> str:
        """Let a sub-agent find out."""
        return str(inner.invoke(question(topic), {"recursion_limit": 200})["messages"][-1].text)

    asked = AIMessage("", tool_calls=[{"name": "research", "args": {"topic": "x"}, "id": "c1"}])
    agent = create_agent(
        ScriptedModel(script=[asked, AIMessage("done")]),
        [research],
        middleware=[
            ToolRetryMiddleware(max_retries=2, initial_delay=0),
            LeanLoop(Budget(agent="a", limits=(Limit(tokens=4_000),), at_limit="raise"), store=store),
        ],
    )
    with pytest.raises(BudgetExceeded) as raised:
        run(agent, question())
    assert raised.value.resource == "tokens"


def test_a_loop_raises_where_the_budget_says_raise(run: Any, create_agent: Any, store: Any) -> None:
    asked = [AIMessage("", tool_calls=[{"name": "search", "args": {"q": "same"}, "id": f"c{n}"}]) for n in range(20)]
    agent = create_agent(
        ScriptedModel(script=asked),
        [search],
        middleware=[ModelRetryMiddleware(), LeanLoop(Budget(agent="a", at_limit="raise"), store=store)],
    )
    with pytest.raises(LoopDetected, match="search"):
        run(agent, question())
