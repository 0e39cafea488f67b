"""Runs the ledger's scripts in Redis, plain or awaited, and says in one sentence why one could not be run."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time

from leanloop.budgets.books import has_moved
from leanloop.budgets.redis_address import RedisAddress
from leanloop.budgets.redis_clients import RedisClients
from leanloop.budgets.redis_errors import FAILURES, NoScriptError, explain, is_away, is_of_another_type, is_silence
from leanloop.budgets.redis_scripts import Script
from leanloop.errors import StoreError

__all__ = ["ABSORBING", "MOVED", "RedisCaller"]

MOVED, ABSORBING = "moved ", "absorbing "
"""What stands in place of the ledger while it is retired, with its successor, or is being filled, with a token."""

_AGAIN = b"again"

_SPARED = 1.0
"""Seconds. A server that let a step wait in vain for so long, or for an answer, is not asked at once for the next: a
call under a budget asks three times before it is given up, and would wait three times as long."""


class RedisCaller:
    """The scripts of one ledger, called by its keys; `called` is what messages call its server."""

    def __init__(self, address: RedisAddress, called: str = "ledger's Redis") -> None:
        self.clients = RedisClients(address)
        self.tag = f"{{{address.prefix}}}:"
        self.keys = self.names()
        self._address = address
        self._called = called
        self._silent_until, self._silence = -math.inf, ""

    def names(self, part: str = "") -> list[str]:
        """The four keys of a ledger, or of what is set apart from it, as every script is given them first."""
        return [f"{self.tag}{part}{name}" for name in ("leases", "ends", "ledger", "history")]

    def call(self, script: Script, *words: str | bytes, keys: list[str] | None = None, urgent: bool = False) -> bytes:
        """Run a script until it has all done. What is `urgent` is asked for, and tried again, also where the server was
        silent or away just now.

        Raises:
            StoreError: it cannot be run.
        """
        keys, began = keys or self.keys, self._begin(urgent=urgent)
        try:
            client = self.clients.plain()
            answer = _AGAIN
            while answer == _AGAIN:
                try:
                    answer = client.evalsha(script.digest, len(keys), *keys, *words)
                except NoScriptError:  # the first call, or the server was started anew
                    answer = client.eval(script.text, len(keys), *keys, *words)
        except FAILURES as error:
            if is_of_another_type(error):
                with contextlib.suppress(*FAILURES):  # then the first error is what there is to say
                    self.check(self.clients.plain().get(self.keys[2]))
            raise self._failed(error, began) from error
        return self._told(answer)

    async def acall(
        self, script: Script, *words: str | bytes, keys: list[str] | None = None, urgent: bool = False
    ) -> bytes:
        """`call`, awaited."""
        keys, cancelled, began = keys or self.keys, _cancellations(), self._begin(urgent=urgent)
        try:
            client = await self.clients.awaited()
            answer = _AGAIN
            while answer == _AGAIN:
                try:
                    answer = await client.evalsha(script.digest, len(keys), *keys, *words)
                except NoScriptError:
                    answer = await client.eval(script.text, len(keys), *keys, *words)
            if _cancellations() > cancelled:
                # Until Python 3.12 asyncio.wait_for, with which redis-py sends, may swallow one (python/cpython#86296)
                raise asyncio.CancelledError
        except FAILURES as error:
            if is_of_another_type(error):
                with contextlib.suppress(*FAILURES):
                    self.check(await (await self.clients.awaited()).get(self.keys[2]))
            raise self._failed(error, began) from error
        return self._told(answer)

    def _begin(self, *, urgent: bool) -> float:
        """The time a step begins, unless the server is to be spared it."""
        now = time.monotonic()
        if urgent:
            self.clients.pauses.away = False
        elif now < self._silent_until:
            raise StoreError(f"{self._silence} It is asked again in a moment.")
        return now

    def _failed(self, error: Exception, began: float) -> StoreError:
        told, away, now = explain(error, self._address, self._called), is_away(error), time.monotonic()
        self.clients.pauses.away = away
        if is_silence(error) or (away and now - began >= _SPARED):
            self._silent_until, self._silence = now + _SPARED, f"{told.rstrip('.')}."
        return StoreError(told)

    def _told(self, answer: object) -> bytes:
        """The answer, which every script gives as one string."""
        if isinstance(answer, bytes):
            self.clients.pauses.away = False
            return answer
        raise StoreError(
            f"What answers at {self._address.name} is no Redis: a script gave a {type(answer).__name__}. "
            "See which program listens there."
        )

    def check(self, standing: bytes | None) -> None:
        """Raise what a word in place of the ledger says, if it is one."""
        text = (standing or b"").decode(errors="replace")
        if text.startswith(MOVED):
            raise has_moved(text.removeprefix(MOVED)) from None
        if text.startswith(ABSORBING):
            raise StoreError(
                f"Another ledger is being moved to {self._address.name}. If that was interrupted, move it again; "
                "leanloop budget reinstate gives it up."
            ) from None


def _cancellations() -> int:
    """How often the running task was asked to end."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0
