"""How many distinct error lines of a log are still there when it is shown in 500, 1,000 and 2,000 tokens?

The logs are made here: real pytest runs of generated projects, builds and test runs as cargo, make, go, maven and npm
print them, real bash runs, server, install and deployment logs. What an error line is, `ERROR` below says, whatever
the shortener thinks of it; two lines are the same where nothing but numbers, times and addresses differs in them and
one is told from the other by nothing else (``--exact``: where all characters are the same). A line is kept if it is in
the shown text whole. Each log counts the same; a log without an error line does not count.

headroom-ai, if it is there or HEADROOM_PYTHON names a Python that has it, knows no limit: its figure is the same
thrice, at the tokens it took.

Half of the logs (``--half tune``) were looked at while the shares of the room were chosen, the other half only
measured.

Run: python bench/error_lines.py [--json] [--half tune|held] [--logs N]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from _build_logs import build_logs
from _pytest_logs import pytest_logs
from _shell_logs import shell_logs
from rich.console import Console
from rich.table import Table

from leanloop.budgets.tokens import counter_for
from leanloop.plugins.shorten.lines import as_shown
from leanloop.plugins.shorten.shorten import shorten
from leanloop.plugins.shorten.shown import Room

ROOMS = (500, 1000, 2000)
ERROR = re.compile(
    r"^E  |^FAILED |^ERROR |\b\w*(?:Error|Exception)\b(?!:? 0)|\berror(?:\[\w+\])?: |\b(?:ERROR|CRITICAL|FATAL|"
    r"FAILED|FAILURE)\b"
    r"|\bfatal(?: error)?:|panicked at|^panic:|assertion .* failed|--- FAIL|command not found|No such file or directory"
    r"|[Pp]ermission denied|\*\*\* \[|exit(?:ed)? (?:code|status)[: ]+[1-9]|npm ERR!|[Ss]egmentation fault|"
    r"cannot (?:stat|open|access)"
    r"|I/O error|error \(|Out of memory|segfault|Could not resolve|\bfailed\b"
)
NUMBERS = re.compile(r"0x[0-9a-fA-F]+|\d+")
Method = Callable[[str, int], str]
count = counter_for("gpt-4o").text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--half", choices=("tune", "held"), help="only that half of the logs")
    parser.add_argument("--exact", action="store_true", help="lines that differ in a number are different lines")
    parser.add_argument("--logs", type=int, default=120, help="how many logs in all")
    options = parser.parse_args()
    many = max(1, options.logs // 6)
    halves = {name: logs(many, seed) for seed, name in enumerate(("tune", "held")) if options.half in {None, name}}
    every = [log for half in halves.values() for log in half]
    sizes = sorted(count(log) for log in every)
    console = Console()
    table = Table(
        title=(
            f"{len(every)} logs of {sizes[0]:,} to {sizes[-1]:,} tokens (half over "
            f"{sizes[len(sizes) // 2]:,}): error lines kept"
        ),
        title_justify="left",
    )
    table.add_column("shortened by")
    for room in ROOMS:
        table.add_column(f"{room:,} tokens", justify="right")
    table.add_column("all of a log's, 1,000", justify="right")
    figures: dict[str, list[float]] = {}
    for name, method in METHODS.items():
        shares = [[kept(log, method(log, room), options.exact) for log in every] for room in ROOMS]
        found = [[share for share in row if share is not None] for row in shares]
        figures[name] = [round(statistics.fmean(row), 4) for row in found]
        whole = sum(share == 1 for share in found[1]) / len(found[1])
        table.add_row(name, *(f"{share:.1%}" for share in figures[name]), f"{whole:.0%}")
    theirs = headroom(every)
    if theirs is None:
        console.print("headroom-ai: not installed, skipped")
    else:
        of_each = [kept(log, shown, options.exact) for log, shown in zip(every, theirs, strict=True)]
        share = statistics.fmean(share for share in of_each if share is not None)
        tokens = statistics.median(map(count, theirs))
        figures["headroom-ai"] = [round(share, 4)] * len(ROOMS)
        table.add_row(f"headroom-ai, in {tokens:,.0f} tokens (median)", *[f"{share:.1%}"] * len(ROOMS), "")
    console.print(table)
    held = halves.get("held", ())
    if options.json:
        ours = [kept(log, leanloop(log, 1000), options.exact) for log in held]
        known = [share for share in ours if share is not None]
        result = {
            **{f"kept_{room}": figures["leanloop"][at] for at, room in enumerate(ROOMS)},
            "kept_1000_held": round(statistics.fmean(known), 4) if known else None,
            "peers": {name: figures[name] for name in figures if name != "leanloop"},
        }
        print(json.dumps(result))


def logs(many: int, seed: int) -> list[str]:
    return [*pytest_logs(many, seed), *build_logs(many, seed), *shell_logs(many, seed)]


def error_lines(log: str, exact: bool) -> set[str]:
    lines = {line.strip() for line in as_shown(log).split("\n") if ERROR.search(line)}
    return lines if exact else set({NUMBERS.sub("0", line): line for line in sorted(lines, reverse=True)})


def kept(log: str, shown: str, exact: bool) -> float | None:
    there = error_lines(log, exact)
    if not there:
        return None
    left = as_shown(shown) if exact else NUMBERS.sub("0", as_shown(shown))
    return sum(line in left for line in there) / len(there)


def leanloop(log: str, room: int) -> str:
    return shorten(log, Room(room, count)).text


def ends(head_share: float) -> Method:
    """Whole lines from the beginning and the end, by their tokens."""

    def method(log: str, room: int) -> str:
        lines = log.split("\n")
        head = _while_they_fit(lines, int(room * head_share))
        tail = _while_they_fit(lines[: len(head) - 1 if head else None : -1], room - int(room * head_share))
        return "\n".join([*head, *reversed(tail)])

    return method


def _while_they_fit(lines: Sequence[str], room: int) -> list[str]:
    taken: list[str] = []
    for line in lines:
        room -= count(line + "\n")
        if room < 0:
            break
        taken.append(line)
    return taken


def headroom(logs: Sequence[str]) -> list[str] | None:
    """The logs as headroom-ai leaves the result of a tool; None where it is not installed."""
    python = sys.executable if importlib.util.find_spec("headroom") else os.environ.get("HEADROOM_PYTHON")
    if not python:
        return None
    call = {"id": "1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "make test"}'}}
    histories = (
        [
            {"role": "user", "content": "Why does it fail?"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": as_shown(log)},
        ]
        for log in logs
    )
    script = Path(__file__).with_name("_headroom.py")
    done = subprocess.run(  # noqa: S603 - the Python the user named
        [python, str(script), "0"],
        input="".join(json.dumps(history) + "\n" for history in histories),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HEADROOM_OFFLINE": "1"},
    )
    return [json.loads(line)[-1]["content"] for line in done.stdout.splitlines()]


METHODS: dict[str, Method] = {
    "leanloop": leanloop,
    "head": ends(1.0),
    "tail": ends(0.0),
    "head + tail, 50/50": ends(0.5),
    "head + tail, 20/80": ends(0.2),
}


if __name__ == "__main__":
    main()
