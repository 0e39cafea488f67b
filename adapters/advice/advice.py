"""Tries every feature on recorded runs and puts what pays into one budget file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Feature, Unmeasured
from leanloop.adapters.advice.features import FEATURES
from leanloop.adapters.advice.ranking import ranked
from leanloop.adapters.advice.recorded import against_the_record
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.advice.together import Together, put_together
from leanloop.adapters.traces.trace import succeeded
from leanloop.budgets.fields import shown
from leanloop.budgets.price_book import price_book
from leanloop.budgets.prices import PriceBook

__all__ = ["Advice", "advise"]

_NAMED = 3
"""Models without a price that are named."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What to switch on, and what was found on the way.

    Attributes:
        runs, tasks, successes, failures: what it was measured on; of the rest nobody said what they came to.
        models: whose calls they were taken to be.
        together: the changes in their order, and the file.
        unmeasured: features of which these runs say nothing.
        notes: about the runs.
    """

    runs: int
    tasks: int
    successes: int
    failures: int
    models: tuple[str, ...]
    together: Together
    unmeasured: tuple[Unmeasured, ...]
    notes: tuple[str, ...]


def advise(
    cases: Sequence[Case],
    terms: Terms,
    own: Mapping[str, object] | None = None,
    features: Sequence[Feature] = FEATURES,
    progress: Callable[[str], None] = lambda _: None,
) -> Advice:
    """Try every feature on the runs.

    Args:
        cases: the runs; those of models without a price are left out, which is said.
        terms: what holds for all features.
        own: the file the terms' budget was read from, as plain values; None for a new one.
        features: what to try.
        progress: is told the name of each feature before it is tried.
    """
    prices = price_book(terms.budget)
    priced = [case for case in cases if prices.knows(case.model)]
    notes: list[str] = []
    if len(priced) < len(cases):
        names = ", ".join(sorted({case.model for case in cases if not prices.knows(case.model)}))
        notes.append(
            f"{len(cases) - len(priced):,} runs were left out: no price is known for {names}. Name it under prices in "
            "the file given with --budget, or say with --model whose prices to take."
        )
    runs = Runs(priced, terms)
    notes += _taken_for_others(priced, prices)
    changes: list[Change] = []
    unmeasured: list[Unmeasured] = []
    for feature in features if priced else ():
        progress(feature.__name__.replace("_", " "))
        found = feature(runs)
        if isinstance(found, Unmeasured):
            unmeasured.append(found)
        else:
            changes.append(found)
    progress("all together")
    judged = [succeeded(case.trace) for case in priced]
    if priced and (bills := against_the_record(runs)):
        notes.append(bills)
    if priced and True not in judged:
        notes.append(
            "No run is known to be a success, so each counts as one where losses are counted. A record says what a run "
            "was worth by its reward, 1 being a success, or its exit status (see docs/replay.md)."
        )
    return Advice(
        runs=len(priced),
        tasks=len({case.group for case in priced}),
        successes=judged.count(True),
        failures=judged.count(False),
        models=tuple(sorted({case.model for case in priced})),
        together=put_together(own, ranked(changes, terms), runs),
        unmeasured=tuple(unmeasured),
        notes=tuple(notes),
    )


def _taken_for_others(cases: Sequence[Case], prices: PriceBook) -> Iterator[str]:
    """Which runs are priced as another model's than the record names, since that has no price."""
    taken: dict[str, Counter[str]] = {}
    for case in cases:
        named = {call.model for call in case.trace.calls if call.model}
        if named and not any(map(prices.knows, named)):
            taken.setdefault(case.model, Counter()).update(named)
    for model, count in taken.items():
        names = ", ".join(shown(name) for name, _ in count.most_common(_NAMED))
        more = f" and {len(count) - _NAMED:,} more" if len(count) > _NAMED else ""
        yield (
            f"Runs of {names}{more}, of which no price is known, are taken for {model}'s: name their prices under "
            "prices in the file given with --budget."
        )
