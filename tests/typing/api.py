"""The public API as a user would write it. Never run: mypy and pyright read it in `make lint`."""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import assert_type

from langchain.agents import create_agent
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.globals import set_llm_cache
from langchain_core.messages import AIMessage
from langchain_core.tools import StructuredTool

import leanloop
from leanloop import (
    Alert,
    Budget,
    BudgetExceeded,
    BudgetFileError,
    Changed,
    ContextRules,
    Landing,
    LeanLoopError,
    Limit,
    Loop,
    MemoryStore,
    Message,
    ModelCall,
    ModelFlow,
    ModelReply,
    Plugin,
    PrefixRules,
    Receipt,
    ResultRules,
    RetrievedRules,
    Saving,
    SummaryRules,
    Task,
    TaskStopped,
    ToolCall,
    ToolFlow,
    ToolRequest,
    ToolResult,
    ToolResultRules,
    Usage,
    current_task,
    load_budget,
    parse_budget,
)
from leanloop.adapters.langchain import LeanLoop, LeanLoopCache, LeanLoopCallback, wrap, wrap_tool
from leanloop.adapters.langchain.scripted import ScriptedModel


def budgets() -> None:
    assert_type(load_budget("budgets/support.yaml"), Budget)
    assert_type(load_budget(Path("budgets/support.toml"), environ={}), Budget)
    budget = parse_budget("agent: support", format="yaml")
    assert_type(budget, Budget)
    assert_type(budget.agent, str)
    assert_type(budget.limits, tuple[Limit, ...])
    assert_type(budget.loop, Loop | None)
    assert_type(budget.landing.tokens, int)
    assert_type(budget.with_limits(Limit(usd=Decimal("0.10"))), Budget)
    made = Budget(
        agent="support",
        limits=(
            Limit(usd=Decimal("0.50"), cycles=12, tool_calls={"search": 8}),
            Limit(per="day", scope="user", tokens=9, usd=20),
            Limit(usd=0.25, value=4),
            Limit(per="hour", rolling=True, usd=1),
        ),
        timezone="Europe/Berlin",
        store="sqlite:///leanloop.db",
        at_limit="raise",
        landing=Landing(tokens=500),
        loop=Loop(repeats=3, window=8, allow=("wait_for_job",)),
        results=ResultRules(
            max_tokens=800, tools={"search": ToolResultRules(max_tokens=300, kind="table"), "wiki": None}
        ),
        context=ContextRules(keep=2, summary=SummaryRules(max_tokens=200)),
        prefix=PrefixRules(volatile="behind"),
        retrieved=RetrievedRules(max_tokens=3_000, order="best_first"),
    )
    assert_type(made.results, ResultRules | None)
    assert_type(made.context, ContextRules | None)
    assert_type(made.limits[0].amounts(), dict[str, int])


async def awaited_tasks(budget: Budget) -> None:
    async with leanloop.task(budget, value=Decimal("2.50")) as task:
        assert_type(task, Task)


def tasks(budget: Budget) -> None:
    with leanloop.task(budget, tags={"user": "u1"}, limits=[Limit(cycles=3)], store=MemoryStore()) as task:
        assert_type(task, Task)
        assert_type(task.agent, str)
        assert_type(task.stopped, TaskStopped | None)
        assert_type(task.value, int | None)
    assert_type(current_task(), Task | None)
    receipt = task.receipt()
    assert_type(receipt, Receipt)
    assert_type(receipt.cost, int | None)
    assert_type(receipt.share_of_value, float | None)
    assert_type(receipt.usage, Usage)
    assert_type(receipt.usage.total, int)
    assert_type(receipt.model_calls, int)
    assert_type(receipt.tool_calls, Mapping[str, int])
    assert_type(receipt.savings, tuple[Saving, ...])
    assert_type(receipt.notes, tuple[str, ...])
    assert_type(receipt.stopped, str | None)
    assert_type(receipt.as_dict(), dict[str, object])


class Redact(Plugin):
    """A plugin: what it yields is made, what it returns is seen."""

    def idle(self, budget: Budget) -> bool:
        return budget.results is None

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        assert_type(call.messages, tuple[Message, ...])
        reply: ModelReply = yield call
        assert_type(reply.message.tool_calls, tuple[ToolRequest, ...])
        assert_type(reply.usage, Usage | None)
        return reply

    def on_tool(self, call: ToolCall, task: Task) -> ToolFlow:
        result: ToolResult = yield call
        task.save(Saving("redact", "a secret", "counted", calls=1))
        return replace(result, text=result.text.replace("secret", "[redacted]"), raw=Changed.of(result.raw))


def langchain(budget: Budget, tool: StructuredTool) -> None:
    told: list[Alert] = []
    assert_type(LeanLoop.from_file("budgets/support.yaml", plugins=[Redact()]), LeanLoop)
    assert_type(LeanLoop.from_budget(budget, store=MemoryStore()), LeanLoop)
    create_agent(ScriptedModel(script=[AIMessage("Done.")]), [tool, LeanLoop(budget).read_result])
    model = ScriptedModel(script=[AIMessage("Done.")])
    create_agent(model, [tool], middleware=[LeanLoop(budget, on_alert=told.append)])

    # The user's own class comes back, so that its attributes stay typed.
    assert_type(wrap(model), ScriptedModel)
    assert_type(wrap(model, LeanLoop(budget)).model_name, str)
    assert_type(wrap_tool(tool, budget), StructuredTool)
    callback = LeanLoopCallback(budget, tags={"user": "u1"}, value=2.5, on_alert=told.append)
    model.invoke("Hello", {"callbacks": [callback]})
    assert_type(LeanLoopCallback("budgets/support.yaml").receipt(), Receipt | None)
    embeddings = DeterministicFakeEmbedding(size=8)
    assert_type(LeanLoop(budget, embedder=embeddings, same_answer=str.__eq__), LeanLoop)
    set_llm_cache(LeanLoopCache("budgets/support.yaml", embedder=embeddings))


def errors(file: str) -> int:
    try:
        load_budget(file)
    except BudgetFileError as error:
        assert_type(error.line, int | None)
    except BudgetExceeded as error:
        assert_type(error.resource, str)
        return error.limit - error.spent - error.reserved
    except TaskStopped as error:
        assert_type(error.reason, str)
    except LeanLoopError:
        return 1
    return 0
