"""Where outcomes are kept: counts by kind of call and setting, families of texts, and what was decided when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from leanloop.plugins.outcomes.decision import Decision

__all__ = ["Added", "Count", "OutcomeStore"]


class Count(NamedTuple):
    """What is known of one setting on one kind of call; all of it adds up.

    Attributes:
        weight: of the outcomes, one that was said counts 1, one that was only inferred less.
        score: the sum of weight times score, which is from 0 (failed) to 1 (succeeded).
        calls, cost: calls whose cost is known, and the sum of it in nano-dollars.
    """

    weight: float = 0.0
    score: float = 0.0
    calls: int = 0
    cost: int = 0


class Added(NamedTuple):
    """What is to be added to a count.

    ``setting`` is a setting, or ``CHEAPER > DEARER`` for two that were tried on the same question: then the score is
    1 where the dearer succeeded and the cheaper failed.
    """

    key: str
    setting: str
    counted: Count


class OutcomeStore(Protocol):
    """Counts, families and decisions of agents; each method has an awaited twin, and is atomic.

    Raises:
        StoreError: from every method, where the store cannot be reached or holds something else.
    """

    durable: bool

    def add(self, added: Sequence[Added]) -> None:
        """Add to counts. One whose weight has grown beyond 1,000 is halved: an agent changes, and old habits fade."""
        ...

    async def aadd(self, added: Sequence[Added]) -> None:
        """`add`, awaited."""
        ...

    def counts(self, keys: Sequence[str]) -> list[Mapping[str, Count]]:
        """For each key the counts by setting, in one round trip; empty where nothing is known."""
        ...

    async def acounts(self, keys: Sequence[str]) -> list[Mapping[str, Count]]:
        """`counts`, awaited."""
        ...

    def families(self, agent: str, space: str) -> Mapping[str, bytes]:
        """The families of texts of an agent by name, each with its vector as little-endian float32, in one space (the
        fingerprint of what makes the vectors).
        """
        ...

    async def afamilies(self, agent: str, space: str) -> Mapping[str, bytes]:
        """`families`, awaited."""
        ...

    def put_family(self, agent: str, space: str, name: str, vector: bytes, most: int) -> bool:
        """Keep a family under a new name; False where there are `most`, or the name is taken."""
        ...

    async def aput_family(self, agent: str, space: str, name: str, vector: bytes, most: int) -> bool:
        """`put_family`, awaited."""
        ...

    def record(self, decision: Decision) -> None:
        """Keep what was decided, and what it cost. One with the same id takes its place, but for a score that was said,
        and stays with its tasks. The oldest make room.
        """
        ...

    async def arecord(self, decision: Decision) -> None:
        """`record`, awaited."""
        ...

    def of_task(self, task: str) -> list[Decision]:
        """What was decided in a task and in those that are a part of it, in order; empty where nothing is known."""
        ...

    async def aof_task(self, task: str) -> list[Decision]:
        """`of_task`, awaited."""
        ...

    def score(self, task: str, score: float) -> list[Decision]:
        """Say how a task went: gives those of `of_task` that had no score, which now have this one, so that each is
        counted once however many say so at the same time.
        """
        ...

    async def ascore(self, task: str, score: float) -> list[Decision]:
        """`score`, awaited."""
        ...

    def decisions(self, agent: str | None = None, since: float = 0.0) -> Iterator[Decision]:
        """Decisions from a time on (Unix seconds), in order; of one agent, or of all."""
        ...

    def close(self) -> None:
        """Let go of files and connections; the next step opens them again."""
        ...
