"""What is really sent once calls are made cheaper: to OpenAI, to Anthropic, by agents and wrapped models."""

# LangChain's own annotations lack type arguments:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false
# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableBinding
from langchain_core.tools import tool
from langchain_openai import AzureChatOpenAI, ChatOpenAI
from pydantic import BaseModel, SecretStr

import leanloop
from leanloop import Alert, Budget, ModelUnavailable, UsageError, parse_budget
from leanloop.adapters.langchain import LeanLoop, wrap
from leanloop.adapters.langchain.provider import model_name
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.langchain.substitutes import Substitutes, settings_for
from leanloop.adapters.langchain.thinking import with_thinking
from leanloop.plugins.call import ModelCall

KEY = SecretStr("none")
LOW = ModelCall("any", (), effort="low")
TWO_STEPS = "agent: a\nlimits: [{model_calls: 10}]\nloop: off\ndegrade: "


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


class Weather(BaseModel):
    """The weather."""

    city: str


def openai(provider: Any = None, model: str = "gpt-4o", **settings: Any) -> ChatOpenAI:
    url = f"{provider.url}/v1" if provider else None
    return ChatOpenAI(model=model, base_url=url, api_key=KEY, max_retries=0, **settings)


def anthropic(provider: Any = None, model: str = "claude-opus-4-5", **settings: Any) -> ChatAnthropic:
    url = provider.url if provider else None
    return ChatAnthropic(
        model_name=model, base_url=url, api_key=KEY, max_retries=0, timeout=None, stop=None, **settings
    )


def budget(degrade: str) -> Budget:
    return parse_budget(f"{TWO_STEPS}{degrade}", environ={})


def searching(times: int) -> Callable[[dict[str, Any]], tuple[int, Any]]:
    """Searches that often, then answers."""

    def reply(payload: dict[str, Any]) -> tuple[int, Any]:
        done = sum(str(message["role"]) in {"tool", "user"} for message in payload["messages"]) - 1
        return 200, "done" if done >= times else {"id": f"c{done}", "name": "search", "args": {"q": str(done)}}

    return reply


def models(provider: Any) -> list[str]:
    return [payload["model"] for payload in provider.payloads]


@pytest.mark.parametrize(
    "wire",
    [(openai, "gpt-4o", "gpt-4o-mini"), (anthropic, "claude-opus-4-5", "claude-haiku-4-5")],
    ids=["openai", "anthropic"],
)
def test_from_the_share_on_an_agent_asks_the_cheaper_model(
    run: Any, provider: Any, create_agent: Any, wire: tuple[Any, str, str]
) -> None:
    make, own, cheap = wire
    provider.reply = searching(5)
    loop = LeanLoop(budget(f"{{at: 30%, to: {cheap}}}"))
    agent = create_agent(make(provider), [search], middleware=[loop])
    result = run(agent, {"messages": [HumanMessage("Find out.")]})
    assert models(provider) == [own] * 3 + [cheap] * 3
    assert all(payload["tools"] for payload in provider.payloads)
    receipt = result["messages"][-1].response_metadata["leanloop"]
    assert {use["model"]: use["calls"] for use in receipt["models"]} == {own: 3, cheap: 3}
    (saving,) = receipt["savings"]
    assert (saving["plugin"], saving["calls"]) == ("degrade", 3)
    assert float(saving["usd"]) > 0


def test_a_wrapped_model_does_the_same_and_streams(run: Any, provider: Any, store: Any) -> None:
    provider.reply = lambda _: (200, "done")
    model = wrap(openai(provider), LeanLoop(budget("{at: 20%, to: gpt-4o-mini}"), store=store))
    with leanloop.task(budget("{at: 20%, to: gpt-4o-mini}"), store=store) as task:
        for _ in range(3):
            run(model.with_structured_output(Weather, method="function_calling", include_raw=True), "?")
    assert models(provider) == ["gpt-4o"] * 2 + ["gpt-4o-mini"]
    assert provider.payloads[-1]["tool_choice"]
    assert [use.model for use in task.receipt().models] == ["gpt-4o", "gpt-4o-mini"]


