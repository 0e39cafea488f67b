# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

import leanloop
from leanloop import Budget, Limit, UsageError
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import Script, ScriptedModel
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.stores import open_store


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


def two_steps(ask: Any) -> Script:
    def reply(messages: list[BaseMessage], _: dict[str, Any]) -> AIMessage:
        done = messages[-1].type == "tool"
        return AIMessage("done") if done else ask(("search", {"q": messages[-1].text}))

    return reply


def receipts(results: list[Any]) -> list[dict[str, Any]]:
    return [result["messages"][-1].response_metadata["leanloop"] for result in results]


def question(text: str = "Find out.") -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


def test_a_new_user_message_on_a_thread_is_a_new_task(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    loop = LeanLoop(Budget(agent="a", limits=(Limit(cycles=3),)), store=store)
    agent = create_agent(
        ScriptedModel(script=two_steps(ask)), [search], middleware=[loop], checkpointer=InMemorySaver()
    )
    config = {"configurable": {"thread_id": "t"}}
    results = [run(agent, question(f"topic {n}"), config) for n in range(5)]
    assert [receipt["cycles"] for receipt in receipts(results)] == [2] * 5
    assert len({receipt["task"] for receipt in receipts(results)}) == 5
    assert store.spent("cycles") == [2] * 5


def test_runs_of_one_agent_at_the_same_time_are_separate_tasks_also_with_the_same_message(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    loop = LeanLoop(Budget(agent="a", limits=(Limit(cycles=3),)), store=store)
    agent = create_agent(ScriptedModel(script=two_steps(ask)), [search], middleware=[loop])
    message = HumanMessage("Find out.", id="the-same")
    if run.mode == "sync":
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(agent.invoke, [{"messages": [message]}] * 16))
    else:

        async def together() -> list[Any]:
            return await asyncio.gather(*(agent.ainvoke({"messages": [message]}) for _ in range(16)))

        results = asyncio.run(together())
    assert [receipt["cycles"] for receipt in receipts(results)] == [2] * 16
    assert [receipt["stopped"] for receipt in receipts(results)] == [None] * 16
    assert len({receipt["task"] for receipt in receipts(results)}) == 16


def test_each_item_of_a_batch_is_its_own_task(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    loop = LeanLoop(Budget(agent="a", limits=(Limit(cycles=3),)), store=store)
    agent = create_agent(ScriptedModel(script=two_steps(ask)), [search], middleware=[loop])
    results = run.many(agent, [question(f"topic {n}") for n in range(12)])
    assert [receipt["cycles"] for receipt in receipts(results)] == [2] * 12
    assert [result["messages"][-2].text for result in results] == [f"something about topic {n}" for n in range(12)]


def test_a_limit_per_day_is_shared_by_runs_at_the_same_time_and_never_passed(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    budget = Budget(agent="a", limits=(Limit(per="day", model_calls=10),))
    model = ScriptedModel(script=two_steps(ask))
    agent = create_agent(model, [search], middleware=[LeanLoop(budget, store=store)])
    results = run.many(agent, [question(f"topic {n}") for n in range(12)])
    assert all(result["messages"][-1].text for result in results)
    assert len(model.seen) <= 10
    assert store.spent("model_calls") == [len(model.seen)]


def test_tags_in_the_config_scope_a_limit_to_a_user(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    budget = Budget(agent="a", limits=(Limit(per="day", scope="user", model_calls=3),))
    model = ScriptedModel(script=[AIMessage("done")])
    agent = create_agent(model, [], middleware=[LeanLoop(budget, store=store)])

    def ask_as(user: str) -> str:
        config = {"configurable": {"leanloop": {"user": user}}}
        return str(run(agent, question(), config)["messages"][-1].text)

    assert [ask_as("ann") for _ in range(2)] == ["done"] * 2
    assert [ask_as("bob") for _ in range(2)] == ["done"] * 2
    assert "user=ann per day" in [ask_as("ann") for _ in range(3)][-1]
    with pytest.raises(UsageError, match=r"needs the tag 'user'"):
        run(agent, question())


def test_none_is_no_user_whom_all_without_a_name_would_share(run: Any, create_agent: Any, store: Any) -> None:
    budget = Budget(agent="a", limits=(Limit(per="day", scope="user", tokens=9_999),))
    agent = create_agent(ScriptedModel(script=done), [], middleware=[LeanLoop(budget, store=store)])
    with pytest.raises(UsageError, match=r"needs the tag 'user'"):
        run(agent, question(), {"configurable": {"leanloop": {"user": None}}})
    result = run(agent, question(), {"configurable": {"leanloop": {"user": 7, "tenant": None}}})
    assert result["messages"][-1].response_metadata["leanloop"]["tags"] == {"user": "7"}


def test_a_run_inside_an_open_task_of_the_same_budget_is_that_task(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    budget = Budget(agent="a", limits=(Limit(cycles=9),))
    agent = create_agent(ScriptedModel(script=two_steps(ask)), [search], middleware=[LeanLoop(budget)])
    with leanloop.task(budget, tags={"user": "ann"}, store=store) as task:
        result = run(agent, question())
    assert receipts([result])[0]["task"] == task.id
    assert task.receipt().cycles == 2
    assert task.receipt().tool_calls == {"search": 1}


def test_tags_in_the_config_are_those_of_the_open_task_it_goes_on_in(run: Any, create_agent: Any, store: Any) -> None:
    budget = Budget(agent="a", limits=(Limit(per="day", scope="user", model_calls=3),))
    agent = create_agent(ScriptedModel(script=[AIMessage("done")]), [], middleware=[LeanLoop(budget)])
    with leanloop.task(budget, tags={"tier": "gold"}, store=store) as task:
        run(agent, question(), {"configurable": {"leanloop": {"user": "ann"}}})
    assert task.receipt().tags == {"tier": "gold", "user": "ann"}
    with leanloop.task(budget, tags={"user": "bob"}, store=store), pytest.raises(UsageError, match="another value"):
        run(agent, question(), {"configurable": {"leanloop": {"user": "ann"}}})


def test_a_second_run_inside_an_open_task_counts_in_it_under_limits_of_its_own(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    budget = Budget(agent="a", limits=(Limit(cycles=3, tokens=100_000),))
    agent = create_agent(ScriptedModel(script=two_steps(ask)), [search], middleware=[LeanLoop(budget)])
    with leanloop.task(budget, store=store) as task:
        results = [run(agent, question(f"topic {n}")) for n in range(3)]
    assert [result["messages"][-1].text for result in results] == ["done"] * 3
    assert task.receipt().model_calls == 6


def test_without_a_budget_the_agent_behaves_as_before_and_is_metered(run: Any, create_agent: Any, ask: Any) -> None:
    model = ScriptedModel(script=two_steps(ask))
    bare = create_agent(ScriptedModel(script=two_steps(ask)), [search])
    agent = create_agent(model, [search], middleware=[LeanLoop()])
    guarded, plain = run(agent, question()), run(bare, question())
    assert [m.text for m in guarded["messages"]] == [m.text for m in plain["messages"]]
    assert all("max_tokens" not in settings for _, settings in model.seen)
    assert receipts([guarded])[0]["model_calls"] == 2
    assert "leanloop" not in plain["messages"][-1].response_metadata


def test_runs_that_end_in_errors_are_forgotten_in_time(create_agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanloop.adapters.langchain.runs._IDLE_KEPT", 5)
    monkeypatch.setattr("leanloop.adapters.langchain.runs._THREADS_KEPT", 5)

    def fail(messages: list[Any], settings: dict[str, Any]) -> AIMessage:
        raise ConnectionError("down")

    loop = LeanLoop(Budget(agent="a"))
    agent = create_agent(ScriptedModel(script=fail), [], middleware=[loop], checkpointer=InMemorySaver())
    for number in range(20):
        with pytest.raises(ConnectionError):
            agent.invoke({"messages": [HumanMessage("hi")]}, {"configurable": {"thread_id": str(number)}})
    assert len(loop.runs._by_run) <= 6
    assert len(loop.runs._by_thread) <= 5


def done(messages: list[BaseMessage], _: dict[str, Any]) -> AIMessage:
    return AIMessage("done")


def test_what_a_run_is_worth_goes_in_with_the_call_and_is_no_tag(run: Any, create_agent: Any, store: Any) -> None:
    budget = Budget(agent="a", limits=(Limit(cycles=9, value=4),))
    agent = create_agent(ScriptedModel(script=done), [], middleware=[LeanLoop(budget, store=store)])
    receipts_of = [
        receipts([run(agent, question(), {"configurable": {"leanloop": given}})])[0]
        for given in ({"user": "u"}, {"user": "u", "value": 0.5}, {"value": Decimal(7)})
    ]
    assert [receipt["value"] for receipt in receipts_of] == ["4", "0.5", "7"]
    assert [receipt["tags"] for receipt in receipts_of] == [{"user": "u"}, {"user": "u"}, {}]


def test_what_a_run_is_worth_holds_for_the_open_task_it_goes_on_in(run: Any, create_agent: Any, store: Any) -> None:
    budget = Budget(agent="a", limits=(Limit(cycles=9),))
    agent = create_agent(ScriptedModel(script=done), [], middleware=[LeanLoop(budget)])
    for given, value in (({}, 1_000_000_000), ({"value": 2}, 2_000_000_000)):
        with leanloop.task(budget, store=store, value=1) as task:
            run(agent, question(), {"configurable": {"leanloop": given}})
        assert task.receipt().value == value


@pytest.mark.parametrize("value", ["4.0", True, [4], -1, float("nan")])
def test_a_value_that_is_no_amount_is_an_error_that_says_so(
    run: Any, create_agent: Any, store: Any, value: object
) -> None:
    agent = create_agent(ScriptedModel(script=done), [], middleware=[LeanLoop(store=store)])
    with pytest.raises(UsageError, match=r"must (not )?be"):
        run(agent, question(), {"configurable": {"leanloop": {"value": value}}})


def test_a_run_is_kept_in_the_store_its_budget_names(run: Any, create_agent: Any, tmp_path: Path) -> None:
    budget = Budget(agent="a", limits=(Limit(per="month", model_calls=9),), store=f"sqlite:///{tmp_path}/ledger.db")
    agent = create_agent(ScriptedModel(script=done), [], middleware=[LeanLoop(budget)])
    run(agent, question())
    with closing(SqliteStore(tmp_path / "ledger.db")) as other:
        assert [account.balance.spent for account in other.accounts()] == [1]
    open_store(budget.store).close()
