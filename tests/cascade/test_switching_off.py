"""A cascade pays by its prices, or is not begun; one that turns out to lose turns itself off, everywhere."""

# Agents made by a fixture that takes anything, and models that are lambdas.
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportPrivateUsage=false
from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leanloop import Alert, StoreError
from leanloop.budgets.cascade_rules import CascadeRules
from leanloop.plugins.cascade.break_even import BreakEven, prior_escalation
from leanloop.plugins.cascade.standing import Call, Standing, key_of
from leanloop.plugins.cascade.wager import Stakes
from leanloop.plugins.drive_sync import run
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.sqlite_outcomes import SqliteOutcomes
from leanloop.plugins.outcomes.store import OutcomeStore

Make = Callable[..., Any]


def test_the_formula_is_that_of_the_table() -> None:
    """routing.md, 4.2: the escalation at which nothing is saved, at a price ratio of 16.7, 3 and 5."""
    for ratio, asks, most in ((16.7, 1, 0.94), (16.7, 3, 0.82), (3, 1, 0.67), (3, 3, 0.0), (5, 3, 0.4)):
        assert BreakEven(most, asks, 1000, 0, int(ratio * 1000)).saves == pytest.approx(0, abs=0.01)
    assert BreakEven(0, 1, 0, 0, 0).saves < 0


def test_what_was_measured_outweighs_what_was_expected() -> None:
    first = BreakEven(0.5, 3, 1, 0, 17)
    assert first.after(0, 0, 0) == first
    later = first.after(990, 99, 2_000)
    assert later.escalated == pytest.approx(0.104)
    assert later.asks == pytest.approx(2.03)


def test_gates_add_up() -> None:
    assert prior_escalation(["tool_calls", "refusal"]) == pytest.approx(0.1)
    assert prior_escalation(["agreement"]) == pytest.approx(0.5)
    assert prior_escalation(["format", "agreement", "mine"]) == pytest.approx(1 - 0.9 * 0.5 * 0.8)


def priced(ratio: int) -> str:
    return f"  near-1: {{input: {ratio}, output: {ratio}}}\n"


