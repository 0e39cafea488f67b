"""Limits of a budget that another one always comes before, and shares of a limit at which nothing can happen."""

from __future__ import annotations

from collections.abc import Iterator

from leanloop.adapters.cli.check_limits import Finding
from leanloop.budgets.amount import format_amount
from leanloop.budgets.budget import Budget
from leanloop.budgets.limit import Limit

__all__ = ["order_findings"]

_LENGTHS = {"task": 0, "minute": 1, "hour": 2, "day": 3, "week": 4, "month": 5}
_COUNTED = ("cycles", "model_calls")
_TOKENS = ("input_tokens", "output_tokens")


def order_findings(budget: Budget) -> list[Finding]:
    """None of them stops a call; each is a line that does nothing, or less than it seems to."""
    return [*_never_reached(budget), *_parts(budget), *_shares(budget)]


def _never_reached(budget: Budget) -> Iterator[Finding]:
    """A limit, where a longer window or a wider scope that holds all of it allows less."""
    for inner_number, inner in enumerate(budget.limits, start=1):
        for outer_number, outer in enumerate(budget.limits, start=1):
            if inner is outer or not _within(inner, outer):
                continue
            amounts = outer.amounts()
            for resource, amount in inner.amounts().items():
                less = amounts.get(resource)
                if less is not None and less < amount:
                    unless = f", unless a task goes on past the end of the {outer.per}" if inner.per == "task" else ""
                    yield Finding(
                        f"limits item {inner_number}: {format_amount(resource, amount)} {_window(inner)} are never "
                        f"reached{unless}: item {outer_number} allows {format_amount(resource, less)} "
                        f"{_window(outer)}. Lower item {inner_number} or raise item {outer_number}"
                    )


def _within(inner: Limit, outer: Limit) -> bool:
    """Whether all that counts against `inner` counts against `outer` too, in one window of it."""
    if inner.per == "task":
        return outer.per != "task"
    if outer.scope not in (inner.scope, "global"):
        return False
    if inner.per == outer.per:
        return inner.scope != outer.scope and inner.rolling == outer.rolling
    if _LENGTHS[inner.per] > _LENGTHS[outer.per]:
        return False
    # Any stretch of time lies in a longer one up to its end; a calendar's week may lie in two of its months.
    return outer.rolling or (not inner.rolling and (inner.per, outer.per) != ("week", "month"))


def _parts(budget: Budget) -> Iterator[Finding]:
    """A part that is allowed more than its whole: input among tokens, one tool among all."""
    for number, limit in enumerate(budget.limits, start=1):
        amounts = limit.amounts()
        for resource, amount in amounts.items():
            tool = resource.startswith("tool_calls:")
            whole = "tool_calls" if tool else "tokens" if resource in _TOKENS else None
            if whole is not None and whole in amounts and amounts[whole] < amount:
                yield Finding(
                    f"limits item {number}: {format_amount(resource, amount)} are never reached: all "
                    f"{'tools' if tool else 'tokens'} together may come to {format_amount(whole, amounts[whole])}. "
                    f"Lower the one or raise the other"
                )


def _shares(budget: Budget) -> Iterator[Finding]:
    """`notify`, `warn` and `degrade` where no limit ever stands at such a share before it is reached."""
    named = {"notify": bool(budget.notify), "warn": bool(budget.warn), "degrade": bool(budget.degrade)}
    given = [key for key, some in named.items() if some and key in budget.model_fields_set]
    if not any(set(limit.amounts()) - {"seconds"} for limit in budget.limits):
        why = "seconds are not looked at" if budget.limits else "there is none"
        for key in given:
            yield Finding(f"{key}: is about shares of a limit, and {why}. Add one in usd, tokens or cycles")
        return
    only = [(limit, *next(iter(limit.amounts().items()))) for limit in budget.limits if len(limit.amounts()) == 1]
    if len(budget.limits) != 1 or not only:
        return  # another limit may well stand there
    limit, resource, amount = only[0]
    if limit.per != "task" or resource not in _COUNTED:
        return
    lands = budget.at_limit == "land" and budget.landing.tokens > 0
    before_last = amount - 1 - lands  # what is counted when the last call that works is made
    shares = {"notify": budget.notify, "degrade": tuple(step.at for step in budget.degrade)}
    for key in [key for key in given if key in shares]:
        late = [share for share in shares[key] if before_last < share * amount]
        if late:
            kept = ", and one is kept back for the landing" if lands else ""
            yield Finding(
                f"{key}: {', '.join(f'{share * 100:.4g} %' for share in late)} of {format_amount(resource, amount)} "
                f"{'is' if len(late) == 1 else 'are'} never seen by a call: the last one that works is made at "
                f"{max(0, before_last):,} of {amount:,}{kept}. Write a share of at most "
                f"{max(0, before_last) / amount * 100:.0f} %, or raise the limit"
            )


def _window(limit: Limit) -> str:
    if limit.per == "task":
        return "per task"
    return f"per {'rolling ' if limit.rolling else ''}{limit.per} of scope {limit.scope}"
