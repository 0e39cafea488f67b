from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.tools import tool

import leanloop
from leanloop import Budget, BudgetExceeded, Limit
from leanloop.adapters.langchain import LeanLoop, LeanLoopCallback, wrap
from leanloop.adapters.langchain.scripted import ScriptedModel

LAND = Budget(agent="a", limits=(Limit(cycles=3, tokens=100_000),))
RAISE = LAND.model_copy(update={"at_limit": "raise"})


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


def question() -> dict[str, Any]:
    return {"messages": [HumanMessage("Find out.")]}


class InBothForms(ScriptedModel):
    """Streams by a method of its own when awaited, as the models of providers do."""

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        kwargs.pop("run_manager", None)
        for chunk in self._stream(*args[:1], **kwargs):
            yield chunk


FORMS = pytest.mark.parametrize("form", [ScriptedModel, InBothForms])


def searching_on(ask: Any) -> ScriptedModel:
    return ScriptedModel(
        script=lambda messages, settings: (
            ask(("search", {"q": f"{len(messages)}"})) if settings.get("tools") else AIMessage("this is the answer")
        )
    )


@pytest.mark.parametrize("mode", ["values", "updates", "messages"])
def test_an_agent_lands_in_every_stream_mode(run: Any, create_agent: Any, store: Any, ask: Any, mode: str) -> None:
    agent = create_agent(searching_on(ask), [search], middleware=[LeanLoop(LAND, store=store)])
    parts = run.stream(agent, question(), stream_mode=mode)
    if mode == "values":
        assert parts[-1]["messages"][-1].text == "this is the answer"
    elif mode == "updates":
        assert parts[-1]["model"]["messages"][-1].text == "this is the answer"
        assert parts[-1]["model"]["messages"][-1].response_metadata["leanloop"]["landed"] is True
    else:
        said = [part.text for part, about in parts if about["langgraph_node"] == "model"]
        assert "this is the answer" in "".join(said)
    assert store.spent("cycles") == [3]


@pytest.mark.parametrize("mode", ["values", "updates", "messages"])
def test_a_raised_limit_comes_out_of_every_stream_mode(
    run: Any, create_agent: Any, store: Any, ask: Any, mode: str
) -> None:
    agent = create_agent(searching_on(ask), [search], middleware=[LeanLoop(RAISE, store=store)])
    with pytest.raises(BudgetExceeded, match="3 cycles"):
        run.stream(agent, question(), stream_mode=mode)


def test_messages_of_an_agent_are_streamed_word_by_word(run: Any, create_agent: Any, store: Any) -> None:
    model = ScriptedModel(script=[AIMessage("word by word it comes")])
    agent = create_agent(model, [search], middleware=[LeanLoop(LAND, store=store)])
    parts = run.stream(agent, question(), stream_mode="messages")
    assert [part.text for part, _ in parts if part.text][:3] == ["word ", "by ", "word "]


def test_events_of_an_agent_tell_of_every_call(create_agent: Any, store: Any, ask: Any) -> None:
    agent = create_agent(searching_on(ask), [search], middleware=[LeanLoop(LAND, store=store)])

    async def collect() -> list[Any]:
        return [event async for event in agent.astream_events(question(), version="v2")]

    events = [event["event"] for event in asyncio.run(collect())]
    assert events.count("on_chat_model_start") == events.count("on_chat_model_end") == 3
    assert events.count("on_tool_start") == events.count("on_tool_end") == 2
    assert store.spent("cycles") == [3]


@pytest.mark.parametrize("mode", ["values", "messages"])
def test_an_agents_stream_closed_early_leaves_nothing_set_aside(
    run: Any, create_agent: Any, store: Any, ask: Any, mode: str
) -> None:
    model = ScriptedModel(script=[AIMessage("word by word it comes")])
    with leanloop.task(LAND, store=store) as task:
        agent = create_agent(model, [search], middleware=[LeanLoop(LAND)])
        assert len(run.stream(agent, question(), stream_mode=mode, most=2)) == 2
    assert task.receipt().model_calls == len(model.seen)


