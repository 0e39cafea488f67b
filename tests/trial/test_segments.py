from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop import parse_budget
from leanloop.budgets.budget import Budget
from leanloop.budgets.message import Message
from leanloop.plugins.call import ModelCall
from leanloop.plugins.task import Task
from leanloop.plugins.trial.segments import segments_of

BUDGET = Budget(agent="a", timezone="Asia/Kathmandu")


def segments(text: str, **tags: str) -> dict[str, str]:
    messages = (Message("user", "an earlier question"), Message("assistant", "yes"), Message("user", text))
    call = ModelCall("m", (*messages, Message("assistant", "über"), Message("tool", "das ist nicht")))
    return dict(segments_of(call, Task(BUDGET, tags=tags)))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is the weather like in the city?", "en"),
        ("Wie ist das Wetter in der Stadt?", "de"),
        ("Quel est le temps dans la ville?", "fr"),
        ("¿Qué tiempo hace en la ciudad?", "es"),
        ("Какая погода в городе?", "cyrillic"),
        ("今天天气怎么样", "chinese"),
        ("今日の天気はどうですか", "japanese"),
        ("오늘 날씨 어때", "korean"),
        ("ما هو الطقس", "arabic"),
        ("Xyzzy plugh", "other latin"),
        ("1 + 2 = 3", "none"),
        ("", "none"),
    ],
)
def test_the_language_is_that_of_the_latest_question(text: str, language: str) -> None:
    assert segments(text)["language"] == language


@pytest.mark.parametrize(
    ("characters", "length"),
    [
        (0, "up to 200"),
        (200, "up to 200"),
        (201, "up to 1,000"),
        (5_000, "up to 5,000"),
        (20_000, "up to 20,000"),
        (20_001, "over 20,000"),
    ],
)
def test_the_length_is_in_steps(characters: int, length: str) -> None:
    assert segments("x" * characters)["length"] == length


def test_the_hour_of_the_week_is_in_the_zone_of_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_763_337_600.0)  # Monday 2025-11-17, 00:00 UTC; 05:45 in Kathmandu
    assert segments("x")["hour"] == "Mon 05h"


def test_tags_that_the_budget_names_are_segments() -> None:
    named = parse_budget(
        "agent: a\nlimits: [{per: day, scope: user, usd: 1}]\ndifficulty: {segments: [plan]}\n"
        "thinking: {}\nexperiment: {of: thinking, by: cohort}\n",
        environ={},
    )
    tags = {"user": "u1", "plan": "p" * 100, "cohort": "b", "tenant": "acme", "email": "someone@example.com"}
    found = segments_of(ModelCall("m", ()), Task(named, tags=tags))
    kept = {name: value for name, value in found.items() if name.startswith("tag:")}
    assert kept == {"tag:user": "u1", "tag:plan": "p" * 64, "tag:cohort": "b", "tag:tenant": "acme"}


def test_tags_that_nobody_names_are_not_kept_since_they_may_be_personal() -> None:
    assert not any(name.startswith("tag:") for name in segments("x", email="someone@example.com", patient="1234"))


def test_a_tag_never_hides_what_is_found_out() -> None:
    assert segments("What is the weather?", language="klingon")["language"] == "en"


def test_a_call_without_a_question_has_segments() -> None:
    found = segments_of(ModelCall("m", ()), Task(BUDGET))
    assert (found["language"], found["length"]) == ("none", "up to 200")


@given(st.text(max_size=2_000))
def test_any_text_has_a_language_and_a_length(text: str) -> None:
    assert all(segments(text).values())
