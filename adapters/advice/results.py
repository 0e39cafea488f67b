"""Shortened tool results: at which limit they pay, and where they do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.grid import Setting, Trials
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.traces.reading_back import tools_of
from leanloop.budgets.result_rules import ResultRules
from leanloop.plugins.read_result import READ_RESULT

__all__ = ["FEATURE", "ONE_TASK", "READ_BACK", "limited", "results", "untried"]

FEATURE = "shortened results"
_OFF = "results left whole"

_LIMITS = (4_000, 1_000, 500)
"""Tokens of one result."""

ONE_TASK = "all runs are of one task: a setting is chosen on some tasks and measured on others"

READ_BACK = (
    "Before its agent wrote a value that stood nowhere in what it was then sent, a call that reads it back was put in "
    "and paid for, and so is the description of read_result in each prompt. The setting was chosen on other tasks than "
    "it is measured on. What an agent overlooks and never writes is not in a recording."
)
"""What is taken for granted of an agent that sees less."""

_HOW = f"Each run was replayed with its tools' results shortened at each limit. {READ_BACK}"


def results(runs: Runs) -> Change | Unmeasured:
    """Try limits of results; where they are shortened already, other limits and none."""
    why = untried(runs.cases)
    if why is not None:
        return Unmeasured(FEATURE, why)
    trials = Trials(runs)
    if not trials.folds:
        return Unmeasured(FEATURE, ONE_TASK)
    found = trials.of(_settings(runs.terms))
    effects: list[Effect] = []
    for fitted, held_out in trials.folds:
        best = trials.best(found, fitted)
        effects += [best.effects[place] for place in held_out]
    keys = trials.best(found).setting.keys
    feature = FEATURE if keys["results"] else _OFF
    return Change(feature, keys, effects, _HOW, tuple(one.told() for one in found))


def untried(cases: Sequence[Case]) -> str | None:
    """Why results cannot be shortened or cleared in any of the runs; None where they can."""
    tools = [tools_of(case.trace) for case in cases]
    if not any(message.role == "tool" for case in cases for message in case.trace.messages):
        return "no run has a result of a tool"
    if all(READ_RESULT in names for names in tools if names):
        return (
            f"these runs call a tool named {READ_RESULT}: they were recorded with results shortened, or it is your own"
        )
    return None


def limited(terms: Terms) -> Iterator[Setting]:
    """Limits of results, others than the file has."""
    own = terms.budget.results
    for limit in _LIMITS:
        if own is None or limit != own.max_tokens:
            rules = (own or ResultRules()).model_copy(update={"max_tokens": limit})
            words = f"results: {{max_tokens: {limit}}}"
            yield Setting({"results": {"max_tokens": limit}}, terms.budget.model_copy(update={"results": rules}), words)


def _settings(terms: Terms) -> Iterator[Setting]:
    yield from limited(terms)
    if terms.budget.results is not None:
        yield Setting({"results": False}, terms.budget.model_copy(update={"results": None}), "results: off")
