"""The loop guard: a task that repeats itself is told, then answered from what it knows, then landed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leanloop.budgets.budget import Budget, Loop
from leanloop.budgets.message import Message
from leanloop.errors import LoopDetected
from leanloop.plugins.call import ModelCall, ModelReply, ToolCall, ToolResult
from leanloop.plugins.events.event import Nudged
from leanloop.plugins.flow import ModelFlow, Plugin, ToolFlow
from leanloop.plugins.receipt import Saving
from leanloop.plugins.repeats import (
    NO_PARTS,
    REPEATED,
    Step,
    cycle_in,
    last_steps,
    may_repeat,
    same_arguments,
    since_news,
    will_change,
)
from leanloop.plugins.results.shown_parts import ShownParts
from leanloop.plugins.task import Task

__all__ = ["Finding", "LoopGuard", "find_loops"]

_UNKNOWN_TOOL_TIMES = 2
"""An unknown tool asked for twice is a loop: its absence will not change."""

_GRACE = 2
"""Repetitions let pass between telling the model and landing the task."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A repetition.

    `key` tells it from others, `brief` names it to people (without arguments or results), `note` tells the
    model, `over` is how far past the limit it is.
    """

    key: str
    brief: str
    note: str
    over: int


class LoopGuard(Plugin):
    """Sees equal (call, result) pairs, A-B-A-B, the same error and the same unknown tool, from the messages alone.

    No state is kept between tasks, so nothing leaks from one user's run into another's.
    """

    def idle(self, budget: Budget) -> bool:
        """Where the file says ``loop: off``."""
        return budget.loop is None

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Tell the model of a repetition once; land the task when it goes on all the same."""
        rules = task.budget.loop
        if rules is not None and call.purpose == "step" and task.stopped is None:
            for finding in find_loops(call, rules, task.shown_parts):
                told_now = task.notes.add(f"loop:{finding.key}", f"[loop] {finding.note}", call.messages)
                if told_now and task.events:
                    task.events.tell(Nudged(task.events.of, time.time(), "loop", finding.brief))
                if not told_now and finding.over >= _GRACE:
                    error = _circles(finding, task.budget, rules)
                    task.stop(error)
                    raise error
        reply: ModelReply = yield call
        return reply

    def on_tool(self, call: ToolCall, task: Task) -> ToolFlow:
        """Answer a call whose result is known to come out the same."""
        rules = task.budget.loop
        if rules is not None and call.name not in rules.allow:
            known = _known_result(call, rules, task.shown_parts)
            if known is not None:
                task.save(Saving("loop guard", f"a repeated call of {call.name} was not run", "counted", calls=1))
                return known
        result: ToolResult = yield call
        return result


def _circles(finding: Finding, budget: Budget, rules: Loop) -> LoopDetected:
    where = budget.origin.place("loop") or f"the budget of agent {budget.agent!r}"
    reason = f"The task went in circles: {finding.brief}."
    hint = f"If that is meant, name the tool under loop: {{allow: [...]}}, or raise loop: {{repeats: {rules.repeats}}}"
    return LoopDetected(reason, f"{reason} {hint} in {where}.")


def find_loops(call: ModelCall, rules: Loop, parts: ShownParts = NO_PARTS) -> list[Finding]:
    """The repetitions that the newest steps of the call's history are a part of; `parts` knows shortened results."""
    steps, newest = _guarded_steps(call.steps, rules, parts)
    if not newest:
        return []
    window = steps[-rules.window :]
    found: dict[str, Finding] = {}
    for step in steps[-newest:]:
        for finding in (
            *_equal(step, window, rules.repeats),
            *_same_error(step, window, rules.repeats),
            *_unknown_tool(step, window, call),
        ):
            found[finding.key] = finding
    going_round = list(_cycling(steps, rules))
    return [*found.values(), *(one for one in going_round if not found or one.over >= _GRACE)]


def _guarded_steps(messages: Sequence[Message], rules: Loop, parts: ShownParts) -> tuple[list[Step], int]:
    """The latest steps of tools that may not repeat themselves, and how many of them the last message asked for."""
    count = max(rules.window, 2 * (rules.repeats + _GRACE), _longest_cycle(rules) * (rules.repeats + 1))
    if not may_repeat(messages, count, parts):
        return [], 0
    steps, newest = last_steps(messages, count, parts)
    if rules.allow:
        newest = sum(step.request.name not in rules.allow for step in steps[len(steps) - newest :])
        steps = [step for step in steps if step.request.name not in rules.allow]
    return steps, newest


