"""The steps of a cache in SQLite, each a part of one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any, NamedTuple, cast

from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.eviction import rank
from leanloop.plugins.cache.invalidation import MOST_TAGS
from leanloop.plugins.cache.store import EVERYTHING, TIERS

__all__ = ["Kept", "Rows"]

_SEVERAL = 100
"""Entries looked at together for making room, or past their end."""


class Kept(NamedTuple):
    """What an entry is kept with."""

    data: bytes
    vector: bytes | None
    size: int
    generation: int


class Rows:
    """The rows of a cache at one moment.

    Args:
        db: in a transaction.
        now: seconds since the epoch.
    """

    def __init__(self, db: sqlite3.Connection, now: float) -> None:
        self._db = db
        self._now = now

    def number(self, name: str) -> float:
        """One of the sums; 0 where nothing was added yet."""
        found = self._db.execute("SELECT number FROM cache_numbers WHERE name = ?", (name,)).fetchone()
        return 0.0 if found is None else float(found[0])

    def add(self, name: str, by: float) -> None:
        """Add to a sum."""
        add = (
            "INSERT INTO cache_numbers VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET number = number + excluded.number"
        )
        self._db.execute(add, (name, by))

    def look(self, keys: Iterable[str]) -> tuple[str, str, bytes] | None:
        """Tier, key and data of the entry under the first key that has one; it is thereby used."""
        for tier, name in zip(TIERS, keys, strict=False):
            newest = "SELECT key FROM cache_entries WHERE normal = ? ORDER BY id DESC LIMIT 1"
            key = name if tier == TIERS[0] else self._first(newest, name)
            data = None if key is None else self.alive(key)
            if key is not None and data is not None:
                self.use(key, tier)
                return tier, key, data
        return None

    def alive(self, key: str) -> bytes | None:
        """The data of an entry; one that is over or forgotten is taken out."""
        select = "SELECT data, tags, generation, ends_at FROM cache_entries WHERE key = ?"
        row = self._db.execute(select, (key,)).fetchone()
        if row is None:
            return None
        data, tags, generation, ends = row
        if isinstance(data, bytes) and ends > self._now and self.good(_tags(tags), int(generation)):
            return data
        self.drop(key)
        return None

    def good(self, tags: Iterable[str], generation: int) -> bool:
        """Whether what was begun at `generation` was not forgotten since."""
        if self._first("SELECT 1 FROM cache_tags LIMIT 1") is None:
            return True
        newer = "SELECT 1 FROM cache_tags WHERE tag = ? AND generation > ?"
        return all(self._first(newer, tag, generation) is None for tag in (EVERYTHING, *map(json.dumps, tags)))

    def use(self, key: str, tier: str) -> None:
        """An entry was given."""
        self._db.execute("UPDATE cache_entries SET uses = uses + 1 WHERE key = ?", (key,))
        row = self._db.execute("SELECT uses, worth, size FROM cache_entries WHERE key = ?", (key,)).fetchone()
        if row is not None:
            ranked = rank(self.number("age"), *map(int, row))
            self._db.execute("UPDATE cache_entries SET rank = ? WHERE key = ?", (ranked, key))
            self.add(f"hits:{tier}", 1)

    def put(self, entry: Entry, kept: Kept, max_bytes: int) -> None:
        """Keep an entry, and make room for it."""
        over = "SELECT key FROM cache_entries WHERE ends_at <= ? LIMIT ?"
        for (key,) in self._db.execute(over, (self._now, _SEVERAL)).fetchall():
            self.drop(key)
        self.drop(entry.key)
        self._make_room(max_bytes - kept.size)
        row = (
            *(entry.key, entry.normal, entry.context, kept.data, kept.vector, json.dumps(entry.tags), kept.generation),
            *(entry.ends, kept.size, entry.worth, rank(self.number("age"), 1, entry.worth, kept.size)),
        )
        self._db.execute(
            "INSERT INTO cache_entries "
            "(key, normal, context, data, vector, tags, generation, ends_at, size, worth, rank) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        self.add("bytes", kept.size)
        self.add("vectors", kept.vector is not None)
        self.add("puts", 1)

    def drop(self, key: str) -> None:
        """Take an entry out, if it is there."""
        gone = "DELETE FROM cache_entries WHERE key = ? RETURNING size, vector IS NOT NULL"
        for size, vector in self._db.execute(gone, (key,)).fetchall():
            self.add("bytes", -size)
            self.add("vectors", -vector)

    def forget(self, tag: str) -> None:
        """Entries with a tag that were begun until now are good no more."""
        self.add("generation", 1)
        name = json.dumps(tag)  # with quotes, so that no tag is taken for that of all; lone surrogates are escaped
        [[tags]] = self._db.execute("SELECT count(*) FROM cache_tags")
        if tag == EVERYTHING or tags >= MOST_TAGS:
            self._db.execute("DELETE FROM cache_tags")  # older than that is forgotten anyway
            name = EVERYTHING
        self._db.execute("INSERT OR REPLACE INTO cache_tags VALUES (?, ?)", (name, int(self.number("generation"))))

    def claim(self, key: str, owner: str, lease: float) -> tuple[bool, bool]:
        """Whether it is granted; else whether nobody is to wait for it."""
        self._db.execute("DELETE FROM cache_claims WHERE ends_at <= ?", (self._now,))
        holder = self._first("SELECT owner FROM cache_claims WHERE key = ?", key)
        if holder is not None and holder != owner:
            return False, not holder
        self._db.execute("INSERT OR REPLACE INTO cache_claims VALUES (?, ?, ?)", (key, owner, self._now + lease))
        return True, False

    def renew(self, keys: Iterable[str], owner: str, lease: float) -> None:
        """Let claims stand for longer that still do."""
        renew = "UPDATE cache_claims SET ends_at = ? WHERE key = ? AND owner = ? AND ends_at > ?"
        self._db.executemany(renew, [(self._now + lease, key, owner, self._now) for key in keys])

    def release(self, key: str, owner: str, alone: float) -> None:
        """Give a claim up."""
        freed = self._db.execute("DELETE FROM cache_claims WHERE key = ? AND owner = ? RETURNING 1", (key, owner))
        if freed.fetchall() and alone > 0:
            self._db.execute("INSERT INTO cache_claims VALUES (?, '', ?)", (key, self._now + alone))

    def page(self, after: int, most: int) -> list[tuple[int, str, bytes, bytes]]:
        """Number, key, data and packed vector of the entries behind one, that are good."""
        select = (
            "SELECT id, key, data, coalesce(vector, x''), tags, generation FROM cache_entries "
            "WHERE id > ? AND ends_at > ? ORDER BY id LIMIT ?"
        )
        rows = self._db.execute(select, (after, self._now, most)).fetchall()
        return [
            (row[0], row[1], row[2], row[3]) if self.good(_tags(row[4]), row[5]) else (row[0], "", b"", b"")
            for row in rows
        ]

    def vectors(self, after: int, most: int) -> list[tuple[int, str, str, bytes]]:
        """Number, key, context and packed vector of the entries behind one."""
        select = (
            "SELECT id, key, context, vector FROM cache_entries WHERE id > ? AND vector IS NOT NULL ORDER BY id LIMIT ?"
        )
        return self._db.execute(select, (after, most)).fetchall()

    def entries(self) -> int:
        """How many there are."""
        [[count]] = self._db.execute("SELECT count(*) FROM cache_entries")
        return int(count)

    def sums(self) -> dict[str, int]:
        """All sums by name."""
        return {name: int(number) for name, number in self._db.execute("SELECT name, number FROM cache_numbers")}

    def _make_room(self, room: int) -> None:
        while self.number("bytes") > room:
            lowest = self._db.execute("SELECT key, rank FROM cache_entries ORDER BY rank LIMIT 1").fetchone()
            if lowest is None:
                return
            self.drop(lowest[0])
            self.add("age", lowest[1] - self.number("age"))
            self.add("evicted", 1)

    def _first(self, select: str, *values: object) -> Any:
        found = self._db.execute(select, values).fetchone()
        return None if found is None else found[0]


def _tags(text: object) -> tuple[str, ...]:
    try:
        tags: object = json.loads(str(text))
    except ValueError:
        return ()
    return tuple(map(str, cast("list[object]", tags))) if isinstance(tags, list) else ()
