"""Sums over replayed runs, in constant memory but for the stopped runs that are to be listed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from leanloop.adapters.traces.bad_lines import BadLines
from leanloop.adapters.traces.bill import Bill
from leanloop.adapters.traces.replay import Replayed
from leanloop.adapters.traces.trace import Trace, succeeded

__all__ = ["JUDGED", "Ending", "Judged", "Report", "StoppedRun"]

Judged = Literal["successful", "failed", "unknown"]
JUDGED: tuple[Judged, ...] = ("successful", "failed", "unknown")
"""What a run had come to; ``unknown`` where the record does not say."""


class Ending(NamedTuple):
    """How runs ended: ``completed``, ``told``, ``landed: tokens``, ``raised: usd`` ... by what they had come to."""

    judged: Judged
    how: str


class StoppedRun(NamedTuple):
    """A run that would have been stopped: at which of its model calls, why, and what it had come to."""

    id: str
    at_call: int
    calls: int
    outcome: str
    why: str
    reason: str
    reward: float | None


@dataclass(slots=True)
class Report:
    """What became of many runs.

    Attributes:
        keep: how many stopped runs are listed; None for all.
        bare: the calls as recorded.
        budgeted: as made under the budget, where the provider caches prefixes.
        budgeted_uncached: the same where it does not; another count of calls only under a limit in usd.
        moved: runs that end otherwise where the provider does not cache.
        readbacks, used, missing: see `leanloop.adapters.traces.replay.Replayed`.
        bad: lines that are no runs.
    """

    keep: int | None = 20
    runs: int = 0
    stopped_runs: int = 0
    moved: int = 0
    readbacks: int = 0
    used: int = 0
    missing: int = 0
    bare: Bill = field(default_factory=Bill)
    budgeted: Bill = field(default_factory=Bill)
    budgeted_uncached: Bill = field(default_factory=Bill)
    endings: Counter[Ending] = field(default_factory=Counter[Ending])
    stopped: list[StoppedRun] = field(default_factory=list[StoppedRun])
    bad: BadLines = field(default_factory=BadLines)

    def add(self, trace: Trace, replayed: Replayed, uncached: Replayed) -> None:
        """Add one run: how it went with prefix caching, and without."""
        self.runs += 1
        self.bare += replayed.bare
        self.budgeted += replayed.budgeted
        self.budgeted_uncached += uncached.budgeted
        self.moved += (replayed.outcome, replayed.at_call) != (uncached.outcome, uncached.at_call)
        self.readbacks += replayed.readbacks
        self.used += replayed.used
        self.missing += replayed.missing
        how = f"{replayed.outcome}: {replayed.why}" if replayed.why else replayed.outcome
        success = succeeded(trace)
        self.endings[Ending("unknown" if success is None else "successful" if success else "failed", how)] += 1
        if replayed.at_call is not None and replayed.why is not None:
            self.stopped_runs += 1
            if self.keep is None or len(self.stopped) < self.keep:
                self.stopped.append(
                    StoppedRun(
                        trace.id,
                        replayed.at_call,
                        replayed.bare.calls,
                        replayed.outcome,
                        replayed.why,
                        replayed.reason or "",
                        trace.reward,
                    )
                )
