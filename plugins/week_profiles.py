"""What past weeks say is usual, read from the ledgers' history by a thread of its own, once an hour at most."""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from leanloop.budgets.account import AccountName
from leanloop.budgets.books import Books
from leanloop.budgets.forecast import WeekProfile, week_profile
from leanloop.budgets.history import Entry
from leanloop.budgets.store import LedgerStore
from leanloop.budgets.zone import zone_named
from leanloop.errors import StoreError

__all__ = ["WeekProfiles", "profiles"]

_log = logging.getLogger("leanloop")

_EVERY = 3_600.0
_BACK = timedelta(weeks=8)
_PART = 900
"""Seconds: rows are added up by quarters of an hour, of which each hour of any time zone is made."""

_MOST_WANTED = 1_024
"""Profiles of one store; beyond, all are forgotten, and who is asked for again is read the next time."""

_Key = tuple[str, str, str, str]
"""Scope and owner, as in `AccountName`, resource, time zone."""


@dataclass(slots=True)
class _Known:
    """Of one store: whose profiles were asked for, those there are, and when to read again."""

    wanted: dict[_Key, None] = field(default_factory=dict[_Key, None])
    found: dict[_Key, WeekProfile] = field(default_factory=dict[_Key, WeekProfile])
    due: float = -math.inf
    thread: threading.Thread | None = None


class WeekProfiles:
    """The profiles of the limits that are watched, by store.

    Only a store that outlives the process can know two weeks, and only one that keeps a history (`Books`). Whose
    profile is asked for the first time has none until the next reading.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, in a forked child: its threads are the parent's."""
        self._known: weakref.WeakKeyDictionary[LedgerStore, _Known] = weakref.WeakKeyDictionary()

    def of(self, store: LedgerStore, name: AccountName, resource: str) -> WeekProfile | None:
        """What is usual for the scope and owner of an account. It reads nothing; a thread does, when it is time."""
        if not store.durable:
            return None
        known = self._known.setdefault(store, _Known())
        key = (name.scope, name.owner, resource, name.zone)
        if key not in known.wanted:
            if len(known.wanted) >= _MOST_WANTED:
                known.wanted.clear()
            known.wanted[key] = None
        if time.monotonic() >= known.due and not sys.is_finalizing():  # a thread begun then is waited for for ever
            known.due = time.monotonic() + _EVERY
            known.thread = threading.Thread(target=self.read, args=(store,), name="leanloop-forecasts", daemon=True)
            with suppress(RuntimeError):  # no thread is to be had: the forecasts stay as they are
                known.thread.start()
        return known.found.get(key)

    def read(self, store: LedgerStore, now: datetime | None = None) -> None:
        """Read the history of a store and replace its profiles. Where that fails, it is logged."""
        known = self._known.setdefault(store, _Known())
        if not isinstance(store, Books):
            return
        try:
            known.found = _profiles(store, list(known.wanted), now or datetime.now(UTC))
        except StoreError as error:
            _log.info("The history of the ledger cannot be read, so forecasts go by this window alone. %s", error)
        except Exception:  # noqa: BLE001 a thread of ours must not end in a trace on somebody's screen
            _log.warning(
                "The history of the ledger cannot be read, so forecasts go by this window alone.", exc_info=True
            )


def _profiles(books: Books, wanted: list[_Key], now: datetime) -> dict[_Key, WeekProfile]:
    by_owner: dict[tuple[str, str], list[_Key]] = {}
    for key in wanted:
        by_owner.setdefault(key[:2], []).append(key)
    parts: dict[_Key, dict[int, int]] = {key: {} for key in wanted}
    for entry in books.history(since=(now - _BACK).timestamp(), until=now.timestamp()):
        if entry.kind not in ("call", "unknown"):
            continue
        part = int(entry.at // _PART * _PART)
        for owner in _owners(entry):
            for key in by_owner.get(owner, ()):
                amount = entry.amounts.get(key[2], 0)
                parts[key][part] = parts[key].get(part, 0) + amount
    found: dict[_Key, WeekProfile] = {}
    for key, amounts in parts.items():
        midnight = now.astimezone(zone_named(key[3])).replace(hour=0, minute=0, second=0, microsecond=0)
        since = datetime.fromtimestamp(min(amounts, default=now.timestamp()), UTC)
        # Today is what the forecast is about: it is not its own past.
        profile = week_profile(amounts.items(), since=since, until=midnight, zone=key[3])
        if profile is not None:
            found[key] = profile
    return found


def _owners(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "global", ""
    for agent in {entry.agent, *entry.within.values()}:
        yield "agent", agent
    for tag, value in entry.tags.items():
        if tag not in ("global", "agent"):
            yield tag, value


profiles = WeekProfiles()
"""This process's."""

if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=profiles.forget)
