"""LeanLoop for LangChain's create_agent: one line in the list of middleware."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar, Unpack, cast

from langchain.agents.middleware.types import AgentMiddleware, ModelRequest, ToolCallRequest
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langgraph.errors import GraphBubbleUp

from leanloop.adapters.event_sinks import checked_otel, sinks_of
from leanloop.adapters.given import NeutralGiven, checked_budget
from leanloop.adapters.langchain.callback import METER
from leanloop.adapters.langchain.covered import calling, model_call_covered
from leanloop.adapters.langchain.documents import DocumentLimit, document_limit
from leanloop.adapters.langchain.embedder import embedder_of
from leanloop.adapters.langchain.model_call import Request
from leanloop.adapters.langchain.model_reply import Response, ends, final_response, reply_of, response_of
from leanloop.adapters.langchain.read_result import ReadResultTool, is_read_tool
from leanloop.adapters.langchain.run import Run
from leanloop.adapters.langchain.runs import Runs
from leanloop.adapters.langchain.substitutes import Substitutes
from leanloop.adapters.langchain.tool_call import (
    Outcome,
    call_of,
    final_outcome,
    history_of,
    is_last,
    outcome_of,
    result_of,
)
from leanloop.adapters.langchain.tools import ToolTable
from leanloop.budgets.budget import Budget
from leanloop.budgets.file import load_budget
from leanloop.budgets.store import LedgerStore
from leanloop.errors import TaskStopped
from leanloop.plugins.alerts import OnAlert
from leanloop.plugins.cache.embedder import Embedder
from leanloop.plugins.cache.ground import Grounds, SameAnswer
from leanloop.plugins.call import ModelCall, ModelReply, ToolCall, ToolResult
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.events.sink import Redact, Sink
from leanloop.plugins.flow import Paused, Plugin
from leanloop.plugins.outcomes.store import OutcomeStore
from leanloop.plugins.read_result import READ_RESULT
from leanloop.plugins.scaffold.tool import CognitiveTool
from leanloop.plugins.stack import Stack
from leanloop.plugins.supplied import Answer, Check, Difficulty, RunCode, Supplied

__all__ = ["LeanLoop", "unless_ours"]

Hook = TypeVar("Hook", bound=Callable[..., object])


def _signed(hook: Hook) -> Hook:
    """The hook with its signature worked out: LangSmith's `traceable`, which create_agent puts around it, asks for it
    in every call, traced or not, and `inspect` takes four times as long to find it out each time.
    """
    setattr(hook, "__signature__", inspect.signature(hook))  # noqa: B010 (no attribute of a Callable to type checkers)
    return hook


class Given(NeutralGiven, total=False):
    """What `LeanLoop` takes beside its budget; see there."""

    models: Mapping[str, BaseChatModel] | None
    embedder: Embeddings | Embedder | None


class LeanLoop(AgentMiddleware[Any, Any, Any]):
    """Keeps an agent within its budget, breaks its loops, lands it with an answer, and writes the receipt.

    List it last, so that it is innermost and sees every attempt of retry and fallback middleware. The
    final message carries the receipt in ``response_metadata["leanloop"]``.

    Args:
        budget: what a run may spend; by default 25 cycles, no limit on money, loops broken.
        plugins: further plugins, outermost first.
        store: where balances are kept instead of where the budget says.
        models: the chat models that the budget's `degrade` and `routes` name, by that name. For a name that is not
            here, the agent's own model is copied and called by it.
        on_alert: called with each `leanloop.Alert`, beside the line in the log; a task opened by `leanloop.task` with
            a hook of its own keeps that.
        embedder: turns questions into vectors, for a cache that also looks for questions that mean the same:
            LangChain's `Embeddings`, or an `Embedder` of `leanloop.plugins.cache.embedder`.
        same_answer: says of two answers, one of the cache and a fresh one, whether they say the same; by it hits are
            checked, and answers of a cascade compared. By default they are compared word by word, see
            `leanloop.plugins.cache.same_answer`.
        checks: checks of answers, by the name that the budget's `routes: {cascade: {gates: ...}}` uses; called with
            a `ModelCall` and its `ModelReply`, they say whether the answer may be taken. May be coroutine functions.
        answers: functions that know answers, by the name that the budget's `answers` uses; called with the question,
            they give a text, or None where they know none.
        difficulty: judges calls instead of what is learned from outcomes: called with a `ModelCall`, it gives the
            chance, from 0 to 1, that the dearer model (or more thinking) succeeds where the cheaper fails.
        outcomes: where outcomes are kept instead of where the budget's `difficulty` says.
        cognitive_tools: further tools that the budget's `scaffold` can name.
        run_code: runs code in a sandbox of your own and gives what it printed, for the cognitive tool ``use_code``,
            which is offered only with it.
        on_event: told of each event of `leanloop.plugins.events` (calls reserved, settled and refused, tools, hits,
            alerts ...), beside what the budget's `events` names: a plain function, or several. What one raises is
            logged, and goes no further.
        redact: changes the text of prompts and answers before anyone is told, where the budget says ``events: {text:
            on}``; without that none is told.

    Attributes:
        read_result: the tool by which results that were shortened are read back. An agent with this middleware has
            it, unless it has no other tool, or one of its own by that name; give it to sub-agents that have no
            LeanLoop, and to graphs of your own made of `wrap` and `wrap_tool`.
    """

    def __init__(
        self,
        budget: Budget | None = None,
        *,
        plugins: Sequence[Plugin] = (),
        store: LedgerStore | None = None,
        models: Mapping[str, BaseChatModel] | None = None,
        on_alert: OnAlert | None = None,
        embedder: Embeddings | Embedder | None = None,
        same_answer: SameAnswer | None = None,
        checks: Mapping[str, Check] | None = None,
        answers: Mapping[str, Answer] | None = None,
        difficulty: Difficulty | None = None,
        outcomes: OutcomeStore | None = None,
        cognitive_tools: Sequence[CognitiveTool] = (),
        run_code: RunCode | None = None,
        on_event: Sink | Sequence[Sink] = (),
        redact: Redact | None = None,
    ) -> None:
        super().__init__()
        self.has_own_budget = budget is not None
        self.budget = checked_budget(budget)
        known = None if embedder is None else embedder_of(embedder)
        supplied = Supplied(
            checks=checks or {},
            answers=answers or {},
            difficulty=difficulty,
            outcomes=outcomes,
            embedder=known,
            cognitive_tools=cognitive_tools,
            same_answer=same_answer,
            run_code=run_code,
            on_event=sinks_of(on_event),
            redact=redact,
            otel=checked_otel(self.budget),
        )
        self.stack = Stack(plugins, Grounds(known, same_answer=same_answer), supplied)
        self.stack.check(self.budget)
        self.runs = Runs(self.budget, store, on_alert, shared=not self.has_own_budget)
        self.models = Substitutes(models)
        self.read_result = ReadResultTool(self.stack, self.runs)
        self.tools = [self.read_result] if self.budget.results is not None else []
        self._table = ToolTable(*self.tools)

    @classmethod
    def from_file(cls, path: str | Path, **given: Unpack[Given]) -> Self:
        """LeanLoop under a budget file; the rest as for `LeanLoop`.

        Raises:
            BudgetFileError: the file cannot be read or does not hold a budget.
        """
        return cls(load_budget(path), **given)

    @classmethod
    def from_budget(cls, budget: Budget, **given: Unpack[Given]) -> Self:
        """LeanLoop under a budget made in code; the rest as for `LeanLoop`."""
        return cls(budget, **given)

    def documents(self, *, tokens: int | None = None, share: float | None = None) -> DocumentLimit:
        """Keeps retrieved documents within a limit, each said once, the best first and last: a document compressor.

        By itself (``loop.documents().compress_documents(found, question)``) or around a retriever
        (``ContextualCompressionRetriever(base_compressor=loop.documents(), base_retriever=...)``). What the budget
        file says under ``retrieved`` holds.

        Args:
            tokens: the most tokens of all documents together, instead of the file's.
            share: the most, as a share of what the current task has left.

        Raises:
            UsageError: a limit is not positive, or a share above 1.
        """
        return document_limit(self.budget.retrieved, tokens, share)

    @_signed
    def wrap_model_call(self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Response]) -> Response:
        """Called by LangChain around each model call."""
        member = self.runs.of(request.messages)
        asked = Request(request, member.transcript, self._table, self.models, session=member.session)

        def send(call: ModelCall) -> ModelReply:
            with model_call_covered():
                return reply_of(handler(asked.to_langchain(call)), member.transcript)

        with calling(member):
            response = _response(asked, run(self.stack.model_flow(asked.call, member.task), send))
            if not ends(response):
                return response
            member.task.close()
            return final_response(response, member.end())

    @_signed
    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Response]]
    ) -> Response:
        """`wrap_model_call`, awaited."""
        member = self.runs.of(request.messages)
        asked = Request(request, member.transcript, self._table, self.models, session=member.session)

        async def send(call: ModelCall) -> ModelReply:
            with model_call_covered():
                return reply_of(await handler(asked.to_langchain(call)), member.transcript)

        with calling(member):
            response = _response(asked, await arun(self.stack.model_flow(asked.call, member.task), send))
            if not ends(response):
                return response
            await member.task.aclose()
            return final_response(response, member.end())

    @_signed
    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Outcome]) -> Outcome:
        """Called by LangChain around each tool call."""
        member = self.runs.of(history_of(request))
        asked = call_of(request, member.transcript, readable=_readable(request, member))

        def send(call: ToolCall) -> ToolResult:
            try:
                return result_of(handler(request), asked, member.transcript)
            except GraphBubbleUp as stop:
                raise unless_ours(stop) from stop

        with calling(member, METER, asked.name):
            outcome = outcome_of(run(self.stack.tool_flow(asked, member.task), send), asked)
            if not is_last(request):
                return outcome
            member.task.close()
            return final_outcome(outcome, asked, member.end())

    @_signed
    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Outcome]]
    ) -> Outcome:
        """`wrap_tool_call`, awaited."""
        member = self.runs.of(history_of(request))
        asked = call_of(request, member.transcript, readable=_readable(request, member))

        async def send(call: ToolCall) -> ToolResult:
            try:
                return result_of(await handler(request), asked, member.transcript)
            except GraphBubbleUp as stop:
                raise unless_ours(stop) from stop

        with calling(member, METER, asked.name):
            outcome = outcome_of(await arun(self.stack.tool_flow(asked, member.task), send), asked)
            if not is_last(request):
                return outcome
            await member.task.aclose()
            return final_outcome(outcome, asked, member.end())


def _response(asked: Request, reply: ModelReply) -> Response:
    """LangChain's response; for an answer of the cache as if it had been made now."""
    return response_of(reply if reply.hit is None else replace(reply, raw=asked.replayed(reply)))


def _readable(request: ToolCallRequest, member: Run) -> bool:
    """Whether the agent can read a shortened result back; where no model call of this run was seen (it was resumed in
    another process), by the tools of its graph.
    """
    if request.tool_call["name"] == READ_RESULT:
        return is_read_tool(request.tool)
    if member.task.readable is not None:
        return member.task.readable
    runtime = cast("Any", request).runtime
    return any(map(is_read_tool, getattr(runtime, "tools", None) or ()))


def unless_ours(stop: GraphBubbleUp) -> BaseException:
    """An interrupt suspends the tool; a stop of leanloop in a sub-agent is an end, and goes on its way."""
    return stop if isinstance(stop, TaskStopped) else Paused(stop)
