"""One writing of a value as bytes, so that what is equal is written alike and nothing else is.

Every part is a letter for its type, its length and its content, as in netstrings (https://cr.yp.to/proto/netstrings.txt):
no content can end a part early or begin another. Mappings are sorted by key, so their order does not count; 1, 1.0,
True and "1" differ; lone surrogates and NaN are written like anything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, cast

__all__ = ["NotCanonicalError", "framed", "framed_json"]


class NotCanonicalError(Exception):
    """A value that has no writing of its own: some object, or one that goes too deep."""


def framed(value: object) -> bytes:
    """`value` as bytes.

    Raises:
        NotCanonicalError: it holds what is no text, number, list, mapping or bytes, or contains itself.
    """
    try:
        return _framed(value)
    except RecursionError:
        raise NotCanonicalError from None


def framed_json(text: str) -> bytes:
    """JSON text by what it says, whatever its blanks and the order of its keys; other text as it stands.

    1 and 1.0 differ. An object that has a key twice is no JSON here.
    """
    try:
        return _framed(_DECODER.decode(text))
    except (ValueError, RecursionError):
        return b"!" + _framed(text)


def _framed(value: object) -> bytes:
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
        return b"s%d:%b" % (len(data), data)
    if value is None:
        return b"n"
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, int):
        return b"i%x;" % value if value >= 0 else b"i-%x;" % -value
    if isinstance(value, float):
        return b"d%b;" % float.__repr__(value).encode()
    if isinstance(value, bytes | bytearray):
        return b"b%d:%b" % (len(value), bytes(value))
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value)
        parts = sorted(_framed(key) + _framed(one) for key, one in pairs.items())
        return b"m%d:%b" % (len(parts), b"".join(parts))
    if isinstance(value, Sequence):
        parts = [_framed(one) for one in cast("Sequence[object]", value)]
        return b"l%d:%b" % (len(parts), b"".join(parts))
    if isinstance(value, AbstractSet):
        parts = sorted(_framed(one) for one in cast("AbstractSet[object]", value))
        return b"u%d:%b" % (len(parts), b"".join(parts))
    raise NotCanonicalError


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


_DECODER = json.JSONDecoder(object_pairs_hook=_once)
