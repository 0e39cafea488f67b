"""Middleware, wrapped model, wrapped tool and callback, alone and together: each call is counted once."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool

import leanloop
from leanloop import Budget, Limit
from leanloop.adapters.langchain import LeanLoop, LeanLoopCallback, wrap, wrap_tool
from leanloop.adapters.langchain.scripted import ScriptedModel

BUDGET = Budget(agent="a", limits=(Limit(tokens=1_000_000, model_calls=100, tool_calls=100),))
WAYS = ("middleware", "model", "tool", "callback", "second callback")


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


def question(text: str = "Find out.") -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


def combinations() -> list[frozenset[str]]:
    return [frozenset(some) for size in range(1, 6) for some in itertools.combinations(WAYS, size)]


@pytest.mark.parametrize("ways", combinations(), ids=lambda ways: "+".join(sorted(ways)))
def test_every_combination_counts_each_call_once(
    run: Any, create_agent: Any, store: Any, ask: Any, ways: frozenset[str]
) -> None:
    script = [ask(("search", {"q": "a"}), ("search", {"q": "b"})), ask(("search", {"q": "c"})), AIMessage("done")]
    model = ScriptedModel(script=script)
    agent = create_agent(
        wrap(model) if "model" in ways else model,
        [wrap_tool(search) if "tool" in ways else search],
        middleware=[LeanLoop(BUDGET)] if "middleware" in ways else [],
    )
    callbacks = [LeanLoopCallback() for way in ("callback", "second callback") if way in ways]
    with leanloop.task(BUDGET, store=store) as task:
        result = run(agent, question(), {"callbacks": callbacks})
    assert result["messages"][-1].text == "done"
    called = [message for message in result["messages"] if isinstance(message, AIMessage)]
    tokens = sum(message.usage_metadata["total_tokens"] for message in called if message.usage_metadata)
    models = 3 if ways - {"tool"} else 0
    tools = 3 if ways - {"model"} else 0
    assert task.receipt().model_calls == sum(store.spent("model_calls")) == models
    assert task.receipt().usage.total == sum(store.spent("tokens")) == (tokens if models else 0)
    assert sum(task.receipt().tool_calls.values()) == sum(store.spent("tool_calls")) == tools


@pytest.mark.parametrize("way", ["middleware", "model", "callback"])
def test_a_hit_of_langchains_cache_costs_nothing_and_counts_no_tokens(
    run: Any, create_agent: Any, store: Any, way: str
) -> None:
    model: BaseChatModel = ScriptedModel(script=[AIMessage("from the model")], cache=InMemoryCache())
    agent = create_agent(
        wrap(model) if way == "model" else model, [], middleware=[LeanLoop(BUDGET)] if way == "middleware" else []
    )
    callbacks = [LeanLoopCallback()] if way == "callback" else []
    answers: list[str] = []
    spent: list[tuple[int, int | None]] = []
    with leanloop.task(BUDGET, store=store) as task:
        for _ in range(3):
            messages = [HumanMessage("The same question.", id="q")]
            answers.append(run(agent, {"messages": messages}, {"callbacks": callbacks})["messages"][-1].text)
            spent.append((task.receipt().usage.total, task.receipt().cost))
    assert answers == ["from the model"] * 3
    assert spent[0][0] > 0
    assert spent[1:] == spent[:1] * 2


@pytest.mark.parametrize("way", ["middleware", "model", "callback"])
def test_missing_usage_is_counted_and_marked_estimated(run: Any, create_agent: Any, store: Any, way: str) -> None:
    _answered_once(run, create_agent, store, way, ScriptedModel(script=[AIMessage("word " * 50)], reports_usage=False))


@pytest.mark.parametrize("way", ["middleware", "model", "callback"])
@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": -5, "output_tokens": 3, "total_tokens": -2},
        {"input_tokens": 5, "output_tokens": -3, "total_tokens": 2},
        {"input_tokens": -(10**12), "output_tokens": -1, "total_tokens": 0},
    ],
)
def test_negative_usage_is_taken_for_missing(
    run: Any, create_agent: Any, store: Any, way: str, usage: dict[str, int]
) -> None:
    said = AIMessage("word " * 50, usage_metadata=usage)
    _answered_once(run, create_agent, store, way, ScriptedModel(script=[said]))


def _answered_once(run: Any, create_agent: Any, store: Any, way: str, model: ScriptedModel) -> None:
    agent = create_agent(
        wrap(model) if way == "model" else model, [], middleware=[LeanLoop(BUDGET)] if way == "middleware" else []
    )
    with leanloop.task(BUDGET, store=store) as task:
        run(agent, question(), {"callbacks": [LeanLoopCallback()] if way == "callback" else []})
    (use,) = task.receipt().models
    assert use.usage.estimated
    assert use.usage.input > 0
    assert 50 <= use.usage.output <= 60
    assert use.cost
    assert store.spent("tokens") == [use.usage.total]
    assert "partly estimated" in str(task.receipt())
