"""What does checking cheap answers keep of a strong model's gain, and what does it cost?

Recorded samples (reasoning-gym: three of each model for each question) are replayed through leanloop's whole stack: an
agent whose routes ask the cheap model first, with the agreement gate (three answers must come to the same; fewer are
asked for where the first two differ), and the strong model where they do not. The cheap model's replies are its three
recorded samples in their order, the strong model's is its first one, and what is taken counts by its recorded score.

Prices are set so that a call of the strong model costs 3, 5 or 17 times one of the cheap model. Tokens in are counted
of the question, tokens out are a quarter of the recorded characters; the strong model is billed for as many as the
cheap one's first sample, since its own record leaves out what it thought. Each ratio is run as the budget file says,
and again as if the two hundred calls before had all been easy, so that the price check lets it begin: then it has to
find out for itself that it loses.

Peers, in the same run: always the cheap model, always the strong one, as many questions sent to the strong one by
chance, and the first two samples agree. cascadeflow's validator reads the text of an answer, of which the set has only
the length, so it is left out; nor can the gates be measured here that look at an answer's form.

Last, what it costs a call of an agent in CPU time: with routes, with a cascade on top, and without either.

Run: python bench/cascade.py [--json] [--data DIR] [--questions N]
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from _route_overhead import overheads
from rich.console import Console
from rich.table import Table

import leanloop
from leanloop import Alert, Budget, MemoryStore, Message, ModelCall, ModelReply, Usage, parse_budget
from leanloop.budgets.tokens import counter_for
from leanloop.plugins.cascade.standing import Call, Standing, key_of
from leanloop.plugins.cascade.wager import Stakes
from leanloop.plugins.drive_sync import run
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.store import Added
from leanloop.plugins.stack import Stack
from leanloop.plugins.supplied import Supplied

PAIRS = (
    ("claude-3.5-sonnet", "deepseek-r1"),
    ("llama-4-maverick", "deepseek-r1"),
    ("gemma-3-27b-it", "deepseek-r1"),
)
RATIOS = (3, 5, 17)
CHEAP_USD = 1
EASY_CALLS = 200


class Sampled(NamedTuple):
    """What a model was recorded to answer: per sample its score, its answer (None: none was found), and its length."""

    scores: Sequence[float]
    answers: Sequence[int | None]
    tokens: Sequence[int]


class Question(NamedTuple):
    """A question, and the tokens it is read as."""

    text: str
    read: int
    cheap: Sampled
    strong: Sampled


@dataclass
class Replay:
    """Gives a question's recorded answers, each once, and knows whose was asked for."""

    question: Question
    cheap: str
    asked: int = 0

    def __call__(self, call: ModelCall) -> ModelReply:
        given = self.question.cheap
        if call.model == self.cheap:
            sample, self.asked = self.asked, self.asked + 1
            said, tokens = given.answers[sample], given.tokens[sample]
        else:
            sample, said, tokens = 0, self.question.strong.answers[0], given.tokens[0]
        text = f"sample {sample}\nANSWER: {said}" if said is not None else ""
        return ModelReply(Message("assistant", text), Usage(self.question.read, tokens), raw=(call.model, sample))


@dataclass
class Outcome:
    """What a way of answering came to over all questions; costs in millionths of a dollar."""

    scores: list[float] = field(default_factory=list[float])
    strong: int = 0
    samples: int = 0
    cost: float = 0.0
    checked: int = 0
    off_after: int | None = None
    off_net: float | None = None


