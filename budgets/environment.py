"""Environment variables that override a budget file, for all agents or for one.

``LEANLOOP__LANDING__TOKENS=500`` is for every agent, ``LEANLOOP_SUPPORT__LANDING__TOKENS=500`` for the agent
``support`` and wins. The parts between double underscores are the keys of the file; a limit is named by its window:
``LEANLOOP__LIMITS__TASK__USD=0.10`` sets the limit of the default scope and makes one where there is none. Values are
read like the plain values of a YAML file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from leanloop.budgets.budget import DEFAULT_LIMITS
from leanloop.budgets.document import Document, Path, label
from leanloop.budgets.file_yaml import plain_scalar
from leanloop.budgets.limit import TOTAL
from leanloop.errors import UsageError

__all__ = ["apply_environment", "variables_for"]


def variables_for(agent: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The names of the variables that apply to ``agent``, in the order they do: its own come last and win."""
    everyone = sorted(name for name in environ if name.startswith("LEANLOOP__"))
    if not (agent_part := _as_variable(agent)):
        return tuple(everyone)
    own = sorted(name for name in environ if name.startswith(f"LEANLOOP_{agent_part}__"))
    return (*everyone, *own)


def apply_environment(document: Document, environ: Mapping[str, str]) -> None:
    """Write what the variables say over what the file says; problems are noted under the variable's name."""
    agent = document.tree.get("agent")
    for name in variables_for(agent if isinstance(agent, str) else "", environ):
        keys = name.split("__")[1:]
        if not all(keys):
            document.report((name,), "names no key; write LEANLOOP__KEY or LEANLOOP__KEY__KEY", place=name)
        elif keys[0] == "AGENT":
            document.report((name,), "the agent's name cannot be overridden; unset it", place=name)
        elif (found := _enter(document, keys, name)) is not None:
            holder, path = found
            holder[str(path[-1])] = value = _value(environ[name].strip())
            document.places[path] = name
            if value is None:
                document.report(path, "is set but empty; give it a value or unset it", place=name)


def _enter(document: Document, keys: list[str], name: str) -> tuple[dict[str, object], Path] | None:
    """The mapping that holds the last key, and the whole path; what is missing on the way is made."""
    holder: object = document.tree
    path: Path = ()
    for position, part in enumerate(keys):
        last = position == len(keys) - 1
        if path == ("limits",) and isinstance(holder, list):
            if last:
                message = f"names a limit but no amount in it; write {name}__USD, for example"
                document.report((name,), message, place=name)
                return None
            limits = cast("list[object]", holder)
            at = _limit_at(limits, part.lower(), keys[position + 1].lower())
            if at == len(limits):
                limits.append({"per": part.lower()})
                document.places[*path, at] = name
            path = (*path, at)
            holder = limits[at]
            continue
        if not isinstance(holder, dict):
            document.report((name,), f"{label(path)} has no keys inside", place=name)
            return None
        mapping = cast("dict[str, object]", holder)
        key = next((known for known in mapping if _as_variable(known) == part.upper()), part.lower())
        path = (*path, key)
        if last:
            return mapping, path
        if (opened := _opened(path, mapping.get(key))) is not mapping.get(key):
            mapping[key] = opened
            document.places.setdefault(path, name)
        holder = opened
    return None  # pragma: no cover: the last part returns


def _opened(path: Path, value: object) -> object:
    """The value at ``path``, made ready to take a key."""
    if path == ("limits",) and value is None:
        return [limit.model_dump(exclude_none=True) for limit in DEFAULT_LIMITS]
    if value is None or (path == ("loop",) and isinstance(value, bool)):
        return {}
    if path[-1] == "tool_calls" and isinstance(value, int):
        return {TOTAL: value}
    return value


def _limit_at(limits: list[object], window: str, resource: str) -> int:
    """Which limit a variable means: that of the window and the default scope, best one that names the resource."""
    alike: list[int] = []
    for at, limit in enumerate(limits):
        if isinstance(limit, dict):
            given = cast("dict[str, object]", limit)
            if given.get("per", "task") == window and given.get("scope", "agent") == "agent":
                if resource in given:
                    return at
                alike.append(at)
    return alike[0] if alike else len(limits)


def _value(text: str) -> object:
    try:
        return plain_scalar(text)
    except UsageError:
        return text  # the check of the key refuses it; here it is not known yet whether it may be shown


def _as_variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
