"""The bytes of a file of traces before it was packed: gzip, known by its first bytes, is unpacked as it is read."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, Final, cast

__all__ = ["BROKEN", "unpacked"]

BROKEN: Final = (gzip.BadGzipFile, EOFError, zlib.error)
"""What reading raises where a packed file is cut off or damaged."""

_GZIP = b"\x1f\x8b"
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OTHERS = {b"PK\x03\x04": "a zip archive", b"\x28\xb5\x2f\xfd": "packed by zstd", b"PAR1": "Parquet"}


@contextmanager
def unpacked(stream: IO[bytes]) -> Generator[IO[bytes], None, None]:
    """The same bytes, or what gzip packed; never held whole. The stream is left open.

    Raises:
        ValueError: they are no UTF-8 and no gzip, by their first bytes; the message says what they are and what to do.
    """
    buffered = io.BufferedReader(cast("io.RawIOBase", stream), 1 << 20)
    try:
        first = buffered.peek(4)[:4]
        _check(first)
        yield cast("IO[bytes]", gzip.GzipFile(fileobj=buffered)) if first.startswith(_GZIP) else buffered
    finally:
        buffered.detach()


def _check(first: bytes) -> None:
    if first.startswith(_WIDE):
        raise ValueError(
            "is UTF-16, and traces are UTF-8: write it again, such as by `iconv -f UTF-16 -t UTF-8`, or in PowerShell "
            "by `Set-Content -Encoding utf8`"
        )
    for begins, kind in _OTHERS.items():
        if first.startswith(begins):
            raise ValueError(f"is {kind}: unpack it to JSON Lines first; of packed files only gzip is read")
