"""The bytes of a file of traces before it was packed: gzip and zstd, known by their first bytes, are unpacked as they
are read.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, Final, cast

from leanloop.adapters.traces.zstd import Zstd

__all__ = ["BROKEN", "unpacked"]

BROKEN: Final = (gzip.BadGzipFile, EOFError, zlib.error)
"""What reading raises where a packed file is cut off or damaged."""

_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@contextmanager
def unpacked(stream: IO[bytes]) -> Generator[IO[bytes], None, None]:
    """The same bytes, or what gzip or zstd packed; never held whole. The stream is left open.

    Raises:
        ValueError: they are no UTF-8 and cannot be unpacked, by their first bytes; the message says what they are and
            what to do.
    """
    buffered = io.BufferedReader(cast("io.RawIOBase", stream), 1 << 20)
    try:
        first = buffered.peek(4)[:4]
        if first.startswith(_WIDE):
            raise ValueError(
                "is UTF-16, and traces are UTF-8: write it again, such as by `iconv -f UTF-16 -t UTF-8`, or in "
                "PowerShell by `Set-Content -Encoding utf8`"
            )
        if first.startswith(_ZIP):
            raise ValueError("is a zip archive: unpack it first; of packed files gzip and zstd are read")
        if first.startswith(_ZSTD):
            yield cast("IO[bytes]", io.BufferedReader(Zstd(buffered)))
        elif first.startswith(_GZIP):
            yield cast("IO[bytes]", gzip.GzipFile(fileobj=buffered))
        else:
            yield buffered
    finally:
        buffered.detach()
