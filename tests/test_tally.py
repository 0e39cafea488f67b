"""What a task remembers of its limits: each of them once, in the window that is open."""

from __future__ import annotations

from leanloop.budgets.store import Balance, Line
from leanloop.plugins.receipt import Saving
from leanloop.plugins.tally import Tally

YESTERDAY, TODAY = (Line(f"user=u1:day:2026-11-{day}", "tokens", 100) for day in (22, 23))


def seen(tally: Tally) -> list[tuple[str, int, int]]:
    return [(use.scope, use.limit, use.spent) for use in tally.limits()]


def test_a_window_that_has_turned_gives_its_place_to_the_next() -> None:
    tally = Tally()
    tally.limits_seen([YESTERDAY], [Balance(90)])
    assert seen(tally) == [("user=u1 per day", 100, 90)]
    tally.limits_seen([TODAY], [Balance(5)])
    assert seen(tally) == [("user=u1 per day", 100, 5)]
    fullest = tally.fullest(0.01)
    assert fullest is not None
    assert (fullest.account, fullest.share) == (TODAY.account, 0.05)


def test_what_is_booked_late_into_a_window_that_has_turned_is_left_out() -> None:
    tally = Tally()
    tally.limits_seen([YESTERDAY], [Balance(90)])
    tally.limits_seen([TODAY], [Balance(5)])
    assert tally.limits_spent([YESTERDAY], {"tokens": 7}) == []
    (standing,) = tally.limits_spent([TODAY], {"tokens": 7})
    assert (standing.spent, seen(tally)) == (12, [("user=u1 per day", 100, 12)])


def test_a_balance_older_than_what_was_spent_since_is_not_believed() -> None:
    tally = Tally()
    tally.limits_seen([TODAY], [Balance(5)])
    tally.limits_spent([TODAY], {"tokens": 20})
    tally.limits_seen([TODAY], [Balance(10, raised=50)])
    assert seen(tally) == [("user=u1 per day", 150, 25)]


def test_limits_of_one_owner_that_differ_in_window_or_zone_stand_apart() -> None:
    tally = Tally()
    names = ["day:2026-11-23", "day@Asia/Tokyo:2026-11-23", "rolling-day:2026-11-23T10:00:00", "month:2026-11"]
    tally.limits_seen([Line(f"user=u1:{name}", "tokens", 100) for name in names], [Balance()] * 4)
    assert len(tally.limits()) == 4


def test_a_limit_of_nothing_is_spent() -> None:
    tally = Tally()
    tally.limits_seen([Line("task:1", "tokens", 0)], [Balance()])
    (use,) = tally.limits()
    assert use.share == 1.0
    assert tally.fullest(0.0) is None


def test_equal_savings_are_one() -> None:
    tally = Tally()
    for cost in (3, 4):
        tally.saving(Saving("degrade", "calls made with small", "counted", calls=1, tokens=2, cost=cost))
    tally.saving(Saving("degrade", "calls made with tiny", "counted", calls=1))
    _, _, _, savings = tally.snapshot()
    assert [(saving.calls, saving.tokens, saving.cost) for saving in savings] == [(2, 4, 7), (1, 0, 0)]


def test_of_limits_that_are_equally_full_the_first_is_the_fullest() -> None:
    tally = Tally()
    lines = [Line("task:1", name, 100) for name in ("usd", "tokens", "model_calls", "cycles")]
    tally.limits_seen(lines, [Balance(80), Balance(90), Balance(90), Balance(70)])
    fullest = tally.fullest(0.7)
    assert fullest is not None
    assert (fullest.resource, fullest.share) == ("tokens", 0.9)


def test_notes_do_not_grow_without_end() -> None:
    tally = Tally()
    assert all(tally.note(f"Result {number} could not be kept.") for number in range(50))
    assert tally.note("One more.")
    assert not tally.note("And another.")
    assert not tally.note("Result 3 could not be kept.")
    notes = tally.notes()
    assert len(notes) == 51
    assert notes[3] == "Result 3 could not be kept. (2 times)"
    assert notes[-1] == "Other things went otherwise than asked too. (2 times)"
