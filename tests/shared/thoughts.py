"""An agent that thinks, searches, thinks again and answers, and what must have been sent for it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from told import steps_in, tools_in

from leanloop.budgets.scaffold_rules import COGNITIVE_TOOLS
from leanloop.plugins.scaffold.catalogue import built_in

__all__ = ["assert_thoughts_stand", "says"]


def says(body: dict[str, Any]) -> Any:
    """What the provider answers to a request."""
    if not tools_in(body):
        return "Asked: a number."
    calls = sum(kind == "call" for kind, _ in steps_in(body))
    match calls:
        case 0:
            return {"id": "c1", "name": "understand_question", "args": {"question": "How many?"}}
        case 1:
            return {"id": "c2", "name": "search", "args": {"q": "sheep"}}
        case 2:
            return {"id": "c3", "name": "examine_answer", "args": {"question": "How many?", "reasoning": "9"}}
        case _:
            return "It is 9."


def assert_thoughts_stand(payloads: Sequence[dict[str, Any]]) -> None:
    """Each thought stands where it was had, was asked for without tools, and what was sent before it stays."""
    steps = [body for body in payloads if tools_in(body)]
    thoughts = [body for body in payloads if not tools_in(body)]
    assert (len(steps), len(thoughts)) == (4, 2)
    for body in steps:
        assert tools_in(body) == ["search", *COGNITIVE_TOOLS]
    assert [kind for kind, _ in steps_in(steps[-1])] == ["user", *["call", "result"] * 3]
    told = [said for kind, said in steps_in(steps[-1]) if kind != "user"]
    assert told[::2] == ["understand_question", "search", "examine_answer"]
    for said, wanted in zip(told[1::2], ["Asked: a number.", "found sheep", "Asked: a number."], strict=True):
        assert wanted.replace(" ", "") in said.replace(" ", "")  # the provider streams words only
    for before, after in pairwise(steps):
        assert steps_in(after)[: len(steps_in(before))] == steps_in(before)
    (one,) = steps_in(thoughts[0])
    assert one == ("user", "<question>\nHow many?\n</question>")
    assert built_in("understand_question").prompt.splitlines()[0] in str(thoughts[0])
    assert not {"tool_choice", "toolConfig", "parallel_tool_calls"} & thoughts[0].keys()
