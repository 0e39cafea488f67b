"""Which outcome store a command is about: that of a budget file, or the one at an address."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import typer

from leanloop.adapters.cli.sqlite_there import missing_file, not_there
from leanloop.budgets.budget import Budget
from leanloop.budgets.file import load_budget
from leanloop.budgets.stores import address_name, check_address
from leanloop.errors import UsageError
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.store import OutcomeStore
from leanloop.plugins.outcomes.stores import open_outcomes

__all__ = ["BudgetOption", "OutcomePlace", "OutcomeStoreOption", "open_place"]

BudgetOption: TypeAlias = Annotated[
    str | None, typer.Option("--budget", metavar="FILE", help="The agent's budget file, for its store.")
]
OutcomeStoreOption: TypeAlias = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="The address of its outcomes, instead of the file's.")
]

_VARIABLES = ("LEANLOOP__DIFFICULTY__STORE", "LEANLOOP__STORE")
"""Those that go before every budget file, too (see `leanloop.budgets.environment`)."""


@dataclass(frozen=True)
class OutcomePlace:
    """An open outcome store.

    Attributes:
        name: its address without a password, fit to be shown.
        budget: the file's, where one was named.
    """

    name: str
    store: OutcomeStore
    budget: Budget | None


@contextmanager
def open_place(
    file: str | None, address: str | None, *, missing: Literal["refuse", "make", "empty"] = "refuse"
) -> Generator[OutcomePlace, None, None]:
    """The outcome store of a budget file, or at an address, which goes before what the file says; closed at the end.

    Args:
        file: the budget file.
        address: of the store.
        missing: what becomes of a file of SQLite that is not there; ``empty`` makes none, and finds nothing in it.

    Raises:
        UsageError: neither is given, nothing is there, or it is in memory, where nothing can be seen from here.
        StoreError: it cannot be used.
    """
    budget = load_budget(file) if file is not None else None
    where = address or (
        next((found for name in _VARIABLES if (found := os.environ.get(name))), None)
        if budget is None
        else budget.difficulty.store or budget.store
    )
    if not where:
        raise UsageError(f"Which outcomes? Name --budget FILE or --store URL, or set {_VARIABLES[0]}.")
    if where == "memory":
        raise UsageError(
            "Outcomes in memory are seen by their own process only, and end with it. Give the budget file a store that "
            "outlives it, such as difficulty: {store: sqlite:///leanloop.db}, or store: for all."
        )
    check_address(where)
    store = open_outcomes(where)
    if missing != "make" and (path := missing_file(where)) is not None:
        if missing == "refuse":
            raise not_there("are no outcomes", path)
        store = MemoryOutcomes()
    try:
        yield OutcomePlace(address_name(where), store, budget)
    finally:
        store.close()
