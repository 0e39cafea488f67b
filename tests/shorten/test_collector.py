from __future__ import annotations

import gc

import pytest

from leanloop.plugins.shorten.collector import collector_at_rest


def test_the_collector_rests_until_the_last_one_is_done() -> None:
    assert gc.isenabled()
    with collector_at_rest():
        with collector_at_rest():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_the_collector_works_again_after_an_error() -> None:
    with pytest.raises(ValueError, match="no text"), collector_at_rest():
        raise ValueError("no text")
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with collector_at_rest():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
