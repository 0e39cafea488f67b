"""What can be looked up and changed in a ledger beside the calls: for people, reports and moves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol, runtime_checkable

from leanloop.budgets.history import Entry
from leanloop.budgets.store import Balance
from leanloop.errors import StoreError

__all__ = ["Account", "Books", "Held", "Record", "has_moved", "is_not_empty"]


class Account(NamedTuple):
    """One resource of one account, and the seconds from now after which it may be forgotten."""

    account: str
    resource: str
    balance: Balance
    expires: float


class Held(NamedTuple):
    """A reservation that is known: (account, resource, amount) of each line, and the seconds its lease has left.

    `ended` is True where the lease has ended (it is spent, or given back where `idle`) but a late settlement still
    corrects it.
    """

    reservation: str
    units: int
    lines: tuple[tuple[str, str, int], ...]
    lease: float
    idle: bool
    ended: bool


Record = Account | Held | Entry
"""What a move carries: all accounts first, then reservations, then the history, oldest first."""


@runtime_checkable
class Books(Protocol):
    """The administration of a `LedgerStore`; all of leanloop's own stores have it.

    Raises `leanloop.errors.StoreError` where the storage fails.
    """

    def accounts(self) -> Iterator[Account]:
        """Every account that is known, in no order. Ended leases are booked first."""
        ...

    def history(self, *, since: float = 0.0, until: float = float("inf")) -> Iterator[Entry]:
        """The rows with ``since <= at < until`` (seconds since the epoch), newest first."""
        ...

    def raise_limit(self, account: str, resource: str, by: int, *, expires: float, note: str = "") -> Balance:
        """Let `by` more be spent in this account than whoever asks has for a limit (less, where it is negative).

        It lasts as long as the account, that is, its window. Gives the new balance and adds a row to the history.
        """
        ...

    def reset(self, account: str, resource: str, *, note: str = "") -> Balance:
        """Begin again at nothing spent and nothing raised; what is set aside stays. Gives the balance it had before.

        A row is added to the history with what was taken off. What an ended lease spent is no longer in it: a
        settlement that comes after both adds what was spent and takes nothing back.
        """
        ...

    def export(self) -> Iterator[Record]:
        """All that is kept, as one state of it."""
        ...

    def absorb(self, records: Iterable[Record]) -> None:
        """Take over what `export` of another store gave. This one must be empty, or have begun to absorb and failed.

        Raises:
            StoreError: something is kept here already; nothing was changed.
        """
        ...

    def retire(self, successor: str) -> None:
        """From now on refuse every call with a `StoreError` that names `successor` (an address without a password)."""
        ...

    def reinstate(self) -> None:
        """Undo `retire`."""
        ...


def has_moved(successor: str) -> StoreError:
    """What a retired store answers."""
    return StoreError(
        f"This ledger has moved to {successor}; name that as the store in the budget file, and start anew."
    )


def is_not_empty() -> StoreError:
    """What a store that is in use answers to a move into it."""
    return StoreError(
        "Only an empty ledger can take another one over, and something is kept in this one; name a new one."
    )
