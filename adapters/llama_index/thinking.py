"""How much reasoning is wanted of a call, and what of the call bears on it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from llama_index.core.base.llms.types import ChatMessage, MessageRole, ThinkingBlock

from leanloop.adapters.llama_index.messages import from_llama
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.budgets.degrade_step import Effort
from leanloop.budgets.message import Changed, Message
from leanloop.plugins.thinking.turn import turn_of

__all__ = ["Wanted", "begun_turn", "is_signed", "is_thought", "say_unknown"]

_log = logging.getLogger("leanloop")


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
        if thought is False and known.form == "budget" and "none" in known.efforts:
            return "none"  # what it would have thought before is missing; adaptive thinking may begin at any time
        return asked

    def _thought(self) -> bool | None:
        """Whether there was thinking in the turn that this call goes on with; None where it begins one."""
        if not turn_of(self.messages).begun:
            return None
        answered = False
        for message in reversed(self.messages):
            answered = answered or message.role == "assistant"
            if message.role == "assistant" and is_thought(message.raw):
                return True
            if message.role == "user" and answered:
                break
        return False


_said: set[tuple[str, Effort]] = set()


def say_unknown(model: str, effort: Effort) -> None:
    """Say, once in a process, that a model cannot be asked to think less."""
    if (model, effort) not in _said:
        _said.add((model, effort))
        _log.warning(
            "%s takes no reasoning effort, so its thinking is left as it is (effort %s was asked for). Name a model "
            "that reasons, or take the effort out of the budget file (thinking, degrade).",
            model,
            effort,
        )


def is_thought(given: object) -> bool:
    """Whether a message of LlamaIndex holds something thought, as it can be sent back: signed, and not empty."""
    raw = given.raw if isinstance(given, Changed) else given
    return isinstance(raw, ChatMessage) and any(
        isinstance(block, ThinkingBlock) and is_signed(block) for block in raw.blocks
    )


def is_signed(block: ThinkingBlock) -> bool:
    """Whether a thought is one of Anthropic's, whole."""
    return bool(block.content and block.additional_information.get("signature"))


def begun_turn(messages: Sequence[ChatMessage]) -> int:
    """Where the turn begins that the messages are in the midst of: tools were called, and no answer given yet.

    Behind the last message where there is none.
    """
    latest = next((n for n in range(len(messages) - 1, -1, -1) if messages[n].role == MessageRole.ASSISTANT), None)
    if latest is None or not from_llama(messages[latest]).tool_calls:
        return len(messages)
    return next((n + 1 for n in range(latest, -1, -1) if messages[n].role == MessageRole.USER), 0)
