"""The lines of a damaged file that can be read."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from leanloop.adapters.traces.packed import BROKEN, unpacked

__all__ = ["LONGEST_LINE", "copy_lines"]

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes, as in DuckDB's ``maximum_object_size``; no event is a thousandth of that."""

_PART = 1 << 20


def copy_lines(path: Path, out: IO[bytes], *, longest: int = LONGEST_LINE) -> str:
    """Copy the lines that are not too long, up to where the file is damaged; what was left out, in words."""
    too_long, trouble = 0, ""
    try:
        with path.open("rb") as packed, unpacked(packed) as stream:
            while line := stream.readline(longest + 1):
                if len(line) <= longest:
                    out.write(line)
                    continue
                too_long += 1
                while line and not line.endswith(b"\n"):
                    line = stream.readline(_PART)
    except BROKEN:
        trouble = "damaged; read up to there"
    except (OSError, ValueError) as error:
        trouble = f"not read to its end: {error}"[:200]
    lines = f"{too_long:,} line{'s' * (too_long != 1)} longer than {longest:,} bytes left out" if too_long else ""
    return "; ".join(filter(None, (lines, trouble))) or "read again line by line"
