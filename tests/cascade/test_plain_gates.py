"""Gates that look at the answer alone."""

# Agents made by a fixture that takes anything, and models that are lambdas.
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportPrivateUsage=false
from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop import Message, ModelCall, ModelReply, ToolRequest
from leanloop.budgets.message import Image, ToolSpec
from leanloop.plugins.cache.canonical import NotCanonicalError
from leanloop.plugins.call import Finish
from leanloop.plugins.cascade.gates.answer_form import answer_form
from leanloop.plugins.cascade.gates.logprobs import logprobs
from leanloop.plugins.cascade.gates.refusal import refusal
from leanloop.plugins.cascade.gates.tool_calls import tool_calls
from leanloop.plugins.cascade.verdict import Verdict

SEARCH = ToolSpec(
    "search",
    parameters={
        "type": "object",
        "properties": {"q": {"type": "string"}, "count": {"type": "integer"}},
        "required": ["q"],
    },
)
CALL = ModelCall("m", (Message("user", "go"),), tools=(SEARCH, ToolSpec("ping"), ToolSpec("no", parameters={})))


def said(text: str = "", *asked: tuple[str, str], finish: Finish | None = None, **more: Any) -> ModelReply:
    requests = tuple(ToolRequest(str(n), name, arguments) for n, (name, arguments) in enumerate(asked))
    return ModelReply(Message("assistant", text, requests), finish=finish, **more)


@pytest.mark.parametrize(
    ("asked", "why", "hard"),
    [
        ([("search", '{"q": "x"}')], "", False),
        ([("search", '{"q": "x", "count": 3}'), ("search", '{"q": "y"}'), ("ping", "")], "", False),
        ([("search", "{}")], "required", True),
        ([("search", '{"q": 5}')], "q is not as type asks", True),
        ([("search", '{"q": "x", "query": "y"}')], "takes no 'query'", True),
        ([("search", '{"q": "x"')], "are no JSON", True),
        ([("search", '{"q": "x", "q": "y"}')], "a key stands twice", True),
        ([("search", '["x"]')], "are no object", True),
        ([("seek", "{}")], "there is not, 'seek'", True),
        ([("", "{}")], "there is not", True),
        ([("search", '{"q": "x", "count": 1}'), ("search", '{"count": 1.0, "q": "x"}')], "twice", False),
        ([("ping", "{}")] * 200, "200 times", True),
    ],
)
def test_tool_calls_are_held_against_what_was_offered(asked: list[tuple[str, str]], why: str, hard: bool) -> None:
    verdict = tool_calls(CALL, said("", *asked))
    assert verdict.outcome == ("failed" if why else "passed")
    assert why in verdict.why
    assert verdict.hard is hard


def test_two_calls_with_one_id_would_break_the_history() -> None:
    twice = (ToolRequest("1", "search", '{"q": "x"}'), ToolRequest("1", "search", '{"q": "y"}'))
    verdict = tool_calls(CALL, ModelReply(Message("assistant", "", twice)))
    assert (verdict.outcome, verdict.hard) == ("failed", True)


def test_a_call_that_must_be_made_is_missed() -> None:
    answers = ModelCall("m", (), tools=(SEARCH,), answer_tools=frozenset({"search"}))
    beside = ModelCall("m", (), tools=CALL.tools, answer_tools=frozenset({"search"}))
    forced = ModelCall("m", (), tools=CALL.tools, force_tool=True)
    outcomes = [tool_calls(call, said("done")).outcome for call in (answers, beside, forced, CALL)]
    assert outcomes == ["failed", "passed", "failed", "passed"]


@pytest.mark.parametrize(
    "more", [{"additionalProperties": True}, {"allOf": [{"properties": {"b": {}}}]}, {"patternProperties": {"^b": {}}}]
)
def test_a_parameter_that_the_schema_lets_pass_by_name_is_no_surprise(more: Mapping[str, object]) -> None:
    tool = ToolSpec("t", parameters={"type": "object", "properties": {"a": {}}, **more})
    assert tool_calls(ModelCall("m", (), tools=(tool,)), said("", ("t", '{"b": 1}'))).outcome == "passed"


def test_where_one_schema_cannot_be_checked_a_wrong_call_is_found_all_the_same() -> None:
    odd = ToolSpec("odd", parameters={"$ref": "https://example.com"})
    call = ModelCall("m", (), tools=(odd, SEARCH))
    good, bad = ("search", '{"q": "x"}'), ("search", "{}")
    assert tool_calls(call, said("", ("odd", "{}"), good)).outcome == "unknown"
    assert tool_calls(call, said("", ("odd", "{}"), bad)).outcome == "failed"


@given(st.lists(st.tuples(st.sampled_from(["search", "ping", "x"]) | st.text(max_size=5), st.text(max_size=30))))
def test_whatever_a_model_asks_for_there_is_a_verdict(asked: list[tuple[str, str]]) -> None:
    verdict = tool_calls(CALL, said("", *asked))
    assert verdict.outcome in {"passed", "failed"}


