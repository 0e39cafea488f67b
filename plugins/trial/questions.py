"""Sets of questions with their answers, one JSON object a line, that any model can be asked.

    {"id": "q1", "question": "What is 3 + 4?", "answer": 7, "check": "number", "step": "sums", "tags": {"lang": "en"}}

``question`` and ``answer`` must be there; ``id`` is the number of the line where there is none. How answers are
checked is in `leanloop.plugins.trial.checks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic_core import from_json

from leanloop.budgets.fields import shown
from leanloop.errors import TraceError, UsageError
from leanloop.plugins.trial.wrong_line import first_wrong

__all__ = ["AskedOf", "questions_in"]

_LONGEST_LINE = 4 * 1024 * 1024
"""Bytes."""

_BOM = b"\xef\xbb\xbf"
_SHAPE = 'a line is {"question": "What is 3 + 4?", "answer": 7}'


@dataclass(frozen=True, slots=True)
class AskedOf:
    """A question, and what is to come of it.

    Attributes:
        answer: what the check compares with.
        check: by which check; None is the one of the command line.
        step, tags: what a labelled row says of it.
    """

    id: str
    question: str
    answer: JsonValue
    check: str | None = None
    step: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


Text = Annotated[str, Field(strict=True, max_length=256)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    id: Annotated[str, Field(min_length=1, max_length=256)] | int | None = None
    question: Annotated[str, Field(strict=True, min_length=1)]
    answer: JsonValue
    check: Text | None = None
    step: Text = ""
    tags: Mapping[Text, Text] = {}


def questions_in(path: Path) -> Iterator[AskedOf]:
    """The questions of one file, one at a time.

    Raises:
        TraceError: at the first line that is none, or that has the id of another.
        UsageError: the file cannot be read.
    """
    seen: dict[str, int] = {}
    try:
        with path.open("rb") as stream:
            for number, read in enumerate(iter(lambda: stream.readline(_LONGEST_LINE + 1), b""), start=1):
                if len(read) > _LONGEST_LINE:
                    raise TraceError(f"is longer than {_LONGEST_LINE:,} bytes", file=str(path), line=number)
                line = read.removeprefix(_BOM) if number == 1 else read
                if line.strip():
                    asked = _parsed(line, str(path), number)
                    if (first := seen.setdefault(asked.id, number)) != number:
                        why = f"has the id {shown(asked.id)} of line {first}; ids tell questions apart"
                        raise TraceError(why, file=str(path), line=number)
                    yield asked
    except OSError as error:
        raise UsageError(f"The questions cannot be read from {path}: {error.strerror}.") from None


def _parsed(line: bytes, file: str, number: int) -> AskedOf:
    try:
        row = _Row.model_validate(from_json(line, allow_inf_nan=False))
    except ValidationError as error:
        raise TraceError(f"is no question: {first_wrong(error)}; {_SHAPE}", file=file, line=number) from None
    except ValueError as error:
        raise TraceError(f"is no question: {error}; {_SHAPE}", file=file, line=number) from None
    name = f"line {number}" if row.id is None else str(row.id)
    return AskedOf(name, row.question, row.answer, row.check, row.step, row.tags)
