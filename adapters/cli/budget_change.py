"""``leanloop budget raise`` and ``leanloop budget reset``: a limit changed by hand, for the window that is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, TypeAlias

import typer

from leanloop.adapters.cli.budget_arguments import read_amount, read_resource
from leanloop.adapters.cli.budget_choice import Choice, PerOption, RollingOption, ScopeOption, TaskOption
from leanloop.adapters.cli.budget_ledger import FileArgument, Ledger, StoreOption, open_ledger
from leanloop.adapters.cli.budget_limits import OpenLimit, with_balances
from leanloop.adapters.cli.budget_text import signed
from leanloop.adapters.cli.plain import plain
from leanloop.budgets.amount import format_number
from leanloop.budgets.file import load_budget

__all__ = ["raise_", "reset"]

_TASK_SECONDS = 86_400.0
"""How long what was raised for a task is kept where nothing is heard of the task."""

WhyOption: TypeAlias = Annotated[str, typer.Option("--why", metavar="TEXT", help="A note for the history.")]
YesOption: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def raise_(
    file: FileArgument,
    amounts: Annotated[list[str], typer.Argument(metavar="AMOUNT...", help="usd=5, tokens=1_000_000, usd=-5 ...")],
    *,
    scope: ScopeOption = None,
    per: PerOption = None,
    task: TaskOption = None,
    rolling: RollingOption = None,
    why: WhyOption = "",
    store: StoreOption = None,
    yes: YesOption = False,
) -> None:
    """Let more (or less) be spent of a limit than the file says, for the window that is open.

    Every process sees it at its next call. A task that the limit has already stopped stays stopped.
    """
    by = dict(map(read_amount, amounts))
    budget = load_budget(file)
    with open_ledger(budget, store) as ledger:
        now = ledger.now()
        before = with_balances(Choice(scope, per, task, rolling).limits(budget, now, by), ledger.store)
        _ask([f"{_state(one, now)}; raise it by {signed(one.resource, by[one.resource])}" for one in before], yes)
        for one in before:
            lasts = _TASK_SECONDS if one.window is None else (one.window.forget - now).total_seconds()
            ledger.store.raise_limit(str(one.name), one.resource, by[one.resource], expires=lasts, note=why)
        _say(before, ledger, now)


def reset(
    file: FileArgument,
    resources: Annotated[
        list[str] | None, typer.Argument(metavar="RESOURCE...", help="usd, tokens ...; all where none is named.")
    ] = None,
    *,
    scope: ScopeOption = None,
    per: PerOption = None,
    task: TaskOption = None,
    rolling: RollingOption = None,
    why: WhyOption = "",
    store: StoreOption = None,
    yes: YesOption = False,
) -> None:
    """Begin a window again at nothing spent and nothing raised. What calls in flight have set aside stays.

    Every process sees it at its next call. A task that the limit has already stopped stays stopped.
    """
    wanted = [read_resource(name) for name in resources or ()]
    budget = load_budget(file)
    with open_ledger(budget, store) as ledger:
        now = ledger.now()
        before = with_balances(Choice(scope, per, task, rolling).limits(budget, now, wanted), ledger.store)
        _ask([f"{_state(one, now)}; begin again at nothing" for one in before], yes)
        for one in before:
            balances = ledger.store.balances([(account, one.resource) for account in one.accounts])
            for account, balance in zip(one.accounts, balances, strict=True):
                if balance.spent or balance.raised:
                    ledger.store.reset(account, one.resource, note=why)
        _say(before, ledger, now)


def _state(one: OpenLimit, now: datetime) -> str:
    balance = one.balance
    window = ""
    if one.window is not None and not one.name.rolling:
        window = f", until {one.window.ends.astimezone(now.tzinfo):%Y-%m-%d %H:%M %Z}"
    raised = f" {signed(one.resource, balance.raised)} raised" if balance.raised else ""
    spent, aside = (format_number(one.resource, amount) for amount in (balance.spent, balance.reserved))
    limit = f"{format_number(one.resource, one.amount)}{raised}"
    return f"{one.words}{window}: {spent} spent, {aside} set aside, of {limit}"


def _ask(lines: Sequence[str], yes: bool) -> None:
    for line in lines:
        typer.echo(plain(line))
    if not yes:
        typer.confirm("Go on?", abort=True)


def _say(before: Sequence[OpenLimit], ledger: Ledger, now: datetime) -> None:
    for one in with_balances(before, ledger.store):
        typer.echo(plain(f"now: {_state(one, now)}"))
