"""Room in JSON: what is too long for it, and how it is shared."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.plugins.shorten.json_read import Json, is_list, is_object
from leanloop.plugins.shorten.json_table import Table

__all__ = ["is_long", "places", "shares_of"]

_FEW = 6  # items of a list that are looked into


def is_long(value: Json, most: int) -> bool:
    """Whether it is surely longer than `most` characters, from a look at its outside."""
    if isinstance(value, str):
        return len(value) > most
    if isinstance(value, Table):
        rows = value.get("rows", value.get("groups"))
        return (is_object(rows) or is_list(rows)) and 3 * len(rows) > most
    if is_list(value):
        return 2 * len(value) > most or (len(value) < _FEW and any(is_long(one, most) for one in value))
    if is_object(value):
        return 5 * len(value) > most or any(is_long(one, most) for one in value.values())
    return False


def shares_of(sizes: Sequence[int], most: int) -> list[int]:
    """`most` shared so that nobody has more than it needs and all the others have the same."""
    shares = [0] * len(sizes)
    left, waiting = most, len(sizes)
    for number in sorted(range(len(sizes)), key=sizes.__getitem__):
        shares[number] = min(sizes[number], left // waiting)
        left -= shares[number]
        waiting -= 1
    return shares


def places(kept: Sequence[int]) -> str:
    """``0-3,17,20-21``."""
    said: list[str] = []
    start = last = kept[0]
    for number in [*kept[1:], -2]:
        if number != last + 1:
            said.append(f"{start}" if start == last else f"{start}-{last}")
            start = number
        last = number
    return ",".join(said)
