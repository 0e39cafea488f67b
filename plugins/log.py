"""Lines of the log that could come with every call, while a store is down say: of each kind one a minute."""

from __future__ import annotations

import logging
import math
import time
from contextlib import suppress
from dataclasses import dataclass

__all__ = ["SECONDS", "warn"]

_log = logging.getLogger("leanloop")

SECONDS = 60.0
"""For how long no second line of a kind is written; the next one says how many were left out."""


@dataclass(slots=True)
class _Kind:
    until: float = -math.inf
    left_out: int = 0


_kinds: dict[tuple[str, str], _Kind] = {}


def warn(message: str, *args: object, kind: str = "") -> None:
    """Log `message`, a constant that `args` are filled into by logging, at level WARNING; at most once a minute.

    `kind` tells lines of one message apart that are not the same news.
    """
    known = _kinds.setdefault((message, kind), _Kind())
    now = time.monotonic()
    if now < known.until:
        known.left_out += 1
        return
    left_out, known.left_out, known.until = known.left_out, 0, now + SECONDS
    if left_out:
        message, args = f"{message} (%d more like it were left out since the last one.)", (*args, left_out)
    with suppress(Exception):  # a filter of the user's that raises is no reason to fail a call
        _log.warning(message, *args, stacklevel=2)
