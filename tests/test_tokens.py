# pyright: reportPrivateUsage=false
from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from leanloop.budgets import text_tokens, tokens, vocabulary
from leanloop.budgets.message import Image, Message, ToolRequest, ToolSpec
from leanloop.budgets.ratio import LearnedRatio
from leanloop.budgets.text_tokens import CHUNK, TextTokens, chunks
from leanloop.budgets.tokens import TokenCounter, counter_for
from leanloop.budgets.tool_schema_tokens import tool_tokens
from leanloop.errors import UsageError

LONG = 3 * CHUNK + 17
RUNS = ["a", "A", " ", "=", "-", "\n", "\t", "7", "自", "\ud800", "'s", "ab ", "x\n", "x\n/", "x\n ", ". \n "]


class Bytes:
    """In place of an encoding: one token a character, and it keeps the length of every text it was handed."""

    name = "bytes"

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def encode_ordinary(self, text: str) -> list[int]:
        self.lengths.append(len(text))
        return [0] * len(text)


def real(name: str) -> tiktoken.Encoding:
    encoding = vocabulary.find_encoding(name)
    assert encoding is not None
    return encoding


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> Bytes:
    """Every model counts characters; gives what was handed to the encoder."""
    encoding = Bytes()

    def find(_name: str) -> Bytes:
        return encoding

    monkeypatch.setattr(tokens, "find_encoding", find)
    monkeypatch.setattr(tokens, "_shared_texts", dict[str, TextTokens]())
    return encoding


@pytest.fixture
def no_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr(tokens, "find_encoding", nothing)
    monkeypatch.setattr(tokens, "_shared_texts", dict[str, TextTokens]())


def told(count: int) -> tuple[Message, ...]:
    return tuple(Message("user", f"message {number}") for number in range(count))


# Text.


@pytest.mark.parametrize("run", RUNS)
def test_the_encoder_is_handed_bounded_chunks_of_any_text(run: str) -> None:
    text = (run * LONG)[:LONG]
    parts = list(chunks(text))
    assert "".join(part for part, _ in parts) == text
    assert all(0 < len(part) <= CHUNK for part, _ in parts)
    assert len(parts) <= 2 * LONG / CHUNK + 1


@pytest.mark.parametrize("run", RUNS)
def test_work_grows_with_the_length_of_the_text(run: str) -> None:
    def work(length: int) -> int:
        encoding = Bytes()
        TextTokens(cast("tiktoken.Encoding", encoding)).count((run * length)[:length])
        return sum(encoding.lengths)

    assert (work(CHUNK), work(8 * CHUNK)) == (CHUNK, 8 * CHUNK)


@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base"])
@settings(deadline=None)
@given(st.text(st.sampled_from(" \n\t\r/abZ09.,'s自é\x1c\u00a0}"), min_size=40, max_size=400))
def test_the_count_of_a_text_in_chunks_is_exact_or_above(name: str, text: str) -> None:
    encoding = real(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_tokens, "CHUNK", 32)
        parts = list(chunks(text))
        counted = TextTokens(encoding).count(text)
    whole = len(encoding.encode_ordinary(text))
    inexact = sum(cut for _, cut in parts)
    assert whole <= counted <= whole + 8 * inexact


