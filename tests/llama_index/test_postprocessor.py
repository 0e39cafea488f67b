"""Retrieved nodes within a limit: the best whole, the rest left out, never all of them."""

# What an index is asked for is partly untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, TextNode

import leanloop
from leanloop import Budget, Limit, MemoryStore
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM
from leanloop.budgets.budget import Landing
from leanloop.budgets.tokens import counter_for
from leanloop.errors import UsageError


def nodes(*sizes: int, scores: list[float] | None = None) -> list[NodeWithScore]:
    """Nodes of so many words."""
    made = [TextNode(id_=str(place), text="word " * size) for place, size in enumerate(sizes)]
    return [NodeWithScore(node=node, score=scores[place] if scores else None) for place, node in enumerate(made)]


def kept(limit: BaseNodePostprocessor, given_nodes: list[NodeWithScore]) -> list[str]:
    return [node.node.node_id for node in limit.postprocess_nodes(given_nodes)]


def test_the_best_nodes_stay_whole_in_the_order_they_came_in() -> None:
    limit = LeanLoop.postprocessor(tokens=150)

    assert kept(limit, nodes(50, 50, 50, 50, scores=[0.1, 0.9, 0.2, 0.8])) == ["1", "3"]
    assert kept(limit, nodes(50, 50, 50, 50)) == ["0", "1"]
    assert asyncio.run(limit.apostprocess_nodes(nodes(50, 200, 50)))[1].node.node_id == "2"


def test_the_best_node_stays_though_it_is_too_large() -> None:
    assert kept(LeanLoop.postprocessor(tokens=1), nodes(90, 500, scores=[0.1, 0.2])) == ["1"]


@given(st.lists(st.tuples(st.integers(1, 80), st.floats(0, 1)), max_size=12), st.integers(1, 400))
def test_what_stays_fits_or_is_the_best_alone(parts: list[tuple[int, float]], tokens: int) -> None:
    found = nodes(*(size for size, _ in parts), scores=[score for _, score in parts])

    left = LeanLoop.postprocessor(tokens=tokens).postprocess_nodes(found)

    count = counter_for("gpt-4o")
    sizes = [count.bound(count.text(node.node.get_content())) for node in left]
    assert sum(sizes) <= tokens or len(left) == min(1, len(found))
    assert bool(left) is bool(found)
    assert not found or max(node.score or 0 for node in left) == max(node.score or 0 for node in found)
    assert [int(node.node.node_id) for node in left] == sorted(int(node.node.node_id) for node in left)


def test_a_share_is_of_what_the_task_has_left() -> None:
    budget = Budget(agent="a", limits=(Limit(tokens=1_000),), landing=Landing(tokens=50), max_output=50)
    limit = LeanLoop.postprocessor(share=0.5)
    llm = LeanLoop(budget).llm(ScriptedLLM(script=["fine"]))

    with leanloop.task(budget) as task:
        before = kept(limit, nodes(100, 100, 100, 100, 100))
        llm.complete("word " * 400)
        after = kept(limit, nodes(100, 100, 100, 100, 100))

    assert (len(before), len(after)) == (4, 2)
    savings = task.receipt().savings
    assert [saving.what for saving in savings] == [f"{n} of 5 retrieved nodes were left out" for n in (1, 3)]
    assert savings[1].tokens > savings[0].tokens > 0


def test_a_share_of_money_is_priced_as_the_model_that_reads(store: MemoryStore) -> None:
    llm = ScriptedLLM(script=["fine"])
    index = VectorStoreIndex([node.node for node in nodes(*[400] * 5)], embed_model=MockEmbedding(embed_dim=2))
    budget = Budget(
        agent="a", limits=(Limit(usd=Decimal("0.0004")),), unknown_model="free", landing=Landing(tokens=100)
    )
    engine = index.as_query_engine(llm=llm, similarity_top_k=5, node_postprocessors=[LeanLoop.postprocessor(share=0.5)])

    response = LeanLoop(budget, store=store).query_engine(engine).query("what?")

    assert len(response.source_nodes) == 3  # 0.0002 dollars are 1,333 tokens of gpt-4o-mini
    assert (response.metadata or {})["leanloop"]["savings"][0]["what"] == "2 of 5 retrieved nodes were left out"


