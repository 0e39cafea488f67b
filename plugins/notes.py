"""Notes to the model, put behind what was sent before and kept there.

A note is appended once and sent again at the same place in every later call, so that the prompt
prefix the provider has cached stays byte for byte. The framework's own history never holds it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from leanloop.budgets.message import Message

__all__ = ["Notes"]


@dataclass(frozen=True, slots=True)
class _Note:
    key: str
    position: int
    after: Message
    message: Message


class Notes:
    """The notes of one task, in the order they were given."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a garbage collection in here may settle a call that was abandoned
        self._notes: tuple[_Note, ...] = ()

    def add(self, key: str, text: str, history: tuple[Message, ...]) -> bool:
        """Append a note behind `history`; False where one with this key was given before."""
        if not history:
            return False
        with self._lock:
            if any(note.key == key for note in self._notes):
                return False
            note = _Note(key, len(history), history[-1], Message("user", text))
            self._notes = (*self._notes, note)
            return True

    def any(self, kind: str = "") -> bool:
        """Whether one was given, of that kind: the beginning of its key."""
        return any(note.key.startswith(kind) for note in self._notes)

    def apply(self, history: tuple[Message, ...]) -> tuple[Message, ...]:
        """`history` with every note in its place; one whose place is gone (an edited history) is left out."""
        if not self._notes:
            return history
        parts: list[Message] = []
        start = 0
        for note in sorted(self._notes, key=lambda note: note.position):
            if note.position <= len(history) and _same_place(history[note.position - 1], note.after):
                parts += history[start : note.position]
                parts.append(note.message)
                start = note.position
        return (*parts, *history[start:])


def _same_place(one: Message, other: Message) -> bool:
    """A tool's result stays where it was, also when another text is sent in its stead."""
    return one == other or (one.role == "tool" and one.tool_call_id == other.tool_call_id is not None)
