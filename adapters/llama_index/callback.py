"""A callback handler that meters the models nothing else guards, and enforces limits there by raising."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse
from llama_index.core.callbacks import CBEventType, EventPayload
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.llms import callbacks as llm_callbacks

from leanloop.adapters.event_sinks import watched
from leanloop.adapters.llama_index.covered import in_model_call
from leanloop.adapters.llama_index.form import CHAT, PROMPT
from leanloop.adapters.llama_index.messages import from_llama
from leanloop.adapters.llama_index.provider import CAPS, count
from leanloop.adapters.llama_index.sent import mapping
from leanloop.adapters.llama_index.tools import specs_of
from leanloop.budgets.budget import Budget
from leanloop.budgets.file import load_budget
from leanloop.budgets.message import Message
from leanloop.errors import TaskStopped
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.current import current_task
from leanloop.plugins.events.sink import Redact, Sink
from leanloop.plugins.flow import Abandoned
from leanloop.plugins.open_calls import OpenCalls
from leanloop.plugins.receipt import Receipt
from leanloop.plugins.steps import perform
from leanloop.plugins.task import Task

__all__ = ["LeanLoopCallback"]

_open_calls = OpenCalls[str]()
"""This process's, by LlamaIndex's event id."""

_WRAPPERS = inspect.getfile(llm_callbacks)
"""The file with LlamaIndex's functions around a model's methods, which report to callbacks."""


class LeanLoopCallback(BaseCallbackHandler):
    """Meters every call of a model that reports to it; a call that does not fit raises `BudgetExceeded`.

    For what no twin reaches: ``Settings.callback_manager = CallbackManager([LeanLoopCallback()])`` sees every model
    of the process that code inside a guarded agent or query asks for by itself. It can neither lower an output cap
    nor end a run with an answer, and embeddings tell it their texts too late: guard models, agents and engines
    where you can. One callback with a budget is one task; make a new one for each request.

    Args:
        budget: a `Budget` or the path of a budget file: a task of its own, which counts every call the callback
            sees. With or without it, a call that nothing else counts is counted in the task that is current
            where it is made.
        tags: who the task is for, as for `leanloop.task`.
        on_event: told of each event of that task, beside what the budget's `events` names, as for `LeanLoop`. Each
            trace of LlamaIndex (a query, or a call outside of one) ends it; one that goes on ends again.
        redact: changes texts before anyone is told, as for `LeanLoop`.

    Raises:
        BudgetFileError: the file cannot be read or does not hold a budget.
        UsageError: ``on_event`` or ``redact`` without a budget, or a sink that is no plain function.
    """

    def __init__(
        self,
        budget: Budget | str | Path | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        on_event: Sink | Sequence[Sink] = (),
        redact: Redact | None = None,
    ) -> None:
        super().__init__(event_starts_to_ignore=[], event_ends_to_ignore=[])
        loaded = budget if isinstance(budget, Budget) or budget is None else load_budget(budget)
        # It cannot land, so nothing is kept back for a landing.
        own = loaded.model_copy(update={"at_limit": "raise"}) if loaded is not None else None
        self._task = Task(own, tags=tags) if own is not None else None
        self._guard = BudgetGuard(waits=False)
        watched(self._task, on_event, redact)
        self._traces = 0  # that are going on
        self._open: set[str] = set()  # calls that are being made; a stream goes on after its trace
        self._failed = False  # in a trace that is going on

    def receipt(self) -> Receipt | None:
        """What its task has spent; None where it has no task of its own."""
        return self._task.receipt() if self._task else None

    def start_trace(self, trace_id: str | None = None) -> None:
        """A trace is not a task, but while one goes on its task has not ended."""
        self._traces += 1

    def end_trace(self, trace_id: str | None = None, trace_map: dict[str, list[str]] | None = None) -> None:
        """Tell the end of its task, where no other trace goes on."""
        self._traces = max(0, self._traces - 1)
        failed, self._failed = self._failed, False
        self._over(failed=failed)

    def on_event_start(
        self,
        event_type: CBEventType,
        payload: dict[str, Any] | None = None,
        event_id: str = "",
        parent_id: str = "",
        **kwargs: Any,
    ) -> str:
        """Reserve.

        Raises:
            TaskStopped: a limit has no room for the call, or the task was stopped before.
        """
        self._failed |= event_type == CBEventType.EXCEPTION
        if event_type != CBEventType.LLM or _within_another():
            return event_id
        tasks = self._tasks(event_id)
        if tasks:
            call = _call(payload or {})
            flows = [self._guard.on_model(call, task) for task in tasks]
            perform(_open_calls.begin(event_id, flows, unmade=TaskStopped("Another limit refused this call.")))
            self._open.add(event_id)
        return event_id

    def on_event_end(
        self, event_type: CBEventType, payload: dict[str, Any] | None = None, event_id: str = "", **kwargs: Any
    ) -> None:
        """Settle, or release what is known to be unbilled."""
        if event_type != CBEventType.LLM:
            return
        given = payload or {}
        error: object = given.get(EventPayload.EXCEPTION)
        if isinstance(error, BaseException):
            perform(_open_calls.end(event_id, Abandoned() if isinstance(error, GeneratorExit) else error))
        else:
            perform(_open_calls.end(event_id, _reply(given)))
        self._open.discard(event_id)
        self._over(failed=isinstance(error, Exception))

    def _over(self, *, failed: bool) -> None:
        """Tell the end of its task, unless something is going on, or it ends with an error of its own."""
        task = self._task
        if task is not None and not self._traces and not self._open and not (failed and task.stopped is None):
            task.events.tell_end()

    def _tasks(self, event_id: str) -> list[Task]:
        """The tasks this callback counts a call in: its own always, the current one where nothing else does."""
        own = [self._task] if self._task is not None else []
        current = current_task()
        return own if in_model_call() or current is None or not _open_calls.claim(event_id) else [*own, current]


def _within_another() -> bool:
    """Whether the call that is reported is made by a model's method that was reported itself (a CustomLLM's `chat`).

    LlamaIndex gives both the same parent, and a context variable would outlast a stream that is not read to its end;
    so the frames of its reporting functions are counted, which stand on the stack while a call goes on.
    """
    frame, seen = inspect.currentframe(), 0
    while frame is not None and seen < 2:
        code = frame.f_code
        seen += code.co_filename == _WRAPPERS and code.co_name.startswith("wrapped_")
        frame = frame.f_back
    return seen > 1


def _call(payload: Mapping[str, Any]) -> ModelCall:
    model = mapping(payload.get(EventPayload.SERIALIZED))
    settings = mapping(payload.get(EventPayload.ADDITIONAL_KWARGS))
    caps = [given[name] for given in (settings, model) for name in CAPS if count(given.get(name))]
    cap = cast("int | None", next(iter(caps), None))
    name = next((model[key] for key in ("model", "model_name", "model_id") if model.get(key)), "unknown")
    given: list[ChatMessage] | None = payload.get(EventPayload.MESSAGES)
    asked = [from_llama(each) for each in given or []] or [Message("user", str(payload.get(EventPayload.PROMPT, "")))]
    return ModelCall(
        model=str(name),
        messages=tuple(asked),
        tools=specs_of(settings.get("tools")),
        max_output=cap,
        min_output=cap or 0,
    )


def _reply(payload: Mapping[str, Any]) -> ModelReply:
    response: object = payload.get(EventPayload.RESPONSE) or payload.get(EventPayload.COMPLETION)
    if isinstance(response, ChatResponse):
        return CHAT.reply(response)
    if isinstance(response, CompletionResponse):
        return PROMPT.reply(response)
    return ModelReply(Message("assistant", ""))
