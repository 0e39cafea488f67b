"""What does the cache answer of an agent that runs again, and of recorded runs?

Repeated agent. The same question to a LangChain agent of three steps (two tool calls, then the answer), run by run:
model calls that were really made. Beside LeanLoop as middleware and `LeanLoopCache` behind ``set_llm_cache`` stands
LangChain's own InMemoryCache, whose hits put ``total_cost`` into the message and so make the next step another call.

Recorded runs. Every model call and every tool call of the shared runs goes through the real AnswerCache and ToolCache,
the runs one after the other over one store, model and tools played from the recording; then all of them again, as a
workload that repeats itself. Tiers: exact and normalised (there is no embedder here; see cache_quality.py).

- hits: calls answered from the cache, of all calls; dollars at GPT-4o's list price, with prefix caching. What is spared
  is what all calls cost less what those still made cost, which find less of their prompts cached by the provider.
- other: hits whose answer is not the recorded one. A model that was sampled twice has answered the very same call in
  two ways, and a cache gives the first one again: that is no wrong answer.
- wrong: those where the call was another one (normalised tier) and the two answers do not say the same, as
  `leanloop.plugins.cache.same_answer` takes it, which is on the safe side; each is printed, to be judged by reading.
- tools: of tau-bench the tools that only read, each dropped by those that write; results kept within a run, for each
  begins with a database of its own. Here `wrong` is every result that is not the recorded one.

Run: python bench/cached_agent.py [--json] [--data DIR]
"""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import langchain.agents
from langchain_core.caches import BaseCache, InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import tool
from rich.console import Console
from rich.table import Table

from leanloop.adapters.langchain import LeanLoop, LeanLoopCache
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.traces.cached import CachedRuns, WrongHit
from leanloop.adapters.traces.openai import traces_in
from leanloop.adapters.traces.trace import Trace
from leanloop.budgets.budget import Budget
from leanloop.budgets.cache_rules import CacheRules
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.message import ToolRequest
from leanloop.budgets.prices import PriceBook
from leanloop.plugins import drive_sync
from leanloop.plugins.cache.ground import Grounds
from leanloop.plugins.cache.memory import MemoryCache
from leanloop.plugins.cache.store import EVERYTHING
from leanloop.plugins.cache.stores import open_cache
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.stack import Stack
from leanloop.plugins.task import Task

MODEL = "gpt-4o"
SETS = ("tau-bench", "swe-agent-demos", "intercode-bash")
READS = (
    "get_reservation_details", "get_user_details", "list_all_airports", "search_direct_flight", "search_onestop_flight",
)  # fmt: skip
WRITES = (
    "book_reservation", "cancel_reservation", "send_certificate", "update_reservation_baggages",
    "update_reservation_flights", "update_reservation_passengers",
)  # fmt: skip
RUNS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    options = parser.parse_args()
    console = Console()
    repeated = {name: calls_by_run(cache) for name, cache in ways().items()}
    console.print(repeated_table(repeated))
    figures: dict[str, dict[str, float | int]] = {}
    doubtful: list[WrongHit] = []
    for name in SETS:
        path: Path = options.data / name / "trajectories.jsonl"
        if not path.is_file():
            console.print(f"{name}: absent, skipped")
            continue
        figures[name] = replayed(list(traces_in(path)), doubtful)
    if figures:
        console.print(recorded_table(figures))
    for hit in dict.fromkeys(doubtful):
        said = f"asked: {hit.question}\n  served:   {hit.served}\n  recorded: {hit.recorded}"
        console.print(said, markup=False)
    if options.json:
        ours = ("leanloop", "leanloop set_llm_cache")
        result: dict[str, object] = {"calls_by_run": {name: repeated[name] for name in ours}, "recorded": figures}
        result["peers"] = {name: calls for name, calls in repeated.items() if name not in ours}
        print(json.dumps(result))


def ways() -> dict[str, BaseCache | LeanLoop | None]:
    open_cache("memory").forget(tag=EVERYTHING)
    return {
        "no cache": None,
        "langchain InMemoryCache": InMemoryCache(),
        "leanloop set_llm_cache": LeanLoopCache(store=MemoryCache()),
        "leanloop": LeanLoop(Budget(agent="bench", cache=CacheRules())),
    }


def calls_by_run(cache: BaseCache | LeanLoop | None) -> list[int]:
    """Model calls that were made in each of the runs of one agent."""
    model = ScriptedModel(script=three_steps())
    set_llm_cache(cache if isinstance(cache, BaseCache) else None)
    create_agent: Any = langchain.agents.create_agent
    agent = create_agent(model, [look_up], middleware=[cache] if isinstance(cache, LeanLoop) else [])
    made: list[int] = []
    for _ in range(RUNS):
        before = len(model.seen)
        agent.invoke({"messages": [HumanMessage("How far is the moon?")]})
        made.append(len(model.seen) - before)
    set_llm_cache(None)
    return made


