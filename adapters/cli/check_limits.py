"""Limits of a budget that cannot be met, or that never come to count: with the numbers, and the line to change.

What a call needs at least is reckoned as the budget reckons it (`leanloop.plugins.budget`, `landing_reserve`, `quote`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from leanloop.budgets.amount import format_amount, format_number
from leanloop.budgets.budget import Budget
from leanloop.budgets.limit import Limit
from leanloop.budgets.money import NANO
from leanloop.budgets.price_book import price_book
from leanloop.errors import PriceUnknown
from leanloop.plugins.landing_reserve import SHARE
from leanloop.plugins.quote import DEFAULT_MAX_OUTPUT, MIN_OUTPUT

__all__ = ["Finding", "limit_findings"]

_SMALL_PROMPT = 500
"""Input tokens. A short system prompt and the schemas of two tools take about as many."""


class Finding(NamedTuple):
    """One thing wrong with the limits; `fatal` where no call of a model can ever be made."""

    text: str
    fatal: bool = False


def limit_findings(budget: Budget) -> list[Finding]:
    """What cannot work at all first, then what works otherwise than one would read it, in the order of the file."""
    found = [
        finding
        for number, limit in enumerate(budget.limits, start=1)
        for finding in (*_one_call(limit, number, budget), *_reserve(limit, number, budget))
    ]
    return sorted([*found, *_cap(budget)], key=lambda finding: not finding.fatal)


def _one_call(limit: Limit, number: int, budget: Budget) -> Iterator[Finding]:
    """Limits that one call does not fit."""
    amounts, least = limit.amounts(), _least_output(budget)
    smallest = {"model_calls": 1, "cycles": 1, "input_tokens": 1, "output_tokens": least, "tokens": 1 + least}
    smallest["seconds"] = 1  # a millisecond
    for resource, needed in smallest.items():
        amount = amounts.get(resource)
        if amount is None:
            continue
        said = f"limits item {number}: {_written(resource, amount)}"
        if amount < needed:
            needs = "any time at all" if resource == "seconds" else f"at least {format_amount(resource, needed)}"
            raised = _written(resource, _sensible(resource, budget))
            yield Finding(f"{said} is below one call, which needs {needs}: none is ever made. Write {raised}", True)
        elif resource in ("model_calls", "cycles") and amount == 1 and _lands(budget):
            yield Finding(
                f"{said} is all kept back for the landing: the task answers at once and calls no tool. "
                f"Write {resource}: 2 or more, or landing: {{tokens: 0}}"
            )
        elif resource in ("tokens", "input_tokens"):
            room = _first_prompt(resource, amount, budget)
            if room < _SMALL_PROMPT:
                yield Finding(
                    f"{said} lets the first prompt, tools and system prompt included, have at most "
                    f"{max(0, room):,} tokens. Write {_written(resource, _sensible(resource, budget))} or more"
                )
        elif resource == "seconds" and amount < 1_000:
            yield Finding(f"{said} is over before most models have answered once. Write seconds: 30 or more")
    yield from _money(limit, number, budget)


def _money(limit: Limit, number: int, budget: Budget) -> Iterator[Finding]:
    """A limit in usd below one call of a model the file names."""
    amount = limit.amounts().get("usd")
    if amount is None:
        return
    least = _least_output(budget)
    for model, each_input, each_output in _prices(budget):
        needed = -(-_SMALL_PROMPT * each_input // 1_000_000) + least * each_output
        if amount < needed:
            yield Finding(
                f"limits item {number}: {_written('usd', amount)} is below one call of {model}, "
                f"{_SMALL_PROMPT:,} tokens in and {least:,} out for {format_amount('usd', needed)}. "
                f"Write {_written('usd', 20 * needed)} or more"
            )
    if amount == 0:
        yield Finding(f"limits item {number}: usd: 0 allows only models that cost nothing. Write what it may cost")


def _reserve(limit: Limit, number: int, budget: Budget) -> Iterator[Finding]:
    """A landing reserve larger than the limit it is kept back from, which is cut to a part of that."""
    if not _lands(budget):
        return
    tokens, amounts = budget.landing.tokens, limit.amounts()
    each = dict[str, tuple[int, str]](tokens=(1, ""), output_tokens=(1, ""))
    dearest = max(_prices(budget), key=lambda price: price[2], default=None)
    if dearest is not None and dearest[2]:
        each["usd"] = dearest[2], f" of {dearest[0]}"
    for resource, (slope, of) in each.items():
        amount = amounts.get(resource)
        if amount is not None and tokens * slope > amount > 0:
            kept = amount // (SHARE * slope)
            asked = "" if resource != "usd" else f" ({format_amount('usd', tokens * slope)})"
            yield Finding(
                f"landing: {tokens:,} output tokens{of}{asked} are more than the whole limit, item {number}, "
                f"{_written(resource, amount)}: a quarter of it is kept back, {kept:,} tokens. "
                f"Write landing: {{tokens: {kept}}}, or {_written(resource, SHARE * tokens * slope)}"
            )


def _cap(budget: Budget) -> Iterator[Finding]:
    """A cap on the output of a call that is too small for an answer, or for the landing."""
    cap = budget.max_output
    if cap is None:
        return
    if cap < MIN_OUTPUT:
        yield Finding(
            f"max_output: {cap} cuts nearly every answer and tool call short; below {MIN_OUTPUT} tokens an answer is "
            f"not worth its prompt. Write max_output: {MIN_OUTPUT} or more"
        )
    if _lands(budget) and budget.landing.tokens > cap:
        yield Finding(
            f"landing: {budget.landing.tokens:,} tokens are kept back, and max_output lets the last answer have "
            f"{cap:,}. Write landing: {{tokens: {cap}}}, or max_output: {budget.landing.tokens}"
        )


def _first_prompt(resource: str, amount: int, budget: Budget) -> int:
    """Input tokens the first call may have: where the task lands, room is left to read it all, and its reply, again."""
    least = _least_output(budget)
    if not _lands(budget):
        return amount - (least if resource == "tokens" else 0)
    if resource == "input_tokens":
        return (amount - least) // 2
    held = min([budget.landing.tokens, *(_quarters(budget))])
    return (amount - held - 2 * least) // 2


def _quarters(budget: Budget) -> Iterator[int]:
    for limit in budget.limits:
        for resource in ("tokens", "output_tokens"):
            if (amount := limit.amounts().get(resource)) is not None:
                yield amount // SHARE


def _prices(budget: Budget) -> list[tuple[str, int, int]]:
    """The models the file names, each with nano-dollars for a million input tokens and for one output token."""
    routed = budget.routes.models if budget.routes is not None else ()
    named = dict.fromkeys([*(step.to for step in budget.degrade if step.to is not None), *routed])
    book, prices = price_book(budget), list[tuple[str, int, int]]()
    for model in named:
        try:
            price = book.price(model)
        except PriceUnknown:
            continue  # told by the check of prices
        prices.append((model, price.input.base, price.worst_case(_SMALL_PROMPT)[1]))
    return prices


def _lands(budget: Budget) -> bool:
    return budget.at_limit == "land" and budget.landing.tokens > 0


def _least_output(budget: Budget) -> int:
    return min(budget.max_output or DEFAULT_MAX_OUTPUT, MIN_OUTPUT)


def _sensible(resource: str, budget: Budget) -> int:
    """An amount that a short task with a tool or two gets by with."""
    if resource in ("tokens", "input_tokens"):
        return 8 * (_SMALL_PROMPT + _least_output(budget)) + SHARE * budget.landing.tokens
    return {"model_calls": 10, "cycles": 10, "seconds": 60_000}.get(resource, SHARE * max(budget.landing.tokens, 1_000))


def _written(resource: str, amount: int) -> str:
    """As it stands in a file: ``usd: 0.50``, ``tokens: 1_000``."""
    if resource == "usd":
        return f"usd: {amount / NANO:.9f}".rstrip("0").rstrip(".")
    return f"{resource}: {format_number(resource, amount).replace(',', '_')}"