def test_a_stream_goes_to_the_cheaper_model(run: Any, store: Any) -> None:
    own = ScriptedModel(script=[AIMessage("one two")], model_name="gpt-4o")
    cheap = ScriptedModel(script=[AIMessage("three four")], model_name="gpt-4o-mini")
    given = budget("{at: 10%, to: gpt-4o-mini}")
    model = wrap(own, LeanLoop(given, store=store, models={"gpt-4o-mini": cheap}))
    with leanloop.task(given, store=store) as task:
        said = ["".join(str(part.text) for part in run.stream(model, "?")) for _ in range(2)]
    assert said == ["one two", "three four"]
    assert (len(own.seen), len(cheap.seen)) == (1, 1)
    assert [use.model for use in task.receipt().models] == ["gpt-4o", "gpt-4o-mini"]


def test_a_model_that_cannot_stream_leaves_the_stream_where_it_was(run: Any, store: Any) -> None:
    class Silent(BaseChatModel):
        model_name: str = "gpt-4o-mini"

        @property
        def _llm_type(self) -> str:
            return "silent"

        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            raise AssertionError

    alerts: list[Alert] = []
    own = ScriptedModel(script=[AIMessage("one two")], model_name="gpt-4o")
    given = budget("{at: 10%, to: gpt-4o-mini}")
    model = wrap(own, LeanLoop(given, store=store, models={"gpt-4o-mini": Silent()}))
    with leanloop.task(given, store=store, on_alert=alerts.append) as task:
        said = ["".join(str(part.text) for part in run.stream(model, "?")) for _ in range(3)]
    assert said == ["one two"] * 3
    assert task.receipt().model_calls == 3
    why = "Silent cannot stream; call invoke, or name a model that can."
    assert [alert.message for alert in alerts if alert.kind == "unavailable"] == [
        f"Agent a: gpt-4o-mini does not take over from gpt-4o: {why}"
    ]


@pytest.mark.parametrize("status", [400, 404])
def test_a_model_the_provider_does_not_serve_is_said_once_and_left_alone(
    run: Any, provider: Any, create_agent: Any, store: Any, status: int
) -> None:
    answer = searching(4)
    provider.reply = lambda payload: answer(payload) if payload["model"] == "gpt-4o" else (status, "unknown model")
    alerts: list[Alert] = []
    loop = LeanLoop(budget("{at: 20%, to: gpt-4o-mini}"), store=store, on_alert=alerts.append)
    agent = create_agent(openai(provider), [search], middleware=[loop])
    result = run(agent, {"messages": [HumanMessage("Find out.")]})
    assert result["messages"][-1].text == "done"
    assert models(provider) == ["gpt-4o", "gpt-4o", "gpt-4o-mini", "gpt-4o", "gpt-4o", "gpt-4o"]
    assert result["messages"][-1].response_metadata["leanloop"]["model_calls"] == 5
    assert [alert.kind for alert in alerts if alert.kind in {"degraded", "unavailable"}] == ["degraded", "unavailable"]
    assert f"HTTP status {status}" in next(alert.message for alert in alerts if alert.kind == "unavailable")


