"""LeanLoop for LlamaIndex: one budget, from which models, tools, agents and engines are guarded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self, TypeVar, Unpack

from llama_index.core.agent.workflow import AgentWorkflow, BaseWorkflowAgent
from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import LLM
from llama_index.core.tools import BaseTool, FunctionTool
from workflows.handler import WorkflowHandler

from leanloop.adapters.llama_index.agent import guarded_agent
from leanloop.adapters.llama_index.embedding import guarded_embedding
from leanloop.adapters.llama_index.guard import Given, Guard
from leanloop.adapters.llama_index.llm import guarded
from leanloop.adapters.llama_index.postprocessor import NodeLimit, node_limit
from leanloop.adapters.llama_index.query_engine import guarded_engine
from leanloop.adapters.llama_index.read_result import read_tool
from leanloop.adapters.llama_index.run import task_of
from leanloop.adapters.llama_index.tool import guarded_tool, guarded_tools
from leanloop.budgets.budget import Budget
from leanloop.budgets.file import load_budget
from leanloop.plugins.task import Task

__all__ = ["LeanLoop"]

Model = TypeVar("Model", bound=LLM)
Embedding = TypeVar("Embedding", bound=BaseEmbedding)
Tool = TypeVar("Tool", bound=BaseTool)
Engine = TypeVar("Engine", bound=BaseQueryEngine)
Agent = TypeVar("Agent", bound=BaseWorkflowAgent | AgentWorkflow)


class LeanLoop(Guard):
    """Keeps what runs on LlamaIndex within a budget, breaks loops, and lands with an answer.

    What it is given stays as it is: each method returns a twin, which is guarded.

    Args:
        budget: what a run may spend; by default 25 cycles, no limit on money, loops broken.
        plugins: further plugins, outermost first.
        store: where balances are kept instead of where the budget says.
        models: the LLMs that the budget's `degrade` and `routes` name, by that name. For a name that is not here, the
            user's own LLM is copied and called by it.
        on_alert: called with each `leanloop.Alert`, beside the line in the log; a task opened by `leanloop.task` with
            a hook of its own keeps that.
        embedder: turns questions into vectors, for what the budget file says under `cache`: an embedding model of
            LlamaIndex, or an `Embedder`. Without one, answers are given again to the same question only.
        same_answer: judges whether two answers say the same: one of the cache that is checked against a fresh one, and
            those that a cascade asks for; by default leanloop does.
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
    """

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

    def llm(self, llm: Model) -> Model:
        """A twin of `llm`, each call of which is reserved, counted, and lands or raises where it does not fit.

        Calls in an agent or a query of this budget, or inside ``with leanloop.task(...)``, are one task; any other
        call is a task of its own.
        """
        return guarded(llm, self)

    def embedding(self, model: Embedding) -> Embedding:
        """A twin of `model`, the tokens of which count against `embedding_tokens`, and their cost against `usd`."""
        return guarded_embedding(model, self)

    def tools(self, tools: Sequence[Tool]) -> list[Tool]:
        """Twins of `tools`; a call that does not fit is answered with the reason instead of being run.

        For tools outside a guarded agent: `agent` guards its own.
        """
        return guarded_tools(tools, self)

    def agent(self, agent: Agent) -> Agent:
        """A twin of an agent, or of an AgentWorkflow with all its agents; each `run` is a task.

        The result of a run carries the receipt: ``result["leanloop"]``, plain JSON types. Tags, by which limits are
        scoped, go to the run, and so does what it is worth in US dollars:
        ``agent.run(user_msg="...", leanloop={"user": "u1", "value": 2.5})``. In a workflow, an agent guarded by a
        LeanLoop of its own has its own budget below that of the whole.
        """
        return guarded_agent(agent, self)

    @property
    def read_result(self) -> FunctionTool:
        """The tool by which results that were shortened are read back, for loops of your own around `llm` and `tools`.

        Agents guarded by `agent` have it, unless they have no other tool, or one of their own by that name.
        """
        return guarded_tool(read_tool(), self)

    def query_engine(self, engine: Engine) -> Engine:
        """A twin of `engine`, with every model, retriever, synthesizer and engine in it; each query is a task.

        One asked within a task (``with leanloop.task(...)``, a guarded agent's tool) is part of that. The response
        carries the receipt, plain JSON types: ``response.metadata["leanloop"]``, complete when a stream was read.
        """
        return guarded_engine(engine, self)

    @staticmethod
    def postprocessor(
        *,
        tokens: int | None = None,
        share: float | None = None,
        duplicates: Literal["drop", "keep"] = "keep",
        order: Literal["ends", "best_first", "as_given"] = "as_given",
    ) -> NodeLimit:
        """Keeps retrieved nodes within a limit, for ``node_postprocessors``: the best whole, the others left out.

        Guarded query engines have one by themselves where the budget file says anything under ``retrieved``.

        Args:
            tokens: the most tokens of all nodes together.
            share: the most, as a share of what the current task has left; by default, without `tokens`, a quarter.
            duplicates: whether nodes that another one says already are left out.
            order: as they came, the best first, or the best first and last, since models read the middle least.

        Raises:
            UsageError: a limit is not positive, or a share above 1.
        """
        return node_limit(tokens, share, duplicates, order)

    @staticmethod
    def task_of(handler: WorkflowHandler) -> Task:
        """The task of a run that `agent` began, from what `run` returned: its receipt, also after the run failed.

        Raises:
            UsageError: the run is not one of a guarded agent or workflow.
        """
        return task_of(handler)
