"""What ``leanloop replay`` shows of a report: tables for people, one JSON object for programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from leanloop.adapters.cli.plain import plain
from leanloop.adapters.traces.bill import Bill
from leanloop.adapters.traces.replay import Replayer
from leanloop.adapters.traces.report import JUDGED, Ending, Judged, Report
from leanloop.budgets.money import format_usd, from_nano

__all__ = ["as_dict", "show"]


def show(report: Report, replayer: Replayer, console: Console) -> None:
    """Print the tables."""
    console.print(plain(f"{report.runs:,} runs as {replayer.model}, under the budget of {replayer.budget.agent}"))
    for caching in (False, True):
        console.print(_costs(report, caching=caching))
    if report.runs:
        console.print(_endings(report))
    if report.stopped:
        console.print(_stopped(report))
    notes: list[str] = []
    if replayer.left_out:
        notes.append(f"Not replayed, because a recording does not show it: {', '.join(replayer.left_out)}.")
    if report.moved:
        notes.append(
            f"{report.moved:,} runs end elsewhere where the provider does not cache; outcomes are those with caching."
        )
    if not replayer.priced:
        notes.append(f"No price is known for {replayer.model}; name it under prices in the budget file.")
    if report.used:
        notes.append(_read_back(report))
    notes.append(
        "Taken as given: a model goes on as recorded whatever it is told; a landing's answer is as long as the run's "
        "mean reply, at most what the budget keeps for it. Tokens are counted, tool schemas are not recorded."
    )
    console.print(Text("\n".join(notes)))


def as_dict(report: Report, replayer: Replayer) -> dict[str, object]:
    """Plain JSON types; money in usd as decimal text, None where no price is known."""
    return {
        "agent": replayer.budget.agent,
        "model": replayer.model,
        "runs": report.runs,
        "bad_lines": report.bad.count,
        "first_bad_lines": report.bad.first,
        "not_replayed": list(replayer.left_out),
        "without_caching": {
            "bare": _amounts(report.bare, caching=False),
            "budget": _amounts(report.budgeted_uncached, caching=False),
        },
        "with_caching": {
            "bare": _amounts(report.bare, caching=True),
            "budget": _amounts(report.budgeted, caching=True),
        },
        "endings": {
            judged: {ending.how: n for ending, n in sorted(report.endings.items()) if ending.judged == judged}
            for judged in JUDGED
        },
        "ends_elsewhere_without_caching": report.moved,
        "read_back": {
            "calls": report.readbacks,
            "values_used": report.used,
            "values_out_of_sight": report.missing,
        },
        "stopped_runs": report.stopped_runs,
        "stopped": [run._asdict() for run in report.stopped],
    }


def _read_back(report: Report) -> str:
    """What shortened and cleared results meant for the agents."""
    out = f"{report.missing:,} ({report.missing / report.used:.2%})" if report.missing else "none"
    return (
        f"Read back: where an agent used what it would not have seen any more, a call that gets it was put in, "
        f"{report.readbacks:,} in all; of {report.used:,} values that agents took from results, {out} stayed out of "
        "sight all the same."
    )


def _amounts(bill: Bill, *, caching: bool) -> dict[str, object]:
    cost = bill.cached if caching else bill.uncached
    return {
        "model_calls": bill.calls,
        "input": bill.usage.input,
        "cached_input": bill.usage.cached_input if caching else 0,
        "cache_write": bill.usage.cache_write if caching else 0,
        "output": bill.usage.output,
        "tokens": bill.usage.total,
        "usd": None if cost is None else f"{from_nano(cost):f}",
    }


def _costs(report: Report, *, caching: bool) -> Table:
    bare = report.bare if caching else _not_cached(report.bare)
    budgeted = report.budgeted if caching else _not_cached(report.budgeted_uncached)
    title = "Where the provider caches prompt prefixes" if caching else "Where the provider caches nothing"
    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    for name in ("calls", "input tokens", "cached", "output", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row("bare", *_figures(bare, caching=caching))
    table.add_row("budget", *_figures(budgeted, caching=caching), end_section=True)
    table.add_row("saved", *_saved(bare, budgeted, caching=caching))
    return table


def _not_cached(bill: Bill) -> Bill:
    return replace(bill, usage=replace(bill.usage, cached_input=0, cache_write=0))


def _figures(bill: Bill, *, caching: bool) -> list[str]:
    cost = bill.cached if caching else bill.uncached
    counts = (bill.calls, bill.usage.input, bill.usage.cached_input, bill.usage.output)
    return [*(f"{count:,}" for count in counts), "no price" if cost is None else format_usd(cost)]


def _saved(bare: Bill, budgeted: Bill, *, caching: bool) -> list[str]:
    pairs = (
        (bare.calls, budgeted.calls),
        (bare.usage.input, budgeted.usage.input),
        (0, 0),
        (bare.usage.output, budgeted.usage.output),
        (bare.cached, budgeted.cached) if caching else (bare.uncached, budgeted.uncached),
    )
    return [f"{1 - after / before:.1%}" if before and after is not None else "" for before, after in pairs]


def _endings(report: Report) -> Table:
    table = Table(title="How the runs end under the budget", title_justify="left")
    table.add_column("")
    totals: Counter[str] = Counter()
    for ending, count in report.endings.items():
        totals[ending.judged] += count
    shown: list[Judged] = [judged for judged in JUDGED if totals[judged]]
    for judged in shown:
        table.add_column(f"{judged} ({totals[judged]:,})", justify="right")
    for how in sorted({ending.how for ending in report.endings}):
        cells: list[str] = []
        for judged in shown:
            count = report.endings[Ending(judged, how)]
            cells.append(f"{count:,} ({count / totals[judged]:.1%})" if count else "")
        table.add_row(plain(how), *cells)
    return table


def _stopped(report: Report) -> Table:
    shown = "" if len(report.stopped) == report.stopped_runs else f", the first {len(report.stopped):,}"
    table = Table(title=f"{report.stopped_runs:,} runs would have been stopped{shown}", title_justify="left")
    for name in ("run", "at call", "outcome", "why", "reward"):
        table.add_column(name, justify="right" if name in ("at call", "reward") else "left", overflow="fold")
    for run in report.stopped:
        reward = "" if run.reward is None else f"{run.reward:g}"
        table.add_row(plain(run.id), f"{run.at_call:,} of {run.calls:,}", run.outcome, plain(_clip(run.reason)), reward)
    return table


def _clip(text: str, length: int = 160) -> str:
    return text if len(text) <= length else f"{text[:length]}…"
