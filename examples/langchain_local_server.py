"""An agent on a local server that speaks OpenAI's protocol: it costs no money, so tokens and time are the budget.

Run: python examples/langchain_local_server.py
With a server, for example that of llama-cpp-python (pip install langchain-openai 'llama-cpp-python[server]'):
python -m llama_cpp.server --model MODEL.gguf --model_alias my-local-model
LEANLOOP_EXAMPLE_BASE_URL=http://localhost:8000/v1 python examples/langchain_local_server.py
With a bought model: LEANLOOP_EXAMPLE_MODEL=openai:gpt-4o-mini python examples/langchain_local_server.py
"""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolCall

from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel

BUDGET = Path(__file__).parent / "budgets" / "local.yaml"
NAME = "my-local-model"  # as the server and the budget file's prices call it


def stock(item: str) -> str:
    """How many of an item are in stock."""
    return f"{item}: 14"


def example_model() -> BaseChatModel:
    """The server or the model that the environment names; without one, a script that looks once and answers."""
    if address := os.environ.get("LEANLOOP_EXAMPLE_BASE_URL"):
        from langchain_openai import ChatOpenAI

        # A server of one's own asks for no key, the client for any.
        return ChatOpenAI(model=NAME, base_url=address, api_key=lambda: "none", max_retries=0)
    if name := os.environ.get("LEANLOOP_EXAMPLE_MODEL"):
        return init_chat_model(name)
    return ScriptedModel(
        model_name=NAME,
        script=[
            AIMessage("", tool_calls=[ToolCall(name="stock", args={"item": "lamp"}, id="call_1")]),
            AIMessage("There are 14 lamps."),
        ],
    )


def main() -> None:
    agent: Any = create_agent(example_model(), [stock], middleware=[LeanLoop.from_file(BUDGET)])
    state = agent.invoke({"messages": [{"role": "user", "content": "How many lamps are there?"}]})
    answer = state["messages"][-1]
    receipt = answer.response_metadata["leanloop"]
    print(answer.text)
    print(f"{receipt['model_calls']} model calls, {receipt['tokens']} tokens, ${receipt['usd']}")


if __name__ == "__main__":
    main()
