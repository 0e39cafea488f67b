"""How many calls are billed when twenty, started together, share a budget that pays for four?

Each call is of gpt-4o and costs $0.0125: 1,000 tokens in, and 1,000 out unless the request caps them lower. The budget
is $0.05. A local HTTP server speaks OpenAI's protocol; a call it answered is a call billed, at the tokens it
counted and wrote. Its delays vary from call to call, by a seed, so that every round interleaves differently.

- leanloop: ``wrap(ChatOpenAI(...))`` inside one task, ``at_limit: raise``; as threads and as asyncio tasks. And the
  callback in the same place, awaited.
- leanloop in processes: four, of five threads each, on one budget of a day in one SQLite file, then in one Redis
  (skipped where there is no server).
- pydantic-ai: one agent, parallel runs that share a usage and its limits (cost, and tokens), as its documentation says.
- agentbudget: ``would_exceed`` before each call and ``session.wrap`` around it, in threads.
- cendor-tokenguard: an instrumented client in a ``budget``, in threads that are given its context; its modes raise
  and block (dollars), and clamp (tokens).

The peers count in the memory of one process, so there is nothing of theirs to measure in four.

Run: python bench/overshoot.py [--json] [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import logging
import multiprocessing
import random
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from contextvars import copy_context
from decimal import Decimal
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, cast

import tiktoken
from _redis_server import redis_program, redis_server
from langchain_core.runnables import RunnableConfig
from langchain_openai import ChatOpenAI
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from leanloop import Budget, BudgetExceeded, Limit, MemoryStore, task
from leanloop.adapters.langchain import LeanLoopCallback, wrap
from leanloop.budgets.stores import open_store
from leanloop.budgets.tokens import counter_for
from leanloop.budgets.vocabulary import encoding_for, find_encoding

MODEL = "gpt-4o"
CALLS, PROCESSES = 20, 4
LIMIT = Decimal("0.05")
COST = Decimal("0.0125")
INPUT, OUTPUT = 1_000, 1_000
USD_IN, USD_OUT = Decimal("2.5") / 1_000_000, Decimal(10) / 1_000_000
FITS = int(LIMIT / COST)
WORD = " a"
"""One token of gpt-4o's vocabulary."""
OVERHEAD = 7
"""Tokens a prompt of one user message has around its text: 3 for the message, 1 for the role, 3 for the reply."""


