"""Names for kinds of calls, under which outcomes are counted: they hold no text of a call, and no two are alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from urllib.parse import quote

from leanloop.budgets.message import ToolSpec
from leanloop.budgets.thinking_rules import Phase

__all__ = ["chain", "keys_of_step", "named", "tool_set"]

_LONGEST = 80
_KEPT = 40


def chain(
    agent: str, phase: Phase, tools: str, bucket: str, *, step: str | None = None, families: Sequence[str] = ()
) -> tuple[str, ...]:
    """The kinds of a call, from the most general to its own: of the agent; in this phase with these tools; of what its
    question looks like; and the declared step, else the families of its text.

    What a question is like is the same in every phase, so that what was learned outside of the agent (a labelled set)
    counts in it.
    """
    own = keys_of_step(agent, step)
    whole = own[0]
    if step is None:
        own = (whole, *(f"{whole}&family={named(family)}" for family in families))
    return (whole, f"{whole}&phase={phase}&tools={tools}", f"{whole}&like={named(bucket)}", *own[1:])


def keys_of_step(agent: str, step: str | None = None) -> tuple[str, ...]:
    """The kinds of which no more is known than an agent, and the step's declared name where there is one."""
    whole = f"agent={named(agent)}"
    return (whole,) if step is None else (whole, f"{whole}&step={named(step)}")


def named(name: str) -> str:
    """A name as a part of a key: quoted, and where it is long, its beginning and a digest of the whole.

    No two names come out alike: what is quoted holds no ``~``, which stands before a digest.
    """
    quoted = quote(name, safe="", errors="surrogatepass").replace("~", "%7E")
    if len(quoted) <= _LONGEST:
        return quoted
    return f"{quoted[:_KEPT]}~{_digest(name)}"


def tool_set(tools: Sequence[ToolSpec]) -> str:
    """A name for a set of tools, whatever their order."""
    return _digest(json.dumps(sorted({tool.name for tool in tools}))) if tools else "none"


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
