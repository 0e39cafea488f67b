"""Less thinking where it changes nothing: from labelled questions; of recorded runs alone, what thinking cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from leanloop.adapters.advice.case import Case
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.labelled_questions import labelled_rows
from leanloop.adapters.advice.labelled_settings import settled
from leanloop.adapters.advice.phases import calls_by_phase, thought
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.reasoning import anthropic, deepseek, google, open_weights, openai
from leanloop.budgets.degrade_step import EFFORTS, Effort
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.labelled import Labelled
from leanloop.plugins.trial.tuning import Tuning

__all__ = ["FEATURE", "thinking"]

FEATURE = "thinking gate"

_KNOWN = (
    openai.reasoning_of,
    anthropic.reasoning_of,
    google.reasoning_of,
    deepseek.reasoning_of,
    open_weights.reasoning_of,
)


def thinking(runs: Runs) -> Change | Unmeasured:
    """Which calls need the most effort that was tried, of one model, and which do with less.

    Of runs alone it is told what was thought, and never advised: what a run would have come to with less is not in it.
    """
    cases, terms = runs.cases, runs.terms
    if terms.budget.thinking is not None:
        return Unmeasured(FEATURE, "the budget file has it on; leanloop tune gate finds its threshold")
    spent = thought(calls_by_phase(cases, terms.budget), terms.budget)
    rows = labelled_rows(runs)
    efforts = _efforts(rows, cases)
    if len(efforts) < 2:
        model = efforts[0].model if efforts else cases[0].model if cases else "MODEL"
        if not efforts and cases and not spent and not any(_reasons(case.model) for case in cases):
            return Unmeasured(FEATURE, f"{model} is not known to reason")
        why = (
            "what less thinking would lose is not in a recording. To measure it: leanloop evaluate QUESTIONS --models "
            f"{model} --thinking off,high --out rows.jsonl, and then leanloop advise with --labelled rows.jsonl"
        )
        return Unmeasured(FEATURE, why, spent)
    *cheaper, dear = efforts
    found = settled(FEATURE, rows, terms, dear=dear, cheaper=cheaper, keys=_keys)
    if isinstance(found, Unmeasured):
        return Unmeasured(FEATURE, found.why, (*found.notes, *spent))
    return found


def _efforts(rows: Sequence[Labelled], cases: Sequence[Case]) -> list[Setting]:
    """The settings of one model that name an effort, the least effort first: of the runs' model where it was tried with
    several, else of the one with the most rows that was.
    """
    count = Counter(row.setting for row in rows if row.setting.effort is not None)
    efforts = Counter(setting.model for setting in count)
    runs = Counter(case.model for case in cases)
    rows_of = Counter[str]()
    for setting, number in count.items():
        rows_of[setting.model] += number
    best = max(efforts, key=lambda model: (efforts[model] > 1, runs[model], rows_of[model], model), default=None)
    return sorted((setting for setting in count if setting.model == best), key=_rank)


def _reasons(model: str) -> bool:
    """Whether it is known to, by its name without its provider's."""
    name = model.rpartition("/")[2].rpartition(":")[2]
    return any(of(name) is not None for of in _KNOWN)


def _rank(setting: Setting) -> int:
    return EFFORTS.index(setting.effort or "none")


def _keys(tuning: Tuning) -> Mapping[str, JsonValue]:
    less, more = (_named(setting.effort) for setting in tuning.settings)
    return {"thinking": {"above": tuning.above, "effort": more, "below": less}}


def _named(effort: Effort | None) -> str:
    return effort or "none"
