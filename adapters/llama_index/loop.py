"""LeanLoop for LlamaIndex: guarded twins of models, tools, engines and agents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self, TypeVar

from llama_index.core.llms import LLM

from leanloop.adapters.llama_index.guard import Guard
from leanloop.adapters.llama_index.llm import guarded
from leanloop.budgets.budget import Budget
from leanloop.budgets.file import load_budget
from leanloop.budgets.store import LedgerStore
from leanloop.plugins.flow import Plugin

__all__ = ["LeanLoop"]

Model = TypeVar("Model", bound=LLM)


class LeanLoop(Guard):
    """Keeps agents and query engines within their budget, breaks their loops, lands them with an answer.

    Each method gives a twin of what it is given, which is left as it was; nothing global changes.

    Args:
        budget: what a run may spend; by default 25 cycles, no limit on money, loops broken.
        plugins: further plugins, outermost first.
        store: where balances are kept instead of where the budget says.
    """

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

    def llm(self, llm: Model) -> Model:
        """A twin of `llm`; a call that does not fit its budget is made smaller, lands, or raises.

        Calls in an agent or a query of this budget, or inside ``with leanloop.task(...)``, are one task; any other
        call is a task of its own.
        """
        return guarded(llm, self)
