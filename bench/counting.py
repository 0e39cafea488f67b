"""How far are counted tokens from recorded ones?

Each prompt of the runs in swe-agent-demos whose usage was recorded (``meta.model_stats.tokens_sent``) is
counted and summed over the run's calls, by leanloop and by LangChain's ``count_tokens_approximately``.

What the traces themselves say about how they were made, and nothing else, is followed:

- Where a tool call's text already stands in the message, it was sent once, as text.
- Where one more call was made than replies were kept, the last call was sent the whole history.
- The provider counted ``tokens_sent`` where it and the recorded cost agree at the model's price. In the run where
  they do not (a later version of the program, with tools) who counted, and what, is not recorded.
- SWE-agent can leave out old observations ("Old output omitted"). No message says so here: the plain
  history is the main figure, that of a window of five is printed beside it.

Run: python bench/counting.py [--json] [--data DIR]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.utils import count_tokens_approximately
from rich.console import Console
from rich.table import Table

from leanloop.budgets.message import Message, ToolRequest
from leanloop.budgets.money import from_nano
from leanloop.budgets.prices import PriceBook
from leanloop.budgets.tokens import counter_for
from leanloop.budgets.usage import Usage

SET = "swe-agent-demos"
MODELS = ("gpt-4-turbo", "gpt-4o")  # "gpt4" in the run ids; the recorded cost tells which
WINDOW = 5


class Run(NamedTuple):
    name: str
    model: str
    by_provider: bool
    recorded: int
    ours: int
    windowed: int
    approximate: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    options = parser.parse_args()
    console = Console()
    path: Path = options.data / SET / "trajectories.jsonl"
    if not path.is_file():
        console.print(f"{SET}: absent, skipped")
        return
    runs = list(measure(path))
    show(runs, console)
    if options.json:
        figures = {
            "relative_error": error(runs, "ours"),
            "relative_error_provider_counted": error([run for run in runs if run.by_provider], "ours"),
            "relative_error_windowed": error(runs, "windowed"),
            "peers": {"count_tokens_approximately": error(runs, "approximate")},
            "runs": len(runs),
        }
        print(json.dumps(figures))


def measure(path: Path) -> Iterator[Run]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            trace = json.loads(line)
            stats: dict[str, Any] = trace["meta"].get("model_stats") or {}
            if stats.get("tokens_sent"):
                model, by_provider = model_of(stats)
                prompts = list(sent(trace["messages"], stats["api_calls"]))
                counter = counter_for(model)
                yield Run(
                    trace["id"].rpartition("/")[2],
                    model,
                    by_provider,
                    stats["tokens_sent"],
                    sum(counter.prompt(prompt) for prompt in prompts),
                    sum(counter.prompt(in_window(prompt)) for prompt in prompts),
                    sum(count_tokens_approximately(as_langchain(prompt)) for prompt in prompts),
                )


def model_of(stats: dict[str, Any]) -> tuple[str, bool]:
    """The model whose price comes nearest to the recorded cost, and whether it meets it exactly."""
    usage = Usage(input=stats["tokens_sent"], output=stats["tokens_received"])
    cost = Decimal(str(stats["instance_cost"]))
    misses = {model: abs(from_nano(PriceBook({}).price(model).cost(usage)) - cost) for model in MODELS}
    nearest = min(MODELS, key=misses.__getitem__)
    return nearest, misses[nearest] < Decimal("0.00001")


def sent(messages: list[dict[str, Any]], calls: int) -> Iterator[list[Message]]:
    """The prompt of each call."""
    history: list[Message] = []
    replies = 0
    for record in messages:
        if record["role"] == "assistant":
            replies += 1
            yield list(history)
        history.append(message(record))
    if calls == replies + 1 and history[-1].role != "assistant":
        yield history


def message(record: dict[str, Any]) -> Message:
    text = record["content"] or ""
    calls = [ToolRequest("", call["name"], call["arguments"]) for call in record.get("tool_calls") or ()]
    return Message(record["role"], text, tuple(call for call in calls if call.arguments not in text))


def in_window(prompt: list[Message]) -> list[Message]:
    observations = [at for at, item in enumerate(prompt) if item.role == "tool"]
    old = set(observations[:-WINDOW])
    omitted = "Old output omitted ({} lines)"
    return [
        Message("tool", omitted.format(len(item.text.splitlines()))) if at in old else item
        for at, item in enumerate(prompt)
    ]


def as_langchain(prompt: list[Message]) -> list[BaseMessage]:
    """For the peer: text only, as it was sent."""
    kinds: dict[str, type[BaseMessage]] = {"system": SystemMessage, "assistant": AIMessage}
    return [kinds.get(item.role, HumanMessage)(content=text_of(item)) for item in prompt]


def text_of(item: Message) -> str:
    return item.text + "".join(f"\n{call.name} {call.arguments}" for call in item.tool_calls)


def error(runs: list[Run], figure: str) -> float | None:
    recorded = sum(run.recorded for run in runs)
    return round(sum(abs(getattr(run, figure) - run.recorded) for run in runs) / recorded, 5) if recorded else None


def show(runs: list[Run], console: Console) -> None:
    table = Table(title=f"Prompt tokens of {SET}, summed over the calls of each run")
    for heading in ("run", "model", "counted by"):
        table.add_column(heading)
    for heading in ("recorded", "leanloop", "error", "last 5 results", "error", "langchain approx.", "error"):
        table.add_column(heading, justify="right")
    rows = [(run.name[:40], run.model, "provider" if run.by_provider else "not known", [run]) for run in runs]
    for name, model, by, group in [*rows, ("all", "", "", runs)]:
        recorded = sum(run.recorded for run in group)
        cells = [f"{recorded:,}"]
        for figure in ("ours", "windowed", "approximate"):
            total = sum(getattr(run, figure) for run in group)
            cells += [f"{total:,}", f"{(total - recorded) / recorded:+.2%}" if recorded else "-"]
        table.add_row(name, model, by, *cells, end_section=name != "all" and group[0] is runs[-1])
    console.print(table)
    exact = (
        "exact vocabulary" if all(counter_for(model).exact for model in MODELS) else "ESTIMATED: vocabulary not found"
    )
    console.print(f"{exact}; error in the JSON line: sum of the runs' absolute differences over the recorded sum")


if __name__ == "__main__":
    main()
