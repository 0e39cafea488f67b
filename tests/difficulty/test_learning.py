from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import leanloop
from leanloop import Budget, Limit, Message, ModelCall, Task, ToolSpec
from leanloop.budgets.difficulty_rules import DifficultyRules
from leanloop.errors import StoreError, TaskStopped, UsageError
from leanloop.plugins.cache.embedder import CallableEmbedder
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.difficulty.posterior import PRIOR
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.outcomes.counting import say
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.sqlite_outcomes import SqliteOutcomes
from leanloop.plugins.steps import Steps, aperform, perform
from leanloop.plugins.supplied import Difficulty, Supplied

CHEAP, DEAR = Setting("small"), Setting("large", "high")
BUDGET = Budget(agent="support", limits=())
QUESTION = ModelCall("m", (Message("user", "How many days are in three weeks?"),))


@pytest.fixture
def task() -> Task:
    return Task(BUDGET)


@pytest.fixture
def learning() -> Learning:
    return Learning(Supplied(outcomes=MemoryOutcomes()))


@pytest.fixture
def down(tmp_path: Path) -> Learning:
    """One whose store cannot be read."""
    (tmp_path / "outcomes.db").write_bytes(b"no database" * 100)
    return Learning(Supplied(outcomes=SqliteOutcomes(tmp_path / "outcomes.db")))


def learn(learning: Learning, task: Task, cheap: float, dear: float, times: int = 30) -> None:
    keys = perform(learning.keys(QUESTION, task))
    for _ in range(times):
        perform(learning.observed(keys, {CHEAP: cheap, DEAR: dear}, BUDGET))


def decided(keys: tuple[str, ...], task: Task, name: str = "d1", **said: Any) -> Decision:
    made = Decision(name, task.id, task.agent, 1.0, "thinking", keys, str(CHEAP), cost=1_000)
    return replace(made, **said)


def test_of_nothing_known_too_little_is_known(learning: Learning, task: Task) -> None:
    found = perform(learning.estimate(QUESTION, task, CHEAP, DEAR))
    assert found.side(0.3) == "unsure"
    assert found.mean == pytest.approx(PRIOR.mean, abs=0.05)


def test_what_was_learned_of_a_step_is_known_of_it_and_not_of_another(learning: Learning, task: Task) -> None:
    with leanloop.step("add up"):
        learn(learning, task, 0.0, 1.0)
        known = perform(learning.estimate(QUESTION, task, CHEAP, DEAR))
    with leanloop.step("greet"):
        other = perform(learning.estimate(QUESTION, task, CHEAP, DEAR))
    assert (known.side(0.3), other.side(0.3)) == ("above", "unsure")
    assert (known.seen, other.seen) == (30, 0)


def test_without_a_step_questions_of_one_template_are_one_kind(learning: Learning, task: Task) -> None:
    learn(learning, task, 0.0, 1.0)
    like = ModelCall("m", (Message("user", "How many days are in nine weeks?"),))
    assert perform(learning.estimate(like, task, CHEAP, DEAR)).side(0.3) == "above"
    assert perform(learning.keys(like, task)) == perform(learning.keys(QUESTION, task))


def test_families_can_be_turned_off(learning: Learning) -> None:
    task = Task(Budget(agent="support", limits=(), difficulty=DifficultyRules(families=False)))
    assert not any("family" in key for key in perform(learning.keys(QUESTION, task)))


def test_phase_tools_and_failures_are_other_kinds(learning: Learning, task: Task) -> None:
    asked, failed = QUESTION.messages[0], Message("tool", "no such day", tool_call_id="1", is_error=True)
    plan = replace(QUESTION, tools=(ToolSpec("search"),))
    found = {
        perform(learning.keys(call, task))
        for call in (QUESTION, plan, replace(plan, messages=(asked, failed)), replace(plan, tools=(ToolSpec("read"),)))
    }
    assert len(found) == 4


