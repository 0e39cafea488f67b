"""What makes two calls the same one: the keys their answers are kept under.

All that may change an answer is in them; what differs from run to run and changes nothing (message and tool call ids,
usage, response metadata) is not. A tool result refers to its call by position, so that one history from two runs has
one key. Whose answer it is (`scope`) is in them too: another tenant's entry has another name, and is never read.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from operator import is_
from typing import NamedTuple, TypeVar

from leanloop.budgets.message import Message, ToolSpec
from leanloop.plugins.cache.canonical import NotCanonicalError, framed, framed_json
from leanloop.plugins.call import ModelCall, ToolCall

__all__ = ["CacheKey", "Keys"]

T = TypeVar("T")

_SCHEMA = 1
"""Of the keys: whoever changes what they are made of gives it another number."""

_SIZE = 20
"""Bytes of a digest: two inputs of one are not found in 2**80 tries, and one to a given digest not in 2**160
(https://arxiv.org/abs/2601.23088 is about caches where they are)."""

_HISTORIES, _TOOLS = 256, 64
"""How many are remembered, the latest used."""


class CacheKey:
    """The keys of one call. Two strings each made when first asked for: an exact hit needs neither.

    Attributes:
        exact: everything.
        text: the last user text, where the call ends with one and nothing but text is in it; else None: then there is
            no tier but the exact one.
        settings: what the framework says it sends beside the messages.
    """

    __slots__ = ("_before", "_context", "_normal", "_normalise", "exact", "settings", "text")

    def __init__(
        self,
        exact: str,
        text: str | None = None,
        *,
        before: bytes = b"",
        normalise: Callable[[str], str | None] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.exact = exact
        self.text = text
        self.settings: Mapping[str, object] = settings or {}
        self._before = before
        self._normalise = normalise
        self._normal: str | None = None
        self._context: str | None = None

    def tiers(self) -> Iterator[str]:
        """The keys to be looked up, one after the other: the exact one, and the normal one where there is one."""
        yield self.exact
        if (normal := self.normal) is not None:
            yield normal

    @property
    def normal(self) -> str | None:
        """Everything, the last user text normalised; None where that cannot be."""
        if self._normal is None and self.text is not None and self._normalise is not None:
            text = self._normalise(self.text)
            self._normal = "" if text is None else _hex(b"normal", self._before, framed(text))
        return self._normal or None

    @property
    def context(self) -> str | None:
        """Everything but the last user text; None where the call does not end with one."""
        if self._context is None and self.text is not None:
            self._context = _hex(b"context", self._before)
        return self._context


class Keys:
    """Makes keys, at the cost of what is new: histories and tools met before are known by identity.

    Args:
        scope: tags whose values must be the same; one that is absent counts as a value.
        normalise: a text as it is compared in the second tier, or None for a text that has no such form.
        embedder: fingerprint of the embedder in use.
        policy: version of what decides which answer may serve which question; another one starts afresh.
    """

    def __init__(
        self,
        *,
        scope: Sequence[str] = ("tenant", "user"),
        normalise: Callable[[str], str | None] | None = None,
        embedder: str = "",
        policy: str = "",
    ) -> None:
        self._scope = tuple(scope)
        self._normalise = normalise
        self._of_all = framed([_SCHEMA, policy, embedder])
        # Each step on these is one of the interpreter's: a lock could be left taken for ever by a fork.
        self._histories: OrderedDict[int, _History] = OrderedDict()
        self._tools: OrderedDict[int, tuple[tuple[ToolSpec, ...], bytes]] = OrderedDict()

    def of(self, call: ModelCall, tags: Mapping[str, str], beside: object = None) -> CacheKey | None:
        """The keys of a model call; None where it cannot be said what is sent: such a call is not cached.

        Args:
            call: the call.
            tags: of its task.
            beside: what else must be the same.
        """
        if call.settings is None or not call.messages:
            return None
        try:
            settings = call.settings()
            head = self._head(call, settings, tags, beside)
            earlier, last = self._earlier(call.messages), call.messages[-1]
            exact = _hex(b"exact", head, _linked(earlier, _message(last, call.messages)))
            if last.role != "user" or last.images or last.other_tokens or last.attached:
                return CacheKey(exact, settings=settings)
            before = _digest(head, earlier, framed(last.name))
        except NotCanonicalError:
            return None
        return CacheKey(exact, last.text, before=before, normalise=self._normalise, settings=settings)

    def of_tool(self, call: ToolCall, tags: Mapping[str, str], ttl: float | None = None) -> CacheKey:
        """The key of a tool call: name and arguments, whatever their order and blanks, and how long a result holds."""
        named = framed([call.name, ttl])
        return CacheKey(_hex(b"tool", self._of_all, self._tags(tags), named, framed_json(call.arguments)))

    def _head(self, call: ModelCall, settings: Mapping[str, object], tags: Mapping[str, str], beside: object) -> bytes:
        """All but the messages."""
        said = {name: value for name, value in settings.items() if value is not None}
        other = (call.provider, call.model, call.max_output, call.min_output, call.effort, call.forbid_tools)
        tools = self._specs(call.tools) if call.tools else b""
        named = [other, call.answer_tools, said, *([beside] if beside else [])]
        return _digest(self._of_all, self._tags(tags), tools, framed(named))

    def _tags(self, tags: Mapping[str, str]) -> bytes:
        return framed([(name, tags.get(name)) for name in self._scope])

    def _specs(self, tools: tuple[ToolSpec, ...]) -> bytes:
        known = self._tools.get(id(tools))
        if known is not None and known[0] is tools:
            return known[1]
        digest = _digest(framed([(tool.name, tool.description, tool.parameters) for tool in tools]))
        _remember(self._tools, id(tools), (tools, digest), _TOOLS)
        return digest

    def _earlier(self, messages: tuple[Message, ...]) -> bytes:
        """The digest of all messages but the last, from the longest beginning that is known.

        A history is known by the identity of each of its messages, not by their equality, in which pictures take no
        part.
        """
        wanted = len(messages) - 1
        known, digest = 0, bytes(_SIZE)
        for length in range(wanted, 0, -1):
            history = self._histories.get(id(messages[length - 1]))
            if history and len(history.messages) == length and all(map(is_, history.messages, messages)):
                known, digest = length, history.digest
                break
        if known < wanted:
            for at in range(known, wanted):
                digest = _linked(digest, _message(messages[at], messages, at))
            if known:  # the run has gone on from there
                self._histories.pop(id(messages[known - 1]), None)
            _remember(self._histories, id(messages[wanted - 1]), _History(messages[:wanted], digest), _HISTORIES)
        return digest


class _History(NamedTuple):
    messages: tuple[Message, ...]
    digest: bytes


def _remember(memo: OrderedDict[int, T], key: int, value: T, most: int) -> None:
    memo[key] = value
    while len(memo) > most:
        with contextlib.suppress(KeyError):  # others take some out too
            memo.popitem(last=False)


def _message(message: Message, messages: Sequence[Message], at: int = -1) -> bytes:
    """One message, with the call it answers by place; `at` is where it stands."""
    parts: object = None
    if message.images or message.other_tokens or message.attached:
        if message.attached is None:
            raise NotCanonicalError  # there is more than the text, and nobody says what
        parts = ([(image.detail, image.width, image.height) for image in message.images], _digest(message.attached()))
    calls = [(call.name, framed_json(call.arguments)) for call in message.tool_calls]
    answers = _answered(message.tool_call_id, messages, at % len(messages)) if message.tool_call_id else None
    return framed((message.role, message.text, message.name, message.is_error, calls, answers, parts))


def _answered(call_id: str, messages: Sequence[Message], at: int) -> object:
    """Which of the calls in the nearest message that has some; the id itself where none of them is meant."""
    for before in range(at - 1, -1, -1):
        calls = messages[before].tool_calls
        if calls:
            return next((place for place, call in enumerate(calls) if call.id == call_id), call_id)
    return call_id


def _linked(earlier: bytes, message: bytes) -> bytes:
    return blake2b(earlier + message, digest_size=_SIZE).digest()


def _digest(*parts: bytes) -> bytes:
    return blake2b(b"".join([b"%d:%b" % (len(part), part) for part in parts]), digest_size=_SIZE).digest()


def _hex(*parts: bytes) -> str:
    return _digest(*parts).hex()
