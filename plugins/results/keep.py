"""Keeps a whole result before less of it is shown."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from leanloop.budgets.result_rules import ResultRules
from leanloop.errors import StoreError
from leanloop.plugins.flow import Io
from leanloop.plugins.results.beside import beside
from leanloop.plugins.results.handle import handle_of, scope_of
from leanloop.plugins.results.store import Kept
from leanloop.plugins.results.stores import results_of

if TYPE_CHECKING:
    from leanloop.plugins.task import Task

__all__ = ["keep"]


def keep(text: str, tool: str, kind: str, task: Task) -> Generator[Io[Any], Any, str | None]:
    """Keep a text where the task's budget says, and give the handle it is read back by.

    None where the store failed, which is then noted on the receipt: whoever asked shows the text as it is. Keeping the
    same text again gives the same handle, and its life begins anew.
    """
    rules = task.budget.results or ResultRules()
    store, scope = results_of(task), scope_of(task, rules)
    handle = yield from beside(text, lambda: handle_of(scope, text))
    kept = Kept(text, tool, kind, time.time())
    try:
        yield Io(store.put, store.aput, scope, handle, kept, ttl=rules.ttl, max_bytes=rules.max_bytes)
    except StoreError as error:
        task.note(f"A whole tool result could not be kept for reading back. {error}")
        return None
    return handle
