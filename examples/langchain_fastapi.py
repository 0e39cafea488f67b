"""A FastAPI service in which every user has a budget a day: who has spent it gets an answer that says so, no 500.

Try:   python examples/langchain_fastapi.py (pip install fastapi httpx)
Serve: pip install uvicorn, then uvicorn --app-dir examples langchain_fastapi:app
With Redis, for several processes and machines: LEANLOOP_SERVICE__STORE=redis://localhost:6379/0
With a real model: LEANLOOP_EXAMPLE_MODEL=openai:gpt-4o-mini
"""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false
from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse
from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from pydantic import BaseModel, Field

from leanloop import LeanLoopError
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel

BUDGET = Path(__file__).parent / "budgets" / "service.yaml"


class Question(BaseModel):
    text: str = Field(max_length=2_000)


def example_model() -> BaseChatModel:
    """The model named in the environment; without one, a script."""
    if name := os.environ.get("LEANLOOP_EXAMPLE_MODEL"):
        return init_chat_model(name)
    return ScriptedModel(script=[AIMessage("Goods can be sent back within 30 days. " * 20)])


app = FastAPI()
agent: Any = create_agent(example_model(), middleware=[LeanLoop.from_file(BUDGET)])


@app.post("/ask")
async def ask(question: Question, x_user: Annotated[str, Header(min_length=1, max_length=64)]) -> dict[str, Any]:
    """Each request is a task. The user must come from whoever logged them in, not from themselves."""
    state = await agent.ainvoke(
        {"messages": [{"role": "user", "content": question.text}]}, {"configurable": {"leanloop": {"user": x_user}}}
    )
    answer = state["messages"][-1]
    receipt = answer.response_metadata["leanloop"]
    return {"answer": answer.text, "usd": receipt["usd"], "stopped": receipt["stopped"]}


@app.exception_handler(LeanLoopError)
async def no_ledger(_: Request, error: Exception) -> JSONResponse:
    """Where the ledger cannot be reached, nobody spends."""
    return JSONResponse({"error": type(error).__name__}, status_code=503)


async def main() -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://example") as client:
        for user in (*("ada",) * 5, "ben"):
            reply = await client.post("/ask", json={"text": "How long may I keep it?"}, headers={"X-User": user})
            said = reply.json()
            print(user, reply.status_code, said["usd"], said["stopped"] or said["answer"][:38])


if __name__ == "__main__":
    asyncio.run(main())
