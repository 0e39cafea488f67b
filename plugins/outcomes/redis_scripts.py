"""The Lua scripts of an outcome store in Redis, and how they answer."""

from __future__ import annotations

import struct
from hashlib import sha1
from importlib.resources import files

from leanloop.budgets.redis_scripts import Script
from leanloop.errors import StoreError

__all__ = ["ADD", "COUNTS", "FAMILIES", "FAMILY", "OF_TASK", "PAGE", "RECORD", "parts_of"]


def _load(name: str) -> Script:
    folder = files("leanloop.plugins.outcomes")
    text = "\n".join(folder.joinpath(f"redis_{part}.lua").read_text(encoding="utf-8") for part in ("shared", name))
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


ADD = _load("add")
COUNTS = _load("counts")
FAMILIES = _load("families")
FAMILY = _load("family")
OF_TASK = _load("of_task")
PAGE = _load("page")
RECORD = _load("record")


def parts_of(answer: bytes) -> list[bytes]:
    """The strings of an answer, each of which stands behind its length.

    Raises:
        StoreError: no script of ours answers so.
    """
    parts: list[bytes] = []
    at = 0
    try:
        while at < len(answer):
            (size,) = struct.unpack_from(">I", answer, at)
            at += 4 + size
            parts.append(answer[at - size : at])
    except struct.error:
        at = -1
    if at != len(answer):
        raise StoreError("What answers at the address of the outcomes is no Redis; see which program listens there.")
    return parts
