"""The cognitive tools there are: the four that come along, those of installed packages, and the user's own."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from typing import cast

from leanloop.budgets.scaffold_rules import COGNITIVE_TOOLS
from leanloop.errors import UsageError
from leanloop.plugins.scaffold.think_tool import THINK
from leanloop.plugins.scaffold.tool import CognitiveTool
from leanloop.plugins.scaffold.use_code import USE_CODE

__all__ = ["ENTRY_POINTS", "all_tools", "built_in", "installed"]

ENTRY_POINTS = "leanloop.cognitive_tools"
"""The group of entry points by which a package brings cognitive tools; each names a `CognitiveTool`, or several."""

_PLAIN = frozenset({USE_CODE.name, THINK.name})
"""Names of tools that ask no model."""

_log = logging.getLogger("leanloop")


@cache
def built_in(name: str) -> CognitiveTool:
    """One of the four that come along."""
    place = files("leanloop.plugins.scaffold").joinpath("prompts", f"{name}.md")
    return CognitiveTool.from_text(place.read_text(encoding="utf-8"), f"{name}.md")


def all_tools(own: Sequence[CognitiveTool] = ()) -> Mapping[str, CognitiveTool]:
    """Every tool by its name. The user's own comes before one of a package, and before one that comes along.

    Raises:
        UsageError: two of the user's own have one name, or one is none.
    """
    named: dict[str, CognitiveTool] = {}
    for tool in own:
        if not isinstance(cast("object", tool), CognitiveTool):
            raise UsageError(
                f"cognitive_tools takes CognitiveTools, not a {type(tool).__name__}: CognitiveTool.from_file(path)."
            )
        if tool.name in named or tool.name in _PLAIN:
            raise UsageError(f"There are two cognitive tools named {tool.name!r}; give one of them another name.")
        named[tool.name] = tool
    return {**{name: built_in(name) for name in COGNITIVE_TOOLS}, THINK.name: THINK, **installed(), **named}


@cache
def installed() -> Mapping[str, CognitiveTool]:
    """Those of installed packages, looked for once; what cannot be used is left out, which is logged."""
    found: dict[str, CognitiveTool] = {}
    for point in entry_points(group=ENTRY_POINTS):
        try:
            loaded: object = point.load()
        except Exception as error:  # noqa: BLE001 a package of somebody else
            _log.warning("Entry point %s of %s cannot be loaded (%s).", point.name, ENTRY_POINTS, type(error).__name__)
            continue
        several = cast("Iterable[object]", loaded) if isinstance(loaded, list | tuple) else (loaded,)
        for tool in several:
            if not isinstance(tool, CognitiveTool):
                _log.warning("Entry point %s of %s is no CognitiveTool.", point.name, ENTRY_POINTS)
            elif tool.name in found or tool.name in COGNITIVE_TOOLS or tool.name in _PLAIN:
                _log.warning("Entry point %s brings %s, which is there already; it is left out.", point.name, tool.name)
            else:
                found[tool.name] = tool
    return found
