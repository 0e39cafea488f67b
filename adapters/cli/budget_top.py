"""``leanloop budget top``: who spent most, and whether the most valuable work got the cheapest inference."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Annotated, Literal

import typer
from rich.table import Table

from leanloop.adapters.cli.budget_arguments import read_time
from leanloop.adapters.cli.budget_groups import Group, groups
from leanloop.adapters.cli.budget_ledger import (
    FileOrNone,
    JsonOption,
    LimitOption,
    StoreOption,
    budget_of,
    most_shown,
    open_ledger,
)
from leanloop.adapters.cli.budget_text import time_text, usd_text
from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.screen import ledger_table, screen, show_table
from leanloop.budgets.money import format_usd

__all__ = ["top"]

_Per = Literal["hour", "day", "week", "month"]
_WINDOWS = {"hour": "%Y-%m-%dT%H%z", "day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}


def top(
    file: FileOrNone = None,
    *,
    store: StoreOption = None,
    by: Annotated[
        str, typer.Option(metavar="NAME", help="agent, model, task, value, or a tag such as user.")
    ] = "agent",
    since: Annotated[str, typer.Option(metavar="TIME", help="24h, 7d, 2026-11-01 ...")] = "7d",
    until: Annotated[str | None, typer.Option(metavar="TIME", help="The same; now if not given.")] = None,
    per: Annotated[_Per | None, typer.Option(help="Each hour, day, week or month by itself.")] = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who spent most. Where tasks have a value, also what was spent of it and how dear their tokens were.

    A row marked "cheap" is among the most valuable quarter of the rows, and among the quarter with the cheapest tokens.
    """
    with open_ledger(budget_of(file), store) as ledger:
        now = ledger.now()
        begin = read_time(since, now).timestamp()
        end = read_time(until, now).timestamp() if until is not None else float("inf")
        found = groups(ledger.store.history(since=begin, until=end), by, _windows(per, ledger.zone))
        shares = _shares(found)
        rows = list(zip(found, shares, strict=True))[: most_shown(limit, 20, as_json)]
        if as_json:
            typer.echo(json.dumps([_as_dict(one, share, ledger.zone) for one, share in rows]))
        else:
            left_out = len(found) - len(rows)
            show_table(screen(), f"{ledger.name}, by {by}", _table(rows, by, ledger.zone))
            if left_out:
                typer.echo(f"{left_out:,} more; --limit 0 shows all.")


def _windows(per: _Per | None, zone: tzinfo) -> Callable[[float], str]:
    return lambda at: datetime.fromtimestamp(at, zone).strftime(_WINDOWS[per]) if per else ""


def _shares(found: Sequence[Group]) -> list[float]:
    """The share of each in the dollars of its window, or in the tokens where nothing there has a price."""
    usd, tokens = Counter[str](), Counter[str]()
    for one in found:
        usd[one.window] += one.usd
        tokens[one.window] += one.tokens
    return [one.usd / usd[one.window] if usd[one.window] else one.tokens / max(1, tokens[one.window]) for one in found]


def _table(rows: Sequence[tuple[Group, float]], by: str, zone: tzinfo) -> Table:
    windows, valued = any(one.window for one, _ in rows), any(one.worth for one, _ in rows)
    table = ledger_table()
    for name in (*(["window"] if windows else []), by):
        table.add_column(plain(name), overflow="fold")
    for name in ("calls", "tokens", "usd", "share", *(["value", "spent of it", "usd per 1M", ""] if valued else [])):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(f"last ({datetime.now(zone):%Z})", no_wrap=True)
    for one, share in rows:
        usd = f"{format_usd(one.usd)}{f' + {one.unpriced:,} unpriced' if one.unpriced else ''}"
        table.add_row(
            *([one.window] if windows else []),
            plain(one.name or "(not told)"),
            f"{one.calls:,}",
            f"{one.tokens:,}",
            usd,
            f"{share:.1%}",
            *(_value(one) if valued else []),
            datetime.fromtimestamp(one.last, zone).strftime("%m-%d %H:%M"),
        )
    return table


def _value(one: Group) -> list[str]:
    return [
        "" if one.value is None else format_usd(one.value),
        "" if one.share_of_value is None else f"{one.share_of_value:.2%}",
        "" if one.price is None else format_usd(one.price),
        "cheap" if one.underserved else "",
    ]


def _as_dict(one: Group, share: float, zone: tzinfo) -> dict[str, object]:
    """Plain JSON types; money in usd as decimal text."""
    return {
        "window": one.window or None,
        "name": one.name,
        "calls": one.calls,
        "unpriced_calls": one.unpriced,
        "tokens": one.tokens,
        "usd": usd_text(one.usd),
        "share": round(share, 6),
        "last": time_text(one.last, zone),
        "tasks_with_value": len(one.worth),
        "value": None if one.value is None else usd_text(one.value),
        "spent_of_value": one.share_of_value,
        "usd_per_million_tokens": None if one.price is None else usd_text(one.price),
        "underserved": one.underserved,
    }
