"""Every page of docs/ is run: its Python, its budget files, its JSON, its commands without a placeholder, its links."""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false
from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from typer.testing import CliRunner

import leanloop
from leanloop import parse_budget
from leanloop.adapters.cli.app import app
from leanloop.adapters.cli.check_limits import limit_findings
from leanloop.adapters.cli.check_models import model_findings
from leanloop.adapters.cli.check_order import order_findings
from leanloop.adapters.cli.check_settings import setting_findings
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel

DOCS = Path(__file__).parent.parent / "docs"
PAGES = {
    page.relative_to(DOCS).with_suffix("").as_posix(): page.read_text(encoding="utf-8")
    for page in sorted(DOCS.rglob("*.md"))
}
PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b")
OWN_TEST = {"ledger"}
"""Pages whose commands depend on each other, and are run in tests of their own."""


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", PAGES[page], flags=re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def commands(page: str) -> list[str]:
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    return [line.removeprefix("$ leanloop ") for line in lines]


def scripted(name: str = "openai:gpt-4o-mini") -> BaseChatModel:
    def script(messages: list[BaseMessage], settings: dict[str, object]) -> AIMessage:
        if settings.get("tools") and messages[-1].type == "human":
            return AIMessage("", tool_calls=[ToolCall(name="search", args={"topic": "returns"}, id="call_1")])
        return AIMessage("You have 30 days.")

    levels: Any = {"reasoning_effort_levels": ["none", "low", "high"], "reasoning_effort_default": "high"}
    return ScriptedModel(script=script, model_name=name.partition(":")[2], profile=levels)


