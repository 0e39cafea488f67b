"""The history a landing is asked on stays valid, and becomes as short as it must."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from leanloop import Message, ToolRequest
from leanloop.budgets.tokens import counter_for
from leanloop.plugins.landing_history import answered, shortened

COUNTER = counter_for("gpt-4o-mini")


def asks(*ids: str, text: str = "") -> Message:
    return Message("assistant", text, tuple(ToolRequest(i, "search", '{"q": "x"}') for i in ids))


def result(call: str, text: str = "found") -> Message:
    return Message("tool", text, tool_call_id=call, name="search")


def valid(messages: tuple[Message, ...]) -> bool:
    """Whether every call is answered, once, before the next assistant message, and every result was asked for."""
    waiting: list[str] = []
    for message in messages:
        if message.role == "tool":
            if message.tool_call_id not in waiting:
                return False
            waiting.remove(message.tool_call_id)
        else:
            if message.role == "assistant" and waiting:
                return False
            waiting += [request.id for request in message.tool_calls]
    return not waiting


SYSTEM, USER = Message("system", "Be brief."), Message("user", "What is it?")


def test_a_call_without_a_result_is_given_one() -> None:
    history = (USER, asks("1", "2", "3"), result("2"))
    whole = answered(history)
    assert valid(whole)
    assert {m.tool_call_id: m.text for m in whole if m.role == "tool"} == {
        "1": "Not run: the task's budget was used up.",
        "2": "found",
        "3": "Not run: the task's budget was used up.",
    }
    assert all(message in whole for message in history)


def test_a_whole_history_stays_as_it_is() -> None:
    history = (SYSTEM, USER, asks("1"), result("1"), Message("assistant", "It is x."), USER)
    assert all(one is other for one, other in zip(answered(history), history, strict=True))
    assert answered(()) == ()


def test_an_id_used_again_is_not_answered_by_the_result_of_the_first() -> None:
    assert valid(answered((USER, asks("1"), result("1"), asks("1"))))


def test_a_history_that_fits_is_left_alone() -> None:
    history = (USER, asks("1"), result("1"))
    assert shortened(history, 10_000, COUNTER) is history


def test_the_longest_texts_are_cut_in_their_middle_first() -> None:
    long = "start " + "word " * 4_000 + "end"
    history = (SYSTEM, USER, asks("1"), result("1", long), asks("2"), result("2", "short"))
    cut = shortened(history, 600, COUNTER)
    assert COUNTER.prompt(cut) <= 600
    assert len(cut) == len(history)
    assert cut[3].text.startswith("start word")
    assert cut[3].text.endswith("word end")
    assert "characters left out" in cut[3].text
    assert [one is other for one, other in zip(cut, history, strict=True)] == [True, True, True, False, True, True]


def test_then_the_oldest_steps_are_dropped_with_their_results() -> None:
    steps = [m for n in range(20) for m in (asks(str(n), text="so " * 20), result(str(n), "fact " * 20))]
    history = (SYSTEM, USER, *steps)
    cut = shortened(history, 300, COUNTER)
    assert COUNTER.prompt(cut) <= 300
    assert valid(cut)
    assert cut[:2] == (SYSTEM, USER)
    assert cut[2:] == history[-len(cut) + 2 :], "the newest steps are kept"
    longer = (SYSTEM, USER, *history[-len(cut) :])
    assert COUNTER.prompt(longer) > 300, "and no more is dropped than must be"


def test_dropping_a_step_keeps_the_results_of_a_later_one_with_the_same_id() -> None:
    steps = [m for _ in range(9) for m in (asks("1", text="so " * 20), result("1", "fact " * 20))]
    cut = shortened((USER, *steps), 200, COUNTER)
    assert 1 < len(cut) < 19
    assert valid(cut)


def test_what_the_user_asked_and_the_last_message_stay_whatever_they_cost() -> None:
    ask, last = Message("user", "word " * 500), Message("assistant", "a " * 40)
    assert shortened((SYSTEM, ask, asks("1"), result("1"), last), 0, COUNTER) == (SYSTEM, ask, last)
    assert shortened((), 0, COUNTER) == ()


ROLES = st.sampled_from(["user", "step", "said", "system"])


@settings(deadline=None)
@example([("user", 41, 0, 0), ("step", 21, 0, 0)], 0)
@given(
    st.lists(st.tuples(ROLES, st.integers(0, 400), st.integers(0, 3), st.integers(0, 3)), max_size=12),
    st.integers(0, 2_000),
)
def test_any_history_with_its_calls_answered_stays_valid_when_it_is_shortened(
    turns: list[tuple[str, int, int, int]], tokens: int
) -> None:
    history: list[Message] = []
    for role, length, calls, given_results in turns:
        text = "word " * length
        if role == "step":
            history.append(asks(*map(str, range(calls)), text=text))
            history += [result(str(n), text) for n in range(min(calls, given_results))]
        else:
            history.append(Message({"said": "assistant"}.get(role, role), text))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    whole = answered(history)
    assert valid(whole)
    cut = shortened(whole, tokens, COUNTER)
    assert valid(cut)
    assert COUNTER.prompt(cut) <= COUNTER.prompt(whole)
    assert [m for m in cut if m.role in ("user", "system")] == [m for m in whole if m.role in ("user", "system")]
