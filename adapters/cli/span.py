"""Lengths of time in words."""

from __future__ import annotations

__all__ = ["span"]

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def span(seconds: float) -> str:
    """``10 minutes``, ``1 hour``, ``1.5 days``."""
    unit, name = next((size, name) for size, name in _UNITS if seconds >= size or size == 1)
    number = seconds / unit
    return f"{number:,.4g} {name}{'' if number == 1 else 's'}"
