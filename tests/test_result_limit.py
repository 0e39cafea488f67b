"""A tool result is shortened once, when it arrives, to the least of its limits, and kept whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.budget import Budget
from leanloop.budgets.limit import Limit
from leanloop.budgets.message import Changed, Message, ToolRequest
from leanloop.budgets.result_rules import ResultRules
from leanloop.budgets.tokens import counter_for
from leanloop.errors import MissingExtra, StoreError
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.result_limit import FLOOR, ResultLimit
from leanloop.plugins.results.batches import Batches
from leanloop.plugins.results.exceeds import about, exceeds
from leanloop.plugins.results.handle import handle_of, scope_of
from leanloop.plugins.results.memory import MemoryResults
from leanloop.plugins.results.stores import results_of
from leanloop.plugins.shorten.marker import handle_in
from leanloop.plugins.task import Task

LONG = "\n".join(f"{number}: the quick brown fox jumps over the lazy dog" for number in range(3000))
COUNT = counter_for("gpt-4o").text


def task_with(*, limits: tuple[Limit, ...] = (), tags: Mapping[str, str] | None = None, **rules: Any) -> Task:
    return Task(Budget(agent="a", results=ResultRules(**rules), limits=limits), tags=tags)


def asked_for(*names: str) -> tuple[Message, ...]:
    """A history that ends with a message that asks for these tools."""
    requests = tuple(ToolRequest(f"call-{number}", name, "{}") for number, name in enumerate(names))
    return Message("user", "Find the fox."), Message("assistant", "", tool_calls=requests)


def came(
    task: Task, text: str, *, name: str = "search", is_error: bool = False, raw: object = None, **call: Any
) -> ToolResult:
    """What becomes of a tool's result."""
    call.setdefault("readable", True)
    asked = ToolCall("call-0", name, "{}", **call)
    return run(ResultLimit().on_tool(asked, task), lambda _: ToolResult(text, is_error, raw=raw))


def kept_whole(task: Task, result: ToolResult) -> str | None:
    handle = handle_in(result.text)
    assert handle is not None
    kept = results_of(task).get(scope_of(task, task.budget.results or ResultRules()), handle)
    return None if kept is None else kept.text


@pytest.mark.parametrize("text", ["", "short", "x" * 500, '{"a": 1}', "a\n" * 100, "\ud800"])
def test_a_result_within_its_limit_passes_as_the_very_same_object(text: str) -> None:
    result = ToolResult(text, raw=object())
    call = ToolCall("1", "search", "{}", readable=True)
    assert run(ResultLimit().on_tool(call, task_with()), lambda _: result) is result


def test_a_long_result_is_shortened_and_kept_whole() -> None:
    task = task_with(max_tokens=1000)
    result = came(task, LONG)
    first, _, rest = result.text.partition("\n")
    assert first.startswith("[shortened: ")
    assert "read_result(" in first
    assert rest.startswith("0: the quick brown fox")
    assert COUNT(result.text) <= 1000
    assert kept_whole(task, result) == LONG


@pytest.mark.parametrize("is_error", [False, True])
def test_an_error_stays_an_error_and_what_the_tool_gave_is_kept_beside_the_text(is_error: bool) -> None:
    own = object()
    result = came(task_with(max_tokens=1000), LONG, is_error=is_error, raw=own)
    assert result.is_error is is_error
    assert isinstance(result.raw, Changed)
    assert result.raw.raw is own


def test_the_same_result_is_shortened_to_the_same_text() -> None:
    assert came(task_with(max_tokens=500), LONG).text == came(task_with(max_tokens=500), LONG).text


def test_each_tool_has_its_own_limit() -> None:
    task = task_with(max_tokens=2000, tools={"search": 500, "cat": {"max_tokens": 800, "kind": "log"}, "raw": False})
    assert COUNT(came(task, LONG, name="search").text) <= 500
    assert 500 < COUNT(came(task, LONG, name="cat").text) <= 800
    assert 800 < COUNT(came(task, LONG, name="other").text) <= 2000
    assert came(task, LONG, name="raw").text is LONG


def test_a_limit_below_the_floor_is_kept_where_the_file_says_so() -> None:
    assert COUNT(came(task_with(tools={"search": 60}), LONG).text) <= 60


