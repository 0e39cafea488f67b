"""What is really sent once calls are made cheaper: by the user's own LLM, or by one that takes its place."""

# LlamaIndex's `run` is an overload of which the first is deprecated, and what it gives has no type:
# pyright: reportDeprecated=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false, reportIncompatibleMethodOverride=false
# mypy: disable-error-code="deprecated, index, override"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.llms import LLM, MockLLM
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

import leanloop
from leanloop import Alert, Budget, UsageError, parse_budget
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.provider import Provider
from leanloop.adapters.llama_index.provider_openai import OpenAIResponses
from leanloop.adapters.llama_index.scripted import ScriptedLLM, ScriptedTextLLM
from leanloop.adapters.llama_index.substitutes import as_read_by

HALF = "agent: a\nlimits: [{model_calls: 10}]\nloop: off\ndegrade: "


class Weather(BaseModel):
    """The weather."""

    city: str


class Foreign(ScriptedLLM):
    """A class that says what it is given in words of its own, of a provider nobody has heard of."""

    __module__ = "elsewhere"

    def _prepare_chat_with_tools(self, tools: Any, *, tool_required: bool = False, **kwargs: Any) -> dict[str, Any]:
        prepared: dict[str, Any] = super()._prepare_chat_with_tools(tools, tool_required=tool_required, **kwargs)
        return {"messages": prepared["messages"], "functions": prepared["tools"], "choose": prepared["tool_choice"]}


def look_up(what: str) -> str:
    """Look something up."""
    return f"what is known of {what}"


def budget(degrade: str) -> Budget:
    return parse_budget(f"{HALF}{degrade}", environ={})


def searching(times: int) -> Callable[[list[ChatMessage], dict[str, Any]], ChatMessage]:
    """Looks something up that often, then answers."""

    def reply(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
        done = sum(message.role == MessageRole.TOOL for message in messages)
        call = ToolCallBlock(tool_call_id=f"c{done}", tool_name="look_up", tool_kwargs={"what": f"topic {done}"})
        blocks: list[Any] = [TextBlock(text="done")] if done >= times else [call]
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks)

    return reply


@pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "whole"])
async def test_from_the_share_on_an_agent_asks_the_cheaper_model(store: Any, streaming: bool) -> None:
    own, cheap = ScriptedLLM(script=searching(5), model="gpt-4o"), ScriptedLLM(script=searching(5))
    loop = LeanLoop(budget("{at: 30%, to: gpt-4o-mini}"), store=store, models={"gpt-4o-mini": cheap})
    result = await loop.agent(FunctionAgent(llm=own, tools=[look_up], streaming=streaming)).run("go")
    assert (str(result), len(own.seen), len(cheap.seen)) == ("done", 3, 3)
    assert all(settings["tools"] for _, settings in cheap.seen)
    receipt = result["leanloop"]
    assert {use["model"]: use["calls"] for use in receipt["models"]} == {"gpt-4o": 3, "gpt-4o-mini": 3}
    (saving,) = receipt["savings"]
    assert (saving["plugin"], saving["calls"]) == ("degrade", 3)


async def test_without_a_substitute_the_own_llm_is_called_by_the_other_name(store: Any) -> None:
    own = ScriptedLLM(script=searching(3), model="gpt-4o")
    agent = LeanLoop(budget("{at: 30%, to: gpt-4o-mini}"), store=store).agent(FunctionAgent(llm=own, tools=[look_up]))
    result = await agent.run("go")
    assert [use["model"] for use in result["leanloop"]["models"]] == ["gpt-4o", "gpt-4o-mini"]
    assert (len(own.seen), own.model) == (4, "gpt-4o")


@pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "whole"])
async def test_a_substitute_of_another_class_is_asked_in_its_own_words(store: Any, streaming: bool) -> None:
    own, cheap = ScriptedLLM(script=searching(4), model="gpt-4o"), Foreign(script=searching(4), reports_usage=False)
    loop = LeanLoop(budget("{at: 20%, to: gpt-4o-mini}"), store=store, models={"gpt-4o-mini": cheap})
    result = await loop.agent(FunctionAgent(llm=own, tools=[look_up], streaming=streaming)).run("go")
    assert (str(result), len(own.seen), len(cheap.seen)) == ("done", 2, 3)
    settings = cheap.seen[0][1]
    assert settings["functions"][0]["function"]["name"] == "look_up"
    assert settings["choose"] == "auto"
    assert "tools" not in settings


