"""Objects with a lock: a fork waits for it, or its child makes it anew, so that no child is left with it taken."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

__all__ = ["Forked", "hold_at_fork", "renew_in_child"]


T = TypeVar("T")


class Forked(Protocol):
    """Stands still while the process forks."""

    def before_fork(self) -> None:
        """Come to a stop."""
        ...

    def after_fork(self) -> None:
        """Go on, in the parent and in the child."""
        ...


def hold_at_fork(one: Forked) -> None:
    """Have it stand still in every fork from now on, for as long as it lives."""
    _held.add(one)


def renew_in_child(one: T, renew: Callable[[T], None]) -> None:
    """Have `renew` called with it in every forked child from now on, for as long as it lives."""
    _renewed[one] = renew


_renewed: weakref.WeakKeyDictionary[Any, Callable[[Any], None]] = weakref.WeakKeyDictionary()
_held: weakref.WeakSet[Forked] = weakref.WeakSet()
_forking = threading.RLock()
_stopped: list[Forked] = []


def _before_fork() -> None:
    _forking.acquire()
    for one in list(_held):
        one.before_fork()
        _stopped.append(one)


def _after_fork() -> None:
    while _stopped:
        _stopped.pop().after_fork()
    _forking.release()


def _in_child() -> None:
    _after_fork()
    for one, renew in list(_renewed.items()):
        renew(one)


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)
