"""LlamaIndex's own cap on steps, kept from cutting a landing off.

It is looked at after the model was paid and before its answer is: of N iterations N - 1 can be used, and an answer
in the last one is thrown away (llama-index-core 0.14, `parse_agent_output`).
"""

from __future__ import annotations

from llama_index.core.agent.workflow.agent_context import AgentContext

from leanloop.adapters.llama_index.place import current_scope
from leanloop.errors import BudgetExceeded
from leanloop.plugins.task import Task

__all__ = ["land_before_cap"]


async def land_before_cap(ctx: AgentContext, task: Task) -> None:
    """Stop `task`, so that it lands with the step to come, where LlamaIndex would look at no later one."""
    scope = current_scope()
    if scope is not None:
        scope.steps += 1
        if scope.max_iterations is not None and scope.steps + 1 < scope.max_iterations:
            return  # the store is asked near the cap only: each look takes as long as half a step of ours
    cap: object = await ctx.store.get("max_iterations", default=None)
    done: object = await ctx.store.get("num_iterations", default=0)
    if not isinstance(cap, int) or not isinstance(done, int) or done + 2 < cap or task.budget.at_limit == "raise":
        return
    if done + 1 >= cap:
        await ctx.store.set("max_iterations", done + 2)
    task.stop(
        BudgetExceeded(
            f"The agent's max_iterations of {cap} are reached: {done} used, the last one is for the answer.",
            resource="cycles",
            scope="max_iterations",
            limit=cap,
            spent=done,
            reserved=0,
            needed=1,
        )
    )
