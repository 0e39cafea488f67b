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
        thought: the model's reasoning stands in one of these messages. It need not be the latest: Anthropic's models
            that are told a budget think before the first tool only
            (https://platform.claude.com/docs/en/build-with-claude/extended-thinking, interleaved thinking).
    """

    question: str
    begun: bool = False
    thought: bool = False


def turn_of(messages: Sequence[Message]) -> Turn:
    """The turn that a history ends in. Where the model's last word was an answer, or nothing, none has begun.

    A message behind the results of tools (a note, what a landing asks) ends no turn: the results are answered with it.
    """
    begun = thought = False
    for message in reversed(messages):
        if message.role == "assistant":
            if not begun and not message.tool_calls:
                break
            begun, thought = True, thought or message.thought
        elif message.role == "user" and begun:
            return Turn(message.text, begun=True, thought=thought)
    if begun:
        return Turn("", begun=True, thought=thought)
    return Turn(next((message.text for message in reversed(messages) if message.role == "user"), ""))
