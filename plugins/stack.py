"""The order of the plugins, in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from leanloop.budgets.budget import Budget
from leanloop.budgets.message import ToolSpec
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.cache.answer_cache import AnswerCache
from leanloop.plugins.cache.ground import Grounds
from leanloop.plugins.cache.tool_cache import ToolCache
from leanloop.plugins.call import ModelCall, ToolCall
from leanloop.plugins.cascade.judge import check_gates
from leanloop.plugins.context_editing import ContextEditing
from leanloop.plugins.degrade import Degrade
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.events.tool import tell_of_tool
from leanloop.plugins.events.watching import Watching
from leanloop.plugins.flow import ModelFlow, Plugin, ToolFlow, compose
from leanloop.plugins.known_answers import KnownAnswers, check_answers
from leanloop.plugins.landing import Landing
from leanloop.plugins.loop import LoopGuard
from leanloop.plugins.notice import BudgetNotice
from leanloop.plugins.outcomes.signals import Outcomes
from leanloop.plugins.prefix import Prefix
from leanloop.plugins.read_result import READ_DESCRIPTION, READ_RESULT, ReadResult
from leanloop.plugins.result_limit import ResultLimit
from leanloop.plugins.routing.routing import Routing
from leanloop.plugins.scaffold.offer import tools_named
from leanloop.plugins.scaffold.scaffold import Scaffold
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task
from leanloop.plugins.thinking.gate import Thinking
from leanloop.plugins.trial.experiment import Experiment

__all__ = ["Stack"]

OnModel = Callable[[ModelCall, Task], ModelFlow]
OnTool = Callable[[ToolCall, Task], ToolFlow]


_CHAINS = 64


class _Chain(NamedTuple):
    """What is around the calls of a task under one budget."""

    budget: Budget
    on_model: tuple[OnModel, ...]
    on_part: tuple[OnModel, ...]
    on_tool: tuple[OnTool, ...]


class Stack:
    """The plugins around every call of an agent, outermost first.

    Around a model call:

    1. Landing: catches what anything below it refuses.
    2. Outcomes: sees what tools gave to the step before, and where the loop guard ends a task.
    3. LoopGuard: sees the history as the agent has it, before anything is cleared or added.
    4. ContextEditing: clears old results before the user's plugins, Degrade and the budget see the call, which then is
       what they choose, price and reserve for. A landing stands outside: it reads what the last step was sent.
    5. The user's own plugins.
    6. KnownAnswers: what the file knows is asked of nobody, and kept by no cache.
    7. AnswerCache: its key has what the user's plugins make of the call, and the model that the user named; a hit
       spares all that is below.
    8. Thinking: chooses the effort by the call as it is, before another model takes it over.
    9. Routing: chooses the model, for the effort that was chosen; what it asks of several models, or again, each of
       the plugins below sees.
    10. Degrade: after all that chooses by the model the user named, and outside of what reserves, so that the call is
       counted, priced and capped as what it has become; one that its model refuses is made again.
    11. BudgetNotice: adds its notes last, so that they change no key of a cache further out.
    12. Scaffold: inside of all that chooses model and effort, since it goes by the model that is really asked, and
       behind the notes, so that what it puts back between messages moves none of them.
    13. Prefix: behind all that changes what is sent, which it orders, marks and compares with what was sent before.
    14. BudgetGuard: innermost, sees exactly what is sent, and each attempt of a plugin that tries again.

    Around a tool call:

    1. LoopGuard: answers a repetition at no cost.
    2. The user's own plugins: see a result as the model will.
    3. BudgetGuard: refuses one too many, of reading back as well.
    4. ReadResult: answers a call of `read_result`; ResultLimit never sees what it gives, which has a limit of its own.
    5. ResultLimit: so that a result is shortened once, when it arrives, and nobody further out keeps or repeats the
       whole of it.
    6. ToolCache: innermost, so that what is given again is whole, and shortened for who asks.

    A plugin that is idle under the budget of a task is not around its calls. Around all of that, where the budget has
    an experiment, is Experiment: it says whether the task runs without one key of it.

    Args:
        plugins: the user's own.
        grounds: what the caches stand on.
        supplied: what a user brings of their own.
    """

    def __init__(
        self, plugins: Sequence[Plugin] = (), grounds: Grounds | None = None, supplied: Supplied | None = None
    ) -> None:
        grounds = grounds or Grounds()
        self.supplied = supplied or Supplied()
        self.learning = Learning(self.supplied)
        own, answers, budget = tuple(plugins), AnswerCache(grounds), BudgetGuard()
        thinking, degrade = Thinking(self.learning), Degrade()
        routing = Routing(self.learning, self.supplied)
        self._model: tuple[Plugin, ...] = (
            Landing(),
            Outcomes(),
            LoopGuard(),
            ContextEditing(),
            *own,
            KnownAnswers(self.supplied),
            answers,
            thinking,
            routing,
            degrade,
            BudgetNotice(),
            Scaffold(self.supplied, self.learning, answers),
            Prefix(),
            budget,
        )
        self._part: tuple[Plugin, ...] = (*own, answers, thinking, routing, degrade, budget)
        self._tool: tuple[Plugin, ...] = (LoopGuard(), *own, budget, ReadResult(), ResultLimit(), ToolCache(grounds))
        self.plugins = self._model
        self.holds_stream = any(plugin.holds_stream for plugin in self.plugins)
        self._chains: dict[int, _Chain] = {}  # by identity of their budget, which they hold
        self._experiment = Experiment(self.learning)
        self._watching = Watching(self.supplied)

    def check(self, budget: Budget) -> None:
        """Look whether all that the budget names by name was given, before anything is asked.

        Raises:
            UsageError: a function, a check or a cognitive tool was not.
        """
        check_answers(budget, self.supplied.answers)
        if budget.routes is not None and budget.routes.cascade is not None:
            check_gates(budget.routes.cascade, self.supplied)
        if budget.scaffold is not None and budget.scaffold.models:
            tools_named(budget.scaffold, self.supplied)

    def model_flow(self, call: ModelCall, task: Task) -> ModelFlow:
        """The flow of one model call, for a driver to run."""
        self._watching.begin(task)
        if len(call.tools) > len(call.answer_tools):  # one without tools (a query's, inside a tool) says nothing of it
            task.readable = any(map(_reads, call.tools))
        if task.readable and task.budget.context is not None:
            call = replace(call, readable=True)
        if task.budget.experiment is not None:
            return compose((self._experiment.on_model, self._in_arm), call, task)
        return compose(self._chain(task.budget).on_model, call, task)

    def part_flow(self, call: ModelCall, task: Task) -> ModelFlow:
        """The flow of a model call within a larger one (a tool's, a query's) that lands for it.

        The user's plugins, the cache, thinking, routes, `degrade` and the budget: a refusal is raised, and there is no
        history for guards and notices to read.
        """
        self._watching.begin(task)
        if task.budget.experiment is not None:
            return compose((self._experiment.on_model, self._part_in_arm), call, task)
        return compose(self._chain(task.budget).on_part, call, task)

    def tool_flow(self, call: ToolCall, task: Task) -> ToolFlow:
        """The flow of one tool call."""
        self._watching.begin(task)
        hooks = self._chain(task.rules).on_tool
        return compose((tell_of_tool, *hooks) if task.events else hooks, call, task)

    def _in_arm(self, call: ModelCall, task: Task) -> ModelFlow:
        return compose(self._chain(task.rules).on_model, call, task)

    def _part_in_arm(self, call: ModelCall, task: Task) -> ModelFlow:
        return compose(self._chain(task.rules).on_part, call, task)

    def _chain(self, budget: Budget) -> _Chain:
        """Made once for a budget: tasks of an experiment's two arms, and of several agents, come by turns."""
        chain = self._chains.get(id(budget))
        if chain is None:
            if len(self._chains) >= _CHAINS:
                self._chains.clear()
            chain = self._chains[id(budget)] = _Chain(
                budget,
                tuple(p.on_model for p in self._model if _does(p, "on_model", budget)),
                tuple(p.on_model for p in self._part if _does(p, "on_model", budget)),
                tuple(p.on_tool for p in self._tool if _does(p, "on_tool", budget)),
            )
        return chain


def _reads(tool: ToolSpec) -> bool:
    """Whether it is `read_result`, and ours; in whatever form a framework was given it."""
    return tool.name == READ_RESULT and tool.description == READ_DESCRIPTION


def _does(plugin: Plugin, hook: str, budget: Budget) -> bool:
    return getattr(type(plugin), hook) is not getattr(Plugin, hook) and not plugin.idle(budget)
