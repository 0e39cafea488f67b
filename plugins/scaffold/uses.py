"""The uses of cognitive tools in one task: counted, capped, and answered from before where nothing is new."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Generator, Mapping
from typing import Any

from leanloop.budgets.message import ToolRequest
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.call import ModelCall, ToolCall, ToolResult
from leanloop.plugins.flow import Io
from leanloop.plugins.repeats import REPEATED, same_arguments
from leanloop.plugins.scaffold.thought import Asks, think
from leanloop.plugins.scaffold.tool import CognitiveTool
from leanloop.plugins.supplied import RunCode
from leanloop.plugins.task import Task

__all__ = ["StepUses", "Uses"]

Runs = Generator[Io[Any] | ModelCall, Any, ToolResult]


class Uses:
    """How often a task used the tools, and what they said."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a garbage collection in here may settle a call that was abandoned
        self._count = 0
        self.answers: dict[tuple[str, str], ToolResult] = {}

    def take(self, most: int) -> bool:
        """Count a use; False where `most` were made before."""
        with self._lock:
            taken = self._count < most
            self._count += taken
            return taken

    def of_step(self, tools: Mapping[str, CognitiveTool], task: Task, asks: Asks, run: RunCode | None) -> StepUses:
        """Those between two steps of the agent."""
        return StepUses(self, tools, task, asks, run)


class StepUses:
    """The uses between two steps of the agent. See `think` for the arguments."""

    def __init__(
        self, uses: Uses, tools: Mapping[str, CognitiveTool], task: Task, asks: Asks, run: RunCode | None
    ) -> None:
        self._uses = uses
        self._tools = tools
        self._task = task
        self._asks = asks
        self._run = run
        self._count = 0

    def use(
        self, request: ToolRequest, call: ModelCall
    ) -> Generator[Io[Any] | ModelCall, Any, tuple[ToolResult, bool]]:
        """The result of one call, and whether it counts as a use: one too many does not."""
        rules = self._task.budget.scaffold
        if rules is None:
            return ToolResult("Not run.", is_error=True), False
        tool = self._tools.get(request.name)
        within = self._count < rules.per_step
        if not within or not self._uses.take(rules.per_task):
            where = f"{rules.per_task:,} times in one task" if within else f"{rules.per_step:,} times in one step"
            return ToolResult(f"Not run: tools to think with may be used {where}. Go on without.", is_error=True), False
        self._count += 1
        if tool is None:
            text = f"There is no tool {request.name[:64]!r} to think with; there are {', '.join(self._tools)}."
            return ToolResult(text, is_error=True), True
        key = (tool.name, same_arguments(request.arguments))
        known = self._uses.answers.get(key)
        if known is not None:
            return ToolResult(f"{REPEATED} It was given the same before, and said:\n{known.text}"), True
        asked = ToolCall(request.id or uuid.uuid4().hex, tool.name, request.arguments)

        def runs() -> Runs:
            return think(
                tool, request.arguments, call, self._task, most=rules.max_tokens, asks=self._asks, run=self._run
            )

        result = yield from _counted(asked, self._task, runs)
        if not result.is_error:
            self._uses.answers[key] = result
        return result, True


def _counted(asked: ToolCall, task: Task, runs: Callable[[], Runs]) -> Runs:
    """The result within the limits on tool calls, where each use is one, beside the calls of models that it makes."""
    flow = BudgetGuard().on_tool(asked, task)
    value: object = None
    failure: BaseException | None = None
    try:
        while True:
            step = flow.send(value) if failure is None else flow.throw(failure)
            value = failure = None
            try:
                value = (yield step) if isinstance(step, Io) else (yield from runs())
            except BaseException as error:  # noqa: BLE001 the flow decides
                failure = error
    except StopIteration as stop:
        result: ToolResult = stop.value
        return result
