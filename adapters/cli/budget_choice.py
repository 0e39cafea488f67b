"""Which limit of a budget file a command means: by window and scope, or of one task."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import typer

from leanloop.adapters.cli.budget_arguments import read_pairs
from leanloop.adapters.cli.budget_limits import OpenLimit, limits_of
from leanloop.budgets.budget import Budget
from leanloop.budgets.fields import shown
from leanloop.budgets.limit import Limit
from leanloop.errors import UsageError

__all__ = ["Choice", "PerOption", "RollingOption", "ScopeOption", "TaskOption"]

ScopeOption: TypeAlias = Annotated[
    str | None, typer.Option("--scope", metavar="SCOPE", help="user=u1, global, or agent (where not given).")
]
PerOption: TypeAlias = Annotated[
    Literal["minute", "hour", "day", "week", "month"] | None, typer.Option("--per", help="Which window of the scope.")
]
TaskOption: TypeAlias = Annotated[
    str | None, typer.Option("--task", metavar="ID", help="The limits of this one task instead.")
]
RollingOption: TypeAlias = Annotated[
    bool | None, typer.Option("--rolling/--calendar", help="Which one, where the file has both.")
]


@dataclass(frozen=True)
class Choice:
    """What was said on the command line of the limit that is meant."""

    scope: str | None
    per: str | None
    task: str | None
    rolling: bool | None

    def limits(self, budget: Budget, now: datetime, resources: Collection[str] = ()) -> list[OpenLimit]:
        """The open limits of `budget` that are meant, of all resources where none is named. Balances are not known yet.

        Raises:
            UsageError: it says too little, or the file has no such limit.
        """
        if (self.task is None) == (self.per is None) or (self.task is not None and self.scope is not None):
            raise UsageError("Which limit? Give --per day --scope user=u1 (for example), or --task ID.")
        scope, owner = self._owner(budget)
        per = self.per or "task"
        meant = [limit for limit in budget.limits if (limit.per, limit.scope) == (per, scope)]
        meant = [limit for limit in meant if self.rolling in (None, limit.rolling)]
        if len({limit.rolling for limit in meant}) > 1:
            raise UsageError(f"The file has two limits per {per} for {scope}; say --rolling or --calendar.")
        tags = {} if scope is None else {scope: owner}
        found = [one for limit in meant for one in limits_of(limit, budget, now, tags=tags, task=self.task or "")]
        found = [one for one in found if one.resource != "seconds"]  # a task's clock is its process's own
        missing = sorted(set(resources) - {one.resource for one in found})
        if missing or not found:
            what = f" of {', '.join(missing)}" if found else ""
            known = "; ".join(sorted({_words(limit) for limit in budget.limits})) or "none"
            where = f"per {per}{f' for {scope}' if scope else ''}{'' if self.rolling is None else _which(self.rolling)}"
            raise UsageError(f"The budget of {budget.agent} has no limit{what} {where}. Its limits: {known}.")
        return [one for one in found if not resources or one.resource in resources]

    def _owner(self, budget: Budget) -> tuple[str | None, str]:
        """The scope of the limit, None for a task, and whose it is."""
        if self.task is not None:
            return None, ""
        if self.scope in (None, "agent", f"agent={budget.agent}"):
            return "agent", budget.agent
        if self.scope == "global":
            return "global", ""
        [(scope, owner)] = read_pairs([self.scope or ""]).items()
        if scope == "agent":
            raise UsageError(f"The file is the budget of the agent {budget.agent}, and not of {shown(owner)}.")
        return scope, owner


def _which(rolling: bool) -> str:
    return " that rolls" if rolling else " of the calendar"


def _words(limit: Limit) -> str:
    whose = "" if limit.scope is None else f" --scope {limit.scope}"
    whose += "=..." if limit.scope not in (None, "agent", "global") else ""
    rolling = " --rolling" if limit.rolling else ""
    window = "--task ID" if limit.per == "task" else f"--per {limit.per}"
    return f"{window}{whose}{rolling} ({', '.join(limit.amounts())})"
