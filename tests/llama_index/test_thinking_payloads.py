"""What is really sent to make a model think more or less, by each of LlamaIndex's own classes, to a local provider."""

# What is called by name has no type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from refused import refused
from thinking_parameters import SHOWN, adaptive, efforts, level, tokens

from leanloop import Budget, Limit, ModelCall, ModelFlow, ModelReply, Plugin
from leanloop.adapters.llama_index import LeanLoop
from leanloop.budgets.degrade_step import EFFORTS

pytestmark = [
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'output_format' parameter is deprecated:DeprecationWarning"),
]

ROOM = 20_000


class Sends(Plugin):
    """Changes each call as a test wants it."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes

    def on_model(self, call: ModelCall, task: Any) -> ModelFlow:
        reply: ModelReply = yield replace(call, **self.changes)
        return reply


def look_up(word: str) -> str:
    """Look a word up."""
    return word


TOOLS = [FunctionTool.from_defaults(look_up)]


def loop_with(**changes: Any) -> LeanLoop:
    budget = Budget(agent="a", limits=(Limit(cycles=20),), unknown_model="free")
    return LeanLoop(budget, plugins=[Sends(**{"max_output": ROOM, **changes})])


def sent_with(
    llm: Any, provider: Any, *, given: dict[str, Any] | None = None, tools: bool = False, **changes: Any
) -> Any:
    """What is sent of a call that a plugin changes."""
    guarded = loop_with(**changes).llm(llm)
    if tools:
        guarded.chat_with_tools(TOOLS, user_msg="hello", **(given or {}))
    else:
        guarded.chat([ChatMessage(content="hello")], **(given or {}))
    return provider.sent


def about(body: dict[str, Any]) -> dict[str, Any]:
    """All that a body says of reasoning, and of sampling."""
    names = ("reasoning_effort", "reasoning", "thinking", "output_config", "think", "chat_template_kwargs")
    said = {name: body[name] for name in (*names, "temperature", "top_p", "enable_thinking") if name in body}
    config = body.get("generationConfig", {}).get("thinkingConfig")
    return said | ({"thinkingConfig": config} if config else {})


def wire(kind: str) -> str:
    return {"openai_like": "openai"}.get(kind, kind)


def effort(value: str, temperature: float = 1.0) -> dict[str, Any]:
    return {"reasoning_effort": value, "temperature": temperature}


def budget(tokens: int) -> dict[str, Any]:
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}, "temperature": 1.0}


UNCHANGED: dict[str, Any] = {"temperature": 0.1}
DEEPSEEK_OFF = {"thinking": {"type": "disabled"}, "temperature": 0.1}

EXACT: dict[tuple[str, str], dict[str, Any]] = {
    ("openai", "gpt-4o"): efforts(*[UNCHANGED] * 7),
    ("openai", "o3"): efforts(*map(effort, ["low", "low", "low", "medium", "high", "high", "high"])),
    ("openai", "gpt-5"): efforts(*map(effort, ["minimal", "minimal", "low", "medium", "high", "high", "high"])),
    ("openai", "gpt-5.1"): efforts(*map(effort, ["none", "none", "low", "medium", "high", "high", "high"])),
    ("openai", "gpt-5.5"): efforts(*map(effort, ["none", "none", "low", "medium", "high", "xhigh", "xhigh"])),
    ("openai", "gpt-6-sol"): efforts(*map(effort, ["none", "none", "low", "medium", "high", "xhigh", "max"])),
    # Not in the list of OpenAI's class, so that its attribute would be dropped without a word.
    ("openai_like", "gpt-5.6"): efforts(*map(effort, ["none", "none", "low", "medium", "high", "xhigh", "max"])),
    ("responses", "gpt-4o"): efforts(*[{**UNCHANGED, "top_p": 1.0}] * 7),
    ("responses", "gpt-5"): efforts(
        *({"reasoning": {"effort": one}} for one in ["minimal", "minimal", "low", "medium", "high", "high", "high"])
    ),
    ("responses", "gpt-5.6"): efforts(
        *({"reasoning": {"effort": one}} for one in ["none", "none", "low", "medium", "high", "xhigh", "max"])
    ),
    ("anthropic", "claude-3-haiku-20240307"): efforts(*[UNCHANGED] * 7),
    ("anthropic", "claude-haiku-4-5"): efforts(
        UNCHANGED, UNCHANGED, budget(1_024), budget(2_048), budget(4_096), budget(8_192), budget(16_384)
    ),
    ("anthropic", "claude-opus-4-5"): efforts(
        UNCHANGED,
        UNCHANGED,
        {**budget(1_024), "output_config": {"effort": "low"}},
        {**budget(2_048), "output_config": {"effort": "medium"}},
        *[{**budget(4_096), "output_config": {"effort": "high"}}] * 3,
    ),
    ("anthropic", "claude-sonnet-4-6"): efforts(
        UNCHANGED,
        UNCHANGED,
        *({**adaptive(one), "temperature": 1.0} for one in ["low", "medium", "high", "high", "max"]),
    ),
    ("anthropic", "claude-opus-4-8"): efforts(
        {}, {}, *(adaptive(one, **SHOWN) for one in ["low", "medium", "high", "xhigh", "max"])
    ),
    ("anthropic", "claude-opus-5"): efforts(
        *[{"thinking": {"type": "disabled"}}] * 2,
        *(adaptive(one, **SHOWN) for one in ["low", "medium", "high", "xhigh", "max"]),
    ),
    ("anthropic", "claude-opus-5-5"): efforts(
        *(adaptive(one) for one in ["low", "low", "low", "medium", "high", "xhigh", "max"])
    ),
    ("anthropic", "claude-sonnet-5-5"): efforts(
        *[{"thinking": {"type": "between_tools"}}] * 2,
        *(adaptive(one) for one in ["low", "medium", "high", "xhigh", "max"]),
    ),
    ("google", "gemini-2.0-flash"): efforts(*[{}] * 7),
    ("google", "gemini-2.5-flash"): efforts(*map(tokens, [0, 0, 1_024, 8_192, 24_576, 24_576, 24_576])),
    ("google", "gemini-2.5-flash-lite"): efforts(*map(tokens, [0, 512, 1_024, 8_192, 24_576, 24_576, 24_576])),
    ("google", "gemini-2.5-pro"): efforts(*map(tokens, [128, 128, 1_024, 8_192, 24_576, 24_576, 24_576])),
    ("google", "gemini-3-flash-preview"): efforts(
        *map(level, ["MINIMAL", "MINIMAL", "LOW", "MEDIUM", "HIGH", "HIGH", "HIGH"])
    ),
    ("google", "gemini-3-pro-preview"): efforts(*map(level, ["LOW", "LOW", "LOW", "LOW", "HIGH", "HIGH", "HIGH"])),
    ("ollama", "llama3"): efforts(*[{}] * 7),
    ("ollama", "qwen3:8b"): efforts(*({"think": on} for on in [False, False, True, True, True, True, True])),
    ("ollama", "gpt-oss:20b"): efforts(
        *({"think": one} for one in ["low", "low", "low", "medium", "high", "high", "high"])
    ),
    ("openai_like", "Qwen/Qwen3-32B"): efforts(*[UNCHANGED] * 7),
    ("deepseek", "deepseek-chat"): efforts(*[UNCHANGED] * 7),
    ("deepseek", "deepseek-v4-flash"): efforts(
        *[DEEPSEEK_OFF] * 2,
        *(
            {"thinking": {"type": "enabled"}, "reasoning_effort": one, "temperature": 0.1}
            for one in ["low", "low", "high", "high", "max"]
        ),
    ),
}


def made(kind: str, model: str, llm: Callable[..., Any]) -> Any:
    more: dict[str, Any] = {"max_tokens": ROOM} if kind == "anthropic" else {}
    return llm(kind, model=model, **more, **({"context_window": 9_999} if model == "gpt-5.6" else {}))


@pytest.mark.parametrize(("kind", "model"), EXACT)
def test_each_effort_is_sent_exactly_as_the_model_knows_it(
    kind: str, model: str, llm: Callable[..., Any], provider: Any
) -> None:
    own = made(kind, model, llm)
    before = own.to_dict()
    for asked in EFFORTS:
        sent = sent_with(own, provider, thinking=asked)
        assert without_nothing(about(sent)) == EXACT[kind, model][asked], asked
        assert refused(wire(kind), sent, model) == []
    assert own.to_dict() == before
    own.chat([ChatMessage(content="hello")])
    as_the_class_sends_it = about(provider.sent)
    assert about(sent_with(own, provider)) == as_the_class_sends_it, "what nobody asks about stays"


def without_nothing(said: dict[str, Any]) -> dict[str, Any]:
    """Ollama's class says of itself that nothing is asked."""
    return {name: value for name, value in said.items() if value is not None}


