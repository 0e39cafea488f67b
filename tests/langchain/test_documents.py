"""Retrieved documents: each read once, the best whole, and at both ends."""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import create_retriever_tool

import leanloop
from leanloop import Budget, Limit
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.documents import DocumentLimit
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.errors import UsageError

TEXTS = ("Paris is large.", "paris is LARGE", "Rome is old.", "Oslo is cold.")
FOUND = [Document(text, metadata={"relevance_score": 1 - place / 10}) for place, text in enumerate(TEXTS)]


def loop(**retrieved: Any) -> LeanLoop:
    return LeanLoop(Budget.model_validate({"agent": "a", "unknown_model": "free", "retrieved": retrieved}))


def kept(limit: DocumentLimit, documents: list[Document]) -> list[str]:
    shown = limit.compress_documents(documents, "?")
    assert list(asyncio.run(limit.acompress_documents(documents, "?"))) == list(shown)
    assert all(any(one is document for document in documents) for one in shown)
    return [document.page_content for document in shown]


def test_each_is_read_once_and_the_best_stand_at_both_ends() -> None:
    assert kept(loop().documents(), FOUND) == [TEXTS[0], TEXTS[3], TEXTS[2]]
    assert kept(loop().documents(), FOUND[::-1]) == [TEXTS[0], TEXTS[3], TEXTS[2]]


def test_the_budget_file_says_how_many_and_in_which_order() -> None:
    assert kept(loop(max_tokens=8, order="best_first").documents(), FOUND) == [TEXTS[0], TEXTS[2]]
    assert kept(loop(max_tokens=8).documents(tokens=4), FOUND) == [TEXTS[0]]
    assert kept(loop(duplicates="keep", order="as_given").documents(), FOUND) == list(TEXTS)


def test_without_scores_they_come_best_first() -> None:
    plain = [Document(text, metadata={"relevance_score": "high"}) for text in TEXTS]
    assert kept(loop(order="best_first").documents(), plain) == [TEXTS[0], TEXTS[2], TEXTS[3]]
    scored = [Document(text, metadata={"score": place}) for place, text in enumerate(TEXTS)]
    assert kept(loop(order="best_first").documents(), scored) == [TEXTS[3], TEXTS[2], TEXTS[1]]


def test_a_share_is_of_what_the_task_has_left_and_what_is_spared_is_on_the_receipt() -> None:
    budget = Budget(agent="a", limits=(Limit(tokens=20),))
    with leanloop.task(budget) as task:
        assert kept(loop().documents(share=0.2), FOUND) == [TEXTS[0]]
    assert [saving.what for saving in task.receipt().savings] == [
        "1 of 4 retrieved documents said nothing new",
        "2 of 4 retrieved documents were left out",
    ]


def test_without_a_task_or_a_limit_a_share_leaves_all() -> None:
    assert len(kept(loop().documents(share=0.2), FOUND)) == 3
    with leanloop.task(Budget(agent="a", limits=(Limit(usd=Decimal(1)),))):
        assert len(kept(loop().documents(share=0.2), FOUND)) == 3


@pytest.mark.parametrize(
    ("tokens", "share", "said"), [(0, None, "1 or more"), (None, 0.0, "above 0"), (None, 1.1, "at most 1")]
)
def test_a_limit_that_is_none_is_refused(tokens: int | None, share: float | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        loop().documents(tokens=tokens, share=share)


class Limited(BaseRetriever):
    """As ContextualCompressionRetriever does it."""

    compressor: DocumentLimit

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return list(self.compressor.compress_documents(FOUND, query, callbacks=run_manager.get_child()))


def test_a_retriever_tool_of_an_agent_keeps_its_artifact(run: Any, create_agent: Any) -> None:
    guard = loop()
    tool = create_retriever_tool(
        Limited(compressor=guard.documents()), "look", "Look it up.", response_format="content_and_artifact"
    )
    ask = AIMessage("", tool_calls=[{"name": "look", "args": {"query": "?"}, "id": "c1"}])
    model = ScriptedModel(script=[ask, AIMessage("done")])
    result = run(create_agent(model, [tool], middleware=[guard]), {"messages": [HumanMessage("?")]})
    (message,) = [one for one in result["messages"] if one.type == "tool"]
    assert [document.page_content for document in message.artifact] == [TEXTS[0], TEXTS[3], TEXTS[2]]
    assert message.content == "\n\n".join([TEXTS[0], TEXTS[3], TEXTS[2]])
    savings = result["messages"][-1].response_metadata["leanloop"]["savings"]
    assert [saving["what"] for saving in savings] == ["1 of 4 retrieved documents said nothing new"]
