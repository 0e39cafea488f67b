"""``leanloop evaluate``: how well models do on a set of questions, what that costs, and whether they differ."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Annotated, cast

import typer

from leanloop.adapters.cli.budget_ledger import JsonOption
from leanloop.budgets.budget import Budget
from leanloop.budgets.fields import shown
from leanloop.budgets.file import load_budget
from leanloop.errors import UsageError
from leanloop.plugins.trial.checks import CHECKS, Compare
from leanloop.plugins.trial.questions import questions_in
from leanloop.plugins.trial.results_file import ResultsFile

__all__ = ["evaluate"]


def evaluate(
    questions: Annotated[Path, typer.Argument(metavar="SET", help="JSON lines: question, answer; id, check, step.")],
    *,
    models: Annotated[str, typer.Option(metavar="A,B", help="openai:gpt-5, or MODULE:ATTRIBUTE of a model.")],
    thinking: Annotated[str | None, typer.Option(metavar="off,high", help="Efforts to try each model with.")] = None,
    scaffold: Annotated[
        str | None, typer.Option(metavar="on,off,think", help="With cognitive tools, without, with one to think with.")
    ] = None,
    budget: Annotated[str | None, typer.Option(metavar="FILE", help="A budget file, whose limits hold.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where answers are kept; what is there is not asked again.")
    ] = None,
    check: Annotated[
        str, typer.Option(metavar="NAME", help=f"{', '.join(CHECKS)}, or MODULE:FUNCTION; a row's own goes before.")
    ] = "exact",
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=256, metavar="N", help="Questions at a time.")] = 4,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="The first N questions only.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask models the questions of a set: accuracy, cost, latency of each, and each against the first, with intervals.

    A line of SET is {"question": ..., "answer": ...}, with "id", "check", "step" and "tags" where wanted. With --out
    each answer is kept as it comes: a run that broke off goes on where it was, failed calls are made again, and
    leanloop tune and leanloop learn read it. Limits of the budget hold for it as for the agent; one that is spent ends
    it. A call that fails counts neither as right nor as wrong. Exits with 1 where one did, or not all were asked.
    """
    # Here, because they bring along what a live agent needs, and frameworks.
    from leanloop.adapters.cli.evaluate_arms import arms_for, read_efforts, read_scaffolds
    from leanloop.adapters.cli.evaluate_models import read_model
    from leanloop.adapters.cli.evaluate_run import checks_for, evaluated
    from leanloop.adapters.cli.evaluate_text import as_dict, say
    from leanloop.adapters.cli.named_object import load_object
    from leanloop.plugins.trial.comparison import against, summed_up

    named: dict[str, Compare] = dict(CHECKS)
    if ":" in check:
        function = load_object(check)
        if not callable(function):
            raise UsageError(f"{shown(check)} is no function; a check is called with the answer and what is expected.")
        named[check] = cast("Compare", function)
    elif check not in named:
        raise UsageError(f"A check is one of {', '.join(CHECKS)}, or MODULE:FUNCTION, not {shown(check)}.")
    under = load_budget(budget) if budget is not None else Budget(agent="evaluate")
    efforts, scaffolds = read_efforts(thinking), read_scaffolds(scaffold)
    names = [name for part in models.split(",") if (name := part.strip())]
    if not names:
        raise UsageError("--models takes at least one model, such as openai:gpt-5.")
    arms = arms_for([read_model(name) for name in names], under, efforts, scaffolds)
    with ResultsFile(out, under.agent if budget is not None else "") as results:
        asked = islice(questions_in(questions), limit)
        found = evaluated(arms, asked, checks_for(named, check), results, at_once=at_once)
    if not any(found.answered.values()) and found.stopped is None:
        raise UsageError(f"{questions} holds no questions.")
    summaries = [summed_up(setting, answered.values()) for setting, answered in found.answered.items()]
    first, *others = found.answered
    pairs = [against(other, first, found.answered) for other in others]
    if as_json:
        typer.echo(json.dumps(as_dict(found, summaries, pairs)))
    else:
        say(found, summaries, pairs)
    if found.stopped is not None or any(arm.failed for arm in summaries):
        raise typer.Exit(1)
