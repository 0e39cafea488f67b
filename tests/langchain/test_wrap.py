from __future__ import annotations

import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict, cast

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableBinding, RunnableLambda
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel, SecretStr

import leanloop
from leanloop import Budget, BudgetExceeded, Limit, UsageError
from leanloop.adapters.langchain import LeanLoop, wrap
from leanloop.adapters.langchain.scripted import ScriptedModel

BUDGET = Budget(agent="a", limits=(Limit(model_calls=100, tokens=1_000_000),))


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


class Weather(BaseModel):
    """The weather."""

    city: str


def test_in_a_chain_every_call_is_counted(run: Any, store: Any) -> None:
    model = wrap(ScriptedModel(script=[AIMessage("yes")]))
    chain = ChatPromptTemplate.from_messages([("system", "Be brief."), ("user", "{q}")]) | model | StrOutputParser()
    with leanloop.task(BUDGET, store=store) as task:
        assert run(chain, {"q": "?"}) == "yes"
        assert run.many(chain, [{"q": "1"}, {"q": "2"}]) == ["yes", "yes"]
    assert task.receipt().model_calls == 3
    assert store.spent("tokens") == [task.receipt().usage.total]


@pytest.mark.parametrize("order", ["bound, then wrapped", "wrapped, then bound"])
def test_tools_may_be_bound_before_or_after(run: Any, store: Any, ask: Any, order: str) -> None:
    plain = ScriptedModel(script=[ask(("search", {"q": "a"}))])
    model: Any = wrap(plain.bind_tools([search])) if order.startswith("bound") else wrap(plain).bind_tools([search])
    with leanloop.task(BUDGET, store=store) as task:
        said = run(model, "?")
    assert [call["name"] for call in said.tool_calls] == ["search"]
    assert [offered["function"]["name"] for offered in plain.seen[0][1]["tools"]] == ["search"]
    assert task.receipt().model_calls == 1


def test_structured_output_is_counted_and_kept_in_a_landing(run: Any, store: Any, ask: Any) -> None:
    plain = ScriptedModel(script=lambda messages, settings: ask(("Weather", {"city": "Oslo"})))
    with leanloop.task(Budget(agent="a", limits=(Limit(model_calls=2),)), store=store) as task:
        model = wrap(plain).with_structured_output(Weather)
        assert [run(model, "?") for _ in range(2)] == [Weather(city="Oslo")] * 2
    assert task.receipt().model_calls == 2
    assert task.receipt().landed


class State(TypedDict):
    words: list[str]


def graph_of(model: Any) -> Any:
    """Three nodes in a row, each of which asks the model once."""

    def ask(state: State) -> State:
        return {"words": [*state["words"], model.invoke("?").text]}

    async def aask(state: State) -> State:
        return {"words": [*state["words"], (await model.ainvoke("?")).text]}

    graph: Any = StateGraph(cast("Any", State))
    names = ["plan", "write", "check"]
    for name in names:
        graph.add_node(name, RunnableLambda(ask, aask))
    graph.add_edge(START, names[0])
    for one, other in itertools.pairwise(names):
        graph.add_edge(one, other)
    graph.add_edge(names[-1], END)
    return graph.compile()


def test_a_run_of_a_graph_is_one_task_and_the_next_run_another(run: Any, store: Any) -> None:
    budget = Budget(agent="a", limits=(Limit(model_calls=2),), at_limit="raise")
    plain = ScriptedModel(script=[AIMessage("yes")])
    graph = graph_of(wrap(plain, LeanLoop(budget, store=store)))
    for runs in (1, 2):
        with pytest.raises(BudgetExceeded, match="2 model calls"):
            run(graph, {"words": []})
        assert len(plain.seen) == 2 * runs


def test_a_graph_lands_node_by_node(run: Any, store: Any) -> None:
    budget = Budget(agent="a", limits=(Limit(model_calls=2),))
    plain = ScriptedModel(script=[AIMessage("yes")])
    words = run(graph_of(wrap(plain, LeanLoop(budget, store=store))), {"words": []})["words"]
    assert len(words) == 3
    assert all(words)
    assert len(plain.seen) == 2


def test_calls_outside_of_any_task_are_tasks_of_their_own(run: Any, store: Any) -> None:
    plain = ScriptedModel(script=[AIMessage("yes")])
    model = wrap(plain, LeanLoop(Budget(agent="a", limits=(Limit(model_calls=2),), at_limit="raise"), store=store))
    assert [run(model, "?").text for _ in range(5)] == ["yes"] * 5
    assert store.spent("model_calls") == [1] * 5


def test_a_limit_per_day_holds_over_all_calls(run: Any, store: Any) -> None:
    budget = Budget(agent="a", limits=(Limit(per="day", model_calls=2),), at_limit="raise")
    plain = ScriptedModel(script=[AIMessage("yes")])
    model = wrap(plain, LeanLoop(budget, store=store))
    assert [run(model, "?").text for _ in range(2)] == ["yes"] * 2
    with pytest.raises(BudgetExceeded, match="per day"):
        run(model, "?")
    assert store.spent("model_calls") == [2]


def test_a_reply_that_asks_for_tools_leaves_nothing_set_aside_outside_of_a_task(run: Any, store: Any, ask: Any) -> None:
    budget = Budget(agent="a", limits=(Limit(per="day", tokens=100_000),))
    model: Any = wrap(ScriptedModel(script=[ask(("search", {"q": "a"}))]), LeanLoop(budget, store=store))
    assert run(model.bind_tools([search]), "?").tool_calls
    assert store.reserved() == {}