def test_a_result_takes_no_more_than_its_share_of_what_the_task_has_left() -> None:
    task = task_with(limits=(Limit(per="task", tokens=4000),), share=0.25)
    assert COUNT(came(task, LONG).text) <= 1000
    nothing_left = task_with(limits=(Limit(per="task", input_tokens=10),))
    assert 0 < COUNT(came(nothing_left, LONG).text) <= FLOOR


def test_off_leaves_everything_as_it_is() -> None:
    task = Task(Budget(agent="a", results=None))
    assert ResultLimit().idle(task.budget)
    assert came(task, LONG).text is LONG


def test_a_result_that_goes_to_the_user_is_left_alone() -> None:
    assert came(task_with(max_tokens=500), LONG, direct=True).text is LONG


def test_json_on_one_line_is_written_in_fewer_tokens_however_short() -> None:
    rows = [{"name": f"item {number}", "price": number, "stock": None} for number in range(20)]
    text = json.dumps(rows)
    task = task_with()
    result = came(task, text)
    assert COUNT(result.text) < 0.8 * COUNT(text)
    assert handle_in(result.text) is None
    [saving] = task.receipt().savings
    assert saving.tokens == COUNT(text) - COUNT(result.text)
    assert saving.how == "counted, once each"
    assert came(task_with(compact=False), text).text == text


def test_json_that_is_laid_out_keeps_its_blanks_within_its_limit() -> None:
    text = json.dumps([{"name": f"item {number}", "price": number} for number in range(20)], indent=2)
    assert came(task_with(), text).text is text


def test_json_that_is_laid_out_and_over_its_limit_can_be_read_back_with_its_blanks() -> None:
    text = json.dumps([{"name": f"item {number}", "price": number} for number in range(40)], indent=2)
    task = task_with(max_tokens=COUNT(text) - 1)
    result = came(task, text)
    assert kept_whole(task, result) == text


def test_a_saving_is_on_the_receipt_once_for_each_result() -> None:
    task = task_with(max_tokens=1000)
    spared = sum(COUNT(LONG) - COUNT(came(task, LONG).text) for _ in range(2))
    [saving] = task.receipt().savings
    assert (saving.plugin, saving.calls) == ("result limit", 2)
    assert abs(saving.tokens - spared) <= 0.05 * spared


# Results of one step.


def test_results_of_one_step_share_its_tokens() -> None:
    task = task_with(max_tokens=4000, batch=4000)
    history = asked_for("search", "search", "search", "search")
    tokens = [COUNT(came(task, LONG, history=history).text) for _ in range(4)]
    assert sum(tokens) <= 4000
    assert min(tokens) > 500


def test_what_small_results_leave_goes_to_the_others() -> None:
    task = task_with(max_tokens=4000, batch=4000)
    history = asked_for("search", "search", "search")
    small = [came(task, "nothing found", history=history).text for _ in range(2)]
    assert small == ["nothing found"] * 2
    assert COUNT(came(task, LONG, history=history).text) > 3000


def test_a_tool_that_fails_leaves_its_share_to_the_others() -> None:
    task = task_with(max_tokens=4000, batch=4000)
    history = asked_for("search", "search")

    def fail(call: ToolCall) -> ToolResult:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        run(ResultLimit().on_tool(ToolCall("call-0", "search", "{}", history=history), task), fail)
    assert COUNT(came(task, LONG, history=history).text) > 3000


def test_a_tool_that_is_left_alone_takes_from_the_others() -> None:
    task = task_with(max_tokens=4000, batch=4000, tools={"raw": False})
    history = asked_for("raw", "search")
    came(task, LONG, name="raw", history=history)
    assert COUNT(came(task, LONG, history=history).text) <= FLOOR


def test_the_next_step_begins_anew() -> None:
    task = task_with(max_tokens=2000, batch=2000)
    for step in range(12):
        history = (*asked_for("search"), *(Message("user", "more"),) * step, *asked_for("search"))
        assert COUNT(came(task, LONG, history=history).text) > 1000


def test_results_share_also_where_the_history_does_not_say_how_many_come() -> None:
    task = task_with(max_tokens=2000, batch=3000)
    history = (Message("user", "Find the fox."),)
    tokens = [COUNT(came(task, LONG, history=history).text) for _ in range(3)]
    assert sum(tokens) <= 3000 + FLOOR


