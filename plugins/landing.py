"""The landing: a task that ran out ends with an answer from what it has, never with a stack trace."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import replace

from leanloop.budgets.message import Message
from leanloop.budgets.tokens import counter_for
from leanloop.budgets.usage import Usage
from leanloop.errors import BudgetExceeded, TaskStopped
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.events.event import Landed
from leanloop.plugins.flow import ModelFlow, Plugin
from leanloop.plugins.landing_history import answered, gathered, shortened
from leanloop.plugins.task import Task

__all__ = ["Landing"]

_log = logging.getLogger("leanloop")

_TRIES = 3
"""How often the history is shortened to what is left before the answer is put together without a model."""


class Landing(Plugin):
    """Turns a refusal into a last answer (`at_limit: land`), or lets it out (`at_limit: raise`).

    The last call may call no tool, except one that carries a structured answer. What it may cost was
    set aside at the start. Where there is no room for any call, the answer is put together from the
    history without a model.
    """

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Begin a cycle, make the call, land where it is refused.

        However it ends, what was set aside for a landing that will not come is given back.
        """
        task.clock.resume()
        task.cycles.begin()
        try:
            try:
                reply: ModelReply = yield call
            except TaskStopped as stop:
                if task.budget.at_limit == "raise":
                    raise
                reply = yield from _land(call, task, stop)
                if task.events:
                    by_model = reply.raw is not None or reply.usage != Usage()
                    task.events.tell(Landed(task.events.of, time.time(), stop.reason, by_model))
        except BaseException as error:
            yield from task.hold.give_back()
            if isinstance(error, TaskStopped):
                task.events.tell_end()
            raise
        if all(request.name in call.answer_tools for request in reply.message.tool_calls):
            yield from task.hold.give_back()
            task.events.tell_end()
        return reply


def _land(call: ModelCall, task: Task, stop: TaskStopped) -> ModelFlow:
    if not task.begin_landing() or not task.budget.landing.tokens:
        return _without_model(call, stop)
    asked = Message("user", _request(stop, bool(call.answer_tools)))
    history = answered(call.messages)
    landing = replace(
        call,
        messages=(*history, asked),
        forbid_tools=True,
        max_output=min(task.budget.landing.tokens + call.min_output, call.max_output or sys.maxsize),
        purpose="landing",
        hold_stream=True,
    )
    counter = counter_for(call.model)
    for _ in range(_TRIES):
        try:
            reply: ModelReply = yield landing
        except BudgetExceeded as error:
            share = max(0.0, (error.limit - error.spent - error.reserved) / error.needed) if error.needed else 0.0
            target = int(counter.prompt(landing.messages, landing.tools) * min(0.5, 0.8 * share))
            landing = replace(landing, messages=(*shortened(history, target, counter), asked))
        except Exception as error:  # noqa: BLE001  (a failed landing still ends with an answer)
            _log.warning(
                "The last call of task %s failed (%s): its answer is put together from what the tools gave.",
                task.id,
                type(error).__name__,
            )
            break
        else:
            return _answer_only(call, reply, stop)
    return _without_model(call, stop)


def _request(stop: TaskStopped, structured: bool) -> str:
    how = "in the required format" if structured else "in words"
    return (
        f"[budget] This task ends here. {stop.reason} Call no further tools. Answer now, {how}, from what you "
        "have found so far, and say what is missing."
    )


def _answer_only(call: ModelCall, reply: ModelReply, stop: TaskStopped) -> ModelReply:
    """The reply without tool calls a model made in spite of being told not to."""
    kept = tuple(request for request in reply.message.tool_calls if request.name in call.answer_tools)
    if kept == reply.message.tool_calls and (kept or reply.message.text.strip()):
        return reply
    text = reply.message.text if reply.message.text.strip() or kept else gathered(call.steps, stop)
    message = replace(reply.message, text=text, tool_calls=kept, raw=None)
    return ModelReply(message, reply.usage)


def _without_model(call: ModelCall, stop: TaskStopped) -> ModelReply:
    return ModelReply(Message("assistant", gathered(call.steps, stop)), Usage())
