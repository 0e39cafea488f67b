"""How likely a result is needed again, and what of a history tells it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.message import Message, ToolRequest
from leanloop.plugins.needs import Needs, Seen, needed
from leanloop.plugins.result_uses import ResultUses
from leanloop.plugins.values import values_of


def unused(needs: Needs, agent: str, times: int, upto: int = 40) -> None:
    for _ in range(times):
        needs.note(agent, [Seen(idle, before=False, used=False) for idle in range(1, upto)])


def test_the_chance_of_a_use_falls_with_the_calls_since_the_last() -> None:
    chances, _ = Needs().chances("new")
    assert chances == sorted(chances, reverse=True)
    assert chances[0] == 0.5
    assert needed(chances, 20, 10) < needed(chances, 2, 10)


def test_what_an_agent_never_goes_back_to_is_hardly_needed() -> None:
    needs = Needs()
    unused(needs, "a", 100)
    assert needed(needs.chances("a")[0], 3, 30) < 0.1
    assert needed(needs.chances("other")[0], 3, 30) > 0.5


def test_an_agent_that_goes_back_late_is_known_by_it() -> None:
    needs = Needs()
    unused(needs, "a", 20)
    needs.note("a", [Seen(30, before=False, used=True)] * 20)
    chances, _ = needs.chances("a")
    assert chances[5] > chances[4]


def test_results_that_were_used_are_learned_of_apart() -> None:
    needs = Needs()
    needs.note("a", [Seen(2, before=True, used=True)] * 50 + [Seen(2, before=False, used=False)] * 50)
    never, used = needs.chances("a")
    assert used[1] > 0.8
    assert never[1] < 0.1


def test_old_habits_fade() -> None:
    needs = Needs()
    needs.note("a", [Seen(1, before=False, used=True)] * 20_001)
    needs.note("a", [Seen(1, before=False, used=False)] * 10_000)
    assert needs.chances("a")[0][0] == pytest.approx(0.5, abs=0.01)


def test_the_agents_that_are_remembered_are_few() -> None:
    needs = Needs()
    unused(needs, "a", 10)
    for number in range(256):
        needs.note(f"agent {number}", ())
    assert needs.chances("a") == Needs().chances("new")


@given(idle=st.integers(1, 300), first=st.floats(0, 200), more=st.floats(0, 200))
def test_a_need_is_a_chance_and_grows_with_the_calls_to_come(idle: int, first: float, more: float) -> None:
    chances, _ = Needs().chances("new")
    assert 0 <= needed(chances, idle, first) <= needed(chances, idle, first + more) + 1e-12 <= 1 + 1e-9


def test_words_that_tell_where_they_come_from_are_values() -> None:
    text = 'Then open "src/app.py" at line 120, see get_user and MyClass. {"id": "W123\\nx", "at": "a.b@c.de"} OK.'
    assert values_of(text) == {"src/app.py", "120", "get_user", "myclass", "w123", "a.b@c.de"}


def asks(text: str) -> Message:
    return Message("assistant", "", (ToolRequest("c", "look", text),))


def test_a_value_that_stands_in_one_result_only_is_a_use_of_it() -> None:
    uses = ResultUses()
    uses.add(0, Message("user", "order_1 please"))
    uses.add(1, Message("tool", "order_1 has item_2", tool_call_id="a"))
    uses.add(2, Message("tool", "other_3", tool_call_id="b"))
    assert uses.add(3, asks('{"id": "order_1"}')) == [Seen(1, False, False), Seen(1, False, False)]
    assert uses.add(4, asks('{"id": "item_2"}')) == [Seen(2, False, True), Seen(2, False, False)]
    assert (uses.used(1), uses.idle(1)) == (True, 0)
    assert (uses.used(2), uses.idle(2)) == (False, 2)
    # Now the agent itself has said it.
    assert uses.add(5, asks('{"id": "item_2"}')) == [Seen(1, True, False), Seen(3, False, False)]


def test_the_latest_result_that_has_a_value_is_the_one_used() -> None:
    uses = ResultUses()
    uses.add(0, Message("tool", "item_2", tool_call_id="a"))
    uses.add(1, Message("tool", "item_2", tool_call_id="b"))
    assert [one.used for one in uses.add(2, asks("item_2"))] == [False, True]


def test_what_is_read_back_is_used() -> None:
    uses = ResultUses()
    uses.add(0, Message("tool", "something", tool_call_id="a"))
    assert [one.used for one in uses.add(1, asks("{}"), read=[0])] == [True]


def test_results_that_are_edited_away_are_forgotten() -> None:
    uses = ResultUses()
    uses.add(0, Message("tool", "item_1", tool_call_id="a"))
    uses.add(1, Message("tool", "item_2", tool_call_id="b"))
    uses.cut(1)
    assert uses.add(1, asks("item_2")) == [Seen(1, False, False)]
