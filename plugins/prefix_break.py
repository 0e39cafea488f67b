"""An agent that breaks its own prompt prefix: where that is, and who is told."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from leanloop.budgets.message import Message, ToolSpec
from leanloop.plugins.alerts import Alert
from leanloop.plugins.cleared import Cleared
from leanloop.plugins.task import Task
from leanloop.plugins.volatile import difference

__all__ = ["Break", "cut_break", "is_cut", "message_break", "system_break", "tell", "tools_break"]

_ADVICE = {
    "system": "Take what changes out of the system prompt, or write prefix: {volatile: behind} in the budget file.",
    "tools": "Offer the same tools in every step.",
    "message": "Append to the history, and change nothing in it; let leanloop shorten it (context: on).",
    "cut": "Cut the history seldom, and much of it at once; or let leanloop shorten it (context: on).",
}


class Break(NamedTuple):
    """The first place at which a prompt differs from the one sent before.

    Attributes:
        sort: what part of the prompt it is in.
        place: what makes it the same one when it happens again.
        where: in words, with the first token that differs in short.
    """

    sort: str
    place: Hashable
    where: str


def system_break(before: str, now: str) -> Break:
    """Between two versions of a system prompt."""
    found = difference(before, now)
    return Break("system", ("system", found.line), f"in the system prompt, {found}")


def tools_break(before: Sequence[ToolSpec], now: Sequence[ToolSpec]) -> Break | None:
    """Between the tools of two calls, which stand before all else; in the order in which they are sent."""
    if before is now or before == now:
        return None
    for old, new in zip(before, now, strict=False):
        if old.name == new.name and old != new:
            return Break("tools", ("tools", new.name), f"in the tools, at {new.name!r}, which is described anew")
    names, known = [tool.name for tool in now], [tool.name for tool in before]
    come = next((name for name in names if name not in known), None)
    gone = next((name for name in known if name not in names), None)
    what = f"{come!r}, which is new" if come is not None else f"{gone!r}, which is missing"
    return Break("tools", ("tools", "names"), f"in the tools, at {what}")


def message_break(before: Sequence[Message], now: Sequence[Message], shared: int, cleared: Cleared) -> Break | None:
    """Between two histories, of which `shared` messages are the same.

    A history that ends sooner, or goes on from before its last message or the last thing the model said, breaks next to
    nothing; and a result that we have `cleared` is not the agent's doing. One that was cut short is another matter, see
    `is_cut`, and one of which nothing goes on is another history.
    """
    if shared < len(before) and not _goes_on(before, now, shared):
        return None
    for place in range(shared, min(len(before), len(now))):
        old, new = before[place], now[place]
        if old is new or old == new or cleared.put(new, old):
            continue
        if place == len(before) - 1 == len(now) - 1:
            return None
        if old.role == "assistant" and not any(message.role == "assistant" for message in before[place + 1 :]):
            return None
        what = f"in message {place + 1} ({new.role})"
        if _same_place(old, new) and old.text != new.text:
            what += f", {difference(old.text, new.text)}"
        return Break("message", ("message", place), what)
    return None


def is_cut(before: Sequence[Message], now: Sequence[Message], shared: int) -> bool:
    """Whether what stood at the end of a history stands further up now: earlier messages were left out or summed up.

    Once in a while that is what keeps prompts short, and worth the prefix. In every call it is not: `cut_break`.
    """
    place = _place_of_last(before, now, shared) if shared < len(before) else None
    return place is not None and place < len(before) - 1


def cut_break(now: Sequence[Message], shared: int) -> Break:
    """Of a history whose beginning is cut off in one call after the other."""
    place = min(shared, len(now) - 1)
    return Break("cut", "cut", f"in message {place + 1} ({now[place].role}), before which the history is cut each time")


def _goes_on(before: Sequence[Message], now: Sequence[Message], shared: int) -> bool:
    """Whether `now` has each message of `before`, or another version of it."""
    place = _place_of_last(before, now, shared)
    if place is not None:
        return place >= len(before) - 1
    return len(now) >= len(before) and all(map(_same_place, before[shared:], now[shared:]))


def _place_of_last(before: Sequence[Message], now: Sequence[Message], shared: int) -> int | None:
    last = before[-1]
    return next((place for place in range(len(now) - 1, shared - 1, -1) if now[place] == last), None)


def _same_place(old: Message, new: Message) -> bool:
    return old.role == new.role and old.tool_call_id == new.tool_call_id


def tell(task: Task, found: Break, since: str) -> None:
    """A line in the log, the alert hook, and a note on the receipt. `since` says between which calls it happened."""
    message = f"The prompt prefix of agent {task.agent} broke {found.where}, {since}: what follows is not read from "
    message += f"the provider's cache. {_ADVICE[found.sort]}"
    task.alerts.tell(Alert("prefix", message, task.agent, task.id))
    task.note(f"The prompt prefix broke {found.where}, {since}.")
