"""Lua scripts, read once from the files beside the code, and those of the ledger."""

from __future__ import annotations

from functools import partial
from hashlib import sha1
from importlib.resources import files
from typing import NamedTuple

__all__ = [
    "ABSORB",
    "ADJUST",
    "BALANCES",
    "COPY",
    "PAGE",
    "RENEW",
    "REPLACE",
    "RESERVE",
    "ROWS",
    "SETTLE",
    "Script",
    "script_of",
]


class Script(NamedTuple):
    """A script's text, and the digest EVALSHA calls it by once Redis has seen it."""

    text: str
    digest: str


def script_of(package: str, *parts: str) -> Script:
    """The script that the files ``redis_PART.lua`` of a package make, one behind the other."""
    folder = files(package)
    text = "\n".join(folder.joinpath(f"redis_{part}.lua").read_text(encoding="utf-8") for part in parts)
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


_load = partial(script_of, "leanloop.budgets", "ledger")

RESERVE = _load("reserve")
SETTLE = _load("settle")
RENEW = _load("renew")
BALANCES = _load("balances")
ADJUST = _load("adjust")
COPY = _load("copy")
PAGE = _load("page")
ROWS = _load("rows")
ABSORB = _load("absorb")
REPLACE = _load("replace")
