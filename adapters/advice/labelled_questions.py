"""The labelled questions that advice goes by: whose they are, what they cost and how well settings did on them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.advice.spelling import spelled_as
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.labelled import Labelled

__all__ = ["MOST_QUESTIONS", "labelled_rows", "mean_costs", "mean_scores"]

MOST_QUESTIONS = 5_000
"""Of more a sample is taken: so many take some two seconds for each setting that is tried."""


def labelled_rows(runs: Runs) -> list[Labelled]:
    """The rows of the budget's agent, or of none; of too many questions a sample. Models are spelled as in the runs."""
    terms = runs.terms
    rows = [row for row in terms.labelled if row.agent in {"", terms.budget.agent}]
    models = dict.fromkeys(row.setting.model for row in rows)
    spelled = spelled_as(models, Counter(case.model for case in runs.cases))
    rows = [replace(row, setting=row.setting._replace(model=spelled[row.setting.model])) for row in rows]
    questions = sorted({(row.agent, row.id) for row in rows})
    if len(questions) <= MOST_QUESTIONS:
        return rows
    kept = set(random.Random(terms.seed).sample(questions, MOST_QUESTIONS))  # noqa: S311 - no secret
    return [row for row in rows if (row.agent, row.id) in kept]


def mean_costs(rows: Sequence[Labelled]) -> dict[Setting, float]:
    """What a question costs with each setting, in nano-dollars, for those all of whose rows say so."""
    costs: dict[Setting, list[int | None]] = {}
    for row in rows:
        costs.setdefault(row.setting, []).append(row.cost)
    return {
        setting: fmean(known)
        for setting, each in costs.items()
        if len(known := [cost for cost in each if cost is not None]) == len(each)
    }


def mean_scores(rows: Sequence[Labelled]) -> dict[Setting, float]:
    """How well each setting did."""
    scores: dict[Setting, list[float]] = {}
    for row in rows:
        scores.setdefault(row.setting, []).append(row.score)
    return {setting: fmean(each) for setting, each in scores.items()}
