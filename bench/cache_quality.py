"""How many questions that mean the same are answered from the cache, at how many wrong answers?

Sets: the 600 pairs and 240 pairs of conversations of fow-cache (data CC BY 4.0, https://pypi.org/project/fow-cache/),
and 2,000 near misses of our own in four languages (bench/_near_miss.py), the half whose templates the checks were
written with, or with --held the other. A false hit is a pair that differs and is served.

- leanloop: the whole pipeline. What is the same but for its typing is served; else the checks decide, above a
  threshold on the cosine; what depends on the day or changes something is left to the exact tier.
- plain: the threshold alone, with the same embedder.
- recalq-guard, semanticmemo: their own code behind that threshold, run in an environment of its own
  (--peers-python, one with both installed); where a guard raises, the pair is let through, as its cache would.
- GPTCache, redisvl, langchain-redis: their default rule with the same embedder: squared distance at most 0.8 (its
  threshold of 0.8 in a range of 4), cosine distance at most 0.1, and at most 0.2 over LangChain's JSON of the message.

At 0.1 % and 1 %: the share of same-meaning pairs served at the best threshold that keeps false hits within that. Of
what has one default, that one point.

The environment of the peers: python -m venv PEERS; PEERS/bin/pip install recalq-guard semanticmemo; then
--peers-python PEERS/bin/python. What is not installed is named and skipped.

Run: python bench/cache_quality.py [--json] [--held] [--embedder MiniLM|wordllama] [--peers-python PYTHON]
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _embedders import EMBEDDERS, cosines
from _near_miss import near_misses
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from leanloop.plugins.cache.cacheable import changes_something, volatile
from leanloop.plugins.cache.checks import CHECKS
from leanloop.plugins.cache.embedder import Embedder
from leanloop.plugins.cache.normalise import normalised
from leanloop.plugins.cache.question.comparison import compare
from leanloop.plugins.cache.question.reading import Reading, read
from leanloop.plugins.cache.verify import verify

Scores = NDArray[np.float32]
Turns = list[dict[str, str]]

SAME = 2.0
"""The score of what is the same but for its typing, above every cosine."""
NEVER = -2.0


class Asked(NamedTuple):
    known: str
    asked: str
    same: bool
    kind: str


class Rates(NamedTuple):
    at_0_1: float
    at_1: float
    default: tuple[float, float] | None
    """Served of the same, and of those that differ, at the default or at 0.95."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--held", action="store_true", help="the near misses that were held back")
    parser.add_argument("--embedder", choices=[*EMBEDDERS], help="one of them; else all that are installed")
    parser.add_argument("--peers-python", type=Path, help="a Python with recalq-guard and semanticmemo")
    options = parser.parse_args()
    console = Console(width=120)
    sets = {
        "near_miss": [Asked(p.known, p.asked, p.same, p.kind) for p in near_misses("held" if options.held else "open")]
    }
    found = fow_pairs()
    if found is None:
        console.print("fow: fow-cache is not installed, skipped")
    else:
        sets["fow"] = found
    if options.peers_python is None:
        console.print("recalq-guard, semanticmemo: no --peers-python, skipped")
    figures: dict[str, dict[str, dict[str, Rates]]] = {}
    for name in [options.embedder] if options.embedder else EMBEDDERS:
        try:
            embedder = EMBEDDERS[name]()
        except ImportError as error:
            console.print(f"{name}: {error}, skipped")
            continue
        for title, pairs in sets.items():
            scores = candidates(pairs, embedder, options.peers_python)
            figures.setdefault(title, {})[name] = rates = {
                rule: judged(score, pairs, default) for rule, (score, default) in scores.items()
            }
            console.print(rates_table(f"{title}, {name}", rates))
    for title, pairs in sets.items():
        console.print(classes_table(title, pairs))
        console.print(checks_table(title, pairs))
    conversations = served_conversations()
    if conversations is not None:
        console.print(
            f"fow conversations: {conversations[0]} of {conversations[1]} served, {conversations[2]} of them wrong"
        )
    if options.json:
        print(json.dumps(summary(figures, conversations)))


