"""``leanloop advise``: what to switch on first, measured on recorded runs, and the budget file that does it."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from leanloop.adapters.cli.bad_lines import tell_bad_lines
from leanloop.adapters.cli.replay import TRACES, runs_of
from leanloop.adapters.cli.tune_text import labelled_rows, read_most
from leanloop.adapters.traces.form import TraceFormat
from leanloop.budgets.file import load_budget, parse_budget
from leanloop.errors import UsageError

if TYPE_CHECKING:
    from leanloop.adapters.advice.case import Terms

__all__ = ["advise"]

_SEED = 0
_SAMPLE = 600


def advise(
    traces: Annotated[list[str], typer.Argument(metavar="TRACES...", help=TRACES)],
    *,
    form: Annotated[
        TraceFormat | None, typer.Option("--format", help="Of the files; by default what they hold tells.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="Whose tokens and prices runs are taken to have that name no model with a price.")
    ] = "gpt-4o",
    budget: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your budget file: what it has on is on before and after.")
    ] = None,
    agent: Annotated[str, typer.Option(metavar="NAME", help="The agent's name in a new file.")] = "assistant",
    labelled: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="How models did on your questions (leanloop evaluate)."),
    ] = None,
    lose_at_most: Annotated[
        str, typer.Option(metavar="SHARE", help="Of the successes, that a change may cost and still be advised.")
    ] = "1%",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the file there, not to the terminal.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Runs that are drawn from all at random.")] = _SAMPLE,
    every: Annotated[bool, typer.Option("--all", help="Take all runs (keeps them in memory).")] = False,
    details: Annotated[
        bool, typer.Option("--details", help="Also how everything was measured that is not advised, and its figures.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Rank what to switch on first by what it would have saved on recorded runs, and write the budget file for it.

    A change is advised where it surely saves (its 95 % interval lies above 0) and costs no more successes than
    allowed. Nothing is written without --out. Lines that are not runs are counted, the first few named, and make the
    exit code 1.
    """
    # Here, because counting takes a while to import.
    from leanloop.adapters.advice.advice import advise as find_advice
    from leanloop.adapters.advice.cases import sampled
    from leanloop.adapters.advice.features import FEATURES
    from leanloop.adapters.cli.advise_file import advised_file, advised_keys, check_free, write_file
    from leanloop.adapters.cli.advise_tables import as_dict, show
    from leanloop.adapters.cli.screen import screen
    from leanloop.budgets.price_book import price_book

    if out is not None:
        check_free(out, force=force)  # before minutes of work
    terms, own = _terms(budget, agent, labelled or [], 0.0 if lose_at_most in {"0", "0%"} else read_most(lose_at_most))
    with closing(runs_of(traces, form, "reading")) as runs:
        sample = sampled(runs, None if every else limit, _SEED)
    if not sample.runs:
        tell_bad_lines(sample.bad)
        raise UsageError(
            f"None of {sample.empty:,} runs in these files has a call of a model: name other files, or say with "
            "--format what these are."
        )
    cases = sample.cases(model, price_book(terms.budget))
    with _progress(len(FEATURES) + 1) as progress:
        advice = find_advice(cases, terms, own, FEATURES, progress)
    text = advised_file(advice, sample, own)
    if out is not None:
        write_file(out, text, force=force)
    if as_json:
        typer.echo(json.dumps(as_dict(advice, sample, text), indent=2))
    else:
        show(advice, sample, screen(), details=details)
        if out is None:
            typer.echo("\n" + (text if own is None else advised_keys(advice, own)), nl=False)
    if out is not None:
        typer.echo(f"Written: {out}. In words: leanloop check {out}", err=as_json)
    tell_bad_lines(sample.bad)


def _terms(
    file: Path | None, agent: str, labelled: Sequence[Path], lose_at_most: float
) -> tuple[Terms, dict[str, object] | None]:
    from leanloop.adapters.advice.bare import bare_budget
    from leanloop.adapters.advice.case import Terms
    from leanloop.adapters.advice.tree import tree_in

    own: dict[str, object] | None = None
    if file is None:
        parse_budget(json.dumps({"agent": agent}), file="--agent", environ={})  # a name that cannot be one is told here
        budget = bare_budget(agent)
    else:
        # Without the environment: what stands there, passwords among it, must not get into a file.
        budget, own = load_budget(file, environ={}), tree_in(file)
    rows = tuple(row for path in labelled for row in labelled_rows(path, budget.agent))
    return Terms(budget, lose_at_most, rows, _SEED), own


@contextmanager
def _progress(steps: int) -> Generator[Callable[[str], None]]:
    """A bar on stderr that names what is being tried."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} of {task.total}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=steps)
        first = True

        def step(name: str) -> None:
            nonlocal first
            progress.update(bar, advance=0 if first else 1, description=name)
            first = False

        yield step