class Provider(ThreadingHTTPServer):
    """Answers chat completions, and keeps the books of what it answered."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), Completions)
        self.lock = threading.Lock()
        self.random = random.Random(seed)
        self.billed: list[Decimal] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Completions(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        books = cast("Provider", self.server)
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = "".join(str(message["content"]) for message in asked["messages"])
        tokens_in = OVERHEAD + said.count(WORD)
        tokens_out = min(OUTPUT, asked.get("max_completion_tokens") or asked.get("max_tokens") or OUTPUT)
        with books.lock:
            delay = books.random.uniform(0.005, 0.05)
        time.sleep(delay)
        with books.lock:
            books.billed.append(tokens_in * USD_IN + tokens_out * USD_OUT)
        message = {"role": "assistant", "content": "word " * 10}
        usage = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer = {"id": "c", "object": "chat.completion", "created": 0, "model": MODEL, "choices": [choice]}
        body = json.dumps({**answer, "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the base)
        """Silent."""


class Result(NamedTuple):
    billed: int
    usd: Decimal


Trial = Callable[[str], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--rounds", type=int, default=5, help="times each is tried")
    options = parser.parse_args()
    logging.disable()  # twenty calls, sixteen refusals
    console = Console()
    there: dict[str, Trial] = {}
    for name, (package, trial) in PEERS.items():
        if find_spec(package) is None:
            console.print(f"{name}: not installed, skipped")
        else:
            there[name] = trial
    table = Table(title=f"{CALLS} calls of ${COST} started together on ${LIMIT}: {FITS} fit ({options.rounds} rounds)")
    for heading in ("billed:", "most", "least", "dollars", "most / fits"):
        table.add_column(heading, justify="left" if heading == "billed:" else "right", no_wrap=True)
    worst: dict[str, Result] = {}
    with processes(console) as shared:
        ours = {"leanloop, threads": leanloop_threads, "leanloop, asyncio": leanloop_asyncio}
        ours |= {"leanloop, callback": leanloop_callback, **shared}
        for name, trial in (ours | there).items():
            results = [attempt(trial, seed) for seed in range(options.rounds)]
            worst[name] = Result(max(r.billed for r in results), max(r.usd for r in results))
            least = min(r.billed for r in results)
            most, usd = worst[name]
            table.add_row(name, str(most), str(least), f"${usd:.4f}", f"{most / FITS:.2f}")
    console.print(table)
    if not counter_for(MODEL).exact:
        console.print(
            "The vocabulary of gpt-4o was not found: counts are estimated upward, so fewer than four may fit."
        )
    if options.json:
        print(
            json.dumps(
                {
                    "fits": FITS,
                    "billed": max(worst[name].billed for name in ours),
                    "usd": float(max(worst[name].usd for name in ours)),
                    "limit_usd": float(LIMIT),
                    "peers": {name: worst[name].billed for name in there},
                    "factors": {name: result.billed / FITS for name, result in worst.items()},
                    "rounds": options.rounds,
                }
            )
        )


def attempt(trial: Trial, seed: int) -> Result:
    with provider(seed) as server:
        trial(server.url)
        return Result(len(server.billed), sum(server.billed, Decimal()))


@contextmanager
def provider(seed: int) -> Generator[Provider]:
    server = Provider(seed)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def together(call: Callable[[], object], threads: int = CALLS) -> None:
    """`call` in so many threads, each in the caller's context."""
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(copy_context().run, call) for _ in range(threads)]:
            done.result()


async def outcomes_of(calls: Iterable[Awaitable[object]], refusal: type[Exception]) -> None:
    """All of them at once; they may end in nothing but an answer or a refusal."""
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    unexpected = [o for o in outcomes if isinstance(o, BaseException) and not isinstance(o, refusal)]
    assert not unexpected, unexpected


def leanloop_threads(url: str) -> None:
    model = wrap(chat(url))
    with task(budget(), store=MemoryStore()):
        together(lambda: invoke(model))


def invoke(model: ChatOpenAI) -> None:
    with suppress(BudgetExceeded):
        model.invoke(prompt())


def leanloop_asyncio(url: str) -> None:
    async def run() -> None:
        model = wrap(chat(url))
        await outcomes_of((model.ainvoke(prompt()) for _ in range(CALLS)), BudgetExceeded)

    with task(budget(), store=MemoryStore()):
        asyncio.run(run())


def leanloop_callback(url: str) -> None:
    async def run() -> None:
        model, config = chat(url), RunnableConfig(callbacks=[LeanLoopCallback(budget())])
        await outcomes_of((model.ainvoke(prompt(), config) for _ in range(CALLS)), BudgetExceeded)

    asyncio.run(run())


