"""What is really sent to make a model think more or less, by each of LangChain's own classes, to a local provider.

Here: each effort, on, off, the instance against the call, ceilings, a cap too small for a budget, loops and forced
tools of their own kinds. What else a call may hold: `test_thinking_matrix`, whose docstring says what is left out.
"""

# Classes of several packages, called by name:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from typing import Any

import pytest
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_payloads import (
    DEEP,
    EXACT,
    OFF,
    SHOWN,
    SIGNED,
    Answer,
    Sends,
    about,
    accepted,
    adaptive,
    asked,
    budget,
    chat,
    effort,
    free,
    level,
    look_up,
    reasoning,
    tokens,
)
from local_provider import Provider
from refused import refused

from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.abilities import abilities_of
from leanloop.adapters.langchain.messages import from_langchain
from leanloop.budgets.degrade_step import EFFORTS


@pytest.mark.parametrize(("kind", "model"), EXACT)
def test_each_effort_is_sent_exactly_as_the_model_knows_it(kind: str, model: str, wire: Provider) -> None:
    own = chat(kind, wire.url, model=model)
    before = dict(vars(own))
    own.invoke("?")
    bare = wire.sent
    for wanted in EFFORTS:
        body = asked(own, wire, thinking=wanted)
        expected = EXACT[kind, model][wanted]
        assert about(body) == {**about(bare), **expected}, wanted
        assert accepted(kind, body, model)
        if not expected:
            assert body == bare, "what would be sent anyway is sent as it would be"
    assert asked(own, wire) == bare, "nobody asks"
    held = vars(own)
    assert all(held[name] is value for name, value in before.items())


INSTANCE: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("openai", {"model": "gpt-5", "reasoning_effort": "high"}, {}, effort("low")),
    ("openai", {"model": "gpt-5"}, {"reasoning_effort": "high"}, effort("low")),
    ("openai", {"model": "gpt-5", "reasoning_effort": "high"}, {"reasoning_effort": "medium"}, effort("low")),
    # A temperature that was right beside no reasoning.
    ("openai", {"model": "gpt-5.1", "reasoning_effort": "none", "temperature": 0.2, "top_p": 0.5}, {}, effort("low")),
    ("openai", {"model": "gpt-5.1", "logprobs": True}, {"temperature": 0.3}, effort("low")),
    ("responses", {"model": "gpt-5", "reasoning": {"effort": "high"}}, {}, reasoning("low")),
    (
        "responses",
        {"model": "gpt-5", "reasoning": {"effort": "high"}},
        {"reasoning_effort": "medium"},
        reasoning("low"),
    ),
    ("responses", {"model": "gpt-5", "reasoning_effort": "high"}, {"reasoning": {"effort": "max"}}, reasoning("low")),
    (
        "responses",
        {"model": "gpt-5.6", "reasoning": {"effort": "high", "summary": "auto"}, "temperature": 0.2},
        {},
        {"reasoning": {"effort": "low", "summary": "auto"}},
    ),
    (
        "anthropic",
        {"model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 9_000}},
        {},
        budget(1_024),
    ),
    (
        "anthropic",
        {"model": "claude-haiku-4-5", "temperature": 0.2, "top_k": 5, "top_p": 0.5},
        {"thinking": {"type": "disabled"}, "temperature": 0.3},
        budget(1_024),
    ),
    ("anthropic", {"model": "claude-haiku-4-5", "reasoning_effort": "high"}, {"effort": "max"}, budget(1_024)),
    (
        "anthropic",
        {"model": "claude-opus-4-6", "thinking": {"type": "enabled", "budget_tokens": 9_000}},
        {"output_config": {"effort": "max"}},
        adaptive("low"),
    ),
    (
        "anthropic",
        {"model": "claude-opus-5", "thinking": {"type": "adaptive", "display": "omitted"}},
        {},
        adaptive("low", display="omitted"),
    ),
    ("anthropic", {"model": "claude-opus-5", "thinking": {"type": "disabled"}}, {}, adaptive("low", **SHOWN)),
    ("google", {"model": "gemini-2.5-flash", "thinking_budget": 0}, {"thinking_budget": 9_000}, tokens(1_024)),
    ("google", {"model": "gemini-2.5-flash", "thinking_config": {"thinking_budget": 9_000}}, {}, tokens(1_024)),
    (
        "google",
        {"model": "gemini-3-flash-preview", "thinking_budget": 9, "include_thoughts": True},
        {"thinking_level": "high"},
        {"thinkingConfig": {"include_thoughts": True, "thinking_level": "LOW"}},
    ),
    ("ollama", {"model": "gpt-oss:20b", "reasoning": "high"}, {"reasoning": "medium"}, {"think": "low"}),
    ("ollama", {"model": "qwen3:8b", "reasoning": False}, {}, {"think": True}),
    ("qwen", {"model": "qwen3-32b", "enable_thinking": False}, {"enable_thinking": False}, {"enable_thinking": True}),
    (
        "qwen",
        {"model": "qwen3-32b", "enable_thinking": False, "extra_body": {"top_k": 2}},
        {},
        {"enable_thinking": True, "top_k": 2},
    ),
    (
        "openai",
        {
            "model": "Qwen/Qwen3-8B",
            "extra_body": {"top_k": 2, "chat_template_kwargs": {"enable_thinking": False, "x": 1}},
        },
        {},
        {"chat_template_kwargs": {"enable_thinking": True, "x": 1}, "top_k": 2},
    ),
    (
        "deepseek",
        {"model": "deepseek-v4-pro", "extra_body": {"thinking": {"type": "disabled"}}},
        {"reasoning_effort": "max"},
        {**DEEP, **effort("low")},
    ),
    (
        "groq",
        {"model": "openai/gpt-oss-20b", "reasoning_effort": "high"},
        {"reasoning_effort": "medium"},
        {**effort("low"), "temperature": 0.7},
    ),
    ("openrouter", {"model": "openai/gpt-5", "reasoning": {"max_tokens": 900}}, {}, reasoning("low")),
]


