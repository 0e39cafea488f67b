"""LlamaIndex messages, tools and usage as neutral ones, and back."""

# LlamaIndex leaves type arguments out:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import base64
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    ChatResponse,
    CitableBlock,
    CitationBlock,
    CompletionResponse,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from leanloop import Message, ToolRequest, Usage
from leanloop.adapters.llama_index.messages import Transcript, from_llama, to_llama
from leanloop.adapters.llama_index.tools import answer_of, spec_of, specs_of
from leanloop.adapters.llama_index.usage import usage_of
from leanloop.budgets.json_text import json_text
from leanloop.plugins.cache.canonical import NotCanonicalError

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_what_nothing_changed_goes_back_as_the_very_same_object() -> None:
    message = ChatMessage(content="hello")
    assert to_llama(from_llama(message)) is message


def test_text_thinking_and_tool_calls_are_told_apart() -> None:
    call = ToolCallBlock(tool_call_id="1", tool_name="search", tool_kwargs={"q": "ä"})
    unparsed = ToolCallBlock(tool_name="read", tool_kwargs='{"file"')
    blocks = [ThinkingBlock(content="hm"), TextBlock(text="so"), call, unparsed, ThinkingBlock()]
    neutral = from_llama(ChatMessage(role="assistant", blocks=blocks))
    assert (neutral.role, neutral.text) == ("assistant", "hm\nso\n")
    assert neutral.tool_calls == (ToolRequest("1", "search", '{"q":"ä"}'), ToolRequest("", "read", '{"file"'))


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ({"id": "1", "function": {"name": "search", "arguments": '{"q": 1}'}}, '{"q": 1}'),
        (SimpleNamespace(id="1", function=SimpleNamespace(name="search", arguments='{"q": 1}')), '{"q": 1}'),
        ({"id": "1", "name": "search", "arguments": {"q": 1}}, '{"q":1}'),
        ({"id": "1", "name": "search"}, "{}"),
    ],
)
def test_tool_calls_of_older_integrations_are_read_too(call: Any, arguments: str) -> None:
    message = ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [call, {"id": "no name"}]})
    assert from_llama(message).tool_calls == (ToolRequest("1", "search", arguments),)


@pytest.mark.parametrize("role", list(MessageRole))
def test_every_role_has_a_neutral_one(role: MessageRole) -> None:
    assert from_llama(ChatMessage(role=role, content="x")).role in ("system", "user", "assistant", "tool")


@pytest.mark.parametrize(
    "message",
    [
        Message("system", "be brief"),
        Message("user", "hello"),
        Message("assistant", "so", (ToolRequest("1", "search", '{"q":"a"}'), ToolRequest("2", "read", "not json"))),
        Message("tool", "found", tool_call_id="1", name="search"),
    ],
)
def test_a_new_message_goes_there_and_back(message: Message) -> None:
    assert from_llama(to_llama(message)) == message


@given(st.text(), st.lists(st.tuples(st.text(), st.text(min_size=1), st.dictionaries(st.text(), st.integers()))))
def test_any_reply_goes_there_and_back(text: str, calls: list[tuple[str, str, dict[str, int]]]) -> None:
    message = Message("assistant", text, tuple(ToolRequest(i, name, json_text(args)) for i, name, args in calls))
    assert from_llama(to_llama(message)) == message


def test_pictures_are_measured_wherever_they_are(tmp_path: Path) -> None:
    file = tmp_path / "pixel.png"
    file.write_bytes(PIXEL)
    data = f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"
    blocks = [
        ImageBlock(image=PIXEL, detail="low"),
        ImageBlock(path=file),
        ImageBlock(url=data),
        ImageBlock(url="https://example.org/pixel.png"),
        ImageBlock(image=b"no picture"),
    ]
    file.with_name("gone.png").write_bytes(PIXEL)
    gone = ImageBlock(path=file.with_name("gone.png"))
    file.with_name("gone.png").unlink()
    images = from_llama(ChatMessage(blocks=[*blocks, gone])).images
    assert [(image.width, image.height) for image in images] == [(1, 1)] * 3 + [(None, None)] * 3
    assert [image.detail for image in images] == ["low", *["auto"] * 5]


