"""What does a recorded run cost when its tool results are shortened and cleared, next to doing nothing?

Every run is replayed through the plugins as one budget file switches them on (`results`, `context: on`), with the model
and the tools played from the recording, and beside that through what others do, on the same work:

- LangChain's ContextEditingMiddleware (ClearToolUsesEdit) at its defaults, and with keep 5 and a trigger that fires;
- deepagents' eviction of large results; head and tail at our limit;
- headroom-ai, each result compressed when it arrives (its default of leaving the last four messages alone would break
  the prefix at each step), where it is there or HEADROOM_PYTHON names a Python that has it.

Costs. Anthropic's prices of Claude Sonnet 4.5: input 1, read from the cache 0.1, written to it 1.25, output 5; a prompt
under 1,024 tokens is not cached; a call reads the longest prefix it shares with the one before. "Prompts" leaves the
output out, which nobody here changes; "bill" has it in. Recordings hold no descriptions of tools, so prompts here have
none; one row adds that of our `read_result` to each of them.

Readbacks. A recording cannot react. So whenever its agent writes a value (a path, name, number, quoted text: see
leanloop.adapters.traces.out_of_sight) that some earlier result has and that stands nowhere in what would be sent, a
call is put in between which gets it: the model call with its output, and its result, which stays in the history. With
us that is `read_result` through the real plugins; peers without a handle call the tool again.

Chained runs: the steps of the SWE-agent runs, shuffled (seeded) run by run, one behind the other, to 100 and 200 steps.

`--half tuned` and `--half held` take the half of the runs that the arithmetic was looked at with, and the other.

The headline is for `results: {max_tokens: 500, read_tokens: 500}` and `context: {keep: 2}`: long runs of a coding agent
whose every result is in reach again by one call. The rows below it have the defaults (4,000 tokens, keep 3) and others.

The quick form takes a fixed sample of each set's runs (seeded); `--full` takes all. In each line of a table it is a new
agent, whose plugins learn from run to run. Two processes share the work.

Run: python bench/context_cost.py [--full] [--json] [--data DIR] [--half tuned|held]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import random
import subprocess
import sys
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from _context_ways import MODEL, Arrival, Cleared, LeanLoop, Nothing, Way, deepagents_evicted, head_and_tail, looked_up
from langchain.agents.middleware import ClearToolUsesEdit
from rich.console import Console
from rich.table import Table

from leanloop.adapters.traces.bill import Meter
from leanloop.adapters.traces.openai import traces_in
from leanloop.adapters.traces.out_of_sight import Missing, Sight
from leanloop.budgets.budget import Budget
from leanloop.budgets.message import Message
from leanloop.budgets.prefix_cache import rule_for
from leanloop.budgets.price_book import price_book
from leanloop.budgets.tokens import TokenCounter
from leanloop.budgets.usage import Usage
from leanloop.plugins.call import ModelReply
from leanloop.plugins.stack import Stack

SETS = ("tau-bench", "swe-agent-demos", "intercode-bash")
CHAINS = {"chained_100": 100, "chained_200": 200}
HEADLINE = 500
HEADLINE_WAY = f"leanloop, {HEADLINE:,}, keep 2"
LIMITS = (4_000, 1_000)

COUNTER = TokenCounter(MODEL)  # not the plugins' own, which learns
PRICE = price_book(Budget(agent="bench")).price(MODEL)
Make = Callable[[bool], Way]
"""A way for one run, given whether the provider caches."""

SAMPLE = 50
"""Runs of each set in the quick form."""

GROUPS: dict[str, list[Run]] = {}
WAYS: dict[str, Callable[[], Make]] = {}
"""What the processes work on: they are forked with it. A way of each name is made anew for each set."""


class Run(NamedTuple):
    """Messages, and by the place at which the steps of a recorded run begin in them what that run was told before."""

    messages: tuple[Message, ...]
    told: Mapping[int, tuple[Message, ...]]

    @classmethod
    def of(cls, messages: tuple[Message, ...]) -> Run:
        return cls(messages, {0: ()})


class Cost(NamedTuple):
    """Nano-dollars of a run, of its prompts and with its output, and calls that were put in between."""

    prompts: int = 0
    bill: int = 0
    readbacks: int = 0
    unread: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--full", action="store_true", help="all runs, not a sample")
    parser.add_argument("--half", choices=("tuned", "held"), help="only this half of the runs")
    parser.add_argument("--ways", help="only ways whose name has this in it")
    options = parser.parse_args()
    console = Console()
    for name in SETS:
        path: Path = options.data / name / "trajectories.jsonl"
        if not path.is_file():
            console.print(f"{name}: absent, skipped")
            continue
        traces = [t for t in traces_in(path) if options.half in (None, half_of(t.id))]
        GROUPS[name] = [Run.of(trace.messages) for trace in traces]
        if not options.full and len(traces) > SAMPLE:
            GROUPS[name] = random.Random(0).sample(GROUPS[name], SAMPLE)
    if GROUPS.get("swe-agent-demos"):
        for name, steps in CHAINS.items():
            GROUPS[name] = [chain(GROUPS["swe-agent-demos"], steps, seed) for seed in range(3)]
    WAYS.update(
        {n: make for n, make in all_ways(GROUPS, console).items() if n == "nothing" or (options.ways or "") in n}
    )
    costs: dict[str, dict[str, dict[bool, Cost]]] = defaultdict(lambda: defaultdict(dict))
    jobs = [(group, name) for group in GROUPS for name in WAYS]
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        for (group, name), (cached, uncached) in zip(jobs, pool.map(work, jobs), strict=True):
            costs[name][group] = {True: cached, False: uncached}
            if name == next(reversed(WAYS)):
                show(console, group, GROUPS[group], costs)
                sys.stdout.flush()
    if options.json:
        print(json.dumps(figures(costs, GROUPS)))


def work(job: tuple[str, str]) -> tuple[Cost, Cost]:
    """What the runs of one set cost in one way, with caching and without."""
    group, name = job
    make = WAYS[name]()
    cached, uncached = total(GROUPS[group], make, caching=True)
    if make(False).reacts:
        _, uncached = total(GROUPS[group], make, caching=False)
    return cached, uncached


def half_of(name: str) -> str:
    return "held" if zlib.crc32(name.encode()) % 2 else "tuned"


def chain(runs: Sequence[Run], steps: int, seed: int) -> Run:
    """The steps of the runs, one run behind the other, after the beginning of the first.

    What a later run was told is not in the prompt, and neither is what it says of that lost: its agent knew it.
    """
    order = list(runs)
    random.Random(seed).shuffle(order)
    found = list(order[0].messages[: _begin(order[0])])
    told: dict[int, tuple[Message, ...]] = {}
    count = 0
    while True:
        for run in order:
            begin = _begin(run)
            told[len(found) if told else 0] = run.messages[:begin]
            names: dict[str, str] = {}
            for message in run.messages[begin:]:
                if message.role == "assistant":
                    if count == steps:
                        return Run(tuple(found), told)
                    count += 1
                    names = {call.id: f"{call.id}_{count}" for call in message.tool_calls}
                    calls = tuple(replace(call, id=names[call.id]) for call in message.tool_calls)
                    found.append(replace(message, tool_calls=calls))
                elif message.role == "tool":
                    found.append(replace(message, tool_call_id=names[message.tool_call_id or ""]))


def _begin(run: Run) -> int:
    return next(place for place, message in enumerate(run.messages) if message.role == "assistant")


def all_ways(groups: Mapping[str, Sequence[Run]], console: Console) -> dict[str, Callable[[], Make]]:
    ways: dict[str, Callable[[], Make]] = {"nothing": lambda: lambda _: Nothing()}
    ways[HEADLINE_WAY] = lambda: leanloop(HEADLINE, 2)
    ways["the same, read_result counted"] = lambda: leanloop(HEADLINE, 2, counted=True)
    ways |= {f"leanloop, {limit:,}": partial(leanloop, limit) for limit in LIMITS}
    ways["ClearToolUses, defaults"] = lambda: lambda _: Cleared(ClearToolUsesEdit())
    ways["ClearToolUses, keep 5 over 4,000"] = lambda: lambda _: Cleared(ClearToolUsesEdit(trigger=4_000, keep=5))
    ways["deepagents"] = lambda: lambda _: Arrival(deepagents_evicted)
    ways[f"head and tail, {HEADLINE:,}"] = lambda: lambda _: Arrival(head_and_tail(HEADLINE))
    shown = headroom(groups)
    if shown is None:
        console.print("headroom-ai: not there or failing, skipped (a venv of its own: HEADROOM_PYTHON=VENV/bin/python)")
    else:
        ways["headroom-ai"] = lambda: lambda _: Arrival(looked_up(shown))
    return ways


def leanloop(limit: int, keep: int = 3, *, counted: bool = False) -> Make:
    """One agent, whose plugins learn from each run how long its runs are."""
    file = {"agent": "bench", "limits": (), "loop": False, "store": "memory"}
    rules = {
        "results": {"max_tokens": limit, "reads": 10_000, "read_tokens": 500, "max_bytes": "2GB"},
        "context": {"keep": keep},
    }
    budget = Budget.model_validate(file | rules)
    stacks = {caching: Stack() for caching in (True, False)}

    def run(caching: bool) -> LeanLoop:
        return LeanLoop(budget, stacks[caching], caching=caching, counted=counted)

    return run


def total(runs: Sequence[Run], make: Make, caching: bool) -> tuple[Cost, Cost]:
    """What runs cost with caching and without, in a way that is told it is so or not."""
    costs = [replay(run, make(caching)) for run in runs]
    cached, uncached = ([pair[place] for pair in costs] for place in (0, 1))
    return _sum(cached), _sum(uncached)


def _sum(costs: Sequence[Cost]) -> Cost:
    return Cost(*(sum(part) for part in zip(*costs, strict=True))) if costs else Cost()


def replay(run: Run, way: Way) -> tuple[Cost, Cost]:
    """Play one run, with the calls that get back what is no longer in sight."""
    meter = Meter(COUNTER, PRICE, rule_for(MODEL))
    requests = {r.id: r for m in run.messages for r in m.tool_calls}
    history: list[Message] = []
    readbacks = unread = recorded = 0
    sent: Sequence[Message] = ()
    sight = Sight()
    for place, message in enumerate(run.messages):
        if place in run.told:
            sight = Sight()
            for told in run.told[place]:
                sight.told(told)
        if message.role == "tool":
            request = requests[message.tool_call_id or ""]
            history.append(way.arrive(message, request, sent))
            sight.gave(message, request)
            continue
        if message.role == "assistant":
            recorded += meter.output(message)
            values = sight.took(message)
            while True:
                play = _Play(message, way, meter, sight, values)
                way.send(history, play.answer)
                sent = play.sent
                if play.missing is None:
                    break
                readbacks += 1
                request = play.reply.tool_calls[0]
                again = replace(play.missing.given.result, tool_call_id=request.id, name=request.name)
                history += [play.reply, way.arrive(again, request, sent)]
                unread += not sight.sees(play.missing.value, history[-1:])
                values.remove(play.missing.value)  # or else six results in turn would push each other out of the last
        history.append(message)
        sight.told(message)
    bill = meter.bill
    output = PRICE.cost(Usage(output=recorded))
    cached, uncached = (Cost(one - output, one, readbacks, unread) for one in (bill.cached or 0, bill.uncached or 0))
    return cached, uncached


class _Play:
    """The model in one call: it says what was recorded, or asks for what it would have to see for that."""

    def __init__(self, recorded: Message, way: Way, meter: Meter, sight: Sight, values: Sequence[str]) -> None:
        self.reply = recorded
        self.missing: Missing | None = None
        self.sent: Sequence[Message] = ()
        self._way = way
        self._meter = meter
        self._sight = sight
        self._values = values

    def answer(self, sent: Sequence[Message]) -> ModelReply:
        self.sent = sent
        self.missing = self._sight.missing(self._values, sent)
        if self.missing is not None:
            self.reply = Message("assistant", "", (self._way.asks(self.missing, sent),))
        return ModelReply(self.reply, self._meter.call((*self._way.prompt, *sent), self._meter.output(self.reply)))


def headroom(groups: Mapping[str, Sequence[Run]]) -> dict[str, str] | None:
    """What headroom-ai makes of each result, by its text."""
    python = sys.executable if importlib.util.find_spec("headroom") else os.environ.get("HEADROOM_PYTHON")
    if not python:
        return None
    runs = [run for name in SETS for run in groups.get(name, ())]
    script = Path(__file__).with_name("_headroom.py")
    lines = "".join(json.dumps([_openai(message) for message in run.messages]) + "\n" for run in runs)
    done = subprocess.run(  # noqa: S603  (the Python the user named)
        [python, str(script), "0"],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HEADROOM_OFFLINE": "1"},
    )
    if done.returncode:
        return None
    shown: dict[str, str] = {}
    for run, line in zip(runs, done.stdout.splitlines(), strict=True):
        for message, other in zip(run.messages, json.loads(line), strict=True):
            if message.role == "tool":
                shown[message.text] = str(other["content"])
    return shown


def _openai(message: Message) -> dict[str, object]:
    found: dict[str, object] = {"role": message.role, "content": message.text}
    if message.tool_calls:
        found["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in message.tool_calls
        ]
    if message.tool_call_id is not None:
        found["tool_call_id"] = message.tool_call_id
    return found


Costs = Mapping[str, Mapping[str, Mapping[bool, Cost]]]


def show(console: Console, group: str, runs: Sequence[Run], costs: Costs) -> None:
    table = Table(title=f"{group}, {len(runs):,} runs: cost next to doing nothing", title_justify="left")
    table.add_column("")
    for column in ("prompts, cached", "bill, cached", "prompts, uncached", "bill, uncached", "readbacks", "in vain"):
        table.add_column(column, justify="right")
    for name, by_group in costs.items():
        cells: list[str] = []
        for caching in (True, False):
            cells += [f"{ratio(costs, name, group, caching, part):.3f}" for part in ("prompts", "bill")]
        cost = by_group[group][True]
        table.add_row(name, *cells, f"{cost.readbacks:,}", f"{cost.unread:,}")
    console.print(table)


def ratio(costs: Costs, name: str, group: str, caching: bool, part: str) -> float:
    own, bare = costs[name][group][caching], costs["nothing"][group][caching]
    return round(own.bill / bare.bill if part == "bill" else own.prompts / bare.prompts, 4)


def figures(costs: Costs, groups: Mapping[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    peers: dict[str, object] = {}
    for name in costs:
        if name != "nothing":
            line: dict[str, object] = {
                key: {group: ratio(costs, name, group, caching, part) for group in SETS if group in groups}
                for key, caching, part in (
                    ("cached", True, "prompts"),
                    ("uncached", False, "prompts"),
                    ("cached_bill", True, "bill"),
                    ("uncached_bill", False, "bill"),
                )
            }
            for group in CHAINS:
                if group in groups:
                    line[group] = ratio(costs, name, group, True, "prompts")
                    line[f"{group}_bill"] = ratio(costs, name, group, True, "bill")
            line["readbacks"] = {group: costs[name][group][True].readbacks for group in groups}
            peers[name] = line
            if name == HEADLINE_WAY:
                found |= line
    return found | {"peers": {name: line for name, line in peers.items() if name != HEADLINE_WAY}}


if __name__ == "__main__":
    main()
