"""What ``leanloop watch`` shows: who spends, which limits are filling up, and which tasks are running."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.screen import is_wide, ledger_table
from leanloop.budgets.amount import format_number
from leanloop.budgets.money import format_usd

__all__ = ["Drawing", "Filling", "Running", "Spender", "agents_table", "cut", "filling_table", "tasks_table", "titled"]


Drawing = Callable[[int], RenderableType]
"""What was seen, in at most so many rows a table."""

_NARROW = 60
"""Columns of a terminal below which what is less urgent is left out."""


@dataclass(frozen=True, slots=True)
class Spender:
    """What one agent has spent lately; `cost` in nano-dollars, of which `unpriced` calls are no part."""

    agent: str
    calls: int
    tokens: int
    cost: int
    unpriced: int = 0
    running: int = 0
    ended: int | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A task that has not ended, as far as is known.

    Attributes:
        phase: what its latest call was about; with "..." behind it one is being made.
        cost: in nano-dollars, sub-tasks included; None where no price is known.
        share: of its own limits, that of the fullest.
    """

    task: str
    agent: str
    phase: str
    model: str
    calls: int
    tokens: int
    cost: int | None
    seconds: float
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Filling:
    """How a limit stands, in the ledger's unit; `most` is None where nobody said."""

    words: str
    resource: str
    spent: int
    reserved: int = 0
    most: int | None = None

    @property
    def share(self) -> float:
        """The share spent; of a limit of nothing, all of it."""
        return 0.0 if self.most is None else self.spent / self.most if self.most > 0 else 1.0


def titled(title: str, *parts: RenderableType | None) -> Group:
    """Tables below a title; None stands for one that has nothing to say."""
    return Group(plain(title), *(part for part in parts if part is not None))


def agents_table(spenders: Sequence[Spender], console: Console, most: int) -> RenderableType | None:
    """One row an agent, the dearest first."""
    if not spenders:
        return None
    narrow, ends = console.width < _NARROW, any(one.ended is not None for one in spenders)
    more = [] if narrow else ["calls", "tokens"]
    table = _table("agent", *more, "usd", "running", *(["ended"] if ends and not narrow else []))
    for one in sorted(spenders, key=lambda one: (-one.cost, -one.tokens, one.agent))[:most]:
        usd = f"{format_usd(one.cost)}{f' + {one.unpriced:,} unpriced' if one.unpriced else ''}"
        row = [*([] if narrow else [f"{one.calls:,}", f"{one.tokens:,}"]), usd, f"{one.running:,}"]
        row += [f"{one.ended:,}"] if one.ended is not None and not narrow else []
        table.add_row(plain(one.agent or "(not told)"), *row)
    return cut(table, len(spenders), most)


def filling_table(limits: Sequence[Filling], console: Console, most: int) -> RenderableType | None:
    """One row a limit, the fullest first, with a bar where there is room for one."""
    if not limits:
        return None
    aside, known = any(one.reserved for one in limits), any(one.most is not None for one in limits)
    narrow = known and console.width < _NARROW
    names = ["spent", *(["set aside"] if aside else []), *(["most", "share"] if known else [])]
    names = ["share"] if narrow else names
    table = _table("limit", *names)
    if known and not narrow:
        table.add_column("")
    for one in sorted(limits, key=lambda one: (-one.share, one.words))[:most]:
        row = [format_number(one.resource, one.spent)]
        row += [format_number(one.resource, one.reserved)] if aside else []
        if known:
            row += ["", ""] if one.most is None else [format_number(one.resource, one.most), f"{one.share:.0%}"]
        shown = "" if one.most is None else ProgressBar(total=1, completed=min(1.0, one.share), width=10)
        table.add_row(plain(one.words), *(row[-1:] if narrow else row), *([shown] if known and not narrow else []))
    return cut(table, len(limits), most)


def tasks_table(tasks: Sequence[Running], console: Console, most: int) -> RenderableType:
    """One row a task, the dearest first; a narrow terminal leaves out what is longest."""
    if not tasks:
        return Text("No task is running.")
    wide, narrow = is_wide(console), console.width < _NARROW
    table = ledger_table()
    table.add_column("task", overflow="fold", no_wrap=narrow)
    if not narrow:
        table.add_column("agent", overflow="fold")
    table.add_column("phase", no_wrap=True)
    for name in (*(["calls", "tokens"] if wide else []), "usd", *([] if narrow else ["seconds", "limits"])):
        table.add_column(name, justify="right", no_wrap=True)
    if wide:
        table.add_column("model", overflow="fold")
    for one in sorted(tasks, key=lambda one: (-(one.cost or 0), -one.seconds, one.task))[:most]:
        share = "" if one.share is None else f"{one.share:.0%}"
        table.add_row(
            plain(one.task if wide else one.task[:8]),
            *([] if narrow else [plain(one.agent)]),
            plain(one.phase),
            *([f"{one.calls:,}", f"{one.tokens:,}"] if wide else []),
            "no price" if one.cost is None else format_usd(one.cost),
            *([] if narrow else [f"{one.seconds:,.0f}", share]),
            *([plain(one.model)] if wide else []),
        )
    return cut(table, len(tasks), most)


def _table(first: str, *numbers: str) -> Table:
    table = ledger_table()
    table.add_column(first, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def cut(table: RenderableType, rows: int, most: int) -> RenderableType:
    """A table with so many of all its rows, and how many more there are."""
    return (
        Group(table, f"{rows - most:,} more; --limit {rows} shows all, if the terminal is high enough.")
        if rows > most
        else table
    )
