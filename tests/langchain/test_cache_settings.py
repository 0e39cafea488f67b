"""What of a chat model and its call is part of the key its answers are kept under, and what is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import (
    FakeListChatModel,
    FakeMessagesListChatModel,
    GenericFakeChatModel,
)
from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field, SecretStr

from leanloop import Budget
from leanloop.adapters.langchain import LeanLoop, wrap
from leanloop.adapters.langchain.ending import finish_of, is_plain
from leanloop.adapters.langchain.messages import from_langchain
from leanloop.adapters.langchain.provider import bindings
from leanloop.adapters.langchain.replayed import in_form
from leanloop.adapters.langchain.settings import settings_of
from leanloop.adapters.langchain.tools import spec_of
from leanloop.budgets.cache_rules import CacheRules
from leanloop.plugins.cache.canonical import NotCanonicalError, framed
from leanloop.plugins.cache.store import EVERYTHING
from leanloop.plugins.cache.stores import open_cache


class Silent(BaseChatModel):
    """A model of somebody's own that says nothing of itself, and counts its calls."""

    persona: str = "calm"
    temperature: float | None = None
    calls: int = 0
    helper: Any = None
    parts: dict[str, Any] = Field(default_factory=dict)

    @property
    def _llm_type(self) -> str:
        return "silent"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.calls += 1
        return ChatResult(generations=[ChatGeneration(message=AIMessage(f"answer {self.calls}"))])


class Telling(Silent):
    """One that does say."""

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"persona": self.persona}


class Failing(Silent):
    """One whose properties fail."""

    @property
    def _identifying_params(self) -> dict[str, Any]:
        raise RuntimeError


def openai(**settings: Any) -> ChatOpenAI:
    given: dict[str, Any] = {"model": "gpt-4o-mini", "api_key": SecretStr("sk-very-secret"), **settings}
    return ChatOpenAI(**given)


def said(model: object, *bound: dict[str, Any], form: object = None, tools: Any = (), **settings: Any) -> bytes:
    return framed(settings_of(model, bound, settings, tools, form))


def test_no_secret_is_in_what_is_said() -> None:
    model = openai(
        base_url="https://user:hidden-password@example.org/v1",
        default_headers={"Authorization": "Bearer hidden-token", "x-api-key": "hidden-key", "x-tier": "gold"},
    )
    told = said(model, api_key="hidden-too")
    assert b"secret" not in told
    assert b"hidden" not in told
    assert b"example.org" in told
    assert b"gold" in told


def test_the_way_to_the_model_makes_no_other_call() -> None:
    told = {
        said(model)
        for model in (
            openai(),
            openai(max_retries=7),
            openai(timeout=3),
            openai(tags=["a"], metadata={"a": 1}, name="mine"),
            openai(streaming=True),
            openai(api_key=SecretStr("another")),
        )
    }
    assert len(told) == 1


@pytest.mark.parametrize(
    "model",
    [
        openai(use_responses_api=True),
        openai(service_tier="flex"),
        openai(reasoning={"effort": "low"}),
        openai(organization="other"),
        ChatAnthropic(model_name="gpt-4o-mini", api_key=SecretStr("k"), timeout=None, stop=None),
    ],
    ids=["api", "tier", "effort", "organization", "class"],
)
def test_what_may_change_the_answer_makes_another(model: BaseChatModel) -> None:
    assert said(model) != said(openai())


def test_googles_settings_can_be_told() -> None:
    genai = pytest.importorskip("langchain_google_genai")

    def google(**settings: Any) -> bytes:
        return said(genai.ChatGoogleGenerativeAI(model="gemini-2.5-flash", api_key=SecretStr("k"), **settings))

    strict = {genai.HarmCategory.HARM_CATEGORY_HARASSMENT: genai.HarmBlockThreshold.BLOCK_LOW_AND_ABOVE}
    assert len({google(), google(safety_settings=strict), google(thinking_budget=9)}) == 3


def test_a_model_that_is_changed_in_place_is_looked_at_again() -> None:
    model = openai(model_kwargs={"user": {"name": "u"}})
    told = [said(model)]
    model.temperature = 0.3
    told.append(said(model))
    model.model_kwargs["user"]["name"] = "v"
    told.append(said(model))
    assert len(set(told)) == 3
    assert said(model) == told[-1]


