"""How much reasoning is wanted of a call, and what of the call bears on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llama_index.core.base.llms.types import ChatMessage, ThinkingBlock

from leanloop.adapters.reasoning.known import Reasoning
from leanloop.budgets.degrade_step import Effort
from leanloop.budgets.message import Changed, Message

__all__ = ["SAMPLING", "Wanted", "budget_effort", "is_signed", "is_thought"]

SAMPLING = frozenset(
    {"temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty"}
    | {"logit_bias", "logprobs", "top_logprobs"}
)
"""Parameters that reasoning models refuse while they think."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much reasoning is wanted of a call, and what of the call bears on it.

    Attributes:
        thinking: the effort wanted, more or less than the user's own; None leaves it to that.
        ceiling: the most that is wanted.
        messages: what is sent.
        tools: tools are offered.
        forced: one must be called.
    """

    thinking: Effort | None = None
    ceiling: Effort | None = None
    messages: Sequence[Message] = ()
    tools: bool = False
    forced: bool = False

    def asked(self, known: Reasoning, current: object) -> Effort | None:
        """The effort to ask for, which the provider will not refuse; None where the call stays as it is."""
        asked = known.asked(self.thinking, self.ceiling, current)
        if asked is None:
            return None
        if self.forced and not known.takes_force(asked) and known.takes_force("none"):
            return "none"
        thought = self._thought() if known.steady else None
        if thought and asked == "none":
            return next(effort for effort in known.efforts if effort != "none")
        if thought is False and known.form != "adaptive" and "none" in known.efforts:
            return "none"  # adaptive thinking may begin in the middle of a turn
        return asked

    def _thought(self) -> bool | None:
        """Whether what led to the tool results at the end was thought about; None where there are none."""
        if not self.messages or self.messages[-1].role != "tool":
            return None
        for message in reversed(self.messages):
            if message.role == "user":
                return False
            if message.role == "assistant" and is_thought(message.raw):
                return True
        return False


def is_thought(given: object) -> bool:
    """Whether a message of LlamaIndex holds something thought, as it can be sent back: signed, and not empty."""
    raw = given.raw if isinstance(given, Changed) else given
    return isinstance(raw, ChatMessage) and any(
        isinstance(block, ThinkingBlock) and is_signed(block) for block in raw.blocks
    )


def is_signed(block: ThinkingBlock) -> bool:
    """Whether a thought is one of Anthropic's, whole."""
    return bool(block.content and block.additional_information.get("signature"))


def budget_effort(budgets: Mapping[Effort, int], tokens: object) -> Effort | None:
    """The least effort worth that many tokens of thinking, else the most; None where it is no number of them."""
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
        return None
    worth: Effort | None = None
    for effort in sorted(budgets, key=lambda one: budgets[one]):
        worth = effort
        if budgets[effort] >= tokens:
            break
    return worth
