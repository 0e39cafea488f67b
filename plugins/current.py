"""The current task: a context variable, so that it reaches tools, nested engines and sub-agents by itself."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from pathlib import Path

from leanloop.budgets.budget import Budget
from leanloop.budgets.file import load_budget
from leanloop.budgets.limit import Limit
from leanloop.budgets.store import LedgerStore
from leanloop.plugins.task import Task

__all__ = ["current_task", "enter", "leave", "task"]

_current: ContextVar[Task | None] = ContextVar("leanloop_task", default=None)


def current_task() -> Task | None:
    """The task this code runs in; reaches tools, nested engines and sub-agents through the context."""
    return _current.get()


def enter(member: Task) -> Token[Task | None]:
    """Make `member` the current task until `leave` is called with what this gives."""
    return _current.set(member)


def leave(token: Token[Task | None]) -> None:
    """Undo `enter`."""
    _current.reset(token)


@contextmanager
def task(
    budget: Budget | str | Path,
    *,
    tags: Mapping[str, str] | None = None,
    limits: Sequence[Limit] = (),
    store: LedgerStore | None = None,
) -> Generator[Task, None, None]:
    """Open a task for the block; inside another task it is a child, and its spending counts there too.

    `budget` is a `Budget` or the path of a budget file. Works in sync and async code alike.
    """
    loaded = budget if isinstance(budget, Budget) else load_budget(budget)
    opened = Task(loaded, tags=tags, limits=limits, parent=current_task(), store=store)
    token = enter(opened)
    try:
        yield opened
    finally:
        leave(token)
        opened.close()
