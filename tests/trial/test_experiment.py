from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import leanloop
from leanloop import (
    Alert,
    Budget,
    BudgetFileError,
    MemoryStore,
    Message,
    ModelCall,
    ModelReply,
    StoreError,
    Task,
    Usage,
)
from leanloop import parse_budget as parse
from leanloop.adapters.cli.app import app
from leanloop.plugins.abilities import Abilities
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.store import Added, Count
from leanloop.plugins.stack import Stack
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.trial.arms import Arms, arm_of, ended_count, experiment_key

THINKS = Abilities(("none", "low", "high"), "none")
FILE = "agent: a\nthinking: {phases: {plan: high, answer: high}}\nexperiment: {of: thinking, least: 20%s}\n"


class Agent:
    """One agent under one budget file; its model is worth more when it thinks, and costs more."""

    def __init__(self, more: str = "", outcomes: MemoryOutcomes | None = None) -> None:
        self.budget: Budget = parse(FILE % more, environ={})
        self.outcomes = outcomes or MemoryOutcomes()
        self.stack = Stack(supplied=Supplied(outcomes=self.outcomes))
        self.alerts: list[Alert] = []
        self.seen: list[ModelCall] = []

    def send(self, call: ModelCall) -> ModelReply:
        self.seen.append(call)
        return ModelReply(Message("assistant", "so"), Usage(100, 1_000 if call.thinking == "high" else 100))

    def task(self, **tags: str) -> leanloop.task:
        return leanloop.task(self.budget, store=MemoryStore(), tags=tags, on_alert=self.alerts.append)

    def call(self, task: Task) -> str | None:
        """The effort that the call was made with."""
        call = ModelCall("gpt-4o", (Message("user", "go"),), abilities=lambda name: THINKS)
        run(self.stack.model_flow(call, task), self.send)
        return self.seen[-1].thinking

    def arms(self) -> Arms:
        return Arms.read(self.outcomes.counts([experiment_key(self.budget)])[0])


def test_in_one_arm_a_task_runs_as_if_the_key_were_not_there() -> None:
    agent = Agent()
    efforts: dict[str | None, set[str | None]] = {}
    for _ in range(40):
        with agent.task() as task:
            efforts.setdefault(task.arm, set()).add(agent.call(task))
            efforts.setdefault(task.arm, set()).add(agent.call(task))
            assert (task.rules.thinking is None) == (task.arm == "off")
            assert task.budget.thinking is not None
    efforts.pop(None)
    assert efforts == {"on": {"high"}, "off": {None}}


def test_the_arm_is_that_of_the_tags_value_in_every_process_and_order() -> None:
    first, second = Agent(", by: user"), Agent(", by: user")

    def arms(agent: Agent, users: Sequence[str]) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for user in users:
            with agent.task(user=user) as task:
                agent.call(task)
                found[user] = task.arm
        return found

    users = [f"u{number}" for number in range(30)]
    assert arms(first, users) == arms(second, users[::-1])
    assert set(arms(first, users).values()) == {"on", "off"}


def test_as_many_tasks_run_with_the_key_as_the_share_says() -> None:
    budget = parse(FILE % ", share: 20%", environ={})
    assert budget.experiment is not None
    key = experiment_key(budget)
    arms = [arm_of(budget.experiment, key, f"task{number}", {}) for number in range(4_000)]
    assert 0.17 < arms.count("on") / 4_000 < 0.23
    by_user = budget.experiment.model_copy(update={"by": "user"})
    assert len({arm_of(by_user, key, f"task{number}", {"user": "u1"}) for number in range(50)}) == 1
    assert len({arm_of(by_user, key, f"task{number}", {}) for number in range(50)}) == 2


def test_other_rules_are_another_experiment() -> None:
    keys = {
        experiment_key(parse(text, environ={}))
        for text in (
            FILE % "",
            FILE % ", share: 20%",
            (FILE % "").replace("plan: high", "plan: low"),
            (FILE % "").replace("agent: a", "agent: b"),
        )
    }
    assert len(keys) == 4
    assert experiment_key(parse(FILE % "", environ={})) == experiment_key(
        parse("max_output: 100\n" + FILE % "", environ={})
    )
    with pytest.raises(ValueError, match="no experiment"):
        experiment_key(Budget(agent="a"))


def test_an_experiment_with_a_key_that_is_not_there_is_refused() -> None:
    with pytest.raises(BudgetFileError, match="'experiment' tries cache, which the file does not name; add cache"):
        parse("agent: a\nexperiment: {of: cache}\n", environ={})


def test_costs_and_outcomes_count_for_the_arm_and_only_once() -> None:
    agent = Agent()
    costs: dict[str | None, list[int]] = {"on": [], "off": []}
    for number in range(30):
        with agent.task() as task:
            agent.call(task)
            agent.call(task)
            assert task.outcome(number % 2) >= 1
            assert task.outcome(1) == 0
            costs[task.arm].append(sum(use.cost or 0 for use in task.receipt().models))
    arms = agent.arms()
    for name, arm in (("on", arms.on), ("off", arms.off)):
        assert arm.tasks == arm.priced == len(costs[name])
        assert arm.cost == pytest.approx(sum(costs[name]) / 1e9)
        assert arm.mean_cost == pytest.approx(sum(costs[name]) / 1e9 / len(costs[name]))
    assert arms.on.score + arms.off.score == pytest.approx(15)
    assert (arms.on.mean_cost or 0) > (arms.off.mean_cost or 0) * 5


def test_a_task_within_another_is_in_its_arm_and_a_part_of_it() -> None:
    agent = Agent()
    for _ in range(20):
        with agent.task() as whole:
            agent.call(whole)
            with leanloop.task(agent.budget) as part:
                agent.call(part)
                assert (part.arm, part.counted_arm) == (whole.arm, False)
            whole.outcome(1)
    arms = agent.arms()
    assert arms.on.tasks + arms.off.tasks == 20


