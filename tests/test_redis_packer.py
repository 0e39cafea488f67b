"""Commands as they are sent, held against those of redis-py."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from redis.connection import Connection

from leanloop.budgets.redis_packer import CommandPacker

pytestmark = pytest.mark.redis

WORDS = st.lists(st.text() | st.binary() | st.integers())


@given(st.sampled_from(["EVALSHA", "SCRIPT LOAD", "HELLO"]), WORDS)
def test_a_command_is_written_as_redis_py_writes_it(name: str, words: list[str | bytes | int]) -> None:
    theirs: Any = Connection()  # annotated in parts
    assert b"".join(CommandPacker().pack(name, *words)) == b"".join(theirs.pack_command(name, *words))


@pytest.mark.parametrize("word", [None, True, 1.5, ["a"]])
def test_what_is_no_word_is_refused(word: object) -> None:
    with pytest.raises(redis.DataError, match=f"no {type(word).__name__}"):
        CommandPacker().pack("GET", word)
