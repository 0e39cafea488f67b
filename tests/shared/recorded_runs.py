"""Recorded runs in the shapes that the frameworks themselves give them, and spans written by hand."""

# Frameworks' own types are partly unknown:
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false
# pyright: reportOptionalMemberAccess=false
from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

__all__ = [
    "Row",
    "any_value",
    "attributes",
    "langchain_runs",
    "lines",
    "llama_index_events",
    "otlp",
    "pydantic_ai_spans",
    "span",
    "workflow_events",
]

Row = dict[str, Any]


def lines(rows: list[Row]) -> str:
    """A row a line."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def langchain_runs(**settings: Any) -> list[Row]:
    """Every run of an agent's trace, as the tracer that LangSmith's own derives from makes them."""
    pytest.importorskip("langchain")
    from langchain.agents import create_agent
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.tools import tool
    from langchain_core.tracers.base import BaseTracer
    from langchain_core.tracers.schemas import Run

    class Model(GenericFakeChatModel):
        def bind_tools(self, tools: Any, **_: Any) -> Any:
            return self

    class Tracer(BaseTracer):
        def __init__(self) -> None:
            super().__init__(_schema_format="original+chat")  # LangChainTracer's own
            self.roots: list[Run] = []

        def _persist_run(self, run: Run) -> None:
            self.roots.append(run)

    @tool
    def search(q: str) -> str:
        """Search."""
        return "found " + q

    usage: Any = {
        "input_tokens": 10,
        "output_tokens": 3,
        "total_tokens": 13,
        "input_token_details": {"cache_read": 4},
        "output_token_details": {"reasoning": 1},
    }
    asking = AIMessage("", tool_calls=[{"name": "search", "args": {"q": "a"}, "id": "c1"}], usage_metadata=usage)
    model = Model(messages=iter([asking, AIMessage("it is a", usage_metadata=usage)]))
    tracer = Tracer()
    agent: Any = create_agent(model, [search], system_prompt="be kind", name=settings.pop("name", None))
    agent.invoke({"messages": [("user", "find a")]}, {"callbacks": [tracer], **settings})

    def walk(run: Run) -> Iterator[Row]:
        yield run.model_dump(mode="json", exclude={"client", "ls_client"})
        for child in run.child_runs:
            yield from walk(child)

    return list(walk(tracer.roots[0]))


def pydantic_ai_spans(*, texts: bool = True) -> list[Row]:
    """The spans of an agent of Pydantic AI, whose instrumentation follows the conventions, as OTLP has them."""
    pytest.importorskip("pydantic_ai")
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from pydantic_ai import Agent
    from pydantic_ai.capabilities import Instrumentation
    from pydantic_ai.models.instrumented import InstrumentationSettings
    from pydantic_ai.models.test import TestModel

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    settings = InstrumentationSettings(tracer_provider=provider, include_content=texts)
    agent = Agent(TestModel(), instructions="be kind", name="finder", capabilities=[Instrumentation(settings)])

    @agent.tool_plain
    def search(q: str) -> str:
        return "found " + q

    asyncio.run(agent.run("find a"))
    return [
        {
            "traceId": f"{done.context.trace_id:032x}",
            "spanId": f"{done.context.span_id:016x}",
            "parentSpanId": f"{done.parent.span_id:016x}" if done.parent else "",
            "startTimeUnixNano": str(done.start_time),
            "endTimeUnixNano": str(done.end_time),
            "attributes": attributes(dict(done.attributes or {})),
        }
        for done in exporter.get_finished_spans()
    ]


def otlp(*spans: Row, **resource: object) -> Row:
    """An export of spans."""
    about = {"attributes": attributes({name.replace("__", "."): value for name, value in resource.items()})}
    return {"resourceSpans": [{"resource": about, "scopeSpans": [{"spans": list(spans)}]}]}


def attributes(fields: dict[str, object]) -> list[Row]:
    """Attributes as OTLP JSON has them."""
    return [{"key": key, "value": any_value(value)} for key, value in fields.items()]


def any_value(value: object) -> Row:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case dict():
            return {"kvlistValue": {"values": attributes(value)}}
        case list() | tuple():
            return {"arrayValue": {"values": [any_value(inner) for inner in value]}}
        case _:
            return {}


def span(name: str = "chat", *, at: int = 1, **fields: Any) -> Row:
    """A span of half a second; a name has two underlines for each dot."""
    named = {key.replace("__", "."): value for key, value in fields.items()}
    return {
        "traceId": "5b8e",
        "spanId": f"{at:x}",
        "parentSpanId": "root",
        "startTimeUnixNano": str(at * 10**9),
        "endTimeUnixNano": str(at * 10**9 + 5 * 10**8),
        "attributes": attributes({"gen_ai.operation.name": name, **named}),
    }


def _searching_agent() -> Any:
    from llama_index.core.agent.workflow import FunctionAgent
    from llama_index.core.base.llms.types import ChatMessage, TextBlock, ToolCallBlock
    from llama_index.core.llms.mock import MockFunctionCallingLLM

    def reply(messages: Any, **_: Any) -> ChatMessage:
        if any(message.role == "tool" for message in messages):
            return ChatMessage(role="assistant", blocks=[TextBlock(text="it is a")])
        call = ToolCallBlock(tool_call_id="c1", tool_name="search", tool_kwargs={"q": "a"})
        return ChatMessage(role="assistant", blocks=[call])

    def search(q: str) -> str:
        """Search."""
        return "found " + q

    llm = MockFunctionCallingLLM(response_generator=reply)
    return FunctionAgent(name="finder", tools=[search], llm=llm, system_prompt="be kind", streaming=False)


def workflow_events(*, named: bool) -> list[Row]:
    """What an agent of LlamaIndex streams as it works: each event's dump, or that with its name around it."""
    pytest.importorskip("llama_index.core")
    from workflows.context.serializers import JsonSerializer

    async def run() -> list[Any]:
        handler = _searching_agent().run(user_msg="find a")
        events = [event async for event in handler.stream_events()]
        await handler
        return events

    events = asyncio.run(run())
    return [
        json.loads(JsonSerializer().serialize(event) if named else json.dumps(event.model_dump(mode="json")))
        for event in events
    ]


def llama_index_events(**tags: str) -> list[Row]:
    """The instrumentation's events of an agent of LlamaIndex, as they are dumped."""
    pytest.importorskip("llama_index.core")
    from llama_index.core.instrumentation.event_handlers import BaseEventHandler
    from llama_index_instrumentation import get_dispatcher
    from llama_index_instrumentation.dispatcher import instrument_tags

    events: list[Any] = []

    class Handler(BaseEventHandler):
        def handle(self, event: Any, **_: Any) -> None:
            events.append(event)

    async def run() -> None:
        with instrument_tags(dict(tags)):
            await _searching_agent().run(user_msg="find a")

    dispatcher = get_dispatcher()
    handler = Handler()
    dispatcher.add_event_handler(handler)
    try:
        asyncio.run(run())
    finally:
        dispatcher.event_handlers.remove(handler)
    return [json.loads(json.dumps(event.model_dump(), default=str)) for event in events]
