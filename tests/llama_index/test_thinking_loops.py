"""Thinking around tools, as it is really sent: in the middle of a loop, where a tool is forced, beside a schema."""

# What is called by name has no type, and LlamaIndex's `run` is an overload of which the first is deprecated:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportDeprecated=false
# mypy: disable-error-code="deprecated, index"
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ThinkingBlock, ToolCallBlock
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel
from refused import refused

from leanloop import Budget, Limit, ModelCall, ModelFlow, ModelReply, Plugin
from leanloop.adapters.llama_index import LeanLoop
from leanloop.budgets.degrade_step import Effort

pytestmark = [
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'output_format' parameter is deprecated:DeprecationWarning"),
]

BUDGET = Budget(agent="a", limits=(Limit(cycles=20),), unknown_model="free")


class Thinks(Plugin):
    """Wants another effort in each call, in turn."""

    def __init__(self, *efforts: Effort | None) -> None:
        self.efforts = list(efforts)

    def on_model(self, call: ModelCall, task: Any) -> ModelFlow:
        wanted = self.efforts.pop(0) if len(self.efforts) > 1 else self.efforts[0]
        reply: ModelReply = yield replace(call, thinking=wanted, max_output=20_000)
        return reply


def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is a word"


TOOLS: list[Any] = [FunctionTool.from_defaults(look_up)]

CLASSES = [
    ("openai", "gpt-5"),
    ("openai", "gpt-5.1"),
    ("openai", "gpt-5.5"),
    ("responses", "gpt-5.5"),
    ("anthropic", "claude-haiku-4-5"),
    ("anthropic", "claude-opus-4-5"),
    ("anthropic", "claude-sonnet-4-6"),
    ("anthropic", "claude-opus-5"),
    ("anthropic", "claude-sonnet-5-5"),
    ("google", "gemini-2.5-flash"),
    ("google", "gemini-3-flash-preview"),
    ("ollama", "qwen3:8b"),
    ("deepseek", "deepseek-v4-flash"),
]

CHANGES: list[tuple[Effort | None, ...]] = [
    ("high",), ("none",), ("high", "none"), ("none", "high"), ("high", "low", "none"),
]  # fmt: skip
REFUSED_BY_THEMSELVES = [("openai", "gpt-5.5"), ("deepseek", "deepseek-v4-flash")]
"""What these classes send beside tools where nobody speaks of an effort."""


def thinks(body: dict[str, Any]) -> bool:
    """Whether a request has the model think, as far as it says so."""
    thinking = body.get("thinking") or {}
    budget = ((body.get("generationConfig") or {}).get("thinkingConfig") or {}).get("thinking_budget")
    effort = body.get("reasoning_effort") or (body.get("reasoning") or {}).get("effort") or "none"
    return (
        thinking.get("type") in ("enabled", "adaptive") or bool(budget) or effort != "none" or body.get("think") is True
    )


def searching(rounds: int) -> Callable[[dict[str, Any]], Any]:
    """Thinks where it is told to and looks words up, as often as that, then answers."""
    made = list[int]()

    def reply(body: dict[str, Any]) -> Any:
        made.append(1)
        if len(made) > rounds:
            return "it is done"
        thought = {"thought": "hmm"} if thinks(body) else {}
        return {"id": f"c{len(made)}", "name": "look_up", "args": {"word": f"w{len(made)}"}, **thought}

    return reply


@pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "whole"])
@pytest.mark.parametrize(("kind", "model"), CLASSES)
async def test_no_step_of_a_tool_loop_is_refused_however_the_effort_changes(
    kind: str, model: str, streaming: bool, llm: Callable[..., Any], provider: Any
) -> None:
    if kind == "responses" and streaming:
        pytest.skip("its stream of tool calls is broken upstream, guarded or not")
    own = llm(kind, model=model)
    by_itself: list[tuple[Effort | None, ...]] = [("high", None)] if (kind, model) not in REFUSED_BY_THEMSELVES else []
    for efforts in [*CHANGES, *by_itself]:
        provider.payloads.clear()
        provider.reply = searching(3)
        loop = LeanLoop(BUDGET, plugins=[Thinks(*efforts)])
        result = await loop.agent(FunctionAgent(llm=own, tools=TOOLS, streaming=streaming)).run("go")
        assert str(result).replace(" ", "") == "itisdone"
        assert len(provider.payloads) == 4
        for body in provider.payloads:
            assert refused(kind, body, model) == [], efforts


@pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "whole"])
@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-opus-5"])
async def test_what_anthropics_model_thought_goes_back_whole_and_signed(
    model: str, streaming: bool, llm: Callable[..., Any], provider: Any
) -> None:
    provider.reply = searching(2)
    agent = LeanLoop(BUDGET, plugins=[Thinks("high")]).agent(
        FunctionAgent(llm=llm("anthropic", model=model), tools=TOOLS, streaming=streaming)
    )
    await agent.run("go")
    last = provider.sent["messages"]
    steps = [message["content"] for message in last if message["role"] == "assistant"]
    thought = {"type": "thinking", "thinking": "hmm", "signature": "signed"}
    assert [[block["type"] for block in blocks] for blocks in steps] == [["thinking", "tool_use"]] * 2
    assert all(blocks[0] == thought for blocks in steps)


@pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "whole"])
async def test_gemini_gets_its_signatures_back(streaming: bool, llm: Callable[..., Any], provider: Any) -> None:
    provider.reply = lambda body: searching(1)(body) if len(provider.payloads) == 1 else "it is done"
    agent = LeanLoop(BUDGET, plugins=[Thinks("high")]).agent(
        FunctionAgent(llm=llm("google", model="gemini-2.5-flash"), tools=TOOLS, streaming=streaming)
    )
    await agent.run("go")
    (call,) = [part for turn in provider.sent["contents"] for part in turn["parts"] if "functionCall" in part]
    assert call["thoughtSignature"] == "c2lnbmVk"


async def test_deepseek_thinks_beside_no_tool_since_its_class_drops_what_it_thought(
    llm: Callable[..., Any], provider: Any
) -> None:
    guarded = LeanLoop(BUDGET, plugins=[Thinks("high")]).llm(llm("deepseek"))
    guarded.chat_with_tools(TOOLS, user_msg="hello")
    assert provider.sent["thinking"] == {"type": "disabled"}
    guarded.chat([ChatMessage(content="hello")])
    assert provider.sent["thinking"] == {"type": "enabled"}
    called = ChatMessage(
        role=MessageRole.ASSISTANT, blocks=[ToolCallBlock(tool_name="look_up", tool_kwargs={}, tool_call_id="c")]
    )
    answered = ChatMessage(role=MessageRole.TOOL, content="a word", additional_kwargs={"tool_call_id": "c"})
    guarded.chat([ChatMessage(content="hello"), called, answered, ChatMessage(content="and?")])
    assert provider.sent["thinking"] == {"type": "disabled"}


class Town(BaseModel):
    """A town."""

    name: str


def town(body: dict[str, Any]) -> Any:
    tools = body.get("tools") or []
    if tools:
        declared = tools[0].get("functionDeclarations") or [tools[0].get("function") or tools[0]]
        return {"name": declared[0]["name"], "id": "c1", "args": {"name": "Kiel"}}
    return json.dumps({"name": "Kiel"})


FORCED = [
    ("openai", "gpt-5", {}),
    ("openai", "gpt-5.5", {}),
    ("responses", "gpt-5", {}),
    ("anthropic", "claude-opus-4-1", {}),
    ("anthropic", "claude-haiku-4-5", {}),
    ("anthropic", "claude-haiku-4-5", {"thinking_dict": {"type": "enabled", "budget_tokens": 2_000}}),
    ("anthropic", "claude-sonnet-4-6", {}),
    ("google", "gemini-2.5-flash", {}),
    ("ollama", "qwen3:8b", {}),
    ("deepseek", "deepseek-v4-flash", {}),
]


