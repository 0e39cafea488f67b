"""What the file knows is asked of nobody: exactly, by an expression, by a function; and what passes goes to a model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE

import leanloop
from leanloop import Budget, BudgetFileError, Message, ModelCall, ModelReply, ToolSpec, Usage, parse_budget
from leanloop.budgets.message import Image
from leanloop.errors import UsageError
from leanloop.plugins.answer_book import LONGEST, in_one_spelling
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.flow import ModelFlow
from leanloop.plugins.stack import Stack
from leanloop.plugins.supplied import Supplied

Drive = Callable[[ModelFlow, Callable[[ModelCall], ModelReply]], ModelReply]


def budget(*answers: str, more: str = "") -> Budget:
    lines = "".join(f"\n  - {answer}" for answer in answers)
    return parse_budget(f"agent: a\nlimits: [{{cycles: 3, usd: 1}}]\nanswers:{lines}\n{more}", environ={})


class Model:
    def __init__(self) -> None:
        self.seen: list[ModelCall] = []

    def __call__(self, call: ModelCall) -> ModelReply:
        self.seen.append(call)
        return ModelReply(Message("assistant", "the model's"), Usage(10, 5))


def call(text: str, **more: Any) -> ModelCall:
    return ModelCall("gpt-4o", (Message("system", "You help."), Message("user", text)), **more)


def said(
    question: str, *answers: str, functions: Mapping[str, Any] | None = None, drive: Drive = run
) -> tuple[str, leanloop.Receipt]:
    stack = Stack(supplied=Supplied(answers=functions or {}))
    with leanloop.task(budget(*answers)) as task:
        reply = drive(stack.model_flow(call(question), task), Model())
    return reply.message.text, task.receipt()


HOURS = '{ask: "When are you open?", say: "From 9 to 5."}'


@pytest.mark.parametrize(
    "question",
    [
        "When are you open?",
        "when ARE  you\nopen",
        " WHEN ARE YOU OPEN?!",
        "When are you open...",
        "When are you open\N{FULLWIDTH QUESTION MARK}",
    ],
)
def test_case_blanks_and_the_mark_at_the_end_do_not_count(question: str) -> None:
    assert said(question, HOURS)[0] == "From 9 to 5."


@pytest.mark.parametrize(
    "question",
    ["When are you not open?", "Hello. When are you open?", "When are you open? Today?", "When, are you open?", "?"],
)
def test_anything_else_is_another_question(question: str) -> None:
    assert said(question, HOURS)[0] == "the model's"


def test_it_costs_nothing_is_a_cycle_and_stands_on_the_receipt(drive: Drive) -> None:
    text, receipt = said("When are you open?", HOURS, drive=drive)
    assert text == "From 9 to 5."
    assert (receipt.models, receipt.cycles) == ((), 1)
    (saving,) = receipt.savings
    assert (saving.plugin, saving.calls) == ("answers", 1)
    # The prompt's and the answer's tokens at gpt-4o's 2.50 and 10 usd per million.
    assert saving.tokens > 10
    assert saving.tokens * 2_500 < saving.cost < saving.tokens * 10_000


def test_what_has_no_price_saves_tokens_alone() -> None:
    known = parse_budget(f"agent: a\nanswers: [{HOURS}]", environ={})
    with leanloop.task(known) as task:
        run(Stack().model_flow(ModelCall("nobody-knows-it", (Message("user", "When are you open?"),)), task), Model())
    (saving,) = task.receipt().savings
    assert (saving.cost, saving.tokens > 10) == (0, True)


def test_a_pattern_matches_all_of_the_question_and_its_groups_stand_in_the_answer() -> None:
    match = r"(?i)where is order (?P<number>\d+)( of (?P<who>\w+))?\??"
    rule = f"{{match: '{match}', say: 'See /orders/{{number}}{{who}} {{json: {{x}}}}.'}}"
    assert said("Where is order 42?", rule)[0] == "See /orders/42 {json: {x}}."
    assert said("  where is order 42 of Ann?  ", rule)[0] == "See /orders/42Ann {json: {x}}."
    assert said("Tell me where is order 42?", rule)[0] == "the model's"


def test_a_pattern_that_takes_too_long_matches_nothing_and_that_is_noted() -> None:
    text, receipt = said("a" * 5_000 + "!", "{match: '(a|aa)+b', say: x}", "{match: 'a+!', say: second}")
    assert text == "second"
    assert any("took longer" in note for note in receipt.notes)


def test_a_text_without_end_is_looked_at_by_no_pattern() -> None:
    assert said("a" * (LONGEST + 1), "{match: 'a*', say: x}")[0] == "the model's"
    assert said("a" * LONGEST, "{match: 'a*', say: x}")[0] == "x"


def test_what_stands_in_the_file_comes_first_then_the_rest_in_its_order() -> None:
    rules = ["{match: '.*open.*', say: first}", "{match: '.*', say: second}", HOURS]
    assert said("When are you open?", *rules)[0] == "From 9 to 5."
    assert said("Are you open?", *rules)[0] == "first"
    assert said("Hello", *rules)[0] == "second"


async def later(question: str) -> str | None:
    await asyncio.sleep(0)
    return f"later: {question}" if "?" in question else None


class Later:
    async def __call__(self, question: str) -> str | None:
        return await later(question)


def now(question: str) -> str | None:
    return f"now: {question}" if "?" in question else None


def in_a_moment(question: str) -> Any:
    return later(question)


@pytest.mark.parametrize("function", [now, later, Later(), in_a_moment])
def test_a_function_answers_or_passes(function: Any, drive: Drive) -> None:
    for question, known in (("What?", True), ("No.", False)):
        text, receipt = said(question, "{function: f}", functions={"f": function}, drive=drive)
        assert text.endswith(": What?") if known else text == "the model's"
        assert receipt.notes == ()


async def test_an_async_function_is_called_in_a_plain_call_on_a_thread_with_an_event_loop() -> None:
    assert said("What?", "{function: f}", functions={"f": later})[0] == "later: What?"


def broken(question: str) -> str:
    raise ValueError(question)


def no_text(question: str) -> int:
    return len(question)


def nothing(question: str) -> str:
    return question[:0]


@pytest.mark.parametrize(("function", "note"), [(broken, "raised ValueError"), (no_text, "gave int, no text")])
def test_a_function_that_raises_or_gives_no_text_passes_and_is_noted_once(function: Any, note: str) -> None:
    text, receipt = said("secret?", "{function: f}", "{match: '.*', say: next}", functions={"f": function})
    assert text == "next"
    assert [one for one in receipt.notes if note in one and "secret" not in one] == list(receipt.notes)
    assert len(receipt.notes) == 1


def test_a_function_that_says_nothing_passes() -> None:
    assert said("hello", "{function: f}", functions={"f": nothing})[0] == "the model's"


def test_a_function_that_was_not_given_is_refused_before_anything_is_asked() -> None:
    model = Model()
    with (
        leanloop.task(budget("{function: prices}")) as task,
        pytest.raises(UsageError, match="'prices' was not given") as e,
    ):
        run(Stack(supplied=Supplied(answers={"hours": later})).model_flow(call("x"), task), model)
    assert "given: hours" in str(e.value)
    assert model.seen == []


TOOL = (ToolSpec("search"),)


@pytest.mark.parametrize(
    "other",
    [
        call("When are you open?", purpose="check"),
        call("When are you open?", purpose="landing"),
        call("When are you open?", structured=True),
        call("When are you open?", tools=TOOL, answer_tools=frozenset({"search"})),
        call("When are you open?", tools=TOOL, force_tool=True),
        ModelCall("gpt-4o", (Message("user", "When are you open?"), Message("assistant", "so"))),
        ModelCall("gpt-4o", (Message("user", "When are you open?"), Message("tool", "x", tool_call_id="1"))),
        ModelCall("gpt-4o", (Message("user", "When are you open?", images=(Image(1, 1),)),)),
        ModelCall("gpt-4o", (Message("user", "When are you open?", other_tokens=9),)),
        ModelCall("gpt-4o", ()),
    ],
)
def test_only_a_question_in_words_that_begins_a_turn_is_answered(other: ModelCall) -> None:
    model = Model()
    with leanloop.task(budget(HOURS)) as task:
        run(Stack().model_flow(other, task), model)
    assert len(model.seen) == 1


def test_the_next_turn_is_answered_too_and_tools_are_no_hindrance() -> None:
    history = (Message("user", "hi"), Message("assistant", "hello"), Message("user", "When are you open?"))
    with leanloop.task(budget(HOURS)) as task:
        reply = run(Stack().model_flow(ModelCall("gpt-4o", history, tools=TOOL), task), Model())
    assert (reply.message.text, reply.hit) == ("From 9 to 5.", "known")


def test_no_cache_keeps_what_the_file_knows_and_the_file_is_asked_first(drive: Drive) -> None:
    model, stack = Model(), Stack()
    asked = call("When are you open?", settings=lambda: {"temperature": 0})
    for answers in ([], [HOURS], []):
        with leanloop.task(budget(*(answers or ["{ask: x, say: y}"]), more="cache: on")) as task:
            reply = drive(stack.model_flow(asked, task), model)
        assert reply.message.text == ("From 9 to 5." if answers else "the model's")
    assert len(model.seen) == 1


def test_a_task_without_cycles_left_is_not_answered() -> None:
    with leanloop.task(budget(HOURS)) as task:
        texts = [run(Stack().model_flow(call("When are you open?"), task), Model()).message.text for _ in range(5)]
    assert texts[:3] == ["From 9 to 5.", "From 9 to 5.", "the model's"]  # the third is the landing's
    assert "From 9 to 5." not in texts[3:]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("{ask: x, match: y, say: z}", "both ask and match"),
        ("{ask: x}", "one of say and function"),
        ("{ask: x, say: y, function: z}", "one of say and function"),
        ("{say: y}", "answers every question"),
        ("{match: '(', say: y}", "is no regular expression"),
        ("{match: '(?P<a>x)(?P<a', say: y}", "is no regular expression"),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused_with_its_line(answer: str, problem: str) -> None:
    with pytest.raises(BudgetFileError, match=problem) as raised:
        budget(answer)
    assert raised.value.line == 4


@given(st.text(max_size=60))
def test_one_spelling_is_its_own_spelling(text: str) -> None:
    assert in_one_spelling(in_one_spelling(text)) == in_one_spelling(text)


@given(st.text(max_size=200))
def test_whatever_is_asked_comes_to_an_answer(text: str) -> None:
    assert said(text, "{match: '(a*)*b', say: x}", HOURS)[0] in {"x", "the model's", "From 9 to 5."}


async def test_a_function_does_not_hold_up_the_event_loop() -> None:
    turns: list[str] = []

    async def other() -> None:
        turns.append("other")

    def slow(question: str) -> str:
        assert asyncio.run_coroutine_threadsafe(other(), loop).result(PATIENCE) is None
        return "done"

    async def send(_: ModelCall) -> ModelReply:
        raise AssertionError

    loop = asyncio.get_running_loop()
    with leanloop.task(budget("{function: slow}")) as task:
        reply = await arun(Stack(supplied=Supplied(answers={"slow": slow})).model_flow(call("x"), task), send)
    assert (reply.message.text, turns) == ("done", ["other"])