def test_money_is_no_limit_where_the_model_has_no_price(store: MemoryStore) -> None:
    llm = ScriptedLLM(script=["fine"], model="of-my-own")
    index = VectorStoreIndex([node.node for node in nodes(9, 9)], embed_model=MockEmbedding(embed_dim=2))
    engine = index.as_query_engine(llm=llm, node_postprocessors=[LeanLoop.postprocessor()])
    for unknown in ("free", "refuse"):
        priced = Budget.model_validate(
            {
                "agent": "a",
                "limits": [{"usd": 0.0001}],
                "unknown_model": unknown,
                "prices": {"unknown": {"input": 0, "output": 0}},
            }
        )
        guarded = LeanLoop(priced, store=store).query_engine(engine)
        if unknown == "free":
            assert len(guarded.query("what?").source_nodes) == 2
        else:
            with pytest.raises(leanloop.PriceUnknown):
                guarded.query("what?")


def test_without_a_task_or_a_limit_a_share_leaves_all() -> None:
    limit = LeanLoop.postprocessor()

    assert len(limit.postprocess_nodes(nodes(500, 500))) == 2
    with leanloop.task(Budget(agent="a", limits=(Limit(cycles=3, usd=Decimal(1)),))):
        assert len(limit.postprocess_nodes(nodes(500, 500))) == 2
    assert limit.class_name() == "NodeLimit"


@pytest.mark.parametrize(
    ("tokens", "share", "said"), [(0, None, "1 or more"), (None, 0.0, "above 0"), (None, 1.1, "at most 1")]
)
def test_a_limit_that_is_none_is_refused(tokens: int | None, share: float | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        LeanLoop.postprocessor(tokens=tokens, share=share)


def said(*texts: str) -> list[NodeWithScore]:
    """Nodes that say this, the best first."""
    return [
        NodeWithScore(node=TextNode(id_=str(place), text=text, metadata={"page": place}), score=1 - place / 10)
        for place, text in enumerate(texts)
    ]


def test_nodes_that_say_the_same_are_read_once_and_the_best_stand_at_both_ends() -> None:
    limit = LeanLoop.postprocessor(tokens=1_000, duplicates="drop", order="ends")
    with leanloop.task(Budget(agent="a")) as task:
        assert kept(limit, said("Paris is large.", "paris is LARGE", "Rome is old.", "Oslo is cold.")) == [
            "0",
            "3",
            "2",
        ]
    assert [saving.what for saving in task.receipt().savings] == ["1 of 4 retrieved nodes said nothing new"]


def engine_over(*texts: str, **given: Any) -> Any:
    index = VectorStoreIndex([node.node for node in said(*texts)], embed_model=MockEmbedding(embed_dim=2))
    return index.as_query_engine(llm=ScriptedLLM(script=["fine"] * 3), similarity_top_k=5, **given)


TEXTS = ("Paris is large.", "paris is LARGE", "Rome is old. " * 50)


@pytest.mark.parametrize(
    ("rules", "left"), [({}, 3), ({"max_tokens": 40}, 1), ({"duplicates": "drop"}, 2), ({"duplicates": "keep"}, 3)]
)
def test_a_guarded_engine_reads_what_the_budget_file_says(rules: dict[str, Any], left: int, store: MemoryStore) -> None:
    budget = Budget.model_validate({"agent": "a", "unknown_model": "free", "retrieved": rules})
    engine = engine_over(*TEXTS)
    assert len(LeanLoop(budget, store=store).query_engine(engine).query("what?").source_nodes) == left
    assert len(engine.query("what?").source_nodes) == 3  # the user's own is as it was


def test_a_limit_of_the_users_own_takes_the_place_of_the_files(store: MemoryStore) -> None:
    budget = Budget.model_validate({"agent": "a", "unknown_model": "free", "retrieved": {"max_tokens": 40}})
    engine = engine_over(*TEXTS, node_postprocessors=[LeanLoop.postprocessor(tokens=10_000)])
    assert len(LeanLoop(budget, store=store).query_engine(engine).query("what?").source_nodes) == 3
