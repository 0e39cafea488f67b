"""What a budget says of its experiment, in words."""

from __future__ import annotations

from leanloop.budgets.budget import Budget

__all__ = ["rows_of_experiment"]


def rows_of_experiment(budget: Budget) -> list[tuple[str | None, str, str]]:
    """Key of the file, what it is about, what holds."""
    rules = budget.experiment
    if rules is None:
        return []
    who = "tasks" if rules.by is None else f"the tasks of each {rules.by}, all in the same way,"
    ends = "all go the better way" if rules.ends else "it is said"
    sure = (
        f"that scores fall or rise by more than {rules.lose_at_most * 100:.4g} points, or that it costs less without "
        f"such a fall, {ends}; it takes {rules.least:,} scored tasks each way"
    )
    return [
        ("experiment", f"with {rules.of}", f"{rules.share * 100:.4g} % of {who} run with it, the others without"),
        ("experiment", "once it is sure", sure),
    ]
