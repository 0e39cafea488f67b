"""What is written down of how models reason: it agrees with itself, and with what LangChain's profiles say."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.adapters.reasoning import anthropic, deepseek, google, open_weights, openai
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.adapters.reasoning.spent import effort_of_tokens
from leanloop.budgets.degrade_step import EFFORTS, Effort

NAMES: dict[Callable[[str], Reasoning | None], str] = {
    openai.reasoning_of: "o1 o3-mini gpt-5 gpt-5-2025-08-07 gpt-5-mini gpt-5-pro gpt-5-codex gpt-5.1 gpt-5.1-codex "
    "gpt-5.1-codex-max gpt-5.2 gpt-5.2-pro gpt-5.3-codex gpt-5.4-mini gpt-5.5 gpt-5.6-sol gpt-6-sol "
    "gpt-6-astra gpt-6.1-sol gpt-7",
    anthropic.reasoning_of: "claude-3-7-sonnet-20250219 claude-opus-4-20250514 claude-sonnet-4-0 claude-opus-4-1 "
    "claude-sonnet-4-5-20250929 claude-sonnet-4@20250514 us.anthropic.claude-haiku-4-5-20251001-v1:0 claude-opus-4-5 "
    "claude-opus-4-6 claude-sonnet-4-6 claude-opus-4-7 claude-opus-4-8 claude-opus-5 "
    "claude-opus-5-20260724 claude-opus-5-5 claude-sonnet-5 claude-sonnet-5-5 "
    "claude-haiku-5-5 claude-fable-5 claude-fable-5-1 claude-mythos-5",
    google.reasoning_of: "gemini-2.5-pro models/gemini-2.5-flash gemini-2.5-flash-lite gemini-3-pro-preview "
    "gemini-3-flash-preview gemini-3.1-flash-lite gemini-3.1-pro-preview gemini-3.5-flash gemini-4-argon",
    deepseek.reasoning_of: "deepseek-v4-flash deepseek-flash deepseek/deepseek-v4-pro",
    open_weights.reasoning_of: "qwen3:8b Qwen/Qwen3-32B gpt-oss:20b openai/gpt-oss-120b deepseek-r1:8b",
}
KNOWN = [(name, table) for table, names in NAMES.items() for name in names.split()]
UNKNOWN: dict[Callable[[str], Reasoning | None], str] = {
    openai.reasoning_of: "gpt-4o gpt-4.1-mini o1-mini gpt-5-chat-latest gpt-5.1-chat-latest gpt-image-1",
    anthropic.reasoning_of: "claude-3-5-haiku-latest claude-3-opus-20240229 claude-2.1 claude-opus-5-9",
    google.reasoning_of: "gemini-2.0-flash gemini-1.5-pro gemini-3-pro-image gemini-2.5-flash-preview-tts",
    deepseek.reasoning_of: "deepseek-chat deepseek-reasoner",
    open_weights.reasoning_of: "llama3 Qwen3-235B-A22B-Instruct-2507 qwen3-coder:30b mistral",
}
efforts = st.sampled_from(EFFORTS)


@pytest.mark.parametrize(("name", "table"), KNOWN)
def test_what_is_known_of_a_model_agrees_with_itself(name: str, table: Callable[[str], Reasoning | None]) -> None:
    known = table(name)
    assert known is not None
    assert list(known.efforts) == [effort for effort in EFFORTS if effort in known.efforts] != []
    assert known.default is None or known.default in known.efforts
    assert set(known.levels) <= set(EFFORTS) - {"none"}
    assert (known.form == "budget") == bool(known.budgets)
    if known.budgets:
        tokens = [known.budgets.get(effort, 0) for effort in known.efforts]
        assert tokens == sorted(tokens)
        assert known.abilities().thinking_tokens.keys() == set(known.efforts) - {"none"}
    assert known.forces is None or set(known.forces) <= set(known.efforts)


@pytest.mark.parametrize(
    ("name", "table"), [(name, table) for table, names in UNKNOWN.items() for name in names.split()]
)
def test_of_other_models_nothing_is_known(name: str, table: Callable[[str], Reasoning | None]) -> None:
    assert table(name) is None


def test_beside_function_tools_chat_completions_refuse_all_but_none() -> None:
    for name in ("gpt-5.2", "gpt-5.4", "gpt-5.6", "gpt-6-sol"):
        known = openai.reasoning_of(name, chat_tools=True)
        assert known is not None
        assert known.efforts == ("none",)
    assert openai.reasoning_of("gpt-6-astra", chat_tools=True) is None, "it cannot be without thinking"
    assert openai.reasoning_of("gpt-5.1", chat_tools=True) == openai.reasoning_of("gpt-5.1")
    assert openai.reasoning_of("o3", chat_tools=True) == openai.reasoning_of("o3")


def known_of(name: str) -> Reasoning:
    known = anthropic.reasoning_of(name) or google.reasoning_of(name)
    assert known is not None
    return known


def test_what_is_refused_beside_thinking_is_told() -> None:
    manual, adaptive, always, flash = (
        known_of(name) for name in ("claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-5-5", "gemini-2.5-flash")
    )
    assert (manual.takes_force("none"), manual.takes_force("low"), manual.forced().efforts) == (True, False, ("none",))
    assert adaptive.takes_force("high")
    assert adaptive.forced() is adaptive
    assert (always.takes_force("low"), always.forced().efforts) == (False, ())
    assert [one.takes_sampling("none") for one in (manual, adaptive, always)] == [True, True, False]
    assert flash.takes_sampling("high")


PROFILES = [
    ("langchain_openai", openai.reasoning_of),
    ("langchain_anthropic", anthropic.reasoning_of),
    ("langchain_google_genai", google.reasoning_of),
]
OTHERWISE = {
    "gpt-5-pro": "the only effort is high, says its page",
    "gpt-5-codex": "https://github.com/openai/codex knows low to high",
    "gpt-5.1-codex": "low to high, as the last",
    "gpt-5.1-codex-mini": "low to high, as the last",
    "gpt-5.1-codex-max": "from low, up to xhigh",
    "gpt-5.2-codex": "from low",
    "gpt-5.3-codex": "from low",
    "gpt-5.3-codex-spark": "from low",
    "gpt-5.2-pro": "from medium, says its page",
    "gpt-5.4-pro": "from medium, says its page",
    "gpt-5.5-pro": "from medium, says its page",
    "gemini-3.1-flash-image-preview": "makes pictures",
}
"""Models of which LangChain's profiles name levels that the providers refuse."""


