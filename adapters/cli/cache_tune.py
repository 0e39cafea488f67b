"""``leanloop cache tune``: how alike two questions must be, found from labelled pairs, so that a promise is held."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from leanloop.adapters.cli.budget_arguments import read_share
from leanloop.adapters.cli.budget_ledger import JsonOption
from leanloop.adapters.cli.cache_embedder import read_embedder
from leanloop.adapters.cli.cache_pairs import read_pairs_file
from leanloop.adapters.cli.cache_place import BudgetArgument, CacheStoreOption, Place, address_of, open_place
from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.screen import ledger_table, screen, show_table
from leanloop.budgets.cache_rules import CacheRules
from leanloop.errors import UsageError
from leanloop.plugins.cache.calibration import (
    Calibration,
    Trial,
    calibrated,
    calibration_entry,
    least_lookups,
    tried,
)
from leanloop.plugins.cache.embedder import Embedder
from leanloop.plugins.cache.live import new_record

__all__ = ["tune"]

_THRESHOLDS = (0.99, 0.98, 0.96, 0.94, 0.92, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.0)
_WRONG = 5
"""Wrong hits that are shown: where a label is wrong, it is seen there."""


def tune(
    pairs: Annotated[Path, typer.Argument(metavar="PAIRS", help="Labelled pairs, JSON lines or CSV.")],
    file: BudgetArgument = None,
    *,
    max_false_hits: Annotated[
        str | None, typer.Option(metavar="SHARE", help="0.1%, 1% ...; the file's where not given, else 0.1%.")
    ] = None,
    embedder: Annotated[
        str, typer.Option(metavar="NAME", help="wordllama, or MODULE:OBJECT: the one the agent is given.")
    ] = "wordllama",
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="Whose it is; the file's where not given.")] = None,
    size: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Entries of the store they are looked up in; all by default.")
    ] = None,
    store: CacheStoreOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Find from labelled pairs how alike two questions must be, so that at most a share of hits is false.

    A line of PAIRS is {"asked": ..., "known": ..., "same": true or false}; {"text": ...} is one more question the cache
    holds. Each question is looked up among all the known ones, and those of the live cache, by likeness and through
    every check. The threshold is one at which, of questions that nothing in the cache answers, at most the share is
    answered from it, at 95 % confidence: 0.1 % takes 2,995 questions without a wrong hit. Exits with 1 where none is.

    It is written for the agent into its cache, and a new record of checked hits begins. Processes use it within a
    minute.
    """
    # Here, because the checks read their tables of words when they are imported.
    from leanloop.plugins.cache.trials import Rehearsal

    labelled = read_pairs_file(pairs)
    with ExitStack() as stack:
        place = None
        if file is not None or address_of(None, store) is not None:
            place = stack.enter_context(open_place(file, store, make=not dry_run))
        promised = _promised(max_false_hits, place.rules if place is not None else CacheRules())
        whose = agent or (place.budget.agent if place is not None and place.budget is not None else "")
        made = read_embedder(embedder)
        live = _live(place, whose) if place is not None else []
        others = _drawn([*labelled.texts, *live], {pair.known for pair in labelled.pairs}, size)
        rehearsal = Rehearsal(labelled.pairs, others, made)
        trials = rehearsal.trials()
        found = calibrated(trials, promised=promised, size=rehearsal.size)
        found = replace(found, agent=whose, embedder=embedder, fingerprint=made.fingerprint)
        written = not dry_run and place is not None and bool(whose) and found.threshold is not None
        if written and place is not None:
            _write(place, found, made)
        if as_json:
            typer.echo(json.dumps(_as_dict(found, trials, written=written)))
        else:
            _say(found, trials, size)
            typer.echo(plain(_written(found, place, written=written, dry_run=dry_run)))
    if found.threshold is None:
        raise typer.Exit(1)


def _promised(text: str | None, rules: CacheRules) -> float:
    promised = rules.max_false_hits if text is None else read_share(text)
    if promised >= 1:
        raise UsageError(f"--max-false-hits is a share below 100%, such as 0.1%, not {text}.")
    return promised


def _live(place: Place, agent: str) -> list[str]:
    """The questions the cache of the agent can answer in other words; of all agents where none is named."""
    return [
        entry.text
        for entry in place.store.scan()
        if entry.text is not None and entry.context is not None and (not agent or f"agent:{agent}" in entry.tags)
    ]