def test_threads_share_a_step_and_never_pass_its_limit() -> None:
    task = task_with(max_tokens=4000, batch=6000)
    history = asked_for(*["search"] * 8)
    with ThreadPoolExecutor(8) as pool:
        coming = [pool.submit(came, task, LONG, history=history) for _ in range(8)]
    assert sum(COUNT(result.result().text) for result in coming) <= 6000


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), min_size=1, max_size=8), st.integers(1, 5000))
def test_grants_of_a_step_never_add_up_to_more_than_it_has(results: list[tuple[int, int]], most: int) -> None:
    call = ToolCall("call-0", "search", "{}", history=asked_for(*["search"] * len(results)))
    batch = Batches().of(call, most)
    spent = 0
    for wish, wanted in results:
        granted = batch.grant(wish)
        assert 0 <= granted <= wish
        used = min(granted, wanted)
        batch.give_back(granted - used)
        spent += used
    assert spent <= most


# A result that cannot be kept.


class Broken(MemoryResults):
    def put(self, *args: Any, **kwargs: Any) -> None:
        raise StoreError("The disk is full.")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def store(task: Task) -> Broken:
        return Broken()

    monkeypatch.setattr("leanloop.plugins.results.keep.results_of", store)


@pytest.mark.usefixtures("broken")
def test_a_result_that_cannot_be_kept_is_passed_on_whole_and_the_receipt_says_so() -> None:
    task = task_with(max_tokens=500, hard_cap=100_000)
    assert came(task, LONG).text is LONG
    assert came(task, LONG).text is LONG
    [note] = task.receipt().notes
    assert note == "A whole tool result could not be kept for reading back. The disk is full. (2 times)"
    assert task.receipt().savings == ()


@pytest.mark.usefixtures("broken")
def test_a_result_that_cannot_be_kept_is_cut_at_the_hard_cap_and_says_so() -> None:
    task = task_with(max_tokens=500, hard_cap=5000)
    result = came(task, LONG)
    assert 2500 < COUNT(result.text) <= 5000
    assert "the rest was not kept" in result.text.partition("\n")[0]
    assert handle_in(result.text) is None
    assert (
        task.receipt().notes[1]
        == "A result of search could not be kept, and was cut to results.hard_cap, 5,000 tokens."
    )


def test_a_result_over_all_that_is_kept_is_passed_on_whole() -> None:
    task = task_with(max_tokens=500, max_bytes=1000, hard_cap=100_000)
    assert came(task, LONG).text is LONG
    assert "raise results.max_bytes" in task.receipt().notes[0]


def test_an_agent_that_cannot_read_back_is_given_the_whole_up_to_the_hard_cap() -> None:
    task = task_with(max_tokens=500, hard_cap=100_000)
    assert came(task, LONG, readable=False).text is LONG
    said = "Results of search over their limit were not shortened: the agent has no read_result."
    assert task.receipt().notes == (said,)
    cut = came(task_with(max_tokens=500, hard_cap=5000), LONG, readable=False)
    assert 2500 < COUNT(cut.text) <= 5000


async def test_a_large_result_holds_up_no_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_with(max_tokens=1000)
    beside, to_thread = list[int](), asyncio.to_thread

    async def noted(work: Any, *args: Any) -> Any:
        beside.append(1)
        return await to_thread(work, *args)

    monkeypatch.setattr(asyncio, "to_thread", noted)

    async def result_of(text: str) -> ToolResult:
        async def send(call: ToolCall) -> ToolResult:
            return ToolResult(text)

        return await arun(ResultLimit().on_tool(ToolCall("1", "search", "{}", readable=True), task), send)

    await result_of(LONG)
    assert not beside
    text = LONG * 10
    result = await result_of(text)
    assert beside
    assert kept_whole(task, result) == text


# Any text.

ANYTHING = st.one_of(
    st.text(alphabet=st.characters(codec=None), max_size=3000),
    st.lists(st.text(max_size=30), max_size=300).map("\n".join),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), st.lists, max_leaves=80).map(
        json.dumps
    ),
    st.text(alphabet='ab \n\0\ud800{}[]",:', max_size=4000),
)


