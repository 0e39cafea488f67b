"""``leanloop budget show``: what is spent and left of each limit that is open, and how its window will end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.progress_bar import ProgressBar
from rich.table import Table

from leanloop.adapters.cli.budget_arguments import read_pairs, read_share
from leanloop.adapters.cli.budget_ledger import (
    FileArgument,
    JsonOption,
    LimitOption,
    StoreOption,
    most_shown,
    open_ledger,
)
from leanloop.adapters.cli.budget_limits import OpenLimit, open_limits
from leanloop.adapters.cli.budget_text import amount_value, signed
from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.screen import is_wide, ledger_table, screen, show_table
from leanloop.budgets.amount import format_number
from leanloop.budgets.file import load_budget

__all__ = ["limits_table", "show"]


def show(
    file: FileArgument,
    *,
    store: StoreOption = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="K=V", help="Only of this owner; may be repeated.")] = None,
    limit: LimitOption = None,
    fail_over: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Exit with 1 where 90% (for example) or more of one is spent.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show every limit of the file per minute, hour, day, week or month that is open now, fullest first.

    A limit of each user (or another tag) is shown for every user the ledger knows, or only for the one of --tag.
    Limits per task are on the receipt of the task.
    """
    most = read_share(fail_over) if fail_over is not None else None
    budget = load_budget(file)
    with open_ledger(budget, store) as ledger:
        now = ledger.now()
        found = open_limits(budget, read_pairs(tag or ()), ledger.store, now)
        shown = found[: most_shown(limit, 50, as_json)]
        if as_json:
            rows = [_as_dict(one, now) for one in shown]
            typer.echo(json.dumps({"ledger": ledger.name, "at": now.isoformat(), "limits": rows}))
        elif not found:
            typer.echo("No limit is open: the file has limits per task only, or nobody they are about has spent yet.")
        else:
            console = screen()
            title = f"{ledger.name}, agent {budget.agent}"
            show_table(console, title, limits_table(shown, now, wide=is_wide(console)))
            if len(found) > len(shown):
                typer.echo(f"{len(found) - len(shown):,} more; --limit 0 shows all.")
    if most is not None and any(one.share >= most for one in found):
        raise typer.Exit(1)


def limits_table(limits: Sequence[OpenLimit], now: datetime, *, wide: bool) -> Table:
    """A narrow terminal has no room for bars, and what is set aside has a column only where something is."""
    aside = any(one.balance.reserved for one in limits)
    table = ledger_table()
    table.add_column("limit", overflow="fold", min_width=14)
    for name in ("spent", *(["set aside"] if aside else []), "most", "left", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    if wide:
        table.add_column("")
    table.add_column(f"until ({now:%Z})", no_wrap=True)
    table.add_column("will be", justify="right", no_wrap=True)
    for one in limits:
        table.add_row(
            plain(one.words),
            format_number(one.resource, one.balance.spent),
            *([format_number(one.resource, one.balance.reserved)] if aside else []),
            _most(one),
            format_number(one.resource, one.left),
            f"{one.share:.0%}",
            *([ProgressBar(total=1, completed=min(1.0, one.share), width=10)] if wide else []),
            _until(one, now),
            _forecast_text(one, now),
        )
    return table


def _most(one: OpenLimit) -> str:
    raised = one.balance.raised
    return format_number(one.resource, one.amount) + (f" {signed(one.resource, raised)}" if raised else "")


def _until(one: OpenLimit, now: datetime) -> str:
    if one.name.rolling or one.window is None:
        return "rolling"
    return f"{one.window.ends.astimezone(now.tzinfo):%m-%d %H:%M}"


def _forecast_text(one: OpenLimit, now: datetime) -> str:
    end = one.forecast(now)
    if end is None:
        return ""
    return format_number(one.resource, end) + (" over" if end > one.bound else "")


def _as_dict(one: OpenLimit, now: datetime) -> dict[str, object]:
    """Plain JSON types; money in usd as decimal text."""
    end = one.forecast(now)
    amounts = {
        "limit": one.amount,
        "raised": one.balance.raised,
        "spent": one.balance.spent,
        "set_aside": one.balance.reserved,
        "left": one.left,
    }
    return {
        "scope": one.name.scope,
        "owner": one.name.owner,
        "per": one.name.per,
        "rolling": one.name.rolling,
        "resource": one.resource,
        **{name: amount_value(one.resource, amount) for name, amount in amounts.items()},
        "share": round(one.share, 6),
        "forecast": None if end is None else amount_value(one.resource, end),
        "began": None if one.window is None else one.window.began.isoformat(),
        "ends": None if one.window is None or one.name.rolling else one.window.ends.isoformat(),
        "account": str(one.name),
    }
