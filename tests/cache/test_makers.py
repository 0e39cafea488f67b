"""Answers are told apart by who makes them: other routes, thinking or cognitive tools make another answer."""

from __future__ import annotations

import pytest

import leanloop
from leanloop import MemoryStore, Message, ModelCall, ModelReply, Usage, parse_budget
from leanloop.plugins.drive_sync import run
from leanloop.plugins.stack import Stack
from leanloop.plugins.supplied import Supplied

ROUTES = "routes: {cheap: gpt-4.1-nano, when_unsure: cheap}"


@pytest.mark.parametrize(
    "other",
    [
        ROUTES,
        "routes: {cheap: gpt-4.1-nano, when_unsure: dear}",
        "thinking: on",
        "thinking: {above: 60%}",
        "scaffold: {models: [gpt-4o]}",
    ],
)
def test_an_answer_made_under_other_rules_is_another_one(other: str) -> None:
    asked = ModelCall("gpt-4o", (Message("user", "What is it?"),), settings=lambda: {"temperature": 0})
    made: list[str] = []

    def send(call: ModelCall) -> ModelReply:
        made.append(call.model)
        return ModelReply(Message("assistant", "so"), Usage(10, 5))

    for rules in ("", other, "", other):
        budget = parse_budget(f"agent: a\ncache: on\n{rules}", environ={})
        with leanloop.task(budget, store=MemoryStore()) as task:
            run(Stack().model_flow(asked, task), send)
    assert len(made) == 2


def test_a_task_of_value_or_of_local_models_is_given_no_answer_of_another() -> None:
    asked = ModelCall("gpt-4o", (Message("user", "What is it?"),), settings=lambda: {"temperature": 0})
    made: list[str] = []

    def send(call: ModelCall) -> ModelReply:
        made.append(call.model)
        return ModelReply(Message("assistant", "so"), Usage(10, 5))

    local = "agent: a\ncache: on\nroutes: {cheap: llama, when_unsure: cheap, local: llama, local_only: [data=private]}"
    budget, stack = parse_budget(local, environ={}), Stack(supplied=Supplied(difficulty=lambda _: 0.9))
    for tags, value in (({}, None), ({}, 5), ({"data": "private"}, None), ({}, None), ({"data": "private"}, None)):
        with leanloop.task(budget, store=MemoryStore(), tags=tags, value=value) as task:
            run(stack.model_flow(asked, task), send)
    assert made == ["gpt-4o", "gpt-4o", "llama"]
