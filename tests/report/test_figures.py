"""Each table against a small set that was reckoned by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from event_rows import MONDAY, Row, event, settled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_figures import Figures, some

Tables = Callable[..., Figures]


def test_spending_by_agent_model_phase_and_tag_is_the_same_amount(tables: Tables) -> None:
    found = tables([
        settled(100, agent="a", model="m1", phase="plan", tags={"user": "u1", "team": "x"}, cached_input=4),
        settled(20, agent="b", model="m1", phase="retry", tags={"user": "u2"}, error="Timeout"),
        settled(3, agent="b", model="m2", phase="plan", tags={"user": "u1"}, task="t2"),
        settled(None, agent="b", model="m2", phase="plan"),
    ])  # fmt: skip

    assert some(found["spend"][0], "calls", "usd", "unpriced_calls", "failed_calls", "tasks") == (4, 123, 1, 1, 2)
    assert some(found["spend"][0], "input_tokens", "cached_input_tokens", "output_tokens") == (40, 4, 20)
    assert [some(row, "agent", "calls", "usd") for row in found["spend_by_agent"]] == [("a", 1, 100), ("b", 3, 23)]
    assert [some(row, "model", "calls", "usd") for row in found["spend_by_model"]] == [("m1", 2, 120), ("m2", 2, 3)]
    assert [some(row, "phase", "usd") for row in found["spend_by_phase"]] == [("plan", 103), ("retry", 20)]
    assert [some(row, "tag", "value", "usd") for row in found["spend_by_tag"]] == [
        ("team", "x", 100),
        ("user", "u1", 103),
        ("user", "u2", 20),
    ]


def test_a_tag_may_have_any_name(tables: Tables) -> None:
    names = ["a/b", "~0", "$.x", "", "'; DROP TABLE events", "a.b[0]", '"', "#-1"]

    found = tables([settled(7, tags={name: "v"}) for name in names])

    assert {row["tag"] for row in found["spend_by_tag"]} == set(names)
    assert all(row["usd"] == 7 for row in found["spend_by_tag"])


def test_many_agents_are_the_dearest_and_the_others_together(tables: Tables) -> None:
    found = tables(settled(cost, agent=f"a{cost}") for cost in range(1, 61))["spend_by_agent"]

    assert len(found) == 51
    assert some(found[0], "agent", "usd") == ("a60", 60)
    assert some(found[-1], "agent", "calls", "usd") == ("others", 10, 55)


def test_spending_over_time_is_in_the_zone_that_was_asked_for(tables: Tables) -> None:
    rows = [settled(1, at=MONDAY - 60), settled(2, at=MONDAY + 60), settled(4, at=MONDAY + 80 * 86_400)]

    utc, berlin = (tables(rows, zone=zone)["spend_over_time_by_agent"] for zone in ("UTC", "Europe/Berlin"))

    assert [some(row, "period", "usd") for row in utc] == [
        ("2026-11-22 23:00", 1), ("2026-11-23 00:00", 2), ("2027-02-11 00:00", 4)
    ]  # fmt: skip
    assert [row["period"] for row in berlin] == ["2026-11-23 00:00", "2026-11-23 01:00", "2027-02-11 01:00"]


def test_a_long_time_is_shown_in_longer_periods(tables: Tables) -> None:
    days = tables(settled(at=MONDAY + hour * 3_600) for hour in range(100))["spend_over_time_by_model"]
    years = tables([settled(at=day * 40 * 86_400) for day in range(500)])["spend_over_time_by_model"]

    assert days[0]["period"] == "2026-11-23"
    assert years[0]["period"] == "1970"


def test_a_clock_that_is_centuries_ahead_breaks_nothing(tables: Tables) -> None:
    found = tables([settled(1, at=252_999_999_999.0), settled(2, at=0), settled(3)])

    assert found["spend"][0]["usd"] == 6
    assert len(found["hours_of_week"]) >= 2


def test_savings_and_losses_stand_beside_how_they_were_estimated(tables: Tables) -> None:
    found = tables([
        event("saved", plugin="results", what="shortened", how="counted", calls=1, tokens=50, cost=500),
        event("saved", plugin="results", what="shortened", how="counted", calls=2, tokens=5, cost=-100, at=MONDAY + 1),
        event("saved", plugin="routes", what="escalated", how="by prices", tokens=-7, cost=-900),
        event("shortened", tool="read", tokens=100, shown=25),
    ])  # fmt: skip

    assert [some(row, "plugin", "estimated_by", "events", "calls", "tokens", "usd") for row in found["savings"]] == [
        ("results", "counted", 2, 3, 55, 400),
        ("routes", "by prices", 1, 0, -7, -900),
    ]
    assert some(found["shortened"][0], "tool", "tokens", "shown_tokens", "shown_share") == ("read", 100, 25, 0.25)


def test_a_limit_is_shown_as_last_heard_with_what_its_window_comes_to(tables: Tables) -> None:
    found = tables([
        settled(at=MONDAY + 6 * 3_600, limits={"agent=a per day: usd": [2_000_000_000, 4_000_000_000]}),
        settled(at=MONDAY + 3 * 3_600, limits={"agent=a per day: usd": [1_000_000_000, 4_000_000_000]}),
        settled(at=MONDAY, limits={"user=x: y per day: tool_calls:a: b per rolling hour: tokens": [5, 10]}),
        settled(at=MONDAY, limits={"global per rolling hour: tokens": [0, 0], "odd": [1, 2], "bad": 5, "worse": ["x"]}),
    ])["limits"]  # fmt: skip

    by_scope = {row["limit"]: row for row in found}
    day = by_scope["agent=a per day"]
    assert some(day, "resource", "spent", "of", "share") == ("usd", "$2.00", "$4.00", 0.5)
    assert some(day, "window_ends", "forecast", "forecast_share") == (MONDAY + 86_400, "$8.00", 2.0)
    rolling = by_scope["global per rolling hour"]
    assert some(rolling, "share", "window_ends", "forecast") == (1.0, None, None)
    assert by_scope["user=x: y per day"]["resource"] == "tool_calls:a: b per rolling hour: tokens"
    assert some(by_scope[""], "resource", "forecast") == ("odd", None)
    assert len(found) == 4


def test_a_window_that_has_just_begun_has_no_forecast(tables: Tables) -> None:
    [row] = tables([settled(limits={"agent=a per month: usd": [1, 0]}, at=1_793_491_200.0)])["limits"]  # the 1st, 0:00

    assert some(row, "forecast", "forecast_share", "share") == (None, None, 1.0)


def test_limits_per_task_are_put_together_over_tasks(tables: Tables) -> None:
    found = tables([
        settled(task="t1", limits={"this task: usd": [10, 100]}),
        settled(task="t1", limits={"this task: usd": [40, 100]}, at=MONDAY + 1),
        settled(task="t2", limits={"this task: usd": [95, 100]}),
        settled(task="t3", limits={"this task: usd": [0, 0]}),
    ])["task_limits"]  # fmt: skip

    assert [tuple(row.values()) for row in found] == [("usd", 3, 0.95, 1.0, 2)]


def test_cache_hits_stand_beside_the_false_ones_among_those_checked(tables: Tables) -> None:
    checked = [event("hit", tier="checked", at=MONDAY + number, wrong=number == 0) for number in range(100)]
    found = tables([
        event("hit", tier="exact"),
        *(event("hit", tier="miss", at=MONDAY + number) for number in range(3)),
        *checked,
    ])  # fmt: skip

    assert [tuple(row.values()) for row in found["cache_tiers"]] == [("miss", 3, 0.75), ("exact", 1, 0.25)]
    [row] = found["cache_checked"]
    assert some(row, "checked", "false_hits", "false_share") == (100, 1, 0.01)
    assert row["at_most"] == pytest.approx(0.04656, abs=1e-5)  # 1 of 100: 1 - betaincinv(99, 2, 0.05)


def test_repeated_calls_nudges_landings_and_ends(tables: Tables) -> None:
    found = tables([
        *(event("tool", tool="search", arguments="h", seconds=0.5, at=MONDAY + number) for number in range(3)),
        event("tool", tool="search", arguments="other"),
        event("tool", tool="search", arguments="h", task="t2", is_error=True),
        event("nudged", by="loop", what="search"),
        event("landed", reason="out of usd", by_model=True),
        event("landed", reason="out of usd", task="t2"),
        event("task_ended", stopped="usd", seconds=5.0, cycles=3),
        event("task_ended", seconds=9.0, cycles=4, at=MONDAY + 9),
        event("task_ended", task="t2", stopped="loop", cycles=2),
    ])  # fmt: skip

    assert [tuple(row.values()) for row in found["repeated_calls"]] == [("a", "search", "h", "t", 3, 0, 1.5)]
    assert [tuple(row.values()) for row in found["nudges"]] == [("loop", "search", 1, 1)]
    assert [tuple(row.values()) for row in found["landings"]] == [("out of usd", 2, 1)]
    assert [some(row, "stopped_by", "tasks", "longest") for row in found["ends"]] == [
        ("by itself", 1, 9.0),
        ("loop", 1, None),
    ]
    assert [some(row, "what", "name", "times") for row in found["errors"]] == [("tool", "search", 1)]


def test_refusals_by_resource(tables: Tables) -> None:
    found = tables([
        event("refused", resource="usd", scope="this task", limit=5, spent=5, needed=1),
        event("refused", resource="usd", scope="this task", task="t2", at=MONDAY + 5),
        event("refused", resource="tokens", scope="global per day"),
    ])["refusals"]  # fmt: skip

    assert [some(row, "resource", "refusals", "tasks", "last") for row in found] == [
        ("usd", 2, 2, MONDAY + 5),
        ("tokens", 1, 1, MONDAY),
    ]


def test_decisions_with_what_they_saved_net(tables: Tables) -> None:
    [row] = tables([
        event("gated", by="routes", setting="cheap", cost=10, other_cost=50),
        event("gated", by="routes", setting="cheap", cost=70, other_cost=50, escalated=True),
        event("gated", by="routes", setting="cheap", cost=5, unsure=True),
    ])["decisions"]  # fmt: skip

    assert some(row, "decisions", "unsure", "escalated", "usd") == (3, 1, 1, 85)
    assert some(row, "other_usd", "net_saved_usd", "compared") == (100, 20, 2)


def test_what_decided_calls_cost_is_not_known_where_no_price_is(tables: Tables) -> None:
    [row] = tables([event("gated", by="routes", setting="cheap", other_cost=50)])["decisions"]

    assert some(row, "decisions", "usd", "net_saved_usd", "compared") == (1, None, None, 0)


def test_hours_of_the_week_are_in_the_zone(tables: Tables) -> None:
    rows = [
        *(settled(at=MONDAY + number, seconds=float(number)) for number in range(1, 5)),
        settled(at=MONDAY + 3_600, phase="retry"),
        event("hit", tier="alike"),
        event("hit", tier="miss"),
        event("hit"),
        event("hit", tier="checked"),
    ]

    utc, kathmandu = (tables(rows, zone=zone)["hours_of_week"] for zone in ("UTC", "Asia/Kathmandu"))

    assert some(utc[0], "day", "hour", "calls", "p50_seconds", "lookups", "hit_rate", "retries") == (
        "Mon", 0, 4, 2.5, 3, 1 / 3, 0
    )  # fmt: skip
    assert utc[0]["p95_seconds"] == pytest.approx(3.85)
    assert some(utc[1], "hour", "retries", "hit_rate") == (1, 1, None)
    assert [row["hour"] for row in kathmandu] == [5, 6]


def test_the_dearest_tasks_hold_their_children_and_lie_on_a_time_axis(tables: Tables) -> None:
    found = tables([
        settled(1, task="cheap"),
        settled(50, task="root", at=MONDAY + 10, seconds=4.0, agent="chief"),
        event("tool", task="child", within=["root"], tool="search", at=MONDAY + 13, seconds=1.0, is_error=True),
        settled(30, task="child", within=["middle", "root"], at=MONDAY + 12, seconds=2.0, error="Timeout"),
    ])  # fmt: skip

    assert [some(row, "task", "agent", "calls", "usd", "began") for row in found["dearest_tasks"]] == [
        ("root", "chief", 2, 80, MONDAY + 6),
        ("cheap", "a", 1, 1, MONDAY - 1),
    ]
    assert [some(row, "begins", "seconds", "what", "name", "usd", "error") for row in found["task_1"]] == [
        (0.0, 4.0, "call", "m", 50, None),
        (4.0, 2.0, "call", "m", 30, "Timeout"),
        (6.0, 1.0, "tool", "search", None, "failed"),
    ]


def test_only_the_first_calls_of_a_very_long_task_are_drawn(tables: Tables) -> None:
    found = tables(settled(1, at=MONDAY + number) for number in range(250))

    assert len(found["task_1"]) == 200


def test_only_errors(tables: Tables) -> None:
    found = tables(["x", "y", "[]"])

    assert {name for name, rows in found.items() if rows} == {"files"}
    assert some(found["files"][0], "counted", "damaged") == (0, 3)


def test_names_without_end_make_no_page_without_end(tables: Tables) -> None:
    rows = [
        row
        for number in range(120)
        for row in (
            settled(number, tags={f"t{number}": "v"}),
            event("saved", plugin=f"p{number}", cost=number - 60),
            event("gated", by=f"b{number}"),
            event("hit", tier="checked", agent=f"a{number}"),
            event("hit", tier=f"odd{number}"),
        )
    ]

    found = tables(rows)

    assert max(len(rows) for name, rows in found.items() if name != "task_1") <= 100
    assert found["spend_by_tag"][0]["tag"] == "t100"
    assert (found["savings"][0]["usd"], found["savings"][-1]["usd"]) == (59, -60)


spent = st.tuples(
    st.lists(st.integers(0, 4), max_size=3),  # the tasks a call is within, from the innermost
    st.integers(0, 10**12) | st.none(),
    st.integers(0, 10**6),
    st.integers(-(10**6), 10**6),
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(calls=st.lists(spent, min_size=1, max_size=12))
def test_every_sum_is_that_of_the_rows_and_no_child_counts_twice(
    calls: list[tuple[list[int], int | None, int, int]], tables: Tables
) -> None:
    rows: list[Row] = []
    roots: dict[str, list[int]] = {}
    for number, (path, cost, tokens, saved) in enumerate(calls):
        own, *within = [f"t{depth}.{name}" for depth, name in enumerate([*path, number % 2])]
        at = MONDAY + number
        rows.append(
            settled(cost, task=own, within=within, input=tokens, at=at, agent=f"a{number % 2}", tags={"n": own})
        )
        rows.append(event("saved", task=own, within=within, plugin=f"p{number % 2}", cost=saved, at=at))
        roots.setdefault((within or [own])[-1], []).extend([] if cost is None else [cost])

    found = tables(rows)

    spent = sum(cost or 0 for _, cost, _, _ in calls)
    for name in ("spend", "spend_by_agent", "spend_by_model", "spend_by_phase", "spend_by_tag"):
        assert sum(row["usd"] or 0 for row in found[name]) == spent
        assert sum(row["input_tokens"] for row in found[name]) == sum(tokens for _, _, tokens, _ in calls)
        assert sum(row["calls"] for row in found[name]) == len(calls)
    for name in ("spend_over_time_by_agent", "spend_over_time_by_model"):
        assert sum(row["usd"] or 0 for row in found[name]) == spent
    assert found["spend"][0]["tasks"] == len(roots)
    costs = {root: sum(known) if known else None for root, known in roots.items()}  # without a price there is none
    assert {row["task"]: row["usd"] for row in found["dearest_tasks"]} == costs
    for place, row in enumerate(found["dearest_tasks"], 1):
        assert sum(one["usd"] or 0 for one in found[f"task_{place}"]) == (row["usd"] or 0)
    assert sum(row["usd"] for row in found["savings"]) == sum(saved for *_, saved in calls)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(used=st.integers(0, 10**12), second=st.integers(5_000, 86_399))
def test_a_forecast_is_what_is_spent_at_the_same_pace_to_the_end(used: int, second: int, tables: Tables) -> None:
    [row] = tables([settled(at=MONDAY + second, limits={"agent=a per day: tokens": [used, 10**12]})])["limits"]

    words = str(row["forecast"])
    assert abs(int(words.removesuffix(" tokens").replace(",", "")) - used * 86_400 / second) <= 1
