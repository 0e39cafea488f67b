"""The rows of a history put together: who spent what, and which valuable work got cheap inference."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.adapters.cli.budget_groups import Group, groups
from leanloop.budgets.history import Entry, Kind
from leanloop.budgets.money import NANO

PRICED = "genai-prices 1"


def booked(
    task: str = "t1", *, at: float = 1.0, agent: str = "support", user: str = "u1", model: str = "m", usd: int = 1,
    tokens: int = 10, value: int | None = None, price: str = PRICED, kind: Kind = "call",
) -> Entry:  # fmt: skip
    amounts = {"usd": usd, "tokens": tokens}
    return Entry(kind, at, task, agent, {"user": user}, model, price, amounts, value)


def names(found: Sequence[Group]) -> list[str]:
    return [one.name for one in found]


def test_rows_are_put_together_and_the_dearest_comes_first() -> None:
    rows = [booked(user="u1", usd=3, at=5), booked(user="u2", usd=9), booked(user="u1", usd=4, at=7, kind="unknown")]
    first, second = groups(rows, "user")
    assert (first.name, first.calls, first.usd, first.tokens) == ("u2", 1, 9, 10)
    assert (second.name, second.calls, second.usd, second.tokens, second.last) == ("u1", 2, 7, 20, 7)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("agent", ["support"]),
        ("model", ["m"]),
        ("task", ["t1"]),
        ("user", ["u1"]),
        ("team", [""]),
        ("value", ["$0.50"]),
    ],
)
def test_a_name_that_is_no_field_is_a_tag(by: str, expected: list[str]) -> None:
    assert names(groups([booked(value=NANO // 2)], by)) == expected


def test_what_people_changed_by_hand_is_no_spending() -> None:
    assert groups([booked(kind="raised"), booked(kind="reset")], "agent") == []


def test_a_call_nobody_knew_the_price_of_is_counted_as_such() -> None:
    unknown = [booked(price="no price", usd=0), Entry("expired", amounts={"tokens": 5})]
    free = Entry(price="unknown model: free", amounts={"tokens": 5})
    (one,) = groups([*unknown, free, booked(), Entry(amounts={"tool_calls": 1})], "team")
    assert (one.calls, one.unpriced) == (5, 2)


def test_an_ended_lease_that_was_settled_after_all_counts_as_one_call() -> None:
    spent = {"tokens": 90, "usd": 9}
    ended = Entry("expired", 1, "t1", amounts=spent)
    taken_back = Entry("expired", 2, "t1", amounts={name: -amount for name, amount in spent.items()})
    (one,) = groups([booked(), taken_back, ended], "task")
    assert (one.calls, one.tokens, one.usd, one.unpriced) == (1, 10, 1, 0)


def test_each_window_has_its_own_groups_and_the_latest_comes_first() -> None:
    rows = [booked(at=5, usd=9), booked(at=15, usd=1), booked(at=16, usd=2, user="u2")]
    found = groups(rows, "user", lambda at: str(int(at // 10)))
    assert [(one.window, one.name, one.usd) for one in found] == [("1", "u2", 2), ("1", "u1", 1), ("0", "u1", 9)]


def test_a_tasks_value_counts_once_however_many_calls_it_makes() -> None:
    rows = [booked("t1", usd=NANO, value=10 * NANO), booked("t1", usd=NANO, value=10 * NANO)]
    rows += [booked("t2", usd=NANO, value=20 * NANO), booked("t3", usd=NANO)]
    (one,) = groups(rows, "agent")
    assert one.value == 15 * NANO
    assert one.share_of_value == pytest.approx(3 / 30)
    assert one.price == 3 * NANO * 1_000_000 // 30


def test_without_a_value_there_is_none_to_compare_with() -> None:
    (one,) = groups([booked(), booked(value=0, tokens=0, usd=0)], "agent")
    assert (one.value, one.share_of_value, one.price) == (0, None, None)
    (one,) = groups([booked()], "agent")
    assert (one.value, one.share_of_value, one.price, one.underserved) == (None, None, None, False)


def test_the_most_valuable_work_with_the_cheapest_inference_is_marked_and_comes_first() -> None:
    rows = [
        booked("small", usd=500, value=1 * NANO, model="frontier"),
        booked("middle", usd=500, value=2 * NANO, model="frontier"),
        booked("large", usd=500, value=90 * NANO, model="frontier"),
        booked("largest", usd=1, value=95 * NANO, model="mini"),
        booked("free", usd=900),
    ]
    found = groups(rows, "value")
    assert [(one.name, one.underserved) for one in found][:2] == [("$95.00", True), ("$90.00", False)]
    assert names([one for one in groups(rows, "task") if one.underserved]) == ["largest"]


def test_where_all_cost_or_are_worth_the_same_nothing_is_marked() -> None:
    same_price = [booked("t1", value=1), booked("t2", value=9)]
    same_value = [booked("t1", usd=1, value=9), booked("t2", usd=5, value=9)]
    assert not any(one.underserved for rows in (same_price, same_value) for one in groups(rows, "task"))


@given(
    st.lists(
        st.builds(
            booked,
            st.sampled_from("abcdef"),
            usd=st.integers(0, 10**12),
            tokens=st.integers(0, 10**6),
            value=st.none() | st.integers(0, 10**12),
        )
    ),
    st.sampled_from(["task", "value", "user"]),
)
def test_nothing_is_lost_in_grouping(rows: list[Entry], by: str) -> None:
    found = groups(rows, by)
    assert sum(one.usd for one in found) == sum(row.amounts["usd"] for row in rows)
    assert sum(one.tokens for one in found) == sum(row.amounts["tokens"] for row in rows)
    assert sum(one.calls for one in found) == len(rows)
    marked = [one for one in found if one.underserved]
    for one in marked:
        assert one.value is not None
        assert sum(1 for other in found if other.value is not None and other.value > one.value) <= len(found) // 4


def test_work_of_sub_agents_is_work_for_the_task_whose_value_they_have() -> None:
    def row(task: str, agent: str, valued: str = "") -> Entry:
        return Entry(task=task, agent=agent, amounts={"usd": NANO, "tokens": 10}, value=4 * NANO, valued=valued)

    rows = [row("t1", "support"), row("t2", "helper", "t1"), row("t3", "helper", "t1")]
    (by_value,) = groups(rows, "value")
    assert (by_value.name, by_value.worth, by_value.share_of_value) == ("$4.00", {"t1": 4 * NANO}, 0.75)