def test_a_count_in_a_model_of_ones_own_is_no_setting() -> None:
    model = Silent()
    before = said(model)
    model.calls += 1
    assert said(model) == before
    model.temperature = 0.5
    assert said(model) != before
    assert said(Silent(persona="angry")) != said(Silent())


def test_a_model_that_identifies_itself_is_what_it_says() -> None:
    assert said(Telling(persona="angry")) != said(Telling())
    assert said(Telling(calls=3)) == said(Telling())
    assert said(FakeListChatModel(responses=["a"])) != said(FakeListChatModel(responses=["b"]))


def test_an_object_is_told_by_its_class_and_within_a_setting_not_at_all() -> None:
    assert said(Silent(helper=threading.Event())) == said(Silent(helper=threading.Event()))
    assert said(Silent(helper=threading.Event())) != said(Silent(helper=iter(())))
    with pytest.raises(NotCanonicalError):
        said(Silent(parts={"helper": threading.Event()}))
    with pytest.raises(NotCanonicalError):
        said(openai(), logit_bias={"a": threading.Event()})
    with pytest.raises(NotCanonicalError):
        said(Failing())


def test_more_models_than_are_remembered_are_all_told_apart() -> None:
    models = [openai(seed=number) for number in range(80)]
    assert len({said(model) for model in models * 2}) == 80


@pytest.mark.parametrize(
    ("model", "bound", "settings", "temperature"),
    [
        (openai(), {}, {}, None),
        (openai(temperature=0.5), {}, {}, 0.5),
        (openai(temperature=0.5), {"temperature": 0}, {}, 0),
        (openai(temperature=0.5), {"temperature": 0}, {"temperature": 1}, 1),
        (openai(), {}, {"options": {"temperature": 0.2}}, 0.2),
        (Silent(temperature=0), {}, {}, 0),
    ],
)
def test_the_temperature_is_that_of_the_call_then_of_the_model(
    model: object, bound: dict[str, Any], settings: dict[str, Any], temperature: float | None
) -> None:
    assert settings_of(model, (bound,), settings)["temperature"] == temperature


def test_what_a_tools_spec_leaves_out_counts() -> None:
    @tool(extras={"defer_loading": True})
    def deferred(q: str) -> str:
        """Search."""
        return q

    @tool("deferred")
    def search(q: str) -> str:
        """Search."""
        return q

    def body(q: str) -> str:
        """Search."""
        return q

    def of(raw: Any) -> bytes:
        return said(openai(), tools=(spec_of(raw),))

    assert of(deferred) != of(search)
    one, other = ({"type": "web_search_20250305", "name": "web_search", "max_uses": uses} for uses in (1, 5))
    assert of(one) != of(other)
    plain: dict[str, Any] = {"name": "f", "description": "", "parameters": {}}
    assert of({"type": "function", "function": plain}) != of(
        {"type": "function", "function": {**plain, "strict": True}}
    )
    assert of({"type": "function", "function": plain}) == said(openai())
    assert of(body) == said(openai())


def test_bindings_are_the_innermost_first_and_only_those_of_a_chat_model() -> None:
    bound: Any = openai().bind(stop=["a"])
    assert bindings(bound.with_config(tags=["t"]).bind(seed=7)) == [{"stop": ["a"], "seed": 7}]
    assert bindings(openai()) == []


def test_which_model_answers_must_be_known(run: Any, create_agent: Any, store: Any) -> None:
    """One with fallbacks is several models."""
    open_cache("memory").forget(tag=EVERYTHING)
    model = FakeListChatModel(responses=["one", "two"])
    agent = create_agent(
        model.with_fallbacks([model]), [], middleware=[LeanLoop(Budget(agent="a", cache=CacheRules()))]
    )
    assert [run(agent, {"messages": [HumanMessage("?")]})["messages"][-1].text for _ in range(2)] == ["one", "two"]


@pytest.mark.parametrize("make", ["list", "messages", "generic", "own"])
def test_the_fake_models_that_tests_use_hit(run: Any, create_agent: Any, store: Any, make: str) -> None:
    def answers() -> Iterator[AIMessage]:
        yield from (AIMessage(f"answer {number}") for number in range(5))

    def model() -> BaseChatModel:
        if make == "list":
            return FakeListChatModel(responses=["answer 0", "answer 1"])
        if make == "messages":
            return FakeMessagesListChatModel(responses=list(answers()))
        return GenericFakeChatModel(messages=answers()) if make == "generic" else Silent()

    open_cache("memory").forget(tag=EVERYTHING)
    loop = LeanLoop(Budget(agent="a", cache=CacheRules()), store=store)
    agent, other = create_agent(model(), [], middleware=[loop]), create_agent(model(), [], middleware=[loop])
    said = [run(one, {"messages": [HumanMessage("?")]})["messages"][-1].text for one in (agent, agent, other)]
    assert len(set(said)) == 1


