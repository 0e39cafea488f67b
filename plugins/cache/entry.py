"""One kept answer, and its form as bytes. What is read is believed only where it is whole and about what was asked."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal, cast

from leanloop.plugins.cache.vector import Vector

__all__ = ["BadEntryError", "Entry", "State", "decoded", "encoded"]

State = Literal["fresh", "stale", "gone"]

_VERSION = 1
_SUM = 16
"""Hexadecimal digits of the checksum: for damage, not against forgery. Who may write to a store may forge an answer."""


class BadEntryError(Exception):
    """What was read is no entry. `newer`: it is one of a later version."""

    def __init__(self, *, newer: bool = False) -> None:
        self.newer = newer
        super().__init__("of a newer version" if newer else "damaged")


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer, and what it answers.

    Attributes:
        key, normal, context: its keys, see `leanloop.plugins.cache.key.CacheKey`. ``context`` is the partition in which
            others are compared with it.
        text: the last user text; None where there was none.
        reply: the answer as its maker wrote it; a store does not look inside.
        made_at: seconds since the epoch.
        ttl, stale: seconds for which it is fresh, and for which after that it may be given while it is made anew.
        tags: by which it is forgotten, such as ``tool:get_weather``.
        worth: what making it anew costs, in nano-dollars or any other unit that all entries of a store have in common.
        label: a few words for people, such as the model's name.
        vector: of `text`; not compared, and kept apart from the rest.
    """

    key: str
    reply: str
    made_at: float
    ttl: float
    stale: float = 0.0
    normal: str | None = None
    context: str | None = None
    text: str | None = None
    tags: tuple[str, ...] = ()
    worth: int = 1
    label: str = ""
    vector: Vector | None = field(default=None, compare=False, repr=False)

    @property
    def ends(self) -> float:
        """When it may be given no more, in seconds since the epoch."""
        return self.made_at + self.ttl + self.stale

    def state(self, now: float) -> State:
        """Whether it may be given at `now`. One that was made in the future is taken for made now."""
        age = now - self.made_at
        return "fresh" if age < self.ttl else "stale" if age < self.ttl + self.stale else "gone"


_encode = json.JSONEncoder(separators=(",", ":")).encode  # ASCII: lone surrogates are escaped


def encoded(entry: Entry) -> bytes:
    """All but the vector, as bytes."""
    fields = {
        "v": _VERSION,
        "key": entry.key,
        "normal": entry.normal,
        "context": entry.context,
        "text": entry.text,
        "reply": entry.reply,
        "made_at": entry.made_at,
        "ttl": entry.ttl,
        "stale": entry.stale,
        "tags": entry.tags,
        "worth": entry.worth,
        "label": entry.label,
    }
    body = _encode(fields).encode()
    return b"%b%b" % (_checksum(body), body)


def decoded(data: bytes, vector: Vector | None = None) -> Entry:
    """What was encoded, with the vector that was kept beside it.

    Raises:
        BadEntryError: it is not whole, or of a version that is not known here.
    """
    body = data[_SUM:]
    if data[:_SUM] != _checksum(body):
        raise BadEntryError
    try:
        fields = cast("dict[str, object]", json.loads(body))  # whether it is one is seen below
    except (ValueError, RecursionError):
        raise BadEntryError from None
    match fields:
        case {"v": int(version)} if version > _VERSION:
            raise BadEntryError(newer=True)
        case {
            "v": 1,
            "key": str(key),
            "normal": str() | None as normal,
            "context": str() | None as context,
            "text": str() | None as text,
            "reply": str(reply),
            "made_at": int() | float() as made_at,
            "ttl": int() | float() as ttl,
            "stale": int() | float() as stale,
            "tags": tags,
            "worth": int(worth),
            "label": str(label),
        } if isinstance(tags, list) and all(0 <= number < math.inf for number in (made_at, ttl, stale)):
            named = tuple(map(str, cast("list[object]", tags)))
            return Entry(key, reply, made_at, ttl, stale, normal, context, text, named, worth, label, vector)
        case _:
            raise BadEntryError


def _checksum(body: bytes) -> bytes:
    return blake2b(body, digest_size=_SUM // 2).hexdigest().encode()
