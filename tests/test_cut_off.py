"""An answer that was cut off at leanloop's cap is noted on the receipt; one that was cut off by itself is not."""

from __future__ import annotations

import pytest

from leanloop import Budget, Limit, MemoryStore, Message, ModelCall, ModelReply, Task, Usage
from leanloop.plugins.call import Finish
from leanloop.plugins.drive_sync import run
from leanloop.plugins.stack import Stack

QUESTION = (Message("user", "Tell me all about it."),)
TIGHT = Budget(agent="a", limits=(Limit(tokens=400),))
WIDE = Budget(agent="a", limits=(Limit(tokens=100_000),))
ENDS_HERE = Budget(agent="a", limits=(Limit(model_calls=1),))


def notes(budget: Budget, *, cap: int | None = None, finish: Finish = "length") -> tuple[str, ...]:
    """What the receipt notes of a call whose answer is as long as it may be."""
    task = Task(budget, store=MemoryStore())

    def send(call: ModelCall) -> ModelReply:
        output = call.max_output or 9_000
        return ModelReply(Message("assistant", "It began"), Usage(10, output), finish)

    run(Stack().model_flow(ModelCall("gpt-4o-mini", QUESTION, max_output=cap), task), send)
    task.close()
    return task.receipt().notes


@pytest.mark.parametrize(
    ("budget", "cap", "why"),
    [
        (TIGHT, None, "a limit had no room for more."),
        (TIGHT, 5_000, "a limit had no room for more."),
        (WIDE.model_copy(update={"max_output": 300}), None, "that is max_output of the budget."),
        (WIDE.model_copy(update={"max_output": 300}), 5_000, "that is max_output of the budget."),
        (WIDE, None, "a call that names no cap gets no more under a limit on tokens or usd (max_output: ...)."),
        (ENDS_HERE, None, "no more was kept back for it (landing: {tokens: ...})."),
    ],
)
def test_the_receipt_says_at_which_cap_an_answer_was_cut_off(budget: Budget, cap: int | None, why: str) -> None:
    [note] = notes(budget, cap=cap)
    assert note.startswith("An answer of gpt-4o-mini was cut off at ")
    assert note.endswith(f" output tokens: {why}")


@pytest.mark.parametrize(("budget", "cap"), [(WIDE, 200), (Budget(agent="a", limits=(Limit(cycles=9),)), None)])
def test_an_answer_that_the_agents_own_cap_or_the_provider_cut_is_not_noted(budget: Budget, cap: int | None) -> None:
    assert notes(budget, cap=cap) == ()


def test_a_whole_answer_is_not_noted() -> None:
    assert notes(TIGHT, finish="stop") == ()
