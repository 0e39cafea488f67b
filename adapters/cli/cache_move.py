"""``leanloop cache export`` and ``leanloop cache import``: a cache as one file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from leanloop.adapters.cli.cache_place import BudgetArgument, CacheStoreOption, open_place
from leanloop.adapters.cli.plain import plain
from leanloop.plugins.cache.cache_file import read_entries, write_entries
from leanloop.plugins.cache.event import CacheEvent

__all__ = ["export", "import_"]

_LONGEST = 11 * 365 * 86_400.0
"""Seconds an entry may last; calibrations are kept for ten years."""


def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write, in place of what is there.")],
    file: BudgetArgument = None,
    *,
    store: CacheStoreOption = None,
) -> None:
    """Write a cache to one file: answers with their vectors and lifetimes, calibrations, records of checked hits.

    The file holds questions and answers as they are. Whose they are stays in their keys: another tenant never finds
    them, wherever they are imported.
    """
    with open_place(file, store) as place:
        written = write_entries(out, place.store.scan(), place.store.on_event)
    typer.echo(plain(f"{written:,} entries written to {out}."))


def import_(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file that export or MemoryCache.save has written.")],
    file: BudgetArgument = None,
    *,
    store: CacheStoreOption = None,
) -> None:
    """Take the entries of a file into a cache: those that are whole, not over, and newer than what is there.

    Of a file that was cut off or changed nothing is taken. Whoever can write such a file can put any answer into it:
    import only what you trust.
    """
    problems: list[CacheEvent] = []
    now = time.time()
    with open_place(file, store, make=True) as place:
        problem = place.store.on_event

        def tell(event: CacheEvent) -> None:
            problems.append(event)
            problem(event)

        place.store.on_event = tell
        there = {entry.key: entry.made_at for entry in place.store.scan()}
        before, taken, older, over = len(problems), 0, 0, 0
        for entry in read_entries(source, tell):
            if entry.state(now) == "gone" or entry.ttl + entry.stale > _LONGEST:
                over += 1
            elif there.get(entry.key, -1.0) >= entry.made_at:
                older += 1
            elif place.store.put(entry, max_bytes=place.rules.max_bytes):
                taken += 1
    bad = len(problems) - before
    typer.echo(f"{taken:,} entries taken; {older:,} not newer than what is there, {over:,} over, {bad:,} not usable.")
    if bad:
        raise typer.Exit(1)
