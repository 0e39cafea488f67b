from __future__ import annotations

from typing import Annotated, Any

import pytest
from langchain.tools import InjectedToolArg, ToolRuntime
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool, tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

import leanloop
from leanloop import Budget, BudgetExceeded, Limit, UsageError
from leanloop.adapters.langchain import LeanLoop, wrap, wrap_tool
from leanloop.adapters.langchain.scripted import ScriptedModel

BUDGET = Budget(agent="a", limits=(Limit(tool_calls=2),))


@tool
def decorated(q: str) -> str:
    """A decorated function."""
    return f"found {q}"


def _structured(q: str) -> str:
    return f"found {q}"


async def _astructured(q: str) -> str:
    return f"found {q}"


class ByClass(BaseTool):
    name: str = "by_class"
    description: str = "A class with the sync form only."

    def _run(self, q: str) -> str:
        return f"found {q}"


class ByClassInBothForms(ByClass):
    async def _arun(self, q: str) -> str:
        return f"found {q}"


TOOLS: dict[str, BaseTool] = {
    "decorated": decorated,
    "structured": StructuredTool.from_function(_structured, _astructured, name="structured", description="Both."),
    "by class": ByClass(),
    "by class, both forms": ByClassInBothForms(),
}


@pytest.mark.parametrize("kind", TOOLS)
def test_calls_are_counted_and_one_too_many_is_answered_and_not_made(run: Any, store: Any, kind: str) -> None:
    plain = TOOLS[kind]
    guarded = wrap_tool(plain)
    with leanloop.task(BUDGET, store=store) as task:
        answers = [run(guarded, {"q": f"{n}"}) for n in range(4)]
    assert answers[:2] == ["found 0", "found 1"]
    assert all(answer.startswith("Not run. The limit of 2 tool calls") for answer in answers[2:])
    assert task.receipt().tool_calls == {plain.name: 2}
    assert store.spent("tool_calls") == [2]


@pytest.mark.parametrize("kind", TOOLS)
def test_the_twin_is_of_the_tools_class_and_the_tool_is_left_as_it_was(run: Any, kind: str) -> None:
    plain = TOOLS[kind]
    twin = wrap_tool(plain, BUDGET)
    assert isinstance(twin, type(plain))
    assert (twin.name, twin.description, twin.args) == (plain.name, plain.description, plain.args)
    assert plain.metadata is None
    assert run(plain, {"q": "1"}) == "found 1"


def test_an_async_only_tool(store: Any, run: Any) -> None:
    plain = StructuredTool.from_function(coroutine=_astructured, name="late", description="Async only.")
    with leanloop.task(BUDGET, store=store) as task:
        if run.mode == "sync":
            with pytest.raises(NotImplementedError):
                run(wrap_tool(plain), {"q": "1"})
        else:
            assert run(wrap_tool(plain), {"q": "1"}) == "found 1"
    assert task.receipt().tool_calls == {"late": 1}


def test_a_raised_limit_reaches_the_caller(run: Any, store: Any) -> None:
    with leanloop.task(BUDGET.model_copy(update={"at_limit": "raise"}), store=store):
        for _ in range(2):
            run(wrap_tool(decorated), {"q": "1"})
        with pytest.raises(BudgetExceeded, match="2 tool calls"):
            run(wrap_tool(decorated), {"q": "1"})


def test_injected_arguments_and_the_config_reach_the_tool(run: Any, store: Any) -> None:
    @tool
    def lookup(q: str, user: Annotated[str, InjectedToolArg], config: RunnableConfig) -> str:
        """Look up."""
        return f"{q} for {user} in {config.get('configurable', {})['place']}"

    with leanloop.task(BUDGET, store=store):
        guarded = wrap_tool(lookup)
        assert "user" not in guarded.tool_call_schema.model_json_schema()["properties"]  # type: ignore[union-attr]
        said = run(guarded, {"q": "a", "user": "ann"}, {"configurable": {"place": "Oslo"}})
    assert said == "a for ann in Oslo"


