"""The limits of a budget file in the windows that are open, and what the ledger holds against each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from leanloop.budgets.account import AccountName
from leanloop.budgets.amount import format_scope
from leanloop.budgets.books import Books
from leanloop.budgets.budget import Budget
from leanloop.budgets.demand import Holder, account_of
from leanloop.budgets.fields import shown
from leanloop.budgets.forecast import linear
from leanloop.budgets.limit import Limit
from leanloop.budgets.move import StoreWithBooks
from leanloop.budgets.store import Balance, LedgerStore
from leanloop.budgets.window import OpenWindow, window_at
from leanloop.errors import UsageError

__all__ = ["OpenLimit", "limits_of", "open_limits", "with_balances"]

_NOTHING = Balance()

_FORECAST_FROM = 0.1
"""The share of a window that must have gone: before, a single call makes any forecast."""


@dataclass(frozen=True, slots=True)
class OpenLimit:
    """One resource of one limit, of one owner, in the window that is open.

    Attributes:
        name: the account that is booked to now; `also` are the others that count, of a rolling window.
        window: None for a task.
        amount: what the file allows, in the ledger's unit.
        balance: summed over all these accounts.
    """

    name: AccountName
    window: OpenWindow | None
    resource: str
    amount: int
    balance: Balance = _NOTHING

    @property
    def accounts(self) -> tuple[str, ...]:
        """The names of all accounts that count, the newest first."""
        also = self.window.also if self.window is not None else ()
        return (str(self.name), *(str(self.name._replace(label=label)) for label in also))

    @property
    def words(self) -> str:
        """``usd of user=u1 per day``."""
        return f"{self.resource} of {format_scope(str(self.name))}"

    @property
    def bound(self) -> int:
        """What may be spent: the file's amount and what was raised by hand."""
        return self.amount + self.balance.raised

    @property
    def left(self) -> int:
        """What is neither spent nor set aside; below zero where the limit was lowered below what is spent."""
        return self.bound - self.balance.spent - self.balance.reserved

    @property
    def share(self) -> float:
        """The share that is spent. Where nothing may be spent it is 0, or 1 where something was."""
        return self.balance.spent / self.bound if self.bound > 0 else float(self.balance.spent > 0)

    def forecast(self, now: datetime) -> int | None:
        """What the window will come to at an even pace; None for a rolling one, which has no end, and early on."""
        if self.window is None or self.name.rolling:
            return None
        began, ends = self.window.began, self.window.ends
        if now < began + _FORECAST_FROM * (ends - began):
            return None
        forecast = linear(self.balance.spent, began, now, ends)
        return None if forecast is None else forecast.at_end


def open_limits(budget: Budget, tags: Mapping[str, str], store: StoreWithBooks, now: datetime) -> list[OpenLimit]:
    """Every limit of `budget` per window that is open at `now`, fullest first.

    A limit that is scoped by a tag stands once for the owner named in `tags`, else for each the ledger knows.

    Raises:
        UsageError: no limit is about one of the tags.
    """
    limits = [limit for limit in budget.limits if limit.per != "task"]
    if strange := sorted(tags.keys() - {str(limit.scope) for limit in limits}):
        raise UsageError(f"The budget of {budget.agent} has no limit per {', '.join(map(shown, strange))}.")
    unnamed = any(_owner(limit, tags) is None for limit in limits)
    known = list(_names(store)) if unnamed else []
    found: list[OpenLimit] = []
    for limit in limits:
        owner = _owner(limit, tags)
        owners = _known_owners(limit, budget, known, now) if owner is None else [owner]
        for one in owners:
            found += limits_of(limit, budget, now, tags={str(limit.scope): one})
    balanced = with_balances(found, store)
    return sorted(balanced, key=lambda one: (one.share, one.balance.reserved), reverse=True)


def limits_of(
    limit: Limit, budget: Budget, now: datetime, *, tags: Mapping[str, str] | None = None, task: str = ""
) -> list[OpenLimit]:
    """The resources of one limit of the owner that `tags`, or the task's id, name; what is spent is not looked up."""
    name, window = account_of(limit, Holder(task, budget.agent, tags or {}, (), budget.timezone), now)
    return [OpenLimit(name, window, resource, amount) for resource, amount in limit.amounts().items()]


def with_balances(limits: Sequence[OpenLimit], store: LedgerStore) -> list[OpenLimit]:
    """The same with what the ledger holds now."""
    keys = [(account, one.resource) for one in limits for account in one.accounts]
    balances = iter(store.balances(keys))
    return [
        replace(one, balance=Balance(*map(sum, zip(*islice(balances, len(one.accounts)), strict=True))))
        for one in limits
    ]


def _owner(limit: Limit, tags: Mapping[str, str]) -> str | None:
    """Whose a limit is; None where it is scoped by a tag that is not told."""
    return "" if limit.scope in ("agent", "global") else tags.get(str(limit.scope))


def _names(books: Books) -> Iterator[AccountName]:
    for account in books.accounts():
        with suppress(UsageError):  # another program may use the store, too
            yield AccountName.read(account.account)


def _known_owners(limit: Limit, budget: Budget, known: Iterable[AccountName], now: datetime) -> list[str]:
    """Whoever has an account that counts against `limit` now."""
    window = window_at(limit, now, budget.timezone)
    zone = "UTC" if limit.rolling else budget.timezone
    shape = AccountName(str(limit.scope), "", limit.per, "", zone, limit.rolling)
    labels = {window.label, *window.also}
    return sorted({name.owner for name in known if name.label in labels and name._replace(owner="", label="") == shape})
