"""What share of cleared results an agent reads back."""

from __future__ import annotations

import pytest

from leanloop.plugins.readbacks import Readbacks


def test_an_agent_never_seen_is_taken_to_read_back_one_in_ten() -> None:
    assert Readbacks().share("new") == pytest.approx(0.1)


def test_an_agent_that_reads_back_much_is_known_for_it_and_no_other() -> None:
    counts = Readbacks()
    counts.cleared("a", 100)
    for _ in range(50):
        counts.read("a")
    assert counts.share("a") == pytest.approx(0.37, abs=0.02)
    assert counts.share("b") == pytest.approx(0.1)


def test_more_reading_than_clearing_is_still_a_share() -> None:
    counts = Readbacks()
    for _ in range(500):
        counts.read("a")
    assert counts.share("a") == 1.0


def test_old_habits_fade() -> None:
    counts = Readbacks()
    for _ in range(500):
        counts.read("a")
    for _ in range(20):
        counts.cleared("a", 900)
    assert counts.share("a") < 0.05


def test_only_the_latest_agents_are_remembered() -> None:
    counts = Readbacks()
    counts.cleared("first", 1_000)
    for number in range(300):
        counts.read(f"agent-{number}")
    assert counts.share("first") == pytest.approx(0.1)