def fow_pairs() -> list[Asked] | None:
    path = fow_file("pairs.jsonl")
    if path is None:
        return None
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Asked(row["a"], row["b"], row["same_answer"], f"{row['category']} {row['style']}") for row in rows]


def fow_file(name: str) -> Path | None:
    try:
        listed = files("fow-cache") or []
    except PackageNotFoundError:
        return None
    return next((Path(str(each.locate())) for each in listed if each.name == name), None)


def candidates(
    pairs: Sequence[Asked], embedder: Embedder, peers: Path | None
) -> dict[str, tuple[Scores, float | None]]:
    """For each rule the score of every pair, and the threshold it has by default."""
    texts = [(pair.known, pair.asked) for pair in pairs]
    cosine = cosines(embedder, texts)
    rules: dict[str, tuple[Scores, float | None]] = {
        "leanloop": (ours(pairs, cosine), None),
        "plain": (cosine, 0.95),
        "GPTCache's rule": (cosine, 0.6),
        "redisvl's rule": (cosine, 0.9),
    }
    if (wrapped := as_langchain(texts)) is not None:
        rules["langchain-redis's rule"] = (cosines(embedder, wrapped), 0.8)
    for name, verdicts in (peer_verdicts(peers, texts) if peers else {}).items():
        rules[name] = (np.where([verdict is not False for verdict in verdicts], cosine, NEVER), 0.95)
    return rules


def ours(pairs: Sequence[Asked], cosine: Scores) -> Scores:
    return np.array([score(pair.asked, pair.known, float(near)) for pair, near in zip(pairs, cosine, strict=True)])


def score(asked: str, known: str, near: float) -> float:
    plain = normalised(asked)
    if plain is not None and plain == normalised(known):
        return SAME
    return near if by_meaning(asked, known) else NEVER


def by_meaning(asked: str, known: str) -> bool:
    left_out = any(volatile(text) or changes_something(text) for text in (asked, known))
    return not left_out and verify(asked, known) is None


def as_langchain(texts: Sequence[tuple[str, str]]) -> list[tuple[str, str]] | None:
    """What langchain-redis embeds: the messages as LangChain serialises them."""
    try:
        from langchain_core.load import dumps
        from langchain_core.messages import HumanMessage
    except ImportError:
        return None
    return [(dumps([HumanMessage(known)]), dumps([HumanMessage(asked)])) for known, asked in texts]


def peer_verdicts(python: Path, texts: Sequence[tuple[str, str]]) -> dict[str, list[bool | None]]:
    script = Path(__file__).parent / "_cache_peers.py"
    command = [str(python), str(script)]
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)  # noqa: S603 the peer is named by who runs the bench
    verdicts: dict[str, list[bool | None]] = json.loads(done.stdout.splitlines()[-1])
    return verdicts


def judged(scores: Scores, pairs: Sequence[Asked], default: float | None) -> Rates:
    same = np.array([pair.same for pair in pairs])
    one_point = default if default not in {None, 0.95} else None
    at = default if default is not None else -1.0
    point = (float((scores[same] >= at).mean()), float((scores[~same] >= at).mean()))

    def best(share: float) -> float:
        if one_point is not None:
            return point[0] if point[1] <= share else 0.0
        allowed = int(share * (~same).sum())
        worst = np.sort(scores[~same])[::-1]
        above = worst[allowed] if allowed < len(worst) else NEVER
        return float((scores[same] > max(above, -1.0)).mean())

    return Rates(best(0.001), best(0.01), point)


def rates_table(title: str, rates: dict[str, Rates]) -> Table:
    table = Table(title=f"{title}: share of same-meaning pairs served", title_justify="left")
    table.add_column("rule")
    for column in ("at 0.1 % false", "at 1 % false", "as it comes", "false as it comes"):
        table.add_column(column, justify="right")
    for rule, found in rates.items():
        point = found.default or (0.0, 0.0)
        table.add_row(rule, *(f"{100 * share:.1f} %" for share in (found.at_0_1, found.at_1, *point)))
    return table


