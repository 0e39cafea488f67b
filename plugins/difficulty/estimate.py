"""What is expected of a call: whether the dearer setting succeeds where the cheaper one fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Estimate", "Side"]

Side = Literal["above", "below", "unsure"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The chance that the dearer setting succeeds where the cheaper one fails, and how sure that is.

    Attributes:
        mean: the chance, from 0 to 1.
        low, high: bounds of it, each at 95 % confidence.
        seen: outcomes of this kind of call that it stands on.
        keys: the kinds of call that this one is of, from the most general to its own; an outcome counts for each.
    """

    mean: float
    low: float = 0.0
    high: float = 1.0
    seen: float = 0.0
    keys: tuple[str, ...] = ()

    def side(self, threshold: float) -> Side:
        """On which side of a threshold it is; unsure while the threshold lies between the bounds."""
        if self.low > threshold:
            return "above"
        return "below" if self.high <= threshold else "unsure"
