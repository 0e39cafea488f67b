"""``leanloop watch``: tasks and limits as they stand, again and again, until Ctrl-C."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live

from leanloop.adapters.cli.budget_ledger import VARIABLE, FileOrNone, StoreOption, budget_of, open_ledger
from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.screen import screen
from leanloop.adapters.cli.watch_events import EventsView
from leanloop.adapters.cli.watch_follow import Followed
from leanloop.adapters.cli.watch_frame import Drawing
from leanloop.adapters.cli.watch_ledger import LedgerView
from leanloop.budgets.budget import Budget
from leanloop.errors import LeanLoopError

__all__ = ["fitting", "watch"]

_ROWS = 15


class View(Protocol):
    """Something to look at."""

    def look(self, console: Console, now: float) -> Drawing:
        """How it stands at `now`, seconds since the epoch."""
        ...


def watch(
    file: FileOrNone = None,
    *,
    store: StoreOption = None,
    events: Annotated[
        str | None, typer.Option(metavar="FILE", help="A file of events, instead of the budget file's.")
    ] = None,
    interval: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="Between two looks.")] = 2.0,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Rows at most in each table.")] = _ROWS,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
) -> None:
    """Watch agents, limits and running tasks live: from a ledger, from a file of events, or from both.

    With a budget file: its store, its limits with forecasts, and the file its `events` names. With --store alone: what
    is spent in every window that is open. With --events alone: the tasks it tells of, with phase, cost and limits.
    Where the output is no terminal it is printed once.
    """
    budget = budget_of(file)
    console = screen()
    with _views(budget, store, events) as views:
        if once or not console.is_terminal:
            console.print(_look(views, console)(limit))
            return
        try:
            with Live(fitting(views, console, limit), console=console, auto_refresh=False) as live:
                while True:
                    began = time.monotonic()
                    live.update(fitting(views, console, limit), refresh=True)
                    time.sleep(max(interval, time.monotonic() - began))  # a slow ledger is not asked all the time
        except KeyboardInterrupt:
            return


@contextmanager
def _views(budget: Budget | None, store: str | None, events: str | None) -> Generator[Sequence[View], None, None]:
    """The ledger, where one is named, and the file of events, where there is one."""
    if events is None and budget is not None and budget.events is not None:
        events = budget.events.file
    in_memory = store is None and (budget.store == "memory" if budget is not None else VARIABLE not in os.environ)
    views: list[View] = []
    with ExitStack() as opened:
        if not (in_memory and events is not None):  # else there is no ledger that could be seen from here
            views.append(LedgerView(opened.enter_context(open_ledger(budget, store)), budget))
        if events is not None:
            followed = opened.enter_context(closing(Followed(Path(events))))
            views.append(EventsView(followed))
        yield views


def _look(views: Sequence[View], console: Console) -> Drawing:
    now = time.time()
    drawings = [view.look(console, now) for view in views]
    return lambda most: Group(*(draw(most) for draw in drawings))


def fitting(views: Sequence[View], console: Console, limit: int) -> RenderableType:
    """What is to be seen, in as many rows a table as the terminal is high enough for; why not, where it is down."""
    try:
        draw = _look(views, console)
    except LeanLoopError as error:
        return plain(f"{error}")
    most = min(limit, console.height)
    while most > 1 and len(console.render_lines(draw(most))) > console.height:
        most -= 1
    return draw(most)
