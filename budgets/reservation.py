"""Names for reservations: unique in all processes, and cheap, since every call needs one."""

from __future__ import annotations

import itertools
import os
import uuid

__all__ = ["is_of_this_process", "new_reservation"]

_process = [uuid.uuid4().hex]
_count = itertools.count()


def new_reservation() -> str:
    """A name no other reservation has: this process's random name and a running number."""
    return f"{_process[0]}-{next(_count)}"


def is_of_this_process(name: str) -> bool:
    """Whether `new_reservation` gave the name here, and not in the process that this one was forked from."""
    return name.startswith(_process[0])


def _renew() -> None:
    """A forked child must not go on under its parent's name."""
    _process[0] = uuid.uuid4().hex


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_renew)
