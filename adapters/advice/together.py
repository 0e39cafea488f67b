"""All that is advised in one file, replayed as one: savings overlap, so their sum would promise too much.

Changes are added in their order. One with which the file would lose more than is allowed, or cost more than without,
is left out. In a new file what is on by default is left on where that does no harm to what was added; and a guard that
would be advised by itself, where it only costs a little beside the others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from leanloop.adapters.advice.bare import ON_BY_DEFAULT, bare_tree
from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change
from leanloop.adapters.advice.prefix_caching import is_cached
from leanloop.adapters.advice.ranking import Ranked, doubts
from leanloop.adapters.advice.replays import shown_in_replay
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.advice.saving import Saving, saving_of
from leanloop.adapters.advice.tree import budget_of, changed
from leanloop.adapters.traces.replay import Replayed
from leanloop.budgets.budget import Budget
from leanloop.budgets.price_book import price_book
from leanloop.plugins.shorten.json_read import is_object

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


def put_together(own: Mapping[str, object] | None, ranked: Sequence[Ranked], runs: Runs) -> Together:
    """Lay what is advised over a file, one change after the other; `own` is the user's, None for a new one."""
    terms = runs.terms
    tree = dict(own) if own is not None else bare_tree(terms.budget.agent)
    told: list[Ranked] = []
    unseen: list[str] = []
    saving: Saving | None = None
    for one in ranked:
        if not one.advised:
            told.append(one)
            continue
        with_it = changed(tree, [one.change.keys])
        if with_it == tree:
            told.append(replace(one, against=("it is in the file already, with what is advised above it",), alone=True))
            continue
        against = _without_a_price(budget_of(with_it))
        if not against and _is_seen(one.change, terms.budget, budget_of(with_it)):
            whole = _saving(runs, with_it)
            against = _against(whole, saving, terms)
            saving = saving if against else whole
        elif not against:
            unseen.append(one.change.feature)
        if against:
            told.append(replace(one, against=against, alone=True))
            continue
        tree = with_it
        told.append(one)
    if own is None:
        guards = [one.change.keys for one in told if one.alone]
        tree, saving = _with_defaults(tree, saving, runs, {key for keys in guards if len(keys) == 1 for key in keys})
    return Together(tree, tuple(told), tuple(unseen), saving)


def _is_seen(change: Change, before: Budget, after: Budget) -> bool:
    """Whether a replay shows what it does."""
    old, new = shown_in_replay(before), shown_in_replay(after)
    return any(getattr(old, key) != getattr(new, key) for key in change.keys)


def _without_a_price(budget: Budget) -> tuple[str, ...]:
    """The models that a file with a limit in dollars may not name, since they have no price."""
    if budget.routes is None or not any(limit.usd is not None for limit in budget.limits):
        return ()
    prices = price_book(budget)
    return tuple(
        f"beside a limit in dollars {model} needs a price: name it under prices"
        for model in budget.routes.models
        if not prices.knows(model)
    )


def _against(whole: Saving, before: Saving | None, terms: Terms) -> tuple[str, ...]:
    """Why a change is not added to those before it; the first was weighed by itself."""
    if before is None:
        return ()
    found = [f"with what is advised above it: {doubt}" for doubt in doubts(whole, terms.lose_at_most)]
    if whole.after >= before.after:
        found.append("it saves nothing beyond what is advised above it")
    return tuple(found)


def _with_defaults(
    tree: dict[str, object], saving: Saving | None, runs: Runs, alone: Collection[str]
) -> tuple[dict[str, object], Saving | None]:
    """The file without those of its switches that are off and do as well at their default; of the keys that are
    advised `alone`, without those that lose nothing and leave the bill below what it was.
    """
    now = saving if saving is not None else _saving(runs, tree)
    for key in ON_BY_DEFAULT:
        without = _without(tree, key, bare_tree("")[key])
        if without == tree:
            continue
        whole = _saving(runs, without)
        harm = whole.losses.share > now.losses.share or whole.missing > now.missing
        most = whole.before if key in alone else now.after * (1 + _NOTHING)
        if not harm and whole.after <= most:
            tree, now = without, whole
    return tree, now if saving is not None else None


def _without(tree: Mapping[str, object], key: str, off: object) -> dict[str, object]:
    """The file without a switch that is off, by itself or in a mapping of the key."""
    value = tree[key]
    rest: object = None if value == off else value
    if is_object(value) and is_object(off):
        rest = {name: one for name, one in value.items() if off.get(name) != one}
    return {name: rest if name == key else one for name, one in tree.items() if name != key or rest}


def _saving(runs: Runs, tree: Mapping[str, object]) -> Saving:
    """What the file makes of the runs as they are without the changes."""
    before, after = runs.terms.budget, budget_of(tree)
    effects = [
        replace(effect, before=_cost(case, old, before), after=_cost(case, new, after))
        for case, effect, old, new in zip(runs.cases, runs.effects(after), runs.before, runs.under(after), strict=True)
    ]
    return saving_of(Change("together", {}, effects, how=""), runs.terms.seed)


def _cost(case: Case, replayed: Replayed, budget: Budget) -> int:
    bill = replayed.budgeted
    return (bill.cached if is_cached(case, budget) else bill.uncached) or 0
