"""The calls of a trace as they were sent, each with its own system prompt, and with what changes in it behind.

Calls are priced in their order. What leads a prompt and the one before it is read from the provider's cache, up to the
character that differs.
"""

from __future__ import annotations

import os.path
from collections.abc import Sequence
from typing import NamedTuple

from leanloop.adapters.advice.bare import bare_budget
from leanloop.adapters.advice.case import Case
from leanloop.adapters.traces.trace import asked
from leanloop.budgets.context_rules import PrefixRules
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.message import Message
from leanloop.budgets.prefix_cache import common_prefix, rule_for, split
from leanloop.budgets.prices import Price
from leanloop.budgets.tokens import TokenCounter, counter_for
from leanloop.budgets.usage import Usage
from leanloop.plugins import drive_sync
from leanloop.plugins.alerts import Alert, Alerts
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.prefix import Prefix
from leanloop.plugins.task import Task

__all__ = ["Prompt", "Sent", "bill", "moved_behind", "sent_by"]

Prompt = tuple[Message, ...]


class Sent(NamedTuple):
    """A call and its reply."""

    prompt: Prompt
    reply: Message

    @property
    def system(self) -> Message | None:
        """Its system prompt, where it begins with one."""
        return self.prompt[0] if self.prompt and self.prompt[0].role == "system" else None


class _Unheard(Alerts):
    """What a recorded agent did to its prefix is told as advice, not as it is replayed."""

    def tell(self, alert: Alert, level: int = 0) -> None:
        """Tell nobody."""


def sent_by(parts: Sequence[Case]) -> list[Sent]:
    """The calls of the runs of one trace."""
    return [
        Sent(case.trace.messages[:place], case.trace.messages[place]) for case in parts for place in asked(case.trace)
    ]


def moved_behind(sent: Sequence[Sent], model: str) -> list[Sent]:
    """The calls as ``prefix: {volatile: behind}`` would have sent them, by the very plugin."""
    budget = bare_budget("advice").model_copy(update={"prefix": PrefixRules(breakpoints=False, volatile="behind")})
    plugin, changed = Prefix(), list[Sent]()
    task = Task(budget, store=MemoryStore())
    task.alerts = _Unheard()
    for one in sent:

        def send(call: ModelCall, reply: Message = one.reply) -> ModelReply:
            changed.append(Sent(tuple(call.messages), reply))
            return ModelReply(reply, None)

        drive_sync.run(plugin.on_model(ModelCall(model, one.prompt), task), send)
    task.close()
    return changed


def bill(sent: Sequence[Sent], model: str, price: Price, *, caches: bool, before: Prompt = ()) -> int:
    """Nano-dollars of the calls; `before` is a prompt that the provider has in its cache when the first is sent."""
    counter, rule = counter_for(model), rule_for(model)
    cost = 0
    for prompt, reply in sent:
        tokens = counter.expected(counter.prompt(prompt))
        read, written = split(tokens, counter.expected(_shared(counter, before, prompt)), rule) if caches else (0, 0)
        cost += price.cost(Usage(tokens, counter.expected(counter.reply(reply)), read, written))
        before = prompt
    return cost


def _shared(counter: TokenCounter, before: Prompt, now: Prompt) -> int:
    """Tokens that lead both prompts, those of the first message that differs up to where it does."""
    same = common_prefix(before, now)
    shared = sum(map(counter.message, now[:same]))
    if same < min(len(before), len(now)) and before[same].role == now[same].role:
        old, new = before[same].text, now[same].text
        shared += counter.text(os.path.commonprefix((old, new)))  # noqa: RUF071 - of characters, as is meant
    return shared
