"""How segments of traffic fare: how often their calls go up, and how well they go, each against all the others.

A router whose total looks right may send the questions of some people to the cheap model and lose there. A gap counts
as one where it would be found by chance in one report in twenty at most, all segments and both measures together:
Holm's correction (Scand. J. Stat. 6, 1979) of score tests for two shares. Segments of fewer than `LEAST` decisions are
merged with the others of their kind that are as small.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

from leanloop.budgets.degrade_step import EFFORTS
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.trial.bounds import Interval, share_interval
from leanloop.plugins.trial.net_savings import Sum

__all__ = ["LEAST", "SMALL", "Segment", "segments_in"]

LEAST = 30
"""Decisions of a segment that is looked at by itself."""

SMALL = "(small ones)"
"""What those below are shown as, together."""

_ALPHA = 0.05
_NORMAL = NormalDist()


@dataclass(slots=True)
class Segment:
    """One segment, such as the language ``de``.

    Attributes:
        of, value: which kind of segment, and which one.
        decided: decisions.
        up: those that went up: made with the dearest setting, at once or after a cheaper answer was not taken.
        scores: of those whose outcome was said.
        saved: nano-dollars, where known.
        up_p, score_p: how likely so great a gap to the others is by chance, corrected for all that were looked at; None
            where there are too few.
    """

    of: str
    value: str
    decided: int = 0
    up: int = 0
    scores: Sum = field(default_factory=Sum)
    saved: Sum = field(default_factory=Sum)
    up_p: float | None = None
    score_p: float | None = None

    def add(self, one: Decision, *, up: bool) -> None:
        """Count one more."""
        self.decided += 1
        self.up += up
        if one.score is not None:
            self.scores.add(one.score)
        if one.cost is not None and one.other_cost is not None:
            self.saved.add(one.other_cost - one.cost)

    def merge(self, other: Segment) -> None:
        """Count all of another as of this one."""
        self.decided += other.decided
        self.up += other.up
        for mine, theirs in ((self.scores, other.scores), (self.saved, other.saved)):
            mine.count += theirs.count
            mine.total += theirs.total
            mine.squares += theirs.squares

    @property
    def escalation(self) -> Interval:
        """The share that went up."""
        return share_interval(self.up, self.decided)

    @property
    def success(self) -> Interval:
        """The mean score of those whose outcome was said."""
        return share_interval(self.scores.total, self.scores.count)

    @property
    def stands_out(self) -> bool:
        """Whether one of its gaps is significant."""
        return any(p is not None and p <= _ALPHA for p in (self.up_p, self.score_p))


def segments_in(decisions: Iterable[Decision], kinds: Sequence[str] = ()) -> list[Segment]:
    """The segments of each kind, the most frequent first.

    Args:
        decisions: those of an experiment's arms are left out.
        kinds: ``language``, ``length``, ``hour``, ``tag:NAME``; by default all that there are.
    """
    wholes: dict[str, Segment] = {}
    found: dict[tuple[str, str], Segment] = {}
    each = [one for one in decisions if one.by != "experiment"]
    dearest = _dearest(each)
    for one in each:
        up = one.escalated or (one.agent, one.by, one.setting) in dearest
        for kind, value in one.segments.items():
            if not kinds or kind in kinds:
                wholes.setdefault(kind, Segment(kind, "")).add(one, up=up)
                found.setdefault((kind, value), Segment(kind, value)).add(one, up=up)
    merged = _merged(found.values())
    _test(merged, wholes)
    return sorted(merged, key=lambda one: (one.of, one.value == SMALL, -one.decided, one.value))


def _dearest(decisions: Iterable[Decision]) -> set[tuple[str, str, str]]:
    """The setting that each agent's calls go up to, by plugin: the most thinking, else that whose calls cost most."""
    ranks: dict[tuple[str, str], dict[str, Sum]] = {}
    for one in decisions:
        rank = ranks.setdefault((one.agent, one.by), {}).setdefault(one.setting, Sum())
        if one.by == "thinking":
            effort = Setting.read(one.setting).effort
            rank.add(-1 if effort is None else EFFORTS.index(effort))
        elif one.cost is not None and not one.escalated:  # else it is the cost of two settings
            rank.add(one.cost)
    return {(*whose, max(by, key=lambda name: by[name].mean)) for whose, by in ranks.items() if len(by) > 1}


def _merged(segments: Iterable[Segment]) -> list[Segment]:
    kept: list[Segment] = []
    small: dict[str, Segment] = {}
    for one in segments:
        if one.decided >= LEAST:
            kept.append(one)
        else:
            small.setdefault(one.of, Segment(one.of, SMALL)).merge(one)
    return [*kept, *small.values()]


def _test(segments: Sequence[Segment], wholes: dict[str, Segment]) -> None:
    """Each against the others of its kind; Holm's step-down over all of them."""
    tests: list[tuple[float, Segment, bool]] = []
    for one in segments:
        whole = wholes[one.of]
        if one.value == SMALL or one.decided < LEAST or whole.decided - one.decided < LEAST:
            continue
        tests.append((_two_shares(one.up, one.decided, whole.up, whole.decided), one, True))
        mine, all_of = one.scores, whole.scores
        if mine.count >= LEAST and all_of.count - mine.count >= LEAST:
            tests.append((_two_shares(mine.total, mine.count, all_of.total, all_of.count), one, False))
    corrected = 0.0
    for place, (p, one, is_up) in enumerate(sorted(tests, key=lambda test: test[0])):
        corrected = min(1.0, max(corrected, (len(tests) - place) * p))
        if is_up:
            one.up_p = corrected
        else:
            one.score_p = corrected


def _two_shares(part: float, of: int, whole: float, of_whole: int) -> float:
    """How likely the shares of a part and of the rest are so far apart by chance (score test, two-sided)."""
    rest, of_rest = whole - part, of_whole - of
    share = whole / of_whole
    variance = share * (1 - share) * (1 / of + 1 / of_rest)
    if variance <= 0:
        return 1.0
    return 2 * (1 - _NORMAL.cdf(abs(part / of - rest / of_rest) / math.sqrt(variance)))
