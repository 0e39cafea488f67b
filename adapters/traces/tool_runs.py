"""Which run of a trace a tool ran in, and which request it answered."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from leanloop.adapters.traces.trace import RecordedTool
from leanloop.budgets.message import Message

__all__ = ["Conversation", "told_apart"]


@dataclass(frozen=True, slots=True)
class Conversation:
    """The messages of a run, and the places of the replies that were asked for in it."""

    messages: Sequence[Message]
    places: Sequence[int]


def told_apart(tools: Sequence[RecordedTool], conversations: Sequence[Conversation]) -> list[tuple[RecordedTool, ...]]:
    """The tools of each conversation; one that no request in them asked for is the first's.

    A tool answers the request whose id it names; where it names none, the first to it that nothing has answered.
    """
    by_id: dict[str, int] = {}
    by_name: defaultdict[str, deque[tuple[str, int]]] = defaultdict(deque)
    for number, conversation in enumerate(conversations):
        for place in conversation.places:
            for request in conversation.messages[place].tool_calls:
                by_id[request.id] = number
                by_name[request.name].append((request.id, number))
    found: list[list[RecordedTool]] = [[] for _ in conversations]
    answered = {tool.call for tool in tools}
    for tool in sorted(tools, key=lambda tool: math.inf if tool.began is None else tool.began):
        call, place = tool.call, by_id.get(tool.call or "", 0)
        waiting = by_name[tool.name]
        while waiting and call is None:
            first, its = waiting.popleft()
            if first not in answered:
                call, place = first, its
        if found:
            found[place].append(replace(tool, call=call))
    return [tuple(one) for one in found]