@pytest.mark.parametrize("bound", [False, True], ids=["call", "bound"])
@pytest.mark.parametrize(("kind", "settings", "given", "expected"), INSTANCE)
def test_what_is_wanted_wins_over_the_instance_and_the_call(
    kind: str,
    settings: dict[str, Any],
    given: dict[str, Any],
    expected: dict[str, Any],
    wire: Provider,
    *,
    bound: bool,
) -> None:
    own = chat(kind, wire.url, **settings)
    before = dict(vars(own))
    body = asked(own.bind(**given) if bound else own, wire, given={} if bound else given, thinking="low")
    assert about(body) == expected
    assert accepted(kind, body, settings["model"])
    held = vars(own)
    assert all(held[name] is value for name, value in before.items())


CEILINGS: list[tuple[str, dict[str, Any], str | None, str, dict[str, Any]]] = [
    ("openai", {"model": "gpt-5"}, "high", "low", effort("low")),
    ("openai", {"model": "gpt-5"}, "low", "high", effort("low")),
    ("openai", {"model": "gpt-5.1"}, None, "low", {}),  # it does not think by itself
    ("openai", {"model": "gpt-6-astra"}, None, "none", effort("low")),
    ("responses", {"model": "gpt-5.5"}, "xhigh", "none", reasoning("none")),
    ("anthropic", {"model": "claude-haiku-4-5"}, "high", "medium", budget(2_048)),
    ("anthropic", {"model": "claude-opus-4-7"}, "max", "low", adaptive("low", **SHOWN)),
    ("anthropic", {"model": "claude-opus-4-7"}, None, "medium", {"output_config": {"effort": "medium"}}),
    (
        "anthropic",
        {"model": "claude-opus-5", "output_config": {"effort": "max"}},
        "none",
        "xhigh",
        {**OFF, "output_config": {"effort": "high"}},
    ),
    ("google", {"model": "gemini-2.5-pro"}, "high", "none", tokens(128)),
    ("ollama", {"model": "qwen3:8b"}, "high", "none", {"think": False}),
    ("deepseek", {"model": "deepseek-v4-flash"}, "max", "low", {**DEEP, **effort("low")}),
    ("deepseek", {"model": "deepseek-v4-flash", "extra_body": OFF}, None, "low", OFF),
    ("qwen", {"model": "qwen3-32b"}, None, "none", {"enable_thinking": False}),
    ("xai", {"model": "grok-4.3", "reasoning_effort": "high"}, None, "low", effort("low")),
    ("google", {"model": "gemini-2.5-flash", "thinking_budget": -1}, "low", "high", tokens(1_024)),
    ("google", {"model": "gemini-3-pro-preview", "reasoning_effort": "high"}, None, "low", level("LOW")),
    ("openai", {"model": "gpt-5.4"}, None, "none", {}),
    (
        "anthropic",
        {"model": "claude-opus-4-5", "output_config": {"effort": "low"}},
        None,
        "high",
        {"output_config": {"effort": "low"}},
    ),
]


