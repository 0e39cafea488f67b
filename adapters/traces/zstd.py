"""A file that zstd packed (RFC 8878), unpacked as it is read, in as many frames as it has."""

from __future__ import annotations

import io
from typing import IO

__all__ = ["Zstd"]

_LARGEST_WINDOW = 1 << 27
"""Bytes that unpacking may keep: what ``zstd --ultra --long`` packs with."""

_PART = 1 << 10
"""Bytes that are unpacked at once: a block of three may stand for 128 KiB, so this much for some 40 MiB at most."""


class Zstd(io.RawIOBase):
    """The bytes before they were packed. ``zstandard`` has a stream of its own, but that does not tell the end of a
    file from a place where it was cut off.

    Raises:
        ValueError: zstandard is not installed.
        EOFError: while it is read: it is cut off, or damaged.
    """

    def __init__(self, stream: IO[bytes] | io.BufferedReader) -> None:
        try:
            import zstandard
        except ImportError:
            raise ValueError("is packed by zstd: unpack it (`zstd -d`), or `pip install zstandard`") from None
        self._stream = stream
        self._broken = zstandard.ZstdError
        self._unpacks = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
        self._frame = self._unpacks.decompressobj()
        self._in_frame = False
        self._packed = b""
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # of any buffer
        """Read some into the buffer; 0 at the end."""
        while not self._rest:
            self._packed = self._packed or self._stream.read(_PART)
            if not self._packed:
                if self._in_frame:
                    raise EOFError("it ends before its end was packed")
                return 0
            self._rest = memoryview(self._next())
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def _next(self) -> bytes:
        try:
            found = self._frame.decompress(self._packed)
        except self._broken as error:
            raise EOFError(str(error)) from None
        self._in_frame, self._packed = not self._frame.eof, self._frame.unused_data
        if self._frame.eof:
            self._frame = self._unpacks.decompressobj()
        return found
