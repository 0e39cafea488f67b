"""Recorded runs and what budgets would have made of them, each budget replayed once for all features that try it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.effect import Effect, effect_between
from leanloop.adapters.advice.replays import Replays, shown_in_replay
from leanloop.adapters.traces.replay import Replayed
from leanloop.budgets.budget import Budget

__all__ = ["Runs"]

_HELD = 50_000
"""Replays that are kept for a budget that is tried again, of all budgets together: some 50 MB."""


class Runs:
    """Runs that features are tried on.

    Attributes:
        cases: the runs.
        terms: what holds for all features.
    """

    def __init__(self, cases: Sequence[Case], terms: Terms) -> None:
        self.cases = cases
        self.terms = terms
        self._known: list[tuple[Budget, list[Replayed]]] = []

    @cached_property
    def before(self) -> list[Replayed]:
        """What becomes of each run with what the user's budget has on."""
        return self._replayed(self.terms.budget)

    def under(self, budget: Budget) -> list[Replayed]:
        """What would have become of each run, one after the other: an agent's habits are learnt from those before.

        Raises:
            PriceUnknown: the budget has a limit in usd and a run's model has no price.
        """
        shown = shown_in_replay(budget)
        if shown == shown_in_replay(self.terms.budget):
            return self.before
        found = next((replayed for known, replayed in self._known if known == shown), None)
        if found is None:
            found = self._replayed(budget)
            self._known.append((shown, found))
            if sum(len(replayed) for _, replayed in self._known) > _HELD:
                del self._known[0]
        return found

    def effects(self, budget: Budget) -> list[Effect]:
        """What lies between the user's budget and this one, of each run."""
        replayed = zip(self.cases, self.before, self.under(budget), strict=True)
        return [effect_between(*one) for one in replayed]

    def _replayed(self, budget: Budget) -> list[Replayed]:
        replays = Replays(budget)
        return [replays.of(case) for case in self.cases]
