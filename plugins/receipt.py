"""What a task spent, what was saved, and why it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from leanloop.budgets.amount import format_amount, format_number
from leanloop.budgets.money import format_usd, from_nano
from leanloop.budgets.usage import Usage

__all__ = ["CacheUse", "LimitUse", "ModelUse", "Receipt", "Saving"]


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What one model cost. `cost` is in nano-dollars, None where no price is known (never a silent zero)."""

    model: str
    calls: int
    usage: Usage
    cost: int | None
    price_version: str

    @property
    def cached_share(self) -> float | None:
        """The share of the input that was read from the provider's cache; None where nothing was sent."""
        return _cached_share(self.usage)


@dataclass(frozen=True, slots=True)
class LimitUse:
    """One limit and what is spent of it, both in the ledger's unit (usd in nano-dollars, seconds in ms)."""

    scope: str
    resource: str
    limit: int
    spent: int

    @property
    def share(self) -> float:
        """The share spent; of a limit of zero, all of it."""
        return self.spent / self.limit if self.limit else 1.0


@dataclass(frozen=True, slots=True)
class Saving:
    """What a plugin spared, and how that was estimated. `cost` in nano-dollars."""

    plugin: str
    what: str
    how: str
    calls: int = 0
    tokens: int = 0
    cost: int = 0

    def __str__(self) -> str:
        amounts = [f"{self.calls:,} times"] * (self.calls > 1) + [f"{self.tokens:,} tokens"] * bool(self.tokens)
        amounts += [format_usd(self.cost)] * bool(self.cost)
        return f"{', '.join([self.what, *amounts])} ({self.how})"


@dataclass(frozen=True, slots=True)
class CacheUse:
    """What became of the calls a cache was asked about.

    Attributes:
        exact, normal, alike: answered from it: the very same call, one in other spelling, one that means the same.
        results: results of tools that were given again.
        shadow: those that would have been answered as meaning the same.
        misses: asked about, and made.
        checked, wrong: answers of the agent, given or that would have been, that were compared with a fresh one, and
            how many were not the same; all tasks together.
        bound: the share that is wrong is at most this, at 95 % confidence; None while none was checked.
    """

    exact: int = 0
    normal: int = 0
    alike: int = 0
    results: int = 0
    shadow: int = 0
    misses: int = 0
    checked: int = 0
    wrong: int = 0
    bound: float | None = None

    def __str__(self) -> str:
        hits = {"exact": self.exact, "normalised": self.normal, "alike": self.alike, "tool results": self.results}
        said = ", ".join(f"{times:,} {name}" for name, times in hits.items() if times) or "no hits"
        said += f", {self.misses:,} misses"
        if self.shadow:
            said += f", {self.shadow:,} would have been alike"
        if self.bound is not None:
            said += f"; of {self.checked:,} checked {self.wrong:,} wrong, at most {self.bound * 100:.2g} %"
        return said