@pytest.mark.parametrize(("kind", "settings", "wanted", "ceiling", "expected"), CEILINGS)
def test_what_a_spent_budget_leaves_is_a_ceiling_on_thinking(  # noqa: PLR0917
    kind: str, settings: dict[str, Any], wanted: str | None, ceiling: str, expected: dict[str, Any], wire: Provider
) -> None:
    body = asked(chat(kind, wire.url, **settings), wire, thinking=wanted, effort=ceiling)
    assert {name: value for name, value in about(body).items() if name != "temperature"} == expected
    assert accepted(kind, body, settings["model"])


def in_loop(*, thought: bool) -> list[BaseMessage]:
    """A history that ends in the result of a tool."""
    call = {"name": "look_up", "args": {"word": "a"}, "id": "c1"}
    content: list[Any] = [{"type": "tool_use", "id": "c1", "name": "look_up", "input": {"word": "a"}}]
    said = AIMessage([SIGNED, *content] if thought else content, tool_calls=[call])
    return [HumanMessage("?"), said, ToolMessage("a", tool_call_id="c1")]


@pytest.mark.parametrize("thought", [True, False], ids=["thought", "unthought"])
@pytest.mark.parametrize(
    "model", ["claude-haiku-4-5", "claude-opus-4-5", "claude-sonnet-4-6", "claude-opus-4-8", "claude-opus-5"]
)
def test_in_a_tool_loop_thinking_stays_on_or_off(model: str, wire: Provider, *, thought: bool) -> None:
    """Asked against the turn, as by a plugin that does not know of it, or by another process."""
    own = chat("anthropic", wire.url, model=model).bind_tools([look_up])
    for wanted in EFFORTS:
        body = asked(own, wire, in_loop(thought=thought), thinking=wanted)
        assert refused("anthropic", body, model) == []
        if thought:
            assert body["messages"][1]["content"][0] == SIGNED
            as_it_is = {"type": "adaptive"} if model == "claude-opus-5" else {}  # on by itself
            assert body.get("thinking", as_it_is)["type"] in {"enabled", "adaptive"}


@pytest.mark.parametrize("cap", [1_500, 1_080, 900])
def test_a_thinking_budget_is_less_than_the_cap_or_not_there(wire: Provider, cap: int) -> None:
    own = chat("anthropic", wire.url, model="claude-haiku-4-5", max_tokens=cap)
    body = asked(own, wire, thinking="high")
    assert refused("anthropic", body, "claude-haiku-4-5") == []
    assert body["max_tokens"] == cap
    assert ("thinking" in body) == (cap > 1_087)


FORCED = [
    ("anthropic", "claude-haiku-4-5", False),
    ("anthropic", "claude-opus-4-8", True),
    ("openai", "gpt-5", True),
    ("google", "gemini-3-flash-preview", True),
    ("deepseek", "deepseek-v4-flash", False),
]


