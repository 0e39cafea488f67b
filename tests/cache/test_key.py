"""Two calls have one key exactly where nothing that may change the answer differs."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leanloop.budgets.message import Image, Message, ToolRequest, ToolSpec
from leanloop.plugins.cache.canonical import NotCanonicalError, framed, framed_json
from leanloop.plugins.cache.key import Keys
from leanloop.plugins.call import ModelCall, ToolCall

SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
}
TOOLS = (ToolSpec("get_weather", "The weather.", SCHEMA),)


def settings() -> Mapping[str, object]:
    return {"temperature": 0.0, "stop": ["END"]}


def history(ids: str = "a") -> tuple[Message, ...]:
    """One run's history; its tool call ids begin with `ids`."""
    return (
        Message("system", "Be brief."),
        Message("user", "Weather in Oslo and Rome?"),
        Message(
            "assistant",
            "",
            (
                ToolRequest(f"{ids}1", "get_weather", '{"city": "Oslo", "days": 1}'),
                ToolRequest(f"{ids}2", "get_weather", '{"city": "Rome"}'),
            ),
            raw={"id": ids, "usage": ids},
        ),
        Message("tool", "-8", tool_call_id=f"{ids}1", name="get_weather"),
        Message("tool", "21", tool_call_id=f"{ids}2", name="get_weather"),
        Message("assistant", "Cold; warm."),
        Message("user", "And tomorrow?"),
    )


CALL = ModelCall("gpt-5", history(), provider="openai", tools=TOOLS, settings=settings)


def exact(call: ModelCall, tags: Mapping[str, str] | None = None, keys: Keys | None = None) -> str:
    key = (keys or Keys()).of(call, tags or {})
    assert key is not None
    return key.exact


def changed(place: int, **changes: Any) -> ModelCall:
    messages = list(CALL.messages)
    messages[place] = replace(messages[place], **changes)
    return replace(CALL, messages=tuple(messages))


def of(**settings: object) -> ModelCall:
    return replace(CALL, settings=lambda: settings)


def test_the_same_history_of_two_runs_has_one_key() -> None:
    other = replace(CALL, messages=history("call_xyz"), raw=object(), cache_marks=(1,), final=False, hold_stream=True)
    assert exact(other) == exact(CALL)


@pytest.mark.parametrize(
    "same",
    [
        of(stop=["END"], temperature=0.0, seed=None),
        replace(CALL, tools=(ToolSpec("get_weather", "The weather.", dict(reversed(list(SCHEMA.items())))),)),
        changed(
            2,
            tool_calls=(
                replace(CALL.messages[2].tool_calls[0], arguments='{"days":1,"city":"Oslo"}'),
                CALL.messages[2].tool_calls[1],
            ),
        ),
    ],
)
def test_what_is_only_written_in_another_way_is_the_same(same: ModelCall) -> None:
    assert exact(same) == exact(CALL)


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, model="gpt-5-mini"),
        replace(CALL, provider="azure"),
        replace(CALL, tools=()),
        replace(CALL, tools=(ToolSpec("get_weather", "The weather!", SCHEMA),)),
        replace(CALL, tools=(ToolSpec("get_weather", "The weather.", {**SCHEMA, "required": ["city"]}),)),
        replace(CALL, answer_tools=frozenset({"get_weather"})),
        replace(CALL, forbid_tools=True),
        replace(CALL, max_output=100),
        replace(CALL, effort="low"),
        of(temperature=0.5, stop=["END"]),
        of(temperature=0.0, stop="END"),
        of(temperature=0.0, stop=["END"], tool_choice="none"),
        changed(0, text="Be brief"),
        changed(0, role="user"),
        changed(1, text="Weather in Rome and Oslo?"),
        changed(1, name="ann"),
        changed(2, tool_calls=CALL.messages[2].tool_calls[::-1]),
        changed(3, tool_call_id="a2"),
        changed(3, tool_call_id="unknown"),
        changed(3, text="-9"),
        changed(3, is_error=True),
        changed(6, text="and tomorrow?"),
        replace(CALL, messages=CALL.messages[:-1]),
        replace(
            CALL,
            messages=(
                *CALL.messages[:5],
                Message("assistant", "Cold; "),
                Message("assistant", "warm."),
                CALL.messages[6],
            ),
        ),
    ],
)
def test_what_may_change_the_answer_changes_the_key(other: ModelCall) -> None:
    assert exact(other) != exact(CALL)


