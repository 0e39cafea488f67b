"""LeanLoop for LlamaIndex: one budget, from which models, tools, agents and engines are guarded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self, TypeVar, cast

from llama_index.core.llms import LLM

from leanloop.adapters.llama_index.llm import guarded
from leanloop.budgets.budget import Budget
from leanloop.budgets.file import load_budget
from leanloop.budgets.store import LedgerStore
from leanloop.errors import UsageError
from leanloop.plugins.current import current_task
from leanloop.plugins.flow import Plugin
from leanloop.plugins.stack import Stack
from leanloop.plugins.task import Task

__all__ = ["LeanLoop"]

Model = TypeVar("Model", bound=LLM)


class LeanLoop:
    """Keeps what runs on LlamaIndex within a budget, breaks loops, and lands with an answer.

    What it is given stays as it is: each method returns a twin, which is guarded.

    Args:
        budget: what a run may spend; by default 25 cycles, no limit on money, loops broken.
        plugins: further plugins, outermost first.
        store: where balances are kept instead of where the budget says.
    """

    def __init__(
        self, budget: Budget | None = None, *, plugins: Sequence[Plugin] = (), store: LedgerStore | None = None
    ) -> None:
        if budget is not None and not isinstance(cast("object", budget), Budget):
            raise UsageError(
                f"LeanLoop() takes a Budget, not {type(budget).__name__}; for a file: LeanLoop.from_file(path)."
            )
        self.has_own_budget = budget is not None
        self.budget = budget or Budget(agent="agent")
        self.stack = Stack(plugins)
        self.store = store

    @classmethod
    def from_file(cls, path: str | Path, *, plugins: Sequence[Plugin] = (), store: LedgerStore | None = None) -> Self:
        """LeanLoop under a budget file.

        Raises:
            BudgetFileError: the file cannot be read or does not hold a budget.
        """
        return cls(load_budget(path), plugins=plugins, store=store)

    @classmethod
    def from_budget(cls, budget: Budget, *, plugins: Sequence[Plugin] = (), store: LedgerStore | None = None) -> Self:
        """LeanLoop under a budget made in code."""
        return cls(budget, plugins=plugins, store=store)

    def task(self) -> Task:
        """The task a call made here belongs to: the current one where it is under this budget, else a new one."""
        current = current_task()
        if current is not None and (not self.has_own_budget or current.serves(self.budget)):
            return current
        return Task(self.budget, parent=current, store=self.store)

    def llm(self, llm: Model) -> Model:
        """A twin of `llm`, each call of which is reserved, counted, and lands or raises where it does not fit.

        Calls in an agent or a query of this budget, or inside ``with leanloop.task(...)``, are one task; any other
        call is a task of its own.
        """
        return guarded(llm, self)
