"""A landed step as LlamaIndex's agents must have it, so that it is their last.

A landing forbids tools where the provider can. ReAct and CodeAct ask for theirs in prose, so whatever the model
wrote is made the answer here, and no retry is asked for.
"""

from __future__ import annotations

from llama_index.core.agent.react.types import BaseReasoningStep, ResponseReasoningStep
from llama_index.core.agent.workflow import BaseWorkflowAgent, CodeActAgent, ReActAgent
from llama_index.core.agent.workflow.agent_context import AgentContext
from llama_index.core.agent.workflow.workflow_events import AgentOutput
from llama_index.core.base.llms.types import ChatMessage, MessageRole

from leanloop.adapters.llama_index.place import Member
from leanloop.adapters.llama_index.steps import UNREAD
from leanloop.errors import TaskStopped
from leanloop.plugins.landing_history import gathered

__all__ = ["made_final"]


async def made_final(agent: BaseWorkflowAgent, ctx: AgentContext, output: AgentOutput, member: Member) -> AgentOutput:
    """`output` without tool calls or retries, in the agent's own record of the run too."""
    if not output.tool_calls and not output.retry_messages:
        return output
    written = output.response.content or ""
    if isinstance(agent, ReActAgent):
        text = _without_action(written) or _gathered(member)
        steps: list[BaseReasoningStep] = await ctx.store.get(agent.reasoning_key, default=[])
        kept = steps[:-1] if output.tool_calls else steps
        last = ResponseReasoningStep(thought="(Implicit) I can answer without any more tools!", response=text)
        await ctx.store.set(agent.reasoning_key, [*kept, last])
        response = _answer(text)
    elif isinstance(agent, CodeActAgent):
        response = _answer(_without_code(written) or _gathered(member))
        pad: list[ChatMessage] = await ctx.store.get(agent.scratchpad_key, default=[])
        await ctx.store.set(agent.scratchpad_key, [*pad[:-1], response])
    else:
        response = output.response
    return AgentOutput(response=response, raw=output.raw, current_agent_name=output.current_agent_name)


def _answer(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.ASSISTANT, content=text)


def _gathered(member: Member) -> str:
    stopped = member.task.stopped or TaskStopped("")
    return gathered([step for step in member.steps if step.name != UNREAD], stopped)


def _without_action(text: str) -> str:
    """What ReAct's parser could not take for an answer, without the labels it reads."""
    thought = text.partition("Action:")[0]
    answer = thought.rpartition("Answer:")[2]
    return answer.replace("Thought:", "", 1).strip()


def _without_code(text: str) -> str:
    first, *blocks = text.split("<execute>")
    return "".join([first, *(block.partition("</execute>")[2] for block in blocks)]).strip()
