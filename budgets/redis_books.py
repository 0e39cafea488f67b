"""The administration of a ledger in Redis: `leanloop.budgets.books.Books`."""

from __future__ import annotations

import contextlib
import json
import math
import secrets
from collections.abc import Iterable, Iterator
from itertools import islice

from leanloop.budgets.books import Account, Record, is_not_empty
from leanloop.budgets.history import Entry
from leanloop.budgets.redis_caller import ABSORBING, MOVED, RedisCaller
from leanloop.budgets.redis_numbers import balances_in, field_of, milliseconds
from leanloop.budgets.redis_pages import accounts_in, reservations_in, rows_in, sendable
from leanloop.budgets.redis_scripts import ABSORB, ADJUST, COPY, REPLACE
from leanloop.budgets.store import Balance, exactly
from leanloop.errors import StoreError

__all__ = ["RedisBooks"]

_PAGE = 200
"""Records in one step of `absorb`, so that no script holds up other ledgers of the server for long."""


class RedisBooks:
    """Looks up and changes a ledger beside the calls.

    Args:
        caller: of the ledger.
        rows: of history to keep, or a few more, since Redis trims a stream by whole blocks; 0 for none.
    """

    def __init__(self, caller: RedisCaller, rows: int) -> None:
        self._caller = caller
        self._kept_rows, self._rows = rows, str(rows)
        self._retired, self._new = caller.names("retired:"), caller.names("absorbing:")

    def accounts(self) -> Iterator[Account]:
        """See `Books.accounts`. Calls may go on meanwhile: each account is as it was when its page was read."""
        return accounts_in(self._caller, self._where())

    def history(self, *, since: float = 0.0, until: float = math.inf) -> Iterator[Entry]:
        """See `Books.history`. It is read page by page."""
        bounds = (
            "+" if until > _FAR else str(math.ceil(until * 1000)),
            "-" if since <= 0 else str(math.floor(min(since, _FAR) * 1000)),
        )
        rows = rows_in(self._caller, self._where(), "XREVRANGE", *bounds)
        return (entry for entry in rows if since <= entry.at < until)

    def raise_limit(self, account: str, resource: str, by: int, *, expires: float, note: str = "") -> Balance:
        """See `Books.raise_limit`."""
        exactly(resource, by)
        row = Entry("raised", account=account, note=note)
        return self._adjust(account, resource, str(by), milliseconds(expires), row)

    def reset(self, account: str, resource: str, *, note: str = "") -> Balance:
        """See `Books.reset`."""
        return self._adjust(account, resource, "", 0, Entry("reset", account=account, note=note))

    def export(self) -> Iterator[Record]:
        """See `Books.export`. It reads a copy that the server makes in one step, and that is removed at the end."""
        copy = self._caller.names(f"copy:{secrets.token_hex(8)}:")
        keys = [*self._caller.keys, *self._retired, *copy]
        self._caller.call(COPY, self._rows, "make", keys=keys)
        try:
            yield from accounts_in(self._caller, copy)
            yield from reservations_in(self._caller, copy)
            yield from rows_in(self._caller, copy, "XRANGE", "-", "+")
        finally:
            with contextlib.suppress(StoreError):  # it expires within the hour
                self._caller.call(COPY, self._rows, "drop", keys=keys)

    def absorb(self, records: Iterable[Record]) -> None:
        """See `Books.absorb`. What comes is put together apart, and takes the ledger's place when it is complete.

        Until then every other step is refused; if the process ends before, so it stays until a ledger is absorbed.
        """
        word = ABSORBING + secrets.token_hex(8)
        if self._replace("begin", word) == b"used":
            raise is_not_empty()
        try:
            waiting = sendable(records)
            while page := list(islice(waiting, _PAGE)):
                text = json.dumps(page, separators=(",", ":"))
                keys = [*self._new, self._caller.keys[2]]
                answer = self._caller.call(ABSORB, self._rows, word, text, keys=keys).decode()
                if answer.startswith("orphan "):
                    name = answer.removeprefix("orphan ")
                    raise StoreError(f"The reservation {name!r} is of an account that was not handed over.")
                if answer == "overtaken":
                    raise _overtaken()
            if self._replace("finish", word) == b"overtaken":
                raise _overtaken()
        except BaseException:
            with contextlib.suppress(StoreError):
                self._replace("give up", word)
            raise

    def retire(self, successor: str) -> None:
        """See `Books.retire`. All keys but one are renamed, and a word stands in its place: it costs a call nothing."""
        self._replace("retire", MOVED + successor)

    def reinstate(self) -> None:
        """See `Books.reinstate`. It also gives up what was begun to be absorbed."""
        self._replace("reinstate", "")

    def _where(self) -> list[str]:
        """The keys of the ledger, or of what was set apart when it was retired."""
        keys = [*self._caller.keys, *self._retired]
        found = self._caller.call(COPY, self._rows, "find", keys=keys)
        return self._caller.keys if found == b"live" else self._retired

    def _adjust(self, account: str, resource: str, by: str, expires: int, row: Entry) -> Balance:
        words = (self._rows, field_of(account, resource), by, str(expires), row.to_json())
        answer = self._caller.call(ADJUST, *words)
        if answer == b"too much":
            raise StoreError(f"{by} more of {resource!r} than was raised before is more than Redis can count exactly.")
        return balances_in(answer)[0]

    def _replace(self, todo: str, word: str) -> bytes:
        keys = [*self._caller.keys, *self._retired, *self._new]
        answer = self._caller.call(REPLACE, todo, word, keys=keys)
        self._caller.check(answer)
        return answer


_FAR = 1e12
"""Seconds since the epoch, beyond any row."""


def _overtaken() -> StoreError:
    return StoreError(
        "Another ledger was moved to the same place meanwhile; nothing of this one is kept there. Name an empty one."
    )