def test_files_count_by_their_size_and_marks_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"x" * 1_200)
    named = DocumentBlock(path=str(file))
    assert from_llama(ChatMessage(blocks=[named])).other_tokens in range(101, 140)
    assert from_llama(ChatMessage(blocks=[DocumentBlock(url="https://example.org/a.pdf")])).other_tokens == 1_000
    assert from_llama(ChatMessage(blocks=[AudioBlock(audio=b"\x00" * 1_200)])).other_tokens in range(101, 140)
    assert from_llama(ChatMessage(blocks=[DocumentBlock(path=tmp_path.name)])).other_tokens == 1_000
    mark = CachePoint(cache_control=CacheControl(type="ephemeral"))
    cited = CitableBlock(title="T", source="s", content=[TextBlock(text="body")])
    neutral = from_llama(ChatMessage(blocks=[mark, cited]))
    assert (neutral.text, neutral.other_tokens) == ("T\nbody", 0)


def test_a_history_that_grew_is_converted_where_it_is_new() -> None:
    transcript = Transcript()
    history = [ChatMessage(content="one"), ChatMessage(content="two")]
    first = transcript.of(history)
    longer = transcript.of([*history, ChatMessage(content="three")])
    assert longer[:2] == first
    assert all(new is old for new, old in zip(longer, first, strict=False))
    changed = transcript.of([history[0], ChatMessage(content="else")])
    assert [message.text for message in changed] == ["one", "else"]
    assert [message.text for message in transcript.of(history[:1])] == ["one"]
    assert [m.text for m in transcript.of([ChatMessage(content="one"), ChatMessage(content="x")])] == ["one", "x"]


def test_what_json_cannot_say_becomes_text() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert json_text(loop) == "[[...]]"
    assert json_text({"a": {1}}) == '{"a":"{1}"}'


class Town(BaseModel):
    """A town."""

    name: str


def test_tools_are_read_in_every_form_they_are_sent_in() -> None:
    def lookup(word: str) -> str:
        """Look a word up."""
        return word

    tool = FunctionTool.from_defaults(lookup)
    schema = tool.metadata.get_parameters_dict()
    nested = tool.metadata.to_openai_tool()
    forms: list[Any] = [
        tool,
        nested,
        nested["function"],
        {"name": "lookup", "description": "d", "input_schema": schema},
    ]
    google = SimpleNamespace(function_declarations=[SimpleNamespace(name="lookup", parameters=Town(name="x"))])
    assert [spec.name for spec in specs_of([*forms, google])] == ["lookup"] * 5
    assert all(spec.parameters["properties"] for spec in specs_of(forms))
    assert specs_of([google])[0].parameters == {"name": "x"}
    assert spec_of({"type": "web_search"}).name == "web_search"
    assert spec_of(object()).name == "object"
    assert specs_of(None) == specs_of("tools") == ()


@pytest.mark.parametrize(
    ("kwargs", "name"),
    [
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "Town", "schema": {"a": 1}}}}, "Town"),
        ({"text": {"format": {"name": "Town", "schema": {"a": 1}}}}, "Town"),
        ({"output_config": {"format": {"schema": {"a": 1}}}}, "answer"),
        ({"generation_config": {"response_schema": Town}}, "Town"),
        ({"format": {"title": "Town"}}, "Town"),
    ],
)
def test_a_schema_of_the_answer_is_found_where_it_is_sent(kwargs: dict[str, Any], name: str) -> None:
    found = answer_of(kwargs)
    assert found is not None
    assert found.name == name
    assert found.parameters


