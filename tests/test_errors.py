"""The errors: one tree, with the numbers and the way out in their messages."""

from __future__ import annotations

import pickle

import pytest

from leanloop import errors
from leanloop.errors import (
    BudgetExceeded,
    BudgetFileError,
    LeanLoopError,
    LoopDetected,
    MissingExtra,
    PriceUnknown,
    TaskStopped,
    TraceError,
    UsageError,
)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_of_one_tree_that_no_synthesizer_swallows(name: str) -> None:
    kind: type[BaseException] = getattr(errors, name)
    assert issubclass(kind, LeanLoopError)
    assert not issubclass(kind, ValueError | TypeError)
    assert kind.__doc__


def test_every_error_is_in_the_tree_at_the_top() -> None:
    assert errors.__doc__ is not None
    assert all(name in errors.__doc__ for name in errors.__all__)


def test_a_file_error_begins_with_its_place() -> None:
    error = BudgetFileError("unknown key 'limit'; did you mean limits?", file="a.yaml", line=3)
    assert str(error) == "a.yaml:3: unknown key 'limit'; did you mean limits?"
    assert (error.file, error.line) == ("a.yaml", 3)
    assert str(BudgetFileError("is empty", file="a.yaml")) == "a.yaml: is empty"


def test_a_trace_error_begins_with_its_place() -> None:
    error = TraceError("not JSON", file="t.jsonl", line=7)
    assert str(error) == "t.jsonl:7: not JSON"
    assert (error.file, error.line) == ("t.jsonl", 7)


def test_an_unknown_price_names_the_model_and_the_three_ways_out() -> None:
    error = PriceUnknown("my-model")
    assert error.model == "my-model"
    for part in ("'my-model'", "prices: {my-model:", "unknown_model: free", "unknown_model: most_expensive"):
        assert part in str(error)


def test_a_missing_extra_gives_the_pip_line_and_is_an_import_error() -> None:
    error = MissingExtra("langchain", "langchain")
    assert str(error) == "langchain is not installed. Install it with: pip install 'leanloop[langchain]'"
    assert error.extra == "langchain"
    assert isinstance(error, ImportError)
    assert isinstance(error, UsageError)


def exceeded(hint: str = "") -> BudgetExceeded:
    return BudgetExceeded(
        "No room.", resource="usd", scope="this task", limit=10, spent=6, reserved=3, needed=2, hint=hint
    )


def test_a_limit_that_was_reached_carries_its_numbers() -> None:
    error = exceeded("Raise it.")
    assert (error.resource, error.scope) == ("usd", "this task")
    assert (error.limit, error.spent, error.reserved, error.needed) == (10, 6, 3, 2)
    assert error.reason == "No room."
    assert str(error) == "No room. Raise it."
    assert str(exceeded()) == "No room."
    assert isinstance(error, TaskStopped)


def test_a_stop_says_its_reason() -> None:
    error = LoopDetected("search was called again and again.")
    assert error.reason == str(error) == "search was called again and again."
    assert str(TaskStopped("Short.", "Short. With a hint.")) == "Short. With a hint."


@pytest.mark.parametrize(
    "error",
    [
        BudgetFileError("wrong", file="a.yaml", line=3),
        PriceUnknown("m"),
        MissingExtra("redis", "redis"),
        TraceError("wrong", file="t.jsonl", line=1),
        LoopDetected("circles"),
        BudgetExceeded("full", resource="usd", scope="this task", limit=1, spent=1, reserved=0, needed=1, hint="more"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_reaches_another_process_whole(error: LeanLoopError) -> None:
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert (str(twin), twin.__dict__) == (str(error), error.__dict__)
