"""An agent's steps as the loop guard reads them, whatever the agent makes of them in its messages."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.agent.workflow.workflow_events import AgentOutput, ToolCallResult

from leanloop.budgets.json_text import json_text
from leanloop.budgets.message import Message, ToolRequest

__all__ = ["UNREAD", "said", "seen"]

UNREAD = "answer"
"""The name under which an answer that could not be parsed counts as a failed step."""


def said(output: AgentOutput, turn: int) -> tuple[Message, ...]:
    """What the model asked for in one step; an answer LlamaIndex could not parse is a step that failed.

    `turn` tells this failure from others.
    """
    text = output.response.content or ""
    if output.retry_messages:
        request = ToolRequest(f"{UNREAD}-{turn}", UNREAD, json_text(text))
        problem = "This could not be read as an action or an answer."
        failed = Message("tool", problem, tool_call_id=request.id, name=UNREAD, is_error=True)
        return Message("assistant", text, (request,)), failed
    requests = tuple(
        ToolRequest(call.tool_id, call.tool_name, json_text(call.tool_kwargs)) for call in output.tool_calls
    )
    return (Message("assistant", text.partition("\nAction:")[0], requests),)


def seen(results: Sequence[ToolCallResult]) -> tuple[Message, ...]:
    """What came of the tool calls of one step."""
    return tuple(
        Message(
            "tool",
            result.tool_output.content,
            tool_call_id=result.tool_id,
            name=result.tool_name,
            is_error=result.tool_output.is_error,
        )
        for result in results
    )
