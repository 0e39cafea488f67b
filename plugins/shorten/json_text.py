"""A long text within JSON, such as what a command wrote to its output: shown by what it is, as it would be alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leanloop.budgets.result_rules import Kind
from leanloop.plugins.shorten.binary import name_blobs
from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.code import shorten_code
from leanloop.plugins.shorten.diff import shorten_diff
from leanloop.plugins.shorten.html import shorten_html
from leanloop.plugins.shorten.kind import kind_of
from leanloop.plugins.shorten.log import shorten_log
from leanloop.plugins.shorten.search_hits import shorten_search_hits
from leanloop.plugins.shorten.shown import Room, Shortener
from leanloop.plugins.shorten.table import shorten_table

__all__ = ["Texts"]

_BY_KIND: Final[Mapping[Kind, Shortener]] = {
    "log": shorten_log,
    "table": shorten_table,
    "html": shorten_html,
    "diff": shorten_diff,
    "code": shorten_code,
    "search": shorten_search_hits,
}
_LEAST = 240  # characters of a room in which lines can be chosen
_NEAR = 0.85  # of the room: what was made for that much serves again


class Texts:
    """Shows the texts of one document. What was made for one size serves a little larger one too."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._made: dict[int, tuple[int, str]] = {}  # by identity: the document outlives this

    def shown(self, text: str, most: int) -> str:
        """About `most` characters of a text; lines of it where it has lines, else its two ends; base64 named."""
        if most < _LEAST or text.count("\n", 0, 20 * _LEAST) < 4:
            return clamp(name_blobs(text), max(most - 30, 16), self._room.words)
        size, made = self._made.get(id(text), (0, ""))
        if not _NEAR * most <= size <= most:
            size, made = most, self._make(text, most)
            self._made[id(text)] = (size, made)
        return made

    def _make(self, text: str, most: int) -> str:
        piece = text[:1000] + text[len(text) // 2 :][:1000]
        a_token = max(1.0, len(piece) / max(1, self._room.count(piece)))
        shortener = _BY_KIND.get(kind_of(text), shorten_log)
        # A line's end takes two characters in JSON, a quote too.
        room = Room(max(1, int(0.9 * most / a_token)), self._room.count, self._room.words)
        shown = shortener(text, room) or shorten_log(text, room)
        return shown.text if shown is not None else clamp(text, most - 30, self._room.words)
