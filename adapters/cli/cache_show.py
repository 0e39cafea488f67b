"""``leanloop cache show``: the answers in a cache."""

from __future__ import annotations

import heapq
import json
import sys
import time
from datetime import UTC
from itertools import count
from typing import Annotated, TypeAlias

import typer
from rich.filesize import decimal
from rich.table import Table

from leanloop.adapters.cli.budget_ledger import JsonOption, LimitOption, most_shown
from leanloop.adapters.cli.budget_text import time_text
from leanloop.adapters.cli.cache_answers import Answer, Wanted, answers
from leanloop.adapters.cli.cache_place import BudgetArgument, CacheStoreOption, open_place
from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.screen import is_wide, ledger_table, screen, show_table
from leanloop.adapters.cli.span import span

__all__ = ["AgentOption", "KeyOption", "ModelOption", "TagOption", "ToolOption", "show"]

AgentOption: TypeAlias = Annotated[str | None, typer.Option("--agent", metavar="NAME", help="Of this agent.")]
ModelOption: TypeAlias = Annotated[str | None, typer.Option("--model", metavar="NAME", help="Of this model.")]
ToolOption: TypeAlias = Annotated[str | None, typer.Option("--tool", metavar="NAME", help="Results of this tool.")]
TagOption: TypeAlias = Annotated[str | None, typer.Option("--tag", metavar="TAG", help="With this tag.")]
KeyOption: TypeAlias = Annotated[str | None, typer.Option("--key", metavar="KEY", help="Whose key begins like this.")]

_KEY = 12
"""Characters of a key in a table."""

_TEXT = 2_000
"""Characters of a question or an answer in a table."""


def show(
    file: BudgetArgument = None,
    *,
    store: CacheStoreOption = None,
    agent: AgentOption = None,
    model: ModelOption = None,
    tool: ToolOption = None,
    tag: TagOption = None,
    key: KeyOption = None,
    text: Annotated[bool, typer.Option("--text", help="Questions and answers too, which may be private.")] = False,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the answers in a cache, newest first: whose, how old, how long they are given still."""
    most = most_shown(limit, 50, as_json)
    with open_place(file, store) as place:
        counted = count()
        found = (
            one for one, _ in zip(answers(place.store, Wanted(agent, model, tool, tag, key)), counted, strict=False)
        )
        newest = heapq.nlargest(most or sys.maxsize, found, key=lambda one: one.entry.made_at)
        matching, now = next(counted), time.time()
        if as_json:
            typer.echo(json.dumps([_as_dict(one, now, text) for one in newest]))
            return
        show_table(screen(), f"{place.name}, {matching:,} answers", _table(newest, now, text))
        if matching > len(newest):
            typer.echo(f"{matching - len(newest):,} more; --limit 0 shows all.")


def _table(found: list[Answer], now: float, text: bool) -> Table:
    console = screen()
    wide = is_wide(console)
    table = ledger_table()
    for name in ("key", "of", *(["tags"] if wide else []), *(["question", "answer"] if text else [])):
        table.add_column(name, overflow="fold", no_wrap=name == "key")
    for name in ("age", "left", "size"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found:
        entry = one.entry
        table.add_row(
            entry.key[:_KEY],
            plain(entry.label),
            *([plain(" ".join(entry.tags))] if wide else []),
            *([plain((entry.text or "")[:_TEXT]), plain(entry.reply[:_TEXT])] if text else []),
            span(max(0.0, round(now - entry.made_at))),
            _left(one, now),
            decimal(one.size),
        )
    return table


def _left(one: Answer, now: float) -> str:
    entry = one.entry
    fresh = entry.made_at + entry.ttl - now
    return span(round(fresh)) if fresh > 0 else f"stale, {span(round(max(0.0, entry.ends - now)))}"


def _as_dict(one: Answer, now: float, text: bool) -> dict[str, object]:
    """Plain JSON types; times of ISO 8601 in UTC, lengths of time in seconds."""
    entry = one.entry
    known: dict[str, object] = {
        "key": entry.key,
        "label": entry.label,
        "agent": one.named("agent") or None,
        "model": one.named("model") or None,
        "tool": one.named("tool") or None,
        "tags": list(entry.tags),
        "made_at": time_text(entry.made_at, UTC),
        "age": round(now - entry.made_at, 3),
        "left": round(entry.made_at + entry.ttl - now, 3),
        "state": entry.state(now),
        "bytes": one.size,
        "vector": entry.vector is not None,
    }
    return known | ({"text": entry.text, "reply": entry.reply} if text else {})
