"""The two forms of a store of outcomes whose work is written as steps: at once, and awaited."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.store import Added, Count
from leanloop.plugins.steps import Steps, aperform, perform

__all__ = ["BySteps"]


class BySteps(ABC):
    """See `OutcomeStore` for what each does. A step that was begun is done, also where the caller is cancelled."""

    def add(self, added: Sequence[Added]) -> None:
        """See `OutcomeStore.add`."""
        perform(self._add(added))

    async def aadd(self, added: Sequence[Added]) -> None:
        """`add`, awaited."""
        await aperform(self._add(added))

    def counts(self, keys: Sequence[str]) -> list[Mapping[str, Count]]:
        """See `OutcomeStore.counts`."""
        return perform(self._counts(keys))

    async def acounts(self, keys: Sequence[str]) -> list[Mapping[str, Count]]:
        """`counts`, awaited."""
        return await aperform(self._counts(keys))

    def families(self, agent: str, space: str) -> Mapping[str, bytes]:
        """See `OutcomeStore.families`."""
        return perform(self._families(agent, space))

    async def afamilies(self, agent: str, space: str) -> Mapping[str, bytes]:
        """`families`, awaited."""
        return await aperform(self._families(agent, space))

    def put_family(self, agent: str, space: str, name: str, vector: bytes, most: int) -> bool:
        """See `OutcomeStore.put_family`."""
        return perform(self._put_family(agent, space, name, vector, most))

    async def aput_family(self, agent: str, space: str, name: str, vector: bytes, most: int) -> bool:
        """`put_family`, awaited."""
        return await aperform(self._put_family(agent, space, name, vector, most))

    def record(self, decision: Decision) -> None:
        """See `OutcomeStore.record`."""
        perform(self._record(decision))

    async def arecord(self, decision: Decision) -> None:
        """`record`, awaited."""
        await aperform(self._record(decision))

    def of_task(self, task: str) -> list[Decision]:
        """See `OutcomeStore.of_task`."""
        return perform(self._of_task(task))

    async def aof_task(self, task: str) -> list[Decision]:
        """`of_task`, awaited."""
        return await aperform(self._of_task(task))

    def score(self, task: str, score: float) -> list[Decision]:
        """See `OutcomeStore.score`."""
        return perform(self._score(task, score))

    async def ascore(self, task: str, score: float) -> list[Decision]:
        """`score`, awaited."""
        return await aperform(self._score(task, score))

    @abstractmethod
    def _add(self, added: Sequence[Added]) -> Steps[None]: ...

    @abstractmethod
    def _counts(self, keys: Sequence[str]) -> Steps[list[Mapping[str, Count]]]: ...

    @abstractmethod
    def _families(self, agent: str, space: str) -> Steps[Mapping[str, bytes]]: ...

    @abstractmethod
    def _put_family(self, agent: str, space: str, name: str, vector: bytes, most: int) -> Steps[bool]: ...

    @abstractmethod
    def _record(self, decision: Decision) -> Steps[None]: ...

    @abstractmethod
    def _of_task(self, task: str) -> Steps[list[Decision]]: ...

    @abstractmethod
    def _score(self, task: str, score: float) -> Steps[list[Decision]]: ...
