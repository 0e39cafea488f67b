"""How fast is `leanloop report`, and how much memory does it take?

Makes a file of events as agents write it (tasks of some calls, tools, cache look-ups and savings; four models, 2,000
users), then runs the command on it as its user does, in a process of its own: the page is written, and the time and
the most memory of that process are measured. No other tool reads these events, so no peer is beside it.

Needs leanloop[report]; 10 million events need 4 GB of disk for the file and 2 GB for the table.

Run: python bench/report_scale.py [--events N] [--packed none|gzip|parquet] [--json]
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

MODELS = ("gpt-4o-mini", "gpt-4o", "claude-sonnet-4-5", "gpt-5")
PHASES = ("plan", "tool", "result", "answer", "check", "retry", "thought", "summary", "landing")
EPOCH, DAYS = 1_760_000_000.0, 28


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--packed", choices=("none", "gzip", "parquet"), default="none", help="how the file is packed")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    wanted = parser.parse_args()
    if importlib.util.find_spec("duckdb") is None or importlib.util.find_spec("pygal") is None:
        print("leanloop[report] is not installed: nothing is measured.")
        return
    with tempfile.TemporaryDirectory(prefix="report-scale-") as folder:
        file, page = Path(folder, "events.jsonl"), Path(folder, "report.html")
        with file.open("w", encoding="utf-8") as out:
            for _, line in zip(range(wanted.events), lines(random.Random(9)), strict=False):
                out.write(line)
        file = packed(file, wanted.packed)
        size = file.stat().st_size
        seconds, cpu, peak = measured([str(file), "--out", str(page)])
        written = page.stat().st_size
    figures = {"events_per_s": round(wanted.events / seconds), "peak_mb": round(peak / 1e6)}
    table = Table("events", "file", "seconds", "processor seconds", "events a second", "peak memory", "page")
    table.add_row(
        f"{wanted.events:,}",
        f"{size / 1e6:,.0f} MB",
        f"{seconds:.1f}",
        f"{cpu:.1f}",
        f"{figures['events_per_s']:,}",
        f"{figures['peak_mb']:,} MB",
        f"{written / 1e3:,.0f} kB",
    )
    Console(width=120).print(table)
    if wanted.json:
        print(json.dumps(figures))


def packed(file: Path, how: str) -> Path:
    """The same rows as that kind of file, in the place of the first."""
    if how == "none":
        return file
    made = file.with_suffix(".jsonl.gz" if how == "gzip" else ".parquet")
    if how == "gzip":
        with file.open("rb") as rows, gzip.open(made, "wb", compresslevel=6) as out:
            shutil.copyfileobj(rows, out)
    else:
        import duckdb

        duckdb.execute("COPY (FROM read_json($rows)) TO $made (FORMAT parquet)", {"rows": str(file), "made": str(made)})
    file.unlink()
    return made


def measured(arguments: list[str]) -> tuple[float, float, int]:
    """Run the command; how long it took, of how many processor seconds, and the most memory it had, in bytes."""
    command = [sys.executable, "-c", "from leanloop.adapters.cli.app import main; main()", "report", *arguments]
    began = time.perf_counter()
    with subprocess.Popen(command) as process:  # noqa: S603 - our own command
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.returncode
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def lines(chance: random.Random) -> Iterator[str]:
    """Rows as `leanloop.plugins.events.row.row_of` makes them, about eighteen a task."""
    ids = iter(range(1 << 62))
    while True:
        at = opened = EPOCH + chance.random() * DAYS * 86_400
        task, user, agent = f"{next(ids):032x}", f"u{chance.randrange(2_000)}", f"agent{chance.randrange(6)}"
        common = f'"agent":"{agent}","task":"{task}","tags":{{"user":"{user}","tenant":"t{chance.randrange(40)}"}}'
        spent = 0

        yield row("task_began", at, common, "")
        for _ in range(1 + int(chance.expovariate(0.3))):
            call, model, seconds = f"{next(ids):032x}", chance.choice(MODELS), chance.expovariate(0.5)
            read, wrote = chance.randrange(200, 9_000), chance.randrange(10, 900)
            cost = read * 150 + wrote * 600
            spent += cost
            yield row(
                "reserved",
                at,
                common,
                f',"call":"{call}","model":"{model}","input":{read},"output":4096,"cost":{cost * 2}',
            )
            yield row("hit", at, common, f',"tier":"{chance.choice(("miss", "miss", "exact", "normal", "alike"))}"')
            at += seconds
            yield row(
                "settled",
                at,
                common,
                f',"call":"{call}","model":"{model}","provider":"openai","phase":"{chance.choice(PHASES)}","input":{read}'
                f',"output":{wrote},"cached_input":{read // 2},"cost":{cost},"seconds":{seconds:.6f},"limits":'
                f'{{"this task: usd":[{spent},500000000],"user={user} per day: usd":[{spent * 3},20000000000]}}',
            )
            seconds = chance.expovariate(2.0)
            at += seconds
            tool, arguments = f"tool{chance.randrange(12)}", f"{chance.randrange(10**6):016x}"
            yield row("tool", at, common, f',"tool":"{tool}","seconds":{seconds:.6f},"arguments":"{arguments}"')
            yield row(
                "saved",
                at,
                common,
                ',"plugin":"results","what":"shortened","how":"tokens counted","calls":1,"tokens":900',
            )
        yield row("task_ended", at, common, f',"seconds":{at - opened:.3f},"cycles":3')


def row(event: str, at: float, common: str, rest: str) -> str:
    return f'{{"v":1,"event":"{event}","at":{at:.6f},{common}{rest}}}\n'


if __name__ == "__main__":
    main()
