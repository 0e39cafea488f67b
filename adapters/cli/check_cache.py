"""What a budget says of answers that are given again, in words."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.adapters.cli.span import span
from leanloop.budgets.budget import Budget
from leanloop.budgets.cache_rules import CacheRules, ToolCacheRules
from leanloop.budgets.stores import address_name

__all__ = ["rows_of_cache"]

Rows = list[tuple[str | None, str, str]]


def rows_of_cache(budget: Budget) -> Rows:
    """Key of the file, what it is about, what holds."""
    rules = budget.cache
    if rules is None:
        return [("cache", "answers", "are never given again")]
    rows: Rows = _of_models(rules) if rules.models else [("cache", "answers", "of models are never given again")]
    rows += [("cache", f"results of {name}", _of_tool(own, rules)) for name, own in rules.tools.items()]
    if rules.hints:
        rows.append(
            ("cache", "results of others", "are given again for as long as MCP's ttlMs says, if they only read")
        )
    if rules.models or rules.tools or rules.hints:
        rows += [("cache", "to whom", _to_whom(rules.scope)), ("cache", "they are kept", _kept(budget, rules))]
    return rows


def _of_models(rules: CacheRules) -> Rows:
    spelling = "to the very same call, and to one in other spelling"
    stale = f"; for {span(rules.stale)} more while made anew" if rules.stale else ""
    return [
        ("cache", "answers", f"are given again for {span(rules.ttl)}{stale}, {spelling}"),
        ("cache", "same in other words", _in_other_words(rules)),
    ]


def _in_other_words(rules: CacheRules) -> str:
    if rules.semantic == "off":
        return "is asked anew"
    when = "" if rules.any_temperature else ", at temperature 0"
    if rules.semantic == "shadow":
        return f"is counted and asked anew (shadow){when}"
    judge = f" and {rules.judge} agrees" if rules.judge else ""
    return (
        f"is answered{when}{',' if when else ''} where leanloop cache tune has found that at most "
        f"{rules.max_false_hits * 100:.4g} % are wrong{judge}; {rules.sample * 100:.4g} % of such hits are checked"
    )


def _of_tool(own: ToolCacheRules, rules: CacheRules) -> str:
    until = f", until {_or(own.evicted_by)} is called" if own.evicted_by else ""
    return f"are given again for {span(rules.ttl if own.ttl is None else own.ttl)}{until}"


def _to_whom(scope: Sequence[str]) -> str:
    return (
        f"only tasks of the same {' and '.join(scope)}" if scope else "every task, of any agent that keeps them there"
    )


def _kept(budget: Budget, rules: CacheRules) -> str:
    address = rules.store or budget.store
    place = "in memory, by each process for itself" if address == "memory" else f"at {address_name(address)}"
    return f"{place}, {rules.max_bytes / 1000**2:,.4g} MB in all"


def _or(names: Sequence[str]) -> str:
    return " or ".join(names)
