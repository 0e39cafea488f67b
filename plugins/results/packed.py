"""A whole result as bytes, as the durable stores hold it."""

from __future__ import annotations

import json
import zlib
from typing import cast

from leanloop.errors import StoreError
from leanloop.plugins.results.store import Kept

__all__ = ["pack", "unpack"]

_FORMAT = b"1"
_FASTEST = 1  # of zlib's levels: 100 MB a second and more, and repetitive text still shrinks to a tenth


def pack(kept: Kept) -> bytes:
    """The format's number, then compressed: a line of JSON, and the text in UTF-8 with surrogates let through."""
    head = json.dumps([kept.tool, kept.kind, kept.kept_at])  # in ASCII, so that it holds any name and is one line
    return _FORMAT + zlib.compress(head.encode() + b"\n" + kept.text.encode("utf-8", "surrogatepass"), _FASTEST)


def unpack(data: bytes, place: str) -> Kept:
    """What was packed; zlib's checksum covers all of it.

    Args:
        data: what the store gave.
        place: the store, as a message may name it.

    Raises:
        StoreError: it was written by a later leanloop, or is damaged.
    """
    if data[:1].isdigit() and data[:1] != _FORMAT:
        raise StoreError(
            f"A result in {place} was written by a later leanloop (its format is {data[:1].decode()}, this one knows "
            f"{_FORMAT.decode()}); update leanloop."
        )
    try:
        head, _, text = zlib.decompress(data[1:]).partition(b"\n")
        tool, kind, kept_at = cast("tuple[object, object, object]", json.loads(head))
        return Kept(text.decode("utf-8", "surrogatepass"), str(tool), str(kind), float(cast("float", kept_at)))
    except (zlib.error, ValueError, TypeError, RecursionError):
        raise StoreError(
            f"A result in {place} is damaged. Have the tool run again; its new result replaces it."
        ) from None
