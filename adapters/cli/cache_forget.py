"""``leanloop cache forget``: answers that are not to be given again."""

from __future__ import annotations

from typing import Annotated

import typer

from leanloop.adapters.cli.budget_change import YesOption
from leanloop.adapters.cli.cache_answers import Wanted, answers, is_answer
from leanloop.adapters.cli.cache_place import BudgetArgument, CacheStoreOption, open_place
from leanloop.adapters.cli.cache_show import AgentOption, KeyOption, ModelOption, TagOption, ToolOption
from leanloop.adapters.cli.plain import plain
from leanloop.errors import UsageError
from leanloop.plugins.cache.store import EVERYTHING, CacheStore

__all__ = ["forget"]


def forget(
    file: BudgetArgument = None,
    *,
    store: CacheStoreOption = None,
    agent: AgentOption = None,
    model: ModelOption = None,
    tool: ToolOption = None,
    tag: TagOption = None,
    key: KeyOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All answers of all agents in this store.")] = False,
    yes: YesOption = False,
) -> None:
    """Forget answers: those that are all of what is named, or --all. Every process sees it at its next lookup.

    By a single name, answers that are being made at this moment are not kept either. Calibrations and what is known of
    checked hits stay.
    """
    wanted = Wanted(agent, model, tool, tag, key)
    if everything == (wanted != Wanted()):
        raise UsageError("Forget what? Give --agent, --model, --tool, --tag or --key; or --all, alone.")
    with open_place(file, store) as place:
        keys = [one.entry.key for one in answers(place.store, wanted)]
        if not yes:
            typer.echo(plain(f"{place.name}: forget {len(keys):,} answers{_whose(wanted)}."))
            typer.confirm("Go on?", abort=True)
        _forget(place.store, wanted, keys, everything=everything)
        typer.echo(f"{len(keys):,} answers forgotten.")


def _forget(store: CacheStore, wanted: Wanted, keys: list[str], *, everything: bool) -> None:
    tags = wanted.tags()
    if everything:
        kept = [entry for entry in store.scan() if not is_answer(entry)]
        store.forget(tag=EVERYTHING)
        for entry in kept:
            store.put(entry, max_bytes=2**53)
    elif len(tags) == 1 and wanted.key is None:
        store.forget(tag=tags[0])
    else:
        for key in keys:
            store.forget(key=key)


def _whose(wanted: Wanted) -> str:
    parts = wanted.tags() + ([f"with keys that begin with {wanted.key}"] if wanted.key else [])
    return f" of {', '.join(parts)}" if parts else ""
