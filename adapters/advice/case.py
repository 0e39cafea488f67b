"""Recorded runs as they are advised on, and the terms under which features are tried on them."""

from __future__ import annotations

from dataclasses import dataclass, field

from leanloop.adapters.traces.trace import Trace
from leanloop.budgets.budget import Budget
from leanloop.plugins.trial.labelled import Labelled

__all__ = ["Case", "Terms"]


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded run.

    Attributes:
        trace: the run.
        model: whose tokens and prices its calls are: the record's where it names one that has a price.
        group: runs of one task share it (they begin with the same words); they are no independent witnesses.
    """

    trace: Trace
    model: str
    group: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every feature that is tried.

    Attributes:
        budget: the user's own file, or one that has nothing switched on; its prices are used, and what it already
            switches on is on before and after.
        lose_at_most: share of the successes that a change may cost and still be advised.
        labelled: what settings of models were worth on the user's questions, where there are such rows.
        seed: of everything that is drawn.
    """

    budget: Budget
    lose_at_most: float = 0.01
    labelled: tuple[Labelled, ...] = field(default=())
    seed: int = 0
