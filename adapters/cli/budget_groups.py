"""Who spent what: the rows of a history, put together by agent, model, tag, task or value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from leanloop.budgets.history import Entry
from leanloop.budgets.money import format_usd

__all__ = ["Group", "groups", "is_spending"]


@dataclass(slots=True)
class Group:
    """Rows that belong together; money in nano-dollars.

    Attributes:
        window, name: what they have in common; `name` is empty where a row does not tell.
        calls: how many; `unpriced` of them have no price, so that `usd` lacks them.
        last: when the latest was booked, in seconds since the epoch.
        worth: what each task that has a value is worth; `worth_usd` and `worth_tokens` were spent on these.
        underserved: among the most valuable work, and among what got the cheapest inference.
    """

    window: str
    name: str
    calls: int = 0
    unpriced: int = 0
    usd: int = 0
    tokens: int = 0
    last: float = 0.0
    worth: dict[str, int] = field(default_factory=dict[str, int])
    worth_usd: int = 0
    worth_tokens: int = 0
    underserved: bool = False

    def add(self, entry: Entry) -> None:
        """Count one row."""
        usd, tokens = entry.amounts.get("usd", 0), entry.amounts.get("tokens", 0)
        count = -1 if tokens < 0 else 1  # what an ended lease had spent was taken back
        self.calls += count
        self.unpriced += count * is_unpriced(entry)
        self.usd += usd
        self.tokens += tokens
        self.last = max(self.last, entry.at)
        if entry.value is not None:
            self.worth[entry.valued or entry.task] = entry.value
            self.worth_usd += usd
            self.worth_tokens += tokens

    @property
    def value(self) -> int | None:
        """What a task is worth on average; None where none has a value."""
        return sum(self.worth.values()) // len(self.worth) if self.worth else None

    @property
    def share_of_value(self) -> float | None:
        """What was spent on tasks with a value, as a share of what they are worth."""
        total = sum(self.worth.values())
        return self.worth_usd / total if total else None

    @property
    def price(self) -> int | None:
        """What a million tokens of tasks with a value came to: how dear the inference was they got."""
        return self.worth_usd * 1_000_000 // self.worth_tokens if self.worth_tokens else None


def is_spending(entry: Entry) -> bool:
    """Whether a row books what was spent, and is no change of a limit by hand."""
    return entry.kind in ("call", "unknown", "expired")


def is_unpriced(entry: Entry) -> bool:
    """Whether tokens were booked whose price nobody knew; a price of zero is one, and named."""
    priced = entry.price != "no price" if entry.price else "usd" in entry.amounts
    return bool(entry.amounts.get("tokens")) and not priced


def groups(entries: Iterable[Entry], by: str, window_of: Callable[[float], str] = lambda _: "") -> list[Group]:
    """Put the rows that book spending together by ``agent``, ``model``, ``task``, ``value``, or else a tag.

    `window_of` names the window a time is in, where each is to have its own groups. The latest window comes first, and
    in it what cost most; by value, what is underserved, then the most valuable.
    """
    found: dict[tuple[str, str], Group] = {}
    for entry in entries:
        if is_spending(entry):
            key = window_of(entry.at), _name(entry, by)
            known = found.get(key) or found.setdefault(key, Group(*key))
            known.add(entry)
    ordered = sorted(found.values(), key=lambda one: (one.usd, one.tokens, one.calls), reverse=True)
    _mark(ordered)
    if by == "value":
        ordered.sort(key=lambda one: (one.underserved, one.value or -1), reverse=True)
    return sorted(ordered, key=lambda one: one.window, reverse=True)


def _name(entry: Entry, by: str) -> str:
    match by:
        case "agent":
            return entry.agent
        case "model":
            return entry.model
        case "task":
            return entry.task
        case "value":
            return "" if entry.value is None else format_usd(entry.value)
        case tag:
            return entry.tags.get(tag, "")


def _mark(found: Sequence[Group]) -> None:
    """Mark the most valuable work that got the cheapest inference: in the top quarter of one, the lowest of the other.

    Quarters are rounded up, so that of two groups one is the top. Where all are worth, or cost, the same, none is.
    """
    judged = [(one, one.value, one.price) for one in found]
    known = [(one, value, price) for one, value, price in judged if value is not None and price is not None]
    if not known:
        return
    values = sorted((value for _, value, _ in known), reverse=True)
    prices = sorted(price for _, _, price in known)
    last = (len(known) - 1) // 4
    for one, value, price in known:
        one.underserved = values[-1] < value >= values[last] and prices[-1] > price <= prices[last]