INSTANCE: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("openai", {"model": "gpt-5", "reasoning_effort": "high"}, {}, effort("low")),
    ("openai", {"model": "gpt-5", "reasoning_effort": "high"}, {"reasoning_effort": "medium"}, effort("low")),
    ("openai", {"model": "gpt-5"}, {"reasoning_effort": "high"}, effort("low")),
    ("openai", {"model": "gpt-5", "additional_kwargs": {"reasoning_effort": "high"}}, {}, effort("low")),
    ("openai_like", {"model": "gpt-5.6", "additional_kwargs": {"reasoning_effort": "max"}}, {}, effort("low")),
    ("openai", {"model": "gpt-5.1", "additional_kwargs": {"temperature": 0.3, "top_p": 0.5}}, {}, effort("low")),
    ("openai", {"model": "gpt-5.1", "logprobs": True}, {"temperature": 0.3}, effort("low")),
    (
        "responses",
        {"model": "gpt-5", "reasoning_options": {"effort": "high", "summary": "auto"}},
        {},
        {"reasoning": {"effort": "low", "summary": "auto"}},
    ),
    ("responses", {"model": "gpt-5"}, {"reasoning": {"effort": "high"}}, {"reasoning": {"effort": "low"}}),
    (
        "responses",
        {
            "model": "gpt-5.6",
            "context_window": 9_999,
            "additional_kwargs": {"reasoning": {"effort": "max"}, "temperature": 0.2},
        },
        {},
        {"reasoning": {"effort": "low"}},
    ),
    (
        "anthropic",
        {"model": "claude-haiku-4-5", "thinking_dict": {"type": "enabled", "budget_tokens": 9_000}},
        {},
        budget(1_024),
    ),
    (
        "anthropic",
        {"model": "claude-haiku-4-5", "additional_kwargs": {"top_k": 5, "top_p": 0.5}},
        {"thinking": {"type": "disabled"}, "temperature": 0.2},
        budget(1_024),
    ),
    (
        "anthropic",
        {"model": "claude-opus-4-6", "thinking_dict": {"type": "enabled", "budget_tokens": 9_000}},
        {"output_config": {"effort": "max"}},
        {**adaptive("low"), "temperature": 1.0},
    ),
    (
        "anthropic",
        {"model": "claude-opus-5", "thinking_dict": {"type": "adaptive", "display": "omitted"}},
        {},
        adaptive("low", display="omitted"),
    ),
    (
        "google",
        {"model": "gemini-2.5-flash"},
        {"generation_config": {"thinking_config": {"thinking_budget": 9}}},
        tokens(1_024),
    ),
    (
        "google",
        {"model": "gemini-3-flash"},
        {"generation_config": {"thinking_config": {"thinking_budget": 9, "include_thoughts": True}}},
        {"thinkingConfig": {"include_thoughts": True, "thinking_level": "LOW"}},
    ),
    ("ollama", {"model": "gpt-oss:20b", "thinking": "high"}, {"think": "medium"}, {"think": "low"}),
    (
        "openai_like",
        {"additional_kwargs": {"extra_body": {"top_k": 2, "chat_template_kwargs": {"enable_thinking": False, "x": 1}}}},
        {},
        {"chat_template_kwargs": {"enable_thinking": True, "x": 1}, "temperature": 0.1},
    ),
    (
        "openai_like",
        {"additional_kwargs": {"extra_body": {"enable_thinking": False}}},
        {},
        {"enable_thinking": True, "temperature": 0.1},
    ),
    (
        "deepseek",
        {"additional_kwargs": {"extra_body": {"thinking": {"type": "disabled"}}}},
        {"reasoning_effort": "max"},
        {"thinking": {"type": "enabled"}, "reasoning_effort": "low", "temperature": 0.1},
    ),
]


