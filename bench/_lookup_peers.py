"""Runs in the environment of the peers: argv is a folder with vectors.npy and questions.npy, and a Redis address or "".

Says on its last line, as JSON by peer, the milliseconds of a lookup, the share that was answered at all (some
refuse what is not alike enough, whatever they are told), and of those the share with the same top row; or why not.
The embedder is a table, so that only the lookup is measured.
"""

# pyright: reportUnknownLambdaType=false
from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["PIP_NO_INDEX"] = "1"  # GPTCache installs packages by itself when it runs

Lookup = Callable[[int], object]


def main() -> None:
    folder = Path(sys.argv[1])
    import numpy as np

    vectors, questions = np.load(folder / "vectors.npy"), np.load(folder / "questions.npy")
    known: dict[str, Any] = {f"row {number}": vector for number, vector in enumerate(vectors)}
    known |= {f"question {number}": vector for number, vector in enumerate(questions)}
    best = np.argmax(questions @ vectors.T, axis=1)
    found: dict[str, Any] = {}
    os.chdir(tempfile.mkdtemp())
    for name, make in (("GPTCache", gptcache), ("mneme-cache", mneme), ("redisvl", redisvl)):
        try:
            found[name] = measured(make(known, len(vectors)), best.tolist())
        except Exception as error:  # noqa: BLE001 a peer that cannot be had here is named
            found[name] = f"{type(error).__name__}: {str(error)[:80]}"
    print(json.dumps(found))


def measured(lookup: Lookup, best: list[int]) -> dict[str, float]:
    taken: list[float] = []
    right = answered = 0
    for number, row in enumerate(best):
        begun = time.perf_counter()
        answer = lookup(number)
        taken.append(time.perf_counter() - begun)
        answered += answer is not None
        right += answer == f"row {row}"
    ms = 1e3 * statistics.median(taken)
    return {"ms": ms, "agreement": right / max(1, answered), "answered": answered / len(best)}


def gptcache(known: dict[str, Any], rows: int) -> Lookup:
    api: Any = import_module("gptcache.adapter.api")
    manager: Any = import_module("gptcache.manager")
    evaluation: Any = import_module("gptcache.similarity_evaluation.distance")
    package: Any = import_module("gptcache")
    dimension = len(known["row 0"])
    store = manager.VectorBase("faiss", dimension=dimension)
    cache = package.Cache()
    cache.init(
        pre_embedding_func=import_module("gptcache.processor.pre").get_prompt,
        embedding_func=lambda text, **_: known[text],
        data_manager=manager.get_data_manager(manager.CacheBase("sqlite"), store, max_size=10**6),
        similarity_evaluation=evaluation.SearchDistanceEvaluation(max_distance=4.0),
        config=package.Config(similarity_threshold=0.0),
    )
    for number in range(rows):
        api.put(f"row {number}", f"row {number}", cache_obj=cache)
    return lambda number: api.get(f"question {number}", cache_obj=cache)


def mneme(known: dict[str, Any], rows: int) -> Lookup:
    package: Any = import_module("mneme")

    class Embedder:
        dim = len(known["row 0"])
        fingerprint = "a table"

        def embed(self, text: str) -> Any:
            return known[text]

    cache: Any = package.SemanticCache(store=package.MemoryStore(), embedder=Embedder(), similarity_threshold=-1.0)
    for number in range(rows):
        cache.put(f"row {number}", f"row {number}")
    return lambda number: getattr(cache.get(f"question {number}"), "response", None)


def redisvl(known: dict[str, Any], rows: int) -> Lookup:
    url = sys.argv[2]
    if not url:
        raise ValueError("no --search-redis")
    package: Any = import_module("redisvl.extensions.cache.llm")
    table = import_module("redisvl.utils.vectorize").CustomVectorizer(
        embed=lambda text, **_: [float(one) for one in known[text]]
    )
    options = {"redis_url": url, "vectorizer": table, "distance_threshold": 2.0, "overwrite": True}
    cache: Any = package.SemanticCache(name="bench", **options)
    for number in range(rows):
        cache.store(f"row {number}", f"row {number}")
    return lambda number: cache.check(f"question {number}")[0]["response"]


if __name__ == "__main__":
    main()
