"""A tool result made shorter, by what it is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Final

from leanloop.budgets.result_rules import Kind
from leanloop.plugins.shorten.binary import beside_blobs, shorten_binary
from leanloop.plugins.shorten.code import shorten_code
from leanloop.plugins.shorten.collector import collector_at_rest
from leanloop.plugins.shorten.diff import shorten_diff
from leanloop.plugins.shorten.html import shorten_html
from leanloop.plugins.shorten.json_form import shorten_json
from leanloop.plugins.shorten.kind import kind_of
from leanloop.plugins.shorten.log import shorten_log
from leanloop.plugins.shorten.prose import shorten_prose
from leanloop.plugins.shorten.search_hits import shorten_search_hits
from leanloop.plugins.shorten.shown import Room, Shortener, Shown
from leanloop.plugins.shorten.table import shorten_table

__all__ = ["SHORTENERS", "kind_of", "shorten"]

SHORTENERS: Final[Mapping[Kind, Shortener]] = {
    "log": shorten_log,
    "json": shorten_json,
    "table": shorten_table,
    "html": shorten_html,
    "diff": shorten_diff,
    "code": shorten_code,
    "search": shorten_search_hits,
    "prose": shorten_prose,
    "binary": shorten_binary,
}
"""By kind. A kind that is missing, or whose shortener finds the text to be none of it, falls back on prose."""

_OTHERWISE: Final[Mapping[Kind, tuple[Kind, ...]]] = dict.fromkeys(("code", "table", "search"), ("log",))
"""Settings, listings: lines that look like a kind they are not. Then they are lines of any sort, and no sentences."""


_LARGE = 200_000  # characters, from which on the collector costs more than it is worth
_AT_MOST = 40  # characters of one token, in a text that is worth counting to see whether it fits as it is


def shorten(text: str, room: Room, kind: Kind | None = None) -> Shown:
    """What of a text is shown in a room; `kind` says what it is where that is known better than from its content.

    Pure and deterministic, linear in the text, never raises, never over `room.tokens`.
    """
    if len(text) <= room.tokens * _AT_MOST and room.count(text) <= room.tokens:
        return Shown(text, "all of it", complete=True)
    kind = kind or kind_of(text)
    beside = beside_blobs(text) if kind == "binary" else None
    if beside is not None:
        return shorten(beside, room, "log")
    for one in dict.fromkeys((kind, *_OTHERWISE.get(kind, ()), "prose")) if text.strip() else ():
        shortener = SHORTENERS.get(one)
        with collector_at_rest() if len(text) > _LARGE else nullcontext():
            shown = shortener(text, room) if shortener else None
        if shown is not None and shown.text and room.count(shown.text) <= room.tokens:
            return shown
    mark = f"[... {len(text):,} characters]"
    return Shown(mark if room.count(mark) <= room.tokens else "", "nothing")