@pytest.mark.parametrize(("ratio", "models"), [(3, ["near-1"]), (5, ["near-1"]), (17, ["cheap-1"] * 3)])
def test_agreement_of_three_is_begun_only_where_the_prices_allow_it(
    agent: Make, ratio: int, models: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    made = agent(
        "{gates: [agreement]}",
        tiers="cheap: cheap-1, frontier: near-1",
        more=priced(ratio),
        says={"near-1": "near says", "cheap-1": "Answer: 7"},
    )
    with made.task() as task:
        run(made.flow(task), made)
    assert made.models == models
    said = "".join(task.receipt().notes)
    assert ("Cheap-1 before near-1 is not asked, with agreement it would lose: 1 - 0.50" in said) == (ratio < 17)
    made.ask()
    assert len([one for one in caplog.records if "it would lose" in one.message]) == (ratio < 17)


def test_a_model_without_a_price_is_not_tried(agent: Make) -> None:
    made = agent(tiers="cheap: nameless-1, frontier: dear-1", says={"nameless-1": "x"})
    with made.task() as task:
        run(made.flow(task), made)
    assert made.models == ["dear-1"]
    assert "without a price for each model" in "".join(task.receipt().notes)


def test_a_dear_model_that_costs_nothing_leaves_nothing_to_save(agent: Make) -> None:
    made = agent(
        tiers="cheap: cheap-1, frontier: free-1", more="  free-1: {input: 0, output: 0}\n", says={"free-1": "x"}
    )
    assert made.ask() == "x"


def test_a_verifier_and_a_second_model_are_part_of_the_price(agent: Make) -> None:
    made = agent("{gates: [agreement, verifier], second: dear-1, verifier: dear-1}")
    with made.task() as task:
        run(made.flow(task), made)
    assert made.models == ["dear-1"]
    assert "it would lose" in "".join(task.receipt().notes)


class Down(MemoryOutcomes):
    """Cannot be read, or cannot be written, where a cascade is concerned."""

    def __init__(self, *fails: str) -> None:
        super().__init__()
        self.fails = fails

    def counts(self, keys: Any) -> Any:
        if "counts" in self.fails and any(key.startswith("cascade:") for key in keys):
            raise StoreError("gone")
        return super().counts(keys)

    def add(self, added: Any) -> None:
        if "add" in self.fails and any(one.key.startswith("cascade:") for one in added):
            raise StoreError("gone")
        super().add(added)


def test_a_store_that_is_down_is_no_reason_to_fail(agent: Make) -> None:
    for fails, taken, note in (("counts", "dear says", "cannot be read"), ("add", "cheap says", "could not be kept")):
        made = agent(outcomes=Down(fails))
        with made.task() as task:
            assert run(made.flow(task), made).message.text == taken
        assert note in "".join(task.receipt().notes)


class CascadesAlone(SqliteOutcomes):
    """Does not learn that calls are hard, which soon would go up unasked."""

    def add(self, added: Any) -> None:
        super().add([one for one in added if one.key.startswith("cascade:")])


@pytest.fixture
def alone(tmp_path: Path) -> OutcomeStore:
    return CascadesAlone(tmp_path / "outcomes.db")


def run_in(made: Any) -> str:
    """The notes of a further task."""
    with made.task() as task:
        run(made.flow(task), made)
    return "".join(task.receipt().notes)


def test_one_that_always_fails_turns_itself_off_says_so_and_is_tried_again(
    agent: Make, alone: OutcomeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr("leanloop.plugins.cascade.terms.time.time", lambda: now[0])
    told: list[Alert] = []
    made = agent("{gates: [refusal], retry: 1h}", outcomes=alone, says={"cheap-1": ""})
    tasks = []
    for _ in range(200):
        with made.task(on_alert=told.append) as task:
            run(made.flow(task), made)
        tasks.append(task)
        if made.models[-2:] == ["dear-1", "dear-1"]:
            break
    asked = made.models.count("cheap-1")
    assert asked < 200, "known to lose before the trial ended"
    (alert,) = (one for one in told if one.kind == "cascade" and "no longer asked" in one.message)
    assert alert.message.startswith(f"Agent a: cheap-1 is no longer asked before dear-1: in {asked} calls it lost $")
    notes = ["".join(task.receipt().notes) for task in tasks[-2:]]
    assert any("Cheap-1 is no longer asked before dear-1" in one for one in notes)
    assert run_in(made).endswith("did not pay, and is tried again later.")
    now[0] += 3_601
    made.ask()
    assert made.models[-2:] == ["cheap-1", "dear-1"], "tried again"


def test_one_that_saves_stays_on(agent: Make) -> None:
    made = agent("{gates: [refusal], trial: 20}")
    for _ in range(60):
        made.ask()
    assert made.models == ["cheap-1"] * 60


def test_one_whose_saving_is_not_known_after_its_trial_turns_itself_off(agent: Make, alone: OutcomeStore) -> None:
    made = agent(
        "{gates: [refusal], trial: 10}",
        outcomes=alone,
        tiers="cheap: cheap-1, frontier: near-1",
        more=priced(3),
        says={"cheap-1": lambda _, n: "" if n % 5 < 3 else "good", "near-1": "near says"},
    )
    for _ in range(20):
        made.ask()
    assert made.models.count("cheap-1") == 10


LOSING = """
import sys
from pathlib import Path
import leanloop
from leanloop import Message, ModelCall, ModelReply, Usage
from leanloop.plugins.drive_sync import run
from leanloop.plugins.outcomes.sqlite_outcomes import SqliteOutcomes
from leanloop.plugins.stack import Stack
from leanloop.plugins.supplied import Supplied

class CascadesAlone(SqliteOutcomes):
    def add(self, added):
        super().add([one for one in added if one.key.startswith("cascade:")])

def model(call):
    asked.append(call.model)
    return ModelReply(Message("assistant", "" if call.model == "cheap-1" else "x"), Usage(1_000, 100))

asked, budget, path, calls = [], sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
stack = Stack(supplied=Supplied(outcomes=CascadesAlone(path)))
for _ in range(calls):
    with leanloop.task(leanloop.parse_budget(budget, environ={})) as task:
        run(stack.model_flow(ModelCall("near-1", (Message("user", "go"),), agent="a"), task), model)
print(asked.count("cheap-1"))
"""


def losing(path: Path, calls: int) -> int:
    """How often the cheap model is asked in a process of its own, where all of its answers fail."""
    budget = (
        "agent: a\nloop: off\nroutes: {cheap: cheap-1, frontier: near-1, cascade: {gates: [refusal]}}\n"
        "difficulty: {families: false}\n"
        "prices: {cheap-1: {input: 1, output: 1}, near-1: {input: 3, output: 3}}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", LOSING, budget, str(path), str(calls)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_two_processes_share_what_was_lost(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.db"
    assert losing(path, 15) == 15
    assert 0 < losing(path, 60) < 15, "what the other has lost counts"
    store = SqliteOutcomes(path)
    key = key_of("a", "cheap-1", "near-1", CascadeRules(gates=("refusal",)))
    assert Standing.read(key, store.counts((key,))[0], time.time(), 3_600.0).off is not None, "nor does a restart"


RULES = CascadeRules()


def stored(outcomes: OutcomeStore, *calls: Call) -> Standing:
    standing = Standing(key_of("a", "x", "y", RULES))
    for call in calls:
        stakes = Stakes.of(standing.calls, standing.shares, standing.squares, standing.won, 0.5)
        outcomes.add(standing.added(call, stakes.play(call.share)))
        standing = Standing.read(standing.key, outcomes.counts((standing.key,))[0], 0.0, 60.0)
    return standing


def test_what_is_kept_is_read_again() -> None:
    saved, lost = Call(800, 0.8, 1_000, False, 1, 50), Call(-200, -0.2, 1_000, True, 3, 70)
    standing = stored(MemoryOutcomes(), saved, lost)
    assert (standing.calls, standing.saved, standing.dear) == (2, 600, 2_000)
    assert (standing.escalated, standing.asks, standing.output) == (1, 4, 120)
    assert standing.shares == pytest.approx(0.6)
    assert standing.squares == pytest.approx(0.68)
    assert standing.unit(4_000) == 2_000


def test_one_that_began_to_lose_after_years_of_saving_is_found_out() -> None:
    outcomes = MemoryOutcomes()
    standing = stored(outcomes, *[Call(800, 0.8, 1_000, False, 1, 50)] * 1_500)
    assert standing.proved()
    calls = 0
    while not standing.loses(200):
        calls += 1
        stakes = Stakes.of(standing.calls, standing.shares, standing.squares, standing.won, 0.5)
        outcomes.add(standing.added(Call(-300, -0.3, 1_000, True, 1, 50), stakes.play(-0.3)))
        standing = Standing.read(standing.key, outcomes.counts((standing.key,))[0], 0.0, 60.0)
        assert calls < 200


def test_turned_off_at_once_by_two_it_is_off_once() -> None:
    outcomes = MemoryOutcomes()
    standing = stored(outcomes, Call(-1, -0.1, 1_000, True, 1, 50))
    outcomes.add([standing.turned_off(100.0), standing.turned_off(110.0)])
    counts = outcomes.counts((standing.key,))[0]
    assert Standing.read(standing.key, counts, 120.0, 60.0).off == pytest.approx(105)
    again = Standing.read(standing.key, counts, 200.0, 60.0)
    assert (again.turn, again.off, again.calls) == (1, None, 0)


def test_names_and_gates_tell_cascades_apart() -> None:
    keys = {
        key_of("a", "x", "y", RULES),
        key_of("a:x", "", "y", RULES),
        key_of("a", "x>y", "", RULES),
        key_of("a", "x", "y", CascadeRules(gates=("refusal",))),
        key_of("a", "x", "y", CascadeRules(answer_form={"type": "object"})),
    }
    assert len(keys) == 5
    assert key_of("a", "x", "y", CascadeRules(trial=7)) in keys, "how long it is tried makes it no other"


def test_off_in_the_log_is_a_warning(agent: Make, alone: OutcomeStore, caplog: pytest.LogCaptureFixture) -> None:
    made = agent("{gates: [refusal]}", outcomes=alone, says={"cheap-1": ""})
    for _ in range(190):
        made.ask()
    warnings = [one for one in caplog.records if one.levelno == logging.WARNING and "no longer asked" in one.message]
    assert len(warnings) == 1
