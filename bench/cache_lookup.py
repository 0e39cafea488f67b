"""How fast does the cache find an answer, and is it the one that all compared would give?

- Similar: 100,000 vectors of 384 numbers, and a numpy scan of all of them (`matrix @ vector`, then argmax) for each
  question, by turns in one process. The share is the median of the ratios; agreement is the share of questions with the
  very same top row, or one of the same score to five decimals.
  The vectors are those that all-MiniLM-L6-v2 gives of the 2,000 questions of `bench/near_miss` that a cache knows, and
  more around them, each moved off one of them to a cosine of 0.99 to 0.7; what is looked up are the vectors of the
  questions that are asked there, as they are. Where the model is not installed (extra `test`) they are made as
  embeddings of questions lie: 4,000 topics of very different sizes (Zipf), scattered around one common direction, so
  that strangers have a cosine of about 0.3 and neighbours in a topic one of 0.5 to 0.9. Half of those questions are
  asked again in other words (a stored vector, moved to a cosine of about 0.9), half are new ones of some topic. A
  second row has random vectors and random questions, where nothing is near: the worst case, which a cache never asks
  about, for it says the least cosine that it would serve.
- While another thread puts in as fast as it can: the lookups a second, and whether every row that was put in is found.
- Exact: key and entry of a call with 20 tools, after 1 and 50 steps, histories known; microseconds.
- With --large: a million made-up vectors, in a process of its own: the memory it takes, and a lookup's time.
- With --peers-python: GPTCache, mneme-cache and redisvl over 2,000 of the same vectors, as far as that Python has them;
  redisvl needs a Redis with a search module at --search-redis.

Run: python bench/cache_lookup.py [--json] [--large] [--questions N] [--peers-python PYTHON] [--search-redis URL]
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # both on one thread, whatever else the machine does

import numpy as np
from _embedders import minilm
from _near_miss import near_misses
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from leanloop.budgets.message import Message, ToolRequest, ToolSpec
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.index import Index
from leanloop.plugins.cache.key import Keys
from leanloop.plugins.cache.memory import MemoryCache
from leanloop.plugins.call import ModelCall

ROWS, DIMENSION, TOPICS = 100_000, 384, 4_000
LARGE = 1_000_000
THRESHOLD = 0.7
"""The least cosine of the second column: below what any cache would serve."""
PEERS_ROWS = 2_000

Floats = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--large", action="store_true", help="also a million vectors, for some minutes")
    parser.add_argument("--questions", type=int, default=500, help="of each kind")
    parser.add_argument("--peers-python", help="the python of an environment with the peers")
    parser.add_argument("--search-redis", default="", help="a Redis with a search module, for redisvl")
    parser.add_argument("--only-large", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_large:
        print(json.dumps(_large(options.only_large)))
        return
    console, table = Console(), Table("lookup", "flat", "ours", "share", "same top", title=f"{ROWS:,} x {DIMENSION}")
    random = np.random.default_rng(0)
    figures: dict[str, Any] = {}
    real = of_questions(ROWS, options.questions, random)
    vectors, questions = real or like_embeddings(ROWS, options.questions, random)
    figures["vectors"] = kind = "like embeddings" if real is None else "MiniLM"
    if real is None:
        console.print("all-MiniLM-L6-v2 is not installed (extra test): made-up vectors instead.")
    index = filled(vectors)
    for name, least in ((kind, -1.0), (f"{kind}, at least {THRESHOLD}", THRESHOLD)):
        flat, ours, share, agreement = compared(index, vectors, questions, least)
        table.add_row(name, f"{flat:.2f} ms", f"{ours:.2f} ms", f"{share:.2f}", f"{agreement:.2%}")
        key = "" if least < 0 else "_at_least_0_7"
        figures |= {f"share_of_flat{key}": share, f"top1_agreement{key}": agreement}
    rate, busy, lost = under_inserts(index, vectors, questions)
    strange = unit_rows(random.standard_normal((ROWS, DIMENSION), dtype=np.float32))
    asked = unit_rows(random.standard_normal((max(20, options.questions // 10), DIMENSION), dtype=np.float32))
    del index
    index = filled(strange)
    for name, least in (("random, nothing near", -1.0), (f"random, at least {THRESHOLD}", THRESHOLD)):
        flat, ours, share, agreement = compared(index, strange, asked, least)
        table.add_row(name, f"{flat:.2f} ms", f"{ours:.2f} ms", f"{share:.2f}", f"{agreement:.2%}")
    console.print(table)
    console.print(f"Lookups a second: {rate:,.0f}; while others put in: {busy:,.0f}, rows lost: {lost}")
    hits = {steps: exact_hit_us(steps) for steps in (1, 50)}
    console.print(*[f"Exact hit after {steps} steps: {us:.1f} us." for steps, us in hits.items()])
    figures |= {"rows_lost": lost, **{f"exact_hit_us_{steps}": us for steps, us in hits.items()}}
    if options.large:
        command = [sys.executable, __file__, "--only-large", str(LARGE)]
        large = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603
        console.print(
            f"A million: {large['gb']:.2f} GB in all, {large['ms']:.1f} ms a lookup, {large['flat_ms']:.1f} flat"
        )
        figures |= {"million_gb": large["gb"], "million_share_of_flat": large["ms"] / large["flat_ms"]}
    figures["peers"] = peers(console, options.peers_python, vectors[:PEERS_ROWS], questions[:200], options.search_redis)
    if options.json:
        print(json.dumps(figures))


def unit_rows(vectors: Floats) -> Floats:
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def like_embeddings(rows: int, questions: int, random: np.random.Generator) -> tuple[Floats, Floats]:
    common = 0.6 * random.standard_normal(DIMENSION, dtype=np.float32)
    topics = random.standard_normal((TOPICS, DIMENSION), dtype=np.float32)
    weights = 1 / np.arange(1, TOPICS + 1)
    weights /= weights.sum()

    def drawn(count: int) -> Floats:
        spread = random.uniform(0.3, 1.0, (count, 1)).astype(np.float32)
        noise = random.standard_normal((count, DIMENSION), dtype=np.float32)
        made = common + topics[random.choice(TOPICS, count, p=weights)] + spread * noise
        return unit_rows(np.asarray(made, np.float32))

    vectors = drawn(rows)
    again = vectors[random.integers(0, rows, questions // 2)].copy()
    again += 0.5 * random.standard_normal(again.shape, dtype=np.float32) / np.float32(np.sqrt(DIMENSION))
    return vectors, np.concatenate((unit_rows(again), drawn(questions - len(again))))


def of_questions(rows: int, questions: int, random: np.random.Generator) -> tuple[Floats, Floats] | None:
    """Of real questions; None where the model is not installed."""
    try:
        embedder = minilm()
    except ImportError:
        return None
    pairs = near_misses()
    known = sorted({pair.known for pair in pairs}, key=len)  # so that batches are even
    asked = sorted({pair.asked for pair in pairs} - set(known), key=len)
    first = embedder.embed(known)
    around = first[random.integers(0, len(first), rows - len(first))]
    spread = random.uniform(0.1, 1.0, (len(around), 1)) / np.sqrt(DIMENSION)
    around += (spread * random.standard_normal(around.shape)).astype(np.float32)
    picked = random.permutation(len(asked))[:questions]
    return np.concatenate((first, unit_rows(around))), embedder.embed(
        [asked[int(number)] for number in picked.tolist()]
    )


def filled(vectors: Floats) -> Index:
    index = Index()
    for number, vector in enumerate(vectors):
        index.add(str(number), vector)
    return index


def compared(index: Index, vectors: Floats, questions: Floats, least: float) -> tuple[float, float, float, float]:
    """Milliseconds of a scan and of a lookup, the share, and how often they agree; below `least`, on nothing."""
    flat: list[float] = []
    ours: list[float] = []
    agreed = 0
    for question in questions:
        begun = time.perf_counter()
        scores = vectors @ question
        best = int(np.argmax(scores))
        between = time.perf_counter()
        found = index.nearest(question, at_least=least)
        ours.append(time.perf_counter() - between)
        flat.append(between - begun)
        score = float(scores[best])
        if found:
            agreed += int(found[0][0]) == best or abs(found[0][1] - score) < 1e-5
        else:
            agreed += score < least
    share = statistics.median(mine / its for mine, its in zip(ours, flat, strict=True))
    return 1e3 * statistics.median(flat), 1e3 * statistics.median(ours), share, agreed / len(questions)


def under_inserts(index: Index, vectors: Floats, questions: Floats) -> tuple[float, float, int]:
    """Lookups a second without and with another thread that puts in; rows that were put in and are not found."""

    def rate(seconds: float) -> float:
        begun, count = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            index.nearest(questions[count % len(questions)], at_least=THRESHOLD)
            count += 1
        return count / (time.perf_counter() - begun)

    alone = rate(1.0)
    ended, made = threading.Event(), 0

    def put() -> None:
        nonlocal made
        while not ended.is_set():
            index.add(f"new{made}", -vectors[made % len(vectors)])
            made += 1

    writer = threading.Thread(target=put)
    writer.start()
    busy = rate(2.0)
    ended.set()
    writer.join()
    found = (index.nearest(-vectors[number % len(vectors)], at_least=0.99) for number in range(0, made, 97))
    return alone, busy, sum(not one for one in found)


def exact_hit_us(steps: int) -> float:
    """Key and lookup, median; the last message is a new object each time, the history and the tools are known."""
    schema: Mapping[str, object] = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = tuple(ToolSpec(f"tool_{number}", "What it does. " * 10, schema) for number in range(20))
    messages: list[Message] = [Message("system", "You are a helpful agent. " * 80), Message("user", "Plan a trip.")]
    for number in range(steps):
        asked = ToolRequest(f"call_{number}", "tool_1", json.dumps({"city": f"city {number}"}))
        messages += [Message("assistant", "", (asked,)), Message("tool", "sunny " * 50, tool_call_id=asked.id)]
    settings = {"temperature": 0.0, "top_p": 1.0, "seed": 7, "tool_choice": "auto", "stop": None}
    keys, store, taken = Keys(), MemoryCache(), list[float]()
    tags = {"tenant": "acme", "user": "u1"}

    def call() -> ModelCall:
        last = Message("user", "And what is the weather there tomorrow?")
        return ModelCall("gpt-5", (*messages, last), "openai", tools, settings=lambda: settings)

    first = keys.of(call(), tags)
    assert first is not None
    store.put(Entry(first.exact, "{}", time.time(), 3_600.0), max_bytes=10**6)
    for _ in range(5_000):
        asked_now = call()
        begun = time.perf_counter()
        key = keys.of(asked_now, tags)
        found = store.find(key.tiers()) if key else None
        taken.append(time.perf_counter() - begun)
        assert found is not None
    return 1e6 * statistics.median(taken)


def _large(rows: int) -> dict[str, float]:
    random = np.random.default_rng(1)
    index, last = Index(), np.zeros((0, DIMENSION), np.float32)
    for start in range(0, rows, 10_000):
        last, _ = like_embeddings(10_000, 2, random)
        for number, vector in enumerate(last):
            index.add(f"{start + number:040x}", vector)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    taken = [_seconds(partial(index.nearest, vector, at_least=THRESHOLD)) for vector in last[:50]]
    blocks = [block.vectors for block in index._rows.blocks] if index._rows else []  # noqa: SLF001
    flat = [_seconds(partial(_scan, blocks, vector)) for vector in last[:10]]
    return {"gb": peak, "ms": 1e3 * statistics.median(taken), "flat_ms": 1e3 * statistics.median(flat)}


def _scan(blocks: list[Floats], vector: Floats) -> list[int]:
    return [int(np.argmax(block @ vector)) for block in blocks]


def _seconds(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def peers(console: Console, python: str | None, vectors: Floats, questions: Floats, url: str) -> dict[str, Any]:
    """What the peers' own environment measures; ours over the same vectors beside it."""
    if python is None:
        console.print("GPTCache, mneme-cache, redisvl: skipped, no --peers-python")
        return {}
    store, best = MemoryCache(), np.argmax(questions @ vectors.T, axis=1)
    for number, vector in enumerate(vectors):
        entry = Entry(str(number), "{}", time.time(), 3_600.0, context="all", vector=vector)
        store.put(entry, max_bytes=10**10)
    taken: list[float] = []
    agreed = 0
    for question, row in zip(questions, best, strict=True):
        begun = time.perf_counter()
        near = store.nearest("all", question, at_least=-1.0)
        taken.append(time.perf_counter() - begun)
        agreed += near[0].entry.key == str(row)
    ms, agreement = 1e3 * statistics.median(taken), agreed / len(questions)
    table = Table("cache", "a lookup", "answered", "same top", title=f"{len(vectors):,} x {DIMENSION}, entries and all")
    table.add_row("leanloop", f"{ms:.2f} ms", "100%", f"{agreement:.1%}")
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "vectors.npy", vectors)
        np.save(Path(folder) / "questions.npy", questions)
        script = Path(__file__).parent / "_lookup_peers.py"
        command = [python, str(script), folder, url]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    for name, figure in found.items():
        if isinstance(figure, str):
            table.add_row(name, "skipped", "", figure)
        else:
            table.add_row(name, f"{figure['ms']:.2f} ms", f"{figure['answered']:.0%}", f"{figure['agreement']:.1%}")
    console.print(table)
    return {"leanloop": {"ms": ms, "agreement": agreement}, **found}


if __name__ == "__main__":
    main()