@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base"])
@pytest.mark.parametrize("run", RUNS)
def test_runs_of_anything_count_as_the_encoding_says(name: str, run: str) -> None:
    encoding = real(name)
    text = (run * LONG)[:LONG]
    whole = len(encoding.encode_ordinary(text))
    assert whole <= TextTokens(encoding).count(text) <= whole + 8 * (LONG // CHUNK + 1)


def test_a_million_spaces_before_a_word_are_counted_though_tiktoken_cannot() -> None:
    assert TextTokens(real("o200k_base")).count(" " * 1_100_000 + "word") > 8_000


@pytest.mark.parametrize("text", ["<|endoftext|>", "<|im_start|>system", "\ud800", "a\udfffb", "", "\x00"])
def test_odd_text_is_counted_as_plain_text(text: str) -> None:
    counted = TextTokens(real("o200k_base")).count(text)
    assert counted >= bool(text)
    assert counted != 1 or "endoftext" not in text


@settings(deadline=None)
@given(st.text(max_size=300))
def test_without_a_vocabulary_the_bound_holds_for_one_token_a_byte(text: str) -> None:
    counted = TextTokens(None).count(text)
    ratio = LearnedRatio(*tokens._BY_BYTES)
    assert ratio.bound(counted) >= len(text.encode("utf-8", "surrogatepass"))


def test_a_lone_surrogate_is_counted_without_a_vocabulary() -> None:
    assert TextTokens(None).count("\ud800") == 1


def test_a_text_is_encoded_once() -> None:
    encoding = Bytes()
    texts = TextTokens(cast("tiktoken.Encoding", encoding))
    assert [texts.count("hello"), texts.count("hello")] == [5, 5]
    assert encoding.lengths == [5]


def test_the_memo_is_bounded_and_keeps_what_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_tokens, "_MEMO_CHARACTERS", 100)
    monkeypatch.setattr(text_tokens, "_ENTRY", 0)
    encoding = Bytes()
    texts = TextTokens(cast("tiktoken.Encoding", encoding))
    texts.count("system prompt")
    for number in range(500):
        texts.count(f"message {number:3}")
        texts.count("system prompt")
    assert encoding.lengths.count(len("system prompt")) == 1
    assert sum(map(len, (*texts._young, *texts._old))) <= 200
    texts.count("x" * 101)
    assert "x" * 101 not in texts._young


def test_threads_count_alike() -> None:
    texts = TextTokens(None)
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(texts.count, [f"text {number % 50}" for number in range(2000)]))
    assert counts == [TextTokens(None).count(f"text {number % 50}") for number in range(2000)]


# Messages and prompts.


def test_a_prompt_counts_as_openais_cookbook_says() -> None:
    """The cookbook's example: 129 tokens for gpt-4-0613, 124 for gpt-4o, both as the API reported them."""
    system = "system"
    example = [
        (
            system,
            None,
            "You are a helpful, pattern-following assistant that translates corporate jargon into plain English.",
        ),
        (system, "example_user", "New synergies will help drive top-line growth."),
        (system, "example_assistant", "Things working well together will increase revenue."),
        (
            system,
            "example_user",
            "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
        ),
        (system, "example_assistant", "Let's talk later when we're less busy about how to do better."),
        (
            "user",
            None,
            "This late pivot means we don't have time to boil the ocean for the client deliverable.",
        ),
    ]
    messages = [Message("user" if role == "user" else "system", text, name=name) for role, name, text in example]
    assert real("cl100k_base") is not real("o200k_base")
    assert TokenCounter("gpt-4-0613").prompt(messages, ()) == 129
    assert TokenCounter("gpt-4o").prompt(messages, ()) == 124


def test_every_part_of_a_message_counts(handed: Bytes) -> None:
    counter = TokenCounter("gpt-4o")
    call = ToolRequest("call_1", "search", '{"q":1}')
    plain = counter.message(Message("assistant", "hello"))
    assert plain == 4 + 5
    assert counter.message(Message("assistant", "hello", name="bob")) == plain + 1 + 3
    assert counter.message(Message("assistant", "hello", tool_calls=(call, call))) == plain + 2 * (8 + 6 + 7)
    assert counter.message(Message("user", "hello", images=(Image(512, 512),))) == plain + 255
    assert counter.reply(Message("assistant", "hello", tool_calls=(call,))) == 5 + 8 + 6 + 7