@FORMS
def test_a_wrapped_model_streams_as_it_comes_and_is_counted(run: Any, store: Any, form: Any) -> None:
    plain = form(script=[AIMessage("word by word it comes")])
    with leanloop.task(LAND, store=store) as task:
        parts = run.stream(wrap(plain), "?")
    assert [part.text for part in parts if part.text] == ["word ", "by ", "word ", "it ", "comes"]
    (use,) = task.receipt().models
    assert use.usage.input > 0
    assert not use.usage.estimated
    assert store.spent("tokens") == [use.usage.total]


@FORMS
@pytest.mark.parametrize("most", [1, 3])
def test_a_wrapped_models_stream_closed_early_is_settled_at_its_worst_case(
    run: Any, store: Any, most: int, form: Any
) -> None:
    model = form(script=[AIMessage("word by word it comes")], max_tokens=500)
    with leanloop.task(LAND, store=store) as task:
        assert len(run.stream(wrap(model), "?", most=most)) == most
        assert {key for key in store.reserved() if key[1] == "input_tokens"} == set()
        assert task.receipt().model_calls == 1
        (use,) = task.receipt().models
        assert use.usage.estimated
        assert use.usage.output == 500, "the provider wrote on, for all anyone knows"


def test_a_stream_never_begun_reserves_nothing(run: Any, store: Any) -> None:
    model = ScriptedModel(script=[AIMessage("never")])
    with leanloop.task(LAND, store=store):
        wrap(model).stream("?")
    assert model.seen == []


@FORMS
def test_a_stream_that_breaks_is_settled_at_its_worst_case(run: Any, store: Any, form: Any) -> None:
    def broken(messages: Any, settings: Any) -> AIMessage:
        raise ConnectionResetError("midway")

    model = form(script=broken, max_tokens=500)
    with leanloop.task(LAND, store=store) as task:
        with pytest.raises(ConnectionResetError):
            run.stream(wrap(model), "?")
        assert task.receipt().usage.output == 500


@FORMS
def test_a_stream_that_does_not_fit_raises_before_it_begins(run: Any, store: Any, form: Any) -> None:
    model = form(script=[AIMessage("never")])
    budget = Budget(agent="a", limits=(Limit(tokens=10),), at_limit="raise")
    with leanloop.task(budget, store=store), pytest.raises(BudgetExceeded, match="10 tokens"):
        run.stream(wrap(model), "?")
    assert model.seen == []


@FORMS
def test_a_wrapped_stream_lands_with_an_answer(run: Any, store: Any, form: Any) -> None:
    model = form(script=[AIMessage("yes")])
    with leanloop.task(Budget(agent="a", limits=(Limit(model_calls=2),)), store=store):
        answers = ["".join(part.text for part in run.stream(wrap(model), "?")) for _ in range(3)]
    assert answers[0] == "yes"
    assert all(answers)
    assert len(model.seen) == 2


def test_a_callback_settles_a_stream(run: Any, store: Any) -> None:
    model = ScriptedModel(script=[AIMessage("word by word it comes")])
    with leanloop.task(RAISE, store=store) as task:
        run.stream(model, "?", {"callbacks": [LeanLoopCallback()]})
    assert task.receipt().model_calls == 1
    assert store.spent("tokens") == [task.receipt().usage.total]


def test_a_callback_settles_a_stream_closed_early(run: Any, store: Any) -> None:
    model = ScriptedModel(script=[AIMessage("word by word it comes")], max_tokens=500)
    with leanloop.task(RAISE, store=store) as task:
        run.stream(model, "?", {"callbacks": [LeanLoopCallback()]}, most=1)
        assert store.reserved() == {}
    assert task.receipt().model_calls == 1


@FORMS
def test_a_wrapped_model_streams_in_an_agent_word_by_word_and_is_counted_once(
    run: Any, create_agent: Any, store: Any, form: Any
) -> None:
    model = wrap(form(script=[AIMessage("word by word it comes")]))
    agent = create_agent(model, [search], middleware=[LeanLoop(LAND, store=store)])
    parts = run.stream(agent, question(), stream_mode="messages")
    assert [part.text for part, _ in parts if part.text][:3] == ["word ", "by ", "word "]
    assert store.spent("cycles") == [1]
