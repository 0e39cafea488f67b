"""Reads recorded runs as cases: a sample of them, whose model each is, and which are of one task."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from leanloop.adapters.advice.case import Case
from leanloop.adapters.advice.spelling import one_price
from leanloop.adapters.traces.bad_lines import BadLines
from leanloop.adapters.traces.trace import Trace, asked
from leanloop.budgets.message import Message
from leanloop.budgets.prices import PriceBook
from leanloop.errors import TraceError
from leanloop.plugins.volatile import split

__all__ = ["SAMPLE", "Sample", "sampled"]

SAMPLE = 600
"""Runs that are looked at, where nobody says how many: a few seconds of replays, and shares to a few points."""


@dataclass(slots=True)
class Sample:
    """Runs drawn from all that were read.

    Attributes:
        runs: in the order they were read in, each with its place among all.
        read: how many there were.
        empty: runs without a model call, which were left out.
        bad: lines that are no runs.
    """

    runs: list[Trace] = field(default_factory=list[Trace])
    read: int = 0
    empty: int = 0
    bad: BadLines = field(default_factory=BadLines)

    def cases(self, model: str, prices: PriceBook) -> list[Case]:
        """The runs as cases: each is its recorded model's where that has a price, else `model`'s. Of several spellings
        of one model the most frequent is taken for all.
        """
        known: dict[str, bool] = {}
        models = [_model_of(run, prices, known) or model for run in self.runs]
        spelled = one_price(Counter(name for name in models if prices.knows(name)), prices)
        parts: dict[str, str] = {}  # of one trace: what the first of them is a run of, they all are
        cases: list[Case] = []
        for run, name in zip(self.runs, models, strict=True):
            group = _group(run)
            if run.of is not None:
                group = parts.setdefault(run.of, group)
            cases.append(Case(run, spelled.get(name, name), group))
        return cases


def sampled(runs: Iterable[Trace | TraceError], most: int | None = SAMPLE, seed: int = 0) -> Sample:
    """Draw at most so many runs, each of all with the same chance; None for all.

    Runs are read one at a time and no more than `most` are held (a reservoir: J. Vitter's algorithm R, ACM Trans.
    Math. Softw. 11, 1985). Runs are drawn, and not tasks: how many tasks there are is not known before the end.
    """
    draw = random.Random(seed)  # noqa: S311 - no secret: the same runs for the same seed
    sample = Sample()
    kept: list[tuple[int, Trace]] = []
    for run in runs:
        if isinstance(run, TraceError):
            sample.bad.add(run)
            continue
        if not asked(run):
            sample.empty += 1
            continue
        sample.read += 1
        if most is None or len(kept) < most:
            kept.append((sample.read, run))
        elif (place := draw.randrange(sample.read)) < most:
            kept[place] = (sample.read, run)
    sample.runs = [run for _, run in sorted(kept, key=lambda one: one[0])]
    return sample


def _model_of(run: Trace, prices: PriceBook, known: dict[str, bool]) -> str | None:
    """The model of most of its calls, of those that have a price."""
    named = Counter(call.model for call in run.calls if call.model)
    for model in named:
        if model not in known:
            known[model] = prices.knows(model)
    return next((model for model, _ in named.most_common() if known[model]), None)


def _group(run: Trace) -> str:
    """What the task is called: a hash of the messages before its first reply, dates and times left out."""
    digest = hashlib.blake2b(digest_size=16)
    for message in run.messages[: asked(run)[0]]:
        for part in _told(message):
            data = part.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)
    return digest.hexdigest()


def _told(message: Message) -> Iterable[str]:
    text = split(message.text).stable if message.role == "system" else message.text
    yield message.role
    yield text
    for call in message.tool_calls:
        yield call.name
        yield call.arguments
