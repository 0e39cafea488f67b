"""A tool that is to prepare an answer gives none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.scaffold.leak import without_answer

LEFT_OUT = "[a line that gave an answer was left out]"


@pytest.mark.parametrize(
    "line",
    [
        "The answer is 42.",
        "Answer: 42",
        "**Answer:** 42",
        "ANSWER: (B)",
        "answer = $3.50",
        "The final answer would be seven.",
        "The result is therefore \\boxed{12}",
        "The solution is -7",
        "So x = 5.",
        "Therefore the train needs 3 hours, which is 3.",
        "Die Antwort ist 7.",
        "La réponse est 12",
        "The correct answer is C.",
        "answer: yes",
        "The answer to this question cannot be told before the sum is known.",
    ],
)
def test_a_line_that_gives_an_answer_is_left_out(line: str) -> None:
    text, left_out = without_answer(f"Asked: a number.\n{line}\nGiven: 40 apples.")
    assert text == f"Asked: a number.\n{LEFT_OUT}\nGiven: 40 apples."
    assert left_out == 1


@pytest.mark.parametrize(
    "line",
    [
        "Asked: the answer is to be a whole number.",
        "The answer is 3 digits long.",
        "Given: there are 40 apples and 2 boxes.",
        "The answer must be in metres.",
        "Rule: the area of a circle is pi times r squared.",
        "Easily misread: 'at least 3' is not 'exactly 3'.",
        "So the unit matters.",
        "What the answer should look like: a list.",
    ],
)
def test_what_is_said_of_an_answer_stays(line: str) -> None:
    assert without_answer(line) == (line, 0)


def test_results_of_worked_examples_stay_but_not_that_of_the_question() -> None:
    text = "Rules: a sum.\nExample 1: 3 + 4.\nSo the answer is 7.\nCarried over: add both.\nThe answer is 12."
    cleaned, left_out = without_answer(text)
    assert "So the answer is 7." in cleaned
    assert "12" not in cleaned
    assert left_out == 1


def test_an_answer_among_the_examples_that_says_it_is_the_questions_is_left_out() -> None:
    text = "Examples\nThe answer to the original question is 12."
    assert without_answer(text) == (f"Examples\n{LEFT_OUT}", 1)


def test_nothing_is_left_of_an_answer_alone() -> None:
    assert without_answer("The answer is 12.\n") == ("", 1)


@given(st.text(max_size=300))
def test_what_is_left_is_the_text_line_by_line(text: str) -> None:
    cleaned, left_out = without_answer(text)
    if not left_out:
        assert cleaned is text
    elif cleaned:
        assert len(cleaned.split("\n")) == len(text.split("\n"))
        assert cleaned.split("\n").count(LEFT_OUT) >= left_out
