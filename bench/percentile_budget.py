"""What does a budget at the 95th percentile of successful cost save, and which successes does it lose?

For each set, the cost of a run is its tokens as billed: the whole prompt again with every call, and the replies. The
budget is the 95th percentile of what successful runs cost, so that one in twenty of them cost more. All runs are
then sent through leanloop's plugins under that budget (the loop guard is off, it has a bench of its own), in two forms:

- inside: it is the limit, and what a landing needs is kept back inside it;
- on top: what a landing at that point needs (to read the longest prompt of those runs once more, and to answer) is
  added to the limit, so that the work alone may cost the percentile.

A success is lost when it is landed before its end; a landing still gives an answer, which a recording cannot judge.
A landing's own tokens count. Beside it, in the same run: a plain stop at the same tokens without a landing, and a
step cap set the same way, at the 95th percentile of the successful runs' model calls; neither ends with an answer.
A recording cannot react: what live runs do when they are told at 70 % and 90 % is not in these figures.

Run: python bench/percentile_budget.py [--json] [--data DIR]
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from leanloop import Budget, Limit
from leanloop.adapters.traces.openai import traces_in
from leanloop.adapters.traces.replay import Replayer
from leanloop.adapters.traces.trace import Trace, succeeded
from leanloop.budgets.tokens import counter_for

SETS = ("tau-bench", "swe-agent-demos", "intercode-bash")
MODEL = "gpt-4o"
SHARE = 0.95


class Run(NamedTuple):
    trace: Trace
    success: bool | None
    calls: tuple[int, ...]
    """Tokens of each model call, prompt and reply."""
    longest: int
    """Tokens of its last prompt."""


class Result(NamedTuple):
    saved: float
    lost: int
    """Successful runs stopped."""
    stopped: int
    """Other runs stopped."""


Rule = Callable[[Run], tuple[int, bool]]
"""A run's tokens under the rule, and whether it was stopped."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    options = parser.parse_args()
    console = Console()
    figures: dict[str, dict[str, Result]] = {}
    successes: dict[str, int] = {}
    for name in SETS:
        path: Path = options.data / name / "trajectories.jsonl"
        if not path.is_file():
            console.print(f"{name}: absent, skipped")
            continue
        runs = [measured(trace) for trace in traces_in(path)]
        good = [run for run in runs if run.success]
        tokens = percentile([sum(run.calls) for run in good])
        steps = percentile([len(run.calls) for run in good])
        prompt = percentile([run.longest for run in good])
        landing = Budget(agent="bench").landing.tokens
        rules: dict[str, Rule] = {
            "leanloop": under(tokens),
            "leanloop, landing on top": under(tokens + 2 * prompt + landing),
            "stop at the tokens": stop_at(tokens),
            "step cap": cap(steps),
        }
        figures[name] = {rule_name: apply(rule, runs) for rule_name, rule in rules.items()}
        successes[name] = len(good)
        title = f"{name}: {tokens:,} tokens or {steps} steps are the 95th percentile of {len(good)} successes"
        console.print(table(title, figures[name], len(good), len(runs) - len(good)))
    if options.json:
        print(json.dumps(as_dict(figures, successes)))


def measured(trace: Trace) -> Run:
    counter = counter_for(MODEL)
    places = [place for place, message in enumerate(trace.messages) if message.role == "assistant"]
    prompts = [counter.prompt(trace.messages[:place]) for place in places]
    replies = [counter.reply(trace.messages[place]) for place in places]
    calls = tuple(prompt + reply for prompt, reply in zip(prompts, replies, strict=True))
    return Run(trace, succeeded(trace), calls, prompts[-1] if prompts else 0)


def percentile(values: Sequence[int]) -> int:
    """The smallest value that at least 95 of 100 do not exceed; 0 of none."""
    return sorted(values)[math.ceil(SHARE * len(values)) - 1] if values else 0


def under(tokens: int) -> Rule:
    replayer = Replayer(Budget(agent="bench", limits=(Limit(tokens=tokens),), loop=None, results=None), MODEL)

    def rule(run: Run) -> tuple[int, bool]:
        replayed = replayer.replay(run.trace)
        return replayed.budgeted.usage.total, replayed.at_call is not None

    return rule


def stop_at(tokens: int) -> Rule:
    """No call that would end above `tokens` is made: a rule that knows each call's cost beforehand."""

    def rule(run: Run) -> tuple[int, bool]:
        spent = 0
        for call in run.calls:
            if spent + call > tokens:
                return spent, True
            spent += call
        return spent, False

    return rule


def cap(steps: int) -> Rule:
    return lambda run: (sum(run.calls[:steps]), len(run.calls) > steps)


def apply(rule: Rule, runs: Sequence[Run]) -> Result:
    spent = lost = stopped = 0
    for run in runs:
        tokens, was_stopped = rule(run)
        spent += tokens
        lost += was_stopped and bool(run.success)
        stopped += was_stopped and not run.success
    whole = sum(sum(run.calls) for run in runs)
    return Result(1 - spent / whole if whole else 0.0, lost, stopped)


def table(title: str, results: dict[str, Result], successes: int, others: int) -> Table:
    shown = Table(title=title, title_justify="left")
    shown.add_column("rule")
    for column in ("tokens saved", f"of {successes} successes lost", f"of {others} others stopped"):
        shown.add_column(column, justify="right")
    for name, result in results.items():
        shown.add_row(name, f"{result.saved:.1%}", str(result.lost), str(result.stopped))
    return shown


def as_dict(figures: dict[str, dict[str, Result]], successes: dict[str, int]) -> dict[str, object]:
    def by_set(rule: str) -> dict[str, object]:
        return {
            "tokens_saved": {name: round(results[rule].saved, 4) for name, results in figures.items()},
            "successes_lost": {name: results[rule].lost for name, results in figures.items()},
        }

    rules = dict.fromkeys(rule for results in figures.values() for rule in results)
    ours = by_set("leanloop")
    return {**ours, "successes": successes, "peers": {rule: by_set(rule) for rule in rules if rule != "leanloop"}}


if __name__ == "__main__":
    main()