@given(ANYTHING, st.integers(80, 400))
def test_whatever_the_text_it_is_within_its_limit_or_whole_and_nothing_is_lost(text: str, tokens: int) -> None:
    task = task_with(max_tokens=tokens, tools={"search": tokens})
    result = came(task, text)
    if result.text is not text:
        assert COUNT(result.text) <= max(tokens, COUNT(text) - 1)
        if handle_in(result.text) is not None:
            assert COUNT(result.text) <= tokens
            assert kept_whole(task, result) == text


@given(ANYTHING, st.integers(1, 500))
def test_a_text_exceeds_what_it_has_more_tokens_than(text: str, tokens: int) -> None:
    assert exceeds(text, tokens, COUNT) is (COUNT(text) > tokens)


def test_a_text_that_is_far_over_is_counted_in_its_beginning_only() -> None:
    counted: list[int] = []

    def count(text: str) -> int:
        counted.append(len(text))
        return COUNT(text)

    assert exceeds(LONG * 100, 1000, count)
    assert sum(counted) < 10_000
    assert not exceeds("x" * 1000, 1000, count)
    assert not exceeds("é" * 250, 1000, count)
    assert len(counted) == 1
    assert not exceeds(" " * 20_000, 1000, count)


def test_the_tokens_of_a_long_text_are_estimated_from_samples() -> None:
    text = LONG * 3
    tokens, counted = about(text, COUNT)
    assert not counted
    assert abs(tokens - COUNT(text)) < 0.05 * COUNT(text)
    assert about("a few words", COUNT) == (3, True)


# Handles.


def test_a_handle_is_the_same_for_the_same_text_in_the_same_scope_only() -> None:
    assert handle_of("a", "text") == handle_of("a", "text")
    assert len({handle_of("a", "text"), handle_of("b", "text"), handle_of("a", "text ")}) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"tenant": ""}),
        ({"tenant": "a&user=b"}, {"tenant": "a", "user": "b"}),
        ({"tenant": "a"}, {"user": "a"}),
        ({"tenant": "a%20"}, {"tenant": "a "}),
        ({"tenant": "\ud800"}, {"tenant": "?"}),
    ],
)
def test_no_tags_can_be_made_to_look_like_others(one: dict[str, str], other: dict[str, str]) -> None:
    rules = ResultRules()
    assert scope_of(task_with(tags=one), rules) != scope_of(task_with(tags=other), rules)


def test_only_the_tags_that_the_file_names_make_a_scope() -> None:
    rules = ResultRules(scope=("user", "tenant"))
    scopes: list[Callable[[], str]] = [
        lambda: scope_of(task_with(tags={"tenant": "a", "user": "u", "run": "1"}), rules),
        lambda: scope_of(task_with(tags={"user": "u", "tenant": "a", "run": "2"}), ResultRules()),
    ]
    assert len({scope() for scope in scopes}) == 1


def test_json_that_fits_without_loss_needs_no_line_above_it() -> None:
    rows = [{"name": f"item {number}", "price": number, "stock": None} for number in range(40)]
    text = json.dumps(rows)
    compacted = came(task_with(), text).text
    task = task_with(tools={"search": COUNT(compacted)})
    assert came(task, text).text == compacted
    assert handle_in(came(task_with(tools={"search": COUNT(compacted) - 1}), text).text) is not None


def test_json_that_is_over_its_limit_and_fits_when_compact_needs_no_line_above_it_either() -> None:
    text = json.dumps([{"name": f"item {number}", "price": number, "stock": None} for number in range(40)])
    task = task_with(compact=False, tools={"search": COUNT(text) - 1})
    result = came(task, text)
    assert COUNT(result.text) < COUNT(text) - 1
    assert handle_in(result.text) is None
    assert came(task_with(compact=False), text).text is text


def test_a_store_that_cannot_be_opened_is_said_before_the_tool_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(task: Task) -> None:
        raise MissingExtra("redis", "redis")

    monkeypatch.setattr("leanloop.plugins.result_limit.results_of", absent)
    ran: list[ToolCall] = []

    def send(call: ToolCall) -> ToolResult:
        ran.append(call)
        return ToolResult("")

    with pytest.raises(MissingExtra):
        run(ResultLimit().on_tool(ToolCall("1", "search", "{}", readable=True), task_with()), send)
    assert not ran