def test_nobody_has_the_key_of_another() -> None:
    tags = [{}, {"tenant": "a"}, {"tenant": "b"}, {"user": "a"}, {"tenant": "a", "user": "b"}, {"tenant": ""}]
    tags += [{"tenant": 'a","user":"b'}, {"tenant": "None"}]
    assert len({exact(CALL, one) for one in tags}) == len(tags)
    assert exact(CALL, {"tenant": "a", "colour": "red"}) == exact(CALL, {"tenant": "a"})
    assert exact(CALL, {"colour": "red"}, Keys(scope=("colour",))) != exact(CALL, {}, Keys(scope=("colour",)))


def test_another_embedder_or_policy_starts_afresh() -> None:
    kinds = [Keys(), Keys(embedder="e"), Keys(policy="e"), Keys(policy="e", embedder="e")]
    assert len({exact(CALL, keys=keys) for keys in kinds}) == 4


def test_the_context_is_all_but_the_last_text() -> None:
    keys = Keys(normalise=str.casefold)
    one, other = keys.of(CALL, {}), keys.of(changed(6, text="AND TOMORROW?"), {})
    third = keys.of(changed(6, text="and tonight?"), {})
    assert one
    assert other
    assert third
    assert (one.text, other.text) == ("And tomorrow?", "AND TOMORROW?")
    assert one.normal == other.normal != third.normal
    assert one.context == other.context == third.context
    assert list(one.tiers()) == [one.exact, one.normal]
    earlier = keys.of(changed(1, text="Weather in Paris?"), {})
    assert earlier is not None
    assert earlier.context != one.context
    assert earlier.normal != one.normal
    assert one.settings == settings()


def test_a_text_that_cannot_be_normalised_has_no_second_key() -> None:
    for keys in (Keys(), Keys(normalise=lambda _: None)):
        key = keys.of(CALL, {})
        assert key is not None
        assert (key.normal, key.normal) == (None, None)
        assert list(key.tiers()) == [key.exact]


@pytest.mark.parametrize(
    "last",
    [
        Message("tool", "21", tool_call_id="a2"),
        Message("assistant", "Well"),
        Message("user", "what is this?", images=(Image(1, 1),), attached=lambda: b"png"),
    ],
)
def test_there_is_nothing_but_an_exact_key_where_the_call_does_not_end_with_a_users_text(last: Message) -> None:
    key = Keys(normalise=str).of(replace(CALL, messages=(*CALL.messages[:5], last)), {})
    assert key is not None
    assert (key.text, key.normal, key.context) == (None, None, None)


def test_pictures_count_by_their_bytes() -> None:
    def shown(data: bytes, **changes: Any) -> ModelCall:
        return changed(1, images=(Image(4, 4, **changes),), attached=lambda: data)

    assert exact(shown(b"cat")) == exact(shown(b"cat"))
    assert len({exact(CALL), exact(shown(b"cat")), exact(shown(b"dog")), exact(shown(b"cat", detail="low"))}) == 4


def test_equal_messages_with_other_pictures_are_told_apart_in_a_history_that_grows() -> None:
    keys = Keys()
    exact(changed(1, images=(Image(4, 4),), attached=lambda: b"cat"), keys=keys)
    dog = changed(1, images=(Image(4, 4),), attached=lambda: b"dog")
    assert exact(dog, keys=keys) == exact(dog)


