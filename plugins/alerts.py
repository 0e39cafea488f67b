"""What people are told while a task runs: a line of the log, and the hook they gave."""

from __future__ import annotations

import inspect
import logging
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from leanloop.budgets.store import LedgerStore
from leanloop.errors import UsageError

__all__ = ["Alert", "AlertKind", "Alerts", "OnAlert"]

_log = logging.getLogger("leanloop")

AlertKind = Literal["share", "over", "departs", "degraded", "unavailable", "prefix", "experiment", "cascade"]

_MOST_REMEMBERED = 65_536
"""Alerts remembered as given, for each store; beyond, all are forgotten, and may be given once more."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something people may want to know. Amounts are in the ledger's unit: usd in nano-dollars.

    Attributes:
        kind: ``share`` (of a limit is spent, the file's `warn`), ``over`` (a window will end over its limit by the
            forecast), ``departs`` (spending departs from its forecast by a fifth), ``degraded`` (calls are made
            cheaper from now on, the file's `degrade`), ``unavailable`` (what `degrade` names cannot be had), ``prefix``
            (an agent changed what it had sent before, so that its provider's cache is of no use), ``experiment`` (it is
            decided which way does better, the file's `experiment`), ``cascade`` (a cheaper tier is no longer asked
            first, or not with the gates the file names, since that does not pay).
        message: all of it in a sentence.
        agent, task: whose limit it is; of ``degraded`` and ``unavailable``, whose calls.
        scope: the limit in words, such as ``user=u1 per day``; empty where no limit is concerned, and so below.
        share: which was reached, of ``share`` and ``degraded``.
        forecast: what the window is expected to end at (``over``), or was expected to have come to (``departs``).
        ends: when the window ends, in UTC; None for a task, a rolling window, and a window too short for a forecast.
    """

    kind: AlertKind
    message: str
    agent: str
    task: str
    scope: str = ""
    resource: str = ""
    limit: int | None = None
    spent: int | None = None
    share: float | None = None
    forecast: int | None = None
    ends: datetime | None = None


OnAlert = Callable[[Alert], object]
"""Called on the thread, or the event loop, of the call that gave rise to the alert: hand work that waits to another."""


class Alerts:
    """Where the alerts of a task go.

    Args:
        hook: called with each, beside the line in the log; what it raises is logged and goes no further.
        tell: told of each, too.

    Raises:
        UsageError: the hook is a coroutine function, which nobody would await.
    """

    def __init__(self, hook: OnAlert | None = None, tell: Callable[[Alert], None] | None = None) -> None:
        if inspect.iscoroutinefunction(hook):
            raise UsageError(
                "on_alert takes a plain function, since calls outside any event loop give rise to alerts, too. "
                "In it, hand the alert to your loop: loop.call_soon_threadsafe(queue.put_nowait, alert)."
            )
        self.hook = hook
        self._tell = tell
        self._given: dict[tuple[object, ...], object] = {}

    def tell(self, alert: Alert, level: int = logging.WARNING) -> None:
        """Log the alert at `level` and call the hook."""
        _log.log(level, "%s", alert.message)
        if self._tell is not None:
            self._tell(alert)
        if self.hook is not None:
            try:
                self.hook(alert)
            except Exception:  # noqa: BLE001 the call is worth more than the news of it
                _log.warning("on_alert raised for an alert of kind %r; the call goes on.", alert.kind, exc_info=True)

    def first(self, store: LedgerStore, account: str, *what: object) -> bool:
        """Whether this is the first time it is asked: by this task of its own account, by this process of any other."""
        given = self._given if account.startswith("task:") else _given.setdefault(store, {})
        if len(given) >= _MOST_REMEMBERED:
            given.clear()
        mine = object()
        return given.setdefault((account, *what), mine) is mine  # one step, so that of two threads one is the first


_given: weakref.WeakKeyDictionary[LedgerStore, dict[tuple[object, ...], object]] = weakref.WeakKeyDictionary()
