"""How the results of one step share the tokens that a step may bring."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from leanloop.budgets.message import Message
from leanloop.plugins.call import ToolCall

__all__ = ["Batches"]

_REMEMBERED = 8
"""Steps whose results may still be coming: one, unless an agent branches."""


@dataclass(slots=True)
class _Batch:
    left: int
    coming: int


class Batches:
    """The latest steps of one task, safe under threads.

    A result gets an even share of what is left, by the results still to come. What it does not use is left to them: so
    the more small ones have come, the longer the others may be.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._batches: dict[object, _Batch] = {}

    def grant(self, call: ToolCall, wish: int, most: int) -> int:
        """Tokens for the result of `call`: at most `wish`, and its share of the `most` of all results of its step.

        Where no history says which step it is of, it shares with none.
        """
        if not call.history:
            return wish
        with self._lock:
            batch = self._of(call, most)
            granted = max(0, min(wish, batch.left // max(1, batch.coming)))
            batch.left -= granted
            batch.coming -= 1
            return granted

    def give_back(self, call: ToolCall, tokens: int, most: int) -> None:
        """Leave to others what was granted and not used; less than nothing where more was."""
        if not call.history:
            return
        with self._lock:
            self._of(call, most).left += tokens

    def _of(self, call: ToolCall, most: int) -> _Batch:
        asking = _asking(call)
        # Where the history does not show who asked, it is at least the same one for all calls of a step.
        key = (len(call.history), tuple(one.id for one in asking.tool_calls) if asking else call.history[-1:])
        batch = self._batches.get(key)
        if batch is None:
            batch = self._batches[key] = _Batch(most, len(asking.tool_calls) if asking else 1)
            if len(self._batches) > _REMEMBERED:
                del self._batches[next(iter(self._batches))]
        return batch


def _asking(call: ToolCall) -> Message | None:
    """The message whose tool calls are being run, where the history ends with it."""
    last = call.history[-1] if call.history else None
    return last if last is not None and last.role == "assistant" and last.tool_calls else None
