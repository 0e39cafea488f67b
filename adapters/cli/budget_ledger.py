"""Which ledger a command of ``leanloop budget`` is about: that of a budget file, or the one at an address."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Annotated, TypeAlias

import typer

from leanloop.adapters.cli.sqlite_there import missing_file, not_there
from leanloop.budgets.books import Books
from leanloop.budgets.budget import Budget
from leanloop.budgets.file import load_budget
from leanloop.budgets.move import StoreWithBooks
from leanloop.budgets.stores import address_name, open_store
from leanloop.budgets.zone import zone_named
from leanloop.errors import UsageError

__all__ = [
    "VARIABLE",
    "FileArgument",
    "FileOrNone",
    "JsonOption",
    "Ledger",
    "LimitOption",
    "StoreOption",
    "budget_of",
    "most_shown",
    "open_books",
    "open_existing",
    "open_ledger",
]

FileArgument: TypeAlias = Annotated[str, typer.Argument(metavar="FILE", help="A budget file, YAML or TOML.")]
FileOrNone: TypeAlias = Annotated[str | None, typer.Argument(metavar="FILE", help="A budget file, for its store.")]
StoreOption: TypeAlias = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="The ledger's address, instead of the file's.")
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

LimitOption: TypeAlias = Annotated[
    int | None,
    typer.Option("--limit", min=0, metavar="N", help="Rows at most; 0 is all, which programs get without asking."),
]

VARIABLE = "LEANLOOP__STORE"
"""The one that goes before every budget file, too (see `leanloop.budgets.environment`)."""


@dataclass(frozen=True)
class Ledger:
    """An open ledger.

    Attributes:
        name: its address without a password, fit to be shown.
        zone: the time zone that times are read and shown in: the budget's, else UTC.
    """

    name: str
    store: StoreWithBooks
    zone: tzinfo

    def now(self) -> datetime:
        """The time, in that zone."""
        return datetime.now(self.zone)


def most_shown(limit: int | None, in_table: int, for_programs: bool) -> int | None:
    """How many rows to show, None for all: what was asked for; else so many in a table, and all for programs."""
    if limit is None:
        return None if for_programs else in_table
    return limit or None


def budget_of(file: str | None) -> Budget | None:
    """The budget in a file, where one is named."""
    return load_budget(file) if file is not None else None


@contextmanager
def open_ledger(budget: Budget | None, address: str | None) -> Generator[Ledger, None, None]:
    """The ledger at `address`, or else the one the budget or ``LEANLOOP__STORE`` names; it is closed at the end.

    Raises:
        UsageError: neither is given, or it is kept in memory, where nothing can be seen from here.
        StoreError: it cannot be used.
    """
    where = address or (budget.store if budget is not None else os.environ.get(VARIABLE))
    if not where:
        raise UsageError(f"Which ledger? Name a budget file, give --store URL, or set {VARIABLE}.")
    with open_existing(where) as (name, store):
        yield Ledger(name, store, zone_named(budget.timezone) if budget is not None else UTC)


@contextmanager
def open_existing(address: str) -> Generator[tuple[str, StoreWithBooks], None, None]:
    """`open_books`, of a ledger that is there: SQLite would make an empty one without a word.

    Raises:
        UsageError: the file of a ledger in SQLite does not exist.
    """
    if (path := missing_file(address)) is not None:
        raise not_there("is no ledger", path)
    with open_books(address) as opened:
        yield opened


@contextmanager
def open_books(address: str) -> Generator[tuple[str, StoreWithBooks], None, None]:
    """The store at an address and its books, with the name it may be shown by; closed at the end.

    Raises:
        UsageError: it is kept in memory, or cannot be read.
    """
    if address == "memory":
        raise UsageError(
            "A ledger in memory is seen by its own process only, and ends with it. Give the budget file a store that "
            "outlives it, such as store: sqlite:///leanloop.db."
        )
    store = open_store(address)
    if not isinstance(store, Books):  # pragma: no cover: all stores open_store knows are Books
        raise UsageError("This store cannot be administered: it keeps no books.")
    try:
        yield address_name(address), store
    finally:
        store.close()
