from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from hypothesis import given
from hypothesis import strategies as st

from leanloop import Message
from leanloop.plugins.difficulty.asked import Questions, failures

FAILED = Message("tool", "no", tool_call_id="1", is_error=True)
WORKED = Message("tool", "yes", tool_call_id="2")


class Counted(Sequence[Message]):
    """Messages that count how often one is looked at."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages, self.looks = messages, 0

    @overload
    def __getitem__(self, place: int) -> Message: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Message]: ...
    def __getitem__(self, place: int | slice) -> Message | Sequence[Message]:
        self.looks += 1
        return self.messages[place]

    def __len__(self) -> int:
        return len(self.messages)


def test_the_question_is_what_the_user_said_last() -> None:
    said = [Message("user", "first"), Message("assistant", "yes"), Message("user", "second"), Message("user", "")]
    assert Questions().of("t", said) == "second"
    assert Questions().of("t", [Message("system", "be brief")]) == ""


def test_of_a_history_that_has_grown_only_what_is_new_is_looked_at() -> None:
    questions = Questions()
    history = [Message("user", "go"), *[WORKED] * 800]
    questions.of("t", history)
    grown = Counted([*history, WORKED, WORKED])
    assert questions.of("t", grown) == "go"
    assert grown.looks == 3


def test_a_long_turn_is_no_longer_to_look_at_for_errors() -> None:
    turn = Counted([Message("user", "go"), *[WORKED] * 800])
    assert failures(turn) == 0
    assert turn.looks == 40


@given(st.lists(st.sampled_from(["user", "assistant", "new", "shorter"]), max_size=30))
def test_whatever_becomes_of_a_history_the_last_question_is_found(steps: list[str]) -> None:
    questions, history = Questions(), list[Message]()
    for number, step in enumerate(steps):
        if step == "shorter":
            history = history[: len(history) // 2]
        elif step == "new":
            history = [Message("user", f"other {number}")]
        else:
            history = [*history, Message("user" if step == "user" else "assistant", str(number))]
        last = [message.text for message in history if message.role == "user"]
        assert questions.of("t", history) == (last[-1] if last else "")


def test_tasks_are_kept_apart_and_forgotten() -> None:
    questions = Questions()
    for number in range(1_100):
        assert questions.of(str(number), [Message("user", str(number))]) == str(number)
    assert questions.of("3", [Message("user", "again")]) == "again"


def test_only_errors_since_the_user_spoke_count() -> None:
    assert failures([FAILED, Message("user", "again"), FAILED]) == 1
    assert failures([Message("user", "go"), FAILED, WORKED, FAILED, FAILED]) == 2
    assert failures([]) == 0
