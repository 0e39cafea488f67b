"""What a budget says of tool results, old ones, the prompt prefix and retrieved passages, in words."""

from __future__ import annotations

from leanloop.adapters.cli.span import span
from leanloop.budgets.budget import Budget
from leanloop.budgets.context_rules import PrefixRules, RetrievedRules
from leanloop.budgets.result_address import FOLDER
from leanloop.budgets.result_rules import ResultRules, ToolResultRules
from leanloop.budgets.stores import address_name

__all__ = ["rows_of_results"]

Rows = list[tuple[str | None, str, str]]


def rows_of_results(budget: Budget) -> Rows:
    """Key of the file, what it is about, what holds."""
    return [
        *_results(budget),
        *_context(budget),
        ("prefix", "prompt prefix", _prefix(budget.prefix)),
        ("retrieved", "retrieved passages", _retrieved(budget.retrieved)),
    ]


def _results(budget: Budget) -> Rows:
    rules = budget.results
    if rules is None:
        return [("results", "tool results", "are left as they are; there is no read_result")]
    most = f"{rules.max_tokens:,} tokens each, {rules.batch:,} a step, {rules.share * 100:.4g} % of what is left"
    compact = "; JSON takes fewer tokens without loss" if rules.compact else ""
    rows: Rows = [("results", "tool results", f"are shortened to {most}{compact}")]
    rows += [("results", f"of {name}", _of_tool(own)) for name, own in rules.tools.items()]
    reads = f"{_times(rules.reads)} a task, {rules.read_tokens:,} tokens each" if rules.reads else "never"
    rows.append(("results", "read_result", f"reads the rest back, {reads}"))
    return [*rows, ("results", "the rest is kept", _kept(budget, rules))]


def _of_tool(own: ToolResultRules | None) -> str:
    if own is None:
        return "left as they are"
    most = "as the others" if own.max_tokens is None else f"to {own.max_tokens:,} tokens"
    return f"shortened {most}{'' if own.kind is None else f', as {own.kind}'}"


def _kept(budget: Budget, rules: ResultRules) -> str:
    address = rules.store or budget.store
    place = "in memory" if address == "memory" else f"at {_place(address)}"
    size = f"{rules.max_bytes / 1000**2:,.4g} MB"
    mine = f"only tasks of the same {' and '.join(rules.scope)} read it" if rules.scope else "every task reads it"
    return f"{place}, for {span(rules.ttl)}, {size} in all; {mine}"


def _place(address: str) -> str:
    return address if address.startswith(FOLDER) else address_name(address)


def _context(budget: Budget) -> Rows:
    rules = budget.context
    if rules is None:
        return [("context", "old results", "are sent again in every call")]
    when = "when it pays" if rules.at_tokens is None else f"when it pays, or before {rules.at_tokens:,} tokens are sent"
    never = f"the last {rules.keep:,}" + "".join(f", those of {name}" for name in rules.exclude)
    rows: Rows = [("context", "old results", f"are cleared {when}; never {never}")]
    if rules.summary is not None:
        by = rules.summary.model or "the cheapest model named here"
        rows.append(("context", "what is cleared", f"is summed up in {rules.summary.max_tokens:,} tokens, by {by}"))
    return rows


def _prefix(rules: PrefixRules) -> str:
    told = "providers are told where to cache" if rules.breakpoints else "providers are not told where to cache"
    changes = {
        "warn": "what changes in a system prompt is said on the receipt",
        "behind": "what changes in a system prompt is sent behind the history",
    }
    return f"{told}; {changes[rules.volatile]}"


def _retrieved(rules: RetrievedRules) -> str:
    order = {"ends": "the best first and last", "best_first": "the best first", "as_given": "in the order they come"}
    most = "as many as there are" if rules.max_tokens is None else f"at most {rules.max_tokens:,} tokens"
    return f"{most}, {order[rules.order]}{', each once' if rules.duplicates == 'drop' else ''}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"
