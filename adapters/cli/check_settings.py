"""Settings of a budget that a limit or another setting leaves nothing to do, or turns into another thing."""

from __future__ import annotations

from collections.abc import Iterator

from leanloop.adapters.cli.check_limits import Finding
from leanloop.budgets.amount import format_amount
from leanloop.budgets.budget import Budget
from leanloop.budgets.money import format_usd, to_nano

__all__ = ["setting_findings"]

_FASTEST = 200
"""Tokens a second: more than models of most providers write."""


def setting_findings(budget: Budget) -> list[Finding]:
    """None of them stops a call; each is a line that does nothing, or another thing than one would read."""
    return [
        *_tools(budget),
        *_forgotten(budget),
        *_value(budget),
        *_landing(budget),
        *_loop(budget),
        *_never_so_large(budget),
        *_too_slow(budget),
    ]


def _tools(budget: Budget) -> Iterator[Finding]:
    """Tools that may never be called: the model is told so each time it tries."""
    for number, limit in enumerate(budget.limits, start=1):
        for resource, amount in limit.amounts().items():
            if amount == 0 and resource.startswith("tool_calls"):
                tool = resource.partition(":")[2]
                which, away = (tool, "it") if tool else ("any tool", "its tools")
                yield Finding(
                    f"limits item {number}: 0 calls of {which}: the agent has {away} and is refused each time, which "
                    f"costs a call of the model. Take {away} from the agent, or write 1 or more"
                )


def _forgotten(budget: Budget) -> Iterator[Finding]:
    """Limits of a window, counted by each process for itself."""
    if budget.store != "memory" or "store" in budget.model_fields_set:  # who writes it means it
        return
    numbers = [f"{number}" for number, limit in enumerate(budget.limits, start=1) if limit.per != "task"]
    if numbers:
        items = f"item{'s' * (len(numbers) > 1)} {', '.join(numbers)}"
        yield Finding(
            f"limits {items}: memory, the store by default, is each process's own, and forgotten when it ends: a "
            "restart begins the window anew, and two processes may spend it twice. "
            "Write store: sqlite:///leanloop.db, or redis://HOST; or store: memory, if that is meant"
        )


def _value(budget: Budget) -> Iterator[Finding]:
    """A task that may cost more than it is worth."""
    if budget.value is None:
        return
    worth = to_nano(budget.value)
    for number, limit in enumerate(budget.limits, start=1):
        usd = limit.amounts().get("usd")
        if limit.per == "task" and usd is not None and usd > worth:
            yield Finding(
                f"limits item {number}: a task is worth {format_usd(worth)} and may cost {format_usd(usd)}. "
                f"Write usd: {format_usd(worth).removeprefix('$')} or less, or a higher value"
            )


def _landing(budget: Budget) -> Iterator[Finding]:
    if budget.at_limit == "raise" and "landing" in budget.model_fields_set and budget.landing.tokens:
        yield Finding(
            f"landing: {budget.landing.tokens:,} tokens are kept back for nothing: at_limit: raise ends a task with "
            "BudgetExceeded. Take out landing, or write at_limit: land"
        )


def _loop(budget: Budget) -> Iterator[Finding]:
    """A guard that the end of the task comes before."""
    if budget.loop is None or "loop" not in budget.model_fields_set:
        return
    lands = budget.at_limit == "land" and budget.landing.tokens > 0
    for number, limit in enumerate(budget.limits, start=1):
        for resource in ("cycles", "model_calls"):
            amount = limit.amounts().get(resource)
            # Steps are compared before each call; one that works must come after them.
            if limit.per == "task" and amount is not None and 0 < amount - 1 - lands < budget.loop.repeats:
                yield Finding(
                    f"loop: {budget.loop.repeats} equal steps are seen too late: item {number} ends the task after "
                    f"{format_amount(resource, amount)}{', of which one is kept back' if lands else ''}, so that no "
                    f"call is left to do otherwise. "
                    f"Write repeats: 2, or {resource}: {budget.loop.repeats + 1 + lands} or more"
                )
                return


def _never_so_large(budget: Budget) -> Iterator[Finding]:
    """Sizes of a prompt that a task's own limit on tokens does not let it reach."""
    context, named = budget.context, dict[str, int]()
    if context is not None and context.at_tokens is not None:
        named["context: at_tokens"] = context.at_tokens
    if budget.retrieved.max_tokens is not None:
        named["retrieved: max_tokens"] = budget.retrieved.max_tokens
    for number, limit in enumerate(budget.limits, start=1):
        amounts = limit.amounts()
        least = min((amounts[one] for one in ("tokens", "input_tokens") if one in amounts), default=None)
        if limit.per == "task" and least is not None:
            for key, size in named.items():
                if size >= least:
                    yield Finding(
                        f"{key}: no prompt has {size:,} tokens: item {number} allows {least:,} in a whole task, and "
                        f"what is read again counts each time. Write {least // 4:_} or less, or raise item {number}"
                    )


def _too_slow(budget: Budget) -> Iterator[Finding]:
    """Seconds that one answer as long as it may be takes; a call is not cut off when they are over."""
    cap = budget.max_output
    for number, limit in enumerate(budget.limits, start=1):
        if limit.seconds is not None and cap is not None and limit.seconds * _FASTEST < cap:
            yield Finding(
                f"limits item {number}: {limit.seconds:f} seconds are over before one answer of max_output: {cap:,} "
                f"tokens is written, which takes {cap / _FASTEST:,.0f} at {_FASTEST} tokens a second and is not cut "
                f"off. Write seconds: {4 * cap // _FASTEST} or more, or max_output: {int(limit.seconds * _FASTEST / 4)}"
            )