def test_a_model_that_cannot_be_copied_is_said_and_left_alone(create_agent: Any, store: Any, ask: Any) -> None:
    class Own(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "gpt-4o"

        def bind_tools(self, *args: Any, **kwargs: Any) -> Any:
            return self

        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            return ScriptedModel(script=[ask(("search", {"q": str(id(object()))}))])._generate(*args[:1])

    alerts: list[Alert] = []
    loop = LeanLoop(budget("{at: 20%, to: gpt-4o-mini}"), store=store, on_alert=alerts.append)
    create_agent(Own(), [search], middleware=[loop]).invoke({"messages": [HumanMessage("?")]})
    (alert,) = [alert for alert in alerts if alert.kind == "unavailable"]
    assert "give it to leanloop, as models={'gpt-4o-mini': ...}" in alert.message


def test_the_users_own_cheaper_model_may_be_another_providers(
    run: Any, provider: Any, create_agent: Any, store: Any
) -> None:
    provider.reply = searching(3)
    cheap = anthropic(provider, "claude-haiku-4-5", max_tokens=900)
    text = "agent: a\nlimits: [{model_calls: 10, tokens: 90_000}]\ndegrade: {at: 20%, to: small}"
    loop = LeanLoop(parse_budget(text, environ={}), store=store, models={"small": cheap})
    run(create_agent(openai(provider), [search], middleware=[loop]), {"messages": [HumanMessage("Find out.")]})
    assert models(provider) == ["gpt-4o", "gpt-4o", "claude-haiku-4-5", "claude-haiku-4-5"]
    assert provider.payloads[-1]["max_tokens"] == 900
    assert provider.payloads[-1]["tools"][0]["input_schema"]


def test_what_is_bound_in_one_providers_terms_is_not_sent_to_another(run: Any, provider: Any, store: Any) -> None:
    provider.reply = lambda _: (200, "done")
    given = budget("{at: 10%, to: small}")
    loop = LeanLoop(given, store=store, models={"small": anthropic(provider, "claude-haiku-4-5")})
    model = wrap(openai(provider), loop)
    with leanloop.task(given, store=store):
        for _ in range(2):
            run(model.bind_tools([search]), "?")
    assert models(provider) == ["gpt-4o", "gpt-4o"]
    with leanloop.task(given, store=store):
        for _ in range(2):
            run(model, "?")
    assert models(provider)[2:] == ["gpt-4o", "claude-haiku-4-5"]


@pytest.mark.parametrize(
    "wire",
    [
        (openai, {"model": "gpt-5", "reasoning_effort": "high"}, "reasoning_effort", "low"),
        (anthropic, {"model": "claude-opus-4-7"}, "output_config", {"effort": "low"}),
    ],
    ids=["openai", "anthropic"],
)
def test_a_lower_effort_is_sent_as_the_provider_reads_it(
    run: Any, provider: Any, create_agent: Any, wire: tuple[Any, dict[str, Any], str, object]
) -> None:
    make, settings, key, low = wire
    provider.reply = searching(3)
    loop = LeanLoop(budget("{at: 20%, effort: low}"))
    run(create_agent(make(provider, **settings), [search], middleware=[loop]), {"messages": [HumanMessage("?")]})
    sent = [payload.get(key) for payload in provider.payloads]
    assert sent[2:] == [low, low]
    assert low not in sent[:2]
    assert all("thinking" not in payload for payload in provider.payloads)
    assert len(set(models(provider))) == 1


def test_an_effort_the_model_does_not_know_is_left_alone_and_said_once(
    provider: Any, create_agent: Any, store: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leanloop.adapters.langchain.thinking._said", set())
    provider.reply = searching(4)
    loop = LeanLoop(budget("{at: 20%, effort: low}"), store=store)
    create_agent(openai(provider), [search], middleware=[loop]).invoke({"messages": [HumanMessage("Find out.")]})
    assert all("reasoning_effort" not in payload for payload in provider.payloads)
    assert sum("gpt-4o takes no reasoning effort" in message for message in caplog.messages) == 1


@pytest.mark.parametrize(
    ("model", "settings", "expected"),
    [
        (openai(model="gpt-5"), {}, {"reasoning_effort": "low"}),
        (openai(model="gpt-5"), {"reasoning_effort": "high", "seed": 1}, {"reasoning_effort": "low", "seed": 1}),
        (openai(model="gpt-5"), {"reasoning_effort": "minimal"}, {"reasoning_effort": "minimal"}),
        (openai(model="gpt-5", reasoning_effort="minimal"), {}, {}),
        (openai(profile={"reasoning_effort_levels": ["none", "low"], "reasoning_effort_default": "none"}), {}, {}),
        (
            openai(model="gpt-5", reasoning={"effort": "high", "summary": "auto"}),
            {},
            {"reasoning": {"effort": "low", "summary": "auto"}},
        ),
        (anthropic(reasoning_effort="high"), {}, {"output_config": {"effort": "low"}}),
        (anthropic(), {"effort": "high"}, {"output_config": {"effort": "low"}}),
        (anthropic(), {"output_config": {"effort": "low"}}, {"output_config": {"effort": "low"}}),
        (ScriptedModel(script=[]), {"a": 1}, {"a": 1}),
    ],
)
def test_an_effort_is_only_ever_lowered(model: Any, settings: dict[str, Any], expected: dict[str, Any]) -> None:
    assert with_thinking(model, settings, LOW)[1] == expected


def test_a_copy_has_the_profile_the_cap_and_the_effort_of_its_model() -> None:
    own = anthropic(model="claude-opus-4-7", thinking={"type": "adaptive"}, reasoning_effort="xhigh")
    copy = Substitutes().of(own, "claude-haiku-4-5")
    plain = anthropic(model="claude-haiku-4-5")
    assert type(copy) is ChatAnthropic
    assert (copy.model, copy.profile, copy.max_tokens) == ("claude-haiku-4-5", plain.profile, plain.max_tokens)
    assert (copy.thinking, copy.reasoning_effort) == (None, None)
    assert (own.model, own.reasoning_effort) == ("claude-opus-4-7", "xhigh")
    kept = Substitutes().of(anthropic(max_tokens=500), "claude-haiku-4-5")
    assert kept.max_tokens == 500
    assert Substitutes().of(openai(), "my-own").profile is None


def test_a_copy_is_made_once_as_long_as_the_model_stays() -> None:
    substitutes, own = Substitutes(), openai()
    assert substitutes.of(own, "gpt-4o-mini") is substitutes.of(own, "gpt-4o-mini")
    assert substitutes.of(own, "gpt-4.1-mini").model_name == "gpt-4.1-mini"
    assert substitutes.of(openai(), "gpt-4o-mini").model_name == "gpt-4o-mini"


def test_a_binding_keeps_what_is_bound_but_the_name_of_a_model() -> None:
    binding = openai().bind(stop=["x"], model="gpt-4o-2024-08-06")
    copy = Substitutes().of(binding, "gpt-4o-mini")
    assert isinstance(copy, RunnableBinding)
    assert (dict(copy.kwargs), model_name(copy.bound)) == ({"stop": ["x"]}, "gpt-4o-mini")


def test_a_deployment_of_azure_is_not_copied() -> None:
    azure = AzureChatOpenAI(
        azure_deployment="four", azure_endpoint="https://example.invalid", api_version="2024-10-21", api_key=KEY
    )
    with pytest.raises(ModelUnavailable, match="AzureChatOpenAI cannot be copied"):
        Substitutes().of(azure, "gpt-4o-mini")


def test_models_are_chat_models() -> None:
    bound: Any = openai().bind(stop=["x"])
    with pytest.raises(UsageError, match=r"models: 'small' is a .*Binding; give a chat model, not yet bound"):
        LeanLoop(models={"small": bound})


def test_a_thinking_budget_above_the_cap_makes_a_model_unavailable() -> None:
    model = anthropic(model="claude-haiku-4-5", max_tokens=9_000, thinking={"type": "enabled", "budget_tokens": 4_000})
    assert settings_for(model, "small", {"model": "x", "stop": ["y"]}, 9_500) == {"stop": ["y"]}
    assert settings_for(model, "small", {}, 5_000) == {"max_tokens": 5_000}
    assert settings_for(model, "small", {}, None) == {}
    with pytest.raises(ModelUnavailable, match="thinking budget of 4,000 tokens does not fit into 4,000 of output"):
        settings_for(model, "small", {}, 4_000)


def test_a_model_named_at_call_time_is_the_one_that_is_priced(store: Any) -> None:
    with leanloop.task(Budget(agent="a"), store=store) as task:
        wrap(ScriptedModel(script=[AIMessage("yes")])).bind(model="gpt-4o").invoke("?")
    assert [use.model for use in task.receipt().models] == ["gpt-4o"]