def test_the_node_of_a_graph_is_a_kind_within_which_families_are_told_apart(learning: Learning, task: Task) -> None:
    keys = perform(learning.keys(replace(QUESTION, node="count"), task))
    assert keys[3] == "agent=support&step=count"
    assert keys[4:] == perform(learning.keys(QUESTION, task))[3:]
    with leanloop.step("add up"):
        assert perform(learning.keys(replace(QUESTION, node="count"), task))[3:] == ("agent=support&step=add%20up",)


def test_no_key_holds_text_of_the_call(learning: Learning, task: Task) -> None:
    call = ModelCall("m", (Message("system", "sesame"), Message("user", "The password is hunter2")))
    assert not any(word in key for key in perform(learning.keys(call, task)) for word in ("sesame", "hunter2"))


def test_a_call_without_a_question_has_no_family(learning: Learning, task: Task) -> None:
    assert len(perform(learning.keys(ModelCall("m", ()), task))) == 3


async def test_awaited_it_is_the_same(task: Task) -> None:
    store = MemoryOutcomes()
    plain, awaited = (Learning(Supplied(outcomes=store)) for _ in range(2))
    keys = await aperform(awaited.keys(QUESTION, task))
    assert keys == await asyncio.to_thread(perform, plain.keys(QUESTION, task))
    await aperform(awaited.observed(keys, {CHEAP: 0.0, DEAR: 1.0}, BUDGET))
    one = await aperform(awaited.estimate(QUESTION, task, CHEAP, DEAR))
    assert one == await asyncio.to_thread(perform, plain.estimate(QUESTION, task, CHEAP, DEAR))


def test_an_estimate_is_made_anew_once_something_was_learned(learning: Learning, task: Task) -> None:
    first = perform(learning.estimate(QUESTION, task, CHEAP, DEAR))
    assert perform(learning.estimate(QUESTION, task, CHEAP, DEAR)) is first
    perform(learning.decided(decided(first.keys, task), task))  # what a call cost changes nothing
    assert perform(learning.estimate(QUESTION, task, CHEAP, DEAR)) is first
    learn(learning, task, 0.0, 1.0, times=1)
    assert perform(learning.estimate(QUESTION, task, CHEAP, DEAR)).mean > first.mean


