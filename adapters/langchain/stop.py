"""Hard stops that reach the caller of a graph.

LangChain's retry and fallback middlewares, and LangGraph's tool node, take any plain exception for a
failure of the model or the tool: they try again, or show it to the model. A `GraphBubbleUp` passes
them all.
"""

from __future__ import annotations

from langgraph.errors import GraphBubbleUp

from leanloop.errors import BudgetExceeded, LoopDetected, TaskStopped

__all__ = ["GraphBudgetExceeded", "GraphLoopDetected", "GraphTaskStopped", "bubbling"]


class GraphTaskStopped(TaskStopped, GraphBubbleUp):
    """A `TaskStopped` inside LangGraph."""


class GraphBudgetExceeded(BudgetExceeded, GraphBubbleUp):
    """A `BudgetExceeded` inside LangGraph."""


class GraphLoopDetected(LoopDetected, GraphBubbleUp):
    """A `LoopDetected` inside LangGraph."""


def bubbling(stop: TaskStopped) -> TaskStopped:
    """The same error, of a kind that no middleware holds up."""
    if isinstance(stop, GraphBubbleUp):
        return stop
    if isinstance(stop, BudgetExceeded):
        twin: TaskStopped = GraphBudgetExceeded(
            stop.reason,
            resource=stop.resource,
            scope=stop.scope,
            limit=stop.limit,
            spent=stop.spent,
            reserved=stop.reserved,
            needed=stop.needed,
        )
    elif isinstance(stop, LoopDetected):
        twin = GraphLoopDetected(stop.reason)
    else:
        twin = GraphTaskStopped(stop.reason)
    twin.args = stop.args
    return twin
