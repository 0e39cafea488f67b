"""``leanloop check``: reads budget files and says in words what they hold an agent to."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from leanloop.adapters.cli.check_cache import rows_of_cache
from leanloop.adapters.cli.check_choices import rows_of_choices
from leanloop.adapters.cli.check_experiment import rows_of_experiment
from leanloop.adapters.cli.check_results import rows_of_results
from leanloop.adapters.cli.check_scaffold import rows_of_scaffold
from leanloop.budgets.amount import format_amount
from leanloop.budgets.budget import Budget
from leanloop.budgets.degrade_step import DegradeStep
from leanloop.budgets.environment import variables_for
from leanloop.budgets.file import load_budget
from leanloop.budgets.limit import Limit
from leanloop.budgets.money import format_usd, to_nano
from leanloop.budgets.price_book import price_book
from leanloop.budgets.stores import address_name
from leanloop.errors import BudgetFileError, PriceUnknown

__all__ = ["check"]

_FATAL = "cannot work"

_UNKNOWN_MODEL = {
    "refuse": "the model is refused under a limit in usd",
    "free": "the model counts as free",
    "most_expensive": "the model counts as the most expensive one known",
}


def check(files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Budget files, YAML or TOML.")]) -> None:
    """Check budget files and print what they hold an agent to. Exits with 1 if any file has a problem.

    Lines that never come to count, or do less than they seem to, are rows that begin with "but".
    """
    console = Console()
    failed = False
    for file in files:
        try:
            budget = load_budget(file)
        except BudgetFileError as error:
            failed = True
            typer.echo(error, err=True)
            continue
        try:
            _find_prices(budget)
        except PriceUnknown as error:
            failed = True
            typer.echo(f"{file}: {_naming(budget, error.model)}: {error}", err=True)
        else:
            console.print(_table(file, budget))
            for words in (words for what, words in _doubts(budget) if what == _FATAL):
                failed = True
                typer.echo(f"{file}: {words}", err=True)
    if failed:
        raise typer.Exit(1)


def _find_prices(budget: Budget) -> None:
    """What a task would be refused for at its start."""
    if any(limit.usd is not None for limit in budget.limits):
        routed = budget.routes.models if budget.routes is not None else ()
        for model in filter(None, (*(step.to for step in budget.degrade), *routed)):
            price_book(budget).price(model)


def _naming(budget: Budget, model: str) -> str:
    """The key of the file that names the model."""
    return "degrade" if any(step.to == model for step in budget.degrade) else "routes"


def _table(file: str, budget: Budget) -> Table:
    # Text and not markup: names from a file must not style, link or hide anything in the terminal.
    table = Table(title=Text(f"{file}: agent {budget.agent}"), title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for key, what, holds in _rows(budget):
        default = "" if key is None or key in budget.model_fields_set else " (default)"
        table.add_row(Text(what), Text(f"{holds}{default}"))
    return table


def _rows(budget: Budget) -> list[tuple[str | None, str, str]]:
    """Key of the file (None where it is none), what it is about, what holds."""
    rows: list[tuple[str | None, str, str]] = [("limits", _window(limit), _amounts(limit)) for limit in budget.limits]
    if not rows:
        rows.append(("limits", "limits", "none: spending is counted, nothing is refused"))
    rows += [(None, what, words) for what, words in _doubts(budget)]
    if budget.value is not None:
        rows.append(("limits", "a task", f"is worth {format_usd(to_nano(budget.value))}"))
    if any(limit.per != "task" for limit in budget.limits):
        rows.append(("timezone", "time zone", budget.timezone))
    rows.append(("at_limit", "at a limit", _ending(budget)))
    rows.append(("loop", "loops", _loop(budget)))
    rows.append(("notify", "notices", _notices(budget)))
    rows.append(("warn", "warnings", _warnings(budget)))
    rows += [("degrade", f"from {_percent(step.at)} on", _degraded(step)) for step in budget.degrade]
    rows += rows_of_results(budget)
    rows += rows_of_cache(budget)
    rows += rows_of_choices(budget)
    rows += rows_of_scaffold(budget)
    rows += rows_of_experiment(budget)
    if budget.max_output is not None:
        rows.append(("max_output", "one call", f"at most {budget.max_output:,} output tokens"))
    rows.append(("store", "spending is kept", _store(budget)))
    rows.append(
        (
            "on_store_error",
            "if that fails",
            "calls are refused" if budget.on_store_error == "refuse" else "calls are made unchecked",
        )
    )
    rows.append(("unknown_model", "no known price", _UNKNOWN_MODEL[budget.unknown_model]))
    if budget.prices:
        rows.append(("prices", "prices of its own", ", ".join(budget.prices)))
    rows.append((None, "tokens", _counting()))
    if names := variables_for(budget.agent, os.environ):
        rows.append((None, "overridden by", ", ".join(names)))
    return rows


def _doubts(budget: Budget) -> list[tuple[str, str]]:
    """What is wrong with the limits themselves, and with what stands beside them."""
    # Here, because they reckon as the budget does, which counts tokens, and tiktoken takes a while to import.
    from leanloop.adapters.cli.check_limits import limit_findings
    from leanloop.adapters.cli.check_models import model_findings
    from leanloop.adapters.cli.check_order import order_findings
    from leanloop.adapters.cli.check_settings import setting_findings

    checks = (limit_findings, order_findings, setting_findings, model_findings)
    found = [finding for check in checks for finding in check(budget)]
    return [(_FATAL if finding.fatal else "but", finding.text) for finding in found]


def _window(limit: Limit) -> str:
    if limit.per == "task":
        return "per task"
    owner = {"agent": "the agent", "global": "all agents together"}.get(str(limit.scope), f"each {limit.scope}")
    return f"per {'rolling ' if limit.rolling else ''}{limit.per}, {owner}"


def _amounts(limit: Limit) -> str:
    return "at most " + ", ".join(format_amount(resource, amount) for resource, amount in limit.amounts().items())


def _store(budget: Budget) -> str:
    if budget.store == "memory":
        return "in memory: each process counts by itself and forgets when it ends"
    return f"at {address_name(budget.store)}, by all processes together"


def _ending(budget: Budget) -> str:
    if budget.at_limit == "raise":
        return "BudgetExceeded is raised"
    if not budget.landing.tokens:
        return "the task ends with a note of what ran out, without asking the model"
    return f"the task lands with a last answer; {budget.landing.tokens:,} tokens are kept back for it"


def _loop(budget: Budget) -> str:
    if budget.loop is None:
        return "are not looked for"
    allowed = f"; {', '.join(budget.loop.allow)} may repeat" if budget.loop.allow else ""
    return f"are broken at {budget.loop.repeats} equal steps among the last {budget.loop.window}{allowed}"


def _notices(budget: Budget) -> str:
    if not budget.notify:
        return "the model is never told what it has left"
    return f"the model is told what it has left at {', '.join(map(_percent, budget.notify))} of a limit"


def _warnings(budget: Budget) -> str:
    if not budget.warn:
        return "people are told nothing"
    return f"people are told at {', '.join(map(_percent, budget.warn))} of a limit, and what is forecast"


def _degraded(step: DegradeStep) -> str:
    parts = [f"go to {step.to}"] * bool(step.to) + [f"ask for the effort {step.effort}"] * bool(step.effort)
    return f"calls {' and '.join(parts)}"


def _percent(share: float) -> str:
    return f"{share * 100:.4g} %"


def _counting() -> str:
    # Here, because tiktoken takes a while to import.
    from leanloop.budgets.vocabulary import where_found

    place = where_found("o200k_base")
    if place is None:
        return "estimated with an upper bound, corrected by what providers report: no vocabulary was found"
    return f"exact for OpenAI's models (vocabulary: {place}); others estimated, corrected by what providers report"
