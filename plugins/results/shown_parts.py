"""Which texts are parts of results that are kept whole, as leanloop itself has written them in a task."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["ShownParts"]


class ShownParts:
    """The shortened results of one task, each with the handle of the whole. Thread-safe.

    What a text says of itself proves nothing: a tool may give a line like the one above a shortened result, with a
    handle that it has read somewhere. So what was written is remembered.
    """

    def __init__(self) -> None:
        self._handles: dict[str, str] = {}

    def add(self, text: str, handle: str) -> None:
        """`text` is shown in the place of the result that is kept under `handle`."""
        self._handles[text] = handle

    def handle_of(self, text: str) -> str | None:
        """The handle of the whole of which `text` was shown, to the letter; None for every other text."""
        return self._handles.get(text)

    def wholes(self, texts: Sequence[str]) -> set[str]:
        """The results that `texts` show, each once: by its handle where a part of it is shown, else by its text."""
        return set(map(self._handles.get, texts, texts)) if self._handles else set(texts)
