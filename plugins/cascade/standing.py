"""What is known of the cascade between two models: kept where outcomes are, so that processes and restarts share it."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import quote

from leanloop.budgets.cascade_rules import CascadeRules
from leanloop.plugins.cascade.wager import PROVED, Played
from leanloop.plugins.outcomes.store import Added, Count

__all__ = ["Call", "Standing", "key_of"]

_MILLION = 1_000_000
_REMEMBERED = 64
_NONE = Count()


def key_of(agent: str, cheap: str, dear: str, rules: CascadeRules) -> str:
    """By which it is kept: another gate, or another threshold, is another cascade."""
    return f"{_named(agent, cheap, dear)}:{_digest(rules)}"


@lru_cache(maxsize=1_024)
def _named(agent: str, cheap: str, dear: str) -> str:
    names = (quote(name, safe="") for name in (agent, cheap, dear))
    return "cascade:{}:{}>{}".format(*names)


_digests: OrderedDict[int, tuple[CascadeRules, str]] = OrderedDict()
"""Of the rules last met; one that holds a schema cannot be hashed, so by their identity."""


def _digest(rules: CascadeRules) -> str:
    known = _digests.get(id(rules))
    if known is None or known[0] is not rules:
        said = rules.model_dump_json(exclude={"trial", "retry", "timeout"})
        known = _digests[id(rules)] = (rules, hashlib.sha256(said.encode()).hexdigest()[:12])
        if len(_digests) > _REMEMBERED:
            _digests.popitem(last=False)
    return known[1]


@dataclass(frozen=True, slots=True)
class Call:
    """What one call of a cascade came to.

    Attributes:
        saved: nano-dollars, against the dearer model asked at once; below zero where it lost.
        share: the same, with the mean cost of a dearer call as the unit.
        dear: what asking that at once would have cost, or has.
        escalated: the answer went up.
        asks: how often the cheaper model was asked; ``output`` tokens it gave at first.
    """

    saved: int
    share: float
    dear: int
    escalated: bool
    asks: int
    output: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Sums over the calls since it was last turned on.

    Attributes:
        turn: how often it was turned off before.
        off: when it was turned off, in Unix seconds; None where it is on.
        calls: made in this turn; of the latest thousand or so.
        saved: nano-dollars, all in all.
        shares, squares: of the calls' savings, as shares.
        dear: nano-dollars that asking the dearer model at once would have cost, or has.
        won, lost: winnings of those who bet that it saves, and that it loses (`leanloop.plugins.cascade.wager`).
        escalated, asks, output: sums of what `Call` has.
    """

    key: str
    turn: int = 0
    off: float | None = None
    calls: int = 0
    saved: int = 0
    shares: float = 0.0
    squares: float = 0.0
    dear: int = 0
    won: float = 0.0
    lost: float = 0.0
    escalated: int = 0
    asks: int = 0
    output: int = 0

    @classmethod
    def read(cls, key: str, counts: Mapping[str, Count], now: float, retry: float) -> Standing:
        """From what is kept under its key."""
        turn = 0
        while (ended := counts.get(f"off {turn}")) is not None and ended.calls:
            since = ended.cost / ended.calls  # two processes may have turned it off at once
            if now < since + retry:
                return cls(key, turn, since)
            turn += 1
        net = counts.get(f"net {turn}", _NONE)

        def total(name: str) -> int:
            return counts.get(f"{name} {turn}", _NONE).cost

        return cls(
            key,
            turn,
            None,
            net.calls,
            net.cost,
            total("share") / _MILLION,
            total("squares") / _MILLION,
            total("dear"),
            total("won") / _MILLION,
            total("lost") / _MILLION,
            total("up"),
            total("asks"),
            total("output"),
        )

    def proved(self) -> bool:
        """Whether the lower bound of its mean net saving is above zero, at 95 %."""
        return self.won >= PROVED

    def unit(self, expected: float) -> float:
        """The mean cost of a dearer call, in nano-dollars, with the next as one more; never 0."""
        return max(1.0, (self.dear + expected) / (self.calls + 1))

    def loses(self, trial: int) -> bool:
        """Whether it is to be turned off: it is known to lose, or not known to save after `trial` calls."""
        return self.lost >= PROVED or (self.calls >= trial and not self.proved())

    def after(self, call: Call, played: Played) -> Standing:
        """With one more call, as far as this process knows."""
        return replace(
            self,
            calls=self.calls + 1,
            saved=self.saved + call.saved,
            won=self.won + played.won,
            lost=self.lost + played.lost,
        )

    def added(self, call: Call, played: Played) -> list[Added]:
        """What is to be added for one more call."""
        counted = {"net": call.saved, "share": round(call.share * _MILLION)}
        counted |= {"squares": round(call.share * call.share * _MILLION), "dear": call.dear}
        counted |= {"up": int(call.escalated), "asks": call.asks, "output": call.output}
        rows = [self._row(name, Count(calls=1, cost=amount)) for name, amount in counted.items()]
        # Without calls, so that they are never halved with the rest: their own cap keeps them from growing old.
        winnings = {"won": played.won, "lost": played.lost}
        return rows + [self._row(name, Count(cost=round(amount * _MILLION))) for name, amount in winnings.items()]

    def told_off(self, cheap: str, dear: str) -> str:
        """That it is turned off, and what it has come to."""
        how = "saved" if self.saved > 0 else "lost"
        sums = f"{self.calls} calls it {how} ${abs(self.saved) / 1e9:.6f}"
        return f"{cheap} is no longer asked before {dear}: in {sums}"

    def turned_off(self, now: float) -> Added:
        """What is to be added when it is turned off."""
        return self._row("off", Count(calls=1, cost=int(now)))

    def _row(self, name: str, count: Count) -> Added:
        return Added(self.key, f"{name} {self.turn}", count)
