"""``leanloop outcomes report``: what deciding has saved, net, and how segments of the traffic fare."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

import typer
from rich.table import Table

from leanloop.adapters.cli.budget_arguments import read_time
from leanloop.adapters.cli.outcome_place import BudgetOption, OutcomeStoreOption, open_place
from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.screen import ledger_table, screen, show_table
from leanloop.budgets.money import format_usd
from leanloop.budgets.zone import zone_named
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.trial.bounds import Interval
from leanloop.plugins.trial.net_savings import NetSavings, net_savings
from leanloop.plugins.trial.segment_report import Segment, segments_in

__all__ = ["report"]

Row = dict[str, object]

_KINDS = ("language", "length", "hour")


def report(
    *,
    budget: BudgetOption = None,
    store: OutcomeStoreOption = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="7d, 24h, 2026-11-01; all by default.")] = None,
    agent: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of one agent; the file's where one is given.")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option("--by", metavar="SEGMENT", help="language, length, hour, or a tag's name.")
    ] = None,
    form: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="csv has the segments.")] = "table",
) -> None:
    """Show what thinking, routes and scaffold saved against calls made without them, and how segments fare.

    Savings are net: attempts, samples, checks, escalations and prefixes that a switch threw away are in them. Of each
    segment (language, length, hour of the week, each tag) it says how many calls went up to the dearest setting and
    how well they went, and marks what differs from all the others by more than chance (Holm's correction over all that
    is shown); segments of fewer than 30 decisions are shown together.
    """
    with open_place(budget, store) as place:
        zone = zone_named(place.budget.timezone) if place.budget is not None else UTC
        begin = read_time(since, datetime.now(zone)).timestamp() if since is not None else 0.0
        whose = agent or (place.budget.agent if place.budget is not None else None)
        decisions: list[Decision] = list(place.store.decisions(whose, begin))
    savings = net_savings(decisions)
    kinds = [
        name if name in {"language", "length", "hour"} else f"tag:{name.removeprefix('tag:')}" for name in by or ()
    ]
    segments = segments_in(decisions, kinds)
    if form == "json":
        typer.echo(json.dumps({"plugins": list(map(_plugin, savings)), "segments": list(map(_segment, segments))}))
    elif form == "csv":
        _write_csv(list(map(_segment, segments)))
    elif not savings:
        typer.echo("Nothing was decided yet.")
    else:
        _say(savings, segments)
        if missing := [kind for kind in kinds if kind not in {one.of for one in segments}]:
            names = ", ".join(kind.removeprefix("tag:") for kind in missing)
            typer.echo(plain(f"No decision has {names}. Name the tags to keep in difficulty: {{segments: [NAME]}}."))


def _say(savings: Sequence[NetSavings], segments: Sequence[Segment]) -> None:
    console = screen()
    show_table(console, "Net savings, against the same calls made without (intervals at 95 %)", _plugins(savings))
    if segments:
        show_table(console, "Segments; * differs from the others by more than chance", _segments(segments))
    unpriced = sum(one.unpriced for one in savings)
    if unpriced:
        console.print(plain(f"Of {unpriced:,} decisions a cost is not known; they are in no sum."))


def _plugins(savings: Sequence[NetSavings]) -> Table:
    names = ("by", "decided", "changed", "unsure", "escalated", "cost", "without", "saved", "", "success")
    table = _table(*names)
    for one in savings:
        counts = [f"{count:,}" for count in (one.decided, one.changed, one.unsure, one.escalated)]
        saved = one.saved.interval()
        between = f"{_usd(saved.low)} to {_usd(saved.high)}" if one.saved.count > 1 else ""
        money = [_usd(one.cost), _usd(one.otherwise), _usd(saved.estimate), between]
        table.add_row(one.by, *counts, *money, _share(one.success, one.scores.count))
    return table


def _segments(segments: Sequence[Segment]) -> Table:
    table = _table("segment", "value", "decided", "went up", "", "success", "", "scored", "saved")
    for one in segments:
        marks = ["*" if p is not None and p <= 0.05 else "" for p in (one.up_p, one.score_p)]
        counts = (f"{one.scores.count:,}", _usd(one.saved.total) if one.saved.count else "-")
        up, success = _share(one.escalation, one.decided), _share(one.success, one.scores.count)
        cells = (
            plain(one.of.removeprefix("tag:")),
            plain(one.value),
            f"{one.decided:,}",
            up,
            marks[0],
            success,
            marks[1],
        )
        table.add_row(*cells, *counts, style="bold" if one.stands_out else "dim" if one.up_p is None else None)
    return table


def _table(*names: str) -> Table:
    table = ledger_table()
    for name in names:
        words = name in {"by", "segment", "value", ""}
        table.add_column(name, justify="left" if words else "right", no_wrap=name != "value")
    return table


def _plugin(one: NetSavings) -> Row:
    saved = one.saved.interval()
    return {
        "by": one.by,
        "decided": one.decided,
        "changed": one.changed,
        "unsure": one.unsure,
        "explored": one.explored,
        "escalated": one.escalated,
        "unpriced": one.unpriced,
        "cost": one.cost / 1e9,
        "without": one.otherwise / 1e9,
        "saved": saved.estimate / 1e9,
        "saved_low": saved.low / 1e9 if one.saved.count > 1 else None,
        "saved_high": saved.high / 1e9 if one.saved.count > 1 else None,
        "scored": one.scores.count,
        "success": one.success.estimate if one.scores.count else None,
        "success_low": one.success.low,
        "success_high": one.success.high,
    }


def _segment(one: Segment) -> Row:
    return {
        "segment": one.of,
        "value": one.value,
        "decided": one.decided,
        "went_up": one.escalation.estimate,
        "went_up_low": one.escalation.low,
        "went_up_high": one.escalation.high,
        "went_up_p": one.up_p,
        "scored": one.scores.count,
        "success": one.success.estimate if one.scores.count else None,
        "success_low": one.success.low,
        "success_high": one.success.high,
        "success_p": one.score_p,
        "saved": one.saved.total / 1e9 if one.saved.count else None,
        "stands_out": one.stands_out,
    }


def _write_csv(rows: Sequence[Row]) -> None:
    writer = csv.DictWriter(sys.stdout, list(_segment(Segment("", ""))) if not rows else list(rows[0]))
    writer.writeheader()
    # A text that begins like a formula would be run by a spreadsheet: tags come from users.
    writer.writerows({name: _no_formula(value) for name, value in row.items()} for row in rows)


def _no_formula(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value


def _share(found: Interval, of: int) -> str:
    return f"{found.estimate:.1%} ({found.low:.0%} to {found.high:.0%})" if of else "-"


def _usd(nano: float) -> str:
    return format_usd(round(nano))
