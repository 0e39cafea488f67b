"""What a task's tags keep in the house never leaves it, whatever else the file says and whatever fails."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from routed import OWN, TWO, HttpError, Make

import leanloop
from leanloop import MemoryStore, Message, ModelCall, ModelReply, ToolRequest, ToolSpec, Usage, parse_budget
from leanloop.errors import LeanLoopError, ModelUnavailable
from leanloop.plugins.cache.embedder import CallableEmbedder
from leanloop.plugins.cache.ground import Grounds
from leanloop.plugins.call import EmbedCall
from leanloop.plugins.drive_sync import run
from leanloop.plugins.embed import embed
from leanloop.plugins.routing.privacy import local_models
from leanloop.plugins.stack import Stack
from leanloop.plugins.supplied import Supplied

LOCAL = f"{TWO}, mid: llama, local: llama, local_only: [patient, data=private]"


@pytest.mark.parametrize(
    ("tags", "model"),
    [
        ({}, "gpt-4.1-nano"),
        ({"patient": "p1"}, "llama"),
        ({"patient": ""}, "llama"),
        ({"data": "private"}, "llama"),
        ({"data": "public"}, "gpt-4.1-nano"),
        ({"data=private": "x"}, "llama"),
    ],
)
def test_tags_say_which_tasks_stay(routed: Make, tags: dict[str, str], model: str) -> None:
    agent = routed(LOCAL, chance=0.0)
    with agent.task(tags=tags) as task:
        agent.ask(task)
    assert agent.models == [model]


def test_a_local_model_that_no_tier_names_takes_them(routed: Make) -> None:
    agent = routed(f"{TWO}, local: [llama, mistral], local_only: patient", chance=0.9)
    agent.fails = lambda call: HttpError(503) if call.model == "llama" else None
    with agent.task(tags={"patient": "p1"}) as task:
        agent.ask(task)
    assert agent.models == ["llama", "mistral"]


def test_where_no_local_model_can_take_it_nothing_is_sent(routed: Make) -> None:
    agent = routed(LOCAL, chance=0.0, able={"llama": ModelUnavailable("llama", "it does not run.")})
    with agent.task(tags={"patient": "p1"}) as task, pytest.raises(ModelUnavailable) as raised:
        agent.ask(task)
    assert "local models alone" in str(raised.value)
    assert "llama: it does not run" in str(raised.value)
    assert agent.models == []


def test_when_the_local_model_fails_nobody_else_is_asked(routed: Make) -> None:
    agent = routed(LOCAL, chance=0.0, fails=lambda _: HttpError(503))
    with agent.task(tags={"patient": "p1"}) as task, pytest.raises(HttpError):
        agent.ask(task)
    assert agent.models == ["llama"]


def test_sub_agents_without_routes_are_held_to_it(routed: Make) -> None:
    agent = routed(LOCAL, chance=0.0)
    inner = parse_budget("agent: inner", environ={})
    with agent.task(tags={"patient": "p1"}), leanloop.task(inner) as part:
        assert local_models(part) == frozenset({"llama"})
        with pytest.raises(ModelUnavailable, match="local"):
            run(agent.stack.model_flow(ModelCall(OWN, (Message("user", "go"),)), part), agent)
        with pytest.raises(ModelUnavailable, match="local"):
            run(agent.stack.part_flow(ModelCall(OWN, (Message("user", "go"),)), part), agent)
    assert agent.models == []


def test_of_two_rules_both_hold(routed: Make) -> None:
    agent = routed(LOCAL)
    inner = parse_budget(
        "agent: inner\nroutes: {cheap: mistral, local: [mistral, llama], local_only: patient}", environ={}
    )
    with agent.task(tags={"patient": "p1"}), leanloop.task(inner) as part:
        assert local_models(part) == frozenset({"llama"})


def test_embeddings_are_held_to_it_too(routed: Make) -> None:
    agent = routed(LOCAL)

    def send(call: EmbedCall) -> object:
        raise AssertionError(f"{call.model} was asked")

    with agent.task(tags={"patient": "p1"}) as task, pytest.raises(ModelUnavailable, match="local"):
        run(embed(EmbedCall("text-embedding-3-small", ("secret",)), task), send)


SECRET = "the secret of p1"
REMOTE = ("gpt-4.1-nano", "gpt-4.1-mini", "gpt-4.1", "gpt-4o", "gpt-5", "gpt-5-mini")
LOCALS = ("llama", "mistral")

models = st.sampled_from(REMOTE + LOCALS)


@st.composite
def files(draw: st.DrawFn) -> str:
    """Budget files in which everything that may call a model is named, at home or not."""
    tiers = draw(st.lists(models, unique=True, min_size=3, max_size=6))
    cut = sorted(draw(st.lists(st.integers(0, len(tiers)), min_size=2, max_size=2)))
    parts = {"cheap": tiers[: cut[0]], "mid": tiers[cut[0] : cut[1]], "frontier": tiers[cut[1] :]}
    routes = [f"{tier}: {names}" for tier, names in parts.items() if names]
    local = draw(st.lists(st.sampled_from(LOCALS), unique=True, min_size=1))
    routes += [f"local: {local}", "local_only: patient", f"when_unsure: {draw(st.sampled_from(['dear', 'cheap']))}"]
    if draw(st.booleans()):
        gates = draw(
            st.lists(st.sampled_from(["tool_calls", "refusal", "agreement", "verifier"]), unique=True, min_size=1)
        )
        beside = {"agreement": f", second: {draw(models)}", "verifier": f", verifier: {draw(models)}"}
        routes.append(f"cascade: {{gates: {gates}{''.join(beside.get(gate, '') for gate in gates)}}}")
    lines = ["agent: a", "unknown_model: most_expensive", "loop: off", f"routes: {{{', '.join(routes)}}}"]
    lines.append(f"limits: [{{usd: {draw(st.sampled_from(['0.001', '0.05', '5']))}, model_calls: 6}}]")
    if draw(st.booleans()):
        lines.append(f"degrade: [{{at: 10%, to: {draw(models)}}}, {{at: 50%, to: {draw(models)}}}]")
    if draw(st.booleans()):
        lines.append(f"cache: {{judge: {draw(models)}, any_temperature: true}}")
    if draw(st.booleans()):
        lines.append(f"context: {{at_tokens: 300, keep: 1, summary: {{model: {draw(models)}, max_tokens: 50}}}}")
    if draw(st.booleans()):
        lines.append("thinking: on")
    if draw(st.booleans()):
        lines.append(f"scaffold: {{models: [{draw(models)}, {draw(models)}], form: text}}")
    return "\n".join(lines)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(file=files(), data=st.data())
def test_nothing_of_it_ever_leaves(file: str, data: st.DataObject) -> None:
    budget = parse_budget(file, environ={})
    asked: list[str] = []
    allowed = set(budget.routes.local) if budget.routes is not None else set[str]()
    draws = data.draw(
        st.lists(st.sampled_from(["tool", "text", "refuse", "503", "400", "late"]), min_size=12, max_size=12)
    )
    left = iter(draws)

    def send(call: ModelCall) -> ModelReply:
        asked.append(call.model)
        what = next(left, "text")
        if what in {"503", "400"}:
            raise HttpError(int(what))
        if what == "late":
            raise TimeoutError
        text = {"tool": "", "text": "so", "refuse": "I cannot help with that."}[what]
        requests = (ToolRequest("1", "search", '{"q": "x"}'),) if what == "tool" and call.tools else ()
        return ModelReply(Message("assistant", text, requests), Usage(100, 10), logprob=-0.5)

    def vectors(texts: list[str]) -> Any:
        asked.append("text-embedding-3-small")
        return np.ones((len(texts), 4))

    embedder = CallableEmbedder(vectors, name="e", model="text-embedding-3-small")
    stack = Stack((), Grounds(embedder), Supplied(embedder=embedder))
    tools = (ToolSpec("search", "", {"type": "object"}), ToolSpec("read_result"))
    with leanloop.task(budget, tags={"patient": "p1"}, store=MemoryStore()) as task:
        history: tuple[Message, ...] = (Message("user", SECRET),)
        for number in range(5):
            call = ModelCall(
                OWN, history, tools=tools, agent="agent", settings=lambda: {"temperature": 0}, readable=True
            )
            with contextlib.suppress(LeanLoopError, HttpError, TimeoutError):
                reply = run(stack.model_flow(call, task), send)
                for request in reply.message.tool_calls:
                    answer = Message("tool", f"{SECRET} {number} " * 60, tool_call_id=request.id)
                    history = (*history, reply.message, answer)
            history = (*history, Message("user", f"go on {number}"))
    assert set(asked) <= allowed
