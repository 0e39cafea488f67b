"""What was decided in the turns of a task, for the calls that follow in the same turn."""

from __future__ import annotations

from typing import NamedTuple

from leanloop.budgets.degrade_step import Effort

__all__ = ["Turns", "Was"]

_KEPT = 16
"""Turns of one task that are remembered: more than one only where several conversations share it."""


class Was(NamedTuple):
    """How the latest call of a turn was made.

    Attributes:
        effort: the one it was made with.
        sent: input tokens of it, which the provider may have cached since.
    """

    effort: Effort
    sent: int = 0


class Turns:
    """By the question of a turn. Safe under threads: each step of it is a single one of a dict's.

    Attributes:
        latest: the latest call of any turn.
        said: what the receipt says already of what a model cannot do.
    """

    __slots__ = ("_by_question", "latest", "said")

    def __init__(self) -> None:
        self._by_question: dict[str, Was] = {}
        self.latest: Was | None = None
        self.said: set[str] = set()

    def of(self, question: str) -> Was | None:
        """The latest call of that turn; None where none was made by this task in this process."""
        return self._by_question.get(question)

    def keep(self, question: str, was: Was) -> None:
        """Remember a call, and forget the oldest turn where there are many."""
        self._by_question.pop(question, None)
        self._by_question[question] = was
        self.latest = was
        while len(self._by_question) > _KEPT:
            self._by_question.pop(next(iter(self._by_question), question), None)