@dataclass(frozen=True, slots=True)
class Receipt:
    """A task's account at one moment. Amounts of sub-tasks are included.

    Attributes:
        stopped: why it ran out, one sentence; None while there is room.
        landed: True once it was ended with an answer.
        cycles: None where only a callback saw the calls: it cannot tell one cycle from the next.
        seconds: time it has run, pauses for people left out.
        embeddings: embedding models; their tokens and calls stand apart from those of `models`, their cost does not.
        value: what the task is worth, in nano-dollars; None where nobody said.
        notes: what went otherwise than the budget asked, one sentence each.
        cache: what became of the calls a cache was asked about; None where there was none.
    """

    task: str
    agent: str
    tags: Mapping[str, str]
    models: tuple[ModelUse, ...]
    tool_calls: Mapping[str, int]
    cycles: int | None
    seconds: float
    limits: tuple[LimitUse, ...]
    savings: tuple[Saving, ...]
    stopped: str | None
    landed: bool
    embeddings: tuple[ModelUse, ...] = ()
    value: int | None = None
    notes: tuple[str, ...] = ()
    cache: CacheUse | None = None

    @property
    def usage(self) -> Usage:
        """Tokens of all models together."""
        return sum((use.usage for use in self.models), Usage())

    @property
    def cached_share(self) -> float | None:
        """The share of all models' input that was read from a provider's cache; None where nothing was sent."""
        return _cached_share(self.usage)

    @property
    def model_calls(self) -> int:
        """Provider calls, refused ones left out."""
        return sum(use.calls for use in self.models)

    @property
    def cost(self) -> int | None:
        """Nano-dollars of all models together; None where one has no price."""
        costs = [use.cost for use in (*self.models, *self.embeddings)]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    @property
    def share_of_value(self) -> float | None:
        """What was spent, as a share of the value; None where either is not known, or the value is nothing."""
        return self.cost / self.value if self.value and self.cost is not None else None

    def as_dict(self) -> dict[str, object]:
        """Plain JSON types; money in usd as decimal text."""
        return {
            "task": self.task,
            "agent": self.agent,
            "tags": dict(self.tags),
            "usd": _usd(self.cost),
            "tokens": self.usage.total,
            "cached_share": _rounded(self.cached_share),
            "model_calls": self.model_calls,
            "tool_calls": dict(self.tool_calls),
            "cycles": self.cycles,
            "seconds": round(self.seconds, 3),
            "models": [
                {
                    "model": use.model,
                    "calls": use.calls,
                    "input": use.usage.input,
                    "cached_input": use.usage.cached_input,
                    "cached_share": _rounded(use.cached_share),
                    "cache_write": use.usage.cache_write,
                    "output": use.usage.output,
                    "reasoning": use.usage.reasoning,
                    "estimated": use.usage.estimated,
                    "usd": _usd(use.cost),
                    "price": use.price_version,
                }
                for use in self.models
            ],
            "embeddings": [
                {
                    "model": use.model,
                    "calls": use.calls,
                    "tokens": use.usage.input,
                    "estimated": use.usage.estimated,
                    "usd": _usd(use.cost),
                    "price": use.price_version,
                }
                for use in self.embeddings
            ],
            "limits": [
                {
                    "scope": use.scope,
                    "resource": use.resource,
                    "limit": _plain(use.resource, use.limit),
                    "spent": _plain(use.resource, use.spent),
                }
                for use in self.limits
            ],
            "savings": [
                {
                    "plugin": saving.plugin,
                    "what": saving.what,
                    "how": saving.how,
                    "calls": saving.calls,
                    "tokens": saving.tokens,
                    "usd": _usd(saving.cost),
                }
                for saving in self.savings
            ],
            "stopped": self.stopped,
            "landed": self.landed,
            "value": _usd(self.value),
            "notes": list(self.notes),
            "cache": None if self.cache is None else asdict(self.cache),
            "share_of_value": _rounded(self.share_of_value),
        }

    def __str__(self) -> str:
        usage = self.usage
        cost = "not priced" if self.cost is None else format_usd(self.cost)
        counted = {"model_calls": self.model_calls, "tool_calls": sum(self.tool_calls.values()), "cycles": self.cycles}
        counts = [format_amount(name, number) for name, number in counted.items() if number is not None]
        lines = [
            f"receipt of {self.agent} (task {self.task})",
            (
                f"  {cost}, {usage.total:,} tokens ({usage.input:,} in, of them {_cached(usage)}; "
                f"{usage.output:,} out){', partly estimated' if usage.estimated else ''}"
            ),
            f"  {', '.join(counts)}, {self.seconds:.1f} s",
        ]
        lines += [f"  {format_amount('embedding_tokens', use.usage.input)} by {use.model}" for use in self.embeddings]
        if self.value is not None:
            share = self.share_of_value
            spent = "" if share is None else f", {share * 100:.3g} % of that spent"
            lines.append(f"  worth {format_usd(self.value)}{spent}")
        lines += [
            f"  limit {use.scope}: {format_number(use.resource, use.spent)} of {format_amount(use.resource, use.limit)}"
            for use in self.limits
        ]
        lines += [f"  saved by {saving.plugin}: {saving}" for saving in self.savings]
        if self.cache is not None:
            lines.append(f"  cache: {self.cache}")
        lines += [f"  note: {note}" for note in self.notes]
        if self.stopped is not None:
            lines.append(f"  {'landed' if self.landed else 'stopped'}: {self.stopped}")
        return "\n".join(lines)


def _cached_share(usage: Usage) -> float | None:
    return usage.cached_input / usage.input if usage.input else None


def _cached(usage: Usage) -> str:
    """How much of the input was read from the provider's cache, in words."""
    share = _cached_share(usage)
    return f"{usage.cached_input:,} cached ({share * 100:.0f} %)" if share else f"{usage.cached_input:,} cached"


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def _usd(nano: int | None) -> str | None:
    return None if nano is None else f"{from_nano(nano).normalize():f}"


def _plain(resource: str, amount: int) -> str | int | float | None:
    """An amount for programs: usd as decimal text, seconds as a float, the rest whole."""
    if resource == "usd":
        return _usd(amount)
    return amount / 1000 if resource == "seconds" else amount
