"""Which files are meant by a name on a command line."""

from __future__ import annotations

import glob
from pathlib import Path

__all__ = ["files_named"]


def files_named(name: str, suffixes: tuple[str, ...]) -> list[Path]:
    """The file of that name, a pipe too; of a folder the files in it that end so; else what the name is a pattern of.

    In the order of their names; none where nothing is there.
    """
    path = Path(name)
    try:
        if path.is_dir():
            return sorted(one for one in path.iterdir() if one.name.endswith(suffixes) and one.is_file())
        if path.exists():
            return [path]
    except OSError:  # too long a name, or a folder that may not be looked into
        return []
    if "\0" in name:
        return []
    return [one for one in map(Path, sorted(glob.glob(name))) if one.is_file()]  # noqa: PTH207 - it may be absolute