@tool
def look_up(q: str) -> str:
    """Look something up."""
    return f"about {q}"


def three_steps() -> Callable[[list[BaseMessage], dict[str, Any]], AIMessage]:
    """Two tool calls and an answer, with ids that no run has in common with another."""
    made = iter(range(10**6))

    def reply(messages: list[BaseMessage], _: dict[str, Any]) -> AIMessage:
        done = sum(message.type == "tool" for message in messages)
        if done == 2:
            return AIMessage("About 384,400 km.")
        call = {"name": "look_up", "args": {"q": f"topic {done}"}, "id": f"call-{next(made)}"}
        return AIMessage("", tool_calls=[call])

    return reply


class Results:
    """The results of tools that only read, of the runs of one set over one store."""

    def __init__(self) -> None:
        self._stack = Stack(grounds=Grounds(store=MemoryCache()))
        tools = {name: {"evicted_by": list(WRITES)} for name in READS}
        rules = CacheRules.model_validate({"models": False, "tools": tools, "scope": ["run"]})
        self._budget = Budget(agent="bench", limits=(), loop=None, results=None, cache=rules)

    def play(self, trace: Trace, name: str) -> Counter[str]:
        """One run; what was asked, and answered from the cache."""
        counted: Counter[str] = Counter()
        task = Task(self._budget, store=MemoryStore(), tags={"run": name})
        asked: dict[str, ToolRequest] = {}
        for message in trace.messages:
            if message.role == "assistant":
                asked = {request.id: request for request in message.tool_calls}
            elif message.role == "tool" and message.tool_call_id in asked:
                request = asked[message.tool_call_id]
                call = ToolCall(request.id, request.name, request.arguments)
                known = ToolResult(message.text, message.is_error, raw=message)
                result = drive_sync.run(self._stack.tool_flow(call, task), partial(played, known))
                counted["results"] += request.name in READS
                if result.raw is not message:
                    counted += Counter(result_hits=1, wrong_results=result.text != message.text)
        task.close()
        return counted


def played(recorded: ToolResult, _: object) -> ToolResult:
    return recorded


def replayed(traces: Sequence[Trace], doubtful: list[WrongHit]) -> dict[str, float | int]:
    answers, results, price = CachedRuns(CacheRules()), Results(), PriceBook({}).price(MODEL)
    found: dict[str, float | int] = {}
    for part in ("first", "again"):
        counted: Counter[str] = Counter()
        for place, trace in enumerate(traces):
            run = answers.play(trace, MODEL, price)
            spent, all_of_it = run.after.cached or 0, run.before.cached or 0
            counted.update(calls=run.calls, hits=run.hits.total(), other=run.other, wrong=len(run.wrong))
            counted.update(spent=spent, spared=all_of_it - spent)
            counted.update(results.play(trace, f"{part}-{place}"))
            doubtful += run.wrong
        for key in ("calls", "hits", "other", "wrong", "results", "result_hits", "wrong_results"):
            found[f"{part}_{key}"] = counted[key]
        for key in ("spent", "spared"):
            found[f"{part}_{key}_usd"] = round(counted[key] / 1e9, 4)
    return found


def repeated_table(repeated: dict[str, list[int]]) -> Table:
    table = Table(title="Model calls of a 3-step agent, run by run", title_justify="left")
    table.add_column("cache")
    for run in range(1, RUNS + 1):
        table.add_column(f"run {run}", justify="right")
    for name, calls in repeated.items():
        table.add_row(name, *map(str, calls))
    return table


def recorded_table(figures: dict[str, dict[str, float | int]]) -> Table:
    table = Table(title="Recorded runs, and the same runs again", title_justify="left")
    table.add_column("set")
    for column in ("hits", "other", "wrong", "usd spent", "usd spared", "results hit", "wrong results"):
        table.add_column(column, justify="right")
    for name, found in figures.items():
        for part in ("first", "again"):

            def of(key: str, part: str = part, found: dict[str, float | int] = found) -> str:
                return f"{found[f'{part}_{key}']:,}"

            table.add_row(
                f"{name}, {part}",
                f"{of('hits')} of {of('calls')}",
                of("other"),
                of("wrong"),
                of("spent_usd"),
                of("spared_usd"),
                f"{of('result_hits')} of {of('results')}",
                of("wrong_results"),
            )
    return table


if __name__ == "__main__":
    main()