@pytest.mark.parametrize(("kind", "model", "thinks"), FORCED)
def test_a_forced_tool_stays_forced(wire: Provider, kind: str, model: str, *, thinks: bool) -> None:
    own = chat(kind, wire.url, model=model).bind_tools([look_up], tool_choice="any")
    wire.reply = lambda _: {"id": "c1", "name": "look_up", "args": {"word": "a"}}
    body = asked(own, wire, thinking="low")
    assert accepted(kind, body, model)
    assert body.get("tool_choice") or body["toolConfig"]
    on = about(body) not in ({}, OFF)
    assert on is thinks


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("anthropic", {"model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 2_000}}),
        ("anthropic", {"model": "claude-opus-4-8", "thinking": {"type": "adaptive"}}),
        ("openai", {"model": "gpt-5"}),
    ],
)
def test_a_structured_answer_by_a_tool_is_forced_and_taken(
    wire: Provider, create_agent: Any, kind: str, settings: Any
) -> None:
    wire.reply = lambda _: {"id": "c1", "name": "Answer", "args": {"text": "yes"}}
    own = chat(kind, wire.url, **settings)
    loop = LeanLoop(free(), plugins=[Sends(thinking="low")])
    agent = create_agent(own, [look_up], response_format=ToolStrategy(Answer), middleware=[loop])
    result = agent.invoke({"messages": [HumanMessage("?")]})
    assert result["structured_response"] == Answer(text="yes")
    assert accepted(kind, wire.sent, settings["model"])
    assert wire.sent["tool_choice"] in ({"type": "any"}, "required")


@pytest.mark.parametrize("streams", [False, True], ids=["invoke", "stream"])
def test_what_deepseek_thought_is_given_back(wire: Provider, create_agent: Any, *, streams: bool) -> None:
    asks = {"id": "c1", "name": "look_up", "args": {"word": "a"}, "thought": "I need it"}
    wire.reply = lambda payload: "done" if payload["messages"][-1]["role"] == "tool" else asks
    own = chat("deepseek", wire.url, model="deepseek-v4-flash")
    agent = create_agent(own, [look_up], middleware=[LeanLoop(free(), plugins=[Sends(thinking="max")])])
    question = {"messages": [HumanMessage("?")]}
    if streams:
        list(agent.stream(question, stream_mode="messages"))
    else:
        agent.invoke(question)
    assert [refused("deepseek", body) for body in wire.payloads] == [[], []]
    if not streams:  # the local provider streams no reasoning_content
        assert wire.sent["messages"][1]["reasoning_content"] == "I need it"


@pytest.mark.parametrize("streams", [False, True], ids=["invoke", "stream"])
@pytest.mark.parametrize(
    ("kind", "model"), [("anthropic", "claude-haiku-4-5"), ("anthropic", "claude-opus-4-8"), ("openai", "gpt-5")]
)
def test_a_loop_in_which_the_model_thinks_is_sent_back_whole(
    wire: Provider, create_agent: Any, kind: str, model: str, *, streams: bool
) -> None:
    asks = {"id": "c1", "name": "look_up", "args": {"word": "a"}, "thought": "hm"}
    wire.reply = lambda payload: (
        asks if len(payload["messages"]) < 4 and "tool" not in str(payload["messages"][-1]) else "done"
    )
    loop = LeanLoop(free(), plugins=[Sends(thinking="high")])
    agent = create_agent(chat(kind, wire.url, model=model), [look_up], middleware=[loop])
    question = {"messages": [HumanMessage("?")]}
    if streams:
        list(agent.stream(question, stream_mode="messages"))
    else:
        agent.invoke(question)
    assert len(wire.payloads) == 2
    assert [refused(kind, body, model) for body in wire.payloads] == [[], []]
    if kind == "anthropic":
        block = wire.sent["messages"][1]["content"][0]
        assert (block["thinking"], block["signature"]) == ("hm", "signed")