def test_a_guarded_model_and_its_original_have_one_key() -> None:
    model = openai()
    assert said(wrap(model)) == said(model)


@pytest.mark.parametrize(
    ("metadata", "finish"),
    [
        ({}, None),
        ({"finish_reason": "stop"}, "stop"),
        ({"finish_reason": "tool_calls"}, "stop"),
        ({"finish_reason": "length"}, "length"),
        ({"finish_reason": "content_filter"}, "refused"),
        ({"status": "completed"}, "stop"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"stop_reason": "end_turn"}, "stop"),
        ({"stop_reason": "max_tokens"}, "length"),
        ({"stop_reason": "refusal"}, "refused"),
        ({"stopReason": "tool_use"}, "stop"),
        ({"stopReason": "guardrail_intervened"}, "refused"),
        ({"finish_reason": "STOP"}, "stop"),
        ({"finish_reason": "FinishReason.MAX_TOKENS"}, "length"),
        ({"finish_reason": "SAFETY"}, "refused"),
        ({"done_reason": "stop"}, "stop"),
        ({"done_reason": "load"}, "refused"),
    ],
)
def test_how_an_answer_ended_is_read_from_every_provider(metadata: dict[str, Any], finish: str | None) -> None:
    assert finish_of(AIMessage("so", response_metadata=metadata)) == finish


def test_a_refusal_is_one_whatever_else_is_said() -> None:
    said = AIMessage("", additional_kwargs={"refusal": "I won't."}, response_metadata={"finish_reason": "stop"})
    assert finish_of(said) == "refused"


def test_a_text_and_tool_calls_in_blocks_are_plain() -> None:
    call: Any = {"type": "tool_use", "id": "1", "name": "f", "input": {}}
    assert is_plain(AIMessage([{"type": "text", "text": "so", "annotations": []}, call]))
    assert is_plain(AIMessage(["so"]))
    assert not is_plain(AIMessage([{"type": "refusal", "refusal": "no"}]))


def test_a_role_of_another_name_is_part_of_what_is_said() -> None:
    told = [from_langchain(ChatMessage(role=role, content="so")) for role in ("critic", "judge", "system")]
    critic, judge, system = (one.attached for one in told)
    assert critic is not None
    assert judge is not None
    assert critic() != judge()
    assert system is None


def test_blocks_that_are_strings_are_text_and_their_marks_are_not_sent() -> None:
    def blocks(**more: Any) -> bytes:
        found = from_langchain(HumanMessage(["look", {"type": "image", "url": "https://example.org/a.png", **more}]))
        assert found.attached is not None
        return found.attached()

    assert blocks() == blocks(id="lc_1", cache_control={"type": "ephemeral"}, index=3)
    assert blocks() != blocks(detail="high")
    assert from_langchain(HumanMessage(["look"])).attached is None
    assert from_langchain(ToolMessage("so", tool_call_id="1")).attached is None


class City(BaseModel):
    """A city."""

    name: str


def test_a_schema_that_a_middleware_puts_in_the_place_of_a_strategy_is_one() -> None:
    assert in_form(AIMessage('{"name": "Oslo"}'), City, native=True).structured_response == City(name="Oslo")
    call: Any = {"name": "City", "args": {"name": "Oslo"}, "id": "1"}
    assert in_form(AIMessage("", tool_calls=[call]), City, native=False).structured_response == City(name="Oslo")
    other: Any = {"name": "search", "args": {}, "id": "1"}
    assert in_form(AIMessage("", tool_calls=[other]), City, native=False).structured_response is None


def test_an_answer_that_its_schema_has_come_to_refuse_is_langchains_own_error() -> None:
    from langchain.agents.structured_output import StructuredOutputValidationError

    with pytest.raises(StructuredOutputValidationError, match="City"):
        in_form(AIMessage('{"town": 1}'), City, native=True)