def test_estimates_that_are_remembered_do_not_grow_for_ever(
    learning: Learning, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leanloop.plugins.difficulty.learning._ESTIMATES", 3)
    for number in range(9):
        perform(learning.estimate(QUESTION, task, CHEAP, Setting(f"large {number}")))
    assert len(learning._estimates) <= 3  # pyright: ignore[reportPrivateUsage]


def test_a_durable_store_is_shared_by_processes(tmp_path: Path, task: Task) -> None:
    one, other = (Learning(Supplied(outcomes=SqliteOutcomes(tmp_path / "o.db"))) for _ in range(2))
    learn(one, task, 0.0, 1.0, times=20)
    assert perform(other.estimate(QUESTION, task, CHEAP, DEAR)).side(0.3) == "above"


def test_the_users_judge_has_the_last_word(task: Task) -> None:
    learning = Learning(Supplied(outcomes=MemoryOutcomes(), difficulty=lambda call: 0.8))
    learn(learning, task, 1.0, 1.0)
    found = perform(learning.estimate(QUESTION, task, CHEAP, DEAR))
    assert (found.low, found.mean, found.high) == (0.8, 0.8, 0.8)
    assert found.keys == perform(learning.keys(QUESTION, task))


def _fails(call: ModelCall) -> float:
    raise RuntimeError("secret-of-the-judge")


def _gives(chance: Any) -> Difficulty:
    return lambda call: chance


@pytest.mark.parametrize(
    "judge",
    [_fails, *map(_gives, (math.nan, 1.01, -1, True, "0.5"))],
    ids=["raises", "nan", "above 1", "below 0", "boolean", "text"],
)
def test_a_judge_that_is_of_no_use_is_noted_once_and_what_is_learned_counts(
    judge: Difficulty, task: Task, caplog: pytest.LogCaptureFixture
) -> None:
    learning = Learning(Supplied(outcomes=MemoryOutcomes(), difficulty=judge))
    learn(learning, task, 0.0, 1.0)
    for _ in range(3):
        assert perform(learning.estimate(QUESTION, task, CHEAP, DEAR)).side(0.3) == "above"
    assert len(task.receipt().notes) == len(caplog.records) == 1
    assert "judge of difficulty" in caplog.text
    assert "secret" not in caplog.text


def test_a_store_that_is_down_is_noted_once_and_the_prior_counts(
    down: Learning, task: Task, caplog: pytest.LogCaptureFixture
) -> None:
    with leanloop.step("add up"):
        found, *_ = [perform(down.estimate(QUESTION, task, CHEAP, DEAR)) for _ in range(3)]
    assert (found.seen, found.side(0.3)) == (0.0, "unsure")
    assert found.mean == pytest.approx(PRIOR.mean, abs=0.05)
    assert len(task.receipt().notes) == len(caplog.records) == 1
    assert "judged by the prior" in caplog.text


def _estimates(learning: Learning, task: Task) -> Steps[Any]:
    return learning.keys(QUESTION, task)


def _decides(learning: Learning, task: Task) -> Steps[Any]:
    return learning.decided(decided(("k",), task), task)


def _sees(learning: Learning, task: Task) -> Steps[Any]:
    return learning.saw(("k",), {CHEAP: 1.0}, task)


def _asks_cost(learning: Learning, task: Task) -> Steps[Any]:
    return learning.cost_of(("k",), CHEAP, task)


@pytest.mark.parametrize("does", [_estimates, _decides, _sees, _asks_cost])
def test_a_call_goes_on_where_the_store_is_down(
    does: Callable[[Learning, Task], Steps[Any]], down: Learning, task: Task
) -> None:
    perform(does(down, task))
    perform(does(down, task))
    assert len(task.receipt().notes) == 1


def test_who_says_an_outcome_hears_that_the_store_is_down(down: Learning) -> None:
    with pytest.raises(StoreError):
        perform(down.observed(("k",), {CHEAP: 1.0}, BUDGET))


@pytest.mark.parametrize("score", [-0.1, 1.1, math.nan, "1"])
def test_a_score_that_is_none_is_refused(score: Any, learning: Learning) -> None:
    with pytest.raises(UsageError, match="outcome"):
        perform(learning.observed(("k",), {CHEAP: score}, BUDGET))


def test_what_was_decided_is_counted_once_its_task_has_an_outcome(learning: Learning, task: Task) -> None:
    keys = perform(learning.keys(QUESTION, task))
    perform(learning.decided(decided(keys, task), task))
    store = learning.store_of(BUDGET)
    assert perform(say(store, task.id, 1.0)) == 1
    assert store.counts(keys[-1:])[0][str(CHEAP)].score == 1


def test_a_sub_tasks_decisions_know_what_they_are_a_part_of(learning: Learning, task: Task) -> None:
    inner = Task(BUDGET, parent=task)
    perform(learning.decided(decided(("k",), inner), inner))
    assert [one.within for one in learning.store_of(BUDGET).of_task(task.id)] == [(task.id,)]


def test_the_mean_cost_is_that_of_the_most_special_kind_with_enough_calls(learning: Learning, task: Task) -> None:
    def cost(*keys: str) -> float | None:
        return perform(learning.cost_of(keys, CHEAP, task))

    assert cost("all", "own") is None
    for number in range(5):
        perform(learning.decided(decided(("all",), task, f"a{number}", cost=3_000), task))
    perform(learning.decided(decided(("own",), task, "b", cost=1_000), task))
    assert cost("all", "own") == 3_000
    assert cost("own") == 1_000
    for number in range(4):
        perform(learning.decided(decided(("own",), task, f"c{number}", cost=1_000), task))
    assert cost("all", "own") == 1_000


def test_a_cost_that_is_not_known_or_of_two_settings_is_left_out(learning: Learning, task: Task) -> None:
    perform(learning.decided(decided(("k",), task, "a", cost=None), task))
    perform(learning.decided(decided(("k",), task, "b", escalated=True), task))
    assert perform(learning.cost_of(("k",), CHEAP, task)) is None


def test_a_share_of_the_tasks_explores_always_the_same_ones(learning: Learning) -> None:
    estimate = perform(learning.estimate(QUESTION, Task(BUDGET), CHEAP, DEAR))

    def explores(share: float | None, number: int, value: float | None = None) -> bool:
        budget = Budget(agent="a", limits=(), difficulty=DifficultyRules(explore=share))
        return learning.explores(QUESTION, Task(budget, task_id=f"task {number}", value=value), estimate)

    some = [explores(0.2, number) for number in range(1_000)]
    assert 150 < sum(some) < 250
    assert some[:50] == [explores(0.2, number) for number in range(50)]
    assert not any(explores(None, number) for number in range(50))
    assert not any(explores(0.999, number, value=5.0) for number in range(50))


def test_a_part_of_a_task_with_a_value_does_not_explore(learning: Learning) -> None:
    budget = Budget(agent="a", limits=(), difficulty=DifficultyRules(explore=0.999))
    estimate = perform(learning.estimate(QUESTION, Task(budget), CHEAP, DEAR))
    inner = Task(budget, parent=Task(budget, value=5.0))
    assert not learning.explores(QUESTION, inner, estimate)


def test_the_users_embedder_finds_the_families(task: Task) -> None:
    embedder = CallableEmbedder(lambda texts: [[1.0, 0.0]] * len(texts), name="all alike")
    learning = Learning(Supplied(outcomes=MemoryOutcomes(), embedder=embedder))
    other = ModelCall("m", (Message("user", "Where is that cat now and then?"),))
    assert perform(learning.keys(QUESTION, task))[-2:] == perform(learning.keys(other, task))[-2:]


def test_a_text_that_is_too_long_for_the_embedder_has_no_family(task: Task) -> None:
    embedder = CallableEmbedder(lambda texts: [[1.0, 0.0]] * len(texts), name="short", max_tokens=1)
    assert len(perform(Learning(Supplied(outcomes=MemoryOutcomes(), embedder=embedder)).keys(QUESTION, task))) == 3


def test_an_embedder_that_fails_is_noted_and_calls_have_no_family(task: Task) -> None:
    def broken(texts: list[str]) -> list[list[float]]:
        raise RuntimeError("secret")

    learning = Learning(Supplied(outcomes=MemoryOutcomes(), embedder=CallableEmbedder(broken, name="broken")))
    assert len(perform(learning.keys(QUESTION, task))) == 3
    assert task.receipt().notes == ("The embedder failed (RuntimeError): calls have no family.",)


def test_where_the_budget_has_no_room_for_an_embedding_calls_have_no_family_and_go_on() -> None:
    embedder = CallableEmbedder(lambda texts: [[1.0, 0.0]] * len(texts), name="dear", model="text-embedding-3-small")
    task = Task(Budget(agent="a", limits=(Limit(per="task", embedding_tokens=1),)))
    assert len(perform(Learning(Supplied(outcomes=MemoryOutcomes(), embedder=embedder)).keys(QUESTION, task))) == 3
    assert task.stopped is None
    assert task.receipt().notes == (
        "The limit of embedding_tokens had no room for an embedding: calls have no family.",
    )


def test_a_task_that_was_stopped_stays_so() -> None:
    embedder = CallableEmbedder(lambda texts: [[1.0, 0.0]] * len(texts), name="dear", model="text-embedding-3-small")
    task = Task(BUDGET)
    task.stop(TaskStopped("enough"))
    with pytest.raises(TaskStopped):
        perform(Learning(Supplied(outcomes=MemoryOutcomes(), embedder=embedder)).keys(QUESTION, task))


def test_where_the_budget_says_outcomes_are_kept(tmp_path: Path) -> None:
    rules = DifficultyRules(store=f"sqlite:///{tmp_path / 'learned.db'}")
    budget = Budget(agent="a", limits=(), difficulty=rules)
    learning = Learning()
    perform(learning.observed(("k",), {CHEAP: 1.0}, budget))
    assert (tmp_path / "learned.db").exists()
    assert not Learning().store_of(BUDGET).durable
