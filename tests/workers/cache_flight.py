"""One of several processes on one cache in Redis: argv is the address, a folder, perhaps the word lead, and a name."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.redis_cache import RedisCache
from leanloop.plugins.cache.single_flight import SingleFlight
from leanloop.plugins.cache.vector import unit

MB = 1_000_000
SHARED, OWN, PROCESSES = 10, 10, 8


def made(key: str) -> Entry:
    """An entry whose every part tells which it is."""
    vector = unit(np.random.default_rng(list(key.encode())).standard_normal(32))
    text = f"{key} " * 100
    return Entry(key, text, time.time(), 600.0, normal=f"n{key}", context="c", text=text, tags=(key,), vector=vector)


def main() -> None:
    """Make what is missing, then look whether all is there and whole."""
    url, folder, name = sys.argv[1], Path(sys.argv[2]), sys.argv[-1]
    problems: list[object] = []
    store = RedisCache(url, problems.append)
    if "lead" in sys.argv:
        assert SingleFlight(store, lease=2.0).join(["k"]).leads
        (folder / "leads").touch()
        threading.Event().wait()
    flight = SingleFlight(store)
    with (folder / f"calls.{name}").open("w") as calls:
        for number in range(SHARED):
            key = f"shared{number}"
            turn = flight.join([key])
            if turn.found is None:
                calls.write(f"{key}\n")
                store.put(made(key), max_bytes=100 * MB, generation=turn.generation)
                flight.leave(turn, made(key))
            else:
                assert turn.found.entry.text == f"{key} " * 100
    for number in range(OWN):
        entry = made(f"{name}.{number}")
        assert store.put(entry, max_bytes=100 * MB)
        assert entry.vector is not None
        near = store.nearest("c", entry.vector, at_least=0.9)
        assert [one.entry.key for one in near] == [entry.key]
    (folder / f"done.{name}").touch()
    while len(list(folder.glob("done.*"))) < PROCESSES:
        threading.Event().wait(0.01)
    for other in range(PROCESSES):
        for number in range(OWN):
            found = store.find([f"w{other}.{number}"])
            assert found is not None
            expected = made(f"w{other}.{number}")
            assert expected.vector is not None
            assert found.entry == replace(expected, made_at=found.entry.made_at)
            assert store.nearest("c", expected.vector, at_least=0.9)[0].entry == found.entry
    assert not problems, problems
    store.close()


main()
