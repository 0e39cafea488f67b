"""A callback that meters whatever takes callbacks, and enforces limits there by raising."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from leanloop.adapters.langchain.covered import GUARDED, in_model_call, tool_call_covered
from leanloop.adapters.langchain.messages import from_langchain
from leanloop.adapters.langchain.provider import output_cap
from leanloop.adapters.langchain.stop import bubbling
from leanloop.adapters.langchain.tools import spec_of
from leanloop.adapters.langchain.usage import usage_of
from leanloop.budgets.budget import Budget
from leanloop.budgets.file import load_budget
from leanloop.errors import TaskStopped
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.call import ModelCall, ModelReply, ToolCall, ToolResult
from leanloop.plugins.current import current_task
from leanloop.plugins.drive_apart import begin_all, failed, returned
from leanloop.plugins.flow import ModelFlow, ToolFlow
from leanloop.plugins.receipt import Receipt
from leanloop.plugins.task import Task

__all__ = ["METER", "LeanLoopCallback"]

AnyFlow = TypeVar("AnyFlow", ModelFlow, ToolFlow)

_claimed: set[UUID] = set()
_claims = threading.Lock()


class LeanLoopCallback(BaseCallbackHandler):
    """Meters every model and tool call that reports to it; a call that does not fit raises `BudgetExceeded`.

    A callback can neither lower an output cap nor end a run with an answer: use the middleware, or
    `wrap`, where they fit. One callback is one task; make a new one for each request.

    Args:
        budget: a `Budget` or the path of a budget file: a task of its own, which counts every call the
            callback sees. With or without it, a call that nothing else counts is counted in the task that
            is current where it is made.
    """

    raise_error = True
    run_inline = True

    def __init__(self, budget: Budget | str | Path | None = None, *, tags: Mapping[str, str] | None = None) -> None:
        loaded = budget if isinstance(budget, Budget) or budget is None else load_budget(budget)
        # It cannot land, so nothing is kept back for a landing.
        own = loaded.model_copy(update={"at_limit": "raise"}) if loaded is not None else None
        self._task = Task(own, tags=tags) if own is not None else None
        self._guard = BudgetGuard(waits=False)
        self._lock = threading.Lock()
        self._models: dict[UUID, list[ModelFlow]] = {}
        self._tools: dict[UUID, list[ToolFlow]] = {}
        self._watched: dict[UUID, tuple[asyncio.Task[Any], Callable[[object], None]]] = {}

    def receipt(self) -> Receipt | None:
        """What its task has spent; None where it has no task of its own."""
        return self._task.receipt() if self._task else None

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Reserve."""
        tasks = self._tasks(run_id, covered=in_model_call() or GUARDED in (metadata or {}))
        if tasks:
            settings = cast("Mapping[str, object]", kwargs.get("invocation_params") or {})
            call = _call(messages[0] if messages else [], metadata or {}, settings)
            self._begin(self._models, run_id, [self._guard.on_model(call, task) for task in tasks])

    def on_llm_start(
        self,
        serialized: dict[str, Any],
        prompts: list[str],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Reserve, for a text-completion model."""
        messages: list[BaseMessage] = [HumanMessage(prompt) for prompt in prompts]
        self.on_chat_model_start(serialized, [messages], run_id=run_id, metadata=metadata, **kwargs)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Settle."""
        reply = _reply(response)
        for flow in self._take(self._models, run_id):
            returned(flow, reply)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Release what is known to be unbilled, else settle at the worst case."""
        for flow in self._take(self._models, run_id):
            failed(flow, error)

    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Count a tool call that nothing else counts."""
        name = str(serialized.get("name") or kwargs.get("name") or "tool")
        covered = tool_call_covered(name, run_id) or GUARDED in (metadata or {})
        tasks = self._tasks(run_id, covered=covered)
        if tasks:
            call = ToolCall(str(run_id), name, input_str)
            self._begin(self._tools, run_id, [self._guard.on_tool(call, task) for task in tasks])

    def on_tool_end(self, output: object, *, run_id: UUID, **kwargs: Any) -> None:
        """Settle a tool call."""
        self._end_tool(run_id)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Settle a tool call that failed: it was made."""
        self._end_tool(run_id)

    def _end_tool(self, run_id: UUID) -> None:
        for flow in self._take(self._tools, run_id):
            returned(flow, ToolResult(""))

    def _tasks(self, run_id: UUID, *, covered: bool) -> list[Task]:
        """The tasks this callback counts a call in: its own always, the current one where nothing else does."""
        own = [self._task] if self._task is not None else []
        current = current_task()
        return own if covered or current is None or not _claim(run_id) else [*own, current]

    def _begin(self, flows: dict[UUID, list[AnyFlow]], run_id: UUID, begun: list[AnyFlow]) -> None:
        """Bring the flows to the point where the call is made; where one refuses, the others unwind."""
        try:
            begin_all(begun)
        except BaseException as error:
            _disclaim(run_id)
            if isinstance(error, TaskStopped):
                raise bubbling(error) from None
            raise
        self._watch(run_id)
        with self._lock:
            flows[run_id] = begun

    def _take(self, flows: dict[UUID, list[AnyFlow]], run_id: UUID) -> list[AnyFlow]:
        with self._lock:
            taken = flows.pop(run_id, [])
            watched = self._watched.pop(run_id, None) if taken else None
        if taken:
            _disclaim(run_id)
        if watched is not None:
            caller, watch = watched
            caller.remove_done_callback(watch)
        return taken

    def _watch(self, run_id: UUID) -> None:
        """LangChain reports no end of a call that is cancelled; the end of the asyncio task that made it does."""
        try:
            caller = asyncio.current_task()
        except RuntimeError:
            return
        if caller is not None:
            watch = partial(self._cancelled, run_id)
            with self._lock:
                self._watched[run_id] = (caller, watch)
            caller.add_done_callback(watch)

    def _cancelled(self, run_id: UUID, _: object) -> None:
        self.on_llm_error(asyncio.CancelledError(), run_id=run_id)
        self._end_tool(run_id)


METER = LeanLoopCallback()
"""Meters the current task; the middleware puts it in place around tools, where it sees sub-agents."""


def _claim(run_id: UUID) -> bool:
    """Whether this run is not being counted by another callback."""
    with _claims:
        if run_id in _claimed:
            return False
        _claimed.add(run_id)
        return True


def _disclaim(run_id: UUID) -> None:
    with _claims:
        _claimed.discard(run_id)


def _call(messages: Sequence[BaseMessage], metadata: Mapping[str, object], settings: Mapping[str, object]) -> ModelCall:
    name = settings.get("model") or settings.get("model_name") or metadata.get("ls_model_name") or "unknown"
    provider = metadata.get("ls_provider")
    tools: object = settings.get("tools")
    cap = output_cap(None, settings) or output_cap(None, {"max_tokens": metadata.get("ls_max_tokens")})
    return ModelCall(
        model=str(name),
        provider=str(provider) if provider else None,
        messages=tuple(from_langchain(message) for message in messages),
        tools=tuple(spec_of(tool) for tool in cast("list[object]", tools)) if isinstance(tools, list) else (),
        max_output=cap,
        min_output=cap or 0,
    )


def _reply(response: LLMResult) -> ModelReply:
    first: object = response.generations[0][0] if response.generations and response.generations[0] else None
    message: BaseMessage = first.message if isinstance(first, ChatGeneration) else AIMessage(getattr(first, "text", ""))
    return ModelReply(from_langchain(message), usage_of(message), raw=response)
