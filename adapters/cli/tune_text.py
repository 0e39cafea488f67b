"""How ``leanloop tune`` reads a labelled set, and says what it has found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from leanloop.adapters.cli.budget_arguments import read_share
from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.screen import ledger_table, screen, show_table
from leanloop.budgets.money import format_usd
from leanloop.errors import UsageError
from leanloop.plugins.trial.bounds import Interval
from leanloop.plugins.trial.labelled import Labelled, labelled_in
from leanloop.plugins.trial.threshold import Step

if TYPE_CHECKING:
    from leanloop.plugins.trial.tuning import Tuning

__all__ = ["Tuned", "labelled_rows", "read_most", "report"]

_ROWS = 14


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was found, and what it is called.

    Attributes:
        key: of the budget file.
        line: what to write under it.
        dear: what becomes of a question that is not spared.
    """

    found: Tuning
    key: str
    line: str
    dear: str


def labelled_rows(path: Path, agent: str) -> list[Labelled]:
    """The rows of a labelled set that are of an agent, or of none.

    Raises:
        UsageError: it cannot be read, or has none.
        TraceError: a line of it is none.
    """
    rows = list(labelled_in(path))
    own = [row for row in rows if row.agent in {"", agent}]
    if not own:
        others = ", ".join(sorted({row.agent for row in rows})[:8])
        raise UsageError(f"{path} has no rows of the agent {agent}{f'; it has some of {others}' if others else ''}.")
    return own


def read_most(text: str) -> float:
    """``2%`` or ``0.02``.

    Raises:
        UsageError: it is no share below 100 %.
    """
    most = read_share(text)
    if most >= 1:
        raise UsageError(f"--lose-at-most is a share below 100%, such as 2%, not {text}.")
    return most


def report(tuned: Tuned, *, as_json: bool) -> None:
    """Print it; exits with 1 where no threshold holds the promise."""
    if as_json:
        typer.echo(json.dumps(_as_dict(tuned)))
    else:
        _say(tuned)
    if tuned.found.step is None:
        raise typer.Exit(1)


def _say(tuned: Tuned) -> None:
    found, of = tuned.found, tuned.found.questions
    names = " to ".join(map(str, found.settings))
    table = ledger_table()
    for name in ("threshold", tuned.dear, "lost", "at most", ""):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for step in _shown(found.steps, found.step):
        most = step.loss.most()
        verdict = "taken" if step is found.step else "holds" if most <= found.promised else ""
        threshold = "-" if step.threshold < 0 else f"{step.threshold:.4g}"
        table.add_row(threshold, f"{step.dear / of:.1%}", _points(step.loss.mean), _points(most), verdict)
    show_table(screen(), f"{of:,} questions, {names}; losses in points, against all {found.settings[-1]}", table)
    for line in _lines(tuned):
        typer.echo(plain(line))


def _lines(tuned: Tuned) -> Iterator[str]:
    found, of, dear = tuned.found, tuned.found.questions, tuned.dear
    if found.step is None:
        yield (
            f"No threshold surely loses at most {_points(found.promised)} points: leave all calls {dear}. As counted, "
            f"{found.naive:.1%} would do; more labels make that surer."
        )
        return
    loss, share = found.step.loss, found.step.dear / of
    yield f"Write under {tuned.key}: {tuned.line}"
    yield (
        f"Then {share:.1%} of the questions are {dear}. Lost: {_points(loss.mean)} points, at most "
        f"{_points(loss.most())} at 95 % confidence ({_points(found.promised)} was asked for)."
    )
    yield (
        f"Safety costs {share - found.naive:.1%} of the questions: as counted, {found.naive:.1%} would do, but a "
        "threshold taken there breaks the promise in about every other set."
    )
    held_out = found.held_out_loss
    yield (
        f"Held out: thresholds found from four fifths lost {_points(held_out.mean)} points on the last fifth, at most "
        f"{_points(held_out.most())}."
    )
    if found.saving is None or found.dear_cost is None:
        yield "What it saves is not known: not all rows have a cost."
        return
    part = f" ({found.saving.estimate / found.dear_cost:.1%})" if found.dear_cost else ""
    saved, low, high = (format_usd(round(1_000 * one)) for one in found.saving)
    yield f"Saves {saved} for 1,000 questions{part}, between {low} and {high}."


def _shown(steps: Sequence[Step], taken: Step | None) -> list[Step]:
    """As many as there is room for, the one that was taken and its neighbours among them."""
    places = {round(place * (len(steps) - 1) / (_ROWS - 1)) for place in range(_ROWS)}
    if taken is not None:
        at = steps.index(taken)
        places |= {at, min(at + 1, len(steps) - 1)}
    return [steps[place] for place in sorted(places)]


def _points(share: float) -> str:
    return f"{100 * share:.2f}"


def _as_dict(tuned: Tuned) -> dict[str, object]:
    """Plain JSON types; money in usd a question."""
    found, step = tuned.found, tuned.found.step
    return {
        "key": tuned.key,
        "settings": [str(setting) for setting in found.settings],
        "questions": found.questions,
        "promised": found.promised,
        "above": found.above if step is not None else None,
        "dear_share": step.dear / found.questions if step is not None else 1.0,
        "dear_share_as_counted": found.naive,
        "loss": step.loss.mean if step is not None else 0.0,
        "loss_at_most": step.loss.most() if step is not None else 0.0,
        "held_out_loss": found.held_out_loss.mean,
        "held_out_loss_at_most": found.held_out_loss.most(),
        "saving": _usd(found.saving),
        "dear_cost": found.dear_cost / 1e9 if found.dear_cost is not None else None,
        "thresholds": [
            {"threshold": one.threshold, "dear": one.dear, "loss": one.loss.mean, "at_most": one.loss.most()}
            for one in _shown(found.steps, step)
        ],
    }


def _usd(saving: Interval | None) -> dict[str, float] | None:
    if saving is None:
        return None
    return {name: value / 1e9 for name, value in saving._asdict().items()}
