"""What the callbacks of both frameworks tell of the calls they meter, and when they say that it was all."""

# Some methods of the frameworks are partly unknown to type checkers:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from heard import Heard
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.tools import tool
from llama_index.core.callbacks import CallbackManager
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from leanloop import Budget, Limit, TaskStopped, UsageError, parse_budget
from leanloop.adapters import event_sinks, langchain, llama_index
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.llama_index.scripted import ScriptedLLM
from leanloop.adapters.otel import OtelSink
from leanloop.plugins.events.event import Settled, ToolEnded

BUDGET = Budget(agent="a", limits=(Limit(model_calls=9),), warn=(), notify=())
CALL = ["reserved", "settled"]
Callback = type[langchain.LeanLoopCallback] | type[llama_index.LeanLoopCallback]
BOTH = pytest.mark.parametrize(
    "callback", [langchain.LeanLoopCallback, llama_index.LeanLoopCallback], ids=["langchain", "llama_index"]
)


def kinds(heard: Heard) -> list[str]:
    return [event.kind for event in heard]


def called(callback: Any, times: int = 1) -> None:
    """Call a model of its framework that reports to it."""
    for _ in range(times):
        if isinstance(callback, langchain.LeanLoopCallback):
            ScriptedModel(script=[AIMessage("yes 4111")]).invoke("hello 4111", {"callbacks": [callback]})
        else:
            llm = ScriptedLLM(script=["yes 4111"], callback_manager=CallbackManager([callback]))
            llm.complete("hello 4111")


@BOTH
def test_a_callback_tells_what_it_meters_and_that_it_was_all(callback: Callback) -> None:
    heard = Heard()
    called(callback(BUDGET, on_event=heard), 2)

    assert kinds(heard) == ["task_began", *CALL, "task_ended", *CALL, "task_ended"]
    assert {event.of.agent for event in heard} == {"a"}


@BOTH
def test_text_is_told_where_the_budget_says_so_and_redacted(callback: Callback) -> None:
    heard = Heard()
    budget = parse_budget("agent: a\nevents: {text: on}", environ={})
    called(callback(budget, on_event=[heard], redact=lambda text: text.replace("4111", "****")))

    (text,) = [event.text for event in heard if isinstance(event, Settled)]
    assert text is not None
    assert (text.asked, text.answered) == ("hello ****", "yes ****")


