"""Names of reservations."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from leanloop.budgets.reservation import new_reservation


def test_no_two_threads_get_the_same_name() -> None:
    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(new_reservation) for _ in range(2_000)]
        names = [future.result() for future in futures]
    assert len(set(names)) == 2_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_does_not_go_on_under_its_parents_name() -> None:
    before = new_reservation()
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking a process that has threads
        child = os.fork()
    if not child:  # pragma: no cover (another process)
        os.write(write, new_reservation().encode())
        os._exit(0)
    os.close(write)
    name = os.read(read, 200).decode()
    os.close(read)
    assert os.waitpid(child, 0)[1] == 0
    assert name.partition("-")[0] != before.partition("-")[0]
    assert new_reservation().partition("-")[0] == before.partition("-")[0]
