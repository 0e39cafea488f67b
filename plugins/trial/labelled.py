"""Labelled sets: how well each setting did on each question, one JSON object a line (https://jsonlines.org).

    {"id": "q1", "setting": "gpt-5@high", "score": 1, "step": "extract dates", "question": "...",
     "cost": 0.0031, "seconds": 4.2, "tags": {"tenant": "acme"}, "agent": "support"}

``id``, ``setting`` and ``score`` (from 0 to 1) must be there; ``cost`` is in US dollars. Rules, besides:

- Empty lines are passed over, and a byte order mark before the first. NaN and Infinity are not JSON.
- A line without a score that has an ``error`` is a call that failed: it says nothing of the setting.
- A question has one line for each setting. Who asked several times writes the mean, or an id for each time.
- What else a line holds is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from leanloop.budgets.fields import shown
from leanloop.budgets.money import to_nano
from leanloop.errors import LeanLoopError, TraceError, UsageError
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.wrong_line import first_wrong

__all__ = ["Labelled", "labelled_in", "read_labelled"]

_LONGEST_LINE = 1024 * 1024
"""Bytes."""

_BOM = b"\xef\xbb\xbf"
_SHAPE = 'a row is {"id": "q1", "setting": "gpt-5", "score": 1}'


@dataclass(frozen=True, slots=True)
class Labelled:
    """How well one setting did on one question.

    Attributes:
        id: names the question.
        score: from 0 (failed) to 1 (succeeded).
        step, agent: where it was asked; empty where nobody says.
        question: its text, where it is there.
        cost: nano-dollars.
        tags: what it is told apart by.
        line: where it stands.
    """

    id: str
    setting: Setting
    score: float
    step: str = ""
    agent: str = ""
    question: str | None = None
    cost: int | None = None
    seconds: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    line: int = 0


Text = Annotated[str, Field(strict=True, max_length=256)]
Score = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, le=1e9, strict=True, allow_inf_nan=False)]


class _Row(BaseModel):
    """A line as it stands in the file."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    id: Annotated[str, Field(min_length=1, max_length=256)] | int
    setting: Annotated[str, Field(min_length=1, max_length=256, pattern=r"\S")]
    score: Annotated[bool, Field(strict=True)] | Score | None = None
    error: str | None = None
    step: Text = ""
    agent: Text = ""
    question: Annotated[str, Field(strict=True)] | None = None
    cost: Amount | None = None
    seconds: Amount | None = None
    tags: Mapping[Text, Text] = {}


def labelled_in(path: Path) -> Iterator[Labelled]:
    """The lines of one file, one at a time.

    Raises:
        TraceError: at the first line that is none, or the second of one question and setting.
        UsageError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            yield from read_labelled(stream, str(path))
    except OSError as error:
        raise UsageError(f"The labelled set cannot be read from {path}: {error.strerror}.") from None


def read_labelled(stream: IO[bytes], file: str) -> Iterator[Labelled]:
    """The lines of an open file, one at a time; `file` is the name that errors carry.

    Raises:
        TraceError: at the first line that is none, or the second of one question and setting.
    """
    seen: dict[int, int] = {}  # by hash: a file may have millions of rows, and no two of them share 64 bits
    for number, read in enumerate(iter(lambda: stream.readline(_LONGEST_LINE + 1), b""), start=1):
        if len(read) > _LONGEST_LINE:
            raise TraceError(f"is longer than {_LONGEST_LINE:,} bytes", file=file, line=number)
        line = read.removeprefix(_BOM) if number == 1 else read
        row = _parsed(line, file, number) if line.strip() else None
        if row is None:
            continue
        first = seen.setdefault(hash((row.agent, row.id, row.setting)), number)
        if first != number:
            raise TraceError(
                f"is the second for the question {shown(row.id)} and the setting {shown(str(row.setting))}, after line "
                f"{first}; write the mean of their scores, or another id for each time it was asked",
                file=file,
                line=number,
            )
        yield row


def _parsed(line: bytes, file: str, number: int) -> Labelled | None:
    """The row in a line; None for a call that failed.

    Raises:
        TraceError: it is none; the message says where in the line and why.
    """
    try:
        row = _Row.model_validate(from_json(line, allow_inf_nan=False))
        if row.score is None:
            if row.error is not None:
                return None
            why = f"has no score, and no error that says why; {_SHAPE}"
            raise TraceError(why, file=file, line=number)
        cost = None if row.cost is None else to_nano(Decimal(repr(row.cost)))
    except ValidationError as error:
        raise TraceError(f"is no labelled row: {first_wrong(error)}; {_SHAPE}", file=file, line=number) from None
    except LeanLoopError:
        raise
    except ValueError as error:
        raise TraceError(f"is no labelled row: {error}; {_SHAPE}", file=file, line=number) from None
    return Labelled(
        id=str(row.id),
        setting=Setting.read(row.setting),
        score=float(row.score),
        step=row.step,
        agent=row.agent,
        question=row.question,
        cost=cost,
        seconds=row.seconds,
        tags=row.tags,
        line=number,
    )
