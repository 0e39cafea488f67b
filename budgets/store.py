"""What a ledger's storage must do. One atomic step may touch any number of limits.

A reservation is affine: a line costs `fixed + slope * units`, where the units are the output tokens
asked for. The store grants the most units that fit every line, so that lowering an output cap and
reserving it is one step and no other call can slip in between.

A reservation stands on a lease, which whoever makes the call renews. When a lease ends the process may be dead and
the call billed: unknown counts as spent, at the worst case. Nothing is free, and nothing counts double: a settlement
that comes late still corrects the accounts exactly.

Amounts and limits are integers below 2**53, which Lua's and JSON's numbers hold exactly; the durable stores refuse
to book others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from leanloop.budgets.history import Entry
from leanloop.errors import StoreError

__all__ = ["Balance", "Demand", "Grant", "LedgerStore", "Line", "Refusal", "exactly"]

_MOST = 2**53 - 1


class Line(NamedTuple):
    """One limit a call touches.

    Attributes:
        account: whose limit, such as ``task:4f1c`` or ``user=u1:day:2026-11-22``.
        resource: ``usd`` (nano-dollars), ``tokens``, ``model_calls``, ``tool_calls:search`` ...
        limit: the most that spent + reserved may come to, beside what was raised by hand. It is the asker's: two
            programs with different limits on one account share its balance, and each stays within its own figure.
        fixed, slope: the worst case is ``fixed + slope * units``.
        expires: seconds after which an untouched account may be forgotten.
        also: accounts whose balances of the resource count against the limit, too, though nothing is put into them:
            the earlier parts of a rolling window. None of them is an account another line of the same demand books the
            resource to.
    """

    account: str
    resource: str
    limit: int
    fixed: int = 0
    slope: int = 0
    expires: float = 86_400.0
    also: tuple[str, ...] = ()


class Demand(NamedTuple):
    """All lines of one call (no two of the same account and resource), and how many units it wants.

    Attributes:
        most, least: at most and at least so many units.
        lease: seconds the reservation stands without being renewed; 0 ends at once.
        idle: nothing is in flight under it (a landing reserve). When its lease ends it is given back, not spent.
    """

    lines: tuple[Line, ...]
    most: int = 0
    least: int = 0
    lease: float = 120.0
    idle: bool = False


class Balance(NamedTuple):
    """What an account has spent and set aside of one resource.

    `idle` is the part of `reserved` that is not in flight; `raised` is what somebody added to the limit by hand. Of a
    line with further accounts, each is the sum over all of them.
    """

    spent: int = 0
    reserved: int = 0
    idle: int = 0
    raised: int = 0

    @property
    def in_flight(self) -> int:
        """Set aside for calls that are being made: less of it may be spent."""
        return self.reserved - self.idle


class Grant(NamedTuple):
    """A reservation made: `units` granted, and each line's balance just before it, in the order asked."""

    units: int
    before: tuple[Balance, ...]


class Refusal(NamedTuple):
    """Nothing was reserved: `line` (at `place`) has no room for even the fewest units."""

    place: int
    line: Line
    balance: Balance

    def passing(self, least: int) -> bool:
        """Whether `least` units would fit if the calls in flight came to nothing: then it is worth asking again."""
        needed = self.line.fixed + self.line.slope * least
        return needed <= self.line.limit + self.balance.raised - self.balance.spent - self.balance.idle


def exactly(resource: str, amount: int) -> int:
    """The amount.

    Raises:
        StoreError: it is too large to be counted exactly.
    """
    if -_MOST <= amount <= _MOST:
        return amount
    raise StoreError(f"{amount} of {resource!r} is more than a ledger can count exactly, {_MOST}.")


class LedgerStore(Protocol):
    """Where balances are kept. Every method has an async form that must not block the event loop.

    A reservation whose lease has ended is turned into spending (an idle one is given back) before `reserve` or
    `balances` look at an account it touches. It is remembered as long as its accounts are.

    Raises `leanloop.errors.StoreError` where the storage fails; then nothing was granted.
    """

    @property
    def durable(self) -> bool:
        """Whether reservations outlive the process that made them, so that their leases must be renewed."""
        ...

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """Set aside the worst case of every line, or of none.

        `replaces` names a reservation that is given up in the same step (its amounts count as free);
        on refusal it stays as it was.

        Asked again for a reservation that is held, with the same demand, it sets nothing more aside and grants the
        same units (`before` is then what the balances would be without it): a caller whose connection broke may
        ask again. With another demand, or after its lease has ended, that is a StoreError.
        """
        ...

    def settle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        """Replace the reservation, or what its ended lease made of it, by what was spent, by resource.

        A resource not named spent nothing. A reservation that is not (or no longer) known is left alone, so
        settling twice counts once. In the same step `entry` is put into the history, at the store's time. A lease
        that ends and becomes spending adds a row of kind ``expired`` by itself. What takes it back later (a settlement,
        which adds its own row, a release, a replacement) adds another with its amounts below zero, so that the
        history adds up to what was spent.
        """
        ...

    def release(self, reservation: str) -> None:
        """Give the reservation back unspent, also where its lease has ended."""
        ...

    def renew(self, reservations: Sequence[str], lease: float) -> list[str]:
        """Let each stand for `lease` seconds from now. Gives those that are held; an ended lease stays ended."""
        ...

    def balances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """The balance of each (account, resource); zeros where nothing is known."""
        ...

    def close(self) -> None:
        """Let go of connections and threads. What is kept stays; a later call opens them again."""
        ...

    async def areserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """`reserve`, awaited."""
        ...

    async def asettle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        """`settle`, awaited."""
        ...

    async def arelease(self, reservation: str) -> None:
        """`release`, awaited."""
        ...

    async def arenew(self, reservations: Sequence[str], lease: float) -> list[str]:
        """`renew`, awaited."""
        ...

    async def abalances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """`balances`, awaited."""
        ...
