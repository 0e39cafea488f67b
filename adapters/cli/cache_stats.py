"""``leanloop cache stats``: what a cache holds, what was found in it, and how often it was wrong."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

import typer
from rich.filesize import decimal
from rich.table import Table

from leanloop.adapters.cli.budget_ledger import JsonOption
from leanloop.adapters.cli.cache_answers import Answer, is_answer
from leanloop.adapters.cli.cache_place import BudgetArgument, CacheStoreOption, Place, open_place
from leanloop.adapters.cli.cache_trust import Trust, trusts
from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.screen import ledger_table, screen, show_table
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.store import CacheStats

__all__ = ["stats"]


@dataclass
class _Agent:
    """What is kept of one agent."""

    answers: int = 0
    results: Counter[str] = field(default_factory=Counter[str])
    bytes: int = 0

    def add(self, answer: Answer) -> None:
        tool = answer.named("tool")
        self.bytes += answer.size
        if tool:
            self.results[tool] += 1
        else:
            self.answers += 1


def stats(file: BudgetArgument = None, *, store: CacheStoreOption = None, as_json: JsonOption = False) -> None:
    """Say what a cache holds, what was found in it, and per agent how often its answers were wrong when checked.

    An agent whose checked hits break the promise answers only the very same calls from the cache, and is marked
    "suspended", until leanloop cache tune finds another threshold.
    """
    with open_place(file, store) as place:
        counted = place.store.stats()
        agents, trusted = _read(place)
    if as_json:
        typer.echo(json.dumps(_as_dict(place.name, counted, agents, trusted)))
        return
    console = screen()
    show_table(console, f"{place.name}: {counted.entries:,} entries, {decimal(counted.bytes)}", _counts(counted, place))
    if agents:
        show_table(console, "Kept", _kept(agents))
    if trusted:
        show_table(console, "Answers to questions in other words", _trusted(trusted))
    else:
        typer.echo("No threshold was found yet, and no hit was checked: leanloop cache tune PAIRS BUDGET.")


def _read(place: Place) -> tuple[dict[str, _Agent], list[Trust]]:
    agents: defaultdict[str, _Agent] = defaultdict(_Agent)
    others: list[Entry] = []
    vectors: Counter[str] = Counter()
    for entry in place.store.scan():
        if is_answer(entry):
            answer = Answer(entry)
            agents[answer.named("agent")].add(answer)
            vectors[answer.named("agent")] += entry.vector is not None
        else:
            others.append(entry)
    return dict(agents), trusts(others, place, vectors)


def _counts(counted: CacheStats, place: Place) -> Table:
    table = ledger_table()
    table.show_header = False
    hits = counted.hits
    for what, said in (
        ("room", f"{decimal(place.rules.max_bytes)} in all; {counted.evicted:,} entries had to make room"),
        ("can be found by meaning", f"{counted.vectors:,}"),
        ("very same calls found", f"{hits.get('exact', 0):,}"),
        ("in other spelling", f"{hits.get('normal', 0):,}"),
        ("looked at as alike", f"{hits.get('near', 0):,}"),
        ("nothing found", f"{counted.misses:,}"),
        ("kept", f"{counted.puts:,}"),
    ):
        table.add_row(what, said)
    return table


def _kept(agents: dict[str, _Agent]) -> Table:
    table = ledger_table()
    table.add_column("agent", overflow="fold")
    table.add_column("answers", justify="right")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("results of tools", overflow="fold")
    for name, agent in sorted(agents.items()):
        results = ", ".join(f"{tool} {times:,}" for tool, times in agent.results.most_common())
        table.add_row(plain(name or "(not told)"), f"{agent.answers:,}", decimal(agent.bytes), plain(results))
    return table


def _trusted(trusted: Iterable[Trust]) -> Table:
    table = ledger_table()
    for name in ("agent", "embedder"):
        table.add_column(name, overflow="fold")
    for name in ("threshold", "promise", "bound", "checked", "wrong", "at most"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for one in trusted:
        found, record = one.calibration, one.record
        table.add_row(
            plain(one.agent),
            plain(one.embedder),
            "" if found is None or found.threshold is None else f"{found.threshold:.3f}",
            "" if found is None else f"{found.promised:.3%}",
            "" if found is None else f"{found.bound:.3%}",
            f"{record.checked:,}",
            f"{record.wrong:,}",
            "" if record.bound is None else f"{record.bound:.3%}",
            plain(one.state),
        )
    return table


def _as_dict(name: str, counted: CacheStats, agents: dict[str, _Agent], trusted: list[Trust]) -> dict[str, object]:
    """Plain JSON types."""
    return {
        "store": name,
        **asdict(counted),
        "agents": [
            {"agent": agent, "answers": its.answers, "results": dict(its.results), "bytes": its.bytes}
            for agent, its in sorted(agents.items())
        ],
        "alike": [
            {
                "agent": one.agent,
                "embedder": one.embedder,
                "threshold": one.calibration.threshold if one.calibration else None,
                "promised": one.calibration.promised if one.calibration else None,
                "bound": one.calibration.bound if one.calibration else None,
                "size": one.calibration.size if one.calibration else None,
                "checked": one.record.checked,
                "wrong": one.record.wrong,
                "checked_bound": one.record.bound,
                "suspended": one.suspended,
                "state": one.state,
            }
            for one in trusted
        ],
    }
