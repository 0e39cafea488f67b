"""Pairs are looked up as in production: what would be served wrongly is found, whatever hides it."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.cache.calibration import Trial
from leanloop.plugins.cache.embedder import CallableEmbedder
from leanloop.plugins.cache.pairs import Pair
from leanloop.plugins.cache.trials import Rehearsal


def words(texts: Sequence[str]) -> list[list[float]]:
    """A bag of words: what shares words is alike."""
    rows = np.full((len(texts), 512), 1e-4)
    for row, text in zip(rows, texts, strict=True):
        for word in text.lower().rstrip("?").split():
            row[zlib.crc32(word.encode()) % 512] += 1
    return rows.tolist()


EMBEDDER = CallableEmbedder(words, name="words", max_tokens=100)

FIX = "How do I fix a carpet?"
REPAIR = "How can I repair a carpet?"
LAMP = "How do I fix a lamp?"


def trials(*pairs: Pair, others: Sequence[str] = ()) -> list[Trial]:
    return Rehearsal(pairs, others, EMBEDDER).trials()


def test_a_question_with_an_answer_is_served_it_and_nothing_without() -> None:
    (trial,) = trials(Pair(REPAIR, FIX, same=True), others=[LAMP])
    assert trial.repeats
    assert trial.right is not None
    assert 0 < trial.right < 1
    assert (trial.wrong, trial.asked) == (None, REPAIR)


def test_what_differs_in_spelling_alone_is_as_alike_as_can_be() -> None:
    (trial,) = trials(Pair("how do i fix a carpet", FIX, same=True), others=[LAMP])
    assert (trial.right, trial.wrong) == (1.0, None)


def test_an_answer_that_passes_the_checks_and_is_labelled_different_is_wrong() -> None:
    (trial,) = trials(Pair(REPAIR, FIX, same=False))
    assert not trial.repeats
    assert trial.right is None
    assert trial.wrong is not None
    assert trial.by == FIX


def test_one_in_other_spelling_that_is_labelled_different_is_wrong_at_every_threshold() -> None:
    (trial,) = trials(Pair("how do i fix a carpet", FIX, same=False))
    assert trial.wrong == 1.0


def test_a_near_miss_counts_also_where_something_nearer_hides_it() -> None:
    hiding = "How can I repair a carpet now?"  # volatile: never compared
    nearer = ["Can I repair a carpet?", "How can I repair a lamp?", "How can I repair a red carpet?"]
    (trial,) = trials(Pair(REPAIR, FIX, same=False), others=[*nearer, hiding])
    assert trial.wrong is not None
    assert trial.by == FIX


def test_what_is_too_far_away_to_be_looked_at_is_a_miss() -> None:
    far = "How can I repair the broken carpet at home?"
    for same in (True, False):
        (trial,) = trials(Pair(far, "Fix broken carpet", same=same))
        assert (trial.right, trial.wrong) == (None, None)


def test_of_what_is_not_labelled_a_hit_is_a_wrong_one() -> None:
    (trial,) = trials(Pair(REPAIR, FIX, same=True), others=["How can I fix a carpet?"])
    assert trial.wrong is not None
    assert trial.by == "How can I fix a carpet?"
    assert trial.right is None, "it is nearer than its own answer"


def test_what_means_the_same_by_way_of_a_third_is_right() -> None:
    pairs = [Pair(REPAIR, FIX, same=True), Pair("How can I mend a carpet?", FIX, same=True)]
    pairs.append(Pair("How can I fix a carpet?", "How can I mend a carpet?", same=True))
    assert [trial.wrong for trial in trials(*pairs)] == [None, None, None]


def test_what_is_never_answered_by_meaning_is_a_miss() -> None:
    long = "How do I fix a carpet " + "and a carpet " * 200
    for asked, known in (
        ("What is the weather like in Oslo?", "How is the weather in Oslo?"),
        (long + "twice?", long + "three times?"),
        ("Cancel the order of a carpet", "Please do cancel the order of a carpet"),
    ):
        (trial,) = trials(Pair(asked, known, same=True))
        assert (trial.right, trial.wrong) in {(None, None), (1.0, None)}


def test_each_question_is_one_trial_however_many_pairs_it_is_in() -> None:
    found = trials(Pair(REPAIR, FIX, same=True), Pair(REPAIR, LAMP, same=False), Pair(REPAIR, FIX, same=True))
    assert len(found) == 1
    assert found[0].repeats


def test_the_store_holds_each_known_question_once() -> None:
    assert Rehearsal([Pair(REPAIR, FIX, same=True), Pair(LAMP, FIX, same=False)], [FIX, LAMP], EMBEDDER).size == 2


THINGS = st.sampled_from(["a carpet", "a lamp", "a camera", "two lamps", "my lamp"])
ASKED = st.builds("{} {}?".format, st.sampled_from(["How do I fix", "How can I repair", "Where do I buy"]), THINGS)


@given(st.lists(st.builds(Pair, ASKED, ASKED, st.booleans()), min_size=1, max_size=12), st.lists(ASKED, max_size=5))
def test_with_its_own_answers_there_a_question_is_answered_wrongly_only_if_it_would_be_without(
    pairs: list[Pair], others: list[str]
) -> None:
    rehearsal = Rehearsal(pairs, others, EMBEDDER)
    for trial in rehearsal.trials():
        own = rehearsal._own(trial.asked)
        hit = rehearsal._hit(trial.asked, set())
        if hit is not None and hit[1] not in own:
            assert trial.wrong is not None
            assert trial.wrong >= hit[0]
        assert trial.right is None or trial.repeats
