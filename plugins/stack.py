"""The order of the plugins, in one place."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.call import ModelCall, ToolCall
from leanloop.plugins.degrade import Degrade
from leanloop.plugins.flow import ModelFlow, Plugin, ToolFlow, compose
from leanloop.plugins.landing import Landing
from leanloop.plugins.loop import LoopGuard
from leanloop.plugins.notice import BudgetNotice
from leanloop.plugins.task import Task

__all__ = ["Stack"]


class Stack:
    """The plugins around every call of an agent, outermost first.

    1. Landing: catches what anything below it refuses.
    2. LoopGuard: sees the history as the agent has it, before anything is shortened or added.
    3. The user's own plugins.
    4. Degrade: after all that chooses by the model the user named (a cache's key has it), and outside of what reserves,
       so that the call is counted, priced and capped as what it has become; one that its model refuses is made again.
    5. BudgetNotice: adds its notes last, so that they change no key of a cache further out.
    6. BudgetGuard: innermost, sees exactly what is sent, and each attempt of a plugin that tries again.
    """

    def __init__(self, plugins: Sequence[Plugin] = ()) -> None:
        self.plugins: tuple[Plugin, ...] = (Landing(), LoopGuard(), *plugins, Degrade(), BudgetNotice(), BudgetGuard())
        self._on_model = tuple(p.on_model for p in self.plugins if type(p).on_model is not Plugin.on_model)
        self._on_tool = tuple(p.on_tool for p in self.plugins if type(p).on_tool is not Plugin.on_tool)
        parts = (*plugins, Degrade(), self.plugins[-1])
        self._on_part = tuple(p.on_model for p in parts if type(p).on_model is not Plugin.on_model)
        self.holds_stream = any(plugin.holds_stream for plugin in self.plugins)

    def model_flow(self, call: ModelCall, task: Task) -> ModelFlow:
        """The flow of one model call, for a driver to run."""
        return compose(self._on_model, call, task)

    def part_flow(self, call: ModelCall, task: Task) -> ModelFlow:
        """The flow of a model call within a larger one (a tool's, a query's) that lands for it.

        The user's plugins, `degrade` and the budget: a refusal is raised, and there is no history for guards and
        notices to read.
        """
        return compose(self._on_part, call, task)

    def tool_flow(self, call: ToolCall, task: Task) -> ToolFlow:
        """The flow of one tool call."""
        return compose(self._on_tool, call, task)
