"""An agent whose calls are routed, with models that are functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import leanloop
from leanloop import Budget, MemoryStore, Message, ModelCall, ModelReply, Task, ToolRequest, Usage
from leanloop.budgets.tokens import counter_for
from leanloop.errors import ModelUnavailable
from leanloop.plugins.abilities import Abilities
from leanloop.plugins.drive_sync import run
from leanloop.plugins.stack import Stack
from leanloop.plugins.supplied import Supplied

__all__ = ["OWN", "TIERS", "TWO", "Clock", "Fails", "HttpError", "Make", "Routed"]

Fails = Callable[[ModelCall], BaseException | None]

OWN = "gpt-4o"
TIERS = "cheap: gpt-4.1-nano, mid: gpt-4.1-mini, frontier: gpt-4.1"
TWO = "cheap: gpt-4.1-nano, frontier: gpt-4.1"


class HttpError(Exception):
    """As a provider's client raises it."""

    def __init__(self, status: int) -> None:
        self.status_code = status
        super().__init__(f"HTTP {status}")


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Routed:
    """An agent under a budget; `chance` is that the dearer tier succeeds where the cheaper fails, None if unknown."""

    budget: Budget
    clock: Clock
    store: MemoryStore = field(default_factory=MemoryStore)
    chance: float | None = None
    fails: Fails = lambda call: None
    usage: Callable[[ModelCall], Usage | None] = lambda call: Usage(100, 20)
    takes: float = 0.0
    asks_for_tools: bool = False
    able: Mapping[str, Abilities | ModelUnavailable] = field(default_factory=dict[str, Any])
    seen: list[ModelCall] = field(default_factory=list[ModelCall])

    def __post_init__(self) -> None:
        given = Supplied(difficulty=lambda call: self.chance if self.chance is not None else float("nan"))
        self.stack = Stack(supplied=Supplied() if self.chance is None else given)

    def task(self, **more: Any) -> Any:
        return leanloop.task(self.budget, store=self.store, **more)

    def __call__(self, call: ModelCall) -> ModelReply:
        self.seen.append(call)
        self.clock.now += self.takes
        if (error := self.fails(call)) is not None:
            raise error
        asked = (ToolRequest("1", "search", "{}"),) if self.asks_for_tools and call.purpose == "step" else ()
        return ModelReply(Message("assistant", f"{call.model} says so", asked), self.usage(call))

    def ask(self, task: Task, text: str = "go", **more: Any) -> ModelReply:
        call = ModelCall(OWN, (Message("user", text),), **more)
        if self.able:
            call = replace(call, abilities=self.abilities)
        return run(self.stack.model_flow(call, task), self)

    def abilities(self, model: str) -> Abilities:
        found = self.able.get(model, Abilities())
        if isinstance(found, ModelUnavailable):
            raise found
        return found

    def tokens(self, call: ModelCall) -> int:
        """Of its prompt."""
        return counter_for(call.model).prompt(call.messages, call.tools)

    @property
    def models(self) -> list[str]:
        return [call.model for call in self.seen]


class Make(Protocol):
    """Makes an agent: the text of its routes, the rest of its budget file, and what it is given."""

    def __call__(
        self,
        routes: str = TIERS,
        *more: str,
        explore: float | None = None,
        chance: float | None = None,
        fails: Fails = ...,
        takes: float = 0.0,
        asks_for_tools: bool = False,
        able: Mapping[str, Abilities | ModelUnavailable] = ...,
    ) -> Routed: ...
