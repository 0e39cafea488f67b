"""All that is advised in one file, replayed as one: savings overlap, so their sum would promise too much.

Changes are added in their order. One with which the file would lose more than is allowed, or cost more than without,
is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from leanloop.adapters.advice.bare import ON_BY_DEFAULT, bare_tree
from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Effect
from leanloop.adapters.advice.prefix_caching import is_cached
from leanloop.adapters.advice.ranking import Ranked, doubts
from leanloop.adapters.advice.replays import Replays, effect_between, shown_in_replay
from leanloop.adapters.advice.saving import Saving, saving_of
from leanloop.adapters.advice.tree import budget_of, changed
from leanloop.adapters.traces.replay import Replayed
from leanloop.budgets.budget import Budget

__all__ = ["Together", "put_together"]

_NOTHING = 0.005
"""Of the bill: a guard that costs less is not switched off for it."""


@dataclass(frozen=True, slots=True)
class Together:
    """One file, and what it makes of the runs.

    Attributes:
        tree: the file, as plain values.
        ranked: all changes in their order; what was left out beside others is advised no more, and says why.
        unseen: features in the file that a replay cannot show: they are not in `saving`.
        saving: what the file makes of all runs; None where nothing in it can be replayed. What was fitted to runs was
            fitted to these.
    """

    tree: Mapping[str, object]
    ranked: tuple[Ranked, ...]
    unseen: tuple[str, ...]
    saving: Saving | None

    @property
    def taken(self) -> tuple[Ranked, ...]:
        """The changes that are in the file."""
        return tuple(one for one in self.ranked if one.advised)


def put_together(tree: Mapping[str, object], ranked: Sequence[Ranked], cases: Sequence[Case], terms: Terms) -> Together:
    """Lay what is advised over a file, one change after the other."""
    before = _replayed(cases, terms.budget)
    told: list[Ranked] = []
    unseen: list[str] = []
    saving: Saving | None = None
    for one in ranked:
        if not one.advised:
            told.append(one)
            continue
        with_it = changed(tree, [one.change.keys])
        new = budget_of(with_it)
        if not _is_seen(one.change, terms.budget, new):
            unseen.append(one.change.feature)
        else:
            whole = _saving(cases, before, new, terms)
            against = _against(whole, saving, terms)
            if against:
                told.append(replace(one, against=against, alone=True))
                continue
            saving = whole
        tree = with_it
        told.append(one)
    file = _with_defaults(tree, told)
    if saving is not None and file != tree:
        saving = _saving(cases, before, budget_of(file), terms)
    return Together(file, tuple(told), tuple(unseen), saving)


def _is_seen(change: Change, before: Budget, after: Budget) -> bool:
    """Whether a replay shows what it does."""
    old, new = shown_in_replay(before), shown_in_replay(after)
    return any(getattr(old, key) != getattr(new, key) for key in change.keys)


def _with_defaults(tree: Mapping[str, object], ranked: Sequence[Ranked]) -> dict[str, object]:
    """The file without its switches that are off, unless what they switch does harm on these runs."""
    harmful = {key for one in ranked if not one.advised and _does_harm(one.saving) for key in one.change.keys}
    off = bare_tree("")
    return {
        key: value for key, value in tree.items() if key not in ON_BY_DEFAULT or key in harmful or value != off[key]
    }


def _does_harm(saving: Saving) -> bool:
    return bool(saving.losses.lost or saving.missing) or saving.share.estimate < -_NOTHING


def _against(whole: Saving, before: Saving | None, terms: Terms) -> tuple[str, ...]:
    """Why a change is not added to those before it; the first was weighed by itself."""
    if before is None:
        return ()
    found = [f"with what is advised above it: {doubt}" for doubt in doubts(whole, terms.lose_at_most)]
    if whole.after >= before.after:
        found.append("it saves nothing beyond what is advised above it")
    return tuple(found)


_Bill = tuple[Replayed, int]


def _replayed(cases: Sequence[Case], budget: Budget) -> list[_Bill]:
    replays = Replays(budget)
    return [(found := replays.of(case), _cost(case, found, budget)) for case in cases]


def _cost(case: Case, replayed: Replayed, budget: Budget) -> int:
    bill = replayed.budgeted
    return (bill.cached if is_cached(case, budget) else bill.uncached) or 0


def _saving(cases: Sequence[Case], before: Sequence[_Bill], budget: Budget, terms: Terms) -> Saving:
    effects: list[Effect] = []
    for case, (old, cost), (new, now) in zip(cases, before, _replayed(cases, budget), strict=True):
        effects.append(replace(effect_between(case, old, new), before=cost, after=now))
    return saving_of(Change("together", {}, effects, how=""), terms.seed)
