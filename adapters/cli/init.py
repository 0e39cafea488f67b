"""``leanloop init``: a first budget file for the project one stands in."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from leanloop.adapters.cli.init_file import first_budget
from leanloop.adapters.cli.init_project import FRAMEWORKS, Project, look_at
from leanloop.adapters.cli.plain import plain
from leanloop.budgets.file import parse_budget
from leanloop.budgets.prices import PriceBook
from leanloop.errors import PriceUnknown, UsageError

__all__ = ["init"]

_LONGEST = 256

_LINES = {
    "langchain": (
        "from leanloop.adapters.langchain import LeanLoop",
        "agent = create_agent(model, tools, middleware=[LeanLoop.from_file({file})])  # last in the list",
    ),
    "llama-index": (
        "from leanloop.adapters.llama_index import LeanLoop",
        "agent = LeanLoop.from_file({file}).agent(agent)  # or .query_engine(engine)",
    ),
}


def init(
    *,
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="Its name; the folder's by default.")] = None,
    framework: Annotated[str | None, typer.Option(metavar="NAME", help="langchain or llama-index.")] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model its limits go by; the one the code names by default.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What is written; budgets/NAME.yaml by default.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing, take what is found.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a commented budget file for the project in this folder, and print the line that puts it to work.

    Looks at pyproject.toml, requirements and lock files for the framework, and at the code for the model, by whose
    price the limits are chosen. Runs none of it. Asks where it stands in a terminal; else takes what is found.
    """
    if framework is not None and _meant(framework) is None:
        raise UsageError(f"--framework is langchain or llama-index, not {framework[:40]!r}.")
    found = look_at(Path())
    asks = not yes and _in_terminal()
    agent = agent or _ask("Name of the agent", _folder_name(), asks)
    said = _meant(framework) if framework else None
    framework = said or _framework(found, asks)
    others = [] if said else [name for name in found.frameworks if name != framework]
    model = model or _ask("Model", next(iter(found.models), found.likely) or "", asks) or None
    if model and (len(model) > _LONGEST or not model.isprintable()):
        raise UsageError(f"--model is the name of a model, at most {_LONGEST} printable characters.")
    try:
        price = PriceBook({}).price(model) if model else None
    except PriceUnknown:
        price = None
    text = first_budget(agent, model, price)
    parse_budget(text, file=f"the file for agent {agent[:40]!r}", environ={})  # a name that cannot be one is told here
    file = file or Path("budgets", f"{agent}.yaml")
    if file.suffix.lower() not in (".yaml", ".yml"):
        raise UsageError(f"--file ends in .yaml or .yml, not in {file.suffix!r}: leanloop init writes YAML.")
    _write(file, text, force=force)
    _tell(file, framework, others, found, model)


def _tell(file: Path, framework: str, others: Sequence[str], found: Project, model: str | None) -> None:
    if model is not None and model in found.models:
        why = "named in the code"
    elif model is not None and model == found.likely:
        why = "of the provider this project depends on; the code names none"
    else:
        why = "as you say" if model is not None else "none was found: tokens are limited, not dollars"
    name = plain(str(file)).plain
    typer.echo(f"Written: {name}. Model: {plain(model or 'unknown').plain} ({why}).")
    typer.echo(f"Add to the agent ({framework}):\n")
    _tell_lines(framework, file)
    for other in others:
        typer.echo(f"\nOr ({other}, which is here too; one file does for both):\n")
        _tell_lines(other, file)
    typer.echo(f"\nWhat it holds the agent to, in words: leanloop check {name}")


def _tell_lines(framework: str, file: Path) -> None:
    for line in _LINES[framework]:
        typer.echo(f"    {line.format(file=json.dumps(file.as_posix()))}")


def _framework(found: Project, asks: bool) -> str:
    likely = next(iter(found.frameworks), "langchain")
    while (meant := _meant(_ask("Framework (langchain or llama-index)", likely, asks))) is None:
        typer.echo("langchain or llama-index.")
    return meant


def _meant(answer: str) -> str | None:
    """The framework that is meant: in any spelling (LlamaIndex, llama_index), or by a package that is built on it."""
    spelt = re.sub(r"[^a-z]", "", answer[:_LONGEST].lower())
    return next((name for name in FRAMEWORKS if spelt in {re.sub("[^a-z]", "", one) for one in FRAMEWORKS[name]}), None)


def _ask(what: str, default: str, asks: bool) -> str:
    return str(typer.prompt(what, default=default)).strip() if asks else default


def _in_terminal() -> bool:
    return sys.stdin.isatty()


def _folder_name() -> str:
    """The name of the folder, as far as it can be the name of an agent."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", Path.cwd().name).strip("-._")[:64] or "agent"


def _write(file: Path, text: str, *, force: bool) -> None:
    try:
        if file.exists() and not force:
            raise UsageError(
                f"{file} is there already and stays as it is. leanloop init --force writes over it, --file OTHER.yaml "
                "writes another."
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w" if force else "x", encoding="utf-8") as stream:  # x: not what another made meanwhile either
            stream.write(text)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}. Name another with --file.") from None