@pytest.mark.parametrize(
    "call",
    [
        replace(CALL, settings=None),
        replace(CALL, messages=()),
        of(temperature=object()),
        changed(1, images=(Image(4, 4),)),
        changed(1, other_tokens=5),
        changed(6, other_tokens=5),
        replace(CALL, tools=(ToolSpec("t", "", {"type": object()}),)),
    ],
)
def test_a_call_of_which_not_all_can_be_told_has_no_key(call: ModelCall) -> None:
    assert Keys().of(call, {}) is None


def test_a_schema_that_contains_itself_has_no_key() -> None:
    schema: dict[str, object] = {}
    schema["items"] = schema
    assert Keys().of(replace(CALL, tools=(ToolSpec("t", "", schema),)), {}) is None


def test_a_tool_call_is_known_by_name_and_arguments() -> None:
    keys = Keys()

    def of_tool(name: str, arguments: str, **tags: str) -> str:
        return keys.of_tool(ToolCall("1", name, arguments), tags).exact

    assert of_tool("t", '{"a": 1, "b": [1, 2]}') == of_tool("t", '{"b":[1,2],"a":1}')
    others = ['{"a": 1}', '{"a": "1"}', '{"a": 1.0}', '{"a": true}', '{"a": [2, 1]}', '{"a": 1, "a": 1}', "a", "", "{"]
    assert (
        len({of_tool("t", one) for one in others} | {of_tool("u", others[0]), of_tool("t", others[0], user="x")}) == 11
    )


@given(st.data())
def test_a_memo_changes_no_key(data: st.DataObject) -> None:
    """Histories grow, branch and are cut; each has the key it has for one who has never met it."""
    keys = Keys()
    pool = [Message("user", text) for text in "aab"] + [Message("assistant", "a"), Message("system", "a")]
    messages: tuple[Message, ...] = (pool[0],)
    for _ in range(data.draw(st.integers(1, 8))):
        kept = data.draw(st.integers(0, len(messages)))
        messages = (*messages[:kept], *data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3)))
        call = replace(CALL, messages=messages)
        assert exact(call, keys=keys) == exact(call)


def test_only_so_many_histories_and_tools_are_remembered() -> None:
    keys = Keys()
    for number in range(300):
        tools = (ToolSpec(f"t{number}"),)
        messages = (Message("user", str(number)), Message("user", "x"))
        exact(replace(CALL, messages=messages, tools=tools), keys=keys)
    assert len(keys._histories) == 256
    assert len(keys._tools) == 64


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def plain(value: Any) -> str:
    """A writing with types, by other means than ours: repr, with mappings in order."""
    if isinstance(value, dict):
        return "{" + ",".join(sorted(f"{plain(key)}:{plain(one)}" for key, one in value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(plain, value)) + "]"
    return f"{type(value).__name__}({value!r})"


@given(VALUES, VALUES)
def test_values_are_written_alike_exactly_where_they_are_equal(one: Any, other: Any) -> None:
    assert (framed(one) == framed(other)) == (plain(one) == plain(other))


@given(VALUES)
def test_the_order_of_keys_does_not_count(value: Any) -> None:
    def turned(inner: Any) -> Any:
        if isinstance(inner, dict):
            return {key: turned(one) for key, one in reversed(list(inner.items()))}
        return [turned(one) for one in inner] if isinstance(inner, list) else inner

    assert framed(turned(value)) == framed(value)


@given(VALUES.filter(lambda value: "bytes(" not in plain(value)))
def test_json_is_told_by_what_it_says(value: Any) -> None:
    try:
        text = json.dumps(value)
        same = plain(json.loads(text)) == plain(value)
    except ValueError:
        assume(False)
        return
    assert (framed_json(text) == framed(value)) == same
    assert framed_json(json.dumps(value, indent=2)) == framed_json(text)


def test_what_has_no_writing_is_said_so() -> None:
    assert framed({1, 2}) == framed({2, 1}) != framed([1, 2])
    assert framed("\ud800") != framed("\ud801")
    assert framed(float("nan")) == framed(float("nan"))
    with pytest.raises(NotCanonicalError):
        framed([object()])
    assert framed_json("[" * 100_000) != framed_json("[" * 100_001)