@pytest.mark.parametrize(("package", "table"), PROFILES)
def test_levels_are_those_of_langchains_profiles(package: str, table: Callable[[str], Reasoning | None]) -> None:
    profiles: Any = import_module(f"{package}.data._profiles")
    compared = 0
    for name, profile in profiles._PROFILES.items():
        levels, default = profile.get("reasoning_effort_levels"), profile.get("reasoning_effort_default")
        if not levels or name in OTHERWISE or "chat" in name:
            continue
        known = table(name)
        assert known is not None, name
        assert list(known.levels or known.efforts) == levels, name
        if default and known.default not in (None, "none"):
            assert known.default == default, name
        compared += 1
    assert compared


@given(st.sampled_from(KNOWN), st.none() | efforts, st.none() | efforts, st.none() | efforts)
def test_what_is_asked_for_is_known_and_never_above_the_ceiling_but_for_the_least(
    one: tuple[str, Callable[[str], Reasoning | None]],
    thinking: Effort | None,
    ceiling: Effort | None,
    own: Effort | None,
) -> None:
    known = one[1](one[0])
    assert known is not None
    asked = known.asked(thinking, ceiling, own)
    assert asked is None or asked in known.efforts
    if thinking is None and ceiling is None:
        assert asked is None
    if thinking is not None:
        assert asked is not None
        assert ceiling is not None or asked == known.nearest(thinking)
    if ceiling is not None and asked is not None:
        assert EFFORTS.index(asked) <= EFFORTS.index(known.nearest(ceiling)) or thinking is not None
        assert EFFORTS.index(asked) <= max(EFFORTS.index(known.nearest(ceiling)), EFFORTS.index(known.efforts[0]))


@given(st.integers(-10, 40_000))
def test_a_number_of_tokens_is_worth_the_least_effort_that_covers_it(tokens: int) -> None:
    effort = effort_of_tokens(anthropic.BUDGETS, tokens)
    if tokens < 0:
        assert effort is None
    else:
        assert effort is not None
        enough = [one for one in anthropic.BUDGETS if anthropic.BUDGETS[one] >= tokens]
        assert effort == (enough[0] if enough else "max")


@pytest.mark.parametrize("tokens", [None, True, "9", 1.5])
def test_what_is_no_number_of_tokens_is_worth_nothing(tokens: object) -> None:
    assert effort_of_tokens(anthropic.BUDGETS, tokens) is None
    assert effort_of_tokens({}, 5) is None