def test_a_free_answer_has_no_schema() -> None:
    assert answer_of({"format": "json", "response_format": {"type": "json_object"}}) is None


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 3}, Usage(5, 3)),
        (
            {"input_tokens": 5, "output_tokens": 3, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 1},
            Usage(8, 3, 2, 1),
        ),
        ({"input_tokens": 5, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 4}}, Usage(5, 3, 4)),
        (
            {"inputTokens": 5, "outputTokens": 3, "cacheReadInputTokens": 2, "cacheWriteInputTokens": 1},
            Usage(8, 3, 2, 1),
        ),
        (
            {
                "prompt_token_count": 5,
                "tool_use_prompt_token_count": 2,
                "candidates_token_count": None,
                "thoughts_token_count": 4,
            },
            Usage(7, 4, reasoning=4),
        ),
    ],
)
def test_usage_is_read_in_each_provider_s_form(usage: dict[str, Any], expected: Usage) -> None:
    message = ChatMessage(role="assistant", content="x")
    assert usage_of(ChatResponse(message=message, raw={"usage": usage})) == expected
    assert usage_of(CompletionResponse(text="x", raw=SimpleNamespace(usage=SimpleNamespace(**usage)))) == expected
    assert usage_of(ChatResponse(message=message, additional_kwargs={"usage": usage})) == expected
    extras = ChatMessage(role="assistant", content="x", additional_kwargs={"usage": usage})
    assert usage_of(ChatResponse(message=extras)) == expected
    assert usage_of(ChatResponse(message=message, raw=SimpleNamespace(response={"usage": usage}))) == expected


@pytest.mark.parametrize(
    "raw",
    [
        None,
        {},
        {"usage": None},
        {"usage": {"prompt_tokens": "5"}},
        {"usage": {"x": True}},
        {"usage": {"prompt_tokens": 5}},
        {"usage": {"input_tokens": 5, "output_tokens": None}},
    ],
)
def test_what_was_not_reported_is_not_made_up(raw: Any) -> None:
    assert usage_of(CompletionResponse(text="x", raw=raw)) is None


def test_what_is_no_text_tells_two_messages_apart(tmp_path: Path) -> None:
    def bytes_of(*blocks: Any, **extras: Any) -> bytes:
        attached = from_llama(ChatMessage(role="user", blocks=list(blocks), additional_kwargs=extras)).attached
        assert attached is not None
        return attached()

    source = CitableBlock(title="a", source="b", content=[TextBlock(text="c")])
    told = [
        bytes_of(source),
        bytes_of(CitableBlock(title="a", source="b", content=[TextBlock(text="d")])),
        bytes_of(CitableBlock(title="a", source="c", content=[TextBlock(text="c")])),
        bytes_of(CitationBlock(cited_content=TextBlock(text="c"), source="b", title="a", additional_location_info={})),
        bytes_of(TextBlock(text="x"), ThinkingBlock(content="x")),
        bytes_of(ThinkingBlock(content="x"), TextBlock(text="x")),
        bytes_of(DocumentBlock(data=b"one")),
        bytes_of(DocumentBlock(data=b"two")),
        bytes_of(ImageBlock(url="data:image/png;base64,AAAA")),
        bytes_of(TextBlock(text="x"), prefix=True),
    ]
    assert len(set(told)) == len(told)
    assert bytes_of(source) == bytes_of(source)
    file = tmp_path / "a.pdf"
    file.write_bytes(b"one")
    gone = DocumentBlock(path=file)
    file.unlink()
    for unknown in (gone, ImageBlock(url="https://example.com/a.png"), DocumentBlock(data=io.BytesIO(b"x"))):
        with pytest.raises(NotCanonicalError):
            bytes_of(unknown)


def test_a_message_of_text_and_calls_has_nothing_attached() -> None:
    call = ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs={})
    mark = CachePoint(cache_control=CacheControl(type="ephemeral"))
    said = {"tool_calls": [1], "usage": {"input_tokens": 3}, "thought_signatures": [None], "stop_reason": "end_turn"}
    message = ChatMessage(role="assistant", blocks=[TextBlock(text="x"), call, mark], additional_kwargs=said)
    assert from_llama(message).attached is None
