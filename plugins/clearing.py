"""Which old tool results are worth clearing from a prompt now: arithmetic alone.

A provider that caches prefixes bills what it has read before at about a tenth. A message changed in the midst of the
history breaks that prefix: all behind it is billed as new once. So a result is cleared when two things hold.

It pays
    What is not read in the calls still to come costs more than the rewriting, with what it costs where the agent reads
    a result back, by the chance that it will. A result that is not worth that stays, between others that go. As far as
    the calls to come are a guess, they have to bring up to twice what is written anew.

It has waited
    Each break rewrites the latest messages, however much is cleared. Breaking at once for every result pays that price
    each time; waiting pays for reading what could be gone. Clearing once the waiting has cost what the break costs is
    the ski-rental rule (never more than twice the best in hindsight: Karlin, Manasse, Rudolph and Sleator, Competitive
    Snoopy Caching, Algorithmica 3, 1988), and, where results come steadily, the batch at which both costs together
    are least (part-period balancing: DeMatteis, IBM Systems Journal 7(1), 1968).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from leanloop.budgets.prefix_cache import PrefixRule
from leanloop.budgets.prices import Price

__all__ = ["CallRates", "Part", "Prompt", "to_clear"]

_ASKING = 60
"""Tokens of a call of `read_result`, with what is said beside it."""


class CallRates(NamedTuple):
    """Nano-dollars a million tokens of one prompt.

    Attributes:
        read: of what the provider has read before.
        fresh: of what it has not.
        plain: of a prompt that is too short to be cached.
        least: tokens a prefix must have to be cached.
        output: of what the model says.
    """

    read: int
    fresh: int
    plain: int
    least: int
    output: int

    @classmethod
    def of(cls, price: Price, rule: PrefixRule, size: int, *, caching: bool = True) -> CallRates:
        """The rates of a prompt of `size` tokens; without `caching` all of it costs the same."""
        plain = price.input.at(size)
        if not caching:
            return cls(plain, plain, plain, 0, price.output.at(size))
        fresh = price.cache_write.at(size) if rule.writes else plain
        return cls(min(fresh, price.cached_input.at(size)), fresh, plain, rule.least, price.output.at(size))

    def cost(self, total: int, known: int) -> int:
        """Millionths of a nano-dollar of a prompt of which the first `known` tokens were read before."""
        if total < self.least:
            return self.plain * total
        read = known if known >= self.least else 0
        return self.read * read + self.fresh * (total - read)

    def reading_back(self, total: int, tokens: int, later: float) -> float:
        """The same of one more call that gets so many tokens back, with a prompt of `total` and so many calls to come.

        What it asks and what it gets stay in the prompt; in half of the calls to come, as it may happen in any.
        """
        more = _ASKING + tokens
        return self.read * total + self.output * _ASKING + self.fresh * more + self.read * more * later / 2


@dataclass(frozen=True, slots=True)
class Part:
    """One message of a prompt.

    Attributes:
        tokens: its size.
        saved: how many of them clearing would save; 0 where it may not be cleared.
        waited: in how many calls it was sent although it might have been cleared.
        needed: the chance that it is needed in one of the calls to come.
        soon: the chance that it is needed in the next one.
    """

    tokens: int
    saved: int = 0
    waited: int = 0
    needed: float = 0.0
    soon: float = 0.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt from its first clearable message on.

    Attributes:
        before: tokens in front of `parts`.
        known: tokens in front that stood in the call before.
    """

    before: int
    parts: Sequence[Part]
    known: int


def to_clear(
    prompt: Prompt,
    rates: CallRates,
    later: float,
    *,
    doubt: float = 0.0,
    part: int = 2_000,
    fixed: int = 0,
    forced: bool = False,
) -> tuple[int, ...]:
    """The parts to clear in this call, by their places; none where it does not pay or should wait.

    Args:
        prompt: what would be sent.
        rates: what its tokens cost.
        later: calls expected after this one.
        doubt: how much of that is a guess, 0 to 1: a guess has to bring up to twice what is written anew for it.
        part: the most tokens that are read back at once.
        fixed: what clearing costs besides (a summary), in millionths of a nano-dollar.
        forced: clear whatever may be cleared, at any price.
    """
    parts = prompt.parts
    places = [place for place, one in enumerate(parts) if one.saved > 0]
    if forced or not places:
        return tuple(places)
    total = prompt.before + sum(one.tokens for one in parts)
    before = rates.cost(total, prompt.known)
    rewrite = rates.fresh - rates.read
    best = 0.0
    chosen: tuple[int, ...] = ()
    found: list[int] = []
    saved, risk = 0, 0.0
    front, end = total, len(parts)
    for place in reversed(places):
        one = parts[place]
        front -= sum(other.tokens for other in parts[place:end])
        end = place
        again = rates.reading_back(total, min(part, one.tokens), later)
        if one.needed * again >= (rates.fresh + later * rates.read) * one.saved:
            continue  # not worth it, though all behind it is written anew
        if one.soon * again > rates.read * one.saved + rewrite * max(0, prompt.known - front):
            continue  # one call later is better
        if total - saved - one.saved < rates.least:
            break  # a prompt too short to be cached costs more than it did
        found.append(place)
        saved += one.saved
        risk += one.needed * again
        now = before - rates.cost(total - saved, min(front, prompt.known))
        gain = now + later * rates.read * saved - risk - fixed - doubt * rewrite * max(0, prompt.known - front)
        if gain > best:
            best, chosen = gain, tuple(reversed(found))
    waiting = rates.read * sum(parts[place].saved * parts[place].waited for place in chosen)
    # What every break rewrites, however much is cleared: the known messages behind the last that could be.
    tail = prompt.known - prompt.before - sum(one.tokens for one in parts[: places[-1] + 1])
    return chosen if waiting >= rewrite * max(0, tail) else ()
