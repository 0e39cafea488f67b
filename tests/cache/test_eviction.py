"""Which entry makes room, and who is making which answer: the small parts that stores share."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.cache.claims import Claims
from leanloop.plugins.cache.eviction import Ranks, rank

KEYS = st.sampled_from("abcdef")


def test_what_is_dear_small_and_often_used_stays() -> None:
    assert rank(0.0, 2, 10, 100) > rank(0.0, 1, 10, 100)
    assert rank(0.0, 1, 20, 100) > rank(0.0, 1, 10, 100)
    assert rank(0.0, 1, 10, 50) > rank(0.0, 1, 10, 100)
    assert rank(5.0, 1, 10, 100) > rank(0.0, 40, 10, 100)  # what has not been used for an age falls behind
    assert rank(0.0, 1, 0, 0) == 1.0


@given(st.lists(st.tuples(st.sampled_from("uuudl"), KEYS, st.integers(1, 9), st.integers(1, 9)), max_size=300))
def test_the_lowest_is_always_the_lowest(steps: list[tuple[str, str, int, int]]) -> None:
    ranks = Ranks()
    plain: dict[str, float] = {}
    for step, key, worth, size in steps:
        if step == "u":
            ranks.use(key, 1, worth, size)
            plain[key] = rank(ranks.age, 1, worth, size)
        elif step == "d":
            ranks.drop(key)
            plain.pop(key, None)
        else:
            lowest = ranks.lowest()
            assert (lowest is None) == (not plain)
            if lowest is not None:
                # One that was used again at a lower worth is found a little later than it could be.
                assert plain.pop(lowest) <= ranks.age + 9


def test_what_is_dropped_takes_no_room_for_long() -> None:
    ranks = Ranks()
    for number in range(10_000):
        ranks.use(str(number), 1, 1, 1)
        ranks.drop(str(number))
    assert len(ranks._order) < 100
    assert ranks.lowest() is None


def test_a_claim_ends_with_its_lease() -> None:
    claims = Claims()
    assert claims.ask("k", "me", 10.0, 0.0) == (True, False)
    assert claims.ask("k", "you", 10.0, 9.9) == (False, False)
    claims.renew("k", "you", 10.0, 9.9)
    claims.renew("k", "me", 10.0, 9.9)
    assert claims.ask("k", "you", 10.0, 19.8) == (False, False)
    claims.release("k", "you", 0.0, 19.8)
    assert claims.ask("k", "you", 10.0, 20.0) == (True, False)
    claims.renew("k", "me", 10.0, 20.0)
    claims.release("k", "you", 5.0, 21.0)
    assert claims.ask("k", "me", 10.0, 22.0) == (False, True)
    assert claims.ask("k", "me", 10.0, 26.0) == (True, False)


def test_claims_of_those_who_never_came_back_are_let_go_of() -> None:
    claims = Claims()
    for number in range(1_000):
        claims.ask(str(number), "me", 1.0, float(number))
    assert len(claims._claims) <= 130