@contextmanager
def processes(console: Console) -> Generator[dict[str, Trial]]:
    """The trials in processes, by name; each trial has a ledger of its own."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    names = map(str, itertools.count())
    program = redis_program()
    if program is None:
        console.print("Redis: no server here, skipped (pip install 'leanloop[redis,test]' brings one)")
    with (
        ProcessPoolExecutor(PROCESSES, context, _meet, (barrier,)) as pool,
        tempfile.TemporaryDirectory() as folder,
        redis_server(program) if program else nullcontext() as port,
    ):

        def over(address: Callable[[str], str]) -> Trial:
            def trial(url: str) -> None:
                ledger = address(next(names))
                for done in [pool.submit(_share, url, ledger) for _ in range(PROCESSES)]:
                    done.result()

            return trial

        trials = {f"leanloop, SQLite, {PROCESSES} processes": over(lambda name: f"sqlite:///{folder}/{name}.db")}
        if port:
            trials[f"leanloop, Redis, {PROCESSES} processes"] = over(
                lambda name: f"redis://127.0.0.1:{port}/0?prefix={name}"
            )
        yield trials


_together: Callable[[], object]


def _meet(barrier: Any) -> None:
    global _together  # noqa: PLW0603 (what a pool's initializer is for)
    _together = barrier.wait
    logging.disable()


def _share(url: str, ledger: str) -> None:
    """A process's share of the calls; it begins when all processes are there."""
    model, store = wrap(chat(url)), open_store(ledger)
    one_day = Budget(agent="bench", limits=(Limit(per="day", usd=LIMIT),), at_limit="raise")
    _together()
    with task(one_day, store=store):
        together(lambda: invoke(model), CALLS // PROCESSES)
    store.close()


def budget() -> Budget:
    return Budget(agent="bench", limits=(Limit(usd=LIMIT),), at_limit="raise")


def chat(url: str) -> ChatOpenAI:
    return ChatOpenAI(model=MODEL, base_url=url, api_key=SecretStr("none"), max_retries=0, max_completion_tokens=OUTPUT)


def pydantic_ai_runs(url: str) -> None:
    from pydantic_ai import Agent, RunUsage, UsageLimitExceeded, UsageLimits
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    async def run() -> None:
        model = OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=url, api_key="none"))
        agent = Agent(model, model_settings={"max_tokens": OUTPUT})
        usage = RunUsage()
        limits = UsageLimits(cost_limit=LIMIT, total_tokens_limit=FITS * (INPUT + OUTPUT))
        runs = (agent.run(prompt(), usage=usage, usage_limits=limits) for _ in range(CALLS))
        await outcomes_of(runs, UsageLimitExceeded)

    asyncio.run(run())


def agentbudget_threads(url: str) -> None:
    from agentbudget import AgentBudget, BudgetExhausted
    from openai import OpenAI

    client = OpenAI(base_url=url, api_key="none", max_retries=0)
    # Its loop detector takes ten calls of one model in a minute for a loop; that is not what is measured.
    with AgentBudget(float(LIMIT), max_repeated_calls=1_000).session() as session:

        def call() -> None:
            if session.would_exceed(float(COST)):
                return
            messages: list[Any] = [{"role": "user", "content": prompt()}]
            with suppress(BudgetExhausted):
                session.wrap(
                    client.chat.completions.create(model=MODEL, messages=messages, max_completion_tokens=OUTPUT)
                )

        together(call)


def cendor_threads(url: str, **terms: Any) -> None:
    from cendor.core import instrument
    from openai import OpenAI

    tokenguard: Any = import_module("cendor.tokenguard")  # annotated in parts
    vocabulary = encoding_for(MODEL)
    found = find_encoding(vocabulary) if vocabulary else None
    if vocabulary and found:
        tiktoken.registry.ENCODINGS.setdefault(vocabulary, found)  # it counts with tiktoken, which would download it
    tokenguard.configure(on_stale_prices="ignore")
    client = instrument(OpenAI(base_url=url, api_key="none", max_retries=0))
    messages: list[Any] = [{"role": "user", "content": prompt()}]

    def call() -> None:
        with suppress(tokenguard.BudgetExceeded):
            client.chat.completions.create(model=MODEL, messages=messages, max_completion_tokens=OUTPUT)

    with suppress(tokenguard.BudgetExceeded), tokenguard.budget(**terms):
        together(call)


PEERS: dict[str, tuple[str, Trial]] = {
    "pydantic-ai": ("pydantic_ai", pydantic_ai_runs),
    "agentbudget": ("agentbudget", agentbudget_threads),
    "cendor-tokenguard, raise": ("cendor", partial(cendor_threads, usd=LIMIT, on_exceed="raise")),
    "cendor-tokenguard, block": ("cendor", partial(cendor_threads, usd=LIMIT, on_exceed="block")),
    "cendor-tokenguard, clamp": (
        "cendor",
        partial(cendor_threads, tokens=FITS * (INPUT + OUTPUT), on_exceed="clamp"),
    ),
}


def prompt() -> str:
    return WORD * (INPUT - OVERHEAD)


if __name__ == "__main__":
    main()
