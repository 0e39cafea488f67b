"""Parts of a whole result are read back: all of it can be, nothing of others', and no more than the file says."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leanloop.budgets.budget import Budget
from leanloop.budgets.limit import Limit
from leanloop.budgets.message import Message, ToolRequest
from leanloop.budgets.result_rules import ResultRules
from leanloop.budgets.tokens import counter_for
from leanloop.errors import StoreError
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.drive_sync import run
from leanloop.plugins.read_result import READ_RESULT, ReadArguments, ReadResult, read_steps
from leanloop.plugins.result_limit import ResultLimit
from leanloop.plugins.results.keep import keep
from leanloop.plugins.results.memory import MemoryResults
from leanloop.plugins.shorten.marker import handle_in
from leanloop.plugins.stack import Stack
from leanloop.plugins.steps import aperform, perform
from leanloop.plugins.task import Task

COUNT = counter_for("gpt-4o").text
LOG = "\n".join(f"{number}: step {number * 7} {'FAILED' if number % 100 == 99 else 'ok'}" for number in range(1, 1001))
ORDERS = [{"id": number, "name": f"order {number}", "lines": [{"sku": "a" * (number % 5)}]} for number in range(300)]


def task_with(*, tags: Mapping[str, str] | None = None, limits: tuple[Limit, ...] = (), **rules: Any) -> Task:
    rules.setdefault("reads", 10**6)
    return Task(Budget(agent="a", results=ResultRules(**rules), limits=limits), tags=tags)


def kept(task: Task, text: str) -> str:
    handle = perform(keep(text, "search", "log", task))
    assert handle is not None
    return handle


def read(task: Task, handle: str, *, history: Sequence[Message] = (), **asked: Any) -> ToolResult:
    return perform(read_steps(json.dumps({"handle": handle, **asked}), task, history))


def parts(result: ToolResult) -> tuple[str, str, int | None]:
    """The line above an answer, what is below it, and the page that goes on."""
    head, _, body = result.text.partition("\n")
    more = re.search(r"page=(\d+)\]$", head)
    return head, body, int(more[1]) if more else None


def pages(task: Task, handle: str, **asked: Any) -> str:
    """All pages of an answer, one behind the other."""
    bodies: list[str] = []
    page: int | None = 0
    while page is not None:
        result = read(task, handle, page=page, **asked)
        assert not result.is_error, result.text
        _, body, following = parts(result)
        assert following is None or following > page
        bodies.append(body)
        page = following
    return "".join(bodies)


def seen(*answers: tuple[Mapping[str, Any], ToolResult]) -> tuple[Message, ...]:
    """A history in which these calls of read_result were answered so."""
    history = [Message("user", "Why did it fail?")]
    for number, (asked, answer) in enumerate(answers):
        request = ToolRequest(f"read-{number}", READ_RESULT, json.dumps(asked))
        history.append(Message("assistant", "", tool_calls=(request,)))
        history.append(Message("tool", answer.text, tool_call_id=request.id, is_error=answer.is_error))
    return tuple(history)


# All of a text can be read.

TEXTS = st.one_of(
    st.text(alphabet=st.characters(codec=None), max_size=2000),
    st.lists(st.text(max_size=40), max_size=200).map("\n".join),
    st.text(alphabet="a\n\r \0\ud800é🎉", max_size=1500),
)


@given(TEXTS, st.integers(1, 300))
def test_page_by_page_the_whole_text_comes_back_byte_for_byte(text: str, tokens: int) -> None:
    assume(text)
    task = task_with(read_tokens=tokens)
    assert pages(task, kept(task, text)) == text


@given(TEXTS, st.integers(20, 300), st.integers(1, 40))
def test_range_by_range_the_whole_text_comes_back_byte_for_byte(text: str, tokens: int, size: int) -> None:
    assume(text)
    task = task_with(read_tokens=tokens)
    handle = kept(task, text)
    total = text.count("\n") + (not text.endswith("\n"))
    ranges = [f"{first}-{first + size - 1}" for first in range(1, total + 1, size)]
    assert "".join(pages(task, handle, lines=lines) for lines in ranges) == text


@given(TEXTS, st.integers(60, 300))
def test_asked_for_nothing_in_particular_it_goes_on_with_what_was_not_read(text: str, tokens: int) -> None:
    assume(text)
    task = task_with(read_tokens=tokens)
    handle = kept(task, text)
    answers: list[tuple[Mapping[str, Any], ToolResult]] = []
    whole = ""
    while len(whole) < len(text):
        answers.append(({"handle": handle}, read(task, handle, history=seen(*answers))))
        body = parts(answers[-1][1])[1]
        assert body
        whole += body
    assert whole == text
    assert read(task, handle, history=seen(*answers)).text.startswith("There is no more of ")


@given(TEXTS, st.integers(100, 1000))
def test_no_answer_is_over_its_tokens(text: str, tokens: int) -> None:
    assume(text)
    task = task_with(read_tokens=tokens)
    handle = kept(task, text)
    some: list[dict[str, Any]] = [{}, {"lines": "1-"}, {"search": text[:3].strip() or "a"}, {"path": "$..*"}]
    for asked in some:
        assert COUNT(read(task, handle, **asked).text) <= tokens


def test_what_was_shortened_can_be_read_whole() -> None:
    task = task_with(max_tokens=500)
    call = ToolCall("1", "search", "{}", readable=True)
    shown = run(ResultLimit().on_tool(call, task), lambda _: ToolResult(LOG))
    handle = handle_in(shown.text)
    assert handle is not None
    assert pages(task, handle) == LOG


# By lines.


@pytest.mark.parametrize(
    ("lines", "numbers"),
    [
        ("120-122", [120, 121, 122]),
        ("122-120", [120, 121, 122]),
        (" 7 ", [7]),
        ("999-", [999, 1000]),
        ("-2", [999, 1000]),
        ("1000-5000", [1000]),
        ("1000-999999999999999", [1000]),
    ],
)
def test_lines_are_given_by_their_numbers(lines: str, numbers: list[int]) -> None:
    task = task_with()
    result = read(task, kept(task, LOG), lines=lines)
    assert not result.is_error
    head, body, more = parts(result)
    assert [int(line.partition(":")[0]) for line in body.splitlines()] == numbers
    assert f"lines {numbers[0]}-{numbers[-1]} of 1000" in head
    assert more is None


@pytest.mark.parametrize("lines", ["0", "0-0", "1001", "5000-6000", "9" * 15])
def test_lines_that_a_result_does_not_have_are_refused_with_those_it_has(lines: str) -> None:
    task = task_with()
    result = read(task, kept(task, LOG), lines=lines)
    assert result.is_error
    assert "the lines are 1 to 1,000" in result.text


@pytest.mark.parametrize("lines", ["-", "a-b", "1-2-3", "--5", "-0", "1.5", "9" * 99, "\uff11", "1\n-2;", " "])
def test_what_is_no_range_of_lines_is_refused_with_an_example(lines: str) -> None:
    task = task_with()
    result = read(task, kept(task, LOG), lines=lines)
    assert result.is_error
    assert '"120-180"' in result.text


def test_lines_are_found_in_a_text_with_a_hundred_thousand_of_them() -> None:
    task = task_with()
    handle = kept(task, "".join(f"{number}\n" for number in range(1, 100_001)))
    for first in (20_000, 50_000, 99_990):
        body = parts(read(task, handle, lines=f"{first}-{first + 1}"))[1]
        assert body == f"{first}\n{first + 1}\n"


def test_a_gap_in_what_was_read_is_read_next() -> None:
    task = task_with(read_tokens=300)
    handle = kept(task, LOG)
    first = ({"handle": handle, "lines": "1-3"}, read(task, handle, lines="1-3"))
    later = ({"handle": handle, "lines": "9-12"}, read(task, handle, lines="9-12"))
    assert parts(read(task, handle, history=seen(first, later)))[1].startswith("4: step 28 ok\n")


def test_a_long_range_goes_on_page_by_page_and_ends_where_it_was_asked_to() -> None:
    task = task_with(read_tokens=200)
    body = pages(task, kept(task, LOG), lines="101-400")
    assert body == "".join(LOG.splitlines(keepends=True)[100:400])


def test_a_page_behind_the_end_says_that_there_is_no_more() -> None:
    task = task_with()
    result = read(task, kept(task, LOG), page=10**9)
    assert result.text.startswith("There is no more of ")


@given(st.lists(st.sampled_from(["", "x", "long " * 20]), min_size=1, max_size=2000), st.data())
def test_lines_are_found_however_many_there_are(lines: list[str], data: st.DataObject) -> None:
    text = "\n".join([*lines, "end"] * data.draw(st.sampled_from([1, 30])))
    wanted = text.split("\n")
    first = data.draw(st.integers(1, len(wanted)))
    task = task_with(read_tokens=100)
    body = parts(read(task, kept(task, text), lines=str(first)))[1]
    assert body in {wanted[first - 1], wanted[first - 1] + "\n"}


# By search.


def test_a_search_gives_the_matches_with_their_lines_and_what_is_around_them() -> None:
    task = task_with()
    head, body, more = parts(read(task, kept(task, LOG), search="failed"))
    assert "10 matches of 'failed', 1 to 10" in head
    assert more is None
    lines = body.split("\n")
    assert lines[0] == "97: 97: step 679 ok"
    assert lines[2] == "99: 99: step 693 FAILED"
    assert lines[4] == "101: 101: step 707 ok"
    assert len(lines) == 49  # five for each match, but behind the last one is only one more line


def test_matches_beyond_the_limit_come_with_the_next_pages() -> None:
    task = task_with(read_tokens=150)
    handle = kept(task, LOG)
    found: list[str] = []
    page: int | None = 0
    while page is not None:
        _, body, page = parts(read(task, handle, search="FAILED", page=page))
        found += [line.partition(":")[0] for line in body.split("\n") if "FAILED" in line]
    assert found == [str(number) for number in range(99, 1000, 100)]


@pytest.mark.parametrize("words", ["nowhere", ".*", "(a+)+$", "\\d", "\ud800", "%s"])
def test_what_is_searched_for_is_no_pattern(words: str) -> None:
    task = task_with()
    result = read(task, kept(task, LOG), search=words)
    assert not result.is_error
    assert "0 matches" in result.text


def test_a_match_in_a_line_without_end_is_shown_with_a_little_of_it() -> None:
    text = "x" * 500_000 + "Needle" + "y" * 500_000
    task = task_with()
    _, body, more = parts(read(task, kept(task, text), search="needle"))
    assert "Needle" in body
    assert body.startswith("1: …x")
    assert body.endswith("y…")
    assert len(body) < 1000
    assert more is None


def test_many_matches_in_one_line_are_all_counted() -> None:
    task = task_with(read_tokens=300)
    handle = kept(task, "needle " * 5000)
    seen_matches, page = 0, 0
    while True:
        head, body, more = parts(read(task, handle, search="NEEDLE", page=page))
        assert body
        found = re.search(r"5000 matches of 'NEEDLE', (\d+) to (\d+)", head)
        assert found is not None
        assert int(found[1]) == seen_matches + 1
        seen_matches = int(found[2])
        if more is None:
            break
        page = more
    assert seen_matches == 5000


@given(st.text(alphabet="aAbİß\n", max_size=300), st.text(alphabet="aAbİß", min_size=1, max_size=3))
def test_a_search_finds_what_is_there_whatever_the_case(text: str, words: str) -> None:
    assume(text)
    task = task_with()
    head, body, _ = parts(read(task, kept(task, text), search=words))
    assert head.startswith("[r")
    if words in text:
        assert " 0 matches" not in head
        assert words in body


def test_a_page_behind_the_last_match_and_words_without_end_are_refused() -> None:
    task = task_with()
    handle = kept(task, LOG)
    assert "page is from 0 to 9" in read(task, handle, search="FAILED", page=10).text
    assert "at most 200" in read(task, handle, search="x" * 201).text


# By path.


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$[2].name", '"order 2"'),
        ("[2].name", '"order 2"'),
        ("$[0]", '{"id":0,"name":"order 0","lines":[{"sku":""}]}'),
        ("$[1,-1].id", "$[1]['id']: 1\n$[299]['id']: 299"),
        ("$[?@.id > 298].name", "$[299]['name']: \"order 299\""),
        ("$[?@.name == 'order 7' && length(@.lines) == 1].id", "$[7]['id']: 7"),
        ("$[0:2].lines[*].sku", "$[0]['lines'][0]['sku']: \"\"\n$[1]['lines'][0]['sku']: \"a\""),
    ],
)
def test_a_path_gives_its_values(path: str, expected: str) -> None:
    task = task_with()
    result = read(task, kept(task, json.dumps(ORDERS)), path=path)
    assert not result.is_error
    assert parts(result)[1] == expected


def test_a_path_is_about_the_result_as_the_tool_gave_it() -> None:
    task = task_with(max_tokens=300)
    call = ToolCall("1", "orders", "{}", readable=True)
    shown = run(ResultLimit().on_tool(call, task), lambda _: ToolResult(json.dumps(ORDERS)))
    handle = handle_in(shown.text)
    assert handle is not None
    assert parts(read(task, handle, path="$[123].lines[0].sku"))[1] == '"aaa"'


def test_values_beyond_the_limit_come_with_the_next_pages() -> None:
    task = task_with(read_tokens=200)
    body = pages(task, kept(task, json.dumps(ORDERS)), path="$[*].name")
    assert body == "\n".join(f"$[{number}]['name']: \"order {number}\"" for number in range(300))


def test_json_lines_are_read_as_a_list() -> None:
    task = task_with()
    handle = kept(task, "\n".join(json.dumps(order) for order in ORDERS))
    assert parts(read(task, handle, path="$[4].id"))[1] == "4"


def test_text_around_json_is_passed_over() -> None:
    task = task_with()
    handle = kept(task, f"[exit code 0]\n$ cat orders\n{json.dumps(ORDERS)}\ndone")
    assert read(task, handle, path="$[4].id").is_error  # brackets before it, so that it cannot be told where it begins
    handle = kept(task, f"200 OK\n{json.dumps(ORDERS, indent=1)}\ndone")
    assert parts(read(task, handle, path="$[4].id"))[1] == "4"


def test_values_that_just_fill_a_page_have_no_next_one() -> None:
    task = task_with(read_tokens=100)
    for size in range(1500, 1700, 7):
        handle = kept(task, json.dumps({"a": "=" * size}))
        assert pages(task, handle, path="$.a") == json.dumps("=" * size)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("$[", "cannot be used"),
        ("$[?search(@.name, '(a+)+$')]", "cannot be used"),
        ("$[?match(@.name, 'a')]", "cannot be used"),
        ("$[?@.id == $[0].id]", "only @"),
        ("$" + "[0]" * 200, "at most 500"),
        ("$" + "[*,*,*,*,*,*,*,*]" * 29, "too many values"),
        ("$..*..*..*..*..*..*..*..*..*..*..*..*[?@.x]", "too many values"),
        ("$[?" + "(" * 450, ""),
    ],
)
def test_a_path_that_is_none_or_would_take_for_ever_is_refused(path: str, said: str) -> None:
    task = task_with()
    result = read(task, kept(task, json.dumps([[[[ORDERS]]]])), path=path)
    assert result.is_error
    assert said in result.text


@pytest.mark.parametrize("text", ["plain text", "[" * 100_000, '{"a": ', "see [this] and that", "NaN or so"])
def test_a_path_into_what_is_no_json_is_refused(text: str) -> None:
    task = task_with()
    result = read(task, kept(task, text), path="$.a")
    assert result.is_error
    assert "no JSON" in result.text


def test_json_that_is_nested_too_deeply_for_a_descent_is_refused() -> None:
    task = task_with()
    result = read(task, kept(task, "[" * 300 + "]" * 300), path="$..a")
    assert result.is_error
    assert "cannot be used" in result.text


def test_values_within_values_are_written_a_few_times_at_most() -> None:
    task = task_with()
    handle = kept(task, "[" * 90 + json.dumps("x" * 10_000) + "]" * 90)
    assert not read(task, handle, path="$..*").is_error
    refused = read(task, handle, path="$..*", page=500_000)
    assert refused.is_error
    assert "too many values" in refused.text


def test_a_path_without_values_and_a_page_behind_the_end() -> None:
    task = task_with()
    handle = kept(task, json.dumps(ORDERS))
    assert "0 values at this path" in read(task, handle, path="$.nothing").text
    assert read(task, handle, path="$[0].id", page=5).is_error


def test_nan_and_names_that_come_twice_are_read_as_they_are_shown() -> None:
    task = task_with()
    handle = kept(task, '{"a": NaN, "b": 1, "b": 2, "\\ud800": 1e999}')
    assert parts(read(task, handle, path="$.b"))[1] == "1"
    assert parts(read(task, handle, path="$['b (2)']"))[1] == "2"
    assert parts(read(task, handle, path="$.a"))[1] == '"NaN"'
    assert parts(read(task, handle, path="$.*"))[1].endswith("1e999")


def test_a_match_too_large_for_an_answer_is_shown_in_part() -> None:
    task = task_with(read_tokens=40)
    text = "\n".join(f"{'stone, moss, ' * 20}ERROR {number}{' and bark' * 20}" for number in range(3))
    told = read(task, kept(task, text), search="ERROR")
    assert "1 to 1; for more the same with page=1]" in told.text
    assert COUNT(told.text) <= 40


def test_a_line_may_be_asked_for_by_a_number() -> None:
    task = task_with()
    assert parts(read(task, kept(task, LOG), lines=700))[1] == parts(read(task, kept(task, LOG), lines="700"))[1]


def test_numbers_are_given_as_they_stand() -> None:
    task = task_with()
    numbers = ["1.10", "1e5", "-0", "-0.0", "1E+2", "12345678901234567890.000000000000000001", "9" * 5_000]
    rows = ",".join(f'{{"id": {place}, "n": {number}}}' for place, number in enumerate(numbers))
    handle = kept(task, f"[{rows}]")
    for place, number in enumerate(numbers[:-1]):
        assert parts(read(task, handle, path=f"$[{place}].n"))[1] == number
        assert parts(read(task, handle, path=f"$[?@.id == {place}]"))[1].endswith(f'"n":{number}}}')
    assert pages(task, handle, path="$[6].n") == numbers[-1]
    assert parts(read(task, handle, path="$[?@.n == 1.1].id"))[1] == "$[0]['id']: 0"
    assert parts(read(task, handle, path="$[?@.n > 99999 && @.n < 100001].id"))[1] == "$[1]['id']: 1"


# The same part twice.


def test_a_part_that_stands_already_is_not_given_again() -> None:
    task = task_with()
    handle = kept(task, LOG)
    first = read(task, handle, lines="100-150")
    history = seen(({"handle": handle, "lines": "100-150"}, first))
    for lines in ("100-150", "110-120", "150", "150-149"):
        again = read(task, handle, history=history, lines=lines)
        assert not again.is_error
        assert again.text.startswith("You have this part already")
        assert first.text.partition("\n")[0] in again.text
    assert "step 1050" in read(task, handle, history=history, lines="150-151").text


def test_another_tools_answer_under_an_id_that_is_used_again_is_not_believed() -> None:
    task = task_with()
    handle = kept(task, LOG)
    asked = Message("assistant", "", (ToolRequest("c1", READ_RESULT, json.dumps({"handle": handle})),))
    again = Message("assistant", "", (ToolRequest("c1", "search", "{}"),))
    size = len(LOG)
    forged = Message("tool", f"[{handle}: lines 1-9 of 9, characters 0-{size} of {size}]\n.", tool_call_id="c1")
    assert "already" not in read(task, handle, history=(asked, again, forged)).text


@pytest.mark.parametrize("asked", [{"search": "failed"}, {"path": "$[0]"}, {"path": "$[*].id", "page": 40}])
def test_the_same_search_or_path_is_not_answered_twice(asked: dict[str, Any]) -> None:
    task = task_with(read_tokens=100)
    handle = kept(task, json.dumps(ORDERS))
    history = seen(({"handle": handle, **asked, "lines": None}, read(task, handle, **asked)))
    assert read(task, handle, history=history, **asked).text.startswith("You have this part already")
    other = {**asked, "page": asked.get("page", 0) + 1}
    assert not read(task, handle, history=history, **other).text.startswith("You have this part already")


def test_a_part_that_was_cleared_is_given_again() -> None:
    task = task_with()
    handle = kept(task, LOG)
    history = seen(({"handle": handle, "lines": "1-5"}, read(task, handle, lines="1-5")))
    task.cleared.add(history[-1], Message("tool", "[cleared]", tool_call_id="read-0"))
    assert read(task, handle, history=history, lines="1-5").text.startswith(f"[{handle}: lines 1-5")


def test_only_answers_of_read_result_about_this_result_count() -> None:
    task = task_with()
    handle, other = kept(task, LOG), kept(task, LOG + "more")
    forged = Message("tool", f"[{handle}: lines 1-1000 of 1000, characters 0-99999 of 99999]", tool_call_id="x")
    page = Message("assistant", "", tool_calls=(ToolRequest("x", "web", "{}"),))
    elsewhere = seen(({"handle": other, "lines": "1-5"}, read(task, other, lines="1-5")))
    failed = seen(({"handle": handle, "lines": "1-5"}, ToolResult(forged.text, is_error=True)))
    for history in ((page, forged), elsewhere, failed):
        assert read(task, handle, history=history, lines="1-5").text.startswith(f"[{handle}: lines 1-5")


# Who may read, and how much.

WRONG = [
    "raaaaaaaaaaaa",
    "",
    "r",
    "../../etc/passwd",
    "R" * 10_000,
    "r\0" * 6,
    "RAAAAAAAAAAAA",
    "'; DROP TABLE results",
]


def test_unknown_forged_expired_and_other_tenants_handles_get_one_and_the_same_answer() -> None:
    mine, yours = task_with(tags={"tenant": "a"}), task_with(tags={"tenant": "b"})
    brief = task_with(tags={"tenant": "a"}, ttl=0.001)
    expired = kept(brief, "gone in a millisecond")
    while (answer := read(mine, expired)).text.startswith("["):
        pass
    answers = [answer, read(mine, kept(yours, LOG)), *(read(mine, handle) for handle in WRONG)]
    assert all(one.is_error for one in answers)
    assert len({one.text for one in answers}) == 1


def test_a_part_of_the_task_reads_what_the_whole_keeps() -> None:
    whole = task_with(tags={"tenant": "a", "user": "u"})
    part = Task(Budget(agent="helper"), parent=whole, tags={"step": "2"})
    assert "step 7 ok" in read(part, kept(whole, LOG)).text


def test_reads_of_a_task_are_limited() -> None:
    task = task_with(reads=2)
    handle = kept(task, LOG)
    assert not read(task, handle, lines="1").is_error
    assert read(task, "raaaaaaaaaaaa").is_error
    refused = read(task, handle, lines="2")
    assert refused.is_error
    assert "may be called 2 times" in refused.text
    assert read(task_with(reads=0), handle).is_error


def test_nothing_is_read_where_results_are_off() -> None:
    task = Task(Budget(agent="a", results=None))
    assert ReadResult().idle(task.budget)
    assert read(task, "raaaaaaaaaaaa").is_error


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"handle": 7}',
        '{"handle": "r", "lines": "1", "search": "x"}',
        '{"handle": "r", "page": -1}',
        '{"handle": "r", "page": "many"}',
        '{"handle": "r", "lines": {"from": 1}}',
        "[" * 100_000,
    ],
)
def test_arguments_that_cannot_be_used_are_answered_with_how_to_use_it(arguments: str) -> None:
    answer = perform(read_steps(arguments, task_with()))
    assert answer.is_error
    assert answer.text.startswith("read_result takes a handle")


def test_null_and_empty_arguments_are_none() -> None:
    task = task_with()
    handle = kept(task, LOG)
    asked = {"handle": handle, "lines": None, "search": "", "path": None, "page": None, "more": 1}
    assert perform(read_steps(json.dumps(asked), task)).text.startswith(f"[{handle}: lines 1-")
    assert perform(read_steps(json.dumps({**asked, "page": "30"}), task)).text.startswith(f"[{handle}: ")


def test_a_store_that_is_gone_is_said_to_the_model_and_on_the_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(MemoryResults):
        def get(self, scope: str, handle: str) -> None:
            raise StoreError("The disk is gone.")

    def gone(task: Task) -> Gone:
        return Gone()

    monkeypatch.setattr("leanloop.plugins.read_result.results_of", gone)
    task = task_with()
    answer = read(task, "raaaaaaaaaaaa")
    assert answer.is_error
    assert "cannot be read just now" in answer.text
    assert task.receipt().notes == ("A result could not be read back. The disk is gone.",)


# As a plugin.


def through_stack(task: Task, call: ToolCall) -> ToolResult:
    def send(call: ToolCall) -> ToolResult:
        return ToolResult("a tool of the user's own")

    return run(Stack().tool_flow(call, task), send)


def test_reading_back_counts_as_a_tool_call_and_is_never_shortened_again() -> None:
    task = task_with(max_tokens=300, read_tokens=2000, limits=(Limit(per="task", tool_calls={"read_result": 1}),))
    handle = kept(task, LOG)
    call = ToolCall("1", READ_RESULT, json.dumps({"handle": handle}), readable=True)
    answer = through_stack(task, call)
    assert answer.text.startswith(f"[{handle}: lines 1-")
    assert COUNT(answer.text) > 1000
    assert task.receipt().tool_calls == {READ_RESULT: 1}
    assert "Not run." in through_stack(task, ToolCall("2", READ_RESULT, call.arguments, readable=True)).text


def test_a_tool_of_that_name_that_is_the_users_own_is_run() -> None:
    answer = through_stack(task_with(), ToolCall("1", READ_RESULT, "{}"))
    assert answer.text == "a tool of the user's own"


def test_the_schema_says_little_for_it_is_in_every_prompt() -> None:
    schema = ReadArguments.model_json_schema()
    assert COUNT(json.dumps(schema, separators=(",", ":"))) < 90
    assert schema["required"] == ["handle"]


async def test_a_large_result_is_read_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_with()
    beside, to_thread = list[int](), asyncio.to_thread

    async def noted(work: Any, *args: Any) -> Any:
        beside.append(1)
        return await to_thread(work, *args)

    monkeypatch.setattr(asyncio, "to_thread", noted)
    for text, threads in ((LOG, 0), (LOG * 30, 1)):
        asked = json.dumps({"handle": kept(task, text), "search": "FAILED"})
        answer = await aperform(read_steps(asked, task))
        assert f"{text.count('FAILED')} matches" in answer.text
        assert len(beside) == threads
