"""Old tool results that are cleared from the history: where that pays, and where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.grid import Setting, chosen, tried
from leanloop.adapters.advice.results import LIMITS, ONE_TASK, untried
from leanloop.budgets.context_rules import ContextRules
from leanloop.budgets.result_rules import ResultRules

__all__ = ["FEATURE", "KEPT", "context"]

FEATURE = "cleared context"

KEPT = (3, 2)
"""The latest results that are never cleared."""

_HOW = (
    "Each run was replayed with old results cleared where that saves money by the provider's prices of cached prompts. "
    "Before its agent wrote a value that stood nowhere in what it was then sent, a call that reads it back was put in "
    "and paid for, and so is the description of read_result in each prompt. The setting was chosen on other tasks than "
    "it is measured on. What an agent overlooks and never writes is not in a recording."
)


def context(cases: Sequence[Case], terms: Terms) -> Change | Unmeasured:
    """Try how many results are kept, with the limits of results that clearing needs where the file has none."""
    if terms.budget.context is not None:
        return Unmeasured(FEATURE, "the budget file has it on")
    why = untried(cases)
    if why is not None:
        return Unmeasured(FEATURE, why)
    found = tried(cases, _settings(terms), terms)
    best = chosen(cases, found, terms)
    if best is None:
        return Unmeasured(FEATURE, ONE_TASK)
    taken, effects = best
    return Change(FEATURE, taken.setting.keys, effects, _HOW, tuple(one.told() for one in found))


def _settings(terms: Terms) -> Iterator[Setting]:
    budget = terms.budget
    for kept in KEPT:
        keys = {"keep": kept}
        cleared = budget.model_copy(update={"context": ContextRules(keep=kept)})
        if budget.results is not None:
            yield Setting({"context": {**keys}}, cleared, f"context: {{keep: {kept}}}")
            continue
        for limit in LIMITS:
            new = cleared.model_copy(update={"results": ResultRules(max_tokens=limit)})
            words = f"context: {{keep: {kept}}}, results: {{max_tokens: {limit}}}"
            yield Setting({"results": {"max_tokens": limit}, "context": {**keys}}, new, words)
