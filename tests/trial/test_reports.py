from __future__ import annotations

import csv
import io
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from leanloop.adapters.cli.app import app
from leanloop.errors import UsageError
from leanloop.plugins.outcomes.decision import By, Decision
from leanloop.plugins.outcomes.stores import open_outcomes
from leanloop.plugins.trial.net_savings import Sum, net_savings
from leanloop.plugins.trial.segment_report import LEAST, SMALL, Segment, segments_in


def decided(number: int = 0, *, by: By = "routes", **fields: Any) -> Decision:
    whole: dict[str, Any] = {
        "id": f"d{number}",
        "task": f"t{number}",
        "agent": "a",
        "at": 1_000.0 + number,
        "by": by,
        "keys": ("k",),
        "setting": "small",
        "other": "large",
        "cost": 1_000,
        "other_cost": 5_000,
    }
    return Decision(**{**whole, **fields})


def test_savings_are_net_of_what_was_lost() -> None:
    [routes, thinking] = net_savings(
        [
            decided(1),
            decided(2, cost=8_000, escalated=True),  # the cheaper answer was paid for, too
            decided(3, setting="large", cost=5_000, unsure=True, score=1.0),
            decided(4, cost=None),
            decided(5, by="thinking", other=None, other_cost=1_000, explored=True),
            decided(6, by="experiment"),
        ]
    )
    assert (routes.by, routes.decided, routes.changed, routes.escalated, routes.unsure) == ("routes", 4, 3, 1, 1)
    assert (routes.cost, routes.otherwise, routes.saved.total, routes.unpriced) == (14_000, 15_000, 1_000, 1)
    assert (thinking.changed, thinking.explored, thinking.saved.total) == (0, 1, 0)
    assert routes.success.estimate == 1.0
    assert net_savings([]) == []


def test_a_cascade_that_loses_is_shown_as_a_loss() -> None:
    [found] = net_savings([decided(number, cost=6_000 + number) for number in range(50)])
    saved = found.saved.interval()
    assert saved.high < 0
    assert saved.low < saved.estimate == -50 * 1_000 - sum(range(50))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_sums_have_the_variance_of_what_is_in_them(amounts: list[float]) -> None:
    found = Sum()
    for amount in amounts:
        found.add(amount)
    mean = sum(amounts) / len(amounts)
    assert found.mean == pytest.approx(mean, abs=1e-6)
    exact = sum((amount - mean) ** 2 for amount in amounts) / (len(amounts) - 1)
    assert found.variance == pytest.approx(exact, rel=1e-6, abs=1e-2)


def test_of_one_or_none_nothing_is_sure() -> None:
    one = Sum()
    assert (one.mean, one.variance) == (0.0, 0.0)
    one.add(3.0)
    assert one.interval() == (3.0, -math.inf, math.inf)


def traffic(count: int, *, up: float, score: float, seed: int, **segments: str) -> list[Decision]:
    drawn = random.Random(seed)
    return [
        decided(
            seed * 100_000 + number,
            setting="large" if (dear := drawn.random() < up) else "small",
            cost=5_000 if dear else 1_000,
            score=float(drawn.random() < score),
            segments=segments,
        )
        for number in range(count)
    ]


def by_value(segments: Sequence[Segment]) -> dict[str, Segment]:
    return {one.value: one for one in segments}


def test_a_segment_that_goes_up_less_and_fares_worse_stands_out() -> None:
    decisions = traffic(600, up=0.6, score=0.9, seed=1, language="en", hour="Mon 10h")
    decisions += traffic(200, up=0.2, score=0.7, seed=2, language="de", hour="Mon 10h")
    decisions += traffic(300, up=0.5, score=0.87, seed=3, language="fr", hour="Mon 10h")
    found = by_value(segments_in(decisions, ["language"]))
    assert set(found) == {"en", "de", "fr"}
    german = found["de"]
    assert german.stands_out
    assert german.up_p is not None
    assert german.score_p is not None
    assert max(german.up_p, german.score_p) < 0.001
    assert german.escalation.estimate == pytest.approx(0.2, abs=0.06)
    assert not found["fr"].stands_out
    assert german.saved.total == sum(5_000 - one.cost for one in decisions[600:800] if one.cost)


def test_segments_without_a_gap_seldom_stand_out() -> None:
    """20 segments that do not differ, 100 times: the promise is one report in twenty."""
    wrong = 0
    for seed in range(100):
        drawn = random.Random(seed)
        decisions = [
            decided(
                number,
                setting=drawn.choice(["large", "small"]),
                score=float(drawn.random() < 0.8),
                segments={"tag:tenant": f"t{number % 20}"},
                escalated=drawn.random() < 0.1,
            )
            for number in range(800)
        ]
        wrong += any(one.stands_out for one in segments_in(decisions))
    assert wrong <= 13


