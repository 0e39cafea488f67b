"""What does a cycle cost with the whole of leanloop around it, and with LangChain's own middleware?

A fake model in ``create_agent`` asks for one tool call per cycle. Five agents run in turns: bare; with `LeanLoop`
(usd, tokens, cycles and tool calls per task, usd per day, loop guard, notices); with ModelCallLimit, ToolCallLimit,
ContextEditing and Summarization, none of them triggering; with a middleware that has both of LeanLoop's hooks and
does nothing in them; and bare once more, whose difference from the first is the noise.

- The keys are the median, over the rounds, of (with - bare) within one round, per cycle, in CPU time of this process.
  In turns and paired, because a busy machine slows neighbouring runs alike; CPU time, because wall time counts the
  neighbours too; the median, because the least of many differences is the one where bare had bad luck.
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
from statistics import median
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

ROUNDS = {10: 60, 50: 20, 200: 10}
"""Rounds by cycles per run: about a minute together."""

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


class Times(NamedTuple):
    cpu: float
    wall: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--rounds", type=float, default=1.0, help="so many times the rounds of the quick form")
    options = parser.parse_args()
    console = Console()
    agents: dict[str, Middleware] = {
        "bare": list,
        "leanloop": leanloop,
        "built-ins": builtins,
        "empty hooks": lambda: [EmptyHooks()],
        "bare again": list,
    }
    for middleware in agents.values():
        run(middleware, 10)
    gc.collect()
    gc.freeze()
    table = Table(title="Milliseconds per cycle over bare (bare: its own), median of the paired rounds")
    for heading in ("cycles", "rounds", "agent", "CPU", "CPU, difference of the least", "wall"):
        table.add_column(heading, justify="left" if heading == "agent" else "right")
    over: dict[tuple[str, int], float] = {}
    for cycles, quick in ROUNDS.items():
        rounds = max(3, round(quick * options.rounds))
        times = measure(agents, cycles, rounds)
        bare = times["bare"]
        for name, own in times.items():
            base = [Times(0, 0)] * rounds if name == "bare" else bare
            over[name, cycles] = median(mine.cpu - other.cpu for mine, other in zip(own, base, strict=True))
            table.add_row(
                str(cycles) if name == "bare" else "",
                str(rounds) if name == "bare" else "",
                name,
                f"{over[name, cycles]:.3f}",
                f"{min(t.cpu for t in own) - min(t.cpu for t in base):.3f}",
                f"{median(mine.wall - other.wall for mine, other in zip(own, base, strict=True)):.3f}",
                end_section=name == "bare again",
            )
    console.print(table)
    if options.json:
        figures = {f"leanloop_ms_{cycles}": over["leanloop", cycles] for cycles in ROUNDS}
        figures |= {f"builtin_ms_{cycles}": over["built-ins", cycles] for cycles in ROUNDS}
        figures |= {f"empty_hooks_ms_{cycles}": over["empty hooks", cycles] for cycles in ROUNDS}
        figures["ratio_200_10"] = over["leanloop", 200] / over["leanloop", 10]
        figures["noise_ms"] = max(abs(over["bare again", cycles]) for cycles in ROUNDS)
        print(json.dumps({name: round(figure, 4) for name, figure in figures.items()}))


def measure(agents: dict[str, Middleware], cycles: int, rounds: int) -> dict[str, list[Times]]:
    """Every agent once a round, the order turned on by one each time."""
    times: dict[str, list[Times]] = {name: [] for name in agents}
    names = list(agents)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            times[name].append(run(agents[name], cycles))
    return times


def run(middleware: Middleware, cycles: int) -> Times:
    """Milliseconds per cycle of one run; building the agent is left out."""
    agent: Any = create_agent(Fake(messages=script(cycles)), [look_up], middleware=middleware())
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    result = agent.invoke({"messages": [("user", "go")]}, {"recursion_limit": 10 * cycles + 10})
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert len(result["messages"]) == 2 * cycles, "a middleware stepped in"
    return Times(1_000 * cpu / cycles, 1_000 * wall / cycles)


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
