"""``leanloop learn``: teaches an agent from labelled sets and recorded runs which calls need the dearer setting."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from leanloop.adapters.cli.budget_ledger import JsonOption
from leanloop.adapters.cli.outcome_place import OutcomeStoreOption, open_place
from leanloop.adapters.cli.plain import plain
from leanloop.budgets.file import load_budget
from leanloop.errors import UsageError
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.outcomes.draft import Draft
from leanloop.plugins.outcomes.store import Added, Count

__all__ = ["learn"]


def learn(
    traces: Annotated[list[Path], typer.Argument(metavar="TRACES...", help="Labelled sets or recorded runs, JSONL.")],
    *,
    budget: Annotated[str, typer.Option("--budget", metavar="FILE", help="The budget file of the agent.")],
    store: OutcomeStoreOption = None,
    setting: Annotated[
        str | None, typer.Option(metavar="MODEL[@EFFORT]", help="What recorded runs were made with.")
    ] = None,
    step: Annotated[str, typer.Option(metavar="NAME", help="The step of rows that name none.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Also a file that was learned before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Learn from what settings came to: {"id", "setting": "model@effort", "score", "step", "question", "cost"} a line.

    Settings that were tried on the same id are compared; others count by themselves. A row with a step teaches of that
    step, one without by its question. Recorded runs, as leanloop replay reads them, count by how they were judged.
    Either all is learned or nothing; a file is learned once.
    """
    # Here, because the words of questions are read when it is imported.
    from leanloop.adapters.cli.learn_lessons import Lessons
    from leanloop.adapters.cli.learn_rows import fingerprint, rows_in
    from leanloop.adapters.cli.learn_tables import as_dict, show

    agent = load_budget(budget)
    with open_place(budget, store, missing="empty" if dry_run else "make") as place:
        draft = Draft(place.store)
        _remember(draft, agent.agent, traces, [fingerprint(path) for path in traces], again=again)
        lessons = Lessons(draft, agent)
        for path in traces:
            for row in rows_in(path, Setting.read(setting) if setting else None, step.strip()):
                lessons.add(row)
        lessons.end()
        if not dry_run:
            draft.commit()
        if as_json:
            typer.echo(json.dumps(as_dict(lessons, draft, written=not dry_run)))
            return
        show(lessons, draft)
        typer.echo(plain("Nothing was written." if dry_run else f"Written for {agent.agent} to {place.name}."))


def _remember(draft: Draft, agent: str, files: Sequence[Path], fingerprints: Sequence[str], *, again: bool) -> None:
    """Note with what is learned which files it is from.

    Raises:
        UsageError: one was learned before, or is named twice.
    """
    key = f"learned:{agent}"
    known = set[str]() if again else set(draft.counts([key])[0])
    for file, fingerprint in zip(files, fingerprints, strict=True):
        if fingerprint in known:
            raise UsageError(
                f"{file} was learned before, and would count twice; nothing has changed. To learn it all the same, add "
                "--again."
            )
        known.add(fingerprint)
        draft.add([Added(key, fingerprint, Count(calls=1))])
