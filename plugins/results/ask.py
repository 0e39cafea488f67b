"""What a call of `read_result` asks for."""

from __future__ import annotations

import json
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["READ_RESULT", "ReadArguments", "asked_for"]

READ_RESULT = "read_result"
"""The tool's name."""


def _short(schema: dict[str, Any]) -> None:
    """Without what tells a model nothing: it is in every prompt."""
    del schema["title"], schema["description"]
    for field in schema["properties"].values():
        for word in ("title", "default", "minimum"):
            field.pop(word, None)


class ReadArguments(BaseModel):
    """What the model gives."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_short)

    handle: str
    lines: str = Field(default="", description='"120-180", "-40" (last)', coerce_numbers_to_str=True)
    search: str = Field(default="", description="plain text", coerce_numbers_to_str=True)
    path: str = Field(default="", description="JSONPath")
    page: int = Field(default=0, ge=0)


def asked_for(arguments: str) -> ReadArguments | None:
    """What a model's JSON asks for; None where that cannot be done."""
    try:
        given: object = json.loads(arguments)
        if not isinstance(given, dict):
            return None
        named = {name: value for name, value in cast("dict[str, object]", given).items() if value is not None}
        asked = ReadArguments.model_validate(named)
    except (ValueError, RecursionError):  # pydantic's ValidationError is one
        return None
    return asked if [asked.lines, asked.search, asked.path].count("") >= 2 else None
