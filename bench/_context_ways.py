"""Ways of sending a growing history: as it is, ours, and those of others."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Protocol, cast

from deepagents.middleware import _message_eviction
from evidence import count, cut
from langchain.agents.middleware import ClearToolUsesEdit
from langchain_core.messages import AnyMessage
from langchain_core.messages.utils import count_tokens_approximately

from leanloop.adapters.langchain.messages import from_langchain, to_langchain
from leanloop.adapters.traces.out_of_sight import Missing, asking
from leanloop.budgets.budget import Budget
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.message import Message, ToolRequest, ToolSpec
from leanloop.budgets.usage import Usage
from leanloop.plugins import drive_sync
from leanloop.plugins.call import ModelCall, ModelReply, ToolCall, ToolResult
from leanloop.plugins.read_result import READ_DESCRIPTION, READ_RESULT, ReadArguments
from leanloop.plugins.stack import Stack
from leanloop.plugins.task import Task

__all__ = [
    "MODEL",
    "Arrival",
    "Cleared",
    "LeanLoop",
    "Nothing",
    "Way",
    "deepagents_evicted",
    "head_and_tail",
    "looked_up",
]

MODEL = "claude-sonnet-4-5"
"""Priced at 3, 0.3, 3.75 and 15 usd a million: read 0.1x, written 1.25x, output 5x."""

Answer = Callable[[Sequence[Message]], ModelReply]
"""Bills what is sent, and gives what the model says to it."""


class Way(Protocol):
    """One run under one rule."""

    prompt: tuple[Message, ...]
    """What it adds to every prompt: the description of its tool."""

    reacts: bool
    """Whether it does otherwise where a provider caches nothing."""

    def send(self, history: Sequence[Message], answer: Answer) -> None:
        """Make a model call."""
        ...

    def arrive(self, result: Message, request: ToolRequest, history: Sequence[Message]) -> Message:
        """What becomes of a tool result."""
        ...

    def asks(self, missing: Missing, sent: Sequence[Message]) -> ToolRequest:
        """The call by which an agent would see a value of a result again."""
        ...


class Nothing:
    """Everything is sent as it came."""

    prompt: tuple[Message, ...] = ()
    reacts = False

    def __init__(self) -> None:
        self._times = 0

    def send(self, history: Sequence[Message], answer: Answer) -> None:
        answer(self.edit(tuple(history)))

    def edit(self, history: tuple[Message, ...]) -> tuple[Message, ...]:
        return history

    def arrive(self, result: Message, request: ToolRequest, history: Sequence[Message]) -> Message:
        return result

    def asks(self, missing: Missing, sent: Sequence[Message]) -> ToolRequest:
        """The tool is called again."""
        self._times += 1
        return replace(missing.given.request, id=f"again_{self._times}")


class Arrival(Nothing):
    """Results are shortened when they arrive, by a function of their text."""

    def __init__(self, shorten: Callable[[str], str]) -> None:
        super().__init__()
        self._shorten = shorten

    def arrive(self, result: Message, request: ToolRequest, history: Sequence[Message]) -> Message:
        return replace(result, text=self._shorten(result.text))


class Cleared(Nothing):
    """LangChain's ClearToolUsesEdit, as ContextEditingMiddleware applies it: to a copy, in every call."""

    def __init__(self, edit: ClearToolUsesEdit) -> None:
        super().__init__()
        self._edit = edit
        self._raw: dict[int, tuple[Message, AnyMessage]] = {}

    def edit(self, history: tuple[Message, ...]) -> tuple[Message, ...]:
        messages = [self._to(message) for message in history]
        self._edit.apply(messages, count_tokens=count_tokens_approximately)
        return tuple(
            message if raw is self._raw[id(message)][1] else replace(message, text=from_langchain(raw).text)
            for message, raw in zip(history, messages, strict=True)
        )

    def _to(self, message: Message) -> AnyMessage:
        known = self._raw.get(id(message))
        if known is None or known[0] is not message:
            known = self._raw[id(message)] = message, cast("AnyMessage", to_langchain(message))
        return known[1]


class LeanLoop:
    """The plugins as an agent has them, with the model and the tools replayed."""

    reacts = True

    def __init__(self, budget: Budget, stack: Stack, *, caching: bool, counted: bool) -> None:
        self._task = Task(budget, store=MemoryStore())
        self._stack = stack
        self._caching = caching
        spec = ToolSpec(READ_RESULT, READ_DESCRIPTION, ReadArguments.model_json_schema())
        self._tools = (spec,)
        text = json.dumps({"name": spec.name, "description": spec.description, "input_schema": spec.parameters})
        self.prompt: tuple[Message, ...] = (Message("system", text),) if counted else ()
        self._reads = 0

    @property
    def task(self) -> Task:
        return self._task

    def send(self, history: Sequence[Message], answer: Answer) -> None:
        def model(sent: ModelCall) -> ModelReply:
            reply = answer(sent.messages)
            usage = replace(reply.usage or Usage(), estimated=False)
            return replace(reply, usage=usage if self._caching else replace(usage, cached_input=0, cache_write=0))

        call = ModelCall(MODEL, tuple(history), tools=self._tools, readable=True)
        drive_sync.run(self._stack.model_flow(call, self._task), model)

    def arrive(self, result: Message, request: ToolRequest, history: Sequence[Message]) -> Message:
        text = self._run(request, tuple(history), ToolResult(result.text, result.is_error)).text
        return result if text == result.text else replace(result, text=text)

    def asks(self, missing: Missing, sent: Sequence[Message]) -> ToolRequest:
        """`read_result` with a search for the value; the tool itself where no handle is in sight."""
        self._reads += 1
        return asking(f"read_{self._reads}", missing, sent)

    def _run(self, request: ToolRequest, history: tuple[Message, ...], given: ToolResult) -> ToolResult:
        call = ToolCall(request.id, request.name, request.arguments, history=history, readable=True)
        return drive_sync.run(self._stack.tool_flow(call, self._task), lambda _: given)


def deepagents_evicted(text: str) -> str:
    """FilesystemMiddleware's eviction: over 20,000 tokens of 4 characters, five lines of each end are shown."""
    if len(text) <= 4 * 20_000:
        return text
    render: Callable[..., str] = getattr(_message_eviction, "_render_too_large_tool_msg")  # noqa: B009
    return render(tool_call_id="call_1", file_path="/large_tool_results/call_1", content_str=text)


def head_and_tail(limit: int) -> Callable[[str], str]:
    """Half of the tokens of each end."""

    @cache
    def shorten(text: str) -> str:
        if count(text) <= limit:
            return text
        return cut(text, limit // 2, from_end=False) + "\n" + cut(text, limit // 2, from_end=True)

    return shorten


def looked_up(shown: Mapping[str, str]) -> Callable[[str], str]:
    return lambda text: shown.get(text, text)
