"""The loop guard: a task that repeats itself is told, then answered from what it knows, then landed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from leanloop.budgets.budget import Loop
from leanloop.errors import LoopDetected
from leanloop.plugins.call import ModelCall, ModelReply, ToolCall, ToolResult
from leanloop.plugins.flow import ModelFlow, Plugin, ToolFlow
from leanloop.plugins.receipt import Saving
from leanloop.plugins.repeats import REPEATED, Step, alternation, last_steps, same_arguments
from leanloop.plugins.task import Task

__all__ = ["Finding", "LoopGuard", "find_loops"]

_UNKNOWN_TOOL_TIMES = 2
"""An unknown tool asked for twice is a loop: its absence will not change."""

_GRACE = 2
"""Repetitions let pass between telling the model and landing the task."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A repetition: `key` tells it from others, `what` says it in a sentence, `over` how far past the limit it is."""

    key: str
    what: str
    over: int


class LoopGuard(Plugin):
    """Sees equal (call, result) pairs, A-B-A-B, the same error and the same unknown tool, from the messages alone.

    No state is kept between tasks, so nothing leaks from one user's run into another's.
    """

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Tell the model of a repetition once; land the task when it goes on all the same."""
        rules = task.budget.loop
        if rules is not None and call.purpose == "step" and task.stopped is None:
            for finding in find_loops(call, rules):
                told_now = task.notes.add(f"loop:{finding.key}", f"[loop] {finding.what}", call.messages)
                if not told_now and finding.over >= _GRACE:
                    error = LoopDetected(finding.what)
                    task.stop(error)
                    raise error
        reply: ModelReply = yield call
        return reply

    def on_tool(self, call: ToolCall, task: Task) -> ToolFlow:
        """Answer a call whose result is known to come out the same."""
        rules = task.budget.loop
        if rules is not None and call.name not in rules.allow:
            asked = (call.name, same_arguments(call.arguments))
            steps = last_steps(call.history, rules.window)
            counted = Counter(step for step in steps if (step.name, step.arguments) == asked)
            for step, times in counted.items():
                if times >= rules.repeats:
                    task.save(Saving("loop guard", f"a repeated call of {step.name} was not run", "counted", calls=1))
                    head = f"{REPEATED} It gave the same result {times} times; this is that result:"
                    return ToolResult(f"{head}\n{step.result}", step.is_error)
        result: ToolResult = yield call
        return result


def find_loops(call: ModelCall, rules: Loop) -> list[Finding]:
    """The repetitions in the latest steps of `call.messages`."""
    steps = last_steps(call.messages, max(rules.window, 2 * (rules.repeats + _GRACE)))
    steps = [step for step in steps if step.name not in rules.allow]
    latest = steps[-rules.window :]
    found = [
        *_equal(latest, rules.repeats),
        *_same_error(latest, rules.repeats),
        *_unknown_tool(latest, {tool.name for tool in call.tools} | call.answer_tools),
    ]
    return found or _alternating(steps, rules.repeats)


def _equal(steps: Sequence[Step], repeats: int) -> list[Finding]:
    replayed = Counter(step for step in steps if step.replayed)
    return [
        Finding(
            f"equal:{step.name}:{step.arguments}",
            f"{_shown(step)} was called {times} times and gave the same result each time: {_clip(step.result)} "
            "Calling it again will not change that. Use this result, or do something else.",
            max(times - repeats, replayed[step]),
        )
        for step, times in Counter(steps).items()
        if times >= repeats
    ]


def _same_error(steps: Sequence[Step], repeats: int) -> list[Finding]:
    calls: dict[str, set[Step]] = {}
    times: Counter[str] = Counter()
    for step in steps:
        if step.is_error:
            calls.setdefault(step.result, set()).add(step)
            times[step.result] += 1
    return [
        Finding(
            f"error:{error}",
            f"The same error came {times[error]} times: {_clip(error)} Find its cause, or go on without this.",
            times[error] - repeats,
        )
        for error, made in calls.items()
        if times[error] >= repeats and len(made) > 1
    ]


def _unknown_tool(steps: Sequence[Step], known: set[str]) -> list[Finding]:
    unknown = Counter(step.name for step in steps if known and step.is_error and step.name not in known)
    return [
        Finding(
            f"unknown:{name}",
            f"There is no tool named {_clip(name)} The tools are: {', '.join(sorted(known))}.",
            times - _UNKNOWN_TOOL_TIMES,
        )
        for name, times in unknown.items()
        if times >= _UNKNOWN_TOOL_TIMES
    ]


def _alternating(steps: Sequence[Step], repeats: int) -> list[Finding]:
    pair = alternation(steps, repeats)
    if pair is None:
        return []
    first, second = sorted(pair, key=lambda step: (step.name, step.arguments))
    return [
        Finding(
            f"alternating:{first.name}:{first.arguments}:{second.name}:{second.arguments}",
            f"{_shown(first)} and {_shown(second)} were called in turns {repeats} times with the same results. "
            "Use these results, or do something else.",
            _GRACE if alternation(steps, repeats + 1) else 0,
        )
    ]


def _shown(step: Step) -> str:
    return f"{step.name}({_clip(step.arguments, 120)})"


def _clip(text: str, length: int = 200) -> str:
    """One line of at most `length` characters, closed with a full stop where it is a result."""
    line = " ".join(text[: 4 * length].split())
    clipped = line if len(line) <= length else f"{line[:length]}…"
    return clipped if length < 200 else f"{clipped or '(nothing)'}."
