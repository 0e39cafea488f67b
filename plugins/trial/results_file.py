"""What an evaluation has come to so far: a labelled set that grows by a row for each answer, and survives a crash."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from io import SEEK_END
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from leanloop.budgets.fields import shown
from leanloop.budgets.money import from_nano
from leanloop.errors import UsageError
from leanloop.plugins.trial.labelled import Labelled, labelled_in
from leanloop.plugins.trial.questions import AskedOf

__all__ = ["Result", "ResultsFile"]

_BEGINS = b'{"id": '
"""How each of these rows begins; no other line is ever taken away."""

_SHOWN = 2_000
"""Characters of an answer, or of an error, that are kept."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one question with one setting.

    Attributes:
        score: None where the call failed; then `error` says why.
        cost: nano-dollars; None without a price.
        given: the answer.
    """

    asked: AskedOf
    setting: str
    score: float | None
    error: str | None = None
    cost: int | None = None
    seconds: float | None = None
    given: str = ""


class ResultsFile:
    """Rows of `leanloop.plugins.trial.labelled` in one file; threads may share it.

    What is there already is read first, and is not asked again: a question that failed is. A row that a crash cut off
    is taken away.

    Args:
        path: None keeps nothing.
        agent: whose evaluation it is; empty where it is of no agent in particular.

    Raises:
        UsageError: it cannot be read or written.
        TraceError: it holds something else.
    """

    def __init__(self, path: Path | None, agent: str) -> None:
        self._agent = agent
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self.known: Mapping[tuple[str, str], Labelled] = {}
        if path is not None:
            try:
                with path.open("a+b") as file:
                    _mend(file)
                rows = labelled_in(path)
                self.known = {(row.id, str(row.setting)): row for row in rows if row.agent == agent}
                self._file = path.open("ab")
            except OSError as error:
                raise UsageError(f"Results cannot be kept in {path}: {error.strerror}.") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def known_of(self, asked: AskedOf, setting: str) -> Labelled | None:
        """The row that is there already.

        Raises:
            UsageError: it is of another question under the same id.
        """
        row = self.known.get((asked.id, setting))
        if row is not None and row.question is not None and row.question != asked.question:
            raise UsageError(
                f"The results are of another question with the id {shown(asked.id)} (line {row.line}): the set has "
                "changed. Give another --out."
            )
        return row

    def add(self, result: Result) -> None:
        """Write a row, all of it at once."""
        if self._file is None:
            return
        asked, cost = result.asked, result.cost
        row: dict[str, object] = {"id": asked.id, "agent": self._agent, "setting": result.setting}
        if result.score is None:
            row["error"] = (result.error or "")[:_SHOWN]
        else:
            row |= {"score": result.score, "given": result.given[:_SHOWN]}
        row |= {"question": asked.question, "step": asked.step, "tags": dict(asked.tags)}
        row |= {"cost": None if cost is None else float(from_nano(cost)), "seconds": result.seconds}
        line = json.dumps({name: value for name, value in row.items() if value not in (None, "", {})})
        with self._lock:
            self._file.write(line.encode() + b"\n")
            self._file.flush()


def _mend(file: IO[bytes]) -> None:
    """End a last line that has no end, or take away one of ours that was not written to its end."""
    file.seek(0)
    last = next(iter(deque(file, maxlen=1)), b"\n")
    if last.endswith(b"\n"):
        return
    try:
        json.loads(last)
    except ValueError:
        if last.startswith(_BEGINS):
            file.truncate(file.seek(0, SEEK_END) - len(last))
        return
    file.write(b"\n")
    file.flush()