def test_a_tool_runtime_reaches_the_tool_in_an_agent(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    @tool
    def peek(q: str, runtime: ToolRuntime[None, dict[str, Any]]) -> str:
        """Peek."""
        return f"{q} at {len(runtime.state['messages'])} as {runtime.tool_call_id}"

    asked = ask(("peek", {"q": "a"}))
    agent = create_agent(ScriptedModel(script=[asked, AIMessage("done")]), [wrap_tool(peek)])
    with leanloop.task(BUDGET, store=store) as task:
        result = run(agent, {"messages": [HumanMessage("?")]})
    assert result["messages"][2].text == f"a at 2 as {asked.tool_calls[0]['id']}"
    assert task.receipt().tool_calls == {"peek": 1}


def test_content_with_an_artifact_comes_back_whole(run: Any, store: Any) -> None:
    @tool(response_format="content_and_artifact")
    def chart(q: str) -> tuple[str, dict[str, bytes]]:
        """Draw."""
        return f"a chart of {q}", {"png": b"\x89PNG"}

    call = {"name": "chart", "args": {"q": "x"}, "id": "c1", "type": "tool_call"}
    with leanloop.task(BUDGET, store=store):
        answers = [run(wrap_tool(chart), call) for _ in range(3)]
    for answer in answers[:2]:
        assert isinstance(answer, ToolMessage)
        assert (answer.text, answer.artifact) == ("a chart of x", {"png": b"\x89PNG"})
    assert answers[2].text.startswith("Not run.")


def test_a_tool_that_fails_was_called_and_its_error_comes_out(run: Any, store: Any) -> None:
    @tool
    def broken(q: str) -> str:
        """Fail."""
        raise ValueError(q)

    with leanloop.task(BUDGET, store=store) as task, pytest.raises(ValueError, match="why"):
        run(wrap_tool(broken), {"q": "why"})
    assert task.receipt().tool_calls == {"broken": 1}


def test_a_graph_of_ones_own_is_one_task_for_its_model_and_its_tools(run: Any, store: Any, ask: Any) -> None:
    loop = LeanLoop(Budget(agent="a", limits=(Limit(tool_calls=2, model_calls=9),)), store=store)
    asked = ask(*(("decorated", {"q": f"{n}"}) for n in range(3)))
    model: Any = wrap(ScriptedModel(script=[asked, AIMessage("done")]), loop)
    bound = model.bind_tools([decorated])

    def think(state: MessagesState) -> dict[str, Any]:
        return {"messages": [bound.invoke(state["messages"])]}

    def more(state: MessagesState) -> str:
        last = state["messages"][-1]
        return "tools" if isinstance(last, AIMessage) and last.tool_calls else "__end__"

    graph: Any = StateGraph(MessagesState)
    graph.add_node("think", think)
    graph.add_node("tools", ToolNode([wrap_tool(decorated, loop)]))
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", more, ["tools", "__end__"])
    graph.add_edge("tools", "think")
    result = run(graph.compile(), {"messages": [HumanMessage("?")]})
    results = [message.text for message in result["messages"] if message.type == "tool"]
    assert sum(text.startswith("found") for text in results) == 2
    assert sum(text.startswith("Not run.") for text in results) == 1
    assert store.spent("tool_calls") == [2]


def test_a_model_called_inside_a_wrapped_tool_is_counted_in_its_task(run: Any, store: Any) -> None:
    inner = ScriptedModel(script=[AIMessage("yes")])

    @tool
    def consult(q: str) -> str:
        """Ask a model."""
        return str(inner.invoke(q).text)

    with leanloop.task(BUDGET, store=store) as task:
        assert run(wrap_tool(consult), {"q": "?"}) == "yes"
    assert task.receipt().model_calls == 1


def test_only_tools_can_be_wrapped() -> None:
    with pytest.raises(UsageError, match="decorate it with @tool"):
        wrap_tool(_structured)  # type: ignore[type-var]
