"""Events as lines of JSON in a file, which `leanloop report` reads."""

from __future__ import annotations

import json
import os
from pathlib import Path

from leanloop.plugins.events.event import Event
from leanloop.plugins.events.row import row_of

__all__ = ["JsonlFile"]

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)


class JsonlFile:
    """Appends each event to a file, in one write, so that several processes may share it.

    The file is opened with the first event, and its folder made; another one that takes its place (logrotate) is found
    with the next event after `reopen`.

    Args:
        path: of the file.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._file: int | None = None

    def __call__(self, event: Event) -> None:
        """Append it.

        Raises:
            OSError: it cannot be written.
        """
        line = json.dumps(row_of(event), ensure_ascii=True, separators=(",", ":"), default=str)
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Kept to the user: tags are in it, and text where that was asked for.
            self._file = os.open(self._path, _APPEND, 0o600)
        os.write(self._file, f"{line}\n".encode())

    def reopen(self) -> None:
        """Close the file; the next event opens it anew."""
        held, self._file = self._file, None
        if held is not None:
            os.close(held)
