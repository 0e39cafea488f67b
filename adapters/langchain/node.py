"""Which node of the user's own graph a model call is made in."""

from __future__ import annotations

from typing import cast

from langgraph.config import get_config

__all__ = ["node_of_call"]

_OF_MIDDLEWARE = (".before_agent", ".before_model", ".after_model", ".after_agent")
_OF_AGENTS = frozenset({"model", "tools", "agent", "__start__", ""})
"""The nodes of `create_agent`, and of `create_react_agent` before it: every agent has them, so they tell nothing."""


def node_of_call() -> str:
    """The name of the innermost node that is not an agent's own, from LangGraph's checkpoint namespace
    (``research:UUID|model:UUID``); empty where there is none.
    """
    try:
        settings: object = get_config().get("configurable")
    except RuntimeError:  # outside any graph
        return ""
    if not isinstance(settings, dict):
        return ""
    path = str(cast("dict[str, object]", settings).get("checkpoint_ns", ""))
    if "|" not in path and path.partition(":")[0] in _OF_AGENTS:
        return ""  # as in nearly every call
    names = (part.partition(":")[0] for part in reversed(path.split("|")))
    return next((name for name in names if name not in _OF_AGENTS and not name.endswith(_OF_MIDDLEWARE)), "")
