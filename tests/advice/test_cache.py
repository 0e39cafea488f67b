from __future__ import annotations

from dataclasses import replace

from agent_runs import agent_case

from leanloop.adapters.advice.bare import bare_budget
from leanloop.adapters.advice.cache import cache
from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.advice.tree import budget_of
from leanloop.adapters.traces.trace import RecordedCall, Trace
from leanloop.budgets.cache_rules import CacheRules
from leanloop.budgets.message import Message

TERMS = Terms(bare_budget("a"))


def asking(question: str, answer: str, model: str = "gpt-4o", began: float | None = None) -> Case:
    messages = (Message("system", "You help. " * 300), Message("user", question), Message("assistant", answer))
    calls = () if began is None else (RecordedCall(2, began=began),)
    return Case(Trace("one", messages, reward=1.0, calls=calls), model, question)


def change(*cases: Case) -> Change:
    found = cache(Runs(cases, TERMS))
    assert isinstance(found, Change)
    return found


def test_a_workload_that_repeats_is_answered_from_the_cache() -> None:
    found = change(*(agent_case(3, task=str(number % 10)) for number in range(20)))

    assert [effect.after < effect.before for effect in found.effects] == [False] * 10 + [True] * 10
    assert [effect.after for effect in found.effects[10:]] == [0] * 10
    assert not any(effect.ended for effect in found.effects)
    assert "Of 80 model calls 40 were the very same" in found.notes[0]
    assert found.notes[1] == "10 of 20 runs were the same as an earlier one from beginning to end."
    rules = budget_of({"agent": "a", **found.keys}).cache
    assert rules is not None
    assert (rules.ttl, rules.semantic) == (3_600, "off")


def test_a_run_that_was_served_a_false_answer_is_lost() -> None:
    found = change(asking("What is its capital?", "Paris."), asking("what is its capital", "Lyon."))

    assert [effect.ended for effect in found.effects] == [False, True]
    assert "1 hits were false" in found.notes[-1]


def test_the_same_question_answered_in_two_ways_is_told_and_is_no_loss() -> None:
    found = change(asking("A joke, please.", "A horse."), asking("A joke, please.", "A bear."))

    assert not any(effect.ended for effect in found.effects)
    assert "1 hits gave an answer in other words" in found.notes[-1]


def test_runs_that_say_when_they_began_are_played_in_that_order() -> None:
    cases = [asking("What is it?", "A cat.", began=began) for began in (9_000.0, 100.0, 0.0)]

    assert [effect.after > 0 for effect in change(*cases).effects] == [True, False, True]  # the last is past its hour


def test_runs_of_which_one_does_not_say_when_are_played_as_they_come() -> None:
    cases = [asking("What is it?", "A cat.", began=50.0), asking("What is it?", "A cat.")]

    assert [effect.after > 0 for effect in change(*cases).effects] == [True, False]


def test_where_the_provider_caches_nothing_the_bill_is_without() -> None:
    twice = [agent_case(8, model="claude-sonnet-4-5", text="found " * 300) for _ in range(2)]
    marked = [replace(case, model="gpt-4o") for case in twice]

    plain, cached = change(*twice), change(*marked)

    assert plain.effects[0].before > 2 * cached.effects[0].before


def test_runs_that_share_nothing_say_so() -> None:
    found = cache(Runs([agent_case(2, task=str(number)) for number in range(5)], TERMS))

    assert isinstance(found, Unmeasured)
    assert found.why == "none of 15 model calls asked what was asked before"
    assert isinstance(cache(Runs([], TERMS)), Unmeasured)


def test_a_file_that_has_it_on_is_left_alone() -> None:
    on = Terms(TERMS.budget.model_copy(update={"cache": CacheRules()}))
    tools_alone = Terms(TERMS.budget.model_copy(update={"cache": CacheRules(models=False)}))

    found = cache(Runs([agent_case(2), agent_case(2)], on))
    assert isinstance(found, Unmeasured)
    assert "leanloop cache stats" in found.why
    assert isinstance(cache(Runs([agent_case(2), agent_case(2)], tools_alone)), Change)


def test_tools_that_gave_the_same_again_are_notes_and_never_keys() -> None:
    circling = [agent_case(6, task=str(number), equal=True) for number in range(3)]
    found = cache(Runs(circling, TERMS))

    assert isinstance(found, Unmeasured)
    assert 'cache: {tools: {"look": {evicted_by: []}}}' in found.notes[0]
    assert set(change(*circling, *circling).keys["cache"]) == {"ttl", "semantic"}  # type: ignore[arg-type]
