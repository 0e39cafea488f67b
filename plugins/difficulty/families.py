"""Families of texts that are alike: a wide one, and within it a narrow one."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from leanloop.plugins.cache.embedder import Embedder, Vectors
from leanloop.plugins.cache.vector import unit
from leanloop.plugins.difficulty.leaders import Leaders
from leanloop.plugins.embed import embedded
from leanloop.plugins.outcomes.store import OutcomeStore
from leanloop.plugins.steps import Steps
from leanloop.plugins.task import Task

__all__ = ["Families"]

_WIDE: Final = (0.5, 512)
_NARROW: Final = (0.8, 1_024)
"""The least cosine, and how many there are of an agent.

Of a text that is only somewhat like known ones less is known than of one from the same template: it has their wide
family and none of the narrow ones, so that its interval is as wide as these differ among each other. Over families of
reasoning-gym that were held back, the bounds then hold 0.93 to 0.94 of the rates, with one threshold of 0.6 only 0.87.
"""

_REMEMBERED = 1_024
"""Texts, the latest."""


class Families:
    """The families that are kept in one store, by agent.

    Args:
        embedder: makes the vectors; families of another's are never compared with them.
        store: where families are kept, for all processes.
    """

    def __init__(self, embedder: Embedder, store: OutcomeStore) -> None:
        self._embedder = embedder
        self._leaders = [Leaders(store, embedder.fingerprint, near=near, most=most) for near, most in (_WIDE, _NARROW)]
        self._found: OrderedDict[tuple[str, str], tuple[str, ...]] = OrderedDict()

    def of(self, text: str, task: Task) -> Steps[tuple[str, ...]]:
        """The families of a text, the wide one first; one is left out where the text is like none, and there are too
        many for another.

        Raises:
            StoreError: the store cannot be reached.
            TaskStopped: the embedder costs something, and the budget has no room.
            BadVectorError: the embedder gave nothing of use.
            Exception: what the embedder raises.
        """
        key = (task.agent, text)
        known = self._found.get(key)
        if known is not None:
            return known
        rows: Vectors = yield from embedded(self._embedder, text, task)
        vector = unit(rows[0])
        names: list[str] = []
        for leaders in self._leaders:
            name = yield from leaders.of(vector, task.agent)
            if name is not None:
                names.append(name)
        self._found[key] = tuple(names)
        while len(self._found) > _REMEMBERED:
            self._found.popitem(last=False)
        return tuple(names)
