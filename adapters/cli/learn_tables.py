"""What ``leanloop learn`` shows: how each setting does on each kind of call, and how often the dearer fixes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import NamedTuple
from urllib.parse import unquote

import typer

from leanloop.adapters.cli.learn_lessons import Lessons
from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.screen import ledger_table, screen, show_table
from leanloop.budgets.degrade_step import EFFORTS
from leanloop.budgets.money import NANO
from leanloop.plugins.difficulty.counted import estimate_of, pair
from leanloop.plugins.difficulty.estimate import Estimate
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.outcomes.draft import Draft
from leanloop.plugins.outcomes.store import Count

__all__ = ["as_dict", "show"]

_SHOWN = 20
"""Kinds, those with the most questions."""


class _Side(NamedTuple):
    setting: Setting
    known: Count

    @property
    def rate(self) -> float:
        return self.known.score / self.known.weight if self.known.weight else 0.0

    @property
    def cost(self) -> float | None:
        """Nano-dollars of a call."""
        return self.known.cost / self.known.calls if self.known.calls else None


class _Line(NamedTuple):
    """Two settings on one kind of call, the cheaper first; ``both`` is how often both were tried on a question."""

    kind: str
    cheap: _Side
    dear: _Side
    both: float
    fixes: Estimate


def show(lessons: Lessons, draft: Draft) -> None:
    """Print the tables."""
    console = screen()
    sides, lines = ledger_table(), ledger_table()
    for name in ("kind of call", "setting", "outcomes", "succeeded", "usd a call"):
        sides.add_column(name, justify="left" if name in {"kind of call", "setting"} else "right")
    for name in ("kind of call", "cheaper", "dearer", "both tried", "dearer fixes", "90 % between"):
        lines.add_column(name, justify="left" if name in {"kind of call", "cheaper", "dearer"} else "right")
    kinds, order = _kinds(lessons), _order(lessons, draft)
    for keys in kinds[:_SHOWN]:
        for side in _sides(lessons, _last(draft, keys), order):
            cost = "" if side.cost is None else f"{side.cost / NANO:.6f}"
            sides.add_row(
                plain(_named(keys)), plain(str(side.setting)), f"{side.known.weight:,.0f}", f"{side.rate:.1%}", cost
            )
        for line in _lines(lessons, draft, keys, order):
            lines.add_row(
                *map(plain, (line.kind, str(line.cheap.setting), str(line.dear.setting))),
                f"{line.both:,.0f}",
                f"{line.fixes.mean:.1%}",
                f"{line.fixes.low:.0%} and {line.fixes.high:.0%}",
            )
    show_table(console, f"{lessons.rows:,} rows learned from; with what was known before:", sides)
    if lines.row_count:
        show_table(console, "The chance that the dearer succeeds where the cheaper fails:", lines)
    if len(kinds) > _SHOWN:
        typer.echo(f"{len(kinds) - _SHOWN:,} more kinds of call are not shown; --json has all.")
    if lessons.others:
        typer.echo(f"{lessons.others:,} rows are of other agents, and were passed over.")
    if lessons.again:
        typer.echo(f"{lessons.again:,} rows are of a question and setting that came before, and were passed over.")


def as_dict(lessons: Lessons, draft: Draft, *, written: bool) -> dict[str, object]:
    """Plain JSON types; costs in US dollars a call."""
    kinds: list[object] = []
    order = _order(lessons, draft)
    for keys in _kinds(lessons):
        settings = [
            {
                "setting": str(side.setting),
                "outcomes": side.known.weight,
                "succeeded": side.rate,
                "cost": None if side.cost is None else side.cost / NANO,
            }
            for side in _sides(lessons, _last(draft, keys), order)
        ]
        pairs = [
            {
                "cheap": str(line.cheap.setting),
                "dear": str(line.dear.setting),
                "both": line.both,
                "fixes": line.fixes.mean,
                "low": line.fixes.low,
                "high": line.fixes.high,
            }
            for line in _lines(lessons, draft, keys, order)
        ]
        kinds.append({"kind": _named(keys), "settings": settings, "pairs": pairs})
    return {
        "written": written,
        "rows": lessons.rows,
        "other_agents": lessons.others,
        "came_before": lessons.again,
        "kinds": kinds,
    }


def _kinds(lessons: Lessons) -> list[tuple[str, ...]]:
    """All of the agent first, then the kinds with the most questions."""
    often = sorted(lessons.kinds.values(), key=lambda one: -one[1])
    whole = {keys[0]: keys[:1] for keys, _ in often}
    return list(dict.fromkeys([*whole.values(), *(keys for keys, _ in often)]))


def _last(draft: Draft, keys: tuple[str, ...]) -> Mapping[str, Count]:
    [counts] = draft.counts(keys[-1:])
    return counts


def _sides(lessons: Lessons, counts: Mapping[str, Count], order: Mapping[Setting, int]) -> list[_Side]:
    """The settings that were tried, the cheaper first."""
    sides = [_Side(one, count) for one in lessons.settings if (count := counts.get(str(one))) and count.weight > 0]
    return sorted(sides, key=lambda side: order[side.setting])


def _order(lessons: Lessons, draft: Draft) -> Mapping[Setting, int]:
    """One order for all kinds, the cheaper first: by tier of the file's routes, by cost, by how often they succeed, by
    how much they think.
    """
    whole = next((keys[:1] for keys, _ in lessons.kinds.values()), ())
    counts: Mapping[str, Count] = _last(draft, whole) if whole else {}
    sides = {one: _Side(one, counts.get(str(one), Count())) for one in lessons.settings}
    priced = all(side.cost is not None for side in sides.values())

    def dearness(one: Setting) -> tuple[int, float, float, tuple[int, str]]:
        side = sides[one]
        return lessons.tier(one), (side.cost or 0.0 if priced else 0.0), side.rate, _thinks(one)

    return {one: place for place, one in enumerate(sorted(lessons.settings, key=dearness))}


def _thinks(setting: Setting) -> tuple[int, str]:
    return (-1 if setting.effort is None else EFFORTS.index(setting.effort)), setting.model


def _lines(lessons: Lessons, draft: Draft, keys: tuple[str, ...], order: Mapping[Setting, int]) -> Iterator[_Line]:
    counts = draft.counts(keys)
    for cheap, dear in combinations(_sides(lessons, counts[-1], order), 2):
        both = counts[-1].get(pair(cheap.setting, dear.setting), Count()).weight
        yield _Line(_named(keys), cheap, dear, both, estimate_of(counts, cheap.setting, dear.setting, keys))


def _named(keys: tuple[str, ...]) -> str:
    """The last of the keys in words: ``step=extract dates``; ``all`` for the agent's."""
    parts = [unquote(part, errors="replace") for part in keys[-1].split("&")]
    return ", ".join(parts[1:]) or "all"