def test_the_twin_is_of_the_models_class_and_the_model_is_left_as_it_was(run: Any, store: Any) -> None:
    plain = ChatOpenAI(model="gpt-4o-mini", api_key=SecretStr("none"), temperature=0.5)
    kind, fields = type(plain), dict(plain)
    twin = wrap(plain, BUDGET)
    assert isinstance(twin, ChatOpenAI)
    assert type(twin) is not kind
    assert type(twin).__name__ == "ChatOpenAI"
    assert twin.model_name == "gpt-4o-mini"
    assert twin.temperature == 0.5
    twin.temperature = 0.9
    assert plain.temperature == 0.5
    assert type(plain) is kind
    assert dict(plain) == fields


def test_without_limits_on_output_no_cap_is_sent(run: Any, store: Any) -> None:
    plain = ScriptedModel(script=[AIMessage("yes")])
    with leanloop.task(Budget(agent="a", limits=(Limit(model_calls=5),)), store=store):
        run(wrap(plain), "?")
    assert "max_tokens" not in plain.seen[0][1]


def test_the_cap_is_lowered_to_what_fits(run: Any, store: Any) -> None:
    plain = ScriptedModel(script=[AIMessage("word " * 900)], max_tokens=5_000)
    budget = Budget(agent="a", limits=(Limit(tokens=600),), at_limit="raise")
    with leanloop.task(budget, store=store) as task:
        run(wrap(plain), "?")
    assert plain.seen[0][1]["max_tokens"] < 600
    assert task.receipt().usage.total <= 600


def test_messages_reach_the_model_as_the_same_objects(run: Any, store: Any) -> None:
    plain = ScriptedModel(script=[AIMessage("yes")])
    messages = [HumanMessage([{"type": "text", "text": "hi"}, {"type": "mystery", "data": "x"}], id="m1")]
    with leanloop.task(BUDGET, store=store):
        run(wrap(plain), messages)
    assert plain.seen[0][0][0] is messages[0]


def test_only_models_and_bindings_of_them_can_be_wrapped() -> None:
    binding = RunnableBinding(bound=RunnableLambda(str))
    for wrong in (binding, StrOutputParser(), "gpt-4o"):
        with pytest.raises(UsageError, match="takes a chat model or a binding of one"):
            wrap(wrong, BUDGET)


def test_the_budget_may_be_a_file(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("agent: a\nat_limit: raise\nlimits:\n  - {per: task, usd: 0}\n", encoding="utf-8")
    with pytest.raises(BudgetExceeded, match=r"\$0"):
        run(wrap(ScriptedModel(script=[AIMessage("yes")]), file), "?")


def test_a_wrapped_model_inside_a_guarded_agent_is_counted_there_alone(run: Any, create_agent: Any, store: Any) -> None:
    plain = ScriptedModel(script=[AIMessage("yes")])
    loop = LeanLoop(Budget(agent="a", limits=(Limit(usd=Decimal(1), model_calls=9),)), store=store)
    agent = create_agent(wrap(plain, loop), [search], middleware=[loop])
    result = run(agent, {"messages": [HumanMessage("?")]})
    assert result["messages"][-1].response_metadata["leanloop"]["model_calls"] == 1
    assert store.spent("model_calls") == [1]


def test_a_wrapped_model_in_a_tool_is_metered_and_takes_no_cycle_of_the_agent(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    inner = wrap(ScriptedModel(script=[AIMessage("yes")]))

    @tool
    def consult(q: str) -> str:
        """Ask a model four times."""
        return " ".join(inner.invoke(q).text for _ in range(4))

    loop = LeanLoop(Budget(agent="a", limits=(Limit(cycles=4),)), store=store)
    model = ScriptedModel(script=[ask(("consult", {"q": "?"})), AIMessage("done")])
    result = run(create_agent(model, [consult], middleware=[loop]), {"messages": [HumanMessage("?")]})
    assert [message.text for message in result["messages"]][-2:] == ["yes yes yes yes", "done"]
    receipt = result["messages"][-1].response_metadata["leanloop"]
    assert (receipt["cycles"], receipt["model_calls"], receipt["stopped"]) == (2, 6, None)


def test_a_limit_reached_by_a_wrapped_model_in_a_tool_lands_the_agent(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    plain = ScriptedModel(script=[AIMessage("yes")])
    inner = wrap(plain)

    @tool
    def consult(q: str) -> str:
        """Ask a model without end."""
        while True:
            inner.invoke(q)

    loop = LeanLoop(Budget(agent="a", limits=(Limit(model_calls=5),)), store=store)
    model = ScriptedModel(script=[ask(("consult", {"q": "?"})), AIMessage("landed")])
    result = run(create_agent(model, [consult], middleware=[loop]), {"messages": [HumanMessage("?")]})
    assert result["messages"][-2].text.startswith("Stopped before it was done. The limit of 5 model calls")
    assert result["messages"][-1].text == "landed"
    assert (len(plain.seen), len(model.seen)) == (3, 2)


def test_a_graph_that_ends_on_a_tool_call_leaves_nothing_set_aside(run: Any, store: Any, ask: Any) -> None:
    budget = Budget(agent="a", limits=(Limit(per="day", tokens=100_000),))
    model: Any = wrap(ScriptedModel(script=[ask(("search", {"q": "a"}))]), LeanLoop(budget, store=store))
    run(graph_of(model.bind_tools([search])), {"words": []})
    assert store.reserved() == {}
