"""One JSON value of a file of traces, as text until it is wanted."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic_core import from_json

from leanloop.errors import TraceError

__all__ = ["LONGEST_VALUE", "Record"]

LONGEST_VALUE = 64 * 1024 * 1024
"""Bytes."""


@dataclass(frozen=True, slots=True)
class Record:
    """One value: its text, and the line it begins in, or the row of a table."""

    line: int
    text: bytes

    def value(self, file: str) -> object:
        """What the text says.

        Raises:
            TraceError: it is not JSON.
        """
        try:
            return from_json(self.text, allow_inf_nan=False)
        except ValueError as error:
            raise TraceError(f"is not JSON: {error}", file=file, line=self.line) from None
