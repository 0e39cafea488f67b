"""From the address in a budget file (``store: sqlite:///leanloop.db``) to the ledger's storage."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.store import LedgerStore
from leanloop.errors import MissingExtra, UsageError

__all__ = ["SqlitePlace", "address_name", "check_address", "is_known", "open_store", "read_sqlite"]

_REDIS = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")

LEDGER_FORMS = "memory, sqlite:///FILE or redis://HOST:PORT/NUMBER"

_open: dict[str, LedgerStore] = {}


def open_store(url: str) -> LedgerStore:
    """The store at an address; one per address and process, which all tasks share.

    - ``memory``: this process's memory; other processes count by themselves, and nothing outlives it.
    - ``sqlite:///FILE``, with ``sqlite:////FILE`` for an absolute path; ``?timeout=SECONDS`` to wait for other
      processes, ``?history=ROWS`` to keep so many bookings (a million; 0: none). A relative path begins at the working
      directory of the first use.
    - ``redis://``, ``rediss://`` (TLS), ``redis+sentinel://``, ``redis+cluster://``: see `read_address`.

    Nothing is opened or connected to before the first step. No message repeats an address: it may hold a password.

    Raises:
        UsageError: the address cannot be read.
        MissingExtra: it is a Redis, and redis-py is not installed.
    """
    store = _open.get(url)
    # No lock, which a fork could leave taken for ever: of two made at once, one is kept, and neither has begun.
    return store if store is not None else _open.setdefault(url, _make(url))


def check_address(url: str) -> None:
    """Raise what `open_store` would, and open nothing. What only redis-py can read is left alone where it is absent.

    Raises:
        UsageError: the address cannot be read.
    """
    try:
        _make(url)
    except MissingExtra:
        return


def is_known(url: str) -> bool:
    """Whether an address is of a kind that `open_store` opens, be it right or not."""
    return url == "memory" or url.startswith("sqlite://") or _is_redis(url)


def address_name(url: str) -> str:
    """An address as it may be shown: no password, and of the options only what tells ledgers of one server apart."""
    place, _, query = url.partition("?")
    if place == "memory" or place.startswith("sqlite:"):
        return place
    scheme, _, rest = place.partition("://")
    prefix = dict(parse_qsl(query)).get("prefix", "leanloop")
    # All up to the last @: a password may hold signs that should have been encoded.
    name = f"{scheme}://{rest.rpartition('@')[2]}"
    return name if prefix == "leanloop" else f"{name}?prefix={prefix}"


class SqlitePlace(NamedTuple):
    """What a ``sqlite:///`` address says: the file, the seconds to wait for it, the rows of history to keep."""

    path: Path
    timeout: float
    history: int


def read_sqlite(url: str) -> SqlitePlace:
    """Parse a ``sqlite:///`` address.

    Raises:
        UsageError: it cannot be read.
    """
    place, _, query = url.removeprefix("sqlite://").partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(options.keys() - {"timeout", "history"})
    if unknown:
        raise UsageError(
            f"A store in SQLite has the options timeout and history, and not {', '.join(unknown)}: "
            "sqlite:///FILE?timeout=5&history=100000."
        )
    return SqlitePlace(_path(unquote(place)), _timeout(options), _history(options))


def _make(url: str) -> LedgerStore:
    if url == "memory":
        return MemoryStore()
    if url.startswith("sqlite://"):
        from leanloop.budgets.sqlite import SqliteStore

        place = read_sqlite(url)
        return SqliteStore(place.path, timeout=place.timeout, history=place.history)
    if _is_redis(url):
        from leanloop.budgets.redis_store import RedisStore

        return RedisStore(url)
    raise UsageError("A store is memory, sqlite:///FILE or redis://HOST:PORT/NUMBER; this address is none of them.")


def _is_redis(url: str) -> bool:
    scheme, separator, _ = url.partition("://")
    return bool(separator) and scheme in _REDIS


def _path(place: str) -> Path:
    if not place.startswith("/") or not place.strip("/") or "\0" in place:
        raise UsageError(
            "A store in SQLite is sqlite:///FILE (three slashes), or sqlite:////FILE for an absolute path."
        )
    if place == "/:memory:":
        raise UsageError("A ledger that need not outlive the process is store: memory; SQLite is for a file.")
    return Path(place[1:])


def _timeout(options: Mapping[str, str]) -> float:
    try:
        timeout = float(options.get("timeout", "5"))
    except ValueError:
        timeout = -1.0
    if not 0 <= timeout <= threading.TIMEOUT_MAX:
        raise UsageError("The timeout of a store in SQLite is a number of seconds, such as sqlite:///FILE?timeout=5.")
    return timeout


def _history(options: Mapping[str, str]) -> int:
    rows = options.get("history", "1000000")
    if not re.fullmatch(r"[0-9]{1,15}", rows):
        raise UsageError("The history of a store in SQLite is a number of rows, such as sqlite:///FILE?history=100000.")
    return int(rows)