async def test_a_required_answer_is_required_of_the_substitute_too(store: Any) -> None:
    call = ToolCallBlock(tool_call_id="c", tool_name="Weather", tool_kwargs={"city": "Rome"})
    answers = [ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])]
    own, cheap = ScriptedLLM(script=answers, model="gpt-4o"), Foreign(script=answers)
    given = budget("{at: 10%, to: gpt-4o-mini}")
    llm = LeanLoop(given, store=store, models={"gpt-4o-mini": cheap}).llm(own)
    with leanloop.task(given, store=store):
        said = [llm.structured_predict(Weather, PromptTemplate("Where?")) for _ in range(2)]
    assert said == [Weather(city="Rome")] * 2
    assert (len(own.seen), cheap.seen[0][1]["choose"]) == (1, "required")


def test_prompts_and_plain_chats_go_to_the_substitute_as_well(store: Any) -> None:
    own, cheap = ScriptedLLM(script=["one two"], model="gpt-4o"), ScriptedTextLLM(script=["three four"])
    given = budget("{at: 10%, to: gpt-4o-mini}")
    llm = LeanLoop(given, store=store, models={"gpt-4o-mini": cheap}).llm(own)
    with leanloop.task(given, store=store) as task:
        assert llm.complete("?", max_tokens=70).text == "one two"
        assert llm.complete("?", max_tokens=70).text == "three four"
        assert [chunk.text for chunk in llm.stream_complete("?")][-1] == "three four"
    assert cheap.seen[0][1]["max_tokens"] == 70
    assert [(use.model, use.calls) for use in task.receipt().models] == [("gpt-4o", 1), ("gpt-4o-mini", 2)]


UNABLE: dict[str, tuple[LLM, dict[str, Any], str]] = {
    "no tools": (ScriptedTextLLM(script=["x"]), {}, "ScriptedTextLLM cannot call tools; name a model that can."),
    "a parameter": (
        Foreign(script=["x"]),
        {"top_p": 1},
        "Foreign has no top_p, which the call to ScriptedLLM has; leave that out, or name a model of that provider.",
    ),
}


@pytest.mark.parametrize("why", UNABLE)
def test_a_substitute_that_cannot_make_the_call_is_said_once_and_left_alone(store: Any, why: str) -> None:
    other, settings, reason = UNABLE[why]
    own = ScriptedLLM(script=searching(0), model="gpt-4o")
    given, alerts = budget("{at: 10%, to: gpt-4o-mini}"), list[Alert]()
    llm: FunctionCallingLLM = LeanLoop(given, store=store, models={"gpt-4o-mini": other}, on_alert=alerts.append).llm(
        own
    )
    loop_tool = LeanLoop(given).tools([_tool()])
    with leanloop.task(given, store=store, on_alert=alerts.append) as task:
        for _ in range(3):
            llm.chat_with_tools(loop_tool, user_msg="?", **settings)
    assert task.receipt().model_calls == len(own.seen) == 3
    told = [alert.message for alert in alerts if alert.kind == "unavailable"]
    assert told == [f"Agent a: gpt-4o-mini does not take over from gpt-4o: {reason}"]


def _tool() -> Any:
    from llama_index.core.tools import FunctionTool

    return FunctionTool.from_defaults(look_up)


def test_a_class_that_cannot_be_renamed_needs_a_substitute(store: Any) -> None:
    given, alerts = budget("{at: 10%, to: gpt-4o-mini}"), list[Alert]()
    llm = LeanLoop(given, store=store).llm(MockLLM())
    with leanloop.task(given, store=store, on_alert=alerts.append):
        for _ in range(2):
            llm.complete("?")
    (told,) = [alert.message for alert in alerts if alert.kind == "unavailable"]
    assert "give it to leanloop, as models={'gpt-4o-mini': ...}, for calls of MockLLM cannot be sent to" in told


def test_only_llms_take_the_place_of_one() -> None:
    with pytest.raises(UsageError, match="'cheap' is a str; give an LLM of LlamaIndex"):
        LeanLoop(budget("{at: 10%, to: cheap}"), models={"cheap": "gpt-4o-mini"})  # type: ignore[dict-item]


