from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop import ToolSpec
from leanloop.plugins.difficulty.keys import chain, keys_of_step, named, own_of, place_of, tool_set

NAMES = st.text(max_size=200) | st.text(alphabet="~%7Ea&=", max_size=100)


@given(NAMES, NAMES)
def test_no_two_names_are_alike(one: str, other: str) -> None:
    assert (named(one) == named(other)) == (one == other)


@given(st.text(max_size=5_000))
def test_a_name_is_short_and_cannot_be_taken_for_more_of_a_key(name: str) -> None:
    assert len(named(name)) <= 80
    assert not set(named(name)) & set("&= ><\n")


def test_a_name_that_imitates_a_digest_is_another() -> None:
    long = "x" * 500
    assert named(named(long)) != named(long)


@given(NAMES, NAMES, NAMES, NAMES)
def test_steps_of_agents_are_kept_apart(agent: str, step: str, other: str, other_step: str) -> None:
    assert (keys_of_step(agent, step) == keys_of_step(other, other_step)) == ((agent, step) == (other, other_step))


def test_a_declared_step_is_the_most_special_kind() -> None:
    place = place_of("plan", ())
    found = chain("support", place, "short.code", own_of("extract dates", "node", ("ab", "cd")))
    assert found == (
        "agent=support",
        "agent=support&phase=plan&tools=none",
        "agent=support&like=short.code",
        "agent=support&step=extract%20dates",
    )
    assert (found[0], found[3]) == keys_of_step("support", "extract dates")


def test_without_a_step_the_families_are_the_wide_one_first_within_the_node() -> None:
    assert own_of(None, "", ("ab", "cd")) == ("family=ab", "family=cd")
    assert own_of(None, "research", ("ab",)) == ("step=research", "family=ab")
    assert own_of(None) == ()
    assert chain("support", "phase=plan&tools=none", "short")[-1] == "agent=support&like=short"


def test_tools_in_another_order_are_the_same_set() -> None:
    one, other = ToolSpec("search"), ToolSpec("read")
    assert tool_set((one, other)) == tool_set((other, one)) != tool_set((one,))
    assert tool_set((ToolSpec('a", "b'),)) != tool_set((ToolSpec("a"), ToolSpec("b")))
    assert tool_set(()) == "none"


@pytest.mark.parametrize("name", ["\ud800", "\udcff" * 100])
def test_text_that_is_no_unicode_is_a_name_too(name: str) -> None:
    assert named(name).isascii()
