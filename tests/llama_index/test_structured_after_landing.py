"""An agent that landed in words is asked for its structured answer as well, where its budget can pay that."""

# LlamaIndex's `run` is an overload of which the first is deprecated, and what it gives has no type:
# pyright: reportDeprecated=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false
# mypy: disable-error-code="deprecated, index, union-attr"
from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock
from pydantic import BaseModel

from leanloop import Budget, Limit
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM
from leanloop.budgets.budget import Landing


class Town(BaseModel):
    """A town."""

    name: str


def look_up(what: str) -> str:
    """Look something up."""
    return f"what is known of {what}"


def on_and_on(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
    """Looks things up as long as it may; a town where one is required."""
    done = sum(message.role == MessageRole.TOOL for message in messages)
    call = ToolCallBlock(tool_call_id=f"c{done}", tool_name="look_up", tool_kwargs={"what": f"topic {done}"})
    if settings.get("tool_choice") == "required":
        call = ToolCallBlock(tool_call_id="t", tool_name="Town", tool_kwargs={"name": "Kiel"})
    blocks: list[Any] = [call] if settings.get("tools") else [TextBlock(text="It is Kiel.")]
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks)


def agent() -> FunctionAgent:
    return FunctionAgent(
        name="guide",
        description="knows towns",
        llm=ScriptedLLM(script=on_and_on),
        tools=[look_up],
        output_cls=Town,
    )


PAID: dict[str, Budget] = {
    "tokens": Budget(agent="a", limits=(Limit(tokens=4_000),), landing=Landing(tokens=1_000)),
    "cycles": Budget(agent="a", limits=(Limit(cycles=3),)),
}


@pytest.mark.parametrize("limit", PAID)
@pytest.mark.parametrize("whole", [False, True], ids=["agent", "workflow"])
async def test_it_is_given_where_the_budget_has_room(store: Any, limit: str, whole: bool) -> None:
    made: Any = AgentWorkflow(agents=[agent()], root_agent="guide", output_cls=Town) if whole else agent()
    result = await LeanLoop(PAID[limit], store=store).agent(made).run("go")
    receipt = result["leanloop"]
    assert receipt["landed"]
    assert (str(result), result.structured_response) == ("It is Kiel.", {"name": "Kiel"})
    assert all(spent <= PAID["tokens"].limits[0].tokens for spent in store.spent("tokens") if limit == "tokens")


@pytest.mark.filterwarnings("ignore:There was a problem with the generation:UserWarning")
@pytest.mark.parametrize(
    "budget",
    [
        Budget(agent="a", limits=(Limit(model_calls=3),)),
        Budget(agent="a", limits=(Limit(cycles=3),), landing=Landing(tokens=0)),
    ],
    ids=["no call is left", "no landing is asked for"],
)
async def test_it_is_left_out_where_the_budget_has_none(store: Any, budget: Budget) -> None:
    guarded: Any = LeanLoop(budget, store=store).agent(agent())
    result = await guarded.run("go")
    assert result.structured_response is None
    assert result["leanloop"]["landed"]
    assert result["leanloop"]["model_calls"] <= 3
    assert str(result)
