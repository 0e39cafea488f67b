"""Routes whose answers are checked: one that fails goes up, and the rest of the task stays there."""

from __future__ import annotations

import pytest
from routed import TWO, Make, Routed

from leanloop import Message, ModelCall, ModelReply, ToolRequest, ToolSpec, Usage
from leanloop.plugins.drive_sync import run
from leanloop.plugins.outcomes.stores import outcomes_under

TOOLS = (ToolSpec("search", "", {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}),)
CHECKED = f"{TWO}, when_unsure: cheap, cascade: {{gates: [tool_calls]}}"


class Clumsy:
    """A cheap model that forgets the argument, and a dear one that does not."""

    def __init__(self, agent: Routed) -> None:
        self.agent = agent

    def __call__(self, call: ModelCall) -> ModelReply:
        self.agent.seen.append(call)
        arguments = "{}" if "nano" in call.model else '{"q": "x"}'
        return ModelReply(Message("assistant", "", (ToolRequest("1", "search", arguments),)), Usage(100, 20))


def ask(agent: Routed, task: object, text: str, session: str = "") -> ModelReply:
    call = ModelCall("gpt-4o", (Message("user", text),), tools=TOOLS, session=session)
    return run(agent.stack.model_flow(call, task), Clumsy(agent))  # type: ignore[arg-type]


def test_an_answer_that_fails_goes_up_and_the_task_stays_up(routed: Make) -> None:
    agent = routed(CHECKED)
    with agent.task() as task:
        reply = ask(agent, task, "go")
        ask(agent, task, "on")
    assert reply.message.tool_calls[0].arguments == '{"q": "x"}'
    assert agent.models == ["gpt-4.1-nano", "gpt-4.1", "gpt-4.1"]
    assert agent.seen[0].hold_stream
    first, second = list(outcomes_under(agent.budget).decisions("a"))[-2:]
    assert (first.setting, first.escalated, second.escalated) == ("gpt-4.1", True, False)
    # Both attempts: 100 and 20 tokens at 0.10 and 0.40 usd a million, and at 2 and 8.
    assert first.cost == 100 * 100 + 20 * 400 + 100 * 2_000 + 20 * 8_000
    # The same tokens with the agent's own model, at 2.50 and 10.
    assert first.other_cost == 100 * 2_500 + 20 * 10_000
    saved = {saving.what: saving.cost for saving in task.receipt().savings}
    assert saved == {"calls routed to gpt-4.1": first.other_cost - first.cost + 100 * 500 + 20 * 2_000}


def test_the_next_task_of_the_session_tries_the_cheaper_tier_again(routed: Make) -> None:
    agent = routed(CHECKED)
    for _ in range(2):
        with agent.task() as task:
            ask(agent, task, "go", session="s")
    assert agent.models == ["gpt-4.1-nano", "gpt-4.1"] * 2


def test_what_a_check_costs_more_is_a_saving_below_zero(routed: Make) -> None:
    agent = routed("cheap: gpt-4.1-mini, when_unsure: cheap, cascade: {gates: [tool_calls]}")
    with agent.task() as task:
        call = ModelCall("gpt-4o", (Message("user", "go"),), tools=TOOLS)

        def send(call: ModelCall) -> ModelReply:
            arguments = "{}" if "mini" in call.model else '{"q": "x"}'
            return ModelReply(Message("assistant", "", (ToolRequest("1", "search", arguments),)), Usage(100, 20))

        run(agent.stack.model_flow(call, task), send)
    (saving,) = task.receipt().savings
    assert saving.cost == -(100 * 400 + 20 * 1_600)
    assert "-$0.000072" in str(saving)


@pytest.mark.parametrize(
    ("worth", "gates", "first"),
    [
        (None, "[tool_calls]", "gpt-4.1-nano"),
        (100, "[tool_calls]", "gpt-4.1"),
        (100, "[tool_calls, refusal, format]", "gpt-4.1"),
        (100, "[format], answer_form: gpt.*", "gpt-4.1-nano"),
        (100, "[verifier], verifier: gpt-4.1-nano", "gpt-4.1-nano"),
    ],
)
def test_work_of_value_goes_unknown_to_the_cheapest_tier_only_where_what_it_says_is_checked(
    routed: Make, worth: int | None, gates: str, first: str
) -> None:
    agent = routed(f"{TWO}, cascade: {{gates: {gates}}}")
    with agent.task(value=worth) as task:
        agent.ask(task)
    assert agent.models[0] == first
