from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from leanloop import Image, Message, ToolRequest
from leanloop.adapters.langchain.messages import Transcript, from_langchain, to_langchain

PNG = (
    b"\x89PNG\r\n\x1a\n"
    + struct.pack(">I", 13)
    + b"IHDR"
    + struct.pack(">II", 640, 480)
    + b"\x08\x02\0\0\0"
    + b"\0" * 4
)


def test_every_kind_of_message_has_its_role() -> None:
    kinds: list[tuple[BaseMessage, str]] = [
        (SystemMessage("x"), "system"),
        (HumanMessage("x"), "user"),
        (AIMessage("x"), "assistant"),
        (ToolMessage("x", tool_call_id="c"), "tool"),
        (FunctionMessage(content="x", name="f"), "tool"),
        (ChatMessage(content="x", role="assistant"), "user"),
        (ChatMessage(content="x", role="ai"), "assistant"),
    ]
    assert [from_langchain(message).role for message, _ in kinds] == [role for _, role in kinds]


def test_the_way_back_gives_the_very_same_object() -> None:
    message = HumanMessage([{"type": "mystery", "data": "x"}], id="m1")
    assert to_langchain(from_langchain(message)) is message


@given(st.sampled_from(["system", "user", "assistant", "tool"]), st.text(max_size=50), st.booleans())
def test_a_new_message_comes_back_as_it_was_sent(role: Any, text: str, failed: bool) -> None:
    calls = (ToolRequest("c1", "search", '{"q":"a"}'),) if role == "assistant" else ()
    of_tool = role == "tool"
    made = Message(role, text, calls, "c1" if of_tool else None, "search" if of_tool else None, of_tool and failed)
    back = from_langchain(to_langchain(made))
    assert (back.role, back.text, back.tool_calls, back.tool_call_id, back.is_error) == (
        (made.role, made.text, made.tool_calls, made.tool_call_id, made.is_error)
    )


@pytest.mark.parametrize(("arguments", "given_back"), [("{broken", {"input": "{broken"}), ("[1]", {"input": [1]})])
def test_arguments_that_are_no_object_are_kept_under_a_name(arguments: str, given_back: dict[str, object]) -> None:
    message = to_langchain(Message("assistant", "", (ToolRequest("c1", "search", arguments),)))
    assert isinstance(message, AIMessage)
    assert message.tool_calls[0]["args"] == given_back


def test_calls_with_broken_arguments_are_seen_too() -> None:
    message = AIMessage(
        "",
        invalid_tool_calls=[{"name": "search", "args": "{brok", "id": "c1", "error": "x", "type": "invalid_tool_call"}],
    )
    assert from_langchain(message).tool_calls == (ToolRequest("c1", "search", "{brok"),)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(PNG).decode()}},
        {"type": "image_url", "image_url": "data:image/png;base64," + base64.b64encode(PNG).decode()},
        {"type": "image", "base64": base64.b64encode(PNG).decode(), "mime_type": "image/png"},
        {"type": "image", "source": {"type": "base64", "data": base64.b64encode(PNG).decode()}},
    ],
)
def test_the_size_of_an_embedded_picture_is_read(block: dict[str, Any]) -> None:
    assert from_langchain(HumanMessage([block])).images == (Image(640, 480, "auto"),)


@pytest.mark.parametrize(
    "url", ["https://example.org/a.png", "data:image/png;base64,%%%", "data:image/png;base64,aGk="]
)
def test_a_picture_of_unknown_size_is_a_picture_all_the_same(url: str) -> None:
    block = {"type": "image_url", "image_url": {"url": url, "detail": "low"}}
    assert from_langchain(HumanMessage([block])).images == (Image(None, None, "low"),)


def test_blocks_of_text_thought_and_files() -> None:
    message = AIMessage(
        [
            "plain",
            {"type": "text", "text": "said"},
            {"type": "thinking", "thinking": "thought"},
            {"type": "reasoning", "reasoning": ["in", "parts"]},
            {"type": "tool_use", "id": "c1", "name": "search", "input": {}},
            {"type": "file", "base64": "x" * 1_600},
        ]
    )
    neutral = from_langchain(message)
    assert neutral.text == 'plain\nsaid\nthought\n["in","parts"]'
    assert 100 <= neutral.other_tokens <= 110


class TestTranscript:
    def test_only_what_is_new_is_converted(self) -> None:
        transcript = Transcript()
        history: list[BaseMessage] = [HumanMessage("a"), AIMessage("b")]
        first = transcript.of(history)
        second = transcript.of([*history, HumanMessage("c")])
        assert all(one is other for one, other in zip(first, second, strict=False))
        assert transcript.of([*history, HumanMessage("c")])[:2] == first

    def test_a_shorter_history_is_taken_as_it_is(self) -> None:
        transcript = Transcript()
        messages: list[BaseMessage] = [HumanMessage("a"), AIMessage("b"), HumanMessage("c")]
        transcript.of(messages)
        assert [neutral.text for neutral in transcript.of([messages[0], messages[2]])] == ["a", "c"]
        assert transcript.of([]) == ()

    def test_an_expected_message_is_not_converted_again(self) -> None:
        transcript = Transcript()
        raw = AIMessage("b")
        expected = from_langchain(raw)
        transcript.expect(expected)
        assert transcript.of([HumanMessage("a"), raw])[1] is expected

    @given(st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=8))
    def test_it_gives_what_a_conversion_from_scratch_gives(self, histories: list[list[int]]) -> None:
        known: list[BaseMessage] = [HumanMessage(f"m{n}") for n in range(6)]
        transcript = Transcript()
        for history in histories:
            raw = [known[n] for n in history]
            assert transcript.of(raw) == tuple(from_langchain(message) for message in raw)
