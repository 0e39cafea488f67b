"""The agent of the demonstration: LangChain's own, with a script in the place of a paid model.

The script does what such agents are seen to do: it finds the cause of the late orders, then asks a
table that has no answer for confirmation, again and again. It reads only what a model would be sent,
and its answer holds only what the tools have shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain.agents import create_agent  # pyright: ignore[reportUnknownVariableType]
from langchain.agents.middleware.types import AgentMiddleware
from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage
from langchain_core.runnables import Runnable

from leanloop.adapters.cli.demo_shop import open_shop
from leanloop.adapters.langchain.scripted import ScriptedModel

__all__ = ["BUDGET_FILE", "QUESTION", "open_agent", "reply"]

QUESTION = "More orders came late in March 2025 than before. Find out why; we want to act on it this week."

BUDGET_FILE = """\
agent: demo
limits:
  - {per: task, usd: 0.10, cycles: 20}
loop: {repeats: 3}      # the same call, the same result
landing: {tokens: 500}  # kept back for the last answer
"""

_SYSTEM = (
    "You are an analyst of a web shop. Use the notes and the order database. Confirm a cause with a second source "
    "before you report it. Work step by step and say what you are about to do."
)

_BY_MONTH = (
    "SELECT substr(promised, 1, 7) AS month, COUNT(*) AS orders, SUM(delivered > promised) AS late "
    "FROM orders GROUP BY month"
)
_BY_CARRIER = (
    "SELECT carrier, COUNT(*) AS orders, SUM(delivered > promised) AS late FROM orders "
    "WHERE promised LIKE '2025-03-%' GROUP BY carrier ORDER BY late DESC"
)
_BY_HOUR = (
    "SELECT substr(packed, 12, 2) AS hour, COUNT(*) AS orders, SUM(delivered > promised) AS late FROM orders "
    "WHERE promised LIKE '2025-03-%' AND carrier = 'Northline' GROUP BY hour"
)
_REASONS = "SELECT reason, COUNT(*) AS orders FROM delays WHERE month = '2025-03' GROUP BY reason"
_REASONS_AGAIN = "SELECT reason FROM delays WHERE month LIKE '2025-03%'"

_OPENING: Sequence[tuple[str, Sequence[tuple[str, dict[str, Any]]]]] = (
    ("I begin with the notes.", [("list_files", {})]),
    ("I read both.", [("read_file", {"name": "handbook.md"}), ("read_file", {"name": "changes.md"})]),
    ("Now the database.", [("query", {"sql": "SELECT sql FROM sqlite_master WHERE type = 'table'"})]),
    ("How many orders are late, month by month?", [("query", {"sql": _BY_MONTH})]),
    ("March stands out. I split it by carrier.", [("query", {"sql": _BY_CARRIER})]),
    ("It is Northline. Does the hour of packing matter?", [("query", {"sql": _BY_HOUR})]),
)
_ASK = ("query", {"sql": _REASONS})
_ASK_AGAIN = ("query", {"sql": _REASONS_AGAIN})
_LOOP = (
    ("I still need a second source: the reasons entered for March.", _ASK),
    ("No rows. There must be reasons; I ask once more.", _ASK),
    ("Empty again. I repeat the query to be sure.", _ASK),
    ("I repeat it without a change, in case someone has entered them by now.", _ASK),
    ("I write the query another way.", _ASK_AGAIN),
    ("Back to the first form.", _ASK),
)


def open_agent(
    folder: Path, middleware: Sequence[AgentMiddleware[Any, Any, Any]] = ()
) -> Runnable[Any, dict[str, Any]]:
    """The agent over a shop made in `folder`, under `middleware`."""
    # gpt-4.1, so that tokens are counted and priced as those of a model people use.
    model = ScriptedModel(script=reply, model_name="gpt-4.1")
    return create_agent(model, open_shop(folder), system_prompt=_SYSTEM, middleware=middleware)


def reply(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
    """What the script says to `messages`: a step, or an answer where `settings` offer no tools or forbid them."""
    if not settings.get("tools") or settings.get("tool_choice") == "none":
        return AIMessage(_answer(messages))
    turn = sum(isinstance(message, AIMessage) for message in messages)
    if turn < len(_OPENING):
        text, calls = _OPENING[turn]
        return AIMessage(text, tool_calls=[_call(turn, *call) for call in calls])
    told = messages[-1].type == "human" and messages[-1].text.startswith(("[loop]", "[budget]"))
    if told:
        return AIMessage("Noted. I try it another way, once.", tool_calls=[_call(turn, *_ASK_AGAIN)])
    place = turn - len(_OPENING)
    # After the first four the last two come in turns, for as long as nobody ends it.
    text, call = _LOOP[place] if place < len(_LOOP) else _LOOP[4 + place % 2]
    return AIMessage(text, tool_calls=[_call(turn, *call)])


def _call(turn: int, name: str, arguments: dict[str, Any]) -> ToolCall:
    return ToolCall(name=name, args=arguments, id=f"call_{turn}_{arguments.get('name', name)}")


def _answer(messages: Sequence[BaseMessage]) -> str:
    """The findings that are there, in words."""
    results = [message.text for message in messages if isinstance(message, ToolMessage)]
    found: list[str] = []
    if march := _row(results, "month | ", "2025-03"):
        found.append(f"Of {march[1]} orders promised for March 2025, {march[2]} came late.")
    if worst := _row(results, "carrier | ", ""):
        found.append(f"{worst[2]} of those went with {worst[0]}.")
    if change := next((line for text in results for line in text.splitlines() if "picks up" in line), None):
        found.append(f"The cause: {change.partition(': ')[2]} What is packed later waits a day.")
    if (early := _row(results, "hour | ", "09")) and (later := _row(results, "hour | ", "15")):
        found.append(f"It fits: {early[2]} of {early[1]} packed at 9 came late, {later[2]} of {later[1]} packed at 15.")
    if "(no rows)" in results:
        found.append("What is missing: the table delays holds no reasons for March.")
    return " ".join(found) or "I have found nothing yet that explains the late orders."


def _row(results: Sequence[str], header: str, first: str) -> list[str] | None:
    """The first row that begins with `first` of the latest result whose header begins with `header`."""
    for text in reversed(results):
        if text.startswith(header):
            return next((row.split(" | ") for row in text.splitlines()[1:] if row.startswith(first)), None)
    return None
