"""Budgets, loop guards and landings for LLM agents: limits that hold, tasks that still end with an answer.

The front door. For a framework, go through its adapter: ``from leanloop.adapters.langchain import LeanLoop``.
"""

from __future__ import annotations

from importlib.metadata import version as _version

from leanloop.budgets.budget import Budget, Landing, Loop
from leanloop.budgets.context_rules import ContextRules, PrefixRules, RetrievedRules, SummaryRules
from leanloop.budgets.file import load_budget, parse_budget
from leanloop.budgets.limit import Limit
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.message import Changed, Image, Message, ToolRequest, ToolSpec
from leanloop.budgets.result_rules import ResultRules, ToolResultRules
from leanloop.budgets.usage import Usage
from leanloop.errors import (
    BudgetExceeded,
    BudgetFileError,
    LeanLoopError,
    LoopDetected,
    MissingExtra,
    ModelUnavailable,
    PriceUnknown,
    StoreError,
    TaskStopped,
    TraceError,
    UsageError,
)
from leanloop.plugins.alerts import Alert
from leanloop.plugins.call import ModelCall, ModelReply, ToolCall, ToolResult
from leanloop.plugins.current import current_task, task
from leanloop.plugins.difficulty.step import step
from leanloop.plugins.drive_stream import StreamClosed
from leanloop.plugins.flow import Io, ModelFlow, Plugin, ToolFlow
from leanloop.plugins.outcomes.outcome import aoutcome, outcome
from leanloop.plugins.receipt import Receipt, Saving
from leanloop.plugins.task import Task

__all__ = [
    "Alert",
    "Budget",
    "BudgetExceeded",
    "BudgetFileError",
    "Changed",
    "ContextRules",
    "Image",
    "Io",
    "Landing",
    "LeanLoopError",
    "Limit",
    "Loop",
    "LoopDetected",
    "MemoryStore",
    "Message",
    "MissingExtra",
    "ModelCall",
    "ModelFlow",
    "ModelReply",
    "ModelUnavailable",
    "Plugin",
    "PrefixRules",
    "PriceUnknown",
    "Receipt",
    "ResultRules",
    "RetrievedRules",
    "Saving",
    "StoreError",
    "StreamClosed",
    "SummaryRules",
    "Task",
    "TaskStopped",
    "ToolCall",
    "ToolFlow",
    "ToolRequest",
    "ToolResult",
    "ToolResultRules",
    "ToolSpec",
    "TraceError",
    "Usage",
    "UsageError",
    "aoutcome",
    "current_task",
    "load_budget",
    "outcome",
    "parse_budget",
    "step",
    "task",
]

__version__ = _version("leanloop")
