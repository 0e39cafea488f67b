"""What a shortener is asked for, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Room", "Shortener", "Shown"]


@dataclass(frozen=True, slots=True)
class Room:
    """How much may be shown, and what is looked for.

    Attributes:
        tokens: the most tokens of the shown text.
        count: tokens of a text; linear, so count what is shown and not the whole.
        words: the task's own words, lower case and most telling first; what answers them is kept first.
    """

    tokens: int
    count: Callable[[str], int]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """What is left of a result.

    Attributes:
        text: what the model is shown, within the room.
        what: what of it that is, for the line above it: ``lines 1-40, 812 with an error and 960-1000 of 1,000``.
        complete: nothing that was said is missing; it only takes fewer tokens.
    """

    text: str
    what: str
    complete: bool = False


Shortener = Callable[[str, Room], Shown | None]
"""Shortens texts of one kind; None where a text turns out not to be of that kind. Never raises, whatever the text."""
