from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.errors import UsageError
from leanloop.plugins.trial.checks import CHECKS, compared


@pytest.mark.parametrize(
    ("check", "answer", "expected", "score"),
    [
        ("exact", "Paris", "paris", 1),
        ("exact", " Paris. ", "Paris", 1),
        ("exact", "I think so.\nAnswer: Paris", "Paris", 1),
        ("exact", "Paris or London", "Paris", 0),
        ("exact", "7", 7, 1),
        ("exact", "true", True, 1),
        ("number", "It is 1,234.50 in all.", 1234.5, 1),
        ("number", "3 + 4 = 7", "7", 1),
        ("number", "Answer: 7\nI used 2 steps.", 7, 1),
        ("number", "-3", -3, 1),
        ("number", "3e2", 300, 1),
        ("number", "none at all", 0, 0),
        ("number", "7.01", 7, 0),
        ("choice", "B", "B", 1),
        ("choice", "(b)", "B", 1),
        ("choice", "The answer is: C) because of A", "C", 1),
        ("choice", "Answer: D", "d", 1),
        ("choice", "A", "B", 0),
        ("choice", "", "B", 0),
        ("contains", "It was in  PARIS,\nFrance", "paris, france", 1),
        ("contains", "It was in Rome", "paris", 0),
        ("regex", "id: AB-12", r"[A-Z]{2}-\d+", 1),
        ("regex", "id: 12", r"[A-Z]{2}-\d+", 0),
        ("json", '```json\n{"b": 1.0, "a": [true]}\n```', {"a": [True], "b": 1}, 1),
        ("json", '{"a": 1}', {"a": True}, 0),
        ("json", "not json", {"a": 1}, 0),
        ("json", "[" * 100_000, [], 0),
    ],
)
def test_answers_are_compared(check: str, answer: str, expected: object, score: int) -> None:
    assert compared(CHECKS[check], answer, expected) == score


@pytest.mark.parametrize(
    ("check", "expected", "why"),
    [
        ("number", "many", "needs a number to compare with, not 'many'"),
        ("contains", " ", "needs a text to look for"),
        ("regex", "(", "could not tell: a regular expression cannot be read"),
        ("regex", "(a|a)*$", "could not tell: a regular expression took longer than"),
    ],
)
def test_a_check_that_cannot_say_is_an_error_and_no_wrong_answer(check: str, expected: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        compared(CHECKS[check], "a" * 60 + "b", expected)


def test_a_check_of_ones_own_may_fail_or_give_nonsense() -> None:
    def fails(answer: str, expected: object) -> float:
        raise ZeroDivisionError(answer)

    with pytest.raises(UsageError, match="The check raised ZeroDivisionError: 7"):
        compared(fails, "7", None)
    scores = iter((1.5, -1.0, float("nan"), 0.25))
    for _ in range(3):
        with pytest.raises(UsageError, match="True, False or a score from 0 to 1"):
            compared(lambda answer, expected: next(scores), "7", None)
    assert compared(lambda answer, expected: next(scores), "7", None) == 0.25


@given(st.text(max_size=300), st.sampled_from(sorted(CHECKS)))
def test_any_answer_is_scored(answer: str, check: str) -> None:
    assert compared(CHECKS[check], answer, "7") in {0.0, 1.0}


@given(st.integers(-(10**12), 10**12))
def test_a_number_is_found_however_it_is_written(number: int) -> None:
    for written in (str(number), f"{number:,}", f"about\n**{number}**", f"Answer: {number}."):
        assert compared(CHECKS["number"], written, number) == 1
