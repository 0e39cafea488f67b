"""Events as lines of JSON in a file, which `leanloop report` reads."""

from __future__ import annotations

import json
import os
from pathlib import Path

from leanloop.plugins.events.event import Event
from leanloop.plugins.events.row import row_of

__all__ = ["JsonlFile"]

# Without O_NONBLOCK a named pipe that nobody reads would hold up the call. Windows has neither this nor O_CLOEXEC.
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)

_written = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=str).encode


class JsonlFile:
    """Appends each event to a file, in one write, so that threads and processes may share it.

    The file is opened for each event: it may be moved away at any time (logrotate), and a process that forks shares
    nothing. A file that is made here is its user's alone (0600), since tags are in it, and text where that was asked
    for; its folder is made as well. On a network file system lines of several machines may run together.

    Args:
        path: of the file; a relative one begins at what is the working directory now.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path).absolute()
        self._torn = False

    def __call__(self, event: Event) -> None:
        """Append it.

        Raises:
            OSError: it cannot be written. Of a line that was written in part (the disk is full), the rest of the file
                is kept apart.
        """
        line = _written(row_of(event)).encode()
        line = b"\n" * self._torn + line + b"\n"
        file = self._opened()
        try:
            written = os.write(file, line)
        finally:
            os.close(file)
        self._torn = 0 < written < len(line)
        if written < len(line):
            raise OSError(f"Only {written} of {len(line)} bytes could be written to {self._path}.")

    def _opened(self) -> int:
        try:
            return os.open(self._path, _APPEND, 0o600)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, _APPEND, 0o600)