@pytest.mark.filterwarnings("ignore:The model 'claude-opus-4-1' is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("kind", "model", "settings"), FORCED)
@pytest.mark.parametrize("wanted", ["high", "none"])
def test_a_tool_that_must_be_called_is_never_forced_beside_thinking_that_forbids_it(  # noqa: PLR0917
    kind: str, model: str, settings: dict[str, Any], wanted: Effort, llm: Callable[..., Any], provider: Any
) -> None:
    own = llm(kind, model=model, **settings)
    guarded = LeanLoop(BUDGET, plugins=[Thinks(wanted)]).llm(own)
    provider.reply = lambda _: {"id": "c", "name": "look_up", "args": {"word": "a"}}
    guarded.chat_with_tools(TOOLS, user_msg="hello", tool_required=True)
    assert refused(kind, provider.sent, model) == []
    provider.reply = town
    assert guarded.structured_predict(Town, PromptTemplate("A town.")).name == "Kiel"
    assert refused(kind, provider.sent, model) == []


@pytest.mark.parametrize(
    ("kind", "model"),
    [("openai", "gpt-5"), ("responses", "gpt-5"), ("anthropic", "claude-sonnet-4-5"), ("google", "gemini-2.5-flash")],
)
def test_a_schema_stays_beside_the_effort(kind: str, model: str, llm: Callable[..., Any], provider: Any) -> None:
    provider.reply = town
    guarded = LeanLoop(BUDGET, plugins=[Thinks("high")]).llm(llm(kind, model=model))
    assert guarded.structured_predict(Town, PromptTemplate("A town.")).name == "Kiel"
    body = provider.sent
    assert thinks(body)
    config = body.get("generationConfig") or {}
    places = (
        body.get("response_format"),
        body.get("text"),
        (body.get("output_config") or {}).get("format"),
        body.get("tools"),
    )
    assert any((*places, config.get("responseSchema"), config.get("responseJsonSchema")))
    assert refused(kind, body, model) == []


def test_a_budget_that_does_not_fit_into_the_output_is_made_smaller(llm: Callable[..., Any], provider: Any) -> None:
    class Small(Plugin):
        def on_model(self, call: ModelCall, task: Any) -> ModelFlow:
            reply: ModelReply = yield replace(call, thinking="max", max_output=caps.pop(0))
            return reply

    caps = [5_000, 1_025, 1_024, 500]
    guarded = LeanLoop(BUDGET, plugins=[Small()]).llm(llm("anthropic"))
    for expected in (4_096, 1_024, None, None):
        guarded.chat([ChatMessage(content="hello")])
        assert (provider.sent.get("thinking") or {}).get("budget_tokens") == expected
        assert refused("anthropic", provider.sent) == []


def history(*blocks: Any) -> list[ChatMessage]:
    """A tool loop, the first step of which holds these blocks."""
    call = ToolCallBlock(tool_name="look_up", tool_kwargs={"word": "a"}, tool_call_id="c")
    result = ChatMessage(role=MessageRole.TOOL, content="a word", additional_kwargs={"tool_call_id": "c"})
    return [
        ChatMessage(content="hello"),
        ChatMessage(role=MessageRole.ASSISTANT, blocks=[*blocks, call]),
        result,
    ]


SIGNED = ThinkingBlock(content="hmm", additional_information={"signature": "signed"})


@pytest.mark.parametrize("wanted", [None, "high", "none"])
def test_what_another_providers_model_thought_is_not_sent_to_anthropic(
    wanted: Effort | None, llm: Callable[..., Any], provider: Any
) -> None:
    guarded = LeanLoop(BUDGET, plugins=[Thinks(wanted)]).llm(llm("anthropic"))
    given = history(ThinkingBlock(content="as another model thinks"), TextBlock(text="I look it up."))
    guarded.chat(given, tools=[{"name": "look_up", "input_schema": {"type": "object"}}])
    assert refused("anthropic", provider.sent) == []
    assert "as another" not in json.dumps(provider.sent)
    assert len(given[1].blocks) == 3, "the history itself stays"


def test_a_loop_begun_with_thinking_goes_on_with_it_and_ends_without_its_thoughts_where_it_is_left_to_the_llm(
    llm: Callable[..., Any], provider: Any
) -> None:
    tools = [{"name": "look_up", "input_schema": {"type": "object"}}]
    guarded = LeanLoop(BUDGET, plugins=[Thinks("none", None, "none")]).llm(llm("anthropic"))
    guarded.chat(history(SIGNED), tools=tools)
    assert provider.sent["thinking"] == {"type": "enabled", "budget_tokens": 1_024}
    guarded.chat(history(SIGNED), tools=tools)  # as a landing is asked for
    assert "thinking" not in provider.sent
    assert refused("anthropic", provider.sent) == []
    earlier = [*history(SIGNED), ChatMessage(role=MessageRole.ASSISTANT, content="done"), ChatMessage(content="and?")]
    guarded.chat(earlier, tools=tools)
    assert "signed" in json.dumps(provider.sent), "what was thought in earlier turns may stay, and the prefix with it"
    assert refused("anthropic", provider.sent) == []


@pytest.mark.parametrize(("model", "signs"), [("gemini-3-flash-preview", True), ("gemini-2.5-flash", False)])
def test_calls_of_another_model_are_signed_for_gemini(
    model: str, signs: bool, llm: Callable[..., Any], provider: Any
) -> None:
    guarded = LeanLoop(BUDGET, plugins=[Thinks("high")]).llm(llm("google", model=model))
    given = [ChatMessage(content="before"), *history(TextBlock(text="I look it up."))]
    guarded.chat(given)
    (call,) = [part for turn in provider.sent["contents"] for part in turn["parts"] if "functionCall" in part]
    assert ("thoughtSignature" in call) is signs
    assert given[2].additional_kwargs == {}, "the history itself stays"
    guarded.chat([*given, ChatMessage(role=MessageRole.ASSISTANT, content="done"), ChatMessage(content="and?")])
    assert "thoughtSignature" not in json.dumps(provider.sent), "only in the turn that is going on"


def test_what_another_providers_model_thought_is_not_sent_to_gemini(llm: Callable[..., Any], provider: Any) -> None:
    guarded = LeanLoop(BUDGET, plugins=[Thinks("high")]).llm(llm("google"))
    own = ThinkingBlock(content="as Gemini thinks", additional_information={"thought": True})
    guarded.chat(history(ThinkingBlock(content="as another model", additional_information={"signature": "x"}), own))
    assert "as another" not in json.dumps(provider.sent)
    assert "as Gemini thinks" in json.dumps(provider.sent)
