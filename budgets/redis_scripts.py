"""The ledger's Lua scripts, read once from the files beside the code."""

from __future__ import annotations

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
]


class Script(NamedTuple):
    """A script's text, and the digest EVALSHA calls it by once Redis has seen it."""

    text: str
    digest: str


def _load(name: str) -> Script:
    folder = files("leanloop.budgets")
    parts = (folder.joinpath(f"redis_{part}.lua").read_text(encoding="utf-8") for part in ("ledger", name))
    text = "\n".join(parts)
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


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
