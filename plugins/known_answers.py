"""Answers that are known before any model is asked (the file's `answers`)."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from leanloop.budgets.answer_rules import KnownAnswer
from leanloop.budgets.budget import Budget
from leanloop.budgets.fields import shown
from leanloop.budgets.message import Message
from leanloop.budgets.tokens import counter_for
from leanloop.budgets.usage import Usage
from leanloop.errors import PriceUnknown, UsageError
from leanloop.plugins.answer_book import AnswerBook, filled
from leanloop.plugins.budget import pay_cycles
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.flow import Io, ModelFlow, Plugin
from leanloop.plugins.receipt import Saving
from leanloop.plugins.refusal import check_time
from leanloop.plugins.steps import Steps
from leanloop.plugins.supplied import Answer, Supplied
from leanloop.plugins.task import Task

__all__ = ["KnownAnswers", "check_answers"]


class KnownAnswers(Plugin):
    """Gives an answer that the file knows, instead of asking a model.

    Only to a question of the user, in words alone, that begins a turn; not where the answer must have a form. A
    question that stands in the file is answered by that; else the expressions and functions of the file are tried, one
    after the other. An expression that takes too long matches nothing, a function that raises, or gives no text,
    passes: both are noted. An answer costs nothing, and is a cycle all the same.

    Args:
        supplied: what the user brings: the functions.
    """

    def __init__(self, supplied: Supplied | None = None) -> None:
        self._functions = (supplied or Supplied()).answers
        self._latest: tuple[tuple[KnownAnswer, ...], AnswerBook] | None = None

    def idle(self, budget: Budget) -> bool:
        """Where the file knows none.

        Raises:
            UsageError: the file names a function that was not given.
        """
        check_answers(budget, self._functions)
        return not budget.answers

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Answer, or let the model be asked."""
        question = _question(call)
        known: str | None = None
        if question is not None and task.stopped is None and not task.notes.any("loop:"):
            check_time(task)
            known = yield from self._known(question, task)
        if known is None:
            reply: ModelReply = yield call
            return reply
        yield from pay_cycles(task)
        _save(call, known, task)
        return ModelReply(Message("assistant", known), Usage(), "stop", hit="known")

    def _known(self, question: str, task: Task) -> Steps[str | None]:
        latest = self._latest
        if latest is None or latest[0] is not task.rules.answers:
            latest = self._latest = (task.rules.answers, AnswerBook(task.rules.answers))
        for rule, groups in latest[1].of(question, task):
            if rule.say is not None:
                return filled(rule.say, groups)
            function = self._functions[rule.function or ""]
            said = yield from _asked(rule.function or "", function, question, task)
            if said is not None:
                return said
        return None


def check_answers(budget: Budget, functions: Mapping[str, Answer]) -> None:
    """Look whether every function that the file names is there.

    Raises:
        UsageError: one is not.
    """
    for rule in budget.answers:
        if rule.function is not None and rule.function not in functions:
            known = ", ".join(sorted(functions)) or "none"
            raise UsageError(
                f"answers: the function {shown(rule.function)} was not given (given: {known}). Give it as "
                f"LeanLoop(answers={{{shown(rule.function)}: your_function}})."
            )


def _question(call: ModelCall) -> str | None:
    """The user's question that begins a turn; None where the call is about something else."""
    last = call.messages[-1] if call.messages else None
    if last is None or last.role != "user" or call.purpose != "step" or call.structured or call.answer_tools:
        return None
    if last.images or last.other_tokens or call.force_tool:
        return None
    return last.text if last.text.strip() else None


def _asked(name: str, function: Answer, question: str, task: Task) -> Steps[str | None]:
    """What a function says; None where it passes, raises, or gives no text."""
    try:
        said: object = yield Io(_plainly, _awaited, function, question)
    except Exception as error:  # noqa: BLE001 the user's own function; the model may well be asked
        task.note(f"The function {shown(name)} under answers raised {type(error).__name__}: a model was asked.")
        return None
    if said is None or isinstance(said, str):
        return said or None
    task.note(f"The function {shown(name)} under answers gave {type(said).__name__}, no text: a model was asked.")
    return None


def _plainly(function: Answer, question: str) -> object:
    said = function(question)
    if not inspect.isawaitable(said):
        return said

    async def wait() -> object:
        return await said

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    with ThreadPoolExecutor(1) as aside:  # this thread runs a loop already, which must not be entered again
        return aside.submit(copy_context().run, asyncio.run, wait()).result()


async def _awaited(function: Answer, question: str) -> object:
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004
        said: object = function(question)
    else:
        said = await asyncio.to_thread(function, question)
    return await said if inspect.isawaitable(said) else said


def _save(call: ModelCall, said: str, task: Task) -> None:
    counter = counter_for(call.model)
    usage = Usage(
        counter.expected(counter.prompt(call.messages, call.tools)),
        counter.expected(counter.reply(Message("assistant", said))),
    )
    try:
        cost = task.prices.price(call.model, call.provider).cost(usage)
    except PriceUnknown:
        cost = 0
    how = f"the question and the answer as counted, asked of {call.model}"
    task.save(Saving("answers", "known without asking a model", how, calls=1, tokens=usage.total, cost=cost))
