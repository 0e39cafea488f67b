"""Where tables are printed, and what of them there is room for."""

from __future__ import annotations

import os

from rich import box
from rich.console import Console
from rich.table import Table

from leanloop.adapters.cli.plain import plain

__all__ = ["is_wide", "ledger_table", "screen", "show_table"]

_PIPED = 160
_WIDE = 120


def screen() -> Console:
    """A console as wide as the terminal; into a pipe or a file, where nobody knows, 160 columns."""
    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=_PIPED)


def is_wide(console: Console) -> bool:
    """Whether there is room for more than the 80 columns of an ordinary terminal."""
    return console.width >= _WIDE


def show_table(console: Console, title: str, table: Table) -> None:
    """Print a table below its title, which is a line of its own: rich breaks a title at the width of its table."""
    console.print(plain(title), soft_wrap=True)
    console.print(table)


def ledger_table() -> Table:
    """A table without lines between its columns, which would take a quarter of 80 columns."""
    return Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
