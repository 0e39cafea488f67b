"""What ``leanloop learn`` reads: labelled sets, and recorded runs whose outcome is known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pydantic_core import from_json

from leanloop.adapters.traces.openai import LONGEST_LINE, traces_in
from leanloop.adapters.traces.trace import Trace, succeeded
from leanloop.errors import UsageError
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.labelled import Labelled, labelled_in

__all__ = ["fingerprint", "rows_in"]


def fingerprint(path: Path) -> str:
    """A digest of what is in a file, read in pieces.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None


def rows_in(path: Path, setting: Setting | None, step: str) -> Iterator[Labelled]:
    """The rows of a file, one at a time; a recorded run is one, of its question and how it ended.

    Args:
        path: the file.
        setting: what recorded runs were made with, which they do not say themselves.
        step: the step of rows that name none.

    Raises:
        TraceError: at the first line that is neither.
        UsageError: the file cannot be read, or holds recorded runs and no setting is given.
    """
    if not _holds_runs(path):
        for row in labelled_in(path):
            yield row if row.step else replace(row, step=step)
        return
    if setting is None:
        raise UsageError(f"{path} holds recorded runs, which do not say what they were made with: add --setting MODEL.")
    for run in traces_in(path):
        judged = _of_run(run, setting, step)
        if judged is not None:
            yield replace(judged, id=f"{path}: {run.id}")  # of another file it is another question


def _of_run(run: Trace, setting: Setting, step: str) -> Labelled | None:
    """The run as a row; None where nobody judged it."""
    success = succeeded(run)
    if success is None:
        return None
    score = float(success) if run.reward is None else min(1.0, max(0.0, run.reward))
    question = next((message.text for message in run.messages if message.role == "user"), None)
    return Labelled(run.id, setting, score, step=step, question=question)


def _holds_runs(path: Path) -> bool:
    """Whether the first line that is not empty is one."""
    try:
        with path.open("rb") as stream:
            lines = iter(lambda: stream.readline(LONGEST_LINE), b"")
            first: object = from_json(
                next((line for line in lines if line.strip()), b"null").removeprefix(b"\xef\xbb\xbf")
            )
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError:  # as a labelled set it is said where
        return False
    return isinstance(first, dict) and "messages" in first and "setting" not in first
