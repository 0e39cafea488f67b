"""``leanloop demo``: one agent, run bare and under a budget file, both receipts side by side."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from leanloop.budgets.budget import Budget
from leanloop.budgets.file import load_budget
from leanloop.budgets.money import format_usd
from leanloop.errors import TaskStopped
from leanloop.plugins.current import task
from leanloop.plugins.receipt import Receipt

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable, RunnableConfig

__all__ = ["demo"]

_CYCLES = 40
"""Where LangGraph's recursion limit ends a run; a cycle of create_agent is two of its steps."""


@dataclass(frozen=True, slots=True)
class _Run:
    """How one run went: `error` is the name of what it raised, `last` its last message or the error's."""

    receipt: Receipt
    error: str | None
    last: str

    @property
    def outcome(self) -> str:
        if self.error is not None:
            return f"ended in {self.error}, without an answer"
        return "landed with an answer" if self.receipt.landed else "answered"

    def as_dict(self) -> dict[str, object]:
        receipt = self.receipt.as_dict()
        del receipt["cycles"]  # a callback sees none, so the bare run's are not counted
        return {"outcome": self.outcome, "error": self.error, "last_message": self.last, **receipt}


def demo(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Run an agent bare and under a budget file and compare the receipts. Needs no key and no network."""
    # Here, because LangChain is an extra and takes a while to import; the adapter first: it names a missing extra.
    import_module("leanloop.adapters.langchain")
    from leanloop.adapters.cli.demo_agent import BUDGET_FILE, QUESTION

    with _quiet(), tempfile.TemporaryDirectory(prefix="leanloop-demo-") as folder:
        bare = _bare(Path(folder))
        budgeted = _under_budget(Path(folder))
    happened = _sentence(bare, budgeted)
    if as_json:
        report = {
            "question": QUESTION,
            "budget_file": BUDGET_FILE,
            "bare": bare.as_dict(),
            "budgeted": budgeted.as_dict(),
            "factor": _factor(bare.receipt, budgeted.receipt),
            "counting": _counting(),
            "happened": happened,
        }
        typer.echo(json.dumps(report, indent=2))
        return
    console = Console()
    console.print(Text(f'\nAn agent is asked: "{QUESTION}"\nIts budget file:\n'))
    console.print(Text("".join(f"    {line}\n" for line in BUDGET_FILE.splitlines())))
    console.print(_table(bare, budgeted))
    console.print(Text(f"{_counting()}\n\n{happened}\n"))


@contextmanager
def _quiet() -> Generator[None, None, None]:
    """No warnings between the lines: how tokens were counted is said below the table."""
    log = logging.getLogger("leanloop")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def _counting() -> str:
    from leanloop.budgets.vocabulary import where_found

    how = "counted with the model's own vocabulary"
    if where_found("o200k_base") is None:
        how = "estimated, as OpenAI's vocabulary is not on this machine"
    return f"Tokens are {how}; prices are those of gpt-4.1. No model was called."


def _bare(folder: Path) -> _Run:
    from leanloop.adapters.cli.demo_agent import open_agent
    from leanloop.adapters.langchain import LeanLoopCallback

    # No limits and no middleware: the callback counts and changes nothing.
    return _run(
        open_agent(_made(folder / "bare")), Budget(agent="bare", limits=()), {"callbacks": [LeanLoopCallback()]}
    )


def _under_budget(folder: Path) -> _Run:
    from leanloop.adapters.cli.demo_agent import BUDGET_FILE, open_agent
    from leanloop.adapters.langchain import LeanLoop

    file = folder / "demo.yaml"
    file.write_text(BUDGET_FILE, encoding="utf-8")
    budget = load_budget(file)
    return _run(open_agent(_made(folder / "budgeted"), [LeanLoop.from_budget(budget)]), budget, {})


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _run(agent: Runnable[Any, dict[str, Any]], budget: Budget, config: RunnableConfig) -> _Run:
    from langgraph.errors import GraphRecursionError

    from leanloop.adapters.cli.demo_agent import QUESTION

    question = {"messages": [{"role": "user", "content": QUESTION}]}
    with task(budget) as account:
        try:
            state = agent.invoke(question, {**config, "recursion_limit": 2 * _CYCLES})
        except (GraphRecursionError, TaskStopped) as error:
            return _Run(account.receipt(), type(error).__name__, str(error).partition("\n")[0])
        return _Run(account.receipt(), None, str(state["messages"][-1].text))


def _table(bare: _Run, budgeted: _Run) -> Table:
    # Text and not markup: what an agent says must not style, link or hide anything in the terminal.
    table = Table(title="The same agent, the same question", title_justify="left", show_lines=True)
    table.add_column("")
    table.add_column("bare", ratio=1, overflow="fold")
    table.add_column("under the budget file", ratio=1, overflow="fold")
    for name, *cells in zip(_ROWS, _cells(bare), _cells(budgeted), strict=True):
        table.add_row(name, *map(Text, cells))
    return table


_ROWS = ("model calls", "tool calls", "tokens", "cost", "outcome", "why", "last message")


def _cells(run: _Run) -> tuple[str, ...]:
    receipt = run.receipt
    spared = sum(saving.calls for saving in receipt.savings)
    ran = f"{sum(receipt.tool_calls.values())}"
    usage = receipt.usage
    return (
        f"{receipt.model_calls}",
        f"{ran}, and {spared} repeats not run" if spared else ran,
        f"{usage.total:,} ({usage.input:,} in, {usage.output:,} out)",
        _cost(receipt),
        run.outcome,
        receipt.stopped or "",
        run.last,
    )


def _cost(receipt: Receipt) -> str:
    return "not priced" if receipt.cost is None else format_usd(receipt.cost)


def _factor(bare: Receipt, budgeted: Receipt) -> float | None:
    """How many times as much the bare run cost; None where that has no meaning."""
    return round(bare.cost / budgeted.cost, 2) if bare.cost and budgeted.cost else None


def _sentence(bare: _Run, budgeted: _Run) -> str:
    factor = _factor(bare.receipt, budgeted.receipt)
    compared = f", at {_cost(budgeted.receipt)} instead of {_cost(bare.receipt)}"
    if factor is not None:
        compared += f": {factor:.1f} times less"
    return (
        f"Bare, the agent made {bare.receipt.model_calls} model calls and {bare.outcome}; "
        f"under the budget file it {budgeted.outcome} after {budgeted.receipt.model_calls}{compared}."
    )