def classes_table(title: str, pairs: Sequence[Asked]) -> Table:
    table = Table(title=f"{title}: what the pipeline serves, by class, at any cosine", title_justify="left")
    for column in ("class", "pairs", "typed alike", "served"):
        table.add_column(column, justify="left" if column == "class" else "right")
    counts: dict[tuple[bool, str], Counter[str]] = {}
    for pair in pairs:
        found = counts.setdefault((not pair.same, pair.kind), Counter())
        value = score(pair.asked, pair.known, 1.0)
        found.update(pairs=1, typed=value == SAME, served=value > NEVER)
    for (differs, kind), found in sorted(counts.items()):
        name = f"{'different' if differs else 'same'}: {kind}"
        table.add_row(name, str(found["pairs"]), str(found["typed"]), str(found["served"]))
    return table


def checks_table(title: str, pairs: Sequence[Asked]) -> Table:
    table = Table(title=f"{title}: what each check blocks by itself, and what only it blocks", title_justify="left")
    for column in ("check", "traps", "repeats", "traps only it blocks", "repeats only it blocks"):
        table.add_column(column, justify="left" if column == "check" else "right")
    blocked: dict[str, Counter[bool]] = {}
    alone: dict[str, Counter[bool]] = {}
    total = Counter(pair.same for pair in pairs)
    for pair in pairs:
        reasons = blocking(pair)
        for reason in reasons:
            blocked.setdefault(reason, Counter())[pair.same] += 1
        if len(reasons) == 1:
            alone.setdefault(reasons[0], Counter())[pair.same] += 1
    for reason in [*(check.__name__ for check in CHECKS), "language or script"]:
        mine, only = blocked.get(reason, Counter[bool]()), alone.get(reason, Counter[bool]())
        shares = (mine[False] / total[False], mine[True] / total[True])
        table.add_row(reason, *(f"{100 * share:.1f} %" for share in shares), str(only[False]), str(only[True]))
    return table


def blocking(pair: Asked) -> list[str]:
    if score(pair.asked, pair.known, 1.0) == SAME:
        return []
    asked, known = read(pair.asked), read(pair.known)
    if not isinstance(asked, Reading) or not isinstance(known, Reading) or asked.lexicon is not known.lexicon:
        return ["language or script"]
    both = compare(asked, known)
    return [check.__name__ for check in CHECKS if check(both) is not None]


def served_conversations() -> tuple[int, int, int] | None:
    """Served, of how many, and how many of them wrongly: everything before the last user text must be the same."""
    rows: list[dict[str, Any]] = []
    for part in ("billing", "retail", "services"):
        path = fow_file(f"{part}.jsonl")
        if path is None:
            return None
        for folder in ("conv-parts", "conv-long"):
            text = (path.parent.parent / folder / path.name).read_text(encoding="utf-8")
            rows += [json.loads(line) for line in text.splitlines()]
    served = [row for row in rows if conversation_served(row["a"], row["b"])]
    return len(served), len(rows), sum(not row["same_answer"] for row in served)


def conversation_served(known: Turns, asked: Turns) -> bool:
    if known[:-1] != asked[:-1]:
        return False
    return score(asked[-1]["content"], known[-1]["content"], 1.0) > NEVER


def summary(
    figures: dict[str, dict[str, dict[str, Rates]]], conversations: tuple[int, int, int] | None
) -> dict[str, object]:
    """The keys of DESIGN.md; leanloop's are those of the first embedder that was there."""
    first = {title: next(iter(by_embedder.values())) for title, by_embedder in figures.items()}

    def shares(get: Callable[[Rates], float]) -> dict[str, float]:
        return {title: round(get(rates["leanloop"]), 4) for title, rates in first.items()}

    at_0_1, at_1 = shares(lambda rates: rates.at_0_1), shares(lambda rates: rates.at_1)
    return {
        "fow_at_0_1": at_0_1.get("fow"),
        "fow_at_1": at_1.get("fow"),
        "near_miss_at_0_1": at_0_1.get("near_miss"),
        "near_miss_at_1": at_1.get("near_miss"),
        "conversations_wrong": conversations[2] if conversations else None,
        "peers": {
            title: {
                name: {rule: {"at_0_1": round(r.at_0_1, 4), "at_1": round(r.at_1, 4)} for rule, r in rates.items()}
                for name, rates in by_embedder.items()
            }
            for title, by_embedder in figures.items()
        },
    }


if __name__ == "__main__":
    main()
