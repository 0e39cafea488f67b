"""A few settings of one feature, tried on all runs. Which is taken is decided on other tasks than it is measured on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.folds import cross_fitted
from leanloop.adapters.advice.runs import Runs
from leanloop.budgets.budget import Budget

__all__ = ["Setting", "Trials", "Tried"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: what it puts into the budget file, the budget it makes, and its words in a note."""

    keys: Mapping[str, JsonValue]
    budget: Budget
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """A setting on all runs.

    Attributes:
        effects: by run, in the order of the cases.
        readbacks: calls that were put in, of all runs.
    """

    setting: Setting
    effects: Sequence[Effect] = ()
    readbacks: int = 0

    def told(self) -> str:
        """What it came to, on the very runs it may be chosen by."""
        before, after = sum(one.before for one in self.effects), sum(one.after for one in self.effects)
        used, missing = sum(one.used for one in self.effects), sum(one.missing for one in self.effects)
        share = 1 - after / before if before else 0.0
        saved = f"saves {share:.1%} of the bill" if share >= 0 else f"costs {-share:.1%} more"
        lost = f", {missing:,} of {used:,} used values lost" if used else ""
        return f"{self.setting.words} {saved}, {self.readbacks:,} calls read back{lost}."


class Trials:
    """Tries settings on runs.

    Attributes:
        folds: places of the runs to choose on, and of those to measure on; none where all runs are of one task.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        place = {id(case): number for number, case in enumerate(runs.cases)}
        self.folds = [
            ([place[id(case)] for case in fitted], [place[id(case)] for case in held_out])
            for fitted, held_out in cross_fitted(runs.cases, runs.terms.seed)
        ]

    def of(self, settings: Iterable[Setting]) -> list[Tried]:
        """All runs under each setting."""
        return [self._tried(setting) for setting in settings]

    def _tried(self, setting: Setting) -> Tried:
        readbacks = sum(one.readbacks for one in self._runs.under(setting.budget))
        return Tried(setting, self._runs.effects(setting.budget), readbacks)

    def best(self, settings: Sequence[Tried], places: Sequence[int] | None = None) -> Tried:
        """On the runs at these places, or all: the cheapest that loses no more than allowed, else what loses least."""
        runs = range(len(self._runs.cases)) if places is None else places

        def rank(one: Tried) -> tuple[float, int]:
            effects = [one.effects[place] for place in runs]
            lost = _lost(effects)
            return lost if lost > self._runs.terms.lose_at_most else 0.0, sum(effect.after for effect in effects)

        return min(settings, key=rank)


def _lost(effects: Sequence[Effect]) -> float:
    """The larger of two shares: of successes that were ended, and of used values that are out of reach."""
    counted = [effect for effect in effects if effect.success] or effects
    used = sum(effect.used for effect in effects)
    ended = sum(effect.ended for effect in counted) / len(counted)
    return max(ended, sum(effect.missing for effect in effects) / used if used else 0.0)
