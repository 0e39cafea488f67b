"""Whatever a model asks for, each call begins as the one before it did, and no tool call goes without its result."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st

from leanloop import Budget, MemoryStore, Message, ModelCall, ModelReply, Task, ToolRequest
from leanloop.budgets.message import ToolSpec
from leanloop.budgets.scaffold_rules import ScaffoldRules
from leanloop.budgets.usage import Usage
from leanloop.plugins.drive_sync import run
from leanloop.plugins.stack import Stack

MODEL = "gpt-4o-mini"
SEARCH = ToolSpec("search", "Searches.", {"type": "object"}, raw=object())
QUESTION = (Message("system", "You help."), Message("user", "How many?"))

replies = st.lists(st.lists(st.sampled_from(["search", "understand_question", "recall_related", "gone"]), max_size=3))


class Agent:
    """A loop around a model that asks for the tools in `asked`, reply by reply, and then answers."""

    def __init__(self, asked: Sequence[Sequence[str]], form: str) -> None:
        self._asked: Iterator[Sequence[str]] = iter(asked)
        self._text = form == "text"
        self._ids = 0
        self.sent: list[ModelCall] = []
        rules = ScaffoldRules.model_validate({"models": [MODEL], "form": form, "per_task": 5, "per_step": 2})
        self._task = Task(Budget(agent="a", limits=(), loop=None, notify=(), scaffold=rules), store=MemoryStore())
        self._stack = Stack()

    def run(self) -> None:
        history: tuple[Message, ...] = QUESTION
        for _ in range(20):
            call = ModelCall(MODEL, history, tools=() if self._text else (SEARCH,), agent="agent")
            said = run(self._stack.model_flow(call, self._task), self._send).message
            if not said.tool_calls:
                return
            assert not any(request.name == "understand_question" for request in said.tool_calls)
            results = [Message("tool", f"of {one.id}", tool_call_id=one.id) for one in said.tool_calls]
            history = (*history, said, *results)

    def _send(self, call: ModelCall) -> ModelReply:
        if call.purpose == "thought":
            return ModelReply(Message("assistant", f"thought {self._ids}"), Usage(10, 5))
        self.sent.append(call)
        names: Sequence[str] = next(self._asked, ())
        if self._text:
            text = "\n".join(f"@think {name}\nquestion: {self._next()}\n@end" for name in names) or "42"
            return ModelReply(Message("assistant", text), Usage(10, 5))
        requests = [ToolRequest(self._next(), name, json.dumps({"question": self._next()})) for name in names]
        return ModelReply(Message("assistant", "" if names else "42", tuple(requests)), Usage(10, 5))

    def _next(self) -> str:
        self._ids += 1
        return f"c{self._ids}"


@example([["search", "understand_question"], ["search", "understand_question"]], "tools")
@settings(deadline=None, max_examples=60)
@given(replies, st.sampled_from(["tools", "text"]))
def test_prompts_grow_and_are_valid(asked: Sequence[Sequence[str]], form: str) -> None:
    agent = Agent(asked, form)
    agent.run()
    for before, after in zip(agent.sent, agent.sent[1:], strict=False):
        assert after.messages[: len(before.messages)] == before.messages
    for call in agent.sent:
        wanted = [request.id for message in call.messages for request in message.tool_calls]
        given = [message.tool_call_id for message in call.messages if message.role == "tool"]
        assert sorted(wanted) == sorted(str(one) for one in given)
