"""Whatever labelled rows and runs hold, the features that read them end in a change or in words."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanloop.adapters.advice.bare import bare_budget
from leanloop.adapters.advice.cache import cache
from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Feature, Unmeasured
from leanloop.adapters.advice.cheaper_model import cheaper_model
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.advice.thinking import thinking
from leanloop.adapters.advice.tree import budget_of, changed
from leanloop.adapters.traces.trace import RecordedCall, Trace
from leanloop.budgets.message import Message, ToolRequest
from leanloop.budgets.usage import Usage
from leanloop.errors import TraceError
from leanloop.plugins.trial.labelled import Labelled, read_labelled

BUDGET = bare_budget("a")
FEATURES: tuple[Feature, ...] = (cache, cheaper_model, thinking)

words = st.text(max_size=8) | st.sampled_from(["\x1b[31m", "\ud800", "get_x", "{}", '{"a": 1}', "Hi", "hi!"])
counts = st.integers(-5, 10**9)
usages = st.builds(Usage, input=counts, output=counts, cached_input=counts, cache_write=counts, reasoning=counts)


@st.composite
def runs(draw: st.DrawFn) -> Trace:
    calls = st.builds(ToolRequest, id=words, name=words, arguments=words)
    messages = draw(
        st.lists(
            st.builds(
                Message,
                role=st.sampled_from(["system", "user", "assistant", "tool"]),
                text=words,
                tool_calls=st.lists(calls, max_size=2).map(tuple),
                tool_call_id=st.none() | words,
                is_error=st.booleans(),
            ),
            min_size=1,
            max_size=6,
        )
    )
    replies = [place for place, message in enumerate(messages) if message.role == "assistant"]
    known = st.builds(
        RecordedCall,
        place=st.sampled_from(replies or [0]),
        model=st.none() | words,
        usage=st.none() | usages,
        began=st.none() | st.floats(allow_nan=False),
    )
    recorded = tuple(draw(known) for _ in replies) if draw(st.booleans()) else ()
    reward = draw(st.none() | st.floats(allow_nan=False))
    return Trace(
        draw(words), tuple(messages), reward, None, recorded, tags=tuple(draw(st.lists(st.tuples(words, words))))
    )


cases = st.lists(st.builds(Case, trace=runs(), model=st.sampled_from(["gpt-4o", "gpt-5"]), group=words), max_size=5)
said: dict[str, st.SearchStrategy[object]] = {
    "id": words.filter(bool) | st.integers(),
    "setting": st.sampled_from(["gpt-4o", "gpt-4o ", "gpt-5@high", "gpt-5@none", "@", "a@b@high", "\x1b[31m"]),
    "score": st.floats(-0.5, 1.5) | st.booleans(),
}
beside: dict[str, st.SearchStrategy[object]] = {
    "step": words,
    "question": words,
    "cost": st.floats(-1, 1e10),
    "agent": words,
}
rows = st.lists(st.fixed_dictionaries(said, optional=beside), max_size=20)


@settings(max_examples=60, deadline=None)
@given(cases, rows, st.floats(0, 1))
def test_no_rows_and_no_runs_end_in_anything_else(found: list[Case], lines: list[object], most: float) -> None:
    labelled: list[Labelled] = []
    for line in lines:
        with contextlib.suppress(TraceError):
            labelled += read_labelled(io.BytesIO(json.dumps(line).encode()), "rows.jsonl")
    terms = Terms(BUDGET, most, tuple(labelled))
    for feature in FEATURES:
        one = feature(Runs(found, terms))
        assert one == feature(Runs(found, terms))  # the same each time
        if isinstance(one, Change):
            budget_of(changed({"agent": "a"}, [one.keys]))
            assert all(effect.before >= 0 <= effect.after for effect in one.effects)
        else:
            assert one.why


@pytest.mark.parametrize("feature", FEATURES)
def test_a_large_set_of_rows_that_share_nothing_ends(feature: Feature) -> None:
    many = tuple(Labelled(str(n), s.setting, 1.0) for n in range(50) for s in settings_of(n))

    assert isinstance(feature(Runs([], Terms(BUDGET, 0.01, many))), Unmeasured)


def settings_of(number: int) -> list[Labelled]:
    line = json.dumps({"id": "x", "setting": f"model-{number}@high", "score": 1}).encode()
    return list(read_labelled(io.BytesIO(line), "rows.jsonl"))
