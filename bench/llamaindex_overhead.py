"""What does a step of a LlamaIndex agent cost with the whole of leanloop around it, and with what LlamaIndex has?

A scripted model in a FunctionAgent asks for one tool call per step. Agents run in turns: bare; guarded by `LeanLoop`
(usd, tokens, cycles and tool calls per task, usd per day, loop guard, notices); with LlamaIndex's own
TokenCountingHandler and its token budget, far from used up; and bare once more, whose difference from the first is
the noise. Each as LlamaIndex runs agents by default (streaming), and with whole replies.

- The key is the median, over the rounds, of (guarded - bare) within one round, per step, in CPU time of this process,
  of the costlier form. In turns and paired, because a busy machine slows neighbouring runs alike; CPU time, because
  wall time counts the neighbours too.
- What opening a task costs is in it, spread over the steps of the run.
- Garbage is collected before each run and as usual within it; what the imports made is frozen first.

Run: python bench/llamaindex_overhead.py [--json] [--rounds FACTOR]
"""

# LlamaIndex's `run` is an overload of which the first is deprecated, and what it gives has no type:
# pyright: reportDeprecated=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false
# mypy: disable-error-code="deprecated"
from __future__ import annotations

import argparse
import asyncio
import gc
import json
import time
from collections.abc import Callable
from decimal import Decimal
from statistics import median
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from rich.console import Console
from rich.table import Table

from leanloop import Budget, Limit, MemoryStore
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM

STEPS = 50
ROUNDS = 12
"""With four agents, two forms and a bare step of 2 to 3 ms: about a quarter of a minute."""

BUDGET = Budget(
    agent="bench",
    limits=(
        Limit(usd=Decimal(1_000), tokens=1_000_000_000, cycles=100_000, tool_calls=100_000),
        Limit(per="day", usd=Decimal(100_000)),
    ),
)

Around = Callable[[FunctionAgent], FunctionAgent]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--rounds", type=float, default=1.0, help="so many times the rounds of the quick form")
    options = parser.parse_args()
    agents: dict[str, Around] = {
        "bare": lambda agent: agent,
        "leanloop": lambda agent: LeanLoop(BUDGET, store=MemoryStore()).agent(agent),
        "TokenCountingHandler": counted,
        "bare again": lambda agent: agent,
    }
    for around in agents.values():
        run(around, streaming=True)
    gc.collect()
    gc.freeze()
    table = Table(title=f"Milliseconds of CPU per step over bare (bare: its own), {STEPS} steps a run")
    for heading in ("replies", "agent", "median of the rounds", "least"):
        table.add_column(heading, justify="left" if heading == "agent" else "right")
    over: dict[tuple[str, bool], float] = {}
    for streaming in (True, False):
        times = measure(agents, max(3, round(ROUNDS * options.rounds)), streaming=streaming)
        for name, own in times.items():
            base = [0.0] * len(own) if name == "bare" else times["bare"]
            over[name, streaming] = median(mine - other for mine, other in zip(own, base, strict=True))
            table.add_row(
                ("streamed" if streaming else "whole") if name == "bare" else "",
                name,
                f"{over[name, streaming]:.3f}",
                f"{min(own) - min(base):.3f}",
                end_section=name == "bare again",
            )
    Console().print(table)
    if options.json:
        figures = {
            "leanloop_ms_per_step": max(over["leanloop", True], over["leanloop", False]),
            "token_counting_handler_ms_per_step": over["TokenCountingHandler", True],
            "bare_ms_per_step": over["bare", True],
            "noise_ms": max(abs(over["bare again", True]), abs(over["bare again", False])),
        }
        print(json.dumps({name: round(figure, 4) for name, figure in figures.items()}))


def measure(agents: dict[str, Around], rounds: int, *, streaming: bool) -> dict[str, list[float]]:
    """Every agent once a round, the order turned on by one each time."""
    times: dict[str, list[float]] = {name: [] for name in agents}
    names = list(agents)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            times[name].append(run(agents[name], streaming=streaming))
    return times


def run(around: Around, *, streaming: bool) -> float:
    """Milliseconds of CPU per step of one run; building the agent is left out."""
    agent = around(FunctionAgent(llm=ScriptedLLM(script=script()), tools=[look_up], streaming=streaming))

    async def steps() -> float:
        gc.collect()
        began = time.process_time()
        result: Any = await agent.run("go", max_iterations=2 * STEPS)
        took = time.process_time() - began
        assert len(result.tool_calls) == STEPS - 1, "something stepped in"
        return took

    return 1_000 * asyncio.run(steps()) / STEPS


def script() -> list[ChatResponse]:
    """One tool call a step, then an answer; each with the usage a provider would report."""
    replies: list[ChatResponse] = []
    for step in range(STEPS):
        call = ToolCallBlock(tool_call_id=f"call-{step}", tool_name="look_up", tool_kwargs={"what": f"step {step}"})
        last = step == STEPS - 1
        message = ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text="done")] if last else [call])
        sent = 100 + 30 * step
        usage = {"prompt_tokens": sent, "completion_tokens": 20, "total_tokens": sent + 20}
        replies.append(ChatResponse(message=message, raw={"usage": usage}))
    return replies


async def look_up(what: str) -> str:
    """Look something up."""
    return f"what is known of {what}"


def counted(agent: FunctionAgent) -> FunctionAgent:
    agent.llm.callback_manager = CallbackManager([TokenCountingHandler(token_budget=1_000_000_000)])
    return agent


if __name__ == "__main__":
    main()
