"""From the address in a budget file (``results: {store: folder:./results}``) to where whole results are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from leanloop.budgets.result_address import FOLDER, check_result_address
from leanloop.plugins.results.memory import MemoryResults
from leanloop.plugins.results.store import ResultStore

if TYPE_CHECKING:
    from leanloop.plugins.task import Task

__all__ = ["open_results", "results_of"]

_open: dict[str, ResultStore] = {}


def open_results(address: str) -> ResultStore:
    """The store at an address; one per address and process, which all tasks share.

    ``memory``, ``folder:PATH`` with a file a result, or what a ledger's address says (`leanloop.budgets.stores`):
    ``sqlite:///FILE``, which may be the ledger's own file, and ``redis://`` with its kin.
    Nothing is opened or connected to before the first use.

    Raises:
        UsageError: the address cannot be read.
        MissingExtra: it is a Redis, and redis-py is not installed.
    """
    store = _open.get(address)
    # No lock, which a fork could leave taken for ever: of two made at once, one is kept, and neither has begun.
    return store if store is not None else _open.setdefault(address, _make(address))


def results_of(task: Task) -> ResultStore:
    """Where the results of a task are kept: where its budget says, by default where spending is kept.

    Raises:
        MissingExtra: it is a Redis, and redis-py is not installed.
    """
    rules = task.budget.results
    return open_results((rules.store if rules is not None else None) or task.budget.store)


def _make(address: str) -> ResultStore:
    check_result_address(address)
    if address == "memory":
        return MemoryResults()
    if address.startswith(FOLDER):
        from leanloop.plugins.results.folder import FolderResults

        return FolderResults(Path(address.removeprefix(FOLDER)))
    if address.startswith("sqlite:"):
        from leanloop.plugins.results.sqlite import SqliteResults

        return SqliteResults.at(address)
    from leanloop.plugins.results.redis import RedisResults

    return RedisResults(address)
