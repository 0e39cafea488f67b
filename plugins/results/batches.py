"""How the results of one step share the tokens that a step may bring."""

from __future__ import annotations

import sys
import threading

from leanloop.budgets.message import Message
from leanloop.plugins.call import ToolCall

__all__ = ["Batch", "Batches"]

_REMEMBERED = 8
"""Steps whose results may still be coming: one, unless an agent branches."""


class Batch:
    """The results of one step, safe under threads.

    A result gets an even share of what is left, by the results still to come. What it does not use is left to them: so
    the more small ones have come, the longer the others may be.

    Args:
        most: tokens of all of them together.
        coming: how many there are to be.
    """

    __slots__ = ("_coming", "_left", "_lock")

    def __init__(self, most: int, coming: int) -> None:
        self._lock = threading.RLock()
        self._left = most
        self._coming = coming

    def grant(self, wish: int) -> int:
        """Tokens for one result: at most `wish`, and its share."""
        with self._lock:
            granted = max(0, min(wish, self._left // max(1, self._coming)))
            self._left -= granted
            self._coming -= 1
            return granted

    def give_back(self, tokens: int) -> None:
        """Leave to others what was granted and not used; less than nothing where more was."""
        with self._lock:
            self._left += tokens


class Batches:
    """The latest steps of one task, safe under threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._known: dict[object, Batch] = {}

    def of(self, call: ToolCall, most: int) -> Batch:
        """The step that asked for `call`; where no history says which that is, it shares with none."""
        if not call.history:
            return Batch(sys.maxsize, 1)
        asking = _asking(call)
        # Where the history does not show who asked, it is at least the same one for all calls of a step.
        key = (len(call.history), tuple([one.id for one in asking.tool_calls]) if asking else call.history[-1:])
        with self._lock:
            batch = self._known.get(key)
            if batch is None:
                batch = self._known[key] = Batch(most, len(asking.tool_calls) if asking else 1)
                if len(self._known) > _REMEMBERED:
                    del self._known[next(iter(self._known))]
            return batch


def _asking(call: ToolCall) -> Message | None:
    """The message whose tool calls are being run, where the history ends with it."""
    last = call.history[-1]
    return last if last.role == "assistant" and last.tool_calls else None