@given(st.text(max_size=40), st.none() | st.integers())
def test_arguments_as_the_schema_asks_always_pass(q: str, count: int | None) -> None:
    arguments = {"q": q} | ({} if count is None else {"count": count})
    assert tool_calls(CALL, said("", ("search", json.dumps(arguments)))).outcome == "passed"


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that.",
        "I’m sorry, I cannot help with this request.",  # noqa: RUF001
        "Sorry, but I won't do that.",
        "As an AI language model, I cannot browse the internet.",
        "Es tut mir leid, aber dabei kann ich nicht helfen.",
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Lo siento, pero no puedo ayudarte con eso.",
        "Desculpe, mas não posso ajudar com isso.",
        "Mi dispiace, ma non posso aiutarti.",
        "Het spijt me, maar ik kan je daar niet bij helpen.",
        "Przykro mi, ale nie mogę pomóc.",
        "Извините, но я не могу помочь с этим.",  # noqa: RUF001
        "Üzgünüm, bu konuda yardımcı olamam.",  # noqa: RUF001
        "很抱歉，我无法回答这个问题。",  # noqa: RUF001
        "申し訳ありませんが、お答えできません。",
        "죄송하지만 도와드릴 수 없습니다.",
    ],
)
def test_a_refusal_is_known_in_many_languages(text: str) -> None:
    assert refusal(said(text)).why == "it refuses"


@pytest.mark.parametrize(
    "text",
    [
        "I can't find any flights on that day.",
        "Sorry, the shop is closed on Sunday.",
        "I'm sorry to hear that. Here is what you can do.",
        "Unfortunately we can't answer the phone before nine.",
        "Ich kann Ihnen helfen: der Zug geht um neun.",
        "No puedo encontrar el pedido 12; el pedido 13 existe.",
        "I cannot help with that part, but the rest is this. " + "The details follow. " * 20,
    ],
)
def test_an_answer_that_says_no_is_an_answer(text: str) -> None:
    assert refusal(said(text)).outcome == "passed"


@pytest.mark.parametrize(
    ("reply", "outcome", "hard"),
    [
        (said("no", finish="refused"), "failed", False),
        (said("half an ans", finish="length"), "failed", False),
        (said("", finish="length"), "failed", True),
        (said("", ("search", '{"q"'), finish="length"), "failed", True),
        (said("", ("search", "{}")), "passed", False),
        (said(" \n "), "failed", True),
        (ModelReply(Message("assistant", "", images=(Image(1, 1),))), "passed", False),
        (said("x" * 100_000), "passed", False),
        (said("I can't " * 20_000), "passed", False),
    ],
)
def test_what_is_no_answer_at_all(reply: ModelReply, outcome: str, hard: bool) -> None:
    verdict = refusal(reply)
    assert (verdict.outcome, verdict.hard) == (outcome, hard)


FORM = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("form", "text", "outcome"),
    [
        (None, "anything", "passed"),
        (r"\d{4}-\d\d-\d\d", " 2024-05-01\n", "passed"),
        (r"\d{4}-\d\d-\d\d", "on 2024-05-01", "failed"),
        (r"(a|a)*", "a" * 60 + "b", "unknown"),
        (r".*", "x" * 300_000, "unknown"),
        (FORM, '{"a": 1}', "passed"),
        (FORM, '```json\n{"a": 1}\n```', "passed"),
        (FORM, '{"a": "1"}', "failed"),
        (FORM, "a is 1", "failed"),
        ({"$ref": "https://example.com"}, "{}", "unknown"),
    ],
)
def test_the_form_that_is_asked_for(form: Mapping[str, object] | str | None, text: str, outcome: str) -> None:
    assert answer_form(form, CALL, said(text)).outcome == outcome


def test_a_step_that_calls_tools_has_no_form_yet() -> None:
    assert answer_form(FORM, CALL, said("looking", ("search", "{}"))).outcome == "passed"


def unsaid() -> Mapping[str, object]:
    raise NotCanonicalError


@pytest.mark.parametrize("place", ["given", "call"])
def test_the_schema_the_provider_was_given_counts_where_the_file_names_none(place: str) -> None:
    told = {place: {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": FORM}}}}
    call = ModelCall("m", (), settings=lambda: told)
    verdicts = [answer_form(None, call, said(text)).outcome for text in ('{"a": 1}', '{"a": "1"}')]
    assert verdicts == ["passed", "failed"]
    for settings in (lambda: {place: {"response_format": "auto"}}, unsaid):
        assert answer_form(None, ModelCall("m", (), settings=settings), said("x")).outcome == "passed"


def test_the_mean_log_probability_counts_where_there_is_one() -> None:
    said_so: list[Verdict] = [logprobs(-0.35, said("x", logprob=mean)) for mean in (-0.1, -0.9, None, float("nan"))]
    assert [verdict.outcome for verdict in said_so] == ["passed", "failed", "unknown", "unknown"]
