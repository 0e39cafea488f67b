from __future__ import annotations

import gc
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from leanloop import Budget, BudgetExceeded, Limit
from leanloop.adapters.langchain import LeanLoop, wrap_tool
from leanloop.adapters.langchain.scripted import ScriptedModel


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


@tool
def approve(what: str) -> str:
    """Ask a person."""
    return f"{what}: {interrupt(what)}"


def question(text: str = "Find out.") -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


def thread(name: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": name}}


def test_one_budget_holds_over_many_resumes(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    model = ScriptedModel(script=lambda messages, _: ask(("approve", {"what": f"step {len(messages)}"}), text="so far"))
    loop = LeanLoop(Budget(agent="a", limits=(Limit(cycles=4, tokens=100_000),)), store=store)
    agent = create_agent(model, [approve], middleware=[loop], checkpointer=InMemorySaver())
    result = run(agent, question(), thread("t"))
    resumes = 0
    while "__interrupt__" in result:
        assert store.reserved() == {}, "nothing is set aside while a person is waited for"
        result = run(agent, Command(resume="yes"), thread("t"))
        resumes += 1
    assert resumes == 3
    assert len(model.seen) == 4
    assert result["messages"][-1].text == "so far"
    assert store.spent("cycles") == [4]


def test_a_resumed_tool_call_is_charged_once(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    script = [ask(("approve", {"what": "a"}), ("search", {"q": "b"})), AIMessage("done")]
    loop = LeanLoop(Budget(agent="a", limits=(Limit(tool_calls=2),)), store=store)
    agent = create_agent(
        ScriptedModel(script=script), [approve, search], middleware=[loop], checkpointer=InMemorySaver()
    )
    assert "__interrupt__" in run(agent, question(), thread("t"))
    result = run(agent, Command(resume="yes"), thread("t"))
    assert [message.text for message in result["messages"] if message.type == "tool"] == [
        "a: yes",
        "something about b",
    ]
    assert result["messages"][-1].text == "done"
    assert result["messages"][-1].response_metadata["leanloop"]["tool_calls"] == {"search": 1, "approve": 1}
    assert store.spent("tool_calls") == [2]


def test_a_wrapped_tool_that_asks_a_person_is_charged_once(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    loop = LeanLoop(Budget(agent="a", limits=(Limit(per="day", tool_calls=9),)), store=store)
    script = [ask(("approve", {"what": "a"})), AIMessage("done")]
    agent = create_agent(ScriptedModel(script=script), [wrap_tool(approve, loop)], checkpointer=InMemorySaver())
    assert "__interrupt__" in run(agent, question(), thread("t"))
    assert store.spent("tool_calls") == []
    result = run(agent, Command(resume="yes"), thread("t"))
    assert result["messages"][2].text == "a: yes"
    assert store.spent("tool_calls") == [1]


def test_an_agent_made_anew_in_the_same_process_goes_on_with_the_balance_it_had(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    saver = InMemorySaver()
    budget = Budget(agent="a", limits=(Limit(model_calls=2),))

    def made() -> Any:
        model = ScriptedModel(script=lambda messages, _: ask(("approve", {"what": f"{len(messages)}"})))
        return create_agent(model, [approve], middleware=[LeanLoop(budget, store=store)], checkpointer=saver)

    result = run(made(), question(), thread("t"))
    for _ in range(5):
        if "__interrupt__" in result:
            result = run(made(), Command(resume="yes"), thread("t"))
    assert "__interrupt__" not in result
    assert store.spent("model_calls") == [2]


def test_going_on_after_a_raised_limit_raises_again(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    model = ScriptedModel(script=lambda messages, _: ask(("search", {"q": f"{len(messages)}"})))
    loop = LeanLoop(Budget(agent="a", limits=(Limit(cycles=3),), at_limit="raise"), store=store)
    agent = create_agent(model, [search], middleware=[loop], checkpointer=InMemorySaver())
    with pytest.raises(BudgetExceeded):
        run(agent, question(), thread("t"))
    for _ in range(3):
        with pytest.raises(BudgetExceeded):
            run(agent, None, thread("t"))
    assert len(model.seen) == 3
    assert store.spent("cycles") == [3]


def test_a_new_question_after_a_raised_limit_is_a_new_task(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    def reply(messages: Any, settings: Any) -> AIMessage:
        if messages[-1].text == "Be quick.":
            return AIMessage("quick")
        return ask(("search", {"q": f"{len(messages)}"}))  # type: ignore[no-any-return]

    loop = LeanLoop(Budget(agent="a", limits=(Limit(cycles=3),), at_limit="raise"), store=store)
    agent = create_agent(ScriptedModel(script=reply), [search], middleware=[loop], checkpointer=InMemorySaver())
    with pytest.raises(BudgetExceeded):
        run(agent, question(), thread("t"))
    assert run(agent, question("Be quick."), thread("t"))["messages"][-1].text == "quick"


def test_resumed_threads_and_new_ones_are_never_taken_for_each_other(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    def reply(messages: Any, settings: Any) -> AIMessage:
        if messages[-1].type == "tool" or messages[-1].text == "Be quick.":
            return AIMessage("done")
        return ask(("approve", {"what": "this"}))  # type: ignore[no-any-return]

    loop = LeanLoop(Budget(agent="a", limits=(Limit(cycles=2),)), store=store)
    agent = create_agent(ScriptedModel(script=reply), [approve], middleware=[loop], checkpointer=InMemorySaver())
    seen: set[str] = set()
    for n in range(40):
        run(agent, question(), thread(f"waits {n}"))
        resumed = run(agent, Command(resume="yes"), thread(f"waits {n}"))
        if n % 10 == 0:
            gc.collect()  # the run control of the first half is gone; its address may be given to another
        quick = run(agent, question("Be quick."), thread(f"quick {n}"))
        for result, cycles in ((resumed, 2), (quick, 1)):
            receipt = result["messages"][-1].response_metadata["leanloop"]
            assert receipt["cycles"] == cycles
            assert receipt["task"] not in seen
            seen.add(receipt["task"])


def test_time_spent_waiting_for_a_person_is_not_counted(
    run: Any, create_agent: Any, store: Any, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr("leanloop.plugins.stopwatch.time.monotonic", lambda: now[0])
    script = [ask(("approve", {"what": "a"})), AIMessage("done")]
    loop = LeanLoop(Budget(agent="a", limits=(Limit(seconds=60),)), store=store)
    agent = create_agent(ScriptedModel(script=script), [approve], middleware=[loop], checkpointer=InMemorySaver())
    run(agent, question(), thread("t"))
    now[0] += 3_600
    last = run(agent, Command(resume="yes"), thread("t"))["messages"][-1]
    assert last.text == "done"
    assert last.response_metadata["leanloop"]["seconds"] == 0
