from __future__ import annotations

import io
import json

from rich.console import Console

from leanloop.adapters.advice.advice import Advice
from leanloop.adapters.advice.cases import Sample
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.ranking import Ranked
from leanloop.adapters.advice.saving import Saving, saving_of
from leanloop.adapters.advice.together import Together
from leanloop.adapters.advice.words import bounds_of, evidence, lost, percent, saved
from leanloop.adapters.cli.advise_tables import as_dict, show
from leanloop.plugins.trial.bounds import Interval


def saving(*effects: Effect, shares: tuple[float, float] | None = None) -> Saving:
    return saving_of(Change("x", {}, effects, "", successes_lost=shares))


def test_a_share_is_never_minus_nothing() -> None:
    assert percent(-0.00001) == percent(0.00001) == "0.0%"
    assert percent(-0.05) == "-5.0%"


def test_what_is_not_known_is_not_shown_as_a_number() -> None:
    one = saving(Effect("a", 2_000_000_000, 1_000_000_000, success=True))
    assert bounds_of(one.share) == "unknown"
    assert saved(one) == "50.0% of $2.00 saved (too few tasks to say more)"
    assert bounds_of(Interval(0.5, 0.25, 0.75)) == "25.0% to 75.0%"


def test_losses_are_counted_or_shares_or_assumed() -> None:
    tasks = [Effect(str(n), 1, 1, success=True, ended=n == 0) for n in range(20)]
    assert lost(saving(*tasks)).startswith("1 of 20 successes lost (5.0%, at most ")
    assert lost(saving(*tasks, shares=(0.01, 0.02))) == "1.0% of successes lost (at most 2.0%)"
    unjudged = lost(saving(Effect("a", 1, 1)))
    assert unjudged.startswith("0 of 1 runs ended early, each taken for a success (0.0%, at most ")


def test_evidence_is_told_where_any_was_used() -> None:
    assert evidence(saving(Effect("a", 1, 1))) is None
    used = saving(Effect("a", 1, 1, used=812, missing=3))
    assert evidence(used) == "3 of 812 values that were used were out of reach"


def test_labelled_losses_evidence_and_what_was_not_measured_are_shown() -> None:
    change = Change("results", {}, [Effect(str(n), 10, 5, used=4) for n in range(6)], "how", (), (0.01, 0.02))
    together = Together({"agent": "a"}, (Ranked(change, saving_of(change), ()),), ("results",), None)
    unmeasured = (Unmeasured("cache", "nothing came twice", ("but nearly",)),)
    advice = Advice(6, 6, 0, 0, ("gpt-4o",), together, unmeasured, ("a note",))
    sample = Sample(read=9)
    written = io.StringIO()
    show(advice, sample, Console(file=written, width=80))

    for words in [
        "6 of 9 runs of 6 tasks as gpt-4o (6 unjudged)",
        "1.0%, at most 2.0%",
        "0 of 24 values that were used were out of reach.",
        "cache: not measured: nothing came twice.",
        "but nearly",
        "a note",
        "No figure of the whole file, as a replay cannot show it: results.",
    ]:
        assert words in written.getvalue()
    assert "Together, replayed" not in written.getvalue()
    found = as_dict(advice, sample, "agent: a\n")
    assert json.loads(json.dumps(found))["together"] == {"features": ["results"], "not_replayed": ["results"]}