def counted(agent: Agent, arm: str, tasks: int, score: float) -> None:
    """As many tasks as that, without running them."""
    key = experiment_key(agent.budget)
    for number in range(tasks):
        cost = 0.01 / 1_000
        right = float(number % 100 < score * 100)
        for what, value in (("score", right), ("cost", cost), ("squares", cost * cost)):
            agent.outcomes.add([Added(key, f"{arm} {what}", Count(weight=1e-3, score=value * 1e-3))])


def test_once_it_is_decided_all_tasks_go_the_better_way_and_it_is_said() -> None:
    agent = Agent()
    counted(agent, "on", 2_000, 0.6)
    counted(agent, "off", 2_000, 0.9)
    with agent.task() as task:
        agent.call(task)
    assert task.arm == "off"
    assert [alert.kind for alert in agent.alerts] == ["experiment"]
    assert "all tasks run without it from now on: scores fall by more than 2 points" in agent.alerts[0].message
    assert agent.alerts[0].message in task.receipt().notes
    assert agent.arms().ended == "off"
    again = Agent(outcomes=agent.outcomes)  # another process
    for _ in range(20):
        with again.task() as task:
            assert again.call(task) is None
            task.outcome(1)
    assert agent.arms().off.tasks == 2_000  # nothing is counted any more
    assert not again.alerts


def test_where_it_is_not_to_end_it_is_only_said() -> None:
    agent = Agent(", ends: off".replace("off", "false"))
    counted(agent, "on", 2_000, 0.9)
    counted(agent, "off", 2_000, 0.6)
    arms: set[str | None] = set()
    for _ in range(30):
        with agent.task() as task:
            agent.call(task)
            arms.add(task.arm)
    assert arms == {"on", "off"}
    assert agent.arms().ended is None
    assert "tasks with it do better: scores rise by more than 2 points" in agent.alerts[0].message


def test_counts_do_not_fade_while_it_runs() -> None:
    agent = Agent()
    counted(agent, "on", 5_000, 0.5)
    assert agent.arms().on.tasks == 5_000


def test_where_two_processes_ended_it_in_two_ways_the_key_is_left_out() -> None:
    agent = Agent()
    agent.outcomes.add([ended_count(experiment_key(agent.budget), arm) for arm in ("on", "off")])
    assert agent.arms().ended == "off"


class Down(MemoryOutcomes):
    def counts(self, keys: Sequence[str]) -> Any:
        raise StoreError("the store is away")

    def record(self, decision: Any) -> None:
        raise StoreError("the store is away")


def test_while_the_store_is_down_tasks_go_by_their_hash_and_it_is_noted() -> None:
    agent = Agent(outcomes=Down())
    arms: set[str | None] = set()
    notes: list[str] = []
    for _ in range(30):
        with agent.task() as task:
            agent.call(task)
            arms.add(task.arm)
            notes += task.receipt().notes
    assert arms == {"on", "off"}
    assert any("What the task cost was not kept for the experiment: the store is away" in note for note in notes)
    assert sum("The outcomes of the experiment with thinking could not be read" in note for note in notes) == 1


def test_it_is_asked_at_most_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr("leanloop.plugins.trial.experiment.time.monotonic", lambda: now[0])
    asked: list[Sequence[str]] = []

    class Counting(MemoryOutcomes):
        def counts(self, keys: Sequence[str]) -> Any:
            asked.extend([keys] * any(key.startswith("experiment:") for key in keys))
            return super().counts(keys)

    agent = Agent(outcomes=Counting())
    for seconds in (0, 30, 59, 61, 90):
        now[0] = 1_000.0 + seconds
        with agent.task() as task:
            agent.call(task)
    assert len(asked) == 2


async def test_it_runs_on_an_event_loop() -> None:
    agent = Agent()

    async def send(call: ModelCall) -> ModelReply:
        await asyncio.sleep(0)
        return agent.send(call)

    async with agent.task() as task:
        call = ModelCall("gpt-4o", (Message("user", "go"),), abilities=lambda name: THINKS)
        await arun(agent.stack.model_flow(call, task), send)
        assert await task.aoutcome(1) >= 1
    arms = agent.arms()
    assert arms.on.tasks + arms.off.tasks == 1


def test_a_part_of_a_larger_call_is_in_the_arm_too() -> None:
    agent = Agent()
    seen: set[tuple[str | None, str | None]] = set()
    for _ in range(30):
        with agent.task() as task:
            call = ModelCall("gpt-4o", (Message("user", "go"),), abilities=lambda name: THINKS)
            run(agent.stack.part_flow(call, task), agent.send)
            seen.add((task.arm, agent.seen[-1].thinking))
    assert seen == {("on", "high"), ("off", None)}


def test_the_check_of_a_file_says_what_is_tried(tmp_path: Path) -> None:
    path = tmp_path / "b.yaml"
    path.write_text(FILE % ", by: user, share: 20%")
    said = CliRunner(env={"COLUMNS": "300"}).invoke(app, ["check", str(path)]).output
    assert "20 % of the tasks of each user, all in the same way, run with it, the others without" in said
    assert "by more than 2 points" in said
    assert "all go the better way; it takes 20 scored tasks each way" in said


def test_all_tasks_without_the_key_run_under_one_and_the_same_budget() -> None:
    agent = Agent(", share: 0.001")
    ran: list[Budget] = []
    while len(ran) < 2:
        with agent.task() as task:
            agent.call(task)
            if task.arm == "off":
                ran.append(task.rules)
    assert ran[0] is ran[1]
    assert ran[0].thinking is None
