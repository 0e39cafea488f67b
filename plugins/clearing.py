"""Which old tool results are worth clearing from a prompt now: arithmetic alone.

A provider that caches prefixes bills what it has read before at about a tenth. A message changed in the midst of the
history breaks that prefix: all behind it is billed as new once. So a result is cleared when two things hold.

It pays
    What is not read in the calls still to come costs more than the rewriting, with what it costs where the agent reads
    a result back.

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


class CallRates(NamedTuple):
    """Nano-dollars a million tokens of one prompt.

    Attributes:
        read: of what the provider has read before.
        fresh: of what it has not.
        plain: of a prompt that is too short to be cached.
        least: tokens a prefix must have to be cached.
    """

    read: int
    fresh: int
    plain: int
    least: int

    @classmethod
    def of(cls, price: Price, rule: PrefixRule, size: int, *, caching: bool = True) -> CallRates:
        """The rates of a prompt of `size` tokens; without `caching` all of it costs the same."""
        plain = price.input.at(size)
        if not caching:
            return cls(plain, plain, plain, 0)
        fresh = price.cache_write.at(size) if rule.writes else plain
        return cls(min(fresh, price.cached_input.at(size)), fresh, plain, rule.least)

    def cost(self, total: int, known: int) -> int:
        """Millionths of a nano-dollar of a prompt of which the first `known` tokens were read before."""
        if total < self.least:
            return self.plain * total
        read = known if known >= self.least else 0
        return self.read * read + self.fresh * (total - read)


@dataclass(frozen=True, slots=True)
class Part:
    """One message of a prompt.

    Attributes:
        tokens: its size.
        saved: how many of them clearing would save; 0 where it may not be cleared.
        waited: in how many calls it was sent although it might have been cleared.
    """

    tokens: int
    saved: int = 0
    waited: int = 0


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
    prompt: Prompt, rates: CallRates, later: float, *, again: float = 0.0, fixed: int = 0, forced: bool = False
) -> tuple[int, ...]:
    """The parts to clear in this call, by their places; none where it does not pay or should wait.

    Args:
        prompt: what would be sent.
        rates: what its tokens cost.
        later: calls expected after this one.
        again: the share of cleared results that is read back, each by one more call.
        fixed: what clearing costs besides (a summary), in millionths of a nano-dollar.
        forced: clear whatever may be cleared, at any price.
    """
    parts = prompt.parts
    places = [place for place, part in enumerate(parts) if part.saved > 0]
    if forced or not places:
        return tuple(places)
    total = prompt.before + sum(part.tokens for part in parts)
    before = rates.cost(total, prompt.known)
    best, start = 0.0, len(parts)
    saved, front, end = 0, total, len(parts)
    risk = 0.0
    for place in reversed(places):
        part = parts[place]
        saved += part.saved
        front -= sum(other.tokens for other in parts[place:end])
        end = place
        risk += again * (rates.read * total + rates.fresh * part.tokens)
        if total - saved < rates.least:
            break  # a prompt too short to be cached costs more than it did
        now = before - rates.cost(total - saved, min(front, prompt.known))
        gain = now + later * rates.read * saved - risk - fixed
        if gain > best:
            best, start = gain, place
    chosen = tuple(place for place in places if place >= start)
    waiting = rates.read * sum(parts[place].saved * parts[place].waited for place in chosen)
    # What every break rewrites, however much is cleared: the known messages behind the last that could be.
    tail = prompt.known - prompt.before - sum(part.tokens for part in parts[: places[-1] + 1])
    return chosen if waiting >= (rates.fresh - rates.read) * max(0, tail) else ()
