"""What does a cycle cost with the whole of leanloop around it, and with LangChain's own middleware?

A fake model in ``create_agent`` asks for one tool call per cycle. Six agents run in turns: with `LeanLoop` (usd,
tokens, cycles and tool calls per task, usd per day, loop guard, notices); with the same whose events, three a cycle,
go to a function that does nothing, and to a file; with ModelCallLimit, ToolCallLimit, ContextEditing and Summarization,
none of them triggering; with a middleware that has both of LeanLoop's hooks and does nothing in them; and bare, whose
difference from bare is the noise. Between any two of them runs a bare one.

- The keys are the median, over the rounds, of (with - bare), per cycle, in CPU time of this process; bare is the mean
  of the bare runs just before and just after. Side by side, because a busy machine slows neighbouring runs alike, and
  between two, because it becomes slower or faster meanwhile; CPU time, because wall time counts the neighbours too; the
  median, because the least of many differences is the one where bare had bad luck.
- What opening a task costs is in it, spread over its cycles.
- Garbage is collected before each run and as usual within it; what the imports made is frozen first, as it is not
  a run's garbage.

Run: python bench/overhead.py [--json] [--rounds FACTOR]
"""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false
from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from langchain.agents import create_agent
from langchain.agents.middleware import (
    ContextEditingMiddleware,
    ModelCallLimitMiddleware,
    SummarizationMiddleware,
    ToolCallLimitMiddleware,
)
from langchain.agents.middleware.types import AgentMiddleware
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import tool
from rich.console import Console
from rich.table import Table

from leanloop import Budget, Limit, MemoryStore
from leanloop.adapters.langchain import LeanLoop
from leanloop.budgets.event_rules import EventRules

ROUNDS = {10: 80, 50: 25, 200: 8}
"""Rounds by cycles per run: a minute or two together."""

BUDGET = Budget(
    agent="bench",
    limits=(
        Limit(usd=Decimal(1_000), tokens=1_000_000_000, cycles=100_000, tool_calls=100_000),
        Limit(per="day", usd=Decimal(100_000)),
    ),
)

Middleware = Callable[[], Sequence[AgentMiddleware[Any, Any, Any]]]


class Fake(GenericFakeChatModel):
    model_name: str = "gpt-4o-mini"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind(**kwargs)


class EmptyHooks(AgentMiddleware[Any, Any, Any]):
    """What LangChain takes for any middleware of this kind, whatever it does."""

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        return handler(request)

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        return handler(request)


class Pair(NamedTuple):
    """Milliseconds of CPU time per cycle: of a run, and of bare around it."""

    own: float
    bare: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--rounds", type=float, default=1.0, help="so many times the rounds of the quick form")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="leanloop-bench-") as folder:
        told = BUDGET.model_copy(update={"events": EventRules(file=f"{folder}/events.jsonl")})
        compare(
            {
                "leanloop": leanloop,
                "to a function": lambda: [LeanLoop(BUDGET, store=MemoryStore(), on_event=lambda _: None)],
                "to a file": lambda: [LeanLoop(told, store=MemoryStore())],
                "built-ins": builtins,
                "empty hooks": lambda: [EmptyHooks()],
                "bare": list,
            },
            options,
        )


def compare(agents: dict[str, Middleware], options: argparse.Namespace) -> None:
    console = Console()
    for middleware in agents.values():
        run(middleware, 10)
    gc.collect()
    gc.freeze()
    table = Table(title="Milliseconds of CPU time per cycle over bare")
    for heading in ("cycles", "rounds", "agent", "median", "quartiles", "least", "bare"):
        table.add_column(heading, justify="left" if heading == "agent" else "right", no_wrap=True)
    over: dict[tuple[str, int], float] = {}
    for cycles, quick in ROUNDS.items():
        rounds = max(3, round(quick * options.rounds))
        for number, (name, pairs) in enumerate(measure(agents, cycles, rounds).items()):
            low, over[name, cycles], high = quantiles((pair.own - pair.bare for pair in pairs), n=4)
            table.add_row(
                "" if number else str(cycles),
                "" if number else str(rounds),
                "bare (noise)" if name == "bare" else name,
                f"{over[name, cycles]:.3f}",
                f"{low:.3f} .. {high:.3f}",
                f"{min(pair.own for pair in pairs) - min(pair.bare for pair in pairs):.3f}",
                f"{median(pair.bare for pair in pairs):.3f}",
                end_section=name == "bare",
            )
    console.print(table)
    if options.json:
        figures = {f"leanloop_ms_{cycles}": over["leanloop", cycles] for cycles in ROUNDS}
        figures |= {f"events_function_ms_{cycles}": over["to a function", cycles] for cycles in ROUNDS}
        figures |= {f"events_file_ms_{cycles}": over["to a file", cycles] for cycles in ROUNDS}
        figures |= {f"builtin_ms_{cycles}": over["built-ins", cycles] for cycles in ROUNDS}
        figures |= {f"empty_hooks_ms_{cycles}": over["empty hooks", cycles] for cycles in ROUNDS}
        figures["ratio_200_10"] = over["leanloop", 200] / over["leanloop", 10]
        figures["noise_ms"] = max(abs(over["bare", cycles]) for cycles in ROUNDS)
        print(json.dumps({name: round(figure, 4) for name, figure in figures.items()}))


def measure(agents: dict[str, Middleware], cycles: int, rounds: int) -> dict[str, list[Pair]]:
    """Every agent once a round between two bare ones, the order turned on by one each time."""
    pairs: dict[str, list[Pair]] = {name: [] for name in agents}
    names = list(agents)
    before = run(list, cycles)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            own, after = run(agents[name], cycles), run(list, cycles)
            pairs[name].append(Pair(own, (before + after) / 2))
            before = after
    return pairs


def run(middleware: Middleware, cycles: int) -> float:
    """Milliseconds of CPU time per cycle of one run; building the agent is left out."""
    agent: Any = create_agent(Fake(messages=script(cycles)), [look_up], middleware=middleware())
    gc.collect()
    begun = time.process_time()
    result = agent.invoke({"messages": [("user", "go")]}, {"recursion_limit": 10 * cycles + 10})
    taken = time.process_time() - begun
    assert len(result["messages"]) == 2 * cycles, "a middleware stepped in"
    return 1_000 * taken / cycles


def script(cycles: int) -> Iterator[AIMessage]:
    for step in range(cycles - 1):
        sent = 100 + 30 * step
        yield AIMessage(
            "",
            tool_calls=[{"name": "look_up", "args": {"what": f"step {step}"}, "id": f"call-{step}"}],
            usage_metadata={"input_tokens": sent, "output_tokens": 20, "total_tokens": sent + 20},
        )
    yield AIMessage("done")


@tool
def look_up(what: str) -> str:
    """Look something up."""
    return f"what is known of {what}"


def leanloop() -> list[AgentMiddleware[Any, Any, Any]]:
    return [LeanLoop(BUDGET, store=MemoryStore())]


def builtins() -> list[AgentMiddleware[Any, Any, Any]]:
    return [
        ModelCallLimitMiddleware(run_limit=100_000),
        ToolCallLimitMiddleware(run_limit=100_000),
        ContextEditingMiddleware(),
        SummarizationMiddleware(model=Fake(messages=iter(())), trigger=("tokens", 1_000_000_000)),
    ]


if __name__ == "__main__":
    main()
