"""Cognitive tools as plain functions, over whatever asks a model."""

from __future__ import annotations

import asyncio

import pytest

import leanloop
from leanloop import Budget, Limit, UsageError
from leanloop.plugins.scaffold import (
    CognitiveTool,
    arun_tool,
    backtracking,
    examine_answer,
    recall_related,
    run_tool,
    understand_question,
)
from leanloop.plugins.scaffold.catalogue import built_in

WEIGH = CognitiveTool("weigh", "Weighs.", {"options": "o"}, "Weigh.")


def echo(system: str, text: str) -> str:
    return f"{system[:12]}|{text}"


def test_each_asks_with_its_own_prompt_and_its_inputs() -> None:
    question, reasoning = "How many?", "Two."
    given = f"<question>\n{question}\n</question>"
    both = f"{given}\n\n<reasoning>\n{reasoning}\n</reasoning>"
    said = {
        "understand_question": (understand_question(echo, question), given),
        "recall_related": (recall_related(echo, question), given),
        "examine_answer": (examine_answer(echo, question, reasoning), both),
        "backtracking": (backtracking(echo, question, reasoning), both),
    }
    for name, (text, inputs) in said.items():
        assert text == f"{built_in(name).prompt[:12]}|{inputs}"


def test_an_own_tool_is_run_too_and_awaited() -> None:
    async def ask(system: str, text: str) -> str:
        await asyncio.sleep(0)
        return echo(system, text)

    assert run_tool(WEIGH, echo, options="a, b") == "Weigh.|<options>\na, b\n</options>"
    assert asyncio.run(arun_tool(WEIGH, ask, options="a, b")) == "Weigh.|<options>\na, b\n</options>"


def test_an_answer_is_left_out_where_there_is_to_be_none() -> None:
    def leaks(_: str, __: str) -> str:
        return "Asked: a number.\nThe answer is 41."

    assert "41" not in understand_question(leaks, "How many?")


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({}, "weigh needs options; it takes options"),
        ({"options": " "}, "weigh needs options"),
        ({"options": "a", "more": "b"}, "weigh has no input 'more'; it takes options"),
    ],
)
def test_wrong_inputs_are_refused(inputs: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        run_tool(WEIGH, echo, **inputs)


def test_long_inputs_are_shortened() -> None:
    assert len(understand_question(echo, "words and more words, " * 5_000)) < 25_000


def test_within_a_task_a_use_is_a_tool_call() -> None:
    async def ask(system: str, text: str) -> str:
        return echo(system, text)

    with leanloop.task(Budget(agent="a", limits=(Limit(tool_calls=2),))) as task:
        run_tool(WEIGH, echo, options="a")
        asyncio.run(arun_tool(WEIGH, ask, options="b"))
        assert task.receipt().tool_calls == {"weigh": 2}
        with pytest.raises(UsageError, match="The limit of 2 tool calls"):
            run_tool(WEIGH, echo, options="c")
