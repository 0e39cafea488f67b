"""Tasks that were run with several models: what the cheaper one spares on the same tasks, and what it loses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import NamedTuple

from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.prefix_caching import is_cached
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.traces.trace import succeeded
from leanloop.plugins.trial.bounds import CONFIDENCE, Differences, least_pairs

__all__ = ["paired_runs"]


class _Judged(NamedTuple):
    """The judged runs of one task with one model: the mean cost in nano-dollars, and the share that succeeded."""

    cost: float
    right: float


class _Pair(NamedTuple):
    """Tasks that both models have run, each with the runs of the cheaper one and those of the dearer."""

    cheap: str
    dear: str
    tasks: Mapping[str, tuple[_Judged, _Judged]]

    @property
    def saved(self) -> float:
        """Nano-dollars."""
        return sum(dear.cost - cheap.cost for cheap, dear in self.tasks.values())


def paired_runs(feature: str, runs: Runs) -> Change | Unmeasured | None:
    """All calls with a cheaper model, where both have run the same tasks; None where no task was judged with two.

    The dearer model of a pair is the one most runs are of; of as many, the one whose runs cost more.
    """
    terms = runs.terms
    pairs = list(_pairs(runs))
    if not pairs:
        return None
    confidence = 1 - (1 - CONFIDENCE) / len(pairs)
    held: list[tuple[_Pair, tuple[float, float]]] = []
    notes: list[str] = []
    for pair in pairs:
        right = fmean(dear.right for _, dear in pair.tasks.values())
        lost = Differences.between((dear.right, cheap.right) for cheap, dear in pair.tasks.values())
        if pair.saved <= 0:
            notes.append(f"{pair.cheap} costs no less than {pair.dear} on the {lost.of:,} tasks that both have run.")
            continue
        if not right:
            notes.append(f"{pair.dear} succeeded in none of the {lost.of:,} tasks that {pair.cheap} has run too.")
            continue
        share, most = max(0.0, lost.mean) / right, lost.most(confidence) / right
        notes.append(
            f"{pair.cheap} in place of {pair.dear} on {lost.of:,} tasks that both have run: {_saved(pair):.1%} saved, "
            f"{share:.1%} of the successes lost, at most {most:.1%} at 95 % confidence."
        )
        if most <= terms.lose_at_most:
            held.append((pair, (share, most)))
    if not held:
        least = least_pairs(terms.lose_at_most) if 0 < terms.lose_at_most < 1 else None
        why = f"no cheaper model is sure to lose at most {terms.lose_at_most:.3g} of the successes"
        if least is not None:
            why += f"; without any difference that takes {least:,} tasks run with both"
        return Unmeasured(feature, why, tuple(notes))
    best, losses = max(held, key=lambda one: one[0].saved)
    effects = [Effect(group, round(dear.cost), round(cheap.cost)) for group, (cheap, dear) in best.tasks.items()]
    how = (
        f"The same tasks were run with {best.cheap} and with {best.dear}, and judged: their mean costs and successes "
        "are compared task by task. What later calls of a run would have been with the other model is in that."
    )
    return Change(feature, {"routes": {"frontier": best.cheap}}, effects, how, tuple(notes), losses)


def _pairs(runs: Runs) -> Iterator[_Pair]:
    by_model: dict[str, dict[str, list[tuple[int, bool]]]] = {}
    for case, replayed in zip(runs.cases, runs.before, strict=True):
        right = succeeded(case.trace)
        if right is not None:
            bill = replayed.budgeted
            cost = (bill.cached if is_cached(case, runs.terms.budget) else bill.uncached) or 0
            by_model.setdefault(case.model, {}).setdefault(case.group, []).append((cost, right))
    if len(by_model) < 2:
        return
    by_task = {
        model: {
            group: _Judged(fmean(one[0] for one in each), fmean(one[1] for one in each)) for group, each in of.items()
        }
        for model, of in by_model.items()
    }
    bills = {model: [cost for each in of.values() for cost, _ in each] for model, of in by_model.items()}
    dear = max(bills, key=lambda model: (len(bills[model]), sum(bills[model]), model))
    for cheap in sorted(by_task):
        its = by_task[cheap]
        shared = {group: (its[group], others) for group, others in by_task[dear].items() if group in its}
        if cheap != dear and shared and cheap.isprintable() and cheap == cheap.strip():  # a file can name it
            yield _Pair(cheap, dear, shared)


def _saved(pair: _Pair) -> float:
    return pair.saved / max(1.0, sum(dear.cost for _, dear in pair.tasks.values()))
