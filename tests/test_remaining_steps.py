"""How many steps a task is expected to have before it."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.remaining_steps import RemainingSteps, StepHistory


def play(steps: RemainingSteps, length: int, agent: str = "a", *, ends: bool = True) -> list[float]:
    expected = [steps.step(agent, step).calls for step in range(1, length + 1)]
    if ends:
        steps.end(agent, length)
    return expected


@pytest.mark.parametrize("step", [1, 7, 50, 511, 512, 513, 100_000])
def test_an_agent_never_seen_is_expected_to_last_as_long_again(step: int) -> None:
    assert RemainingSteps().step("new", step).calls == pytest.approx(step)


def test_an_agent_whose_tasks_are_all_alike_is_known_after_a_few() -> None:
    steps = RemainingSteps()
    for _ in range(50):
        play(steps, 10)
    assert play(steps, 10)[4] == pytest.approx(5, abs=1)
    assert steps.step("a", 10).calls < 1


def test_a_task_that_outlasts_all_others_is_expected_to_go_on() -> None:
    steps = RemainingSteps()
    for _ in range(50):
        play(steps, 10)
    assert play(steps, 40)[39] > 10


def test_long_tasks_that_are_still_running_count_for_the_steps_they_made() -> None:
    steps = RemainingSteps()
    for _ in range(20):
        play(steps, 5)
        for _ in range(4):
            play(steps, 100, ends=False)
    assert steps.step("a", 5).calls > 30


def test_agents_do_not_learn_from_each_other() -> None:
    steps = RemainingSteps()
    for _ in range(30):
        play(steps, 3, "short")
    assert steps.step("other", 3).calls == pytest.approx(3)


def test_a_task_that_goes_on_after_its_end_did_not_end_there() -> None:
    ended, reopened = StepHistory(), StepHistory()
    for history in (ended, reopened):
        for _ in range(10):
            history.reach(1)
            history.end(1)
    for _ in range(10):
        reopened.reopen(1)
    for history in (ended, reopened):
        history.reach(2)
        history.end(2)
    assert ended.expected(1) < reopened.expected(1)


def test_an_agent_that_changes_its_habits_is_learned_anew() -> None:
    steps = RemainingSteps()
    for _ in range(600):
        play(steps, 3)
    short = play(steps, 3)[2]
    for _ in range(1_200):
        play(steps, 30)
    assert short < 1
    assert play(steps, 30)[2] > 15


def test_only_the_latest_agents_are_remembered() -> None:
    steps = RemainingSteps()
    for _ in range(10):
        play(steps, 3, "first")
    for number in range(300):
        steps.step(f"agent-{number}", 1)
    assert steps.step("first", 3).calls == pytest.approx(3)


def test_threads_lose_no_step() -> None:
    steps = RemainingSteps()
    threads = [threading.Thread(target=lambda: [play(steps, 4) for _ in range(30)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one = RemainingSteps()
    for _ in range(120):
        play(one, 4)
    assert steps.step("a", 2).calls == pytest.approx(one.step("a", 2).calls, rel=0.05)


@given(lengths=st.lists(st.integers(1, 700), max_size=12), step=st.integers(1, 700))
def test_what_is_expected_is_never_negative_and_never_endless(lengths: list[int], step: int) -> None:
    history = StepHistory()
    for length in lengths:
        for made in range(1, length + 1):
            history.reach(made)
        history.end(length)
    assert 0 <= history.expected(step) <= 1_024


def test_the_more_tasks_were_seen_the_less_is_guessed() -> None:
    steps = RemainingSteps()
    first = steps.step("a", 5).doubt
    assert first > 0.5
    for _ in range(20):
        play(steps, 10)
    assert steps.step("a", 5).doubt < first / 4
    assert steps.step("a", 10_000).doubt == 1
