"""JSON made shorter: first without loss, as a table where it is rows, then by what answers the task."""

from __future__ import annotations

import re
from itertools import islice

from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.json_read import Document, is_list, read_json, read_values
from leanloop.plugins.shorten.json_room import is_long
from leanloop.plugins.shorten.json_sample import Sampler
from leanloop.plugins.shorten.json_table import tabled
from leanloop.plugins.shorten.shown import Room, Shown

__all__ = ["compact_json", "shorten_json"]

_WORTH = 16  # characters saved, below which a result is left as it came
_WORTH_SHARE = 0.03
_LONGEST_COMPACT = 1_000_000  # characters: more than any limit lets through as it is
_LONGEST_TOKEN = 40
_LEAST = 60  # characters of a room in which a sample says anything
_TRIES = 8
_LONGEST_START = 400  # characters before JSON
_STARTS = 3  # places in a text where JSON may begin, so that looking for it stays linear
_START = re.compile(r"[{\[]")
_SHARE = 0.8  # of a text around which there is other text


def compact_json(text: str) -> str | None:
    """The same JSON in fewer characters, as a table where it is rows (json_table.py); None where that saves nothing.

    Lossless: each value is the same one again, with its numbers as they were written (1.10, 1e5, any number of digits),
    and what stands before JSON on its first line, or after it, stays as it is. None too where that cannot be promised:
    a name twice in one object, NaN, text that is no JSON.
    """
    if len(text) > _LONGEST_COMPACT:
        return None
    start = _START.search(text, 0, _LONGEST_START)
    if start is None or "\n" in text[: start.start()].strip():
        return None
    shorter = _compact(text) if not text[: start.start()].strip() else None
    if shorter is None:
        document = read_json(text[start.start() :], then=True)
        whole = _whole(document) if document is not None and document.exact else None
        if document is None or whole is None:
            return None
        shorter = text[: start.start()] + whole + text[start.start() + document.end :]
    return shorter if len(text) - len(shorter) >= max(_WORTH, _WORTH_SHARE * len(text)) else None


def _compact(text: str) -> str | None:
    document = read_json(text) or read_values(text)
    if document is None or not document.exact:
        return None
    return _lines(document) if document.several else _whole(document)


def shorten_json(text: str, room: Room) -> Shown | None:
    """JSON, JSON Lines, or JSON with a little text around it, in a room; None where the text is none of these.

    What is shown is valid JSON: all of it as a table, or else a sample of each long list with how many there are and
    what is in the others, and long texts without their middle.
    """
    before, document, after = _found(text)
    if document is None:
        return None
    around = Room(room.tokens // 8, room.count)
    head, tail = (clamp(part, room.tokens // 2) for part in (before, after))
    if before or after:
        room = Room(room.tokens - room.count(head) - room.count(tail) - 2, room.count, room.words)
    if around.tokens < 1 or room.tokens < 1:
        return None
    shown = _shown(document, text, room)
    if shown is None:
        return None
    return Shown("\n".join(part for part in (head, shown.text, tail) if part), shown.what, shown.complete)


def _shown(document: Document, text: str, room: Room) -> Shown | None:
    try:
        value = tabled(document.value) if document.tables and "{" in text else document.value  # no object, no table
        most = room.tokens * _LONGEST_TOKEN
        if not is_long(value, most):
            whole = document.write(value)
            if len(whole) <= most and room.count(whole) <= room.tokens:
                return Shown(whole, "all of it, as compact JSON", complete=document.exact and not document.cut)
        return _sample(document, value, text, room)
    except RecursionError:
        return None


def _sample(document: Document, value: object, text: str, room: Room) -> Shown | None:
    """The largest sample found that fits. Its size is asked for in characters, and corrected by what it came to."""
    sampler = Sampler(document, value, room)
    # What is shown is mostly values, of which a piece of the text says how many characters a token has.
    piece = " ".join((text[:2000] + text[len(text) // 2 :][:2000]).split())
    most = room.tokens * max(1.0, len(piece) / max(1, room.count(piece)))
    best: Shown | None = None
    used = 0
    for _ in range(_TRIES):
        sampled, what = sampler.sample(max(_LEAST, int(most)))
        tokens = room.count(sampled)
        if tokens <= room.tokens and tokens > used:
            best, used = Shown(sampled, what), tokens
        if 0.93 * room.tokens <= tokens <= room.tokens or (tokens > room.tokens and most <= _LEAST):
            break
        step = 0.97 * room.tokens / max(1, tokens)
        if best is not None and tokens <= used and step >= 1:
            step = min(step, 1.6)
        most *= min(max(step, 0.3), 2.0)
    return best


def _whole(document: Document) -> str | None:
    try:
        plain = document.write(document.value)
        table = document.write(tabled(document.value)) if document.tables else plain
    except RecursionError:
        return None
    return table if len(table) < len(plain) else plain


def _lines(document: Document) -> str | None:
    values = document.value
    if document.cut or not is_list(values):
        return None
    try:
        return "\n".join(document.write(one) for one in values)
    except RecursionError:
        return None


def _found(text: str) -> tuple[str, Document | None, str]:
    """The JSON of a text, and what stands before and after it."""
    document = None
    if text.lstrip()[:1] in ("{", "["):
        document = read_json(text) or read_values(text)
    if document is not None:
        return "", document, ""
    ends = sorted({text.rfind("}") + 1, text.rfind("]") + 1}, reverse=True)
    for start in islice(_START.finditer(text, 0, 4000), _STARTS):
        for end in ends:
            if end - start.start() < _SHARE * len(text):
                break
            document = read_json(text[start.start() : end]) or read_values(text[start.start() : end])
            if document is not None:
                return text[: start.start()].strip(), document, text[end:].strip()
    return "", None, ""
