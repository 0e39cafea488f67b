"""A callback that meters whatever takes callbacks, and enforces limits there by raising."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from leanloop.adapters.event_sinks import watched
from leanloop.adapters.langchain.covered import GUARDED, in_model_call, tool_call_covered
from leanloop.adapters.langchain.messages import from_langchain
from leanloop.adapters.langchain.open_calls import open_calls
from leanloop.adapters.langchain.provider import output_cap
from leanloop.adapters.langchain.several import answers_asked, cap_of_all
from leanloop.adapters.langchain.tools import spec_of
from leanloop.adapters.langchain.two_forms import two_forms
from leanloop.adapters.langchain.usage import usage_of
from leanloop.budgets.budget import Budget
from leanloop.budgets.file import load_budget
from leanloop.budgets.store import LedgerStore
from leanloop.errors import TaskStopped
from leanloop.plugins.alerts import OnAlert
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.call import ModelCall, ModelReply, ToolCall, ToolResult
from leanloop.plugins.current import current_task
from leanloop.plugins.events.sink import Redact, Sink
from leanloop.plugins.events.tool import tell_of_tool
from leanloop.plugins.flow import Io, Paused
from leanloop.plugins.receipt import Receipt
from leanloop.plugins.steps import Steps
from leanloop.plugins.task import Task

__all__ = ["METER", "LeanLoopCallback"]

_PATIENT = BudgetGuard()
_PROMPT = BudgetGuard(waits=False)


class LeanLoopCallback(BaseCallbackHandler):
    """Meters every model and tool call that reports to it; a call that does not fit raises `BudgetExceeded`.

    Works in sync and async code alike, and blocks no event loop: where LangChain awaits its callbacks, the ledger is
    awaited. A callback can neither lower an output cap nor end a run with an answer: use the middleware, or `wrap`,
    where they fit. One callback is one task; make a new one for each request.

    Args:
        budget: a `Budget` or the path of a budget file: a task of its own, which counts every call the
            callback sees. With or without it, a call that nothing else counts is counted in the task that
            is current where it is made.
        tags: who the task is for, as for `leanloop.task`.
        store: where balances are kept instead of where the budget says.
        value: what the task is worth in US dollars, as for `leanloop.task`.
        on_alert: called with each `leanloop.Alert` of that task, beside the line in the log.
        on_event: told of each event of that task, beside what the budget's `events` names, as for `LeanLoop`. It has
            ended when no chain is left that reports to this callback; one that is used again ends again.
        redact: changes texts before anyone is told, as for `LeanLoop`.

    Raises:
        BudgetFileError: the file cannot be read or does not hold a budget.
        UsageError: ``on_event`` or ``redact`` without a budget, or a sink that is no plain function.

    A call that is cut off by a time-out of its own (``asyncio.timeout``) in an asyncio task that goes on is reported to
    nobody: it stays set aside until that task ends, and is then booked at its worst case.
    """

    raise_error = True
    run_inline = True

    def __init__(
        self,
        budget: Budget | str | Path | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        store: LedgerStore | None = None,
        value: Decimal | float | None = None,
        on_alert: OnAlert | None = None,
        on_event: Sink | Sequence[Sink] = (),
        redact: Redact | None = None,
    ) -> None:
        loaded = budget if isinstance(budget, Budget) or budget is None else load_budget(budget)
        # It cannot land, so nothing is kept back for a landing.
        own = loaded.model_copy(update={"at_limit": "raise"}) if loaded is not None else None
        self._task = Task(own, tags=tags, store=store, value=value, on_alert=on_alert) if own is not None else None
        watched(self._task, on_event, redact)
        self._chains: set[UUID] = set()  # those that are running

    @property
    def ignore_chain(self) -> bool:
        """Chains only say when its task has ended, which nobody may want to know."""
        return self._task is None or not self._task.events

    def receipt(self) -> Receipt | None:
        """What its task has spent; None where it has no task of its own."""
        return self._task.receipt() if self._task else None

    @two_forms
    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Steps[None]:
        """Reserve."""
        yield from self._begin_model(messages[0] if messages else [], run_id, metadata or {}, kwargs)

    @two_forms
    def on_llm_start(
        self,
        serialized: dict[str, Any],
        prompts: list[str],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Steps[None]:
        """Reserve, for a text-completion model."""
        yield from self._begin_model([HumanMessage(prompt) for prompt in prompts], run_id, metadata or {}, kwargs)

    @two_forms
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> Steps[None]:
        """Settle."""
        yield from open_calls.end(run_id, _reply(response))
        self._over()

    @two_forms
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> Steps[None]:
        """Release what is known to be unbilled, else settle at the worst case."""
        yield from open_calls.end(run_id, error)
        self._over(failed=True)

    @two_forms
    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Steps[None]:
        """Count a tool call that nothing else counts."""
        name = str(serialized.get("name") or kwargs.get("name") or "tool")
        covered = tool_call_covered(name, run_id) or GUARDED in (metadata or {})
        tasks = self._tasks(run_id, covered=covered)
        if tasks:
            call = ToolCall(str(run_id), name, input_str)
            flows = [_PATIENT.on_tool(call, task) for task in tasks]
            flows += [tell_of_tool(call, task) for task in tasks if task.events]
            with self._until_stopped():
                yield from open_calls.begin(run_id, flows, unmade=Paused(_refused()))

    @two_forms
    def on_tool_end(self, output: object, *, run_id: UUID, **kwargs: Any) -> Steps[None]:
        """Settle a tool call."""
        yield from open_calls.end(run_id, ToolResult("", is_error=getattr(output, "status", None) == "error"))
        self._over()

    @two_forms
    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> Steps[None]:
        """Settle a tool call that failed: it was made."""
        yield from open_calls.end(run_id, ToolResult("", is_error=True))
        self._over(failed=True)

    def on_chain_start(self, serialized: dict[str, Any], inputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Note that the task goes on until this has ended."""
        self._chains.add(run_id)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Tell the end of the task, where nothing else is running."""
        self._chains.discard(run_id)
        self._over()

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """The same, where a limit ended it; a run that fails otherwise has no end."""
        self._chains.discard(run_id)
        self._over(failed=True)

    def _over(self, *, failed: bool = False) -> None:
        """Tell the end of its task, unless a chain is running, or it ends with an error of its own."""
        task = self._task
        if task is not None and not self._chains and not (failed and task.stopped is None):
            task.events.tell_end()

    @contextmanager
    def _until_stopped(self) -> Generator[None, None, None]:
        """Nothing reports the end of a call that is refused."""
        try:
            yield
        except TaskStopped:
            self._over(failed=True)
            raise

    def _begin_model(
        self,
        messages: Sequence[BaseMessage],
        run_id: UUID,
        metadata: Mapping[str, object],
        kwargs: Mapping[str, object],
    ) -> Steps[None]:
        tasks = self._tasks(run_id, covered=in_model_call() or GUARDED in metadata)
        if tasks:
            settings = cast("Mapping[str, object]", kwargs.get("invocation_params") or {})
            call = _call(messages, metadata, settings)
            guard = _PATIENT if (yield Io(_may_sleep, _may_await)) else _PROMPT
            with self._until_stopped():
                yield from open_calls.begin(run_id, [guard.on_model(call, task) for task in tasks], unmade=_refused())

    def _tasks(self, run_id: UUID, *, covered: bool) -> list[Task]:
        """The tasks this callback counts a call in: its own always, the current one where nothing else does."""
        own = [self._task] if self._task is not None else []
        current = current_task()
        return own if covered or current is None or not open_calls.claim(run_id) else [*own, current]


METER = LeanLoopCallback()
"""Meters the current task; the middleware puts it in place around tools, where it sees sub-agents."""


def _may_sleep() -> bool:
    """Not in a sync call on a thread that runs an event loop: the calls to wait for may have to end there."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return True
    return False


async def _may_await() -> bool:
    return True


def _refused() -> TaskStopped:
    return TaskStopped("Another limit refused this call.")


def _call(messages: Sequence[BaseMessage], metadata: Mapping[str, object], settings: Mapping[str, object]) -> ModelCall:
    name = settings.get("model") or settings.get("model_name") or metadata.get("ls_model_name") or "unknown"
    provider = metadata.get("ls_provider")
    tools: object = settings.get("tools")
    own = output_cap(None, settings) or output_cap(None, {"max_tokens": metadata.get("ls_max_tokens")})
    cap = cap_of_all(own, answers_asked(None, settings))
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
