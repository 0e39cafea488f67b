"""An agent whose cheap answers are checked, with models that are functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

import leanloop
from leanloop import Budget, MemoryStore, Message, ModelCall, ModelReply, Task, ToolRequest, Usage, parse_budget
from leanloop.budgets.difficulty_rules import DifficultyRules
from leanloop.plugins.drive_sync import run
from leanloop.plugins.flow import ModelFlow
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.store import OutcomeStore
from leanloop.plugins.routing import routing
from leanloop.plugins.routing.health import Health
from leanloop.plugins.stack import Stack
from leanloop.plugins.supplied import Supplied

CHEAP, DEAR = "cheap-1", "dear-1"
PRICES = (
    "prices:\n  cheap-1: {input: 1, output: 1}\n  cheap-2: {input: 1, output: 1}\n  mid-1: {input: 5, output: 5}\n"
    "  dear-1: {input: 20, output: 20}\n  judge-1: {input: 1, output: 1}\n"
)
Says = Callable[[ModelCall, int], str | list[tuple[str, str]] | BaseException]
"""What a model says to a call, which is the so-many-eth one it gets: text, tool calls, or an error."""


@dataclass
class Agent:
    """An agent under a budget; `says` by model."""

    budget: Budget
    says: dict[str, Says | str]
    store: MemoryStore
    outcomes: OutcomeStore
    supplied: dict[str, Any] = field(default_factory=dict[str, Any])
    seen: list[ModelCall] = field(default_factory=list[ModelCall])
    usage: Usage = field(default_factory=lambda: Usage(1_000, 100))
    reply: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        self.stack = Stack(supplied=Supplied(outcomes=self.outcomes, **self.supplied))

    def __call__(self, call: ModelCall) -> ModelReply:
        self.seen.append(call)
        how = self.says[call.model]
        said = how if isinstance(how, str) else how(call, self.models.count(call.model))
        if isinstance(said, BaseException):
            raise said
        asked = [] if isinstance(said, str) else said
        requests = tuple(ToolRequest(str(n), *one) for n, one in enumerate(asked))
        message = Message("assistant", said if isinstance(said, str) else "", requests)
        return replace(ModelReply(message, self.usage), **self.reply)

    def flow(self, task: Task, text: str = "go", **more: Any) -> ModelFlow:
        call = ModelCall(DEAR, (Message("user", text),), agent=self.budget.agent)
        return self.stack.model_flow(replace(call, **more), task)

    def task(self, **more: Any) -> Any:
        return leanloop.task(self.budget, store=self.store, **more)

    def ask(self, text: str = "go", **more: Any) -> str:
        """In a task of its own."""
        with self.task() as task:
            return run(self.flow(task, text, **more), self).message.text

    @property
    def models(self) -> list[str]:
        return [call.model for call in self.seen]


@pytest.fixture
def agent(ledger: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Agent]:
    """Makes an agent: the text of its cascade, what its models say, the rest of its budget file."""
    monkeypatch.setattr(routing, "HEALTH", Health())

    def make(
        cascade: str = "on",
        *,
        tiers: str = "cheap: cheap-1, frontier: dear-1",
        more: str = "",
        outcomes: OutcomeStore | None = None,
        supplied: dict[str, Any] | None = None,
        **given: Any,
    ) -> Agent:
        text = f"agent: a\nloop: off\nroutes: {{{tiers}, cascade: {cascade}}}\n{PRICES}{more}"
        rules = DifficultyRules(explore=None, families=False)
        budget = parse_budget(text, environ={}).model_copy(update={"difficulty": rules})
        says: dict[str, Says | str] = {CHEAP: "cheap says", DEAR: "dear says"} | given.pop("says", {})
        kept = MemoryOutcomes() if outcomes is None else outcomes
        return Agent(budget, says, ledger, kept, supplied or {}, **given)

    return make
