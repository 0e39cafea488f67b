"""What two answers come to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop import Message, ToolRequest
from leanloop.plugins.cascade.final_answer import final_answer, same_final_answer


def says(text: str, *asked: tuple[str, str]) -> Message:
    return Message("assistant", text, tuple(ToolRequest(str(n), *one) for n, one in enumerate(asked)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("42", "The answer is 42."),
        ("so x = 6 * 7\nANSWER: 42", "**Answer:** 42.0"),
        ("Answer: 1,234.50", "Final answer: 1234.5"),
        (r"thus \boxed{\frac{1}{2}}", r"\boxed{\frac{1}{2}} it is"),
        ("<answer>blue</answer>", "I think: <answer> Blue </answer>"),
        ("(B)", "Answer: B"),
        ("B) Paris", "B"),
        ('{"a": 1, "b": [2]}', '```json\n{"b": [2.0], "a": 1}\n```'),
        ("Antwort: ja", "Antwort: Ja."),
        ("答案：42", "Answer: 42"),  # noqa: RUF001
        ("3 + 4 = 7\nTotal: 7", "4 + 3 = 7\nso 7"),
        ("The capital of France is Paris.", "The capital of France is Paris"),
        ("Answer: x = 5", "Answer: 5"),
    ],
)
def test_answers_in_other_words_come_to_the_same(one: str, other: str) -> None:
    assert same_final_answer(says(one), says(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Answer: 42", "Answer: 43"),
        ("Answer: 10 dollars", "Answer: 10 euros"),
        ("Answer: 50%", "Answer: 50"),
        ("Answer: -3", "Answer: 3"),
        ("A", "B"),
        ("A. Smith wrote it", "A. Jones wrote it"),
        ("The capital of France is Paris.", "The capital of France is Lyon."),
        ('{"a": 1}', '{"a": true}'),
        ("42", "It may be 42, but who knows what others would say of it."),
        ("Answer: yes", "Answer: no"),
        ("{not json", "[other json]"),
        (r"\boxed{1", r"\boxed{2"),
    ],
)
def test_answers_that_differ_are_told_apart(one: str, other: str) -> None:
    assert not same_final_answer(says(one), says(other))


def test_tool_calls_agree_by_what_they_ask_for_in_any_order() -> None:
    one = says("let me look", ("a", '{"x": 1, "y": 2}'), ("b", ""))
    assert same_final_answer(one, says("", ("b", "{}"), ("a", '{"y": 2, "x": 1.0}')))
    assert not same_final_answer(one, says("", ("a", '{"x": 1, "y": 2}')))
    assert not same_final_answer(one, says("let me look"))
    assert not same_final_answer(says("", ("a", "{")), says("", ("a", "[")))


@given(st.text(max_size=300))
def test_an_answer_agrees_with_itself(text: str) -> None:
    assert same_final_answer(says(text), says(text))


@pytest.mark.parametrize(
    "part", ["answer is ", "\\boxed{", "<answer>", "1,", "{", "Answer: ", "*", "1", "= 1.1.", "```\n", "é"]
)
def test_a_hundred_thousand_characters_are_no_trouble(part: str) -> None:
    text = part * (100_000 // len(part))
    assert final_answer(text) == final_answer(text)
    assert same_final_answer(says(text), says(text))


@given(st.integers(-(10**9), 10**9), st.integers(0, 3))
def test_a_number_is_its_value(number: int, zeros: int) -> None:
    plain, dotted = f"Answer: {number}", f"Answer: {number:,}.{'0' * (zeros + 1)}"
    assert final_answer(plain) == final_answer(dotted) == str(number)
