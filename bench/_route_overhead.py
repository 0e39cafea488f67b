"""What choosing a tier, and checking its answer, costs a call: CPU time beside the same stack without routes."""

from __future__ import annotations

import time
from statistics import median

import leanloop
from leanloop import MemoryStore, Message, ModelCall, ModelReply, ToolRequest, ToolSpec, Usage, parse_budget
from leanloop.plugins.drive_sync import run
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.stack import Stack
from leanloop.plugins.supplied import Supplied

__all__ = ["overheads"]

WAYS = {
    "no routes": "",
    "routes": "routes: {cheap: cheap-1, frontier: dear-1}\n",
    "routes and cascade": "routes: {cheap: cheap-1, frontier: dear-1, cascade: on}\n",
}
BUDGET = "agent: bench\nloop: off\nlimits: [{usd: 1000, cycles: 30000}]\n"
PRICES = "prices:\n  cheap-1: {input: 1, output: 1}\n  dear-1: {input: 20, output: 20}\n"
TOOL = ToolSpec("search", parameters={"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]})
ASKED = Message("assistant", "", (ToolRequest("1", "search", '{"q": "x"}'),))
CALLS, FIRST, ROUNDS = 150, 30, 5


def overheads() -> dict[str, float]:
    """Microseconds a call, by way: the least median of five runs of a loop, whose first calls are left out.

    Each run is a task whose history grows by a tool call and its result; stores are in memory, outcomes are inferred of
    each step and an estimate is made for each call.
    """
    runs: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way, routes in WAYS.items():  # in turns: a machine becomes slower or faster meanwhile
            runs[way].append(one_run(routes))
    return {way: round(min(medians) * 1e6, 1) for way, medians in runs.items()}


def one_run(routes: str) -> float:
    budget = parse_budget(f"{BUDGET}{routes}{PRICES}", environ={})
    stack = Stack(supplied=Supplied(outcomes=MemoryOutcomes()))
    history, taken = [Message("user", "Where is the next shop?")], list[float]()
    with leanloop.task(budget, store=MemoryStore()) as task:
        for place in range(CALLS):
            history += [ASKED, Message("tool", f"result {place}", tool_call_id="1")]
            call = ModelCall("dear-1", tuple(history), tools=(TOOL,), agent="bench")
            began = time.thread_time()
            run(stack.model_flow(call, task), answered)
            taken.append(time.thread_time() - began)
    return median(taken[FIRST:])


def answered(_: ModelCall) -> ModelReply:
    return ModelReply(ASKED, Usage(1_000, 100))
