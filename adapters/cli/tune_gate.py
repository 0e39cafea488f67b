"""``leanloop tune gate``: from which chance on that thinking helps calls should be thought about."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from leanloop.adapters.cli.budget_ledger import JsonOption
from leanloop.adapters.cli.tune_text import Tuned, labelled_rows, read_most, report
from leanloop.budgets.file import load_budget
from leanloop.budgets.thinking_rules import ThinkingRules
from leanloop.errors import UsageError
from leanloop.plugins.difficulty.setting import Setting

__all__ = ["BudgetOption", "LabelledArgument", "LoseOption", "gate"]

LabelledArgument = Annotated[
    Path, typer.Argument(metavar="LABELLED", help="JSON lines: id, setting, score, and step, question, cost.")
]
LoseOption = Annotated[
    str, typer.Option("--lose-at-most", metavar="SHARE", help="Of the mean score, against all dear.")
]
BudgetOption = Annotated[str, typer.Option("--budget", metavar="FILE", help="The agent's budget file.")]


def gate(
    labelled: LabelledArgument,
    *,
    budget: BudgetOption,
    lose_at_most: LoseOption = "2%",
    cheap: Annotated[str | None, typer.Option(metavar="SETTING", help="Such as gpt-5@none.")] = None,
    dear: Annotated[str | None, typer.Option(metavar="SETTING", help="Such as gpt-5@high.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Find from when on calls are to be thought about (thinking: above), so that at most a share of the score is lost.

    A line of LABELLED is {"id": ..., "setting": "gpt-5@high", "score": 0 to 1}, with "step", "question" and "cost" in
    usd where known; a question counts where it was answered with both settings. leanloop evaluate --out writes it.

    It begins where all calls think, which loses nothing, and goes down while what is lost is surely within the share,
    at 95 % confidence; without a difference 2 % takes 133 questions. Each question is judged by the outcomes of others.
    Exits with 1 where nothing but thinking about all calls holds.
    """
    # Here, because it brings along what a live agent needs.
    from leanloop.plugins.trial.tuning import tuned

    most, loaded = read_most(lose_at_most), load_budget(budget)
    rules = loaded.thinking or ThinkingRules()
    rows = labelled_rows(labelled, loaded.agent)
    settings = _settings({row.setting for row in rows}, rules, cheap, dear)
    found = tuned(rows, settings, loaded, most=most, wary=rules.when_unsure == "think")
    report(Tuned(found, "thinking", f"above: {found.above:g}", "thought about"), as_json=as_json)


def _settings(
    known: Collection[Setting], rules: ThinkingRules, cheap: str | None, dear: str | None
) -> tuple[Setting, Setting]:
    """The less and the more thinking setting of the one model that has both.

    Raises:
        UsageError: none has, or several have.
    """
    if cheap is not None and dear is not None:
        return Setting.read(cheap), Setting.read(dear)
    if cheap is not None or dear is not None:
        raise UsageError("Name both, --cheap and --dear, or none of them.")
    pairs = [
        (less, Setting(model, rules.effort))
        for model in sorted({setting.model for setting in known})
        for less in (Setting(model, rules.below), Setting(model))
        if {less, Setting(model, rules.effort)} <= set(known)
    ]
    if len({dear.model for _, dear in pairs}) == 1:
        return pairs[0]
    has = ", ".join(sorted(map(str, known))[:8]) or "none"
    which = "Several models of the set were" if pairs else "No model of the set was"
    raise UsageError(
        f"{which} tried with the efforts {rules.below} and {rules.effort} of the file. Name two of its "
        f"settings with --cheap and --dear; it has {has}."
    )
