"""Models that cannot take a call are not chosen from; where none is left it is said of each why, and none is asked."""

from __future__ import annotations

import pytest
from routed import OWN, TWO, Make

from leanloop import Message, ModelCall, ToolSpec
from leanloop.budgets.message import Image
from leanloop.errors import ModelUnavailable
from leanloop.plugins.abilities import Abilities
from leanloop.plugins.drive_sync import run

TOOLS = (ToolSpec("search"),)


def test_a_model_that_cannot_read_all_of_it_is_left_out_of_its_tier(routed: Make) -> None:
    able = {"gpt-4.1-nano": Abilities(context=1_000), "gpt-4.1": Abilities(context=100_000)}
    agent = routed(TWO, chance=0.0, able=able)
    with agent.task() as task:
        agent.ask(task, max_output=500)
        agent.ask(task, " ".join(f"w{n}" for n in range(600)), max_output=500)
    assert agent.models == ["gpt-4.1-nano", "gpt-4.1"]


def test_a_model_that_calls_no_tools_gets_calls_without_tools(routed: Make) -> None:
    agent = routed(TWO, chance=0.0, able={"gpt-4.1-nano": Abilities(tools=False)})
    with agent.task() as task:
        agent.ask(task, tools=TOOLS)
        agent.ask(task, tools=TOOLS, forbid_tools=True)
        agent.ask(task)
    assert agent.models[0] == "gpt-4.1"


def test_a_model_that_sees_no_images_gets_words_alone(routed: Make) -> None:
    agent = routed(TWO, chance=0.0, able={"gpt-4.1-nano": Abilities(images=False)})
    with agent.task() as task:
        seen = Message("user", "look", images=(Image(10, 10),))
        call = ModelCall(OWN, (seen,), abilities=agent.abilities)
        run(agent.stack.model_flow(call, task), agent)
    assert agent.models == ["gpt-4.1"]


def test_a_model_that_cannot_be_had_is_said_once_and_left_out(routed: Make, caplog: pytest.LogCaptureFixture) -> None:
    agent = routed(TWO, chance=0.0, able={"gpt-4.1-nano": ModelUnavailable("gpt-4.1-nano", "give it in models=...")})
    for _ in range(2):
        with agent.task() as task:
            agent.ask(task)
            agent.ask(task)
    assert agent.models == ["gpt-4.1"] * 4
    assert len([one for one in caplog.records if "go past gpt-4.1-nano" in one.message]) == 1


def test_where_no_tier_can_the_agents_own_model_takes_it(routed: Make) -> None:
    agent = routed(TWO, chance=0.0, able=dict.fromkeys(("gpt-4.1-nano", "gpt-4.1"), Abilities(tools=False)))
    with agent.task() as task:
        agent.ask(task, tools=TOOLS)
    assert agent.models == [OWN]


def test_where_none_is_left_it_is_said_of_each_why_and_nothing_is_sent(routed: Make) -> None:
    able: dict[str, Abilities | ModelUnavailable] = {
        "gpt-4.1-nano": Abilities(tools=False),
        "gpt-4.1": ModelUnavailable("gpt-4.1", "there is no key."),
        OWN: Abilities(context=100),
    }
    agent = routed(TWO, chance=0.0, able=able)
    with agent.task() as task, pytest.raises(ModelUnavailable) as raised:
        agent.ask(task, tools=TOOLS, max_output=500)
    said = str(raised.value)
    for part in ("gpt-4.1-nano: it calls no tools", "gpt-4.1: there is no key", f"{OWN}: 5", "of which it takes 100"):
        assert part in said
    assert agent.models == []
    assert [one for one in agent.store.accounts() if one.balance.reserved or one.balance.spent] == []


def test_the_agents_own_model_that_cannot_be_had_is_said_too(routed: Make) -> None:
    agent = routed("cheap: gpt-4.1-nano", chance=0.9, able={OWN: ModelUnavailable(OWN, "it is gone.")})
    with agent.task() as task:
        agent.ask(task)
    assert agent.models == ["gpt-4.1-nano"]
    assert task.left_alone == set()
