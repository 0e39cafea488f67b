"""The tier of questions that mean the same: few candidates, found by likeness, and every reason not to believe them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from leanloop.budgets.message import Message
from leanloop.errors import BudgetExceeded, TaskStopped
from leanloop.plugins.cache.event import CacheEvent
from leanloop.plugins.cache.ground import Ground
from leanloop.plugins.cache.key import CacheKey
from leanloop.plugins.cache.store import Near
from leanloop.plugins.cache.vector import BadVectorError, Vector, unit
from leanloop.plugins.cache.verify import verify
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.embed import embedded
from leanloop.plugins.flow import Io
from leanloop.plugins.steps import Steps
from leanloop.plugins.task import Task

__all__ = ["CANDIDATES", "LEAST", "Alike", "alike", "judged", "vector_of"]

CANDIDATES = 3
"""How many of the nearest are looked at: the right one is not always the nearest, and a check costs a fifth of a
millisecond."""

LEAST = 0.6
"""The least cosine of a candidate where no threshold was found yet."""

_JUDGE = (
    "Below are two questions. Would a correct and complete answer to the first be a correct and complete answer to the "
    "second, in every detail (numbers, names, dates, direction, negation, scope)? Reply with one word: yes or no."
)


@dataclass(frozen=True, slots=True)
class Alike:
    """An entry that passed every check. `serves` is False where it is only counted (shadow)."""

    near: Near
    serves: bool


def vector_of(text: str, ground: Ground, task: Task) -> Steps[Vector | None]:
    """The vector of a question, under the budget; None where there is none to be had, which is said.

    A limit without room for it is no reason to stop: the model may well be asked.

    Raises:
        TaskStopped: the task was stopped before, or its time is over.
    """
    embedder = ground.embedder
    if embedder is None or not embedder.fits(text):
        return None
    try:
        rows = yield from embedded(embedder, text, task)
        return unit(rows[0])
    except BadVectorError as error:
        ground.on_event(CacheEvent(error.problem, "", f"The embedder gave nothing of use: {error}."))
    except TaskStopped as error:
        if task.stopped is not None or not isinstance(error, BudgetExceeded):
            raise
        task.note(f"The limit of {error.resource} had no room for an embedding: the cache compared nothing by meaning.")
    except Exception as error:  # noqa: BLE001 a miss, whatever the embedder's client raises
        ground.on_event(CacheEvent("embedder", "", f"The embedder failed: {type(error).__name__}."))
    return None


def alike(key: CacheKey, vector: Vector, ground: Ground) -> Steps[Alike | None]:
    """The entry that answers the question, where one does.

    Raises:
        StoreError: the store cannot be reached.
    """
    context, text = key.context, key.text
    if context is None or text is None:
        return None
    found = yield from ground.calibration()
    threshold = found.threshold if found and found.promised <= ground.rules.max_false_hits else None
    least = LEAST if threshold is None else threshold
    nearest: list[Near] = yield Io(
        ground.store.nearest, ground.store.anearest, context, vector, at_least=least, count=CANDIDATES
    )
    for near in nearest:
        if near.entry.text is not None and verify(text, near.entry.text) is None:
            return Alike(near, serves=threshold is not None and ground.rules.semantic == "on")
    return None


def judged(asked: str, known: str, call: ModelCall, model: str) -> Generator[ModelCall, Any, bool]:
    """Whether a cheap model takes the two for the same question."""
    said = Message("user", f"{_JUDGE}\n\nFirst: {known}\n\nSecond: {asked}")
    ask = ModelCall(
        model, (said,), max_output=16, purpose="summary", forbid_tools=True, hold_stream=True, final=False, raw=call.raw
    )
    reply: ModelReply = yield ask
    return reply.message.text.strip().casefold().startswith("yes")
