"""Which recorded runs does a loop guard touch, and what had they come to?

Runs whose outcome is known are sent through leanloop's plugins with no limit but the loop guard. A run is touched
when the model would have been told, a call answered from an earlier result, or the run landed. A recording cannot
heed what it is told, so a run that is told and goes on is landed here where a live one might have turned around.

Beside it, in the same run, what others do. Both only ever stop a run:

- the same call three times anywhere in a run, whatever came of it (call counters);
- OpenHands' stuck detector (openhands/controller/stuck.py), scenarios 1, 2 and 4: four equal (call, result) pairs in
  a row, one call with three errors in a row, two pairs in turns over six steps. Its errors are those a recording
  marks, or a result that begins with "Error".

Run: python bench/loops.py [--json] [--data DIR]
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from leanloop import Budget, Message
from leanloop.adapters.traces.openai import traces_in
from leanloop.adapters.traces.replay import Replayer
from leanloop.adapters.traces.trace import Trace, succeeded
from leanloop.plugins.repeats import same_arguments

SETS = ("tau-bench", "swe-agent-demos", "intercode-bash")
KEYS = ("touched_success", "stopped_success", "touched_failure", "stopped_failure")


class Pair(NamedTuple):
    """A tool call and its result, for the peers' rules."""

    call: tuple[str, str]
    result: str
    failed: bool


class Outcome(NamedTuple):
    touched: bool
    stopped: bool


Guard = Callable[[Trace], Outcome]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    options = parser.parse_args()
    console = Console()
    guards: dict[str, Guard] = {
        "leanloop": leanloop(),
        "same call 3 times": stops(same_call),
        "OpenHands": stops(openhands),
    }
    figures: dict[str, dict[str, dict[str, float | None]]] = {name: {} for name in guards}
    for name in SETS:
        path: Path = options.data / name / "trajectories.jsonl"
        if not path.is_file():
            console.print(f"{name}: absent, skipped")
            continue
        traces = list(traces_in(path))
        table = Table(title=f"{name}: runs a loop guard touches", title_justify="left")
        table.add_column("guard")
        for column in ("successes touched", "successes stopped", "failures touched", "failures stopped"):
            table.add_column(column, justify="right")
        for guard_name, guard in guards.items():
            counts = count(guard, traces)
            figures[guard_name][name] = shares(counts)
            table.add_row(guard_name, *(cell(counts, key) for key in KEYS))
        console.print(table)
    if options.json:
        ours = figures["leanloop"]
        result: dict[str, object] = {key: {name: ours[name][key] for name in ours} for key in KEYS}
        result["peers"] = {name: figures[name] for name in guards if name != "leanloop"}
        print(json.dumps(result))


def count(guard: Guard, traces: Sequence[Trace]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for trace in traces:
        success = succeeded(trace)
        if success is not None:
            kind = "success" if success else "failure"
            outcome = guard(trace)
            counts[kind] += 1
            counts[f"touched_{kind}"] += outcome.touched
            counts[f"stopped_{kind}"] += outcome.stopped
    return counts


def shares(counts: Counter[str]) -> dict[str, float | None]:
    return {key: round(counts[key] / whole, 4) if (whole := counts[key.partition("_")[2]]) else None for key in KEYS}


def cell(counts: Counter[str], key: str) -> str:
    whole = counts[key.partition("_")[2]]
    return f"{counts[key]} of {whole} ({counts[key] / whole:.1%})" if whole else "none known"


def leanloop() -> Guard:
    replayer = Replayer(Budget(agent="bench", limits=(), results=None))

    def guard(trace: Trace) -> Outcome:
        replayed = replayer.replay(trace)
        return Outcome(replayed.outcome != "completed", replayed.outcome == "landed")

    return guard


def stops(rule: Callable[[Sequence[Pair]], bool]) -> Guard:
    """A guard that stops a run as soon as its rule holds of the steps so far."""

    def guard(trace: Trace) -> Outcome:
        steps = pairs(trace.messages)
        stuck = any(rule(steps[: end + 1]) for end in range(len(steps)))
        return Outcome(stuck, stuck)

    return guard


def pairs(messages: Sequence[Message]) -> list[Pair]:
    asked = {request.id: request for message in messages for request in message.tool_calls}
    found: list[Pair] = []
    for message in messages:
        if message.role == "tool" and message.tool_call_id in asked:
            request = asked[message.tool_call_id]
            failed = message.is_error or message.text.lstrip().startswith("Error")
            found.append(Pair((request.name, same_arguments(request.arguments)), message.text, failed))
    return found


def same_call(steps: Sequence[Pair]) -> bool:
    return sum(step.call == steps[-1].call for step in steps) >= 3


def openhands(steps: Sequence[Pair]) -> bool:
    last = steps[-4:]
    if len(last) == 4:
        if all(step == last[0] for step in last):
            return True
        if all(step.call == last[-1].call and step.failed for step in last[1:]):
            return True
    six = steps[-6:]
    return len(six) == 6 and len(set(six[::2])) == 1 and len(set(six[1::2])) == 1


if __name__ == "__main__":
    main()
