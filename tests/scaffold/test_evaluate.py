"""`leanloop evaluate --scaffold`: whether the tools pay, in one command, in both frameworks."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leanloop import Budget, UsageError
from leanloop.adapters.cli.app import app
from leanloop.adapters.cli.evaluate_arms import arms_for
from leanloop.adapters.cli.evaluate_models import EvaluatedModel
from leanloop.budgets.scaffold_rules import ScaffoldRules

MODELS = """
from langchain_core.messages import AIMessage
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.llama_index.scripted import ScriptedLLM
from llama_index.core.llms import ChatMessage
from llama_index.core.base.llms.types import ToolCallBlock

def says(system, question, thoughts, tools):
    # Right for every third question, and for all of them once its answer was examined.
    if "You check somebody else's work" in system:
        return "Does not hold: one too many."
    number = int(question.split()[2])
    if thoughts:
        return str(number + 5) if "Does not hold" in thoughts else str(number + 6)
    if "examine_answer" in tools:
        return {"name": "examine_answer", "args": {"question": question, "reasoning": str(number + 6)}}
    if "think" in tools:
        return {"name": "think", "args": {"thought": "Is it " + str(number + 6) + "?"}}
    return str(number + 5 + (number % 3 > 0))

def lang(messages, settings):
    system = messages[0].text if messages[0].type == "system" else ""
    tools = [tool["function"]["name"] for tool in settings.get("tools") or ()]
    question = next(m.text for m in messages if m.type == "human")
    said = says(system, question, "".join(m.text for m in messages if m.type == "tool"), tools)
    return AIMessage(said) if isinstance(said, str) else AIMessage("", tool_calls=[{**said, "id": "c"}])

def llama(messages, settings):
    system = messages[0].content if messages[0].role == "system" else ""
    tools = [tool["function"]["name"] for tool in settings.get("tools") or ()]
    question = next(m.content for m in messages if m.role == "user")
    said = says(system, question, "".join(m.content for m in messages if m.role == "tool"), tools)
    if isinstance(said, str):
        return said
    call = ToolCallBlock(tool_call_id="c", tool_name=said["name"], tool_kwargs=said["args"])
    return ChatMessage(role="assistant", blocks=[call])

langchain = ScriptedModel(script=lang, model_name="gpt-4o-mini")
llama_index = ScriptedLLM(script=llama, model="gpt-4o-mini")
"""


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "models_that_think", raising=False)
    Path("models_that_think.py").write_text(MODELS)
    rows = [{"id": f"q{n}", "question": f"What is {n} plus 5 ?", "answer": n + 5, "check": "number"} for n in range(30)]
    Path("set.jsonl").write_text("\n".join(map(json.dumps, rows)))


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["evaluate", "set.jsonl", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("framework", ["langchain", "llama_index"])
def test_one_command_says_what_the_tools_gain_and_cost(framework: str) -> None:
    said = run("--models", f"models_that_think:{framework}", "--scaffold", "off,on,think", "--json")
    result = json.loads(said.splitlines()[-1])
    off, on, think = result["settings"]
    names = ["gpt-4o-mini", "gpt-4o-mini+scaffold", "gpt-4o-mini+think"]
    assert [one["setting"] for one in (off, on, think)] == names
    assert [one["accuracy"]["estimate"] for one in (off, on, think)] == [pytest.approx(1 / 3), 1.0, 0.0]
    assert off["cost"]["estimate"] < think["cost"]["estimate"] < on["cost"]["estimate"]
    gain = result["pairs"][0]
    assert 0.4 < gain["difference"]["low"] < 2 / 3 < gain["difference"]["high"] < 0.9
    assert gain["cost"]["estimate"] == pytest.approx(on["cost"]["estimate"] - off["cost"]["estimate"])


def test_against_native_thinking_there_is_no_setting_with_both() -> None:
    model = EvaluatedModel("gpt-5", lambda _: str)
    arms = arms_for([model], Budget(agent="a"), ["none", "high"], ["off", "on"])
    assert [arm.setting for arm in arms] == ["gpt-5@none", "gpt-5@high", "gpt-5+scaffold@none"]
    both = Budget(agent="a", scaffold=ScaffoldRules(not_with_thinking=False))
    assert [arm.setting for arm in arms_for([model], both, ["high"], ["on"])] == ["gpt-5+scaffold@high"]
    with pytest.raises(UsageError, match="not offered beside thinking"):
        arms_for([model], Budget(agent="a"), ["high"], ["on"])
