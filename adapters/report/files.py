"""Which files are meant, and how each is packed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from leanloop.adapters.named_files import files_named
from leanloop.budgets.fields import shown
from leanloop.errors import UsageError

__all__ = ["EventFile", "Packed", "event_files"]

Packed = Literal["none", "gzip", "zstd", "parquet"]

_MAGIC: tuple[tuple[bytes, Packed], ...] = (
    (b"PAR1", "parquet"),
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
"""The first bytes: of Parquet (its format, "File Format"), gzip (RFC 1952) and Zstandard (RFC 8878)."""

_LINES = (".jsonl", ".ndjson", ".json")
_SUFFIXES = (*_LINES, *(f"{suffix}{packed}" for packed in (".gz", ".zst") for suffix in _LINES), ".parquet")


class EventFile(NamedTuple):
    """A file, and how it is packed, which its first bytes say."""

    path: Path
    packed: Packed


def event_files(names: Iterable[str]) -> list[EventFile]:
    """The files of some names, patterns (``events-*.jsonl``) and folders, each once, in the order of their names.

    Raises:
        UsageError: nothing is there by that name, or it cannot be read.
    """
    found: dict[Path, None] = {}
    for name in names:
        found |= dict.fromkeys(path.resolve() for path in _named(name))
    return [EventFile(path, _packed(path)) for path in found]


def _named(name: str) -> list[Path]:
    found = files_named(name, _SUFFIXES)
    if found:
        [first, *_] = found
        if not first.is_file():
            raise UsageError(f"{shown(name)} is a pipe, and a report reads twice: write its events to a file first.")
        return found
    if os.path.isdir(name):  # noqa: PTH112 - which no name makes raise
        raise UsageError(f"There is no file of events in {shown(name)} ({', '.join(_SUFFIXES)}).")
    raise UsageError(
        f"There is no file {shown(name)}. A budget writes one where it says `events: FILE` (or events: {{file: FILE}})."
    )


def _packed(path: Path) -> Packed:
    try:
        with path.open("rb") as file:
            first = file.read(4)
    except OSError as error:
        raise UsageError(f"{shown(str(path))} cannot be read: {error.strerror}.") from error
    for magic, packed in _MAGIC:
        if first.startswith(magic):
            return packed
    return "none"
