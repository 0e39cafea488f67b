"""Which cache a command of ``leanloop cache`` is about: that of a budget file, or the one at an address."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import typer

from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.sqlite_there import missing_file, not_there
from leanloop.budgets.budget import Budget
from leanloop.budgets.cache_rules import CacheRules
from leanloop.budgets.file import load_budget
from leanloop.budgets.stores import address_name, check_address
from leanloop.errors import UsageError
from leanloop.plugins.cache.event import CacheEvent
from leanloop.plugins.cache.store import CacheStore
from leanloop.plugins.cache.stores import open_cache

__all__ = ["BudgetArgument", "CacheStoreOption", "Place", "address_of", "open_place"]

BudgetArgument: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="[BUDGET]", help="A budget file, for its cache.", show_default=False)
]
CacheStoreOption: TypeAlias = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="The cache's address, instead of the file's.")
]

_VARIABLES = ("LEANLOOP__CACHE__STORE", "LEANLOOP__STORE")
"""Those that go before every budget file, too (see `leanloop.budgets.environment`)."""


@dataclass(frozen=True)
class Place:
    """An open cache.

    Attributes:
        name: its address without a password, fit to be shown.
        budget: the file's, where one was named.
        rules: the file's, or the defaults.
    """

    name: str
    store: CacheStore
    budget: Budget | None
    rules: CacheRules


def address_of(budget: Budget | None, address: str | None) -> str | None:
    """Where the cache is: as said, else as the budget or the environment says; None where nobody does."""
    if address is not None or budget is None:
        return address or next((found for name in _VARIABLES if (found := os.environ.get(name))), None)
    return (budget.cache.store if budget.cache is not None else None) or budget.store


@contextmanager
def open_place(file: str | None, address: str | None, *, make: bool = False) -> Generator[Place, None, None]:
    """The cache of a budget file, or at an address; it is closed at the end.

    Args:
        file: the budget file.
        address: goes before what the file says.
        make: whether a file of SQLite that is not there is made.

    Raises:
        UsageError: neither is given, nothing is there, or it is in memory, where nothing can be seen from here.
        StoreError: it cannot be used.
    """
    budget = load_budget(file) if file is not None else None
    where = address_of(budget, address)
    if where is None:
        raise UsageError(f"Which cache? Name a budget file, give --store URL, or set {_VARIABLES[0]}.")
    if where == "memory":
        raise UsageError(
            "A cache in memory is seen by its own process only, and ends with it. Give the budget file a store that "
            "outlives it, such as cache: {store: sqlite:///leanloop.db}; or read what MemoryCache.save wrote, with "
            "leanloop cache import."
        )
    check_address(where)
    if not make and (path := missing_file(where)) is not None:
        raise not_there("is no cache", path)
    store = open_cache(where)
    store.on_event = _tell
    rules = budget.cache if budget is not None else None
    try:
        yield Place(address_name(where), store, budget, rules or CacheRules())
    finally:
        store.close()


def _tell(event: CacheEvent) -> None:
    typer.echo(plain(f"leanloop: {event.detail} {event.key[:12]}".rstrip()), err=True)