async def test_alerts_of_a_run_go_to_the_hook(store: Any) -> None:
    alerts: list[Alert] = []
    loop = LeanLoop(budget("{at: 50%, effort: low}"), store=store, on_alert=alerts.append)
    agent = loop.agent(FunctionAgent(llm=ScriptedLLM(script=searching(8)), tools=[look_up]))
    await agent.run("go")
    assert {alert.kind for alert in alerts} == {"share", "degraded"}


def test_a_hook_that_nobody_would_await_is_refused() -> None:
    async def hook(alert: Alert) -> None: ...

    with pytest.raises(UsageError, match="plain function"):
        LeanLoop(on_alert=hook)


ARGUMENTS: list[tuple[Provider, object, object]] = [
    (Provider(), '{"q": 1}', {"q": 1}),
    (Provider(), '{"q": "half a wo', {"q": None}),
    (Provider(), "no JSON", {}),
    (Provider(), {"q": 1}, {"q": 1}),
    (OpenAIResponses(), {"q": 1}, '{"q":1}'),
    (OpenAIResponses(), '{"q":1}', '{"q":1}'),
]


@pytest.mark.parametrize(("own", "given", "read"), ARGUMENTS)
def test_a_substitutes_tool_calls_are_put_as_the_own_class_reads_them(own: Provider, given: Any, read: Any) -> None:
    block = ToolCallBlock(tool_call_id="c", tool_name="t", tool_kwargs=given)
    response = ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text="x"), block]))
    shown = as_read_by(own, response)
    assert isinstance(shown.message.blocks[1], ToolCallBlock)
    assert shown.message.blocks[1].tool_kwargs == read
    assert shown.message.blocks[0] is response.message.blocks[0]
    assert block.tool_kwargs == given, "the response itself stays"


WIRES = [
    ("openai", "gpt-4o", "anthropic", "claude-haiku-4-5"),
    ("anthropic", "claude-opus-4-5", "openai", "gpt-4o-mini"),
    ("responses", "gpt-4o", "google", "gemini-2.5-flash"),
    ("google", "gemini-2.5-pro", "responses", "gpt-4o-mini"),
    ("openai", "gpt-4o", "openai", "gpt-4o-mini"),
    ("anthropic", "claude-opus-4-5", "anthropic", "claude-haiku-4-5"),
]


@pytest.mark.parametrize("wire", WIRES, ids=" ".join)
def test_what_is_sent_to_the_providers_and_how_the_answer_is_read(
    provider: Any, llm: Any, store: Any, wire: tuple[str, str, str, str]
) -> None:
    own, model, other, cheap = wire
    provider.reply = lambda _: {"id": "c", "name": "look_up", "args": {"what": "a topic"}}
    models = {} if own == other else {cheap: llm(other, model=cheap)}
    given = budget(f"{{at: 10%, to: {cheap}}}")
    guarded = LeanLoop(given, store=store, models=models).llm(llm(own, model=model))
    with leanloop.task(given, store=store) as task:
        said = [guarded.chat_with_tools([_tool()], user_msg="?") for _ in range(2)]
    assert [guarded.get_tool_calls_from_response(one)[0].tool_kwargs for one in said] == [{"what": "a topic"}] * 2
    assert all(payload["tools"] for payload in provider.payloads)
    assert [(use.model, use.calls) for use in task.receipt().models] == [(model, 1), (cheap, 1)]
    before, after = provider.paths
    assert (before == after) is (own == other)


@pytest.mark.parametrize(("own", "other"), [("openai", "anthropic"), ("anthropic", "openai")])
def test_a_stream_of_the_substitute_is_read_as_the_own_class_reads_it(
    provider: Any, llm: Any, store: Any, own: str, other: str
) -> None:
    provider.reply = lambda _: {"id": "c", "name": "look_up", "args": {"what": "a topic"}}
    given = budget("{at: 10%, to: other}")
    models = {"openai": "gpt-4o", "anthropic": "claude-opus-4-5"}
    loop = LeanLoop(given, store=store, models={"other": llm(other, model=models[other])})
    guarded = loop.llm(llm(own, model=models[own]))
    with leanloop.task(given, store=store) as task:
        for _ in range(2):
            *_, last = guarded.stream_chat_with_tools([_tool()], user_msg="?")
            assert guarded.get_tool_calls_from_response(last)[0].tool_kwargs == {"what": "a topic"}
    assert [(use.model, use.usage.estimated) for use in task.receipt().models] == [
        (models[own], False),
        ("other", False),
    ]
