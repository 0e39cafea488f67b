"""Adds to counts and scores decisions from a process of its own: ADDRESS SEED. Writes how many decisions it scored."""

from __future__ import annotations

import sys

from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.store import Added, Count
from leanloop.plugins.outcomes.stores import open_outcomes


def main(address: str, seed: str) -> None:
    store = open_outcomes(address)
    scored = 0
    for number in range(25):
        store.add([Added("k", "mini", Count(1, 0.5, 1, 10))])
        if number < 10:
            store.record(Decision(f"{seed}-{number}", "t", "support", 1.0, "routes", ("k",), "mini"))
        scored += len(store.score("t", 1.0))
    sys.stdout.write(str(scored))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
