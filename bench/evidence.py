"""What is still seen of the values that an agent used later, once a tool result is shortened?

A value is an identifier, number, path, name or quoted string that a recorded agent wrote in a later tool call or
answer, that stands in the result, and that stood nowhere before: in no earlier message, nor in the arguments of the
call. Each result goes through the result limit at 500, 1,000 and 2,000 tokens as on arrival, with the history of then;
the line above what is shown counts. What is not visible must be reachable: one call of `read_result` that asks for it
finds it.

Every figure is given over all results and over those that were longer than the limit. Beside it head, tail, head and
tail at the same tokens; LangChain's ClearToolUsesEdit, of which nothing is visible once it has cleared; headroom-ai, if
it is there or HEADROOM_PYTHON names a Python that has it (it knows no limit: its columns are the same result thrice).

`--half tuned` takes the half of the runs that the shorteners' rules were looked at with, `--half held` the other.

Run: python bench/evidence.py [--json] [--data DIR] [--half tuned|held] [--missed TOKENS]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from leanloop.adapters.traces.openai import traces_in
from leanloop.adapters.traces.trace import Trace
from leanloop.adapters.traces.used_values import said, stands_in, values_in
from leanloop.budgets.budget import Budget
from leanloop.budgets.message import Message
from leanloop.budgets.result_rules import ResultRules
from leanloop.budgets.tokens import counter_for
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.drive_sync import run
from leanloop.plugins.result_limit import ResultLimit
from leanloop.plugins.results.search import LONGEST_SEARCH, search
from leanloop.plugins.results.text_range import read_range
from leanloop.plugins.task import Task

SETS = ("tau-bench", "swe-agent-demos", "intercode-bash")
ENDING = {"all": "", "shortened": "_shortened"}
LIMITS = (500, 1_000, 2_000)

count = counter_for("gpt-4o").text


class Result(NamedTuple):
    """A tool result, what was known when it came, and which of its values were used later."""

    name: str
    text: str
    call: ToolCall
    values: tuple[str, ...]
    before: tuple[Message, ...]


Peer = Callable[[Result, int], str]
Figures = Mapping[tuple[int, str], tuple[int, int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--half", choices=("tuned", "held"), help="only this half of the runs")
    parser.add_argument("--missed", type=int, metavar="TOKENS", help="list the values that are not visible then")
    options = parser.parse_args()
    console = Console()
    results: list[Result] = []
    for name in SETS:
        path: Path = options.data / name / "trajectories.jsonl"
        if not path.is_file():
            console.print(f"{name}: absent, skipped")
            continue
        for trace in traces_in(path):
            if options.half in (None, "held" if zlib.crc32(trace.id.encode()) % 2 else "tuned"):
                results += results_of(name, trace)
    peers: dict[str, Peer] = {
        "leanloop": leanloop,
        "head": head,
        "tail": tail,
        "head and tail": head_and_tail,
        "ClearToolUses, once cleared": lambda result, limit: result.text if count(result.text) <= limit else "",
    }
    if headroom := headroom_peer(results):
        peers["headroom-ai"] = headroom
    else:
        console.print("headroom-ai: not installed, skipped")
    figures = {name: visible(peer, results) for name, peer in peers.items()}
    found = reachable(results)
    report(console, figures, {name: visible(leanloop, [one for one in results if one.name == name]) for name in SETS})
    console.print(f"reachable in one call of read_result: {cell(found)} values")
    if options.missed:
        missed(console, results, options.missed)
    if options.json:
        ours = figures.pop("leanloop")
        line: dict[str, object] = {f"visible_{limit}": share(ours[limit, "all"]) for limit in LIMITS}
        line |= {f"visible_{limit}_shortened": share(ours[limit, "shortened"]) for limit in LIMITS}
        line["reachable"] = share(found)
        line["peers"] = {
            name: {
                f"visible_{limit}{'' if over == 'all' else '_shortened'}": share(one)
                for (limit, over), one in by.items()
            }
            for name, by in figures.items()
        }
        print(json.dumps(line))


def report(console: Console, figures: Mapping[str, Figures], by_set: Mapping[str, Figures]) -> None:
    table = Table(
        title="Used values still visible: over results longer than the limit, and over all", title_justify="left"
    )
    for heading in ("", *(f"{over} {limit:,}" for limit in LIMITS for over in (">", "all at"))):
        table.add_column(heading, justify="right" if heading else "left")
    for name, figure in figures.items():
        table.add_row(name, *(cell(figure[limit, over]) for limit in LIMITS for over in ("shortened", "all")))
    table.add_section()
    for name, figure in by_set.items():
        row = (cell(figure[limit, over]) for limit in LIMITS for over in ("shortened", "all"))
        table.add_row(f"leanloop, {name}", *row)
    console.print(table)


def results_of(name: str, trace: Trace) -> Iterator[Result]:
    messages = trace.messages
    texts = [said(message) for message in messages]
    calls = {request.id: request for message in messages for request in message.tool_calls}
    for place, message in enumerate(messages):
        if message.role != "tool":
            continue
        asked = max(at for at in range(place) if messages[at].role == "assistant")
        known = "\n".join(texts[:place]).lower()
        here = message.text.lower()
        used: dict[str, None] = {}
        for at in range(place + 1, len(messages)):
            if messages[at].role == "assistant":
                for value in values_in(texts[at]):
                    if stands_in(value, here) and not stands_in(value, known):
                        used[value] = None
        request = calls[message.tool_call_id or ""]
        before = messages[: asked + 1]
        call = ToolCall(name=request.name, arguments=request.arguments, id=request.id, history=before, readable=True)
        yield Result(name, message.text, call, tuple(used), before)


def visible(peer: Peer, results: Sequence[Result]) -> Figures:
    counts: dict[tuple[int, str], tuple[int, int]] = {}
    for limit in LIMITS:
        seen: dict[str, list[bool]] = defaultdict(list)
        for result in results:
            if result.values:
                shown = peer(result, limit).lower()
                found = [stands_in(value, shown) for value in result.values]
                seen["all"] += found
                if count(result.text) > limit:
                    seen["shortened"] += found
        counts |= {(limit, over): (sum(seen[over]), len(seen[over])) for over in ("shortened", "all")}
    return counts


def leanloop(result: Result, limit: int) -> str:
    """What the model is shown, with the line above it that says what it is."""
    task = Task(Budget(agent="bench", results=ResultRules(max_tokens=limit)))
    text = run(ResultLimit().on_tool(result.call, task), lambda _: ToolResult(result.text)).text
    assert count(text) <= limit
    return text


def head(result: Result, limit: int) -> str:
    return cut(result.text, limit, from_end=False)


def tail(result: Result, limit: int) -> str:
    return cut(result.text, limit, from_end=True)


def head_and_tail(result: Result, limit: int) -> str:
    if count(result.text) <= limit:
        return result.text
    return cut(result.text, limit // 2, from_end=False) + "\n" + cut(result.text, limit // 2, from_end=True)


def cut(text: str, limit: int, *, from_end: bool) -> str:
    """The most of one end that fits."""
    text = text[-limit * 40 :] if from_end else text[: limit * 40]
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if count(text[-middle:] if from_end else text[:middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    return text[len(text) - low :] if from_end else text[:low]


def reachable(results: Sequence[Result]) -> tuple[int, int]:
    """How many of the values one search in the whole result finds, within what `read_result` may give back."""
    values = [(value, result.text) for result in results for value in result.values]
    return sum(is_found(value, text) for value, text in values), len(values)


def is_found(value: str, text: str) -> bool:
    """By a search for it, as far as one may be long, or by its line."""
    if stands_in(value, search(text, value[:LONGEST_SEARCH], 0, LIMITS[-1], count).body.lower()):
        return True
    start = text.lower().find(value)
    line = text.rfind("\n", 0, start) + 1
    return value in read_range(text, line, len(text), LIMITS[-1], count).body.lower()


def headroom_peer(results: Sequence[Result]) -> Peer | None:
    """headroom-ai's own form of every result in which a value was used; it has no limit of tokens."""
    python = sys.executable if importlib.util.find_spec("headroom") else os.environ.get("HEADROOM_PYTHON")
    if not python:
        return None
    wanted = [result for result in results if result.values]
    done = subprocess.run(  # noqa: S603 - the Python that the user named
        [python, str(Path(__file__).with_name("_headroom.py"))],
        input="".join(json.dumps(openai_messages(result)) + "\n" for result in wanted),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HEADROOM_OFFLINE": "1"},
    )
    if done.returncode:
        return None
    sent = (json.loads(line)[-1]["content"] for line in done.stdout.splitlines())
    shown = {(result.before, result.text): str(text) for result, text in zip(wanted, sent, strict=True)}
    return lambda result, _: shown[result.before, result.text]


def openai_messages(result: Result) -> list[dict[str, object]]:
    """The history up to the result, which is last."""
    messages: list[dict[str, object]] = []
    for message in result.before:
        sent: dict[str, object] = {"role": message.role, "content": message.text}
        if message.tool_calls:
            sent["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in message.tool_calls
            ]
        if message.tool_call_id:
            sent["tool_call_id"] = message.tool_call_id
        messages.append(sent)
    return [*messages, {"role": "tool", "content": result.text, "tool_call_id": result.call.id}]


def missed(console: Console, results: Sequence[Result], limit: int) -> None:
    for result in results:
        shown = leanloop(result, limit).lower()
        values = [value for value in result.values if not stands_in(value, shown)]
        if values:
            console.print(f"{result.name}: {count(result.text):,} tokens, {result.text[:60]!r}: {values}", markup=False)


def share(figure: tuple[int, int]) -> float | None:
    return round(figure[0] / figure[1], 4) if figure[1] else None


def cell(figure: tuple[int, int]) -> str:
    return f"{figure[0] / figure[1]:.1%} of {figure[1]:,}" if figure[1] else "none"


if __name__ == "__main__":
    main()
