"""Stores in a file of SQLite that is not there yet, which a command that only looks would make by opening it."""

from __future__ import annotations

from pathlib import Path

from leanloop.budgets.stores import read_sqlite
from leanloop.errors import UsageError

__all__ = ["missing_file", "not_there"]


def missing_file(address: str) -> Path | None:
    """The file at an address of SQLite that is not there; None for every other address."""
    if not address.startswith("sqlite://"):
        return None
    path = read_sqlite(address).path
    return None if path.exists() else path


def not_there(what: str, path: Path) -> UsageError:
    """The error for it; `what` with its verb, as in ``is no cache``."""
    return UsageError(
        f"There {what} at {path.absolute()} yet. A relative path begins at the working directory: go where the agent "
        "runs, or name --store sqlite:////ABSOLUTE/PATH."
    )
