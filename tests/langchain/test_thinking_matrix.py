"""What is really sent by each of LangChain's classes where an effort meets something else that a call may hold.

Rows are the classes and models of `EXACT` in `test_thinking_payloads`, where each effort alone, on, off, and the
instance against the call are. Columns are what is here: a stream; tools; a tool that must be called; a step of a tool
loop that began with thinking or without; a structured answer by a tool or by the provider; what another provider's
model thought. Everything is held to be sent as it is without any of that, but for what `ELSE` says. Each body goes
through `refused`, the list of what providers answer with an error 400 (for Qwen, Groq, xAI and Fireworks none is
published: their bodies are only held to be exact).

Not here, and why: ChatMistralAI passes on no such parameter; ChatBedrockConverse reads its own only when it is made;
ChatLiteLLM maps efforts by itself (docs.litellm.ai) and is left alone as a class of which nothing is known;
ChatGoogleGenerativeAI has no structured answer beside tools before Gemini 3; OpenRouter's and Fireworks' classes where
they are not installed.
"""

# Classes of several packages, called by name:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from typing import Any

import pytest
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_payloads import (
    EXACT,
    OFF,
    SIGNED,
    Answer,
    Sends,
    about,
    accepted,
    chat,
    effort,
    free,
    look_up,
    reasoning,
)
from local_provider import Provider

from leanloop.adapters.langchain import LeanLoop, wrap

ASKED = ("none", "high")
THOUGHTS: dict[str, dict[str, Any]] = {
    "anthropic": {"content": [SIGNED]},
    "google": {"content": [{"type": "thinking", "thinking": "hm", "signature": "Z29vZ2xl"}]},
    "responses": {"content": [{"type": "reasoning", "id": "rs_1", "summary": []}]},
}
"""How a class keeps what its model thought; the others keep it as text beside the message."""

NAMES = {"google": "google_genai", "responses": "openai", "azure": "openai", "qwen": "dashscope"}


def step(kind: str) -> AIMessage:
    """A step that calls a tool, as `kind` keeps it."""
    said = THOUGHTS.get(kind, {"content": "", "additional_kwargs": {"reasoning_content": "hm"}})
    calls = [{"name": "look_up", "args": {"word": "a"}, "id": "c1"}]
    return AIMessage(**said, tool_calls=calls, response_metadata={"model_provider": NAMES.get(kind, kind)})


def loop(kind: str | None) -> list[BaseMessage]:
    """A turn in its midst; begun without thinking where `kind` is None."""
    plain = AIMessage("", tool_calls=[{"name": "look_up", "args": {"word": "a"}, "id": "c1"}])
    return [HumanMessage("?"), step(kind) if kind else plain, ToolMessage("a", tool_call_id="c1")]


def by_itself(model: Any, asks: Any, wanted: Any) -> None:
    changes = {} if wanted is None else {"thinking": wanted}
    wrap(model, LeanLoop(free(), plugins=[Sends(**changes)])).invoke(asks)


def sent(  # noqa: PLR0917
    case: str, kind: str, model: str, wire: Provider, wanted: Any, create_agent: Any
) -> dict[str, Any]:
    """The body of a call for which `wanted` is asked, or nothing."""
    own = chat(kind, wire.url, model=model)
    tools = own.bind_tools([look_up])
    match case:
        case "stream":
            changes = {} if wanted is None else {"thinking": wanted}
            list(wrap(own, LeanLoop(free(), plugins=[Sends(**changes)])).stream("?"))
        case "tools":
            by_itself(tools, "?", wanted)
        case "forced":
            wire.reply = lambda _: {"id": "c1", "name": "look_up", "args": {"word": "a"}}
            by_itself(own.bind_tools([look_up], tool_choice="any"), "?", wanted)
        case "thought":
            by_itself(tools, loop(kind), wanted)
        case "unthought":
            by_itself(tools, loop(None), wanted)
        case "foreign":
            by_itself(tools, loop("google" if kind == "anthropic" else "anthropic"), wanted)
        case _:
            form: Any = ToolStrategy(Answer) if case == "form by a tool" else ProviderStrategy(Answer)
            answer = {"id": "c1", "name": "Answer", "args": {"text": "yes"}}
            wire.reply = lambda _: answer if case == "form by a tool" else '{"text": "yes"}'
            changes = {} if wanted is None else {"thinking": wanted}
            ours = LeanLoop(free(), plugins=[Sends(**changes)])
            agent = create_agent(own, [look_up], response_format=form, middleware=[ours])
            assert agent.invoke({"messages": [HumanMessage("?")]})["structured_response"] == Answer(text="yes")
    return wire.sent


CASES = ("stream", "tools", "forced", "thought", "unthought", "foreign", "form by a tool", "form by the provider")

MANUAL = {"claude-haiku-4-5", "claude-opus-4-5"}
"""Told a budget: no forced tool beside it, and no turn that begins without it."""

ELSE: dict[tuple[str, str], dict[str, Any]] = {
    **{(model, case): {wanted: {} for wanted in ASKED} for model in MANUAL for case in CASES[2:7] if case != "thought"},
    **{("deepseek-v4-flash", case): dict.fromkeys(ASKED, OFF) for case in CASES[2:7] if case != "thought"},
    # Chat completions take function tools beside no effort; for gpt-6-astra ChatOpenAI goes to responses.
    **{("gpt-5.6", case): dict.fromkeys(ASKED, effort("none")) for case in CASES[1:]},
    **{("gpt-6-astra", case): dict(zip(ASKED, map(reasoning, ["low", "high"]), strict=True)) for case in CASES[1:]},
}


def expected(kind: str, model: str, case: str, wanted: str, bare: dict[str, Any]) -> dict[str, Any]:
    """What is sent as it is without the case, but for what `ELSE` says; a turn that thought goes on with the least."""
    steady = kind == "anthropic" or model == "deepseek-v4-flash"
    said = EXACT[kind, model]["low" if case == "thought" and steady else wanted]
    other = {} if kind == "responses" else ELSE
    said = other.get((model, case), {wanted: said if wanted == "none" else EXACT[kind, model][wanted]})[wanted]
    config = {**bare.get("output_config", {}), **said.get("output_config", {})}
    return {**bare, **said, **({"output_config": config} if config else {})}


ALIKE = {
    ("azure", "gpt-5"),
    ("openai", "o3"),
    ("responses", "gpt-5"),
    ("anthropic", "claude-fable-5"),
    ("google", "gemini-2.5-flash-lite"),
    ("google", "gemini-3-pro-preview"),
}
"""Spoken to as another row is."""

ROWS = [
    (kind, model, case)
    for kind, model in EXACT
    for case in CASES
    if any(EXACT[kind, model].values())  # the others never think, whatever is asked
    if (kind, model) not in ALIKE
]


@pytest.mark.parametrize(("kind", "model", "case"), ROWS)
def test_an_effort_beside_what_else_a_call_holds_is_exact_and_not_refused(
    kind: str, model: str, case: str, wire: Provider, create_agent: Any
) -> None:
    bare = sent(case, kind, model, wire, None, create_agent)
    by_itself_refused = not accepted(kind, bare, model, wire.paths[-1])
    for wanted in ASKED:
        body = sent(case, kind, model, wire, wanted, create_agent)
        if by_itself_refused and body == bare:
            assert case in {"forced", "form by a tool"}, "its provider never takes a forced tool: that is the user's"
            assert "5-5" in model
            continue
        assert about(body) == expected(kind, model, case, wanted, about(bare)), wanted
        assert accepted(kind, body, model, wire.paths[-1])
