from __future__ import annotations

import asyncio
from typing import Any

import pytest

import leanloop
from leanloop.errors import UsageError
from leanloop.plugins.difficulty.step import current_step


def test_the_inner_name_counts_and_the_outer_one_again_behind_it() -> None:
    assert current_step() is None
    with leanloop.step("plan the week"):
        with leanloop.step(" extract dates "):
            assert current_step() == "extract dates"
        assert current_step() == "plan the week"
    assert current_step() is None


def test_it_reaches_a_task_of_the_event_loop_and_no_other() -> None:
    async def inner() -> str | None:
        return current_step()

    async def outer() -> list[str | None]:
        with leanloop.step("one"):
            first = asyncio.create_task(inner())
        return [await first, await inner()]

    assert asyncio.run(outer()) == ["one", None]


@pytest.mark.parametrize("name", ["", "  ", None, 7])
def test_a_step_without_a_name_is_refused(name: Any) -> None:
    with pytest.raises(UsageError, match="needs a name"), leanloop.step(name):
        pass
