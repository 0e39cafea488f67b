"""What was chosen for a session before, and what its models have cached: remembered for a while, of so many."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from leanloop.budgets.at_fork import renew_in_child
from leanloop.budgets.message import Message
from leanloop.budgets.prefix_cache import rule_for
from leanloop.budgets.route_rules import Tier
from leanloop.budgets.usage import Usage
from leanloop.plugins.routing.warmth import Warm, lifetime, warm_after

__all__ = ["Key", "Session", "Sessions"]

Key = tuple[str, str, str]
"""The agent's name in its budget, the session or else the task, and the agent that makes the call."""

_MOST: Final = 4_096
"""Sessions that are remembered; the ones not used for the longest are forgotten first."""

_MODELS: Final = 8

_ALWAYS_CACHED: Final = 2_048
"""Tokens of a known prefix that is long enough to be cached by nearly every provider."""

_USUAL_OUTPUT: Final = 300.0
_LATEST: Final = 0.3
"""How much the latest answer weighs in the mean."""


@dataclass(slots=True)
class Session:
    """One conversation: the tier it is in, and how it grows. No text of it is kept.

    Attributes:
        tier, model: of the latest answer.
        used: when that was, by the clock of the process.
        failed_in: the task in which an answer of a cheaper tier was not taken; empty where none was.
        prompt: input tokens of the latest call.
        growth, output: by how many tokens the prompt grows with each call, and those of an answer, on average.
        caches: whether a prefix was read from a provider's cache or written to it; None before anybody could know.
        warm: what each model has cached.
    """

    tier: Tier
    model: str
    used: float
    failed_in: str = ""
    prompt: int = 0
    growth: float = 0.0
    output: float = _USUAL_OUTPUT
    caches: bool | None = None
    warm: dict[str, Warm] = field(default_factory=dict[str, Warm])

    def answered(self, model: str, messages: tuple[Message, ...], usage: Usage, now: float) -> None:
        """A model of this session answered a call."""
        if self.prompt:
            grown = max(0, usage.input - self.prompt)
            self.growth += _LATEST * (grown - self.growth) if self.growth else grown
        self.prompt = usage.input
        self.output += _LATEST * (usage.output - self.output)
        if usage.cached_input or usage.cache_write:
            self.caches = True
        elif self.cached(model, messages, now) >= _ALWAYS_CACHED or _should_write(model, usage):
            self.caches = False
        warm = Warm(warm_after(model, usage), len(messages), hash(messages[-1]) if messages else 0, now)
        self.warm.pop(model, None)
        self.warm[model] = warm
        if len(self.warm) > _MODELS:
            del self.warm[next(iter(self.warm))]

    def cached(self, model: str, messages: tuple[Message, ...], now: float) -> int:
        """Tokens of the prompt that the model still has cached, if the prompt begins as its latest call did."""
        warm = self.warm.get(model)
        if warm is None or now - warm.at > lifetime(model) or len(messages) < warm.messages or not warm.messages:
            return 0
        return warm.tokens if hash(messages[warm.messages - 1]) == warm.mark else 0


def _should_write(model: str, usage: Usage) -> bool:
    """Whether its provider would have reported what it wrote, had it been told to keep anything."""
    rule = rule_for(model)
    return rule.writes and usage.input >= _ALWAYS_CACHED * 2


class Sessions:
    """The latest used sessions of this process; thread-safe.

    Args:
        clock: seconds, from any start.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._known: OrderedDict[Key, Session] = OrderedDict()
        self._lock = threading.Lock()
        renew_in_child(self, Sessions._renew)

    def of(self, key: Key, sticky: float) -> Session | None:
        """The session of that name; None where there is none, or it was not used for `sticky` seconds."""
        with self._lock:
            session = self._known.get(key)
            if session is None:
                return None
            if self.clock() - session.used > sticky:
                del self._known[key]
                return None
            self._known.move_to_end(key)
            return session

    def keep(self, key: Key, session: Session) -> None:
        """Remember it."""
        with self._lock:
            self._known[key] = session
            self._known.move_to_end(key)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)

    def _renew(self) -> None:
        self._lock = threading.Lock()