@pytest.mark.parametrize(("kind", "settings", "given", "expected"), INSTANCE)
def test_what_is_wanted_wins_over_what_the_llm_and_the_call_say(  # noqa: PLR0917
    kind: str,
    settings: dict[str, Any],
    given: dict[str, Any],
    expected: dict[str, Any],
    llm: Callable[..., Any],
    provider: Any,
) -> None:
    if kind == "anthropic":
        settings = {"max_tokens": ROOM, **settings}
    own = llm(kind, **settings)
    before = own.to_dict()
    sent = sent_with(own, provider, given=given, thinking="low")
    assert about(sent) == expected
    assert refused(wire(kind), sent, settings.get("model", "")) == []
    assert {"top_k", "logprobs"}.isdisjoint(sent) or kind == "openai_like"
    assert own.to_dict() == before


def test_turned_off_a_switch_of_the_users_own_is_off(llm: Callable[..., Any], provider: Any) -> None:
    body = {"chat_template_kwargs": {"thinking": True}}
    sent = sent_with(llm("openai_like", additional_kwargs={"extra_body": body}), provider, thinking="none")
    assert sent["chat_template_kwargs"] == {"thinking": False}
    assert body == {"chat_template_kwargs": {"thinking": True}}


CEILINGS: list[tuple[str, dict[str, Any], str | None, str, dict[str, Any]]] = [
    ("openai", {"model": "gpt-5"}, "high", "low", effort("low")),
    ("openai", {"model": "gpt-5"}, "low", "high", effort("low")),
    ("openai", {"model": "gpt-5.1"}, None, "low", {"temperature": 1.0}),  # it does not think by itself
    ("openai", {"model": "gpt-6-astra"}, None, "none", effort("low")),
    ("responses", {"model": "gpt-5.5"}, "xhigh", "none", {"reasoning": {"effort": "none"}}),
    ("anthropic", {"model": "claude-haiku-4-5"}, "high", "medium", budget(2_048)),
    ("anthropic", {"model": "claude-opus-4-7"}, "max", "low", adaptive("low", **SHOWN)),
    ("anthropic", {"model": "claude-opus-4-7"}, None, "medium", {"output_config": {"effort": "medium"}}),
    (
        "anthropic",
        {"model": "claude-opus-5", "additional_kwargs": {"output_config": {"effort": "max"}}},
        "none",
        "xhigh",
        {"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}},
    ),
    ("google", {"model": "gemini-2.5-pro"}, "high", "none", tokens(128)),
    ("ollama", {"model": "qwen3:8b"}, "high", "none", {"think": False}),
    ("deepseek", {}, "max", "high", {"thinking": {"type": "enabled"}, "reasoning_effort": "high", "temperature": 0.1}),
]


@pytest.mark.parametrize(("kind", "settings", "asked", "ceiling", "expected"), CEILINGS)
def test_what_a_spent_budget_leaves_is_a_ceiling_on_thinking(  # noqa: PLR0917
    kind: str,
    settings: dict[str, Any],
    asked: str | None,
    ceiling: str,
    expected: dict[str, Any],
    llm: Callable[..., Any],
    provider: Any,
) -> None:
    sent = sent_with(llm(kind, **settings), provider, thinking=asked, effort=ceiling)
    assert about(sent) == expected
    assert refused(wire(kind), sent, settings.get("model", "")) == []
