"""What a cascade is expected to save of each call: 1 - e - (k * c_cheap + gate) / c_strong.

``e`` is the share of calls that go up, ``k`` how often the cheaper model is asked, ``gate`` what the checks cost
beside. At a price ratio of 3 to 5 a gate of three samples that sends half of the answers up costs more than always
asking the dearer model; at 17 it spares a third.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["BreakEven", "prior_escalation"]

_PLAIN = frozenset({"tool_calls", "refusal", "format"})
_AT_FIRST = {"agreement": 0.5, "verifier": 0.3, "logprobs": 0.3}
"""How many answers a gate sends up, until that is measured. Agreement of three samples sent up 38 to 75 %
(reasoning-gym, seven pairs of models)."""

_PLAIN_AT_FIRST = 0.1
"""Of all that look at the form alone: native tool calls of good models fail by it in 1 to 9 of 100, of weak ones in 10
to 20 (BFCL)."""

_OWN_AT_FIRST = 0.2
_WEIGHT = 10.0
"""Calls that what is expected counts for."""


def prior_escalation(gates: Iterable[str]) -> float:
    """The share of answers that these gates are expected to send up, taken as if they did so by chance."""
    named = set(gates)
    passes = 1 - _PLAIN_AT_FIRST if named & _PLAIN else 1.0
    for gate in named - _PLAIN:
        passes *= 1 - _AT_FIRST.get(gate, _OWN_AT_FIRST)
    return 1 - passes


class BreakEven(NamedTuple):
    """The parts of the formula; costs in nano-dollars."""

    escalated: float
    asks: float
    cheap: float
    checks: float
    dear: float

    @property
    def saves(self) -> float:
        """The net saving of a call, as a share of the dearer one; that of nothing is none."""
        return 1 - self.escalated - (self.asks * self.cheap + self.checks) / self.dear if self.dear else -1.0

    def after(self, calls: float, escalated: float, asks: float) -> BreakEven:
        """With what was measured on so many calls."""
        share = (_WEIGHT * self.escalated + escalated) / (_WEIGHT + calls)
        return self._replace(escalated=share, asks=(_WEIGHT * self.asks + asks) / (_WEIGHT + calls))

    def __str__(self) -> str:
        return (
            f"1 - {self.escalated:.2f} sent up - ({self.asks:.1f} x ${self.cheap / 1e9:.6f} + ${self.checks / 1e9:.6f} "
            f"for checks) / ${self.dear / 1e9:.6f} = {self.saves:.2f}"
        )
