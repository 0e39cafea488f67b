from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.difficulty.features import MOST_CHARS, Features, cut, features_of


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("What is the capital of France?", Features()),
        ("How many primes are below 100?", Features(numbers=1, worked_out=True)),
        ("Wie viele Tage sind es?", Features(worked_out=True)),
        ("1 2 3 4 5 6 7 8 9", Features(numbers=2)),
        ("Fix this:\n```\nx = y\n```\n", Features(code=True)),
        ("SELECT name FROM users", Features(code=True)),
        ("Choose:\n- one\n- two\n- three\n", Features(lists=True)),
        ("東京の人口は何人ですか", Features(foreign=True)),
        ("x" * 120, Features(length=1)),
        ("x" * 400, Features(length=2)),
        ("x" * 1_200, Features(length=3)),
        ("", Features()),
    ],
)
def test_what_can_be_seen_of_a_question(text: str, has: Features) -> None:
    assert features_of(text) == has


def test_what_failed_counts_to_two() -> None:
    assert [features_of("x", failed).failed for failed in (0, 1, 2, 9)] == [0, 1, 2, 2]
    assert [features_of("x", failed).bucket for failed in (0, 1, 2)] == ["short", "short.failed", "short.failed-again"]


@given(st.text(max_size=3_000), st.integers(0, 5))
def test_a_bucket_is_one_of_few_and_holds_no_text(text: str, failed: int) -> None:
    words = {"short", "medium", "long", "very-long", "numbers", "many-numbers", "code", "foreign", "failed"}
    found = features_of(text, failed)
    assert set(found.bucket.split(".")) <= words | {"failed-again"}
    assert 1 <= found.odds <= 4


def test_what_is_worked_out_or_failed_is_likelier_to_gain() -> None:
    assert features_of("What is it?").odds < features_of("How many are 3 and 4?").odds
    assert features_of("What is it?").odds < features_of("What is it?", 1).odds < features_of("What is it?", 2).odds


def test_of_a_long_text_its_beginning_and_its_end_are_looked_at() -> None:
    text = "a" * 5_000 + "z" * 5_000
    found = cut(text)
    assert len(found) == MOST_CHARS + 1
    assert (found[0], found[-1]) == ("a", "z")
    assert cut("short") == "short"


@pytest.mark.parametrize("part", ["a", "1", "- ", "\n", "def ", "how ", "`", "{\n", "1. ", " \t"])
def test_hostile_repetition_is_looked_at_in_one_pass(part: str) -> None:
    features_of(cut(part * 1_000_000))
