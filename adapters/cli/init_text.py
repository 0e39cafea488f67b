"""The text of a file of somebody's project, whatever it is."""

from __future__ import annotations

import codecs
from pathlib import Path

__all__ = ["text_of"]

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_of(file: Path, largest: int) -> str:
    """Empty for what is no ordinary file, has more than `largest` bytes, or cannot be read.

    UTF-8, or UTF-16 where its first bytes say so: what PowerShell's ``pip freeze > requirements.txt`` writes.
    """
    try:
        if not file.is_file():
            return ""
        with file.open("rb") as stream:
            data = stream.read(largest + 1)
    except OSError:
        return ""
    if len(data) > largest:
        return ""
    return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig", errors="replace")
