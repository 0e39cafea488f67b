"""Names and texts from strangers, made fit for a terminal."""

from __future__ import annotations

from rich.text import Text

__all__ = ["plain"]


def plain(text: str) -> Text:
    """Text that cannot style, link or hide anything in the terminal: names and results come from strangers."""
    return Text("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text))