@BOTH
def test_a_budget_that_asks_for_opentelemetry_has_it(callback: Callback, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    sink = OtelSink(provider)
    monkeypatch.setattr(event_sinks, "_otel", lambda: sink)
    called(callback(parse_budget("agent: a\nevents: {otel: on}", environ={})))

    names = [span.name.partition(" ")[0] for span in exporter.get_finished_spans()]
    assert names == ["chat", "invoke_agent"]
    assert trace.get_current_span() is trace.INVALID_SPAN


@BOTH
def test_without_a_budget_there_is_no_task_that_could_tell(callback: Callback) -> None:
    with pytest.raises(UsageError, match="without a budget has no task whose events"):
        callback(on_event=print)
    with pytest.raises(UsageError, match="without a budget has no task whose events"):
        callback(redact=str.upper)


@BOTH
def test_a_sink_that_raises_fails_no_call(callback: Callback, tmp_path: Path) -> None:
    heard = Heard()

    def broken(event: object) -> None:
        raise RuntimeError("down")

    called(callback(BUDGET, on_event=[broken, heard]))

    assert kinds(heard) == ["task_began", *CALL, "task_ended"]


@BOTH
def test_a_call_that_is_refused_ends_the_task(callback: Callback) -> None:
    heard = Heard()
    with pytest.raises(TaskStopped):
        called(callback(Budget(agent="a", limits=(Limit(model_calls=0),)), on_event=heard))

    assert kinds(heard) == ["task_began", "refused", "task_ended"]


@BOTH
def test_a_call_that_fails_has_no_end(callback: Callback) -> None:
    def fail(*_: Any) -> Any:
        raise ValueError("out of order")

    heard = Heard()
    made = callback(BUDGET, on_event=heard)
    model: Any = (
        ScriptedModel(script=fail, callbacks=[made])
        if isinstance(made, langchain.LeanLoopCallback)
        else ScriptedLLM(script=fail, callback_manager=CallbackManager([made]))
    )
    with pytest.raises(ValueError, match="out of order"):
        model.invoke("hello") if isinstance(made, langchain.LeanLoopCallback) else model.complete("hello")

    assert kinds(heard) == ["task_began", *CALL]


# LangChain


@tool
def search(q: str) -> str:
    """Search."""
    if q == "broken":
        raise ValueError("out of order")
    return f"something about {q}"


def agent_of(create_agent: Callable[..., Any], *queries: str) -> Any:
    """It searches for each of them in turn, then answers."""

    def reply(messages: Any, _: Any) -> AIMessage:
        done = sum(isinstance(message, ToolMessage) for message in messages)
        if done == len(queries):
            return AIMessage("done")
        return AIMessage("", tool_calls=[{"name": "search", "args": {"q": queries[done]}, "id": f"c{done}"}])

    return create_agent(ScriptedModel(script=reply), [search])


@pytest.mark.parametrize("awaited", [False, True])
def test_a_run_of_an_agent_is_one_task_and_its_tools_are_told(create_agent: Any, awaited: bool) -> None:
    heard = Heard()
    agent, config = agent_of(create_agent, "cats"), {"callbacks": [langchain.LeanLoopCallback(BUDGET, on_event=heard)]}
    asked = {"messages": [HumanMessage("find cats")]}
    if awaited:
        asyncio.run(agent.ainvoke(asked, config))
    else:
        agent.invoke(asked, config)

    assert kinds(heard) == ["task_began", *CALL, "tool", *CALL, "task_ended"]
    (told,) = [event for event in heard if isinstance(event, ToolEnded)]
    assert (told.tool, told.is_error) == ("search", False)


def test_a_tool_that_fails_is_told_as_failed_and_a_run_that_fails_has_no_end(create_agent: Any) -> None:
    heard = Heard()
    with pytest.raises(ValueError, match="out of order"):
        agent_of(create_agent, "broken").invoke(
            {"messages": [HumanMessage("find")]}, {"callbacks": [langchain.LeanLoopCallback(BUDGET, on_event=heard)]}
        )

    assert kinds(heard) == ["task_began", *CALL, "tool"]
    (told,) = [event for event in heard if isinstance(event, ToolEnded)]
    assert told.is_error


def test_a_result_that_is_an_error_is_told_as_one() -> None:
    @tool(response_format="content_and_artifact")
    def lookup(q: str) -> tuple[str, None]:
        """Look up."""
        raise ValueError(q)

    lookup.handle_tool_error = lookup.handle_validation_error = True
    heard = Heard()
    callback = langchain.LeanLoopCallback(BUDGET, on_event=heard)
    call = {"name": "lookup", "args": {}, "id": "c1", "type": "tool_call"}
    lookup.invoke(call, {"callbacks": [callback]})

    (told,) = [event for event in heard if isinstance(event, ToolEnded)]
    assert told.is_error


def test_a_run_that_a_limit_ends_has_ended(create_agent: Any) -> None:
    heard = Heard()
    callback = langchain.LeanLoopCallback(Budget(agent="a", limits=(Limit(tool_calls=1),), warn=()), on_event=heard)
    with pytest.raises(TaskStopped):
        agent_of(create_agent, "cats", "dogs").invoke({"messages": [HumanMessage("find")]}, {"callbacks": [callback]})

    assert kinds(heard) == ["task_began", *CALL, "tool", *CALL, "refused", "task_ended"]


def test_a_chain_that_is_left_ends_with_what_it_was(create_agent: Any) -> None:
    heard = Heard()
    chain = ScriptedModel(script=[AIMessage("one two three four")]) | StrOutputParser()
    stream = chain.stream("hello", {"callbacks": [langchain.LeanLoopCallback(BUDGET, on_event=heard)]})
    next(stream)
    stream.close()  # type: ignore[attr-defined]

    assert kinds(heard) == ["task_began", *CALL, "task_ended"]


def test_chains_are_asked_of_only_where_someone_wants_to_know() -> None:
    assert langchain.LeanLoopCallback().ignore_chain
    assert langchain.LeanLoopCallback(BUDGET).ignore_chain
    assert not langchain.LeanLoopCallback(BUDGET, on_event=print).ignore_chain


# LlamaIndex


def test_a_stream_of_llama_index_ends_the_task_when_it_is_read() -> None:
    heard = Heard()
    callback = llama_index.LeanLoopCallback(BUDGET, on_event=heard)
    stream = ScriptedLLM(script=["yes"], callback_manager=CallbackManager([callback])).stream_complete("hello")
    assert kinds(heard) == ["task_began", "reserved"]
    list(stream)

    assert kinds(heard) == ["task_began", *CALL, "task_ended"]


def test_a_query_is_one_task() -> None:
    heard = Heard()
    manager = CallbackManager([llama_index.LeanLoopCallback(BUDGET, on_event=heard)])
    llm = ScriptedLLM(script=["yes", "no"], callback_manager=manager)
    with manager.as_trace("query"):
        llm.complete("hello")
        llm.complete("goodbye")

    assert kinds(heard) == ["task_began", *CALL, *CALL, "task_ended"]
