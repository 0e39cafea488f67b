"""Replays of runs under many limits of one resource, with as few replays as will do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from leanloop.adapters.advice.case import Case
from leanloop.adapters.advice.effect import Effect, effect_between
from leanloop.adapters.advice.folds import cross_fitted
from leanloop.adapters.advice.replays import Replays
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.traces.replay import Replayed
from leanloop.adapters.traces.trace import succeeded
from leanloop.budgets.fields import MOST
from leanloop.budgets.limit import Limit
from leanloop.budgets.money import from_nano

__all__ = ["Candidate", "LimitTrial", "Resource"]

Resource = Literal["usd", "tokens"]

_DIGITS = 3
"""Of a limit, rounded up: a fourth would say more than the runs do."""


class Candidate(NamedTuple):
    """How a limit is fitted: this percentile of what successes came to, times `room`."""

    percentile: int
    room: float = 1.0

    def of(self, costs: Sequence[int]) -> int:
        """The least amount that so many of a hundred of these do not exceed, with room."""
        exact = sorted(costs)[math.ceil(self.percentile / 100 * len(costs)) - 1] * self.room
        step = int(10 ** max(0, len(str(int(exact))) - _DIGITS))
        return min(MOST, max(1, math.ceil(exact / step) * step))


class LimitTrial:
    """Runs under limits of one resource. A run that ends under one is taken to end under every tighter one.

    Attributes:
        resource: nano-dollars or tokens.
        judged: whether any run is known to be a success; where none is, each counts as one.
    """

    def __init__(self, runs: Runs, resource: Resource) -> None:
        self.resource: Resource = resource
        self.judged = any(succeeded(case.trace) for case in runs.cases)
        self._terms = runs.terms
        self._before: dict[int, Replayed] = {
            id(case): replayed for case, replayed in zip(runs.cases, runs.before, strict=True)
        }
        self._under: dict[int, Replays] = {}
        self._after: dict[tuple[int, int], Replayed] = {}
        self._known: dict[int, tuple[int, float]] = {}  # the widest limit that ended it, the tightest that did not

    def named(self, candidate: Candidate) -> str:
        """What it is a percentile of."""
        what = "success" if self.judged else "run"
        more = f" and {candidate.room - 1:.0%} more" if candidate.room > 1 else ""
        if candidate.percentile < 100:
            return f"the {candidate.percentile}th percentile of {what}{'es' if self.judged else 's'}{more}"
        return f"the dearest {what}{more}"

    def bill(self, cases: Sequence[Case]) -> int:
        """Nano-dollars without a limit."""
        return sum(self._before[id(case)].budgeted.cached or 0 for case in cases)

    def tokens(self, case: Case) -> int:
        """Tokens without a limit."""
        return self._before[id(case)].budgeted.usage.total

    def tokens_under(self, case: Case, limit: int) -> int:
        """Tokens under one."""
        return self._replayed(case, limit).budgeted.usage.total

    def limit(self, candidate: Candidate, cases: Sequence[Case]) -> int:
        """The candidate fitted to these runs."""
        counted = [case for case in cases if succeeded(case.trace)] or cases
        if self.resource == "tokens":
            return candidate.of([self.tokens(case) for case in counted])
        return candidate.of([self.bill([case]) for case in counted])

    def effect(self, case: Case, limit: int) -> Effect:
        """What the limit makes of a run."""
        return effect_between(case, self._before[id(case)], self._replayed(case, limit))

    def tightest(self, candidates: Sequence[Candidate], cases: Sequence[Case]) -> tuple[Candidate, bool]:
        """The tightest that loses no more of these runs than allowed, whether it is fitted to all of them or to a part
        and tried on the others; where none does the widest, and False.
        """
        ordered = sorted(candidates, key=lambda one: self.limit(one, cases))
        most = self._terms.lose_at_most
        for candidate in ordered:
            parts = [(cases, cases)], cross_fitted(cases, self._terms.seed)
            if all(self._lost(candidate, part) <= most for part in parts):
                return candidate, True
        return ordered[-1], False

    def _lost(self, candidate: Candidate, parts: Iterable[tuple[Sequence[Case], Sequence[Case]]]) -> float:
        """The share of successes it loses: fitted to the first of each pair, tried on the second."""
        lost = of = 0
        for fitted, held_out in parts:
            limit = self.limit(candidate, fitted)
            counted = [case for case in held_out if succeeded(case.trace) or not self.judged]
            lost += sum(self._ends(case, limit) for case in counted)
            of += len(counted)
        return lost / of if of else 1.0

    def _ends(self, case: Case, limit: int) -> bool:
        ends, goes_on = self._known.get(id(case), (0, math.inf))
        if ends < limit < goes_on:
            ended = self.effect(case, limit).ended
            ends, goes_on = (limit, goes_on) if ended else (ends, limit)
            self._known[id(case)] = ends, goes_on
        return limit <= ends

    def _replayed(self, case: Case, limit: int) -> Replayed:
        found = self._after.get((id(case), limit))
        if found is None:
            if limit not in self._under:
                own = Limit(tokens=limit) if self.resource == "tokens" else Limit(usd=from_nano(limit))
                self._under[limit] = Replays(self._terms.budget.with_limits(own))
            found = self._after[id(case), limit] = self._under[limit].of(case)
        return found
