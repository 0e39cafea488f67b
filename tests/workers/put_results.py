"""Keeps results in a store from a process of its own: ADDRESS SEED."""

from __future__ import annotations

import random
import sys

from leanloop.plugins.results.handle import handle_of
from leanloop.plugins.results.store import Kept
from leanloop.plugins.results.stores import open_results


def main(address: str, seed: int) -> None:
    store = open_results(address)
    for number in range(30):
        text = random.Random(seed * 1000 + number).randbytes(500).hex()
        store.put("s", handle_of("s", text), Kept(text, "t", "prose", 1.0), ttl=86_400.0, max_bytes=20_000)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