@pytest.mark.parametrize(
    ("settings", "wanted", "thinking"),
    [
        ({}, None, {"type": "adaptive"}),
        ({}, "low", {"type": "adaptive", **SHOWN}),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, "max", {"type": "adaptive", "display": "omitted"}),
    ],
)
def test_what_was_thought_on_a_history_that_is_changed_is_dropped_and_not_refused(
    wire: Provider, settings: dict[str, Any], wanted: str | None, thinking: dict[str, Any]
) -> None:
    own = chat("anthropic", wire.url, model="claude-opus-5-5", betas=["mine"], **settings)
    history = in_loop(thought=True)
    changed = [from_langchain(message) for message in [HumanMessage("!"), *history[1:]]]
    body = asked(own.bind_tools([look_up]), wire, history, thinking=wanted, messages=tuple(changed))
    assert body["thinking"] == {**thinking, "block_binding": {"prefix_mismatch_behavior": "drop_block"}}
    assert wire.betas[-1] == "mine,thinking-binding-controls-2026-08-01"
    untouched = asked(own.bind_tools([look_up]), wire, history)
    assert "block_binding" not in str(untouched)


THINKS = {"thinking": {"type": "enabled", "budget_tokens": 2_000}}


@pytest.mark.parametrize("changes", [{"thinking": "high"}, {"effort": "low"}], ids=["asked", "ceiling"])
@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-opus-4-5"])
def test_a_turn_that_thinks_goes_on_without_the_tool_that_would_be_forced(
    wire: Provider, create_agent: Any, model: str, changes: dict[str, Any]
) -> None:
    wire.reply = lambda _: {"id": "c2", "name": "Answer", "args": {"text": "yes"}}
    own = chat("anthropic", wire.url, model=model, **THINKS)
    loop = LeanLoop(free(), plugins=[Sends(**changes)])
    agent = create_agent(own, [look_up], response_format=ToolStrategy(Answer), middleware=[loop])
    with pytest.warns(UserWarning, match="tool_choice is forced but thinking is enabled"):
        agent.invoke({"messages": in_loop(thought=True)})
    assert refused("anthropic", wire.sent) == []
    assert wire.sent["thinking"]["type"] == "enabled"
    assert "tool_choice" not in wire.sent
    bound = chat("anthropic", wire.url, model=model).bind_tools([look_up], tool_choice="any")
    body = asked(bound, wire, in_loop(thought=True), **({"thinking": "low"} | changes))
    assert refused("anthropic", body) == []
    assert body["tool_choice"] == {"type": "auto"}


@pytest.mark.parametrize(
    ("model", "url", "tools", "known"),
    [
        ("gpt-5.4", "", True, ("none",)),  # chat completions take function tools without reasoning only
        ("gpt-5.4", "", False, ("none", "low", "medium", "high", "xhigh")),
        ("gpt-6-astra", "", True, ("low", "medium", "high", "xhigh", "max")),  # for which Responses are chosen
        ("gpt-5-chat-latest", "", False, ()),
        ("qwen3-32b", "https://dashscope.aliyuncs.com/compatible-mode/v1", False, ()),
        ("qwen3-32b", "", False, ("none", "medium")),
        ("my-own", "", False, ()),
    ],
)
def test_what_a_model_knows_depends_on_where_it_is_called(
    model: str, url: str, known: tuple[str, ...], *, tools: bool
) -> None:
    own = chat("openai", url, model=model) if not url else chat("openai", url.removesuffix("/v1"), model=model)
    assert abilities_of(own, {}, tools=tools).efforts == known


def test_levels_that_only_a_profile_tells_are_taken_from_it(wire: Provider) -> None:
    profile = {"reasoning_effort_levels": ["low", "high"], "reasoning_effort_default": "low"}
    own = chat("openai", wire.url, model="my-own", profile=profile, temperature=0.2)
    body = asked(own, wire, thinking="max")
    assert about(body) == effort("high")
    assert about(asked(own, wire, thinking="minimal")) == {"temperature": 0.2}, "it is so by itself"


@pytest.mark.parametrize("levels", [[], ["ultra"], ["ultra"] * 10_000])
def test_a_profile_without_a_level_that_anyone_knows_tells_nothing(wire: Provider, levels: Any) -> None:
    own = chat("openai", wire.url, model="gpt-5.1", profile={"reasoning_effort_levels": levels})
    assert about(asked(own, wire, thinking="high")) == effort("high")


