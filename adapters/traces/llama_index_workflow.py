"""Reads what agents of LlamaIndex stream as they work (``handler.stream_events()``), one event a line.

https://docs.llamaindex.ai/en/stable/understanding/agent/streaming/. An event is its ``model_dump()``, or that with its
name around it, as ``JsonSerializer`` of the workflows writes it (``value``, ``qualified_name``). ``AgentInput`` and the
``AgentOutput`` after it, of the same agent, are a model call; ``ToolCallResult`` is a tool that ran, and its result
stands in the next input. They say neither when, nor by which model, nor with how many tokens. Other events are passed
over.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Sequence

from leanloop.adapters.traces.chat_values import chat_messages
from leanloop.adapters.traces.fields import at, listed, word
from leanloop.adapters.traces.found import FoundCall
from leanloop.adapters.traces.gathering import Gathering
from leanloop.adapters.traces.llama_index_message import message_of
from leanloop.adapters.traces.trace import RecordedTool
from leanloop.plugins.shorten.json_read import is_list, is_object

__all__ = ["WorkflowEvents", "is_workflow_event"]

_MOST_OPEN = 10_000
"""Inputs of an agent whose output has not come; the oldest is forgotten with one more."""


def is_workflow_event(value: object) -> bool:
    """Whether it is an event that agents stream, or any that has a workflow's name around it."""
    return bool(_kind(value))


def _kind(value: object) -> str:
    """What an event is called, by its name or what it holds; empty where it is none that is known."""
    named, inner = word(at(value, "qualified_name")), at(value, "value")
    if named is not None and is_object(inner):
        return named.rpartition(".")[2]
    if not is_object(value):
        return ""
    if "current_agent_name" in value:
        if is_list(value.get("input")):
            return "AgentInput"
        return "AgentOutput" if is_object(value.get("response")) else "AgentStream"
    if "tool_name" in value and "tool_id" in value and "tool_kwargs" in value:
        return "ToolCallResult" if "tool_output" in value else "ToolCall"
    return ""


class WorkflowEvents:
    """Adds the calls and tools that events tell of; which run they are of says what was told to the model.

    Args:
        gathering: to which.
    """

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._told: defaultdict[str, deque[Sequence[object]]] = defaultdict(lambda: deque(maxlen=_MOST_OPEN))
        self._began = False

    def take(self, value: object) -> bool:
        """Take an event; whether it is one. After the first, an object of another kind is an event of the user's own.

        Raises:
            ValueError: it tells of a call that is none.
        """
        kind = _kind(value)
        self._began |= bool(kind)
        event = at(value, "value") if word(at(value, "qualified_name")) else value
        agent = word(at(event, "current_agent_name"))
        match kind:
            case "AgentInput":
                self._told[agent or ""].append(listed(at(event, "input")))
            case "AgentOutput":
                self._answered(event, agent)
            case "ToolCallResult":
                self._gathering.add_tool(None, _tool(event))
            case _:
                pass
        return self._began and is_object(value)

    def _answered(self, event: object, agent: str | None) -> None:
        waiting = self._told[agent or ""]
        if not waiting:
            raise ValueError("response: no AgentInput of its agent is before it")
        messages = chat_messages([message_of(one) for one in (*waiting.popleft(), at(event, "response"))])
        if messages[-1].role != "assistant":
            raise ValueError("response: it is no assistant's")
        self._gathering.add(None, FoundCall(messages[:-1], messages[-1], agent=agent))


def _tool(event: object) -> RecordedTool:
    return RecordedTool(
        word(at(event, "tool_name")) or "(none)",
        word(at(event, "tool_id")),
        json.dumps(at(event, "tool_kwargs") or {}),
        failed=at(event, "tool_output", "is_error") is True,
    )
