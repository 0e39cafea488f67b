"""Cognitive tools: separate calls of the same model, which it decides to use."""

from __future__ import annotations

from leanloop.plugins.scaffold.functions import (
    arun_tool,
    backtracking,
    examine_answer,
    recall_related,
    run_tool,
    understand_question,
)
from leanloop.plugins.scaffold.tool import CognitiveTool

__all__ = [
    "CognitiveTool",
    "arun_tool",
    "backtracking",
    "examine_answer",
    "recall_related",
    "run_tool",
    "understand_question",
]