def said_by(provider: str, *blocks: Any, **more: Any) -> list[BaseMessage]:
    """A tool loop, a step of which a model of that provider has made."""
    calls = [{"name": "look_up", "args": {"word": "a"}, "id": "c1"}]
    meta = {"model_provider": provider}
    said = AIMessage([*blocks], tool_calls=calls, response_metadata=meta, additional_kwargs=more)
    return [HumanMessage("?"), said, ToolMessage("a", tool_call_id="c1")]


THOUGHTS = {"type": "thinking", "thinking": "as another", "signature": "Z29vZ2xl"}


@pytest.mark.parametrize("wanted", ["none", "high"])
@pytest.mark.parametrize(
    "history",
    [
        said_by("google_genai", THOUGHTS, {"type": "text", "text": "so"}),
        said_by("openai", {"type": "reasoning", "summary": [{"type": "summary_text", "text": "as another"}]}),
        said_by("xai", "so", reasoning_content="as another"),
        said_by("", {**THOUGHTS, "signature": ""}),
    ],
    ids=["google", "openai", "xai", "unsigned"],
)
@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("anthropic", "claude-haiku-4-5"),
        ("anthropic", "claude-opus-5"),
        ("deepseek", "deepseek-v4-flash"),
        ("ollama", "qwen3:8b"),
    ],
)
def test_what_another_providers_model_thought_is_not_sent(
    kind: str, model: str, history: list[BaseMessage], wanted: str, wire: Provider
) -> None:
    if kind == "ollama" and not history[1].response_metadata["model_provider"]:
        pytest.skip("nobody says whose it is, and ChatOllama takes no such block")
    before = [message.model_copy(deep=True) for message in history]
    body = asked(chat(kind, wire.url, model=model).bind_tools([look_up]), wire, history, thinking=wanted)
    assert refused(kind, body, model) == []
    assert "as another" not in str(body)
    assert history == before, "the history itself stays"


def test_a_model_that_is_told_to_think_takes_over_a_turn_without_it(wire: Provider, create_agent: Any) -> None:
    """A turn that another model began has nothing that could be given back."""
    own, other = (
        chat("openai", wire.url, model="gpt-4o"),
        chat("anthropic", wire.url, model="claude-haiku-4-5", **THINKS),
    )
    loop = LeanLoop(free(), models={"claude-haiku-4-5": other}, plugins=[Sends(model="claude-haiku-4-5")])
    create_agent(own, [look_up], middleware=[loop]).invoke({"messages": in_loop(thought=False)})
    assert refused("anthropic", wire.sent) == []
    assert "thinking" not in wire.sent


@pytest.mark.parametrize("wanted", [None, "none", "high"])
def test_a_turn_that_thought_before_its_first_tool_only_goes_on_thinking(wire: Provider, wanted: str | None) -> None:
    again = {"name": "look_up", "args": {"word": "b"}, "id": "c2"}
    more = [AIMessage("", tool_calls=[again]), ToolMessage("b", tool_call_id="c2")]
    own = chat("anthropic", wire.url, model="claude-haiku-4-5", **({} if wanted else THINKS)).bind_tools([look_up])
    body = asked(own, wire, [*in_loop(thought=True), *more], thinking=wanted)
    assert refused("anthropic", body) == []
    assert body["thinking"]["type"] == "enabled"


def test_deepseek_gets_the_field_it_wants_for_steps_that_were_not_thought_about(wire: Provider) -> None:
    own = chat("deepseek", wire.url, model="deepseek-v4-flash").bind_tools([look_up])
    history = [*in_loop(thought=False), AIMessage("done"), HumanMessage("and?")]
    history[1] = AIMessage("", tool_calls=[{"name": "look_up", "args": {"word": "a"}, "id": "c1"}])
    body = asked(own, wire, history, thinking="max")
    assert refused("deepseek", body) == []
    assert body["messages"][1]["reasoning_content"] == ""
    assert "reasoning_content" not in str(asked(own, wire, history, thinking="none"))