class CascadesAlone(MemoryOutcomes):
    """Keeps what cascades have saved, and nothing of how hard questions are: what is measured is the gate."""

    def add(self, added: Sequence[Added]) -> None:
        super().add([one for one in added if one.key.startswith("cascade:")])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument(
        "--questions",
        type=int,
        default=None,
        help="so many of each; default all at the highest ratio, else 500",
    )
    options = parser.parse_args()
    logging.getLogger("leanloop").setLevel(logging.ERROR)  # that it turns itself off is in the table
    console = Console(width=max(140, Console().width))
    path: Path = options.data / "reasoning-gym" / "outcomes.jsonl.gz"
    if not path.is_file():
        console.print("reasoning-gym: absent, skipped")
        return
    recorded = read(path)
    results: list[dict[str, Any]] = []
    peers: dict[str, dict[str, float]] = {}
    for cheap, strong in PAIRS:
        table = Table(title=f"{cheap} -> {strong}", title_justify="left")
        for column in (
            "way",
            "ratio",
            "questions",
            "score",
            "gain kept",
            "95 %",
            "strong calls",
            "samples",
            "cost / strong",
            "off",
        ):
            table.add_column(column, justify="left" if column == "way" else "right")
        for ratio in RATIOS:
            highest = ratio == RATIOS[-1]
            main_one = highest and (cheap, strong) == PAIRS[0]
            questions = drawn(recorded, cheap, strong, options.questions or (None if highest else 500))
            for easy in (False, True)[: 1 if highest else 2]:
                outcome = leanloop_way(questions, cheap, strong, ratio, easy=easy)
                name = "leanloop, after easy calls" if easy else "leanloop"
                row = told(name, ratio, outcome, questions)
                results.append({"pair": f"{cheap} -> {strong}", **row})
                show(table, row)
            share = 0.5
            if highest:
                share = next(r["escalated"] for r in results[::-1] if r["way"] == "leanloop")
            for name, outcome in peer_ways(questions, ratio, share).items():
                row = told(name, ratio, outcome, questions)
                show(table, row)
                if main_one:
                    peers[name] = {key: row[key] for key in ("gain_kept", "escalated", "cost")}
                results.append({"pair": f"{cheap} -> {strong}", **row})
        console.print(table)
    console.print(
        "cost / strong: of all calls, as a share of always asking the strong model. off: after how many checked calls "
        "the cascade turned itself off, and what it had saved until then, in mean calls of the strong model; 'not "
        "begun' where the price check did not let it begin."
    )
    overhead = told_overheads(console)
    if options.json:
        best = next(row for row in results if row["way"] == "leanloop" and row["ratio"] == RATIOS[-1])
        print(json.dumps({
            "gain_kept": best["gain_kept"],
            "escalated": best["escalated"],
            "peers": peers,
            **overhead,
            "rows": results,
        }))  # fmt: skip


def told_overheads(console: Console) -> dict[str, Any]:
    spent = overheads()
    plain = spent["no routes"]
    for way, each in spent.items():
        console.print(f"{way}: {each:.0f} us a call, {each - plain:+.0f} us, {each / plain:.1f} times")
    added = {way: round(each - plain, 1) for way, each in spent.items() if way != "no routes"}
    return {"plain_us": plain, "overhead_us": added}


def strong_cost(question: Question, ratio: int) -> int:
    """Of one call of the strong model, in millionths of a dollar."""
    return ratio * CHEAP_USD * (question.read + question.cheap.tokens[0])


