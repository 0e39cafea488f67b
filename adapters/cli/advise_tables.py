"""What ``leanloop advise`` shows: a table and its reasons for people, one JSON object for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding

from leanloop.adapters.advice.advice import Advice
from leanloop.adapters.advice.cases import Sample
from leanloop.adapters.advice.ranking import Ranked
from leanloop.adapters.advice.saving import Saving
from leanloop.adapters.advice.words import bounds_of, evidence, lost, percent, saved
from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.screen import ledger_table, show_table
from leanloop.budgets.money import from_nano

__all__ = ["as_dict", "runs_read", "show", "summary"]


def show(advice: Advice, sample: Sample, console: Console, *, details: bool = False) -> None:
    """Print the ranking, then what is advised and how it was measured; of the rest why it is not, or with `details` as
    much.
    """
    ranked = advice.together.ranked
    table = ledger_table()
    right = ("", "saves", "95 % interval", "successes lost")
    for name in ("", "switch on", *right[1:], "advised"):
        table.add_column(name, justify="right" if name in right else "left", no_wrap=True)
    for place, one in enumerate(ranked, start=1):
        table.add_row(str(place), plain(one.change.feature), *_figures(one))
    if ranked:
        show_table(console, runs_read(advice, sample), table)
    else:
        _print(console, runs_read(advice, sample), 0)
    for place, one in enumerate(ranked, start=1):
        head = f"{place}. {one.change.feature}: "
        if one.advised or details:
            _print(console, f"{head}{saved(one.saving)}; {lost(one.saving)}.", 0)
            for line in _reasons(one):
                _print(console, line, 3)
        else:
            _print(console, head + _against(one), 0)
    for found in advice.unmeasured:
        _print(console, f"{found.feature}: not measured: {found.why}.", 0)
        for line in found.notes:
            _print(console, line, 3)
    for line in (*advice.notes, *_drawn(sample), *summary(advice)):
        _print(console, line, 0)


def runs_read(advice: Advice, sample: Sample) -> str:
    """What it was measured on."""
    drawn = f"{advice.runs:,} of {sample.read:,} runs" if advice.runs < sample.read else f"{advice.runs:,} runs"
    unjudged = advice.runs - advice.successes - advice.failures
    kinds = ((advice.successes, "successful"), (advice.failures, "failed"), (unjudged, "unjudged"))
    told = ", ".join(f"{count:,} {name}" for count, name in kinds if count)
    return f"{drawn} of {advice.tasks:,} tasks as {', '.join(advice.models) or 'no model'} ({told or 'none'})"


def summary(advice: Advice) -> Iterator[str]:
    """What all that is advised comes to."""
    together = advice.together
    if not together.taken:
        why = "no change surely saves on these runs without losing too much"
        yield f"Nothing is advised: {why if together.ranked else 'nothing could be measured'}."
        return
    if together.saving is not None:
        yield (
            f"Together, replayed as one file: {saved(together.saving)}; {lost(together.saving)}. What was "
            "fitted, was fitted to these very runs."
        )
    if together.unseen:
        figure = "Not in that figure" if together.saving is not None else "No figure of the whole file"
        yield f"{figure}, as a replay cannot show it: {', '.join(together.unseen)}."


def _figures(one: Ranked) -> tuple[str, ...]:
    share, losses = one.saving.share, one.saving.losses
    counted = percent(losses.share) if losses.of is None else f"{losses.lost:,} of {losses.of:,}"
    return (
        percent(share.estimate),
        bounds_of(share),
        f"{counted}, at most {percent(losses.at_most)}",
        "yes" if one.advised else "alone" if one.alone else "no",
    )


def _reasons(one: Ranked) -> Iterator[str]:
    if one.against:
        words = _against(one)
        yield words[0].upper() + words[1:]
    reach = evidence(one.saving)
    if reach:
        yield f"{reach}."
    yield one.change.how
    yield from one.change.notes


def _against(one: Ranked) -> str:
    return f"{'advised alone only' if one.alone else 'not advised'}: {'; '.join(one.against)}."


def _drawn(sample: Sample) -> Iterator[str]:
    if len(sample.runs) < sample.read:
        yield (
            "Runs were drawn at random. What repeats, and tasks that were run with several models, stand out more with "
            "--all."
        )


def _print(console: Console, text: str, indent: int) -> None:
    console.print(Padding(plain(text), (0, 0, 0, indent)))


def as_dict(advice: Advice, sample: Sample, text: str) -> dict[str, object]:
    """Plain JSON types; money in usd as decimal text, shares as parts of 1, None where nothing is known."""
    together = advice.together
    return {
        "runs": {
            "read": sample.read,
            "without_calls": sample.empty,
            "bad_lines": sample.bad.count,
            "first_bad_lines": sample.bad.first,
            "measured": advice.runs,
            "tasks": advice.tasks,
            "successes": advice.successes,
            "failures": advice.failures,
        },
        "models": list(advice.models),
        "ranking": [
            {
                "feature": one.change.feature,
                "advised": one.advised,
                "advised_alone": one.advised or one.alone,
                "against": list(one.against),
                "keys": dict(one.change.keys),
                **_saving(one.saving),
                "how": one.change.how,
                "notes": list(one.change.notes),
            }
            for one in together.ranked
        ],
        "unmeasured": [{"feature": one.feature, "why": one.why, "notes": list(one.notes)} for one in advice.unmeasured],
        "together": {
            "features": [one.change.feature for one in together.taken],
            "not_replayed": list(together.unseen),
            **(_saving(together.saving) if together.saving is not None else {}),
        },
        "notes": list(advice.notes),
        "file": text,
    }


def _saving(saving: Saving) -> dict[str, object]:
    share, losses = saving.share, saving.losses
    return {
        "runs": saving.runs,
        "tasks": saving.tasks,
        "usd_before": f"{from_nano(saving.before):f}",
        "usd_after": f"{from_nano(saving.after):f}",
        "saved": share.estimate,
        "saved_low": None if math.isinf(share.low) else share.low,
        "saved_high": None if math.isinf(share.low) else share.high,
        "successes_lost": losses.share,
        "successes_lost_at_most": losses.at_most,
        "successes_lost_count": losses.lost,
        "successes_counted": losses.of,
        "each_run_taken_for_a_success": losses.assumed,
        "values_used": saving.used,
        "values_missing": saving.missing,
    }
