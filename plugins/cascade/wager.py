"""Whether a cascade saves money, told from what it has saved so far, however often one looks.

Two gamblers bet on the net saving of each call, in money, with the mean cost of a dearer call as the unit: what counts
is the sum, so a long call weighs more than a short one. One stakes a share of its money on "it saves", the other on "it
loses"; stakes are set before the call, by what was seen until then. If the mean saving were not above zero, the first
could never expect to win, and by Ville's inequality would come to twenty times its money with a chance of at most 5 %,
at whatever moment one looks: so where it has, the one-sided 95 % lower bound of the mean is above zero. In the same way
twenty times the money of the second says that the mean is below zero. (Waudby-Smith and Ramdas, "Estimating means of
bounded random variables by betting", JRSS-B 2024; stakes by Kelly's rule as approximated there.)

Winnings add up as logarithms, so that processes share them in one sum. Those of the first are capped, which only makes
it harder for it: a cascade that has saved for long and begins to lose is found out within about a hundred calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["PROVED", "Played", "Stakes"]

PROVED = math.log(20)
"""The winnings, as a logarithm, that prove it at 95 %."""

_CAP = PROVED + 8
"""So that chance alone takes a cascade that saves below `PROVED` again in one of some ten thousand calls."""

_MOST = 0.25
"""Of its money, at one call: a call may lose, or save, as much as four dearer calls of the mean size cost."""

_LEAST = 0.01
"""What is left at the worst, of a call beyond that."""

_PRIOR = 4.0
"""Calls that what is expected counts for, before there are others."""

_VARIANCE = 0.25


@dataclass(frozen=True, slots=True)
class Played:
    """How a call changes the winnings of the two."""

    won: float
    lost: float


@dataclass(frozen=True, slots=True)
class Stakes:
    """What the two stake on the next call.

    Attributes:
        on_saving, on_loss: as shares of their money.
        won: the winnings of the first so far.
    """

    on_saving: float
    on_loss: float
    won: float

    @classmethod
    def of(cls, calls: float, total: float, squares: float, won: float, expected: float) -> Stakes:
        """By the savings of so many calls, their sum and that of their squares, and what was expected before any."""
        calls, total = calls + _PRIOR, total + _PRIOR * expected
        squares += _PRIOR * (expected * expected + _VARIANCE)
        best = total / squares  # Kelly's share: mean / (variance + mean squared)
        return cls(min(max(best, 0.0), _MOST), min(max(-best, 0.0), _MOST), won)

    def play(self, saved: float) -> Played:
        """The call is made, and saved so many times the mean cost of a dearer one; a loss is below zero."""
        won = math.log(max(_LEAST, 1 + self.on_saving * saved))
        return Played(min(won, _CAP - self.won), math.log(max(_LEAST, 1 - self.on_loss * saved)))
