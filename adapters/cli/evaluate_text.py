"""How ``leanloop evaluate`` says what it has found."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from leanloop.adapters.cli.evaluate_run import Evaluation
from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.screen import ledger_table, screen, show_table
from leanloop.budgets.money import format_usd
from leanloop.plugins.trial.bounds import Interval
from leanloop.plugins.trial.comparison import Against, ArmSummary

__all__ = ["as_dict", "say"]

_MOST_SAID = 8


def say(found: Evaluation, arms: Sequence[ArmSummary], pairs: Sequence[Against]) -> None:
    """Tables for people."""
    console = screen()
    show_table(console, f"Each setting; intervals at 95 % confidence, {found.kept:,} answers kept", _arms(arms))
    if pairs:
        title = f"Against {pairs[0].other}, on the questions that both have answered"
        show_table(console, title, _pairs(pairs))
    for note in list(found.notes)[:_MOST_SAID]:
        console.print(plain(note), soft_wrap=True)
    for error, times in sorted(found.errors.items(), key=lambda one: -one[1])[:_MOST_SAID]:
        console.print(plain(f"Failed {times:,} times: {error}"), soft_wrap=True)
    if any(arm.failed for arm in arms):
        console.print(plain("Failed calls count neither as right nor as wrong; run it again to ask them again."))
    console.print(plain(f"Spent {format_usd(found.spent)} now."))
    if found.stopped is not None:
        console.print(plain(f"Not all questions were asked: {found.stopped}"), soft_wrap=True)


def as_dict(found: Evaluation, arms: Sequence[ArmSummary], pairs: Sequence[Against]) -> dict[str, object]:
    """Plain JSON types; money in usd."""
    return {
        "settings": [
            {
                "setting": arm.setting,
                "asked": arm.asked,
                "failed": arm.failed,
                "accuracy": _plain(arm.accuracy),
                "cost": _plain(arm.cost, 1e-9),
                "cost_of_right": None if arm.cost_of_right is None else arm.cost_of_right / 1e9,
                "seconds_p50": arm.seconds[0] if arm.seconds else None,
                "seconds_p95": arm.seconds[1] if arm.seconds else None,
            }
            for arm in arms
        ],
        "pairs": [
            {
                "setting": pair.setting,
                "against": pair.other,
                "questions": pair.pairs,
                "difference": _plain(pair.difference),
                "better": pair.better,
                "worse": pair.worse,
                "p": pair.p,
                "cost": _plain(pair.cost, 1e-9),
            }
            for pair in pairs
        ],
        "errors": found.errors,
        "notes": list(found.notes),
        "spent": found.spent / 1e9,
        "kept": found.kept,
        "stopped": found.stopped,
    }


def _arms(arms: Sequence[ArmSummary]) -> Table:
    table = _table("setting", "asked", "failed", "right", "", "cost", "a right one", "p50", "p95")
    for arm in arms:
        median, most = (f"{one:.2f} s" for one in arm.seconds) if arm.seconds else ("-", "-")
        right = f"{arm.accuracy.estimate:.1%}" if arm.asked > arm.failed else "-"
        between = f"{arm.accuracy.low:.1%} to {arm.accuracy.high:.1%}"
        cost = _usd(arm.cost.estimate if arm.cost else None)
        counts = (f"{arm.asked:,}", f"{arm.failed:,}")
        table.add_row(plain(arm.setting), *counts, right, between, cost, _usd(arm.cost_of_right), median, most)
    return table


def _pairs(pairs: Sequence[Against]) -> Table:
    table = _table("setting", "questions", "better", "worse", "difference", "", "p", "cost of a question")
    for pair in pairs:
        low, high = (f"{100 * one:+.1f}" for one in pair.difference[1:])
        counts = (f"{pair.pairs:,}", f"{pair.better:,}", f"{pair.worse:,}")
        points = f"{100 * pair.difference.estimate:+.1f} points" if pair.pairs else "-"
        cost = "-"
        if pair.cost is not None:
            cost = f"{_usd(pair.cost.estimate)} ({_usd(pair.cost.low)} to {_usd(pair.cost.high)})"
        table.add_row(plain(pair.setting), *counts, points, f"{low} to {high}", f"{pair.p:.2g}", cost)
    return table


def _table(*names: str) -> Table:
    table = ledger_table()
    for name in names:
        table.add_column(name, justify="left" if name in {"setting", ""} else "right", no_wrap=name != "setting")
    return table


def _usd(nano: float | None) -> str:
    if nano is None:
        return "-"
    return format_usd(round(nano)) if abs(nano) < 1e18 else "?"


def _plain(interval: Interval | None, unit: float = 1.0) -> dict[str, float | None] | None:
    if interval is None:
        return None
    return {name: value * unit if abs(value) < 1e300 else None for name, value in interval._asdict().items()}
