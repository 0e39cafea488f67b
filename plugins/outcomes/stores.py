"""From the address in a budget file (``difficulty: {store: ...}``) to where outcomes are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanloop.budgets.stores import check_address
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.store import OutcomeStore

if TYPE_CHECKING:
    from leanloop.budgets.budget import Budget
    from leanloop.plugins.task import Task

__all__ = ["open_outcomes", "outcomes_of", "outcomes_under"]

_open: dict[str, OutcomeStore] = {}


def open_outcomes(address: str) -> OutcomeStore:
    """The store at an address; one per address and process, which all tasks share.

    The addresses are a ledger's (`leanloop.budgets.stores`), and its own file or server does for both: ``memory``,
    ``sqlite:///FILE``, ``redis://`` and its kin. Nothing is opened or connected to before the first use.

    Raises:
        UsageError: the address cannot be read.
        MissingExtra: it is a Redis, and redis-py is not installed.
    """
    store = _open.get(address)
    # No lock, which a fork could leave taken for ever: of two made at once, one is kept, and neither has begun.
    return store if store is not None else _open.setdefault(address, _make(address))


def outcomes_under(budget: Budget) -> OutcomeStore:
    """Where outcomes are kept under a budget: where it says, by default where spending is kept.

    Raises:
        MissingExtra: it is a Redis, and redis-py is not installed.
    """
    return open_outcomes(budget.difficulty.store or budget.store)


def outcomes_of(task: Task) -> OutcomeStore:
    """Where the outcomes of a task are kept: see `outcomes_under`."""
    return outcomes_under(task.budget)


def _make(address: str) -> OutcomeStore:
    check_address(address)
    if address == "memory":
        return MemoryOutcomes()
    if address.startswith("sqlite:"):
        from leanloop.plugins.outcomes.sqlite_outcomes import SqliteOutcomes

        return SqliteOutcomes.at(address)
    from leanloop.plugins.outcomes.redis_outcomes import RedisOutcomes

    return RedisOutcomes(address)
