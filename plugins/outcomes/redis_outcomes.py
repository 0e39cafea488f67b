"""Outcomes in Redis: for any number of processes and machines."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from leanloop.budgets.redis_address import read_address
from leanloop.budgets.redis_caller import RedisCaller
from leanloop.budgets.redis_scripts import Script
from leanloop.plugins.flow import Io
from leanloop.plugins.outcomes import redis_scripts as scripts
from leanloop.plugins.outcomes.by_steps import BySteps
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.fading import KEPT_FOR, MOST
from leanloop.plugins.outcomes.redis_scripts import parts_of
from leanloop.plugins.outcomes.rows import quoted, read_count, read_decision, space_of, unquoted, written
from leanloop.plugins.outcomes.store import Added, Count
from leanloop.plugins.steps import Steps

__all__ = ["RedisOutcomes"]

_PAGE = 500
"""Decisions read by one script."""

_TOGETHER = 1_000
"""Counts added to by one script: Lua's stack takes 8,000 arguments."""

_COUNT = struct.Struct(">dddd")


class RedisOutcomes(BySteps):
    """An `OutcomeStore` in Redis 6.2 or later, or Valkey: a server, sentinels, or a cluster.

    Each step is one script and one round trip (of `add`, one for a thousand counts), so nothing is ever seen half done.
    All keys begin with ``{leanloop}:outcomes:``, or with the address's own ``?prefix=``: in a cluster they lie on one
    node. Counts that nothing was added to for half a year are forgotten.

    Args:
        url: as of the ledger (`leanloop.budgets.redis_address.read_address`), whose server it may be.
        decisions: how many are kept, the newest.

    Raises:
        UsageError: the address cannot be read.
        MissingExtra: redis-py is not installed.
    """

    durable = True

    def __init__(self, url: str, *, decisions: int = 100_000) -> None:
        self._caller = RedisCaller(read_address(url), "outcomes' Redis")
        self._keys = [f"{self._caller.tag}outcomes:{name}" for name in ("rows", "scores", "order")]
        self._most = decisions

    def decisions(self, agent: str | None = None, since: float = 0.0) -> Iterator[Decision]:
        """See `OutcomeStore.decisions`."""
        last = b"0"
        while parts := parts_of(self._do(scripts.PAGE, last, str(_PAGE)).run()):
            last = parts[0]
            for one in _decisions(parts[1:]):
                if one.at >= since and agent in {None, one.agent}:
                    yield one

    def close(self) -> None:
        """Close the connections; the next step opens new ones."""
        self._caller.clients.close()

    def _add(self, added: Sequence[Added]) -> Steps[None]:
        waiting = iter(added)
        while some := list(islice(waiting, _TOGETHER)):
            words = [
                word
                for key, setting, counted in some
                for word in (quoted(key), quoted(setting), *(repr(number) for number in counted))
            ]
            yield self._do(scripts.ADD, str(MOST), str(KEPT_FOR), *words)

    def _counts(self, keys: Sequence[str]) -> Steps[list[Mapping[str, Count]]]:
        answer = yield self._do(scripts.COUNTS, *map(quoted, keys))
        parts = iter(parts_of(answer))
        return [_counts([*islice(parts, 2 * int(next(parts)))]) for _ in keys]

    def _families(self, agent: str, space: str) -> Steps[Mapping[str, bytes]]:
        parts = parts_of((yield self._do(scripts.FAMILIES, space_of(agent, space))))
        named = zip(map(unquoted, parts[::2]), parts[1::2], strict=True)
        return {name: vector for name, vector in named if name is not None}

    def _put_family(self, agent: str, space: str, name: str, vector: bytes, most: int) -> Steps[bool]:
        answer: bytes = yield self._do(scripts.FAMILY, space_of(agent, space), quoted(name), vector, str(most))
        return answer == b"kept"

    def _record(self, decision: Decision) -> Steps[None]:
        score = "" if decision.score is None else repr(decision.score)
        tasks = dict.fromkeys((decision.task, *decision.within))
        words = (quoted(decision.id), written(decision), score, str(self._most), *map(quoted, tasks))
        yield self._do(scripts.RECORD, *words)

    def _of_task(self, task: str) -> Steps[list[Decision]]:
        return _decisions(parts_of((yield self._do(scripts.OF_TASK, quoted(task), ""))))

    def _score(self, task: str, score: float) -> Steps[list[Decision]]:
        return _decisions(parts_of((yield self._do(scripts.OF_TASK, quoted(task), repr(score)))))

    def _do(self, script: Script, *words: str | bytes) -> Io[bytes]:
        """A script."""
        return Io(self._call, self._acall, script, *words)

    def _call(self, script: Script, *words: str | bytes) -> bytes:
        return self._caller.call(script, *words, keys=self._keys)

    async def _acall(self, script: Script, *words: str | bytes) -> bytes:
        return await self._caller.acall(script, *words, keys=self._keys)


def _decisions(parts: Sequence[bytes]) -> list[Decision]:
    """Those that can be read."""
    found = (read_decision(row, _number(score)) for row, score in zip(parts[::2], parts[1::2], strict=True))
    return [one for one in found if one is not None]


def _counts(parts: Sequence[bytes]) -> Mapping[str, Count]:
    found = dict[str, Count]()
    for name, packed in zip(parts[::2], parts[1::2], strict=True):
        setting = unquoted(name)
        count = read_count(_COUNT.unpack(packed)) if len(packed) == _COUNT.size else None
        if setting is not None and count is not None:
            found[setting] = count
    return found


def _number(score: bytes) -> object:
    """A score; None where there is none, and what is none is left as it is."""
    try:
        return float(score) if score else None
    except ValueError:
        return score
