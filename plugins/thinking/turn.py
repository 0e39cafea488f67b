"""A turn of the user: a question, and all that the model says and calls until it has answered it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from leanloop.budgets.message import Message

__all__ = ["Turn", "turn_of"]


class Turn(NamedTuple):
    """The turn that a history ends in.

    Attributes:
        question: the text of its question.
        begun: the model has called tools in it, and their results are what it is asked on.
        thought: the model's reasoning stands in the latest of these messages.
    """

    question: str
    begun: bool = False
    thought: bool = False


def turn_of(messages: Sequence[Message]) -> Turn:
    """The turn that a history ends in. Where the model's last word was an answer, or nothing, none has begun.

    A message behind the results of tools (a note, what a landing asks) ends no turn: the results are answered with it.
    """
    latest: Message | None = None
    for message in reversed(messages):
        if message.role == "assistant":
            if latest is None:
                latest = message
                if not message.tool_calls:
                    break
        elif message.role == "user" and latest is not None:
            return Turn(message.text, begun=True, thought=latest.thought)
    if latest is not None and latest.tool_calls:
        return Turn("", begun=True, thought=latest.thought)
    return Turn(next((message.text for message in reversed(messages) if message.role == "user"), ""))