def search(topic: str) -> str:
    """Search the help articles."""
    return f"{topic}: 30 days."


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the pages name: a prompt file, questions and what models made of them; no key, no network."""
    (tmp_path / "budgets").mkdir()
    (prompt,) = blocks("scaffold", "markdown")
    (tmp_path / "estimate_first.md").write_text(prompt, encoding="utf-8")
    (tmp_path / "labelled.jsonl").write_text(blocks("difficulty", "json")[0], encoding="utf-8")
    (tmp_path / "questions.jsonl").write_text(blocks("proof", "json")[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("langchain.chat_models.init_chat_model", scripted)
    return tmp_path


def write_budgets(reader: Path, page: str) -> None:
    """The budget files of a page, and of other pages those of agents that it does not show."""
    for shown in (page, *PAGES):
        for block in blocks(shown, "yaml"):
            file = reader / "budgets" / f"{parse_budget(block, environ={}).agent}.yaml"
            if not file.exists():
                file.write_text(block, encoding="utf-8")


def label(folder: Path) -> None:
    """Rows of two steps: of one the cheaper setting fails each question, of the other none."""
    settings = {"gpt-5@none": "cheap", "gpt-5@high": "dear", "gpt-4.1-nano": "cheap", "gpt-4.1": "dear"}
    rows = [
        {"id": n, "setting": setting, "score": int(kind == "dear" or n % 2), "step": ("proofs", "sums")[n % 2]}
        for n in range(400)
        for setting, kind in settings.items()
    ]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def run_agent(budget: str) -> None:
    """So that there are outcomes to look at."""
    agent: Any = create_agent(scripted(), [search], middleware=[LeanLoop.from_file(budget)])
    with leanloop.task(budget) as task:
        agent.invoke({"messages": [{"role": "user", "content": "How long?"}]})
    assert task.outcome(1.0)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")])
def test_every_python_block_runs(reader: Path, page: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_budgets(reader, page)
    model = scripted()
    namespace: dict[str, object] = {
        "create_agent": create_agent,
        "model": model,
        "local_model": model,
        "search": search,
        "tools": [search],
    }
    for block in blocks(page, "python"):
        exec(compile(block, f"{page}.md", "exec"), namespace)

    shown = capsys.readouterr().out
    assert ("print(" in "".join(blocks(page, "python"))) == bool(shown.strip())


@pytest.mark.parametrize("page", ["start-langchain", "start-llamaindex"])
def test_the_first_pages_take_nothing_for_granted(
    reader: Path, page: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.undo()  # no model in the place of a paid one: they ask for none
    monkeypatch.chdir(reader)
    for block in blocks(page, "yaml"):
        (reader / block.splitlines()[0].removeprefix("# ")).write_text(block, encoding="utf-8")
    exec(compile("\n".join(blocks(page, "python")), f"{page}.md", "exec"), {})

    answer, receipt, *_, landed = capsys.readouterr().out.splitlines()
    assert answer == "You have 30 days."
    assert receipt.startswith("0.0000")
    assert landed.startswith("The limit of 3 model calls for this task is reached")


CHECKS = (limit_findings, order_findings, setting_findings, model_findings)


def findings(text: str) -> list[str]:
    budget = parse_budget(text, environ={})
    return [one.text for look in CHECKS for one in look(budget)]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "yaml") and page != "check"])
def test_a_budget_file_that_is_shown_has_nothing_the_check_finds(page: str) -> None:
    assert [said for block in blocks(page, "yaml") for said in findings(block)] == []


def test_what_the_page_on_check_shows_is_what_is_found() -> None:
    shown = " ".join(blocks("check", "text")[0].split()).split("but | ")[1:]

    assert [words.strip() for words in shown] == findings(blocks("check", "yaml")[0])


def test_a_known_answer_of_the_page_on_routing_asks_no_model(reader: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_budgets(reader, "routing")
    namespace: dict[str, object] = dict.fromkeys(("model", "local_model"), scripted())
    namespace |= {"create_agent": create_agent, "search": search}
    exec(compile(blocks("routing", "python")[0], "routing.md", "exec"), namespace)

    assert capsys.readouterr().out == "It left our house today.\n"


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "yaml")])
def test_every_budget_file_reads(page: str) -> None:
    for block in blocks(page, "yaml"):
        assert parse_budget(block, environ={}).agent


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "json")])
def test_every_line_of_json_is_one(page: str) -> None:
    for block in blocks(page, "json"):
        assert all(isinstance(json.loads(line), dict) for line in block.splitlines())


@pytest.mark.parametrize(
    ("page", "command"),
    [(page, line) for page in PAGES if page not in OWN_TEST for line in commands(page) if not PLACEHOLDER.search(line)],
)
def test_every_command_runs(reader: Path, page: str, command: str) -> None:
    write_budgets(reader, page)
    if command.startswith("tune"):
        label(reader)
    if command.startswith("outcomes"):
        run_agent(command.split("--budget ")[1].split(maxsplit=1)[0])

    done = CliRunner().invoke(app, shlex.split(command))

    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", PAGES[page]):
        if link.startswith("https://"):
            continue
        file, _, place = link.partition("#")
        there = (DOCS / f"{page}.md").parent / file if file else DOCS / f"{page}.md"
        assert there.exists(), link
        headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert not place or place in {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}, link


NAMED = re.compile(r"`(?:python )?((?:tests|bench|examples|plugins|adapters|budgets)/[\w/.-]+?)(?: --[^`]*)?`")
"""A file or folder of the project in the text of a page, alone or as a command."""


@pytest.mark.parametrize("page", PAGES)
def test_every_file_a_page_names_is_there(page: str) -> None:
    own = {"budgets/" + file.name for file in (DOCS.parent / "examples" / "budgets").iterdir()}
    named = {name for name in NAMED.findall(PAGES[page]) if not name.startswith("budgets/") or name.endswith(".py")}

    assert [name for name in named - own if not (DOCS.parent / name).exists()] == []


def test_every_guarantee_names_tests_that_are_there() -> None:
    rows = [line.split(" | ") for line in PAGES["guarantees"].splitlines() if line.startswith("| ")][2:]
    assert len(rows) >= 10
    for row in rows:
        tests = re.findall(r"`(test_\w+\.py)`", row[-1]) + NAMED.findall(row[-1])
        assert tests, row[0]
        assert [name for name in tests if not [*(DOCS.parent / "tests").rglob(name), *DOCS.parent.glob(name)]] == []
