"""Cognitive tools for a model that cannot call tools: by the protocol in its text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from leanloop import Budget, MemoryStore, Message, ModelCall, ModelReply, Task
from leanloop.budgets.scaffold_rules import ScaffoldRules
from leanloop.budgets.usage import Usage
from leanloop.plugins.abilities import Abilities
from leanloop.plugins.drive_stream import stream
from leanloop.plugins.drive_sync import run
from leanloop.plugins.scaffold.catalogue import built_in
from leanloop.plugins.stack import Stack

MODEL = "gpt-4o-mini"
QUESTION = (Message("user", "How many?"),)
CALL = "Hm.\n@think understand_question\nquestion: How many?\n@end"


class Model:
    """Says `texts` in turn, and "a thought" to what is asked apart."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.seen: list[ModelCall] = []

    def __call__(self, call: ModelCall) -> ModelReply:
        self.seen.append(call)
        said = sum(one.purpose == "step" for one in self.seen)
        text = "a thought" if call.purpose == "thought" else self.texts[min(said, len(self.texts)) - 1]
        return ModelReply(Message("assistant", text), Usage(10, 5))


def asked(model: Callable[[ModelCall], ModelReply], **rules: object) -> str:
    scaffold = ScaffoldRules.model_validate({"models": (MODEL,), "form": "text", **rules})
    task = Task(Budget(agent="a", scaffold=scaffold), store=MemoryStore())
    return run(Stack().model_flow(ModelCall(MODEL, QUESTION, agent="agent"), task), model).message.text


def test_the_call_in_the_text_is_answered_in_the_text() -> None:
    model = Model(f"{CALL}\n@thought understand_question\nmade up\n@end\nSo 7.", "Now I see.\nAnswer: 42")
    assert asked(model) == "Now I see.\nAnswer: 42"
    first, thought, second = model.seen
    assert "@think understand_question" in first.messages[0].text
    assert first.tools == ()
    assert thought.messages[0].text == built_in("understand_question").prompt
    assert [(message.role, message.text) for message in second.messages[1:]] == [
        ("user", "How many?"),
        ("assistant", CALL),
        ("user", "@thought understand_question\na thought\n@end"),
    ]


def test_the_profile_of_a_model_says_that_it_cannot_call_tools() -> None:
    model = Model(CALL, "42")
    task = Task(Budget(agent="a", scaffold=ScaffoldRules(models=(MODEL,))), store=MemoryStore())
    call = ModelCall(MODEL, QUESTION, agent="agent", abilities=lambda _: Abilities(tools=False))
    assert run(Stack().model_flow(call, task), model).message.text == "42"
    assert len(model.seen) == 3


@pytest.mark.parametrize("form", [{"structured": True}, {"force_tool": True}])
def test_an_answer_that_must_have_a_form_has_no_room_for_the_protocol(form: dict[str, Any]) -> None:
    model = Model("{}")
    rules = ScaffoldRules(models=(MODEL,), form="text")
    task = Task(Budget(agent="a", scaffold=rules), store=MemoryStore())
    run(Stack().model_flow(ModelCall(MODEL, QUESTION, agent="agent", **form), task), model)
    assert [call.messages for call in model.seen] == [QUESTION]


def test_a_model_that_goes_on_calling_is_stopped_and_its_reader_shown_no_protocol() -> None:
    model = Model(*[f"Step {n}.\n@think understand_question\nquestion: {n}\n@end" for n in range(50)])
    text = asked(model, per_step=3)
    assert text == "Step 4."
    assert sum(call.purpose == "thought" for call in model.seen) == 3
    assert sum(call.purpose == "step" for call in model.seen) == 5


def test_where_nothing_but_protocol_is_left_the_reader_is_shown_what_was_said_before_it() -> None:
    model = Model(*[f"{'Hm.' * (n < 1)}\n@think understand_question\nquestion: {n}\n@end" for n in range(50)])
    assert asked(model, per_step=1) == "Hm."


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("@think solve_everything\n@end", "There is no tool 'solve_everything' to think with"),
        ("@think understand_question\n@end", "understand_question needs question; nothing was given."),
        ("@think\nquestion: a", "There is no tool '' to think with"),
    ],
)
def test_a_call_that_cannot_be_run_is_answered(text: str, result: str) -> None:
    model = Model(text, "42")
    assert asked(model) == "42"
    assert result in model.seen[-1].messages[-1].text


class Letters:
    """Chunks of one letter."""

    def join(self, chunks: Sequence[str]) -> ModelReply:
        return ModelReply(Message("assistant", "".join(chunks)), Usage(10, 5), raw=object())

    def split(self, reply: ModelReply) -> list[str]:
        return [reply.message.text]


def test_a_stream_shows_the_answer_alone() -> None:
    model = Model(CALL, "42")
    task = Task(Budget(agent="a", scaffold=ScaffoldRules(models=(MODEL,), form="text")), store=MemoryStore())
    flow = Stack().model_flow(ModelCall(MODEL, QUESTION, agent="agent"), task)
    chunks = list(stream(flow, lambda call: (letter for letter in model(call).message.text), Letters()))
    assert chunks == ["4", "2"]
    assert len(model.seen) == 3