def test_small_segments_are_shown_together_and_not_judged() -> None:
    decisions = traffic(100, up=0.5, score=0.9, seed=1, tenant="big")
    for number in range(10):
        decisions += traffic(LEAST - 1, up=0.0, score=0.0, seed=10 + number, tenant=f"small{number}")
    found = by_value(segments_in(decisions))
    assert set(found) == {"big", SMALL}
    assert found[SMALL].decided == 10 * (LEAST - 1)
    assert found[SMALL].up_p is None
    assert found["big"].stands_out


def test_thinking_goes_up_with_effort_whatever_it_costs() -> None:
    decisions = [
        decided(number, by="thinking", setting=f"m@{effort}", cost=cost, segments={"language": "en"})
        for number, (effort, cost) in enumerate([("high", 1), ("none", 9), ("none", 9)])
    ]
    [one] = segments_in(decisions)
    assert (one.up, one.decided) == (1, 3)


def test_an_experiment_is_no_traffic_and_one_setting_no_choice() -> None:
    assert segments_in([decided(1, by="experiment", segments={"language": "en"})]) == []
    [one] = segments_in([decided(1, segments={"language": "en"})])
    assert one.up == 0


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    Path("b.yaml").write_text("agent: a\nstore: sqlite:///o.db\nthinking: on\nexperiment: {of: thinking}\n")
    store = open_outcomes("sqlite:///o.db")
    try:
        for one in traffic(60, up=0.5, score=0.9, seed=1, language="en", **{"tag:tenant": "=cmd()"}):
            store.record(one)
        for one in traffic(40, up=0.5, score=0.9, seed=2, language="de"):
            store.record(one)
        store.record(decided(9, agent="other", cost=None))
    finally:
        store.close()
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["outcomes", *arguments])


def test_a_report_for_people(place: Path) -> None:
    result = run("report", "--store", "sqlite:///o.db")
    assert result.exit_code == 0, result.output
    for text in ("Net savings", "routes", "101", "Segments", "language", "tenant", "=cmd()"):
        assert text in result.output
    assert "Of 1 decisions a cost is not known" in result.output


def test_a_report_for_programs(place: Path) -> None:
    found = json.loads(run("report", "--budget", "b.yaml", "--by", "language", "--format", "json").output)
    [routes] = found["plugins"]
    assert (routes["decided"], routes["unpriced"]) == (100, 0)
    assert routes["saved"] == pytest.approx(routes["without"] - routes["cost"])
    assert routes["saved_low"] < routes["saved"] < routes["saved_high"]
    assert [(one["segment"], one["value"], one["decided"]) for one in found["segments"]] == [
        ("language", "en", 60),
        ("language", "de", 40),
    ]


def test_a_report_for_spreadsheets_runs_no_formula(place: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run("report", "--store", "sqlite:///o.db", "--format", "csv").output)))
    tenant = next(row for row in rows if row["segment"] == "tag:tenant")
    assert (tenant["value"], tenant["decided"]) == ("'=cmd()", "60")
    empty = run("report", "--store", "sqlite:///o.db", "--format", "csv", "--agent", "nobody").output
    assert empty.splitlines()[0].startswith("segment,value,decided")


def test_a_report_since_a_time_and_of_a_tag(place: Path) -> None:
    assert "Nothing was decided yet." in run("report", "--budget", "b.yaml", "--since", "1h").output
    found = json.loads(run("report", "--budget", "b.yaml", "--by", "tenant", "--format", "json").output)
    assert [one["segment"] for one in found["segments"]] == ["tag:tenant"]


def test_a_segment_that_no_decision_has_is_said(place: Path) -> None:
    output = run("report", "--budget", "b.yaml", "--by", "tenant", "--by", "plan").output
    assert "No decision has plan. Name the tags to keep in difficulty: {segments: [NAME]}." in output


def test_an_experiment_nobody_has_counted_yet(place: Path) -> None:
    result = run("experiment", "--budget", "b.yaml")
    assert "with thinking" in result.output
    assert "It is not decided: 0 and 0 tasks with and without it are scored; it takes 50 of each." in result.output
    found = json.loads(run("experiment", "--budget", "b.yaml", "--json").output)
    assert (found["better"], found["ended"], found["on"]["scored"], found["on"]["mean_score"]) == (None, None, 0, None)


def test_a_file_without_an_experiment_is_said(place: Path) -> None:
    Path("c.yaml").write_text("agent: a\nstore: sqlite:///o.db\n")
    caught = run("experiment", "--budget", "c.yaml").exception
    assert isinstance(caught, UsageError)
    assert "c.yaml has no experiment; add experiment: {of: thinking}" in str(caught)
