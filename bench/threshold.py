"""Does a threshold hold its promise: how often is more lost than was allowed?

Labels are drawn from questions whose answers by two models were recorded; `leanloop tune` finds from them from when on
a question goes to the dearer model, and all questions are then judged by what the same labels say of their family.
What is lost against the dearer model is counted over all questions and all recorded answers: the truth. The promise is
broken where that is more than was allowed. Beside it, from the same labels and chances, the threshold at which the loss
as counted is just within what is allowed, which is what libraries do that have one at all.

Run: python bench/threshold.py [--json] [--data DIR] [--all]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from leanloop import Budget
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.pairs import Tried
from leanloop.plugins.trial.rehearsal import Question, Rehearsal, questions_of
from leanloop.plugins.trial.threshold import loosest, naive, setting_at

DEAR = "deepseek-r1"
CHEAP = ("llama-4-maverick", "claude-3.5-sonnet", "gemma-3-27b-it")
FLOORS = (0.02, 0.04)
LABELS = 200
DRAWS = 200
MORE = ((50, 200), (100, 200), (200, 200), (400, 100), (1000, 40))
"""Numbers of labels, and draws of so many, with --all."""

AT_ONCE = 20
"""Draws of one job."""


class Set(NamedTuple):
    """Questions with one answer of each model as their label, and the mean of all answers as the truth."""

    questions: Sequence[Question]
    truth: Sequence[tuple[float, float]]


class Job(NamedTuple):
    path: Path
    cheap: str
    labels: int
    draws: range


class Figures(NamedTuple):
    """Shares: of draws that break the promise, and of questions that go to the dearer model."""

    broken: float
    dear: float
    naive_broken: float
    naive_dear: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--all", action="store_true", help="three pairs of models, 50 to 1,000 labels: many minutes")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    options = parser.parse_args()
    console = Console()
    path: Path = options.data / "reasoning-gym" / "outcomes.jsonl.gz"
    figures: dict[str, Figures] = {}
    if not path.is_file():
        console.print("reasoning-gym: absent, skipped")
    else:
        wanted = [(cheap, *size) for size in MORE for cheap in CHEAP] if options.all else [(CHEAP[0], LABELS, DRAWS)]
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            for cheap, labels, draws in wanted:
                parts = [range(first, min(first + AT_ONCE, draws)) for first in range(0, draws, AT_ONCE)]
                found = list(pool.map(measured, [Job(path, cheap, labels, part) for part in parts]))
                for place, floor in enumerate(FLOORS):
                    sums = map(sum, zip(*(part[place] for part in found), strict=True))
                    figures[f"{cheap}, {labels} labels, {100 * floor:g} points"] = Figures(*(x / draws for x in sums))
        console.print(table(figures))
    if options.json:
        print(json.dumps(result(figures)))


def measured(job: Job) -> list[list[float]]:
    """For each of `FLOORS` the sums of what `Figures` has as shares."""
    questions, truth = read(job.path, job.cheap)
    rehearsal = Rehearsal((Setting(job.cheap), Setting(DEAR)), wary=True)
    kinds = {one.keys: one for one in questions}
    counts = [[0.0] * 4 for _ in FLOORS]
    for draw in job.draws:
        labelled = [questions[place] for place in random.Random(draw).sample(range(len(questions)), job.labels)]
        cases, learned = rehearsal.cases(labelled), rehearsal.learned(labelled)
        chances = {keys: learned.case(one) for keys, one in kinds.items()}
        for floor, sums in zip(FLOORS, counts, strict=True):
            for at, found in ((0, loosest(cases, floor)), (2, naive(cases, floor))):
                threshold = found.threshold if found is not None else -1.0
                goes = [setting_at(chances[one.keys], threshold) for one in questions]
                lost = sum(scores[1] - scores[place] for scores, place in zip(truth, goes, strict=True))
                sums[at] += lost / len(truth) > floor
                sums[at + 1] += sum(goes) / len(goes)
    return counts


@cache
def read(path: Path, cheap: str) -> Set:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    scores = [tuple(row["models"][model]["scores"] for model in (cheap, DEAR)) for row in rows]
    tried = [
        Tried(str(place), (own[0][0], own[1][0]), (None, None), row["family"])
        for place, (row, own) in enumerate(zip(rows, scores, strict=True))
    ]
    truth = [(sum(own[0]) / len(own[0]), sum(own[1]) / len(own[1])) for own in scores]
    return Set(questions_of(tried, Budget(agent="bench")), truth)


def table(figures: dict[str, Figures]) -> Table:
    found = Table(title=f"promises broken, and what goes to {DEAR}", title_justify="left")
    found.add_column("cheaper model, labels, allowed loss")
    for column in ("leanloop broken", f"to {DEAR}", "as counted broken", f"to {DEAR}"):
        found.add_column(column, justify="right")
    for name, figure in figures.items():
        found.add_row(name, *(f"{one:.1%}" for one in figure))
    return found


def result(figures: dict[str, Figures]) -> dict[str, object]:
    return {
        "broken": {name: round(one.broken, 4) for name, one in figures.items()},
        "dear_share": {name: round(one.dear, 4) for name, one in figures.items()},
        "peers": {
            "as counted": {
                "broken": {name: round(one.naive_broken, 4) for name, one in figures.items()},
                "dear_share": {name: round(one.naive_dear, 4) for name, one in figures.items()},
            }
        },
    }


if __name__ == "__main__":
    main()
