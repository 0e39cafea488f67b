"""What a tool says of itself, for the cache: the annotations of an MCP server's tool, where they were left with it.

llama-index-tools-mcp makes a FunctionTool of what a server lists, and drops the annotations (read in 0.6). One who
makes such tools himself may keep them: in an attribute `annotations` (MCP's `readOnlyHint` and the like) or `meta`
(`ttlMs`, `cacheScope`) of the tool or of its metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from llama_index.core.tools import BaseTool
from pydantic import BaseModel

__all__ = ["hints_of"]

_NONE: Mapping[str, object] = {}


def hints_of(tool: BaseTool | None) -> Mapping[str, object]:
    """The hints, by MCP's names."""
    if tool is None:
        return _NONE
    hints: dict[str, object] = {}
    for place in (vars(tool.metadata), vars(tool)):
        for name in ("annotations", "meta"):
            hints |= _mapping(place.get(name))
    return hints or _NONE


def _mapping(given: object) -> Mapping[str, object]:
    if isinstance(given, BaseModel):
        return given.model_dump(exclude_none=True)
    return cast("Mapping[str, object]", given) if isinstance(given, Mapping) else _NONE
