"""Calls that fail: what may have been billed counts as spent, what was not is given back, nothing stays set aside."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from langchain.agents.middleware import ModelRetryMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import APIStatusError
from pydantic import BaseModel, SecretStr

import leanloop
from leanloop import Budget, Limit
from leanloop.adapters.langchain import LeanLoop, LeanLoopCallback, wrap
from leanloop.adapters.langchain.scripted import ScriptedModel

BUDGET = Budget(agent="a", limits=(Limit(model_calls=20, tokens=100_000, cycles=20),))
WAYS = ["middleware", "model", "callback"]


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


def question() -> dict[str, Any]:
    return {"messages": [HumanMessage("Find out.")]}


def openai(provider: Any) -> ChatOpenAI:
    return ChatOpenAI(
        model="gpt-4o-mini",
        base_url=f"{provider.url}/v1",
        api_key=SecretStr("none"),
        max_retries=0,
        max_completion_tokens=500,
    )


def agent_of(create_agent: Any, model: Any, way: str) -> tuple[Any, dict[str, Any]]:
    agent = create_agent(
        wrap(model) if way == "model" else model, [], middleware=[LeanLoop(BUDGET)] if way == "middleware" else []
    )
    return agent, {"callbacks": [LeanLoopCallback()] if way == "callback" else []}


@pytest.mark.parametrize(("way", "status"), [*itertools.product(WAYS, [400, 401, 429, 500, 503])])
def test_an_error_status_is_not_billed(provider: Any, create_agent: Any, store: Any, way: str, status: int) -> None:
    provider.always(status, "no")
    agent, config = agent_of(create_agent, openai(provider), way)
    with leanloop.task(BUDGET, store=store) as task, pytest.raises(APIStatusError):
        agent.invoke(question(), config)
    assert task.receipt().model_calls == 0
    assert store.spent("tokens") == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("error", [httpx.ReadTimeout("late"), TimeoutError("late"), RuntimeError("odd")])
def test_an_error_that_leaves_it_open_is_settled_at_the_worst_case(
    run: Any, create_agent: Any, store: Any, way: str, error: Exception
) -> None:
    def fail(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        raise error

    agent, config = agent_of(create_agent, ScriptedModel(script=fail, max_tokens=500), way)
    with leanloop.task(BUDGET, store=store) as task, pytest.raises(type(error)):
        run(agent, question(), config)
    (use,) = task.receipt().models
    assert use.usage.output == 500
    assert use.usage.estimated
    assert store.spent("tokens") == [use.usage.total]


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ConnectTimeout("no route")])
def test_a_connection_never_made_costs_nothing(run: Any, create_agent: Any, store: Any, error: Exception) -> None:
    def fail(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        raise error

    agent = create_agent(ScriptedModel(script=fail), [], middleware=[LeanLoop(BUDGET, store=store)])
    with pytest.raises(type(error)):
        run(agent, question())
    assert store.spent("model_calls") == []


def test_each_attempt_of_a_retry_is_counted_and_the_cycle_once(run: Any, create_agent: Any, store: Any) -> None:
    outcomes: Iterator[Exception | AIMessage] = iter([TimeoutError("late"), TimeoutError("late"), AIMessage("at last")])

    def reply(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    retry = ModelRetryMiddleware(max_retries=5, initial_delay=0, jitter=False)
    model = ScriptedModel(script=reply, max_tokens=100)
    agent = create_agent(model, [], middleware=[retry, LeanLoop(BUDGET, store=store)])
    last = run(agent, question())["messages"][-1]
    assert last.text == "at last"
    assert last.response_metadata["leanloop"]["model_calls"] == 3
    assert store.spent("model_calls") == [3]


def test_a_retry_after_an_unbilled_error_costs_one_call(run: Any, provider: Any, create_agent: Any, store: Any) -> None:
    statuses = iter([429, 500, 200])

    def reply(_: dict[str, Any]) -> tuple[int, str]:
        return next(statuses), "at last"

    provider.reply = reply
    retry = ModelRetryMiddleware(max_retries=5, initial_delay=0, jitter=False)
    agent = create_agent(openai(provider), [], middleware=[retry, LeanLoop(BUDGET, store=store)])
    last = run(agent, question())["messages"][-1]
    assert last.text == "at last"
    assert last.response_metadata["leanloop"]["model_calls"] == 1
    assert len(provider.payloads) == 3


@pytest.mark.parametrize("way", WAYS)
def test_a_cancelled_call_is_settled_at_the_worst_case(create_agent: Any, store: Any, way: str) -> None:
    class Hangs(ScriptedModel):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            begun.set()
            await asyncio.Event().wait()

    async def cancelled() -> None:
        call = asyncio.create_task(agent.ainvoke(question(), config))
        await begun.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    begun = asyncio.Event()
    agent, config = agent_of(create_agent, Hangs(script=[], max_tokens=500), way)
    with leanloop.task(BUDGET, store=store) as task:
        asyncio.run(cancelled())
    (use,) = task.receipt().models
    assert (use.calls, use.usage.output) == (1, 500)


def cancel_in_the_midst(use: Callable[[Any], Any]) -> None:
    """Cancel what `use` makes of a tool, while the tool runs."""
    begun = asyncio.Event()

    @tool
    async def hangs(q: str) -> str:
        """Hang."""
        begun.set()
        await asyncio.Event().wait()
        return q

    async def cancelled() -> None:
        call = asyncio.create_task(use(hangs))
        await begun.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(cancelled())


def test_a_cancelled_tool_is_counted_and_leaves_nothing_set_aside(create_agent: Any, store: Any, ask: Any) -> None:
    budget = Budget(agent="a", limits=(Limit(tool_calls=9, tokens=100_000), Limit(per="day", tokens=10**6)))
    model, loop = ScriptedModel(script=[ask(("hangs", {"q": "x"}))]), LeanLoop(budget, store=store)
    cancel_in_the_midst(lambda hangs: create_agent(model, [hangs], middleware=[loop]).ainvoke(question()))
    assert store.spent("tool_calls") == [1]
    assert store.reserved() == {}


def test_a_cancelled_tool_is_counted_by_a_callback(store: Any) -> None:
    budget = Budget(agent="a", limits=(Limit(tool_calls=9),))
    with leanloop.task(budget, store=store) as task:
        cancel_in_the_midst(lambda hangs: hangs.ainvoke({"q": "x"}, {"callbacks": [LeanLoopCallback()]}))
    assert task.receipt().tool_calls == {"hangs": 1}


def test_a_tool_that_raises_ends_the_run_with_nothing_set_aside(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    @tool
    def broken(q: str) -> str:
        """Fail."""
        raise RuntimeError(q)

    budget = Budget(agent="a", limits=(Limit(tool_calls=9, tokens=100_000), Limit(per="day", tokens=10**6)))
    model = ScriptedModel(script=[ask(("broken", {"q": "why"}))])
    agent = create_agent(model, [broken], middleware=[LeanLoop(budget, store=store)])
    with pytest.raises(RuntimeError, match="why"):
        run(agent, question())
    assert store.spent("tool_calls") == [1]


def test_a_structured_answer_leaves_nothing_set_aside(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    class Weather(BaseModel):
        city: str

    budget = Budget(agent="a", limits=(Limit(cycles=9), Limit(per="day", tokens=10**6)))
    model = ScriptedModel(script=[ask(("search", {"q": "x"})), ask(("Weather", {"city": "Oslo"}))])
    agent = create_agent(
        model, [search], response_format=ToolStrategy(Weather), middleware=[LeanLoop(budget, store=store)]
    )
    assert run(agent, question())["structured_response"] == Weather(city="Oslo")
    assert store.reserved() == {}
