"""Values in JSON, as tool calls carry their arguments."""

from __future__ import annotations

import json

__all__ = ["json_text"]

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)


def json_text(value: object) -> str:
    """Compact JSON; what JSON cannot say becomes text."""
    try:
        return _ENCODER.encode(value)
    except (ValueError, TypeError, RecursionError):
        return str(value)
