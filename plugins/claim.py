"""Whose run a task is: the budget it was opened under, and the tags that say whom it is for."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from leanloop.budgets.budget import Budget
from leanloop.budgets.fields import shown
from leanloop.budgets.tags import checked_tags
from leanloop.errors import UsageError

__all__ = ["Claim"]


class Claim:
    """What one agent's run may take for its own: a task under its budget that no other has taken. Safe under threads.

    Args:
        budget: the one the task was opened under, without the limits of this run.
        tags: of the task, those of its parent included.

    Attributes:
        tags: the same mapping for as long as the task lives; accounts are named by it.
    """

    def __init__(self, budget: Budget, tags: dict[str, str]) -> None:
        self.tags = tags
        self._budget = budget
        self._taken = False
        self._lock = threading.RLock()  # a garbage collection in here may settle a call that was abandoned

    def is_under(self, budget: Budget) -> bool:
        """Whether the task was opened under `budget`."""
        return budget is self._budget or budget == self._budget

    def take(self, budget: Budget, tags: Mapping[str, str] | None = None) -> bool:
        """Make it the task of one agent's run, with its tags; False where it is another's, or about another budget.

        Raises:
            UsageError: see `add_tags`.
        """
        with self._lock:
            if self._taken or budget != self._budget:
                return False
            self.add_tags(tags or {})
            self._taken = True
            return True

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Say more of whom it is for, before its first call.

        Raises:
            UsageError: one is no text, or the task has another value for it.
        """
        with self._lock:
            added = checked_tags(tags)
            for name, value in added.items():
                if self.tags.get(name, value) != value:
                    raise UsageError(
                        f"The task of agent {self._budget.agent!r} is open with another value of the tag "
                        f"{shown(name)} than {shown(value)}; give one of them, or open a task of its own with "
                        "leanloop.task."
                    )
            self.tags.update(added)
