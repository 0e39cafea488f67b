"""How scripts answer with several strings at once: each stands behind its length."""

from __future__ import annotations

import struct

from leanloop.errors import StoreError

__all__ = ["parts_in"]


def parts_in(answer: bytes, whose: str) -> list[bytes]:
    """The strings of an answer.

    Args:
        answer: each string behind its length, four bytes with the highest first.
        whose: what is kept at the address, for the error.

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
        raise StoreError(f"What answers at the address of {whose} is no Redis; see which program listens there.")
    return parts
