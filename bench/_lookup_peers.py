"""Runs in the peers' own environment: argv is a folder with vectors.npy and questions.npy, and perhaps a Redis with search.

Says on its last line, as JSON by peer, the milliseconds of a lookup and the share with the same top row; or why not. The
embedder is a table, so that only the lookup is measured.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["PIP_NO_INDEX"] = "1"  # GPTCache installs packages by itself when it runs

Lookup = Callable[[int], object]


def main() -> None:
    folder, url = Path(sys.argv[1]), sys.argv[2]
    import numpy as np

    vectors, questions = np.load(folder / "vectors.npy"), np.load(folder / "questions.npy")
    known: dict[str, Any] = {f"row {number}": vector for number, vector in enumerate(vectors)}
    known |= {f"question {number}": vector for number, vector in enumerate(questions)}
    best = np.argmax(questions @ vectors.T, axis=1)
    found: dict[str, Any] = {}
    os.chdir(tempfile.mkdtemp())
    for name, make in (("GPTCache", gptcache), ("mneme-cache", mneme), ("redisvl", redisvl)):
        try:
            lookup = make(known, len(vectors), url)
        except Exception as error:  # noqa: BLE001 a peer that cannot be had here is named
            found[name] = f"{type(error).__name__}: {str(error)[:80]}"
            continue
        taken: list[float] = []
        right = 0
        for number in range(len(questions)):
            begun = time.perf_counter()
            answer = lookup(number)
            taken.append(time.perf_counter() - begun)
            right += str(answer) == f"row {best[number]}"
        found[name] = {"ms": 1e3 * statistics.median(taken), "agreement": right / len(questions)}
    print(json.dumps(found))


def gptcache(known: dict[str, Any], rows: int, url: str) -> Lookup:
    from gptcache import Cache, Config
    from gptcache.adapter.api import get, put
    from gptcache.manager import CacheBase, VectorBase, get_data_manager
    from gptcache.processor.pre import get_prompt
    from gptcache.similarity_evaluation.distance import SearchDistanceEvaluation

    dimension = len(known["row 0"])
    manager = get_data_manager(CacheBase("sqlite"), VectorBase("faiss", dimension=dimension), max_size=10**6)
    cache = Cache()
    cache.init(
        pre_embedding_func=get_prompt,
        embedding_func=lambda text, **_: known[text],
        data_manager=manager,
        similarity_evaluation=SearchDistanceEvaluation(max_distance=4.0),
        config=Config(similarity_threshold=0.0),
    )
    for number in range(rows):
        put(f"row {number}", f"row {number}", cache_obj=cache)
    return lambda number: get(f"question {number}", cache_obj=cache)


def mneme(known: dict[str, Any], rows: int, url: str) -> Lookup:
    from mneme import MemoryStore, SemanticCache

    class Embedder:
        dim = len(known["row 0"])
        fingerprint = "a table"

        def embed(self, text: str) -> Any:
            return known[text]

    cache: Any = SemanticCache(store=MemoryStore(), embedder=Embedder(), similarity_threshold=-1.0)
    for number in range(rows):
        cache.put(f"row {number}", f"row {number}")
    return lambda number: cache.get(f"question {number}").response


def redisvl(known: dict[str, Any], rows: int, url: str) -> Lookup:
    if not url:
        raise ValueError("no --search-redis")
    from redisvl.extensions.cache.llm import SemanticCache
    from redisvl.utils.vectorize import CustomVectorizer

    table = CustomVectorizer(embed=lambda text, **_: [float(one) for one in known[text]])
    cache: Any = SemanticCache(name="bench", redis_url=url, vectorizer=table, distance_threshold=2.0, overwrite=True)
    for number in range(rows):
        cache.store(f"row {number}", f"row {number}")
    return lambda number: cache.check(f"question {number}")[0]["response"]


if __name__ == "__main__":
    main()
