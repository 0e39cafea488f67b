"""Which change to make first, and which not to make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from leanloop.adapters.advice.case import Terms
from leanloop.adapters.advice.change import Change
from leanloop.adapters.advice.saving import LEAST_TASKS, Saving, saving_of

__all__ = ["Ranked", "doubts", "ranked"]

_HARDLY = 0.0005
"""Of the bill: what would be shown as 0.0 %."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A change in its place.

    Attributes:
        against: why it is not advised; empty where it is.
        alone: by itself it would be.
    """

    change: Change
    saving: Saving
    against: tuple[str, ...]
    alone: bool = False

    @property
    def advised(self) -> bool:
        """Whether it is."""
        return not self.against


def ranked(changes: Iterable[Change], terms: Terms) -> list[Ranked]:
    """The changes, those that are advised first, by the lower bound of what they save."""
    found: list[Ranked] = []
    for change in changes:
        saving = saving_of(change, terms.seed)
        found.append(Ranked(change, saving, tuple(doubts(saving, terms.lose_at_most))))
    return sorted(found, key=lambda one: (not one.advised, -one.saving.share.low, -one.saving.share.estimate))


def doubts(saving: Saving, lose_at_most: float) -> Iterator[str]:
    """What speaks against a change: it may not save, it loses too much, or more than it saves."""
    share, losses = saving.share, saving.losses
    if not saving.before:
        yield "these runs cost nothing"
    elif saving.tasks < LEAST_TASKS:
        yield f"{saving.tasks:,} of the {LEAST_TASKS} tasks it takes to say anything of others"
    elif share.high <= 0:
        yield "it costs money" if share.high < 0 else "it saves nothing"
    elif share.low <= 0:
        yield "it may save nothing: 0 lies within the interval"
    elif share.low < _HARDLY:
        yield f"it may save less than {_HARDLY:.2%} of the bill"
    if 0 < share.estimate <= losses.share <= lose_at_most:
        yield f"a success would cost more: {losses.share:.1%} of them are lost for {share.estimate:.1%} of the bill"
    if losses.share > lose_at_most:
        each = ", each run taken for one" if losses.assumed else ""
        yield f"{losses.share:.1%} of successes lost{each}, more than {lose_at_most:.2%}"
    if saving.used and saving.missing / saving.used > lose_at_most:
        yield f"{saving.missing / saving.used:.1%} of the values that were used are lost, more than {lose_at_most:.2%}"
