"""Does what was learned of an agent's calls tell which ones need the dearer model?

Set: 4,607 questions of reasoning-gym in 94 families of about 50, with the recorded answers of four models
(shared/data/reasoning-gym). A chance is learned for each that deepseek-r1 succeeds where a cheaper model fails. No
question is judged by what was learned from it:

- seen: ten folds over the questions, so that about 45 outcomes of its family are known of each; five folds, and 40,
  for the pairs behind the first.
- unseen: as many folds over the families, so that none is known of its family.
- declared: the family is the declared step. Without: the text alone, its family found by its words.
- unpaired: one of the two models, at random, has answered each question that is learned from.

APGR is RouteLLM's average performance gap recovered: 0.5 is a random order, the oracle knows what each model answers.
Coverage: how often the true rate of a family (over all its questions) is within the bounds of what was estimated for
its questions, and how often it is below or above; each bound is at 95 %. Dear: the share of calls above a threshold of
0.3, with those about which too little is known sent to the dearer model (think) and to the cheaper (cheap).

Beside it, on the same questions: the length of the question, LiteLLM's and cascadeflow's heuristics, by their own code
in an environment of its own: python -m venv PEERS; PEERS/bin/pip install litellm cascadeflow; then --peers-python
PEERS/bin/python. What is not installed is named and skipped.

Run: python bench/difficulty.py [--json] [--data DIR] [--peers-python PYTHON]
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _questions import Floats, Question, apgr, calibration_error, folds_of, questions_in
from rich.console import Console
from rich.table import Table

from leanloop import Budget, Message, ModelCall, ModelReply, Task, Usage, step
from leanloop.budgets.thinking_rules import ThinkingRules
from leanloop.plugins.abilities import Abilities
from leanloop.plugins.difficulty.counted import estimate_of
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.drive_sync import run
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.stack import Stack
from leanloop.plugins.steps import perform
from leanloop.plugins.supplied import Supplied

DEAR = "deepseek-r1"
CHEAP = ("llama-4-maverick", "claude-3.5-sonnet", "gemma-3-27b-it")
"""The first is the pair of the figures by name."""

BUDGET = Budget(agent="bench", limits=())
THRESHOLD = 0.3
FOLDS = {cheap: 5 if place else 10 for place, cheap in enumerate(CHEAP)}
CURVE = (5, 10, 20)

Keys = Sequence[tuple[str, ...]]


class Judged(NamedTuple):
    """By question: the chance, and its bounds."""

    mean: Floats
    low: Floats
    high: Floats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--peers-python", type=Path, help="a Python with litellm and cascadeflow")
    options = parser.parse_args()
    console = Console(width=120)
    questions = questions_in(options.data)
    if questions is None:
        console.print("reasoning-gym: absent, skipped")
        return
    declared, found = keys_of(questions, declared=True), keys_of(questions, declared=False)
    figures: dict[str, dict[str, object]] = {}
    with ThreadPoolExecutor(1) as beside:  # theirs take half a minute
        heuristics = beside.submit(peers, questions, options.peers_python, console)
        for cheap in CHEAP:
            figures[cheap] = pair(questions, cheap, declared, found, heuristics=heuristics, console=console)
    main_pair = figures[CHEAP[0]]
    main_pair["learning_curve"] = {**curve(questions, declared, console), "45": main_pair["apgr_seen"]}
    main_pair["gate_us"] = gate(questions, console)
    if options.json:
        print(json.dumps({**main_pair, "pairs": {cheap: figures[cheap] for cheap in CHEAP[1:]}}))


def keys_of(questions: Sequence[Question], *, declared: bool) -> list[tuple[str, ...]]:
    """The kinds of each question. Families are found as the questions come; no outcome has a part in that."""
    learning, task = Learning(Supplied(outcomes=MemoryOutcomes())), Task(BUDGET)
    kinds: list[tuple[str, ...]] = []
    for question in questions:
        with step(question.family) if declared else nullcontext():
            kinds.append(perform(learning.keys(asked(question), task)))
    return kinds


def asked(question: Question) -> ModelCall:
    return ModelCall("bench", (Message("user", question.text),))


def judged(
    questions: Sequence[Question],
    keys: Keys,
    cheap: str,
    *,
    whole: bool = False,
    paired: bool = True,
    most: int | None = None,
) -> Judged:
    """What is believed of each question once the other folds are learned; of a family at most ``most`` outcomes."""
    rows = np.zeros((3, len(questions)))
    cheaper, dearer = Setting(cheap), Setting(DEAR)
    for learned, held in folds_of(questions, FOLDS[cheap], seed=7, whole=whole):
        store = MemoryOutcomes()
        learning = Learning(Supplied(outcomes=store))
        arms, taken = random.Random(7), Counter[str]()
        for place in learned:
            question = questions[place]
            taken[question.family] += 1
            if most is not None and taken[question.family] > most:
                continue
            scores = {cheaper: question.scores[cheap], dearer: question.scores[DEAR]}
            if not paired:
                scores.pop(arms.choice((cheaper, dearer)))
            perform(learning.observed(keys[place], scores, BUDGET))
        for place in held:
            estimate = estimate_of(store.counts(keys[place]), cheaper, dearer)
            rows[:, place] = estimate.mean, estimate.low, estimate.high
    return Judged(*rows)


def pair(
    questions: Sequence[Question],
    cheap: str,
    declared: Keys,
    found: Keys,
    *,
    heuristics: Future[dict[str, Floats]],
    console: Console,
) -> dict[str, object]:
    """The table of one pair of models, and its figures."""
    ways = {
        "seen, declared": judged(questions, declared, cheap),
        "seen, without": judged(questions, found, cheap),
        "seen, declared, unpaired": judged(questions, declared, cheap, paired=False),
        "unseen, declared": judged(questions, declared, cheap, whole=True),
        "unseen, without": judged(questions, found, cheap, whole=True),
    }
    low, high = (np.array([question.scores[model] for question in questions]) for model in (cheap, DEAR))
    gain = np.array([question.gain(cheap, DEAR) for question in questions])
    title = f"{cheap} to {DEAR}: {low.mean():.3f} to {high.mean():.3f}, {gain.mean():.3f} made good"
    table = Table(title=title, title_justify="left")
    for column in ("", "APGR", "calibration", "covered", "below", "above", "dear: think", "cheap"):
        table.add_column(column, justify="left" if not column else "right")
    figures: dict[str, dict[str, float]] = {}
    for name, way in ways.items():
        figures[name] = {
            "apgr": apgr(way.mean, low, high),
            "calibration_error": calibration_error(way.mean, gain),
            **coverage(questions, way, gain),
            "dear_think": float((way.high > THRESHOLD).mean()),
            "dear_cheap": float((way.low > THRESHOLD).mean()),
        }
        table.add_row(name, *(f"{figure:.3f}" for figure in figures[name].values()))
    beside = {
        "prompt length": np.array([float(len(question.text)) for question in questions]),
        "random": np.zeros(len(questions)),
        **heuristics.result(),
        "oracle": high - low,
    }
    others = {name: round(apgr(order, low, high), 3) for name, order in beside.items()}
    for name, value in others.items():
        table.add_row(name, f"{value:.3f}")
    console.print(table)
    shown = {name: {key: round(figure, 3) for key, figure in one.items()} for name, one in figures.items()}
    seen, unseen = shown["seen, declared"], shown["unseen, declared"]
    return {
        "apgr_seen": seen["apgr"],
        "apgr_without_key": shown["seen, without"]["apgr"],
        "apgr_unpaired": shown["seen, declared, unpaired"]["apgr"],
        "apgr_unseen": shown["unseen, without"]["apgr"],
        "calibration_error": seen["calibration_error"],
        "coverage": unseen["covered"],
        "dear_think": unseen["dear_think"],
        "dear_cheap": unseen["dear_cheap"],
        "peers": others,
        "ways": shown,
    }


def coverage(questions: Sequence[Question], way: Judged, gain: Floats) -> dict[str, float]:
    """By family, and over families: whether its rate is within the bounds, on average over its questions."""
    family = np.array([question.family for question in questions])
    shares: list[tuple[float, float, float]] = []
    for name in sorted(set(family)):
        of = family == name
        rate = gain[of].mean()
        below, above = (rate < way.low[of]).mean(), (rate > way.high[of]).mean()
        shares.append((1 - below - above, below, above))
    covered, below, above = np.array(shares).mean(axis=0)
    return {"covered": float(covered), "below": float(below), "above": float(above)}


def curve(questions: Sequence[Question], keys: Keys, console: Console) -> dict[str, float]:
    """APGR by how many outcomes of each family are known."""
    cheap = CHEAP[0]
    low, high = (np.array([question.scores[model] for question in questions]) for model in (cheap, DEAR))
    found = {str(most): round(apgr(judged(questions, keys, cheap, most=most).mean, low, high), 3) for most in CURVE}
    shown = ", ".join(f"{most}: {value:.3f}" for most, value in found.items())
    console.print(f"APGR by outcomes known of a family ({cheap}, declared; 45 are seen above): {shown}")
    return found


def gate(questions: Sequence[Question], console: Console) -> float:
    """Microseconds that the thinking gate adds to a call whose text is known: estimate, effort, what is kept."""
    learning, task = Learning(Supplied(outcomes=MemoryOutcomes())), Task(BUDGET)
    cheaper, dearer = Setting(CHEAP[0]), Setting(DEAR)
    calls = [replace(asked(question), abilities=abilities) for question in questions[:200]]
    first, again = (
        spent(lambda call: perform(learning.estimate(call, task, cheaper, dearer)), calls) for _ in range(2)
    )
    added = flows(BUDGET.model_copy(update={"thinking": ThinkingRules()}), calls) - flows(BUDGET, calls)
    console.print(
        f"The thinking gate adds {added:.0f} us to a call: {again:.0f} us of it are the estimate, which takes "
        f"{first:.0f} us where the text was never seen."
    )
    return round(added, 1)


def abilities(_: str) -> Abilities:
    return Abilities(efforts=("none", "low", "medium", "high"), default="none")


def flows(budget: Budget, calls: Sequence[ModelCall]) -> float:
    """Microseconds of a call through all plugins, each in a task of its own; the best of three rounds."""
    stack = Stack(supplied=Supplied(outcomes=MemoryOutcomes()))
    reply = ModelReply(Message("assistant", "yes"), Usage(input=100, output=10))
    tasks = iter([Task(budget) for _ in range(4 * len(calls))])
    rounds = [spent(lambda call: run(stack.model_flow(call, next(tasks)), lambda _: reply), calls) for _ in range(4)]
    return min(rounds[1:])


def spent(does: Callable[[ModelCall], object], calls: Sequence[ModelCall]) -> float:
    """Microseconds a call, of this process alone."""
    start = time.process_time()
    for call in calls:
        does(call)
    return (time.process_time() - start) / len(calls) * 1e6


def peers(questions: Sequence[Question], python: Path | None, console: Console) -> dict[str, Floats]:
    """The scores of the heuristics that are installed there."""
    if python is None:
        console.print("LiteLLM, cascadeflow: no --peers-python, skipped")
        return {}
    script = Path(__file__).with_name("_difficulty_peers.py")
    asked_for = json.dumps([question.text for question in questions])
    run = subprocess.run([python, script], input=asked_for, capture_output=True, text=True, check=True)  # noqa: S603
    found: dict[str, list[float]] = json.loads(run.stdout.splitlines()[-1])
    for name in ("LiteLLM", "cascadeflow"):
        if not any(one.startswith(name) for one in found):
            console.print(f"{name}: not installed there, skipped")
    return {name: np.array(scores) for name, scores in found.items()}


if __name__ == "__main__":
    main()
