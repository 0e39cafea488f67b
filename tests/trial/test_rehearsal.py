from __future__ import annotations

import random

import pytest

from leanloop.budgets.budget import Budget
from leanloop.budgets.message import Message
from leanloop.errors import UsageError
from leanloop.plugins.call import ModelCall
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.difficulty.step import step
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.steps import perform
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task
from leanloop.plugins.trial.labelled import Labelled
from leanloop.plugins.trial.pairs import Tried
from leanloop.plugins.trial.rehearsal import Question, Rehearsal, questions_of
from leanloop.plugins.trial.tuning import Tuning, tuned

CHEAP, DEAR = Setting("small"), Setting("large")
BUDGET = Budget(agent="a")


def tried(name: str, scores: tuple[float, float], step: str = "", question: str | None = None) -> Tried:
    return Tried(name, scores, (1_000_000, 10_000_000), step, "a", question)


def sets(easy: int, hard: int, seed: int = 0) -> list[Tried]:
    """Of an easy step, on which both do well, and of a hard one, on which only the large does."""
    drawn = random.Random(seed)
    found = [tried(f"e{n}", (1.0, 1.0), "easy") for n in range(easy)]
    found += [tried(f"h{n}", (0.0, 1.0), "hard") for n in range(hard)]
    drawn.shuffle(found)
    return found


def rows(tried: list[Tried], *, cost: bool = True) -> list[Labelled]:
    return [
        Labelled(one.id, setting, one.scores[place], one.step, cost=one.costs[place] if cost else None)
        for one in tried
        for place, setting in enumerate((CHEAP, DEAR))
    ]


def test_a_question_is_of_the_kinds_that_a_live_call_is_of() -> None:
    [named, worded] = questions_of(
        [tried("1", (1, 1), "extract"), tried("2", (1, 1), question="How many are 3 and 4?")], BUDGET
    )
    learning, task = Learning(Supplied(outcomes=MemoryOutcomes())), Task(BUDGET)
    with step("extract"):
        assert named.keys == perform(learning.keys(ModelCall("m", ()), task))
    live = perform(learning.keys(ModelCall("m", (Message("user", "How many are 3 and 4?"),)), task))
    assert worded.keys == live
    assert worded.odds > named.odds == 1.0


def test_a_question_is_never_judged_by_its_own_outcome() -> None:
    """One question of a kind of its own that only the large setting answers: nothing of that is in its chance."""
    rehearsal = Rehearsal((CHEAP, DEAR), wary=False)
    others = [Question(("all", "easy"), 1.0, (1.0, 1.0)) for _ in range(50)]
    alone = [rehearsal.cases([*others, Question(("all", "own"), 1.0, scores)])[-1] for scores in ((0, 1), (1, 1))]
    assert alone[0].chances == alone[1].chances
    both = [rehearsal.learned([*others, *more]).case(others[0]) for more in ([], others)]
    assert both[0].chances >= both[1].chances


def test_who_is_wary_judges_by_the_upper_bound() -> None:
    questions = [Question(("all",), 1.0, (0.0, 1.0)), Question(("all",), 1.0, (1.0, 1.0))] * 20
    wary, bold = (Rehearsal((CHEAP, DEAR), wary=wary).cases(questions) for wary in (True, False))
    assert all(one.chances[0][0] > 0.5 > other.chances[0][0] for one, other in zip(wary, bold, strict=True))


def tune(questions: list[Tried], most: float = 0.02, *, cost: bool = True) -> Tuning:
    return tuned(rows(questions, cost=cost), (CHEAP, DEAR), BUDGET, most=most, wary=True)


def test_what_the_cheaper_setting_does_as_well_goes_to_it() -> None:
    found = tune(sets(120, 40))
    assert found.step is not None
    assert found.step.dear == 40
    assert found.step.loss.mean == 0.0
    assert found.step.threshold <= found.above < 0.9
    assert found.held_out_loss.mean == 0.0
    assert found.saving is not None
    assert found.saving.estimate == pytest.approx(0.75 * 9_000_000)
    assert found.saving.low < found.saving.estimate < found.saving.high
    assert found.dear_cost == 10_000_000


def test_where_nothing_tells_the_hard_from_the_easy_all_stay_with_the_dear() -> None:
    found = tune([Tried(one.id, one.scores, one.costs, "same") for one in sets(120, 40)])
    assert found.step is None
    assert found.above == 0.001
    assert found.naive == 1.0
    assert found.saving is not None
    assert found.saving.estimate == 0.0


def test_without_costs_no_saving_is_said() -> None:
    found = tune(sets(120, 40), cost=False)
    assert (found.saving, found.dear_cost) == (None, None)


def test_three_tiers_are_climbed_one_by_one() -> None:
    settings = (CHEAP, Setting("medium"), DEAR)
    kinds = {"easy": (1.0, 1.0, 1.0), "middling": (0.0, 1.0, 1.0), "hard": (0.0, 0.0, 1.0)}
    labelled = [
        Labelled(f"{name}{number}", setting, score, name)
        for number in range(50)
        for name, scores in kinds.items()
        for setting, score in zip(settings, scores, strict=True)
    ]
    found = tuned(labelled, settings, BUDGET, most=0.02, wary=True)
    assert found.step is not None
    assert found.step.loss.mean == 0.0
    assert found.step.dear == 50


def test_too_few_questions_are_said_with_how_many_it_takes() -> None:
    with pytest.raises(UsageError, match=r"takes 133 questions .* small and large.* has 40\. Label 93 more"):
        tune(sets(30, 10))


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_a_set_of_one_class_is_refused(score: float) -> None:
    with pytest.raises(UsageError, match="All 200 questions were answered as well by small as by large"):
        tune([tried(f"q{n}", (score, score)) for n in range(200)])


def test_a_set_without_pairs_is_refused() -> None:
    with pytest.raises(UsageError, match="No question of the set was answered with each of small, large"):
        tuned([Labelled("q", CHEAP, 1.0), Labelled("r", DEAR, 1.0)], (CHEAP, DEAR), BUDGET, most=0.02, wary=True)
