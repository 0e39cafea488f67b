"""Names for kinds of calls, under which outcomes are counted: they hold no text of a call, and no two are alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import quote

from leanloop.budgets.message import ToolSpec
from leanloop.budgets.thinking_rules import Phase

__all__ = ["chain", "keys_of_step", "named", "own_of", "place_of", "tool_set"]

_LONGEST = 80
_KEPT = 40


@lru_cache(maxsize=4_096)
def chain(agent: str, place: str, bucket: str, own: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The kinds of a call, from the most general to its own: of the agent; in a phase with a set of tools; of what its
    question looks like; and `own`, the declared step, or the node of a graph and the families of the text.

    What a question is like is the same in every phase, so that what was learned outside of the agent (a labelled set)
    counts in it.
    """
    (whole,) = keys_of_step(agent)
    return (whole, f"{whole}&{place}", f"{whole}&like={named(bucket)}", *(f"{whole}&{kind}" for kind in own))


def place_of(phase: Phase, tools: Sequence[ToolSpec]) -> str:
    """Of a chain the part that says where in its loop an agent is."""
    return f"phase={phase}&tools={tool_set(tools)}"


@lru_cache(maxsize=4_096)
def own_of(step: str | None, node: str = "", families: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Of a chain the parts that say what is done: a declared step says it all. The name of a node is kept like one, but
    may be that of all that an agent does: within it, families are told apart.
    """
    if step is not None:
        return (f"step={named(step)}",)
    return (*((f"step={named(node)}",) if node else ()), *(f"family={named(family)}" for family in families))


def keys_of_step(agent: str, step: str | None = None) -> tuple[str, ...]:
    """The kinds of which no more is known than an agent, and the step's declared name where there is one."""
    whole = f"agent={named(agent)}"
    return (whole,) if step is None else (whole, *(f"{whole}&{kind}" for kind in own_of(step)))


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
    return _name_set(tuple(tool.name for tool in tools)) if tools else "none"


@lru_cache(maxsize=1_024)
def _name_set(names: tuple[str, ...]) -> str:
    return _digest(json.dumps(sorted(set(names))))


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
