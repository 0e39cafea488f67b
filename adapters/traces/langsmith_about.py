"""What runs of LangSmith say beside their messages: who made them and for whom, how they failed, and their tools.

``extra.metadata`` holds what the user gave and, by their own prefixes, what LangChain and LangGraph add to it:
``lc_agent_name`` is the name that ``create_agent`` was given.
"""

from __future__ import annotations

import json
import re

from leanloop.adapters.traces.fields import at, listed, seconds_of, tags_of, word
from leanloop.adapters.traces.gathering import Gathering
from leanloop.adapters.traces.trace import RecordedTool

__all__ = ["agent_of", "describe", "error_of", "tool_of"]

_OWN = ("ls_", "lc_", "langgraph_", "checkpoint_", "LANGSMITH_", "__", "revision_id", "run_depth")
_CLASS = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,99}")
_MOST_TAGS = 20


def agent_of(run: object) -> str | None:
    """The agent that a run is of, where it has a name."""
    return word(at(run, "extra", "metadata", "lc_agent_name"))


def describe(run: object, trace: str, gathering: Gathering) -> None:
    """What the outermost run says of the whole trace; the agent is its own name, where it is no single call."""
    name = word(at(run, "name")) if at(run, "run_type") in ("chain", "agent") else None
    words = [tag for tag in listed(at(run, "tags"))[:_MOST_TAGS] if isinstance(tag, str)]
    tags = [*((tag, "yes") for tag in words), *tags_of(at(run, "extra", "metadata"), *_OWN)]
    gathering.describe(trace, agent=agent_of(run) or name, tags=tags)


def error_of(run: object) -> str | None:
    """The class of what a run failed with; never its message, which may hold anything."""
    error = at(run, "error")
    if not error:
        return None
    found = _CLASS.match(error) if isinstance(error, str) else None
    return found[0] if found else "error"


def tool_of(run: object) -> RecordedTool:
    """A tool run."""
    output = at(run, "outputs", "output")
    inputs = at(run, "inputs")
    given = at(inputs, "input")
    began, ended = seconds_of(at(run, "start_time")), seconds_of(at(run, "end_time"))
    return RecordedTool(
        word(at(run, "name")) or "(none)",
        word(
            at(run, "extra", "tool_call_id"),
            at(output, "tool_call_id"),
            at(output, "kwargs", "tool_call_id"),
            at(run, "outputs", "tool_call_id"),
        ),
        given if isinstance(given, str) else json.dumps(inputs) if inputs else None,
        began,
        None if began is None or ended is None else max(0.0, ended - began),
        bool(at(run, "error")) or "error" in (at(output, "status"), at(output, "kwargs", "status")),
        agent_of(run),
    )
