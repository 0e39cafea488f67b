"""Tools that leanloop answers itself, in the words of real integrations."""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
from __future__ import annotations

from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import StructuredTool
from langchain_openai import ChatOpenAI
from langgraph.constants import TAG_NOSTREAM
from llama_index.core.tools import FunctionTool
from pydantic import SecretStr

import leanloop
from leanloop import Budget, UsageError
from leanloop.adapters.langchain import added_tools as in_langchain
from leanloop.adapters.langchain import wrap
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.langchain.tools import spec_of
from leanloop.adapters.llama_index import added_tools as in_llama_index
from leanloop.adapters.llama_index.scripted import ScriptedLLM, ScriptedTextLLM
from leanloop.adapters.llama_index.tools import specs_of
from leanloop.budgets.scaffold_rules import COGNITIVE_TOOLS, ScaffoldRules
from leanloop.plugins.scaffold.catalogue import built_in

MODEL = "gpt-4o-mini"
ADDED = tuple(built_in(name).spec for name in COGNITIVE_TOOLS)
INPUTS = [list(built_in(name).inputs) for name in COGNITIVE_TOOLS]


def search(q: str) -> str:
    """Searches."""
    return f"found {q}"


SEARCH = StructuredTool.from_function(search)
SPECS = (spec_of(SEARCH), *ADDED)


def test_openai_is_sent_them_behind_the_agents_own() -> None:
    model = ChatOpenAI(model=MODEL, api_key=SecretStr("none"))
    offered: Any = in_langchain.offered([SEARCH], SPECS, model)
    assert offered[0] is SEARCH
    sent: Any = model.bind_tools(offered)
    functions = [tool["function"] for tool in sent.kwargs["tools"]]
    assert [function["name"] for function in functions] == ["search", *COGNITIVE_TOOLS]
    assert [function["parameters"]["required"] for function in functions[1:]] == INPUTS


def test_anthropic_is_sent_them_in_a_form_that_can_be_marked() -> None:
    model = ChatAnthropic(model_name="claude-haiku-4-5", api_key=SecretStr("none"), timeout=None, stop=None)
    offered: Any = in_langchain.offered([SEARCH], SPECS, model)
    assert all("input_schema" in tool for tool in offered[1:])
    sent: Any = model.bind_tools(offered)
    assert [tool["name"] for tool in sent.kwargs["tools"]] == ["search", *COGNITIVE_TOOLS]
    assert [tool["input_schema"]["required"] for tool in sent.kwargs["tools"][1:]] == INPUTS


def test_a_wrapped_model_is_bound_to_them_too() -> None:
    sent: list[dict[str, Any]] = []

    def script(messages: list[Any], settings: dict[str, Any]) -> AIMessage:
        sent.append(settings)
        if len(sent) > 1:
            return AIMessage("42" if settings.get("tools") else "Asked: a number.")
        call = {"name": "understand_question", "args": {"question": "q"}, "id": "c"}
        return AIMessage("", tool_calls=[call])

    budget = Budget(agent="a", scaffold=ScaffoldRules(models=(MODEL,)))
    bound: Any = ScriptedModel(script=script).bind_tools([SEARCH])
    with leanloop.task(budget) as task:
        assert wrap(bound, budget).invoke("How many?").text == "42"
        chunks = [chunk.text for chunk in wrap(bound, budget).stream("How many?")]
    assert "".join(chunks) == "42"
    names = [[tool["function"]["name"] for tool in settings.get("tools", ())] for settings in sent]
    assert names[:3] == [["search", *COGNITIVE_TOOLS], [], ["search", *COGNITIVE_TOOLS]]
    assert task.receipt().tool_calls == {"understand_question": 1}


def test_a_model_without_tools_is_pointed_to_the_text() -> None:
    with pytest.raises(UsageError, match=r"FakeListChatModel cannot call tools; write scaffold: \{form: text\}"):
        in_langchain.bound([], ADDED, FakeListChatModel(responses=["x"]))
    with pytest.raises(UsageError, match=r"ScriptedTextLLM cannot call tools; write scaffold: \{form: text\}"):
        in_llama_index.added_to([], ADDED, ScriptedTextLLM(script=["x"]))


def test_tools_of_the_agents_own_are_the_very_same() -> None:
    tools = [SEARCH]
    assert list(in_langchain.offered(tools, SPECS[:1], ScriptedModel(script=[]))) == tools
    assert in_langchain.bound(tools, SPECS[:1], ScriptedModel(script=[])) == tools
    assert in_llama_index.added_to(tools, (), ScriptedLLM(script=[])) is tools


def test_a_call_that_is_held_back_is_seen_by_nobody_who_watches_tokens() -> None:
    model = ScriptedModel(script=[], tags=["mine"])
    assert in_langchain.unseen(model).tags == ["mine", TAG_NOSTREAM]
    assert model.tags == ["mine"]
    other: Any = in_langchain.unseen(RunnableLambda(len))
    assert other.config["tags"] == [TAG_NOSTREAM]


def test_llama_index_prepares_them_as_any_tool() -> None:
    own: Any = ScriptedLLM(script=[])
    given = own._prepare_chat_with_tools([FunctionTool.from_defaults(search)])["tools"]
    sent = in_llama_index.added_to(given, ADDED, own)
    assert [spec.name for spec in specs_of(sent)] == ["search", *COGNITIVE_TOOLS]
    for spec, added in zip(specs_of(sent)[1:], ADDED, strict=True):
        assert (spec.description, spec.parameters) == (added.description, added.parameters)


def test_google_is_sent_one_tool_with_all_functions() -> None:
    types: Any = pytest.importorskip("google.genai.types")

    class Google(ScriptedLLM):
        def _prepare_chat_with_tools(self, tools: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
            names = [types.FunctionDeclaration(name=tool.metadata.name) for tool in tools]
            return {"messages": [], "tools": [types.Tool(function_declarations=names)]}

    given = [types.Tool(function_declarations=[types.FunctionDeclaration(name="search")])]
    (sent,) = in_llama_index.added_to(given, ADDED, Google(script=[]))
    assert [function.name for function in sent.function_declarations] == ["search", *COGNITIVE_TOOLS]
    assert len(given[0].function_declarations) == 1
    (alone,) = in_llama_index.added_to((), ADDED, Google(script=[]))
    assert len(alone.function_declarations) == len(COGNITIVE_TOOLS)
