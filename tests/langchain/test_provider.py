from __future__ import annotations

from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from leanloop import Usage
from leanloop.adapters.langchain.provider import (
    cap_settings,
    model_name,
    output_cap,
    provider_of,
    thinking_tokens,
    unbound,
)
from leanloop.adapters.langchain.replayed import MARK
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.langchain.usage import usage_of

KEY = SecretStr("none")


def openai(**settings: Any) -> ChatOpenAI:
    return ChatOpenAI(model="gpt-4o", api_key=KEY, **settings)


def anthropic(**settings: Any) -> ChatAnthropic:
    return ChatAnthropic(model_name="claude-haiku-4-5", api_key=KEY, timeout=None, stop=None, **settings)


def test_the_integration_is_known_by_its_package() -> None:
    class Own(ChatOpenAI):
        pass

    assert provider_of(openai()).prices == provider_of(Own(model="gpt-4o", api_key=KEY)).prices == "openai"
    assert provider_of(anthropic()).no_tools == {"type": "none"}
    assert provider_of(ScriptedModel(script=[])).no_tools is None


def test_a_model_is_called_what_it_is_billed_as() -> None:
    class Nameless:
        _llm_type = "nameless"

    assert model_name(openai()) == "gpt-4o"
    assert model_name(anthropic()) == "claude-haiku-4-5"
    assert model_name(Nameless()) == "nameless"
    assert model_name(object()) == "object"


def test_the_cap_of_the_call_comes_before_that_of_the_model() -> None:
    assert output_cap(openai(max_completion_tokens=500), {}) == 500
    assert output_cap(openai(max_completion_tokens=500), {"max_tokens": 50}) == 50
    assert output_cap(openai(), {}) is None


def test_a_cap_filled_in_by_the_integration_is_nobodys_choice() -> None:
    assert output_cap(anthropic(), {}) is None
    assert output_cap(anthropic(max_tokens=700), {}) == 700


@pytest.mark.parametrize("nonsense", [0, -5, True, "many", None])
def test_a_cap_that_is_no_count_is_no_cap(nonsense: object) -> None:
    assert output_cap(openai(), {"max_tokens": nonsense}) is None


def test_a_lower_cap_goes_under_the_name_the_call_uses() -> None:
    assert cap_settings(openai(), {}, 9) == {"max_tokens": 9}
    assert cap_settings(openai(), {"max_completion_tokens": 99}, 9) == {"max_completion_tokens": 9}


def test_a_thinking_budget_is_found_on_the_call_and_on_the_model() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2_000}
    assert thinking_tokens(anthropic(max_tokens=9_000, thinking=thinking), {}) == 2_000
    assert thinking_tokens(anthropic(), {"thinking": thinking}) == 2_000
    assert thinking_tokens(anthropic(), {"thinking": {"type": "enabled", "budget_tokens": "x"}}) == 0


def test_the_chat_model_inside_bindings_is_found() -> None:
    model = openai()
    assert unbound(model.bind(stop=["x"]).with_config(tags=["t"])) is model
    assert unbound(RunnableLambda(str)) is None


def test_usage_is_read_with_its_parts() -> None:
    message = AIMessage(
        "x",
        usage_metadata={
            "input_tokens": 100,
            "output_tokens": 20,
            "total_tokens": 120,
            "input_token_details": {"cache_read": 60, "cache_creation": 10},
            "output_token_details": {"reasoning": 15},
        },
    )
    assert usage_of(message) == Usage(input=100, output=20, cached_input=60, cache_write=10, reasoning=15)


def test_what_reports_nothing_has_no_usage() -> None:
    assert usage_of(AIMessage("x")) is None
    assert usage_of(HumanMessage("x")) is None
    half = AIMessage("x").model_copy(update={"usage_metadata": {"input_tokens": 5}})
    assert usage_of(half) is None


def said(text: str, sent: int, output: int, **more: Any) -> AIMessage:
    return AIMessage(
        text, usage_metadata={"input_tokens": sent, "output_tokens": output, "total_tokens": sent + output}, **more
    )


@pytest.mark.parametrize(("sent", "output"), [(0, 0), (0, 7), (7, 0)])
def test_no_tokens_where_there_are_some_are_no_report(sent: int, output: int) -> None:
    assert usage_of(said("x", sent, output)) is None


def test_an_empty_answer_may_have_no_tokens() -> None:
    assert usage_of(said("", 7, 0)) == Usage(input=7)


def test_an_answer_that_a_cache_gave_again_was_not_billed() -> None:
    assert usage_of(said("x", 0, 0, response_metadata={MARK: "exact"})) == Usage()
