"""``leanloop budget history``: the bookings of a ledger, newest first."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from itertools import islice
from typing import Annotated

import typer
from rich.table import Table

from leanloop.adapters.cli.budget_arguments import read_pairs, read_time
from leanloop.adapters.cli.budget_groups import is_spending
from leanloop.adapters.cli.budget_ledger import (
    FileOrNone,
    Ledger,
    LimitOption,
    StoreOption,
    budget_of,
    most_shown,
    open_ledger,
)
from leanloop.adapters.cli.budget_text import signed, tags_text, time_text, usd_text
from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.screen import is_wide, ledger_table, screen, show_table
from leanloop.budgets.history import Entry
from leanloop.budgets.money import format_usd
from leanloop.errors import UsageError

__all__ = ["history"]

_SHORT = 8
"""Characters of a task's id in a narrow terminal; `--task` takes the beginning of one."""

_COUNTS = ("tokens", "input_tokens", "cached_input", "cache_write", "output_tokens", "reasoning")


def history(
    file: FileOrNone = None,
    *,
    store: StoreOption = None,
    since: Annotated[str, typer.Option(metavar="TIME", help="24h, 7d, 2026-11-01 ...")] = "24h",
    until: Annotated[str | None, typer.Option(metavar="TIME", help="The same; now if not given.")] = None,
    task: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Only of this task and its sub-agents."),
    ] = None,
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this agent.")] = None,
    user: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this user: --tag user=NAME.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="K=V", help="Only with this tag; may be repeated.")] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="Only on this model.")] = None,
    limit: LimitOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """List what was booked: when, for whom, on which model, at which price.

    The total is of all rows that match, not only of those shown.
    """
    if as_json and as_csv:
        raise UsageError("Give --json or --csv, not both.")
    wanted = {"task": task, "agent": agent, "model": model}
    tags = read_pairs([*(tag or ()), *([f"user={user}"] if user else ())])
    most = most_shown(limit, 100, as_json or as_csv)
    with open_ledger(budget_of(file), store) as ledger:
        entries = _select(ledger, since, until, wanted, tags)
        if as_json:
            for entry in islice(entries, most):
                typer.echo(json.dumps(_as_dict(entry, ledger.zone)))
        elif as_csv:
            rows = csv.writer(sys.stdout, lineterminator="\n")
            rows.writerow(("at", "kind", "agent", "task", "tags", "model", "price", *_COUNTS, "usd", "value", "note"))
            rows.writerows(_cells(entry, ledger.zone) for entry in islice(entries, most))
        else:
            _show(entries, ledger, most)


def _select(
    ledger: Ledger, since: str, until: str | None, wanted: Mapping[str, str | None], tags: Mapping[str, str]
) -> Iterator[Entry]:
    now = ledger.now()
    begin = read_time(since, now).timestamp()
    end = read_time(until, now).timestamp() if until is not None else float("inf")
    for entry in ledger.store.history(since=begin, until=end):
        named = all(_is_of(entry, name, value) for name, value in wanted.items() if value is not None)
        if named and tags.items() <= entry.tags.items():
            yield entry


def _is_of(entry: Entry, what: str, wanted: str) -> bool:
    """Whether a row is what was asked for: a task by the beginning of its id, a sub-agent's by each it is in."""
    if what != "task":
        return bool(getattr(entry, what) == wanted)
    return any(task.startswith(wanted) for task in (entry.task, *entry.within))


def _show(entries: Iterator[Entry], ledger: Ledger, most: int | None) -> None:
    shown: list[Entry] = []
    matching, total = 0, Counter[str]()
    for entry in entries:
        if most is None or matching < most:
            shown.append(entry)
        matching += 1
        if is_spending(entry):
            total.update({name: entry.amounts.get(name, 0) for name in ("tokens", "usd")})
    rows = f"{matching:,} rows" if most is None or matching <= most else f"{most:,} of {matching:,} rows"
    console = screen()
    title = f"{ledger.name}, times in {ledger.now().tzname()}"
    show_table(console, title, _table(shown, ledger.zone, wide=is_wide(console)))
    console.print(f"{rows}; all in all {total['tokens']:,} tokens, {format_usd(total['usd'])}", highlight=False)


def _table(entries: Sequence[Entry], zone: tzinfo, *, wide: bool) -> Table:
    """A column that no row has anything for is left out; where the terminal is not wide, so are year and price."""
    columns: dict[str, Callable[[Entry], str]] = {
        "time": lambda entry: f"{datetime.fromtimestamp(entry.at, zone):{'%Y-' if wide else ''}%m-%d %H:%M:%S}",
        "kind": lambda entry: entry.kind,
        "agent": lambda entry: entry.agent,
        "task": lambda entry: entry.task if wide else entry.task[:_SHORT],
        "tags": lambda entry: tags_text(entry.tags),
        "model": lambda entry: entry.model,
        "price": lambda entry: entry.price if wide else "",
        "tokens": lambda entry: f"{entry.amounts.get('tokens', 0):,}" if is_spending(entry) else "",
        "usd": lambda entry: format_usd(entry.amounts.get("usd", 0)) if is_spending(entry) else "",
        "value": lambda entry: "" if entry.value is None else format_usd(entry.value),
        "note": _note,
    }
    table = ledger_table()
    filled: list[list[str]] = []
    for name, tell in columns.items():
        cells = [tell(entry) for entry in entries]
        if any(cells) or name in ("time", "kind"):
            number = name in ("tokens", "usd", "value")
            table.add_column(name, justify="right" if number else "left", no_wrap=number, overflow="fold")
            filled.append(cells)
    for row in zip(*filled, strict=True):
        table.add_row(*map(plain, row))
    return table


def _note(entry: Entry) -> str:
    """The note; of a change by hand also what it was about."""
    if is_spending(entry):
        return entry.note
    sign = 1 if entry.kind == "raised" else -1
    changes = ", ".join(signed(name, sign * amount) for name, amount in entry.amounts.items())
    return " ".join(part for part in (entry.account, changes, entry.note) if part)


def _as_dict(entry: Entry, zone: tzinfo) -> dict[str, object]:
    """Plain JSON types; money in usd as decimal text."""
    return {
        "at": time_text(entry.at, zone, "milliseconds"),
        "kind": entry.kind,
        "agent": entry.agent,
        "task": entry.task,
        "tags": dict(entry.tags),
        "model": entry.model,
        "price": entry.price,
        "amounts": {name: usd_text(amount) if name == "usd" else amount for name, amount in entry.amounts.items()},
        "within": dict(entry.within),
        "value": None if entry.value is None else usd_text(entry.value),
        "valued": entry.valued,
        "account": entry.account,
        "note": entry.note,
    }


def _cells(entry: Entry, zone: tzinfo) -> list[object]:
    told = (entry.kind, entry.agent, entry.task, tags_text(entry.tags), entry.model, entry.price)
    usd = usd_text(entry.amounts["usd"]) if "usd" in entry.amounts else ""
    return [
        time_text(entry.at, zone, "milliseconds"),
        *map(_harmless, told),
        *(entry.amounts.get(name, "") for name in _COUNTS),
        usd,
        "" if entry.value is None else usd_text(entry.value),
        _harmless(_note(entry)),
    ]


def _harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula (https://owasp.org/www-community/attacks/CSV_Injection)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