def _known_result(call: ToolCall, rules: Loop, parts: ShownParts) -> ToolResult | None:
    """The result a call had as often as the rules allow, within the window."""
    steps, _ = _guarded_steps(call.history, rules, parts)
    if not steps:
        return None
    asked = same_arguments(call.arguments)
    window = steps[-rules.window :]
    same = [s for s in window if s.request.name == call.name and same_arguments(s.request.arguments) == asked]
    for step in same:
        again = [other for other in since_news(window, step) if step.same_result(other) and other in same]
        if len(again) >= rules.repeats and not will_change(step.result):
            head = f"{REPEATED} It gave the same result {len(again)} times; this is that result:"
            return ToolResult(f"{head}\n{step.result}", step.answer.is_error)
    return None


def _equal(step: Step, window: Sequence[Step], repeats: int) -> Iterator[Finding]:
    same = [other for other in window if step.same(other)]
    if len(same) >= repeats:
        again = [other for other in since_news(window, step) if step.same(other)]
        hint = "Calling it again will not" if len(again) == len(same) else "What was done in between did not"
        let_pass = 2 * repeats if will_change(step.result) else repeats
        yield Finding(
            f"equal:{_key(step)}",
            f"{_name(step)} was called {len(same)} times for the same result",
            f"{_shown(step)} was called {len(same)} times and gave the same result each time: {_clip(step.result)} "
            f"{hint} change that. Use this result, or do something else.",
            max(len(again) - let_pass, sum(other.replayed for other in same)),
        )


def _same_error(step: Step, window: Sequence[Step], repeats: int) -> Iterator[Finding]:
    if not step.answer.is_error:
        return
    same = [other for other in window if step.same_result(other)]
    if len(same) >= repeats and not all(step.same_call(other) for other in same):
        yield Finding(
            f"error:{step.result}",
            f"{_name(step)} and others failed {len(same)} times in the same way",
            f"The same error came {len(same)} times: {_clip(step.result)} Find its cause, or go on without this.",
            len(same) - repeats,
        )


def _unknown_tool(step: Step, window: Sequence[Step], call: ModelCall) -> Iterator[Finding]:
    name = step.request.name
    if not step.answer.is_error or not call.tools or any(tool.name == name for tool in call.tools):
        return
    times = sum(other.request.name == name and other.answer.is_error for other in window)
    if times >= _UNKNOWN_TOOL_TIMES:
        tools = ", ".join(tool.name for tool in call.tools)
        yield Finding(
            f"unknown:{name}",
            f"a tool it does not have, {_name(step)}, was called {times} times",
            f"There is no tool named {_name(step)}. The tools are: {tools}.",
            times - _UNKNOWN_TOOL_TIMES,
        )


def _cycling(steps: Sequence[Step], rules: Loop) -> Iterator[Finding]:
    cycle = sorted(cycle_in(steps, rules.repeats, _longest_cycle(rules)), key=_key)
    if cycle:
        *others, last = map(_name, cycle)
        goes_on = len(cycle_in(steps, rules.repeats + 1, len(cycle))) == len(cycle)
        yield Finding(
            f"alternating:{':'.join(map(_key, cycle))}",
            f"{', '.join(others)} and {last} were called in turns {rules.repeats} times for the same results",
            f"{' and '.join(map(_shown, cycle))} were called in turns {rules.repeats} times with the same results. "
            "Use these results, or do something else.",
            _GRACE if goes_on else 0,
        )


def _longest_cycle(rules: Loop) -> int:
    """How many steps may come again in turns: two rounds are in the window."""
    return max(2, rules.window // 2)


def _key(step: Step) -> str:
    return f"{step.request.name}:{same_arguments(step.request.arguments)}"


def _name(step: Step) -> str:
    return _line(step.request.name, 64)


def _shown(step: Step) -> str:
    return f"{_name(step)}({_line(same_arguments(step.request.arguments), 120)})"


def _clip(result: str) -> str:
    return f"{_line(result) or '(nothing)'}."


def _line(text: str, length: int = 200) -> str:
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length else f"{line[:length]}…"
