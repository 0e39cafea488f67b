"""Keeps the prompt prefix, which providers bill at about a tenth where they have read it before."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple
from weakref import WeakKeyDictionary

from leanloop.budgets.message import Changed, Message
from leanloop.budgets.prefix_cache import rule_for
from leanloop.budgets.tokens import counter_for
from leanloop.plugins.cache_marks import MARKED, Sizes, cache_marks
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.conversation import Conversation, Conversations, system_of
from leanloop.plugins.flow import ModelFlow, Plugin
from leanloop.plugins.prefix_break import Break, cut_break, is_cut, message_break, system_break, tell, tools_break
from leanloop.plugins.task import Task
from leanloop.plugins.volatile import alike, change, split

__all__ = ["Prefix"]

_AGENTS = 256
"""Agents whose latest system prompt is remembered."""

_MOST_WARNINGS = 8
"""Of one conversation, or of one agent's system prompt."""


class _Prompt(NamedTuple):
    """The system prompt of an agent's latest task, whom that was for, and the places that were warned of."""

    text: str
    tags: Mapping[str, str]
    told: set[object]


class Prefix(Plugin):
    """Sees what is sent, so it stands where nothing else changes a call any more.

    Tools are sent in one order. Providers that must be told where to cache are told, in agents (`cache_marks`). Where
    an agent changes what it has sent before, that is said once for each place; and with the file's ``prefix:
    {volatile: behind}`` what changes in its system prompt is sent behind the history, where it breaks nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a garbage collection in here may settle a call that was abandoned
        self._tasks: WeakKeyDictionary[Task, Conversations] = WeakKeyDictionary()
        self._agents: OrderedDict[tuple[str, frozenset[str]], _Prompt] = OrderedDict()

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Send the call with its prefix kept."""
        if call.apart or not call.messages:
            reply: ModelReply = yield call
            return reply
        with self._lock:
            talks = self._tasks.get(task)
            if talks is None:
                talks = self._tasks[task] = Conversations()
            talk = talks.of(call)
            sent, shared = self._prepared(call, talk, task)
        reply = yield sent
        if sent.purpose == "step":
            with self._lock:
                talk.made(sent, shared)
        return reply

    def _prepared(self, call: ModelCall, talk: Conversation, task: Task) -> tuple[ModelCall, int]:
        """The call as it is sent, and how many of its messages were sent before."""
        rules = task.budget.prefix
        breaks: list[Break | None] = []
        messages = call.messages
        system = system_of(call)
        if system is not None:
            if rules.volatile == "behind":
                messages = _behind(call, system, talk)
            if talk.calls and messages[0] is system and talk.given is not None and talk.given.text != system.text:
                breaks.append(system_break(talk.given.text, system.text))
            talk.given = system
        tools = talk.order.of(call.tools)
        shared = talk.shared(messages)
        if talk.calls and call.purpose == "step":
            breaks.append(tools_break(talk.tools, tools))
            if shared < len(talk.sent):
                start = max(shared, 0 if system is None else 1)
                breaks.append(message_break(talk.sent, messages, start, task.cleared))
            cut = is_cut(talk.sent, messages, shared)
            if cut and talk.cut:
                breaks.append(cut_break(messages, shared))
            talk.cut = cut
            _warn(breaks, talk, task)
        elif call.agent and system is not None and not talk.calls:
            self._compare_with_before(call, messages[0].text, task)
        marks = _marks(call, messages, talk, shared) if rules.breakpoints else None
        if messages is call.messages and tools is call.tools and marks is None:
            return call, shared
        return replace(call, messages=messages, tools=tools, cache_marks=marks or call.cache_marks), shared

    def _compare_with_before(self, call: ModelCall, text: str, task: Task) -> None:
        """Warn of a system prompt that differs from the one of the agent's task before."""
        key = (task.agent, frozenset(tool.name for tool in call.tools))
        before = self._agents.pop(key, None) or _Prompt(text, task.tags, set())
        self._agents[key] = _Prompt(text, task.tags, before.told)
        if len(self._agents) > _AGENTS:
            self._agents.popitem(last=False)
        if before.text == text or not alike(before.text, text):
            return
        if before.tags != task.tags and split(before.text).stable != split(text).stable:
            return  # it may well say other things to another user
        found = system_break(before.text, text)
        if found.place not in before.told and len(before.told) < _MOST_WARNINGS:
            before.told.add(found.place)
            tell(task, found, "in step 1, since the task before")


def _behind(call: ModelCall, system: Message, talk: Conversation) -> tuple[Message, ...]:
    """The messages with the system prompt as it was first sent, and what has changed in it since in notes."""
    messages = call.messages
    if system.images or system.other_tokens or system.marked:
        return messages
    key = f"system:{talk.calls}"
    if not talk.calls:
        stable, moved = split(system.text)
        talk.system = replace(system, text=stable, raw=Changed.of(system.raw)) if moved else system
        text = "\n".join(moved)
    elif talk.system is None:
        return messages
    elif talk.given is None or talk.given.text == system.text:
        text = ""
    else:
        changed = change(talk.given.text, system.text)
        if changed is None:  # another prompt, no version of the first
            talk.system = None
            return messages
        text = changed
    stands = (talk.system, *messages[1:])
    if text:
        talk.notes.add(key, f"[system prompt] {text}", stands)
    return talk.notes.apply(stands)


def _warn(breaks: list[Break | None], talk: Conversation, task: Task) -> None:
    for found in breaks:
        if found is not None and found.place not in talk.told and len(talk.told) < _MOST_WARNINGS:
            talk.told.add(found.place)
            tell(task, found, f"in step {talk.calls + 1}")


def _marks(call: ModelCall, messages: tuple[Message, ...], talk: Conversation, shared: int) -> tuple[int, ...] | None:
    """Places for breakpoints; None where the provider needs none, the user set some, or nobody will read."""
    if call.provider not in MARKED or call.cache_marks is not None or not _is_read_again(call, talk, shared):
        return None
    talk.marked = talk.marked or any(message.marked for message in messages[shared:])
    if talk.marked or any(tool.marked for tool in call.tools):
        return None
    counter = counter_for(call.model)
    tools = counter.expected(counter.prompt((), call.tools)) if call.tools else 0
    system = messages[0] if messages[0].role == "system" else None
    head = tools + (counter.expected(counter.message(system)) if system else 0)
    whole = counter.expected(counter.prompt(messages, call.tools))
    written = next((place for place in reversed(talk.written) if place < shared), None)
    sizes = Sizes(tools, head, whole, rule_for(call.model).least)
    return cache_marks(messages, sizes, written, goes_on=call.purpose == "step") or None


def _is_read_again(call: ModelCall, talk: Conversation, shared: int) -> bool:
    """Whether another call will begin as this one does: it is an agent's that has tools, or did so before."""
    if call.agent and any(tool.name not in call.answer_tools for tool in call.tools):
        return True
    return talk.calls > 0 and shared > (0 if talk.given is None else 1)
