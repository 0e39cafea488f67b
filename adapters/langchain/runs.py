"""Which task a call of LangGraph belongs to.

All steps of one `invoke` share LangGraph's run control, and each agent inside it has its own checkpoint
namespace: together they name a run of an agent. A run that was interrupted is found again by its thread
and its last user message, so that resuming opens no fresh budget.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast

from langchain_core.messages import BaseMessage
from langgraph.config import get_config
from langgraph.runtime import get_runtime

from leanloop.adapters.langchain.run import Run
from leanloop.budgets.budget import Budget
from leanloop.budgets.fields import shown
from leanloop.budgets.store import LedgerStore
from leanloop.errors import UsageError
from leanloop.plugins.alerts import Alerts, OnAlert
from leanloop.plugins.current import begin_task, current_task
from leanloop.plugins.task import Task

__all__ = ["Runs"]

_IDLE_KEPT = 1_024
"""Runs with no call in progress that are remembered, for loops that go on after an answer or an error."""

_THREADS_KEPT = 16_384
"""Threads whose last run is remembered, so that an interrupted one is found again."""


class Runs:
    """The runs of one agent in this process; safe under threads.

    With `shared`, for a budget that nobody named, calls outside any agent belong to the current task.
    """

    def __init__(
        self, budget: Budget, store: LedgerStore | None, on_alert: OnAlert | None = None, *, shared: bool = False
    ) -> None:
        self._budget = budget
        self._shared = shared
        self._store = store
        self._on_alert = Alerts(on_alert).hook  # checked before the first run
        self._lock = threading.Lock()
        self._by_run: OrderedDict[tuple[int, str], Run] = OrderedDict()
        self._by_thread: OrderedDict[tuple[str, str], Run] = OrderedDict()

    def of(self, messages: Sequence[BaseMessage]) -> Run:
        """The run the code is in, opened where there is none yet."""
        control, writer, thread, namespace, given = _place()
        with self._lock:
            run = self._by_run.get((id(control), namespace)) if control is not None else None
            if run is None:
                question = _question(messages)
                earlier = self._by_thread.get((thread, namespace)) if thread is not None else None
                if earlier is not None and question in earlier.questions:
                    run = earlier
                else:
                    run = Run(self._open(thread, namespace, question, given), control, session=thread or "")
                if control is not None:
                    # A resumed run has a new control; the old one's address may be given to any other run.
                    self._by_run.pop((id(run.control), namespace), None)
                    run.control = control
                    self._by_run[id(control), namespace] = run
                    self._forget_idle()
                if thread is not None:
                    self._by_thread[thread, namespace] = run
                    self._by_thread.move_to_end((thread, namespace))
                    if len(self._by_thread) > _THREADS_KEPT:
                        self._by_thread.popitem(last=False)
            if thread is not None:
                run.note_questions(messages)
            if writer is not None:
                run.lasts_as_long_as(writer)
            return run

    def around(self, messages: Sequence[BaseMessage] = ()) -> Run:
        """The run a call outside any agent belongs to."""
        current = current_task()
        return Run(current, None) if current is not None and self._shared else self.of(messages)

    def _open(self, thread: str | None, namespace: str, question: str | None, given: Mapping[str, object]) -> Task:
        value = _worth(given.get("value"))
        # None is nobody: as the text "None" it would be one user, that all without a name share.
        tags = {key: str(tag) for key, tag in given.items() if key != "value" and tag is not None}
        named = None
        if thread is not None and question is not None:
            named = uuid.uuid5(uuid.NAMESPACE_OID, f"{self._budget.agent}\n{thread}\n{namespace}\n{question}").hex
        return begin_task(
            self._budget, tags=tags, store=self._store, task_id=named, value=value, on_alert=self._on_alert
        )

    def _forget_idle(self) -> None:
        """Drop the oldest idle run where there are many; a run at work is never forgotten."""
        if len(self._by_run) > _IDLE_KEPT:
            idle = next((key for key, run in self._by_run.items() if run.idle), None)
            if idle is not None:
                del self._by_run[idle]


def _question(messages: Sequence[BaseMessage]) -> str | None:
    """The id of the last user message."""
    return next((message.id for message in reversed(messages) if message.type == "human"), None)


def _worth(value: object) -> Decimal | float | None:
    if value is None or (isinstance(value, Decimal | float | int) and not isinstance(value, bool)):
        return value
    raise UsageError(
        f"The value of a task must be a number of US dollars, not {shown(value)}: "
        'config={"configurable": {"leanloop": {"value": 4.0}}}.'
    )


def _place() -> tuple[object, object, str | None, str, Mapping[str, object]]:
    """Run control, stream writer, thread, namespace of the agent inside the run, and what the caller gave: tags, and
    the value.

    The writer is made anew for each run of a graph, also where nobody streams, and is held by nothing that outlives it.
    """
    try:
        settings = cast("Mapping[str, object]", get_config().get("configurable", {}))
        runtime: object = get_runtime()
    except (RuntimeError, KeyError):  # outside any graph
        return None, None, None, "", {}
    thread = settings.get("thread_id")
    given = settings.get("leanloop")
    told: Mapping[object, object] = {}
    if given is not None and isinstance(given, Mapping):
        told = cast("Mapping[object, object]", given)
    return (
        getattr(runtime, "control", None),
        getattr(runtime, "stream_writer", None),
        str(thread) if thread is not None else None,
        str(settings.get("checkpoint_ns", "")).rpartition("|")[0],
        {str(key): value for key, value in told.items()},
    )
