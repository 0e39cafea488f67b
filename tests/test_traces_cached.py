from __future__ import annotations

from dataclasses import replace

from agent_runs import agent_run
from hypothesis import given
from hypothesis import strategies as st

from leanloop.adapters.traces.cached import CachedRun, CachedRuns
from leanloop.adapters.traces.trace import RecordedCall, Trace
from leanloop.budgets.cache_rules import CacheRules
from leanloop.budgets.message import Message
from leanloop.budgets.prices import PriceBook

PRICE = PriceBook({}).price("gpt-4o")


def asking(question: str, answer: str, **said: object) -> Trace:
    messages = (Message("system", "You help."), Message("user", question), Message("assistant", answer))
    return replace(Trace("one", messages), **said)  # type: ignore[arg-type]


def played(*runs: Trace, rules: CacheRules | None = None) -> list[CachedRun]:
    cached = CachedRuns(rules or CacheRules())
    return [cached.play(run, "gpt-4o", PRICE) for run in runs]


def test_only_what_was_asked_before_is_given_again() -> None:
    first, again = played(agent_run(3), agent_run(3))

    assert (first.calls, first.hits.total(), first.after) == (4, 0, first.before)
    assert (again.calls, again.hits) == (4, {"exact": 4})
    assert (again.after.calls, again.after.cached) == (0, 0)
    assert (again.repeats, first.repeats) == (True, False)


def test_a_run_that_goes_another_way_repeats_nothing_as_a_whole() -> None:
    _, longer = played(agent_run(3), agent_run(4))

    assert longer.hits == {"exact": 4}  # of five: that it went on and did not answer is another answer
    assert (longer.other, longer.wrong, longer.repeats) == (1, [], False)


def test_other_spelling_is_answered_and_a_different_answer_to_it_is_false() -> None:
    first, same, false = played(
        asking("What is the capital of France?", "It is Paris."),
        asking("what is the capital of France", "It is Paris."),
        asking("what is the capital of france??", "It is Lyon."),
    )

    assert (first.hits.total(), same.hits, same.wrong) == (0, {"normal": 1}, [])
    [wrong] = false.wrong
    assert (wrong.question, wrong.served, wrong.recorded) == (
        "what is the capital of france??",
        "It is Paris.",
        "It is Lyon.",
    )


def test_the_very_same_question_answered_otherwise_is_no_false_hit() -> None:
    _, sampled = played(asking("Tell me a joke.", "A horse."), asking("Tell me a joke.", "A bear."))

    assert (sampled.hits, sampled.other, sampled.wrong, sampled.repeats) == ({"exact": 1}, 1, [], False)


def test_answers_are_kept_apart_by_the_tags_that_the_record_has() -> None:
    own, others, again = played(
        *(asking("What do I owe?", "$5.", tags=(("user", user),)) for user in ("ann", "bob", "ann"))
    )

    assert [one.hits.total() for one in (own, others, again)] == [0, 0, 1]


def test_answers_are_as_old_as_the_record_says() -> None:
    at = [asking("What is it?", "A cat.", calls=(RecordedCall(2, began=began),)) for began in (0.0, 3_000.0, 9_000.0)]

    assert [one.hits.total() for one in played(*at)] == [0, 1, 0]


def test_a_call_is_the_model_s_that_the_record_names() -> None:
    by = [asking("What is it?", "A cat.", calls=(RecordedCall(2, model=model),)) for model in ("gpt-4o", "gpt-5", None)]

    assert [one.hits.total() for one in played(*by)] == [0, 0, 1]


def test_a_prompt_that_was_not_sent_is_in_no_providers_cache() -> None:
    long = agent_run(6, text="found " * 400)
    cut = Trace("cut", long.messages[:9])  # the first four calls, and another answer than to call

    _, after = played(cut, replace(long, messages=(*long.messages[:-1], Message("assistant", "something else"))))

    assert after.hits["exact"] == 4
    assert after.after.calls == 3
    assert after.before.usage.cached_input > after.after.usage.cached_input > 0


@given(
    st.lists(
        st.lists(
            st.builds(
                Message,
                role=st.sampled_from(["system", "user", "assistant", "tool"]),
                text=st.text(max_size=20) | st.sampled_from(["Hi", "hi!"]),
            ),
            max_size=6,
        ),
        max_size=4,
    )
)
def test_whatever_runs_hold_no_more_is_spent_than_without(runs: list[list[Message]]) -> None:
    for one in played(*(Trace(str(place), tuple(messages)) for place, messages in enumerate(runs))):
        assert one.after.calls == one.calls - one.hits.total()
        assert (one.after.uncached or 0) <= (one.before.uncached or 0)
