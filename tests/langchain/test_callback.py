# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.language_models.fake import FakeListLLM
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool

import leanloop
from leanloop import Alert, Budget, BudgetExceeded, Limit, Message, ModelCall, PriceUnknown, Task, TaskStopped
from leanloop.adapters.langchain import LeanLoopCallback
from leanloop.adapters.langchain.open_calls import open_calls
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.steps import perform


@tool
def search(q: str) -> str:
    """Search."""
    if q == "broken":
        raise ValueError("out of order")
    return f"something about {q}"


def question(text: str = "Find out.") -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


def test_it_meters_a_chain_and_raises_at_the_limit(run: Any) -> None:
    callback = LeanLoopCallback(Budget(agent="a", limits=(Limit(model_calls=2),)))
    model = ScriptedModel(script=[AIMessage("yes")])
    chain = ChatPromptTemplate.from_messages([("user", "{q}")]) | model | StrOutputParser()
    config = {"callbacks": [callback]}
    assert [run(chain, {"q": "?"}, config) for _ in range(2)] == ["yes", "yes"]
    for _ in range(2):
        with pytest.raises(BudgetExceeded, match="2 model calls"):
            run(chain, {"q": "?"}, config)
    receipt = callback.receipt()
    assert receipt is not None
    assert receipt.model_calls == len(model.seen) == 2
    assert receipt.usage.total > 0
    assert receipt.stopped


def test_what_a_call_may_cost_at_most_must_fit_before_it_is_made(run: Any) -> None:
    callback = LeanLoopCallback(Budget(agent="a", limits=(Limit(usd=Decimal("0.001")),)))
    model = ScriptedModel(script=[AIMessage("yes")], max_tokens=4_000)  # 0.0024 dollars
    with pytest.raises(BudgetExceeded) as raised:
        run(model, "?", {"callbacks": [callback]})
    assert raised.value.resource == "usd"
    assert model.seen == []


def test_a_limit_raised_by_a_callback_ends_an_agent(run: Any, create_agent: Any, ask: Any) -> None:
    callback = LeanLoopCallback(Budget(agent="a", limits=(Limit(tool_calls=2),)))
    model = ScriptedModel(script=lambda messages, _: ask(("search", {"q": f"{len(messages)}"})))
    with pytest.raises(TaskStopped):
        run(create_agent(model, [search]), question(), {"callbacks": [callback]})
    receipt = callback.receipt()
    assert receipt is not None
    assert receipt.tool_calls == {"search": 2}


def test_a_tool_that_fails_was_called(run: Any) -> None:
    callback = LeanLoopCallback(Budget(agent="a", limits=(Limit(tool_calls=5),)))
    with pytest.raises(ValueError, match="out of order"):
        run(search, {"q": "broken"}, {"callbacks": [callback]})
    receipt = callback.receipt()
    assert receipt is not None
    assert receipt.tool_calls == {"search": 1}


def test_calls_at_the_same_time_never_pass_the_limit_together() -> None:
    callback = LeanLoopCallback(Budget(agent="a", limits=(Limit(tokens=500),)))
    model = ScriptedModel(script=[AIMessage("word " * 90)], max_tokens=100)

    async def together() -> list[Any]:
        calls = (model.ainvoke("?", {"callbacks": [callback]}) for _ in range(20))
        return await asyncio.gather(*calls, return_exceptions=True)

    outcomes = asyncio.run(together())
    refused = [outcome for outcome in outcomes if isinstance(outcome, BudgetExceeded)]
    assert len(refused) + len(model.seen) == 20
    receipt = callback.receipt()
    assert receipt is not None
    assert 0 < receipt.usage.total <= 500


def test_without_a_budget_it_meters_the_current_task_and_nothing_elsewhere(run: Any, store: Any) -> None:
    callback = LeanLoopCallback()
    model = ScriptedModel(script=[AIMessage("yes")])
    run(model, "?", {"callbacks": [callback]})
    assert callback.receipt() is None
    with leanloop.task(Budget(agent="a", limits=(Limit(model_calls=9),)), store=store) as task:
        run(model, "?", {"callbacks": [callback]})
    assert task.receipt().model_calls == 1
    assert store.spent("model_calls") == [1]


def test_a_text_completion_model_is_metered_by_count(run: Any) -> None:
    prices = {"fake-list": {"input": 1, "output": 2}}
    budget = Budget.model_validate({"agent": "a", "limits": [{"usd": 1}], "unknown_model": "free", "prices": prices})
    callback = LeanLoopCallback(budget)
    assert run(FakeListLLM(responses=["some words"]), "a prompt", {"callbacks": [callback]}) == "some words"
    receipt = callback.receipt()
    assert receipt is not None
    assert receipt.model_calls == 1
    assert receipt.usage.estimated


def test_a_model_without_a_price_is_refused_under_a_limit_in_usd(run: Any) -> None:
    callback = LeanLoopCallback(Budget(agent="a", limits=(Limit(usd=Decimal(1)),)))
    model = ScriptedModel(script=[AIMessage("yes")], model_name="of-nobody-knows-whom")
    with pytest.raises(PriceUnknown, match="of-nobody-knows-whom"):
        run(model, "?", {"callbacks": [callback]})
    assert model.seen == []


def test_a_failed_model_call_leaves_nothing_set_aside(run: Any, store: Any) -> None:
    def fail(messages: Any, settings: Any) -> AIMessage:
        raise TimeoutError("no answer")

    with leanloop.task(Budget(agent="a", limits=(Limit(tokens=50_000),)), store=store):
        with pytest.raises(TimeoutError):
            run(ScriptedModel(script=fail, max_tokens=100), "?", {"callbacks": [LeanLoopCallback()]})
        (spent,) = store.spent("tokens")
        assert spent > 100, "who knows what was billed: the worst case is"


def test_the_budget_may_be_a_file(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("agent: a\nlimits:\n  - {per: task, model_calls: 0}\n", encoding="utf-8")
    with pytest.raises(BudgetExceeded):
        run(ScriptedModel(script=[AIMessage("yes")]), "?", {"callbacks": [LeanLoopCallback(str(file))]})


def test_its_task_has_a_value_and_a_hook_like_any_other(run: Any) -> None:
    alerts: list[Alert] = []
    budget = Budget(agent="a", limits=(Limit(model_calls=2),), warn=(0.5,))
    callback = LeanLoopCallback(budget, value=Decimal("2.50"), on_alert=alerts.append)
    run(ScriptedModel(script=[AIMessage("yes")]), "?", {"callbacks": [callback]})
    receipt = callback.receipt()
    assert receipt is not None
    assert receipt.value == 2_500_000_000
    assert [alert.kind for alert in alerts] == ["share"]


def test_a_call_whose_event_loop_has_ended_altogether_is_settled_at_once(store: Any) -> None:
    async def nothing() -> None: ...

    loop = asyncio.new_event_loop()
    caller = loop.create_task(nothing())
    loop.run_until_complete(caller)
    loop.close()
    task = Task(Budget(agent="a", limits=(Limit(model_calls=2),), at_limit="raise"), store=store)
    run_id = uuid4()
    flow = BudgetGuard().on_model(ModelCall("gpt-4o-mini", (Message("user", "?"),)), task)
    perform(open_calls.begin(run_id, [flow], unmade=TaskStopped("no")))
    open_calls._abandoned(run_id, caller)
    assert store.spent("model_calls") == [1]
