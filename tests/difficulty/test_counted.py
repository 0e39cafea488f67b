from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.difficulty.counted import added, counted, estimate_of, has_moved, pair
from leanloop.plugins.difficulty.posterior import PRIOR
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.store import Added, Count

CHEAP, DEAR = Setting("small"), Setting("large", "high")
KEYS = ("agent", "like", "own")


def learn(store: MemoryOutcomes, scores: dict[Setting, float], keys: tuple[str, ...] = KEYS, weight: float = 1) -> None:
    store.add(added(keys, scores, store.counts(keys), weight))


def test_one_setting_counts_for_each_kind_and_as_the_first_of_its_kind() -> None:
    found = added(("agent", "own"), {CHEAP: 0.5}, [{}, {}])
    assert found == [
        Added("agent", "small", Count(1, 0.5)),
        Added("agent", "kinds of small", Count(1)),
        Added("own", "small", Count(1, 0.5)),
    ]


def test_the_next_of_a_kind_is_multiplied_with_the_mean_of_those_before() -> None:
    found = added(("agent", "own"), {CHEAP: 1.0}, [{}, {"small": Count(4, 3)}])
    assert Added("agent", "again in small", Count(1, 0.75)) in found


def test_settings_tried_on_one_question_are_compared_in_both_directions() -> None:
    found = {(one.key, one.setting): one.counted for one in added(("own",), {CHEAP: 0.25, DEAR: 1.0}, [{}], 0.5)}
    assert found == {
        ("own", "small"): Count(0.5, 0.125),
        ("own", "large@high"): Count(0.5, 0.5),
        ("own", pair(CHEAP, DEAR)): Count(0.5, 0.375),
        ("own", pair(DEAR, CHEAP)): Count(0.5, 0.0),
    }


def test_of_nothing_known_the_prior_is_estimated() -> None:
    found = estimate_of([{}, {}], CHEAP, DEAR, ("agent", "own"))
    assert (found.mean, found.low, found.seen) == (PRIOR.mean, 0.0, 0.0)
    assert found.high == 0.79
    assert found.keys == ("agent", "own")
    assert estimate_of([], CHEAP, DEAR).mean == PRIOR.mean


def test_pairs_are_believed_before_rates() -> None:
    store = MemoryOutcomes()
    for _ in range(40):
        learn(store, {CHEAP: 0.0, DEAR: 1.0})
    found = estimate_of(store.counts(KEYS), CHEAP, DEAR)
    assert found.low > 0.8
    assert found.seen == 40


def test_rates_alone_tell_where_the_dearer_helps_and_where_it_does_not() -> None:
    store = MemoryOutcomes()
    for _ in range(60):
        for own, cheap in (("easy", 1.0), ("hard", 0.0)):
            keys = ("agent", "like", own)
            learn(store, {CHEAP: cheap}, keys)
            learn(store, {DEAR: 1.0}, keys)
    easy, hard = (estimate_of(store.counts(("agent", "like", own)), CHEAP, DEAR) for own in ("easy", "hard"))
    assert easy.side(0.3) == "below"
    assert hard.side(0.3) == "above"
    assert easy.seen == 120


def test_what_is_known_of_other_settings_says_nothing() -> None:
    store = MemoryOutcomes()
    for _ in range(40):
        learn(store, {Setting("other"): 0.0, DEAR: 1.0})
    assert estimate_of(store.counts(KEYS), Setting("unheard"), Setting("of")).mean == PRIOR.mean


def test_kinds_that_differ_leave_a_new_one_open_and_kinds_that_do_not_settle_it() -> None:
    apart, alike = MemoryOutcomes(), MemoryOutcomes()
    for kind in range(40):
        for _ in range(10):
            learn(apart, {CHEAP: 0.0, DEAR: float(kind % 2)}, ("agent", "like", f"kind {kind}"))
            learn(alike, {CHEAP: 0.0, DEAR: float(_ % 2)}, ("agent", "like", f"kind {kind}"))
    new = ("agent", "like", "new")
    assert estimate_of(apart.counts(new), CHEAP, DEAR).side(0.3) == "unsure"
    assert estimate_of(alike.counts(new), CHEAP, DEAR).side(0.1) == "above"


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.sampled_from(["a", "b", "c"])), max_size=30))
def test_whatever_was_learned_the_bounds_hold_the_mean(outcomes: list[tuple[float, float, str]]) -> None:
    store = MemoryOutcomes()
    for cheap, dear, own in outcomes:
        learn(store, {CHEAP: cheap, DEAR: dear}, ("agent", "like", own))
    for own in ("a", "b", "c", "new"):
        found = estimate_of(store.counts(("agent", "like", own)), CHEAP, DEAR)
        assert 0 <= found.low <= found.mean <= found.high <= 1


@pytest.mark.parametrize("weight", [0.02, 0.1, 1.0])
def test_what_was_only_inferred_moves_an_estimate_less(weight: float) -> None:
    store, sure = MemoryOutcomes(), MemoryOutcomes()
    learn(store, {CHEAP: 0.0, DEAR: 1.0}, weight=weight)
    learn(sure, {CHEAP: 0.0, DEAR: 1.0}, weight=1.0)
    found, most = (estimate_of(one.counts(KEYS), CHEAP, DEAR).mean for one in (store, sure))
    assert PRIOR.mean < found <= most


def test_an_outcome_of_another_phase_makes_no_surer_than_one_of_the_same() -> None:
    store = MemoryOutcomes()
    same, other = (("agent", phase, "like", "family") for phase in ("result", "plan"))
    learn(store, {CHEAP: 0.0, DEAR: 1.0}, same)
    here, there = (estimate_of(store.counts(keys), CHEAP, DEAR, keys) for keys in (same, other))
    assert (there.mean, there.low, there.high) == pytest.approx((here.mean, here.low, here.high))
    assert there.side(0.3) == "unsure"


def test_an_estimate_moves_with_an_outcome_and_not_with_what_is_inferred_of_a_step() -> None:
    assert has_moved((3.0, 0.0), (3.0, 1.0))
    assert not has_moved((3.0, 0.0), (3.02, 0.02))
    assert has_moved((3.0, 0.0), (3.0, 50 * 0.02))  # of many steps it does
    assert has_moved((900.0,), (450.0,))  # what faded


KINDS = st.lists(st.sampled_from("abcdef"), max_size=4, unique=True)
SCORES = st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=3, max_size=3)


@given(st.lists(st.tuples(KINDS, SCORES), max_size=12))
def test_many_outcomes_at_once_count_as_one_after_the_other(outcomes: list[tuple[list[str], list[float]]]) -> None:
    settings = (Setting("a"), Setting("b"), Setting("c", "high"))
    counts: dict[str, dict[str, Count]] = {}
    for keys, scores in outcomes:
        known = [counts.get(key, {}) for key in keys]
        for key, name, by in added(keys, dict(zip(settings, scores, strict=True)), known):
            before = counts.setdefault(key, {}).get(name, Count())
            counts[key][name] = Count(before.weight + by.weight, before.score + by.score)

    assert counted(settings, outcomes) == counts
