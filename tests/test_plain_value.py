"""Settings of models as plain values: what is told, what is left out, what cannot be told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, ConfigDict, SecretStr

from leanloop.adapters.plain_value import plain
from leanloop.plugins.cache.canonical import NotCanonicalError, framed


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Settings(BaseModel):
    model_config = ConfigDict(extra="allow")

    size: int = 1
    api_key: SecretStr = SecretStr("s3cret")


@dataclass
class Options:
    top: int
    token: str


class Unreadable(BaseModel):
    call: Callable[[], None]


def test_what_can_be_told_is() -> None:
    assert plain({"a": [1, 2.5, None, True, b"x"], 5: "y"}) == {"a": [1, 2.5, None, True, b"x"], 5: "y"}
    assert plain((Colour.RED, Level.HIGH)) == ["red", 3]
    assert plain(Settings(more={"x": 1})) == ["Settings", {"size": 1, "more": {"x": 1}}]  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    assert plain(Options(3, "s3cret")) == ["Options", {"top": 3}]
    assert plain([dt.timedelta(seconds=1), Decimal("0.5"), PurePosixPath("a/b")]) == [
        ["timedelta", "0:00:01"],
        ["Decimal", "0.5"],
        ["PurePosixPath", "a/b"],
    ]
    assert plain(AnyUrl("https://u:s3cret@h/x")) == ["AnyUrl", "https://h/x"]
    assert plain([plain, len, Options]) == [
        "leanloop.adapters.plain_value:plain",
        "builtins:len",
        f"{Options.__module__}:Options",
    ]


def test_a_class_of_an_answer_is_told_by_its_schema() -> None:
    class Song(BaseModel):
        title: str

    class Other(BaseModel):
        title: int

    Other.__qualname__ = Song.__qualname__
    assert plain(Song) != plain(Other)


@pytest.mark.parametrize(
    "name",
    ["api_key", "OPENAI_API_KEY", "x-api-key", "Authorization", "aws_secret_access_key", "password", "session_token",
     "azure_ad_token", "azure_ad_token_provider", "token", "hf_token", "client_secret", "Set-Cookie", "credentials"],
)  # fmt: skip
def test_a_secret_is_left_out_by_its_name(name: str) -> None:
    assert plain({"model": {name: "s3cret", "size": 1}}) == {"model": {"size": 1}}


def test_a_secret_is_left_out_by_its_type_and_in_an_address() -> None:
    assert plain({"a": SecretStr("s3cret"), "b": [SecretStr("s3cret")]}) == {"b": []}
    assert plain(SecretStr("s3cret")) is None
    assert plain("postgres://user:s3cret@host/x?y=1") == "postgres://host/x?y=1"


@pytest.mark.parametrize("name", ["max_tokens", "key", "pad_token", "stop_tokens", "author", "tokenizer"])
def test_what_only_sounds_like_one_stays(name: str) -> None:
    assert plain({name: "x"}) == {name: "x"}


def test_a_schema_may_have_a_property_that_is_called_like_a_secret() -> None:
    one = {"properties": {"password": {"type": "string"}, "token": True}, "required": ["password"]}
    assert plain(one) == one


@pytest.mark.parametrize("value", [lambda: 1, object(), iter([])], ids=["a function without a name", "one", "another"])
def test_what_cannot_be_told_is_refused_by_who_makes_the_key(value: object) -> None:
    with pytest.raises(NotCanonicalError):
        framed(plain({"x": value}))


def test_what_contains_itself_or_has_no_schema_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    for value in (loop, Unreadable):
        with pytest.raises(NotCanonicalError):
            plain(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_any_json_can_be_told(value: object) -> None:
    framed(plain(value))