def read(path: Path) -> list[Mapping[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    random.Random(7).shuffle(rows)  # the file goes family by family
    return rows


def drawn(rows: Sequence[Mapping[str, Any]], cheap: str, strong: str, most: int | None) -> list[Question]:
    both = [row for row in rows if cheap in row["models"] and strong in row["models"]]
    counter = counter_for(cheap)
    return [
        Question(
            row["question"],
            counter.prompt((Message("user", row["question"]),)),
            sampled(row, cheap),
            sampled(row, strong),
        )
        for row in both[:most]
    ]


def sampled(row: Mapping[str, Any], model: str) -> Sampled:
    told = row["models"][model]
    return Sampled(told["scores"], told["answer_ids"], [max(1, chars // 4) for chars in told["response_chars"]])


def scores(questions: Sequence[Question], whose: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([getattr(question, whose).scores[0] for question in questions])


def leanloop_way(questions: Sequence[Question], cheap: str, strong: str, ratio: int, *, easy: bool) -> Outcome:
    budget = parse_budget(
        f"agent: bench\nloop: off\nroutes:\n  cheap: {cheap}\n  frontier: {strong}\n"
        "  cascade: {gates: [agreement], samples: 3}\n"
        f"prices:\n  {cheap}: {{input: {CHEAP_USD}, output: {CHEAP_USD}}}\n"
        f"  {strong}: {{input: {CHEAP_USD * ratio}, output: {CHEAP_USD * ratio}}}\n",
        environ={},
    )
    # Here nothing is sent to the cheap model unchecked, to learn.
    known = budget.difficulty.model_copy(update={"explore": None})
    budget = budget.model_copy(update={"difficulty": known})
    outcomes, store, outcome = CascadesAlone(), MemoryStore(), Outcome()
    stack = Stack(supplied=Supplied(outcomes=outcomes))
    saved, off = 0.0, False
    mean = sum(strong_cost(question, ratio) for question in questions) / len(questions)

    if easy:
        seed(outcomes, budget, cheap, strong, ratio, dear=round(mean * 1_000))

    def heard(alert: Alert) -> None:
        nonlocal off
        off = off or "no longer asked" in alert.message

    for question in questions:
        replay = Replay(question, cheap)
        with leanloop.task(budget, store=store, on_alert=heard) as task:
            call = ModelCall(strong, (Message("user", question.text),), agent="bench")
            reply = run(stack.model_flow(call, task), replay)
        model, sample = cast("tuple[str, int]", reply.raw)
        given = question.cheap if model == cheap else question.strong
        outcome.scores.append(given.scores[sample])
        outcome.strong += model == strong
        outcome.samples += replay.asked
        cost = sum(use.cost or 0 for use in task.receipt().models) / 1_000
        outcome.cost += cost
        if replay.asked:
            outcome.checked += 1
            saved += (strong_cost(question, ratio) - cost) / mean
            if off and outcome.off_after is None:
                outcome.off_after, outcome.off_net = outcome.checked, saved
    return outcome


def seed(outcomes: MemoryOutcomes, budget: Budget, cheap: str, strong: str, ratio: int, *, dear: int) -> None:
    """As if all answers had agreed until now."""
    rules = budget.routes.cascade if budget.routes is not None else None
    assert rules is not None
    standing = Standing(key_of(budget.agent, cheap, strong, rules))
    asks = 3 if ratio > 3 else 2
    share = 1 - asks / ratio
    for _ in range(EASY_CALLS):
        stakes = Stakes.of(standing.calls, standing.shares, standing.squares, standing.won, share)
        call = Call(round(share * dear), share, dear, escalated=False, asks=asks, output=100)
        outcomes.add(standing.added(call, stakes.play(share)))
        standing = Standing.read(standing.key, outcomes.counts((standing.key,))[0], time.time(), 0)


def peer_ways(questions: Sequence[Question], ratio: int, share: float) -> dict[str, Outcome]:
    cheap, strong, chance, two = Outcome(), Outcome(), Outcome(), Outcome()
    by_lot = random.Random(11)
    for question in questions:
        each = [question.read + said for said in question.cheap.tokens]
        dear = strong_cost(question, ratio)
        add(cheap, question.cheap.scores[0], each[0], samples=1)
        add(strong, question.strong.scores[0], dear, strong=1)
        if by_lot.random() < share:
            add(chance, question.strong.scores[0], dear, strong=1)
        else:
            add(chance, question.cheap.scores[0], each[0], samples=1)
        first, second = question.cheap.answers[:2]
        if first is not None and first == second:
            add(two, question.cheap.scores[0], sum(each[:2]), samples=2)
        else:
            add(two, question.strong.scores[0], sum(each[:2]) + dear, strong=1, samples=2)
    return {
        "always cheap": cheap,
        "always strong": strong,
        f"by chance, {share:.0%} strong": chance,
        "first two agree": two,
    }


def add(outcome: Outcome, score: float, cost: float, *, strong: int = 0, samples: int = 0) -> None:
    outcome.scores.append(score)
    outcome.cost += cost * CHEAP_USD
    outcome.strong += strong
    outcome.samples += samples


def told(name: str, ratio: int, outcome: Outcome, questions: Sequence[Question]) -> dict[str, Any]:
    floor, ceiling = scores(questions, "cheap"), scores(questions, "strong")
    got = np.array(outcome.scores)
    dice = np.random.default_rng(3)
    draws = dice.integers(0, len(got), (500, len(got)))
    low, high = (floor[draws].mean(1), ceiling[draws].mean(1))
    kept = np.sort((got[draws].mean(1) - low) / (high - low))
    strong = sum(strong_cost(one, ratio) for one in questions)
    return {
        "way": name,
        "ratio": ratio,
        "questions": len(questions),
        "score": round(float(got.mean()), 4),
        "gain_kept": round(float((got.mean() - floor.mean()) / (ceiling.mean() - floor.mean())), 4),
        "gain_kept_95": [round(float(kept[12]), 4), round(float(kept[-13]), 4)],
        "escalated": round(outcome.strong / len(questions), 4),
        "samples": round(outcome.samples / len(questions), 3),
        "cost": round(outcome.cost / strong, 4),
        "checked": outcome.checked,
        "off_after": outcome.off_after,
        "off_net": None if outcome.off_net is None else round(outcome.off_net, 2),
    }


def show(table: Table, row: Mapping[str, Any]) -> None:
    off = "" if not row["way"].startswith("leanloop") else "not begun" if not row["checked"] else "no"
    if row["off_after"] is not None:
        off = f"{row['off_after']}, {row['off_net']:+.1f}"
    low, high = row["gain_kept_95"]
    figures = [f"{row['score']:.3f}", f"{row['gain_kept']:.3f}", f"{low:.2f} to {high:.2f}"]
    figures += [f"{row['escalated']:.1%}", f"{row['samples']:.2f}", f"{row['cost']:.3f}", off]
    table.add_row(row["way"], str(row["ratio"]), str(row["questions"]), *figures)


if __name__ == "__main__":
    main()
