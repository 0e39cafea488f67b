"""Recorded runs sent through the plugins, each as its own model's."""

from __future__ import annotations

from leanloop.adapters.advice.case import Case
from leanloop.adapters.traces.replay import Replayed, Replayer, replayable
from leanloop.budgets.budget import Budget

__all__ = ["Replays", "shown_in_replay"]


class Replays:
    """Replays runs under one budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = shown_in_replay(budget)
        self._by_model: dict[str, Replayer] = {}

    def of(self, case: Case) -> Replayed:
        """What would have become of the run; its bill counts the provider's prefix caching.

        Raises:
            PriceUnknown: the budget has a limit in usd and the case's model has no price.
        """
        replayer = self._by_model.get(case.model)
        if replayer is None:
            replayer = self._by_model[case.model] = Replayer(self._budget, case.model)
        return replayer.replay(case.trace)


def shown_in_replay(budget: Budget) -> Budget:
    """The budget without what a replay cannot show: another model, or more thought, would have said something else."""
    # Within a recorded run the system prompt is one: where it changes, another run begins (`volatile_prompt`).
    prefix = budget.prefix.model_copy(update={"volatile": "warn"})
    choices = {"thinking": None, "routes": None, "scaffold": None, "experiment": None, "answers": (), "prefix": prefix}
    return replayable(budget)[0].model_copy(update=choices)
