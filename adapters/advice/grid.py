"""A few settings of one feature, tried on all runs. Which is taken is decided on other tasks than it is measured on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Effect
from leanloop.adapters.advice.folds import cross_fitted
from leanloop.adapters.advice.replays import Replays, effect_between
from leanloop.budgets.budget import Budget

__all__ = ["Setting", "Tried", "chosen", "tried"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: what it puts into the budget file, the budget it makes, and its words in a note."""

    keys: Mapping[str, JsonValue]
    budget: Budget
    words: str


@dataclass(slots=True)
class Tried:
    """A setting on all runs.

    Attributes:
        effects: by run, in the order of the cases.
        readbacks: calls that were put in, of all runs.
    """

    setting: Setting
    effects: list[Effect] = field(default_factory=list[Effect])
    readbacks: int = 0

    def told(self) -> str:
        """What it came to, on the very runs it may be chosen by."""
        before, after = sum(one.before for one in self.effects), sum(one.after for one in self.effects)
        used, missing = sum(one.used for one in self.effects), sum(one.missing for one in self.effects)
        share = 1 - after / before if before else 0.0
        saved = f"saves {share:.1%} of the bill" if share >= 0 else f"costs {-share:.1%} more"
        lost = f", {missing:,} of {used:,} used values lost" if used else ""
        return f"{self.setting.words} {saved}, {self.readbacks:,} calls read back{lost}."


def tried(cases: Sequence[Case], settings: Iterable[Setting], terms: Terms) -> list[Tried]:
    """Replay all runs under each setting, one after the other: an agent's habits are learnt from its runs before."""
    before = Replays(terms.budget)
    found = [(Tried(setting), Replays(setting.budget)) for setting in settings]
    for case in cases:
        bare = before.of(case)
        for one, replays in found:
            replayed = replays.of(case)
            one.effects.append(effect_between(case, bare, replayed))
            one.readbacks += replayed.readbacks
    return [one for one, _ in found]


def chosen(cases: Sequence[Case], settings: Sequence[Tried], terms: Terms) -> tuple[Tried, list[Effect]] | None:
    """The setting that is best on all runs, and the effect on each run of the one that is best on other tasks.

    None where all runs are of one task, so that there are no others.
    """
    place = {id(case): number for number, case in enumerate(cases)}
    effects: list[Effect] = []
    for fitted, held_out in cross_fitted(cases, terms.seed):
        best = _best(settings, [place[id(case)] for case in fitted], terms)
        effects += [best.effects[place[id(case)]] for case in held_out]
    return (_best(settings, range(len(cases)), terms), effects) if effects else None


def _best(settings: Sequence[Tried], places: Iterable[int], terms: Terms) -> Tried:
    """The cheapest of those that lose no more than allowed; where all do, the one that loses least. Else the first."""
    runs = list(places)

    def rank(one: Tried) -> tuple[float, int]:
        effects = [one.effects[place] for place in runs]
        lost = _lost(effects)
        return lost if lost > terms.lose_at_most else 0.0, sum(effect.after for effect in effects)

    return min(settings, key=rank)


def _lost(effects: Sequence[Effect]) -> float:
    """The larger of two shares: of successes that were ended, and of used values that are out of reach."""
    counted = [effect for effect in effects if effect.success] or effects
    used = sum(effect.used for effect in effects)
    ended = sum(effect.ended for effect in counted) / len(counted)
    return max(ended, sum(effect.missing for effect in effects) / used if used else 0.0)