def test_a_history_that_grew_is_counted_for_what_is_new(handed: Bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = TokenCounter("gpt-4o")
    counted: list[Message] = []
    original = counter.message

    def watch(message: Message) -> int:
        counted.append(message)
        return original(message)

    monkeypatch.setattr(counter, "message", watch)
    history = told(400)
    first = counter.prompt(history, ())
    counted.clear()
    new = (Message("assistant", "answer"), Message("tool", "result"))
    assert counter.prompt(list(history + new), ()) == first + sum(map(original, new))
    assert counted == list(new)
    counted.clear()
    assert counter.prompt(history + new, ()) == first + sum(map(original, new))
    assert counter.prompt((*history, Message("user", "instead")), ()) == first + original(Message("user", "instead"))
    assert counted == [Message("user", "instead")]


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(["a", "bb", "ccc"]), max_size=5), min_size=1, max_size=30))
def test_whatever_was_counted_before_a_prompt_counts_the_same(histories: list[list[str]]) -> None:
    used = TokenCounter("a-model")
    for texts in histories:
        messages = [Message("user", text) for text in texts]
        assert used.prompt(messages, ()) == 3 + sum(used.message(message) for message in messages)


def test_agents_that_take_turns_do_not_displace_each_other(handed: Bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = TokenCounter("gpt-4o")
    agents = [(Message("system", f"agent {number}"), *told(50)) for number in range(tokens._HISTORIES)]
    for _ in range(5):
        agents = [(*history, Message("user", "more")) for history in agents]
        for history in agents:
            counter.prompt(history, ())
    assert len(counter._recent) == tokens._HISTORIES
    monkeypatch.setattr(counter, "message", None)
    assert all(counter.prompt(history, ()) > 0 for history in agents)


def test_the_memo_of_texts_keeps_no_framework_object_alive(handed: Bytes) -> None:
    class Raw:
        pass

    counter, raw = TokenCounter("gpt-4o"), Raw()
    gone = weakref.ref(raw)
    counter.message(Message("user", "hello", raw=raw))
    del raw
    gc.collect()
    assert gone() is None


def test_an_empty_prompt_is_the_priming_of_the_reply(handed: Bytes) -> None:
    assert TokenCounter("gpt-4o").prompt((), ()) == 3


# Models.


def test_an_openai_model_is_exact_and_its_bound_is_the_count() -> None:
    real("o200k_base")
    counter = TokenCounter("gpt-4o")
    assert counter.exact
    assert counter.bound(1234) == counter.expected(1234) == 1234


def test_an_exact_count_is_bounded_from_above_only(handed: Bytes) -> None:
    counter = TokenCounter("gpt-4o")
    for _ in range(30):
        counter.learn(10_000, 9_000)
    assert counter.bound(10_000) == 10_000
    assert counter.expected(10_000) < 9_200
    counter.learn(10_000, 11_000)
    assert counter.bound(10_000) >= 11_000


def test_another_model_is_counted_with_openais_vocabulary_and_reserved_above(handed: Bytes) -> None:
    def only_o200k(name: str) -> Bytes | None:
        return handed if name == "o200k_base" else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "find_encoding", only_o200k)
        for model in ("claude-sonnet-4-5", "gpt-4"):  # gpt-4's own vocabulary is not on this machine
            counter = TokenCounter(model)
            assert not counter.exact
            assert counter.text("hello") == 5
            assert (counter.expected(1000), counter.bound(1000)) == (1200, 2500)


@pytest.mark.usefixtures("no_vocabulary")
def test_with_no_vocabulary_counts_come_from_bytes() -> None:
    counter = TokenCounter("gpt-4o")
    assert not counter.exact
    assert counter.text("a" * 400) == 110
    assert counter.bound(110) == 400


def test_a_ratio_may_be_handed_in(handed: Bytes) -> None:
    ratio = LearnedRatio(1.0, 3.0)
    assert TokenCounter("gpt-4o", ratio=ratio).bound(10) == 30