def _drawn(texts: Iterable[str], known: set[str], size: int | None) -> list[str]:
    """As many of the texts as make a store of `size` together with the known ones; the same ones every time."""
    each = sorted(set(texts) - known)
    room = len(each) if size is None else max(0, size - len(known))
    return random.Random(0).sample(each, room) if room < len(each) else each  # noqa: S311 no secret


def _write(place: Place, found: Calibration, embedder: Embedder) -> None:
    from leanloop.plugins.cache.verify import POLICY

    now = time.time()
    for entry in (
        calibration_entry(found, POLICY, now),
        new_record(found.agent, embedder.fingerprint, POLICY, now),
    ):
        place.store.put(entry, max_bytes=2**53)


def _say(found: Calibration, trials: Sequence[Trial], size: int | None) -> None:
    title = f"{found.lookups:,} questions looked up among {found.size:,}, {found.repeats:,} with an answer there"
    show_table(screen(), title, _table(found, trials))
    if size is not None and found.size < size:
        typer.echo(f"There were only {found.size:,} questions to fill the store with; false hits grow with it.")
    if found.threshold is not None:
        typer.echo(
            f"Threshold {found.threshold:.4f}: serves {_share(found.served, found.repeats)} of the questions that have "
            f"an answer. Wrong: {found.wrong:,} of {found.lookups:,}, at most {found.bound:.3%} at 95 % confidence "
            f"({found.promised:.3%} was asked for)."
        )
    else:
        typer.echo(f"No threshold holds {found.promised:.3%}. {_why(found)}")
    wrong = sorted((trial for trial in trials if trial.wrong is not None), key=lambda one: -(one.wrong or 0))
    if wrong:
        typer.echo("Wrong, the most alike first (is the label right?):")
    for one in wrong[:_WRONG]:
        typer.echo(plain(f"  {one.wrong:.3f}  {one.asked!r} by the answer to {one.by!r}"))


def _why(found: Calibration) -> str:
    least = least_lookups(found.promised)
    if found.lookups < least:
        return (
            f"It takes {least:,} different questions without a wrong hit to be sure of it, {least - found.lookups:,} "
            "more than there are. Until then nothing is served by meaning."
        )
    return "What is most alike is wrong already, or nothing passes the checks. Nothing is served by meaning."


def _table(found: Calibration, trials: Sequence[Trial]) -> Table:
    table = ledger_table()
    for name in ("threshold", "served", "wrong", "at most", ""):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    chosen = [] if found.threshold is None else [found.threshold]
    for threshold in sorted({*_THRESHOLDS, *chosen}, reverse=True):
        one = tried(trials, threshold, promised=found.promised, size=found.size)
        verdict = "taken" if threshold == found.threshold else "holds" if one.bound <= found.promised else ""
        served = _share(one.served, one.repeats)
        table.add_row(f"{threshold:.4f}", served, f"{one.wrong:,}", f"{one.bound:.3%}", verdict)
    return table


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"


def _written(found: Calibration, place: Place | None, *, written: bool, dry_run: bool) -> str:
    if not written:
        if dry_run or found.threshold is None:
            return "Nothing was written."
        return "Nothing was written: name the agent's budget file, or --store and --agent."
    said = f"Written for {found.agent}."
    if place is None or place.budget is None:
        return said
    rules = place.budget.cache
    if rules is None:
        return f"{said} The file names no cache yet: add cache: {{semantic: on}}."
    if rules.max_false_hits < found.promised:
        return f"{said} Nothing is served: the file allows {rules.max_false_hits:.3%} only (cache.max_false_hits)."
    return said if rules.semantic == "on" else f"{said} Set cache.semantic to on to have it served."


def _as_dict(found: Calibration, trials: Sequence[Trial], *, written: bool) -> dict[str, object]:
    """Plain JSON types."""
    steps = [tried(trials, threshold, promised=found.promised, size=found.size) for threshold in _THRESHOLDS]
    least = least_lookups(found.promised)
    return {
        **asdict(found),
        "written": written,
        "lookups_missing": max(0, least - found.lookups) if found.threshold is None else 0,
        "thresholds": [
            {"threshold": one.threshold, "served": one.served, "wrong": one.wrong, "bound": one.bound} for one in steps
        ],
    }