def test_a_model_has_one_counter_in_the_process(handed: Bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_counters", dict[str, TokenCounter]())
    monkeypatch.setattr(tokens, "_COUNTERS", 2)
    first = counter_for("gpt-4o")
    assert counter_for("gpt-4o") is first
    counter_for("gpt-5")
    assert counter_for("gpt-4o") is first
    counter_for("o3")
    assert list(tokens._counters) == ["gpt-4o", "o3"]


# Tools.


def schema(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties}


def test_no_tools_cost_nothing_and_claude_adds_its_own_instructions() -> None:
    tool = ToolSpec("search", "Search the web.", schema(query={"type": "string"}))
    plain = tool_tokens([tool], "gpt-4o", len)
    assert tool_tokens([], "claude-sonnet-4-5", len) == 0
    assert tool_tokens([tool], "claude-sonnet-4-5", len) == plain + 346
    assert tool_tokens([tool], "claude-3-opus-20240229", len) == plain + 530


def test_the_cookbooks_tools_are_never_counted_below_what_openai_reported() -> None:
    """The cookbook's section 7: 105 prompt tokens for gpt-4, 101 for gpt-4o, with one tool and two messages."""
    assert real("cl100k_base") is not real("o200k_base")
    unit = {"type": "string", "description": "The unit of temperature to return", "enum": ["celsius", "fahrenheit"]}
    place = {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}
    tool = ToolSpec(
        "get_current_weather",
        "Get the current weather in a given location",
        schema(location=place, unit=unit) | {"required": ["location"]},
    )
    messages = [
        Message("system", "You are a helpful assistant that can answer to questions about the weather."),
        Message("user", "What's the weather like in Pittsburgh?"),
    ]
    assert 105 <= TokenCounter("gpt-4").prompt(messages, [tool]) <= 180
    assert 101 <= TokenCounter("gpt-4o").prompt(messages, [tool]) <= 180


def test_nested_schemas_count_every_word() -> None:
    deep = schema(order=schema(address=schema(street={"type": "string", "description": "x" * 500})))
    assert tool_tokens([ToolSpec("buy", "Buy", deep)], "gpt-4o", len) > 500


@pytest.mark.parametrize("odd", [None, [], "text", 5, {"type": ["string", "null"], "enum": "ab"}, {"enum": [1, None]}])
def test_odd_schemas_are_counted(odd: object) -> None:
    assert tool_tokens([ToolSpec("t", "d", schema(p=odd))], "gpt-4o", len) > 0
    assert tool_tokens([ToolSpec("t", "d", {"properties": odd, "more": b"bytes"})], "gpt-4o", len) > 0


def cyclic() -> dict[str, object]:
    parameters: dict[str, object] = {}
    parameters["self"] = parameters
    return parameters


def nested() -> dict[str, object]:
    parameters: dict[str, object] = {}
    for _ in range(100_000):
        parameters = {"items": parameters}
    return parameters


def keyed_by_tuple() -> dict[str, object]:
    return cast("dict[str, object]", {("a", "b"): 1})


@pytest.mark.parametrize("parameters", [cyclic, nested, keyed_by_tuple])
def test_parameters_that_are_no_json_are_refused_by_name(parameters: Callable[[], dict[str, object]]) -> None:
    with pytest.raises(UsageError, match="'broken' cannot be written as JSON"):
        tool_tokens([ToolSpec("broken", "", parameters())], "gpt-4o", len)


def test_a_set_of_tools_is_counted_once(handed: Bytes) -> None:
    counter = TokenCounter("gpt-4o")
    tools = [ToolSpec("search", "Search.", schema(q={"type": "string"}))]
    with_tools = counter.prompt(told(1), tools)
    handed.lengths.clear()
    assert counter.prompt(told(1), list(tools)) == with_tools
    assert handed.lengths == []
    assert counter.prompt(told(1), [*tools, ToolSpec("open")]) > with_tools > counter.prompt(told(1), ())


def test_a_long_text_that_left_the_memo_is_known_by_its_digest() -> None:
    encoding = Bytes()
    texts = TextTokens(cast("tiktoken.Encoding", encoding))
    long, short = "a" * 5_001, "b" * 101
    for text in (long, short, *(f"{number}".ljust(60_000) for number in range(300)), long, short):
        assert texts.count(text) == len(text)
    assert (encoding.lengths.count(len(long)), encoding.lengths.count(len(short))) == (1, 2)
