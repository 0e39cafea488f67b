"""The command `leanloop init`: what it finds in a project, and the file it writes."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from leanloop import load_budget, parse_budget
from leanloop.adapters.cli import init as init_module
from leanloop.adapters.cli.app import app
from leanloop.adapters.cli.init_file import first_budget, task_usd
from leanloop.adapters.cli.init_project import look_at
from leanloop.adapters.cli.init_text import text_of
from leanloop.budgets.price_table import current_table
from leanloop.budgets.prices import PriceBook, PriceOverride
from leanloop.errors import BudgetFileError, UsageError


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, and the folder the command runs in."""
    folder = tmp_path / "My shop!"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    return folder


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["init", *arguments], input=typed)


def checked(file: str) -> str:
    """What `leanloop check` prints; the file must pass, without a word against a limit."""
    result = CliRunner().invoke(app, ["check", file])
    assert result.exit_code == 0, result.output
    assert "but  " not in result.stdout
    return result.stdout


def test_a_file_is_written_that_passes_the_check_and_the_line_to_add_is_printed(project: Path) -> None:
    (project / "app.py").write_text('model = init_chat_model("openai:gpt-4.1")', encoding="utf-8")
    (project / "requirements.txt").write_text("# frameworks\nLangChain>=1\n", encoding="utf-8")

    result = run()

    assert result.exit_code == 0
    assert "Model: openai:gpt-4.1 (named in the code)" in result.stdout
    assert 'create_agent(model, tools, middleware=[LeanLoop.from_file("budgets/My-shop.yaml")])' in result.stdout
    budget = load_budget("budgets/My-shop.yaml")
    assert budget.agent == "My-shop"
    assert [limit.usd for limit in budget.limits] == [1, 100]
    assert "at most $1.00, 12 cycles, 300 seconds" in checked("budgets/My-shop.yaml")
    text = Path("budgets/My-shop.yaml").read_text(encoding="utf-8")
    assert "$0.50 buys 250,000 input tokens or 62,500 output tokens of openai:gpt-4.1" in text


def test_every_line_of_the_file_is_explained(project: Path) -> None:
    run("--model", "gpt-4.1", "--agent", "a")
    lines = (project / "budgets" / "a.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# What this agent may spend")
    for line in lines[1:]:
        assert not line or "#" in line or line.startswith("agent: ")


def test_what_is_commented_out_reads_when_it_is_switched_on(project: Path) -> None:
    run("--model", "gpt-4.1", "--agent", "a")
    text = (project / "budgets" / "a.yaml").read_text(encoding="utf-8").replace("CHEAP", "gpt-4.1-nano")
    keys = re.findall(r"^# (\w+): ", text, flags=re.MULTILINE)
    assert {"events", "cache", "context", "thinking", "degrade", "routes", "scaffold", "prices"} <= set(keys)
    for key in keys:
        changed = re.sub(rf"^# ({key}: )", r"\1", text, flags=re.MULTILINE)
        assert key in parse_budget(changed, environ={}).model_fields_set
    inside = re.sub(r"^( +)# (tool_calls: |- \{)", r"\1\2", text, flags=re.MULTILINE)
    assert len(parse_budget(inside, environ={}).limits) == 3


def test_a_file_that_is_there_is_left_alone_unless_forced(project: Path) -> None:
    (project / "mine.yaml").write_text("agent: mine\n", encoding="utf-8")

    refused = run("--file", "mine.yaml")

    assert isinstance(refused.exception, UsageError)
    assert "mine.yaml is there already and stays as it is" in str(refused.exception)
    assert "--force" in str(refused.exception)
    assert (project / "mine.yaml").read_text(encoding="utf-8") == "agent: mine\n"
    assert run("--file", "mine.yaml", "--force").exit_code == 0
    assert "limits:" in (project / "mine.yaml").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_made_is_told(project: Path) -> None:
    (project / "budgets").write_text("", encoding="utf-8")
    result = run("--agent", "a")
    assert isinstance(result.exception, UsageError)
    assert re.fullmatch(r"budgets/a.yaml cannot be written: .+. Name another with --file.", str(result.exception))


def test_in_a_terminal_it_asks(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init_module, "_in_terminal", lambda: True)
    result = run(typed="helper\ncrewai\nllama-index\ngpt-4o-mini\n")
    assert result.exit_code == 0, result.output
    assert "Framework (langchain or llama-index) [langchain]" in result.stdout
    assert 'LeanLoop.from_file("budgets/helper.yaml").agent(agent)' in result.stdout
    assert "Model: gpt-4o-mini (as you say)" in result.stdout
    assert load_budget("budgets/helper.yaml").agent == "helper"
    assert run("--yes", "--agent", "other").exit_code == 0


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("LlamaIndex", "llama-index"),
        ("llama_index", "llama-index"),
        ("LangGraph", "langchain"),
        ("LangChain", "langchain"),
    ],
)
def test_a_framework_may_be_spelt_in_any_way(project: Path, said: str, meant: str) -> None:
    assert f"Add to the agent ({meant})" in run("--framework", said, "--agent", "a").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--framework", "crewai"], "--framework is langchain or llama-index, not 'crewai'"),
        (["--file", "a.toml"], "--file ends in .yaml or .yml, not in '.toml'"),
        (["--model", "a\nagent: b"], "--model is the name of a model"),
        (["--agent", "../up"], "must be 1 to 64 letters"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(project: Path, arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, UsageError | BudgetFileError)
    assert words in str(result.exception)
    assert not list(project.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "No model was found in the code"),
        (["--model", "my-own"], "No price is known for my-own"),
    ],
)
def test_without_a_price_tokens_are_limited(arguments: list[str], words: str) -> None:
    result = run("--agent", "a", *arguments)
    assert result.exit_code == 0
    assert words in Path("budgets/a.yaml").read_text(encoding="utf-8")
    assert [limit.amounts().get("tokens") for limit in load_budget("budgets/a.yaml").limits] == [400_000, 40_000_000]
    checked("budgets/a.yaml")


def test_a_model_that_costs_nothing_is_limited_in_tokens() -> None:
    free = PriceBook({"mine": PriceOverride(0, 0)}).price("mine")  # type: ignore[arg-type]
    assert "mine costs nothing" in first_budget("a", "mine", free)


def test_the_files_of_all_priced_models_read_and_have_room_for_their_landing() -> None:
    book, seen = PriceBook({}), 0
    for provider in current_table().providers:
        if provider.id not in ("openai", "anthropic", "google", "mistral"):
            continue
        for model in provider.models:
            name = f"{provider.id}:{model.id}"
            if not book.knows(name) or book.price(name).free:
                continue
            price, seen = book.price(name), seen + 1
            budget = parse_budget(first_budget("a", name, price), environ={})
            usd = budget.limits[0].amounts()["usd"]
            assert task_usd(price) == budget.limits[0].usd
            if price.output.base < 500_000_000_000:  # the dearest of all have the largest limit there is
                assert usd >= 4 * 1_000 * price.output.base // 1_000_000
    assert seen > 50


@pytest.mark.parametrize(
    ("file", "text", "framework"),
    [
        ("pyproject.toml", '[project]\ndependencies = ["llama_index.core>=0.14"]', "llama-index"),
        ("pyproject.toml", '[project.optional-dependencies]\nrun = ["deepagents"]', "langchain"),
        ("pyproject.toml", '[dependency-groups]\nrun = ["langgraph", {include-group = "x"}]', "langchain"),
        ("pyproject.toml", '[tool.poetry.dependencies]\nllama-index = "*"', "llama-index"),
        ("pyproject.toml", '[tool.poetry.group.run.dependencies]\nllama-index = "*"', "llama-index"),
        ("uv.lock", '[[package]]\nname = "llama-index-core"', "llama-index"),
        ("requirements-dev.txt", "-r base.txt\n\nllama-index==0.14 ; python_version > '3'", "llama-index"),
        ("requirements.in", "langchain", "langchain"),
        ("requirements/base.txt", "langchain", "langchain"),
        ("setup.cfg", "[options]\ninstall_requires =\n    langchain>=1", "langchain"),
        ("environment.yml", "dependencies:\n  - pip:\n    - llama-index", "llama-index"),
        ("Pipfile", '[packages]\nlangchain = "*"', "langchain"),
        ("Pipfile.lock", '{"default": {"langchain": {}}}', "langchain"),
        ("poetry.lock", '[[package]]\nname = "langchain"', "langchain"),
        ("pdm.lock", '[[package]]\nname = "llama_index"', "llama-index"),
        ("pylock.toml", '[[packages]]\nname = "langchain"', "langchain"),
        ("pyproject.toml", '[tool.pdm.dev-dependencies]\nrun = ["langchain"]', "langchain"),
        ("pyproject.toml", '[tool.uv]\ndev-dependencies = ["langchain"]', "langchain"),
        ("pyproject.toml", '[tool.hatch.envs.default]\ndependencies = ["langchain"]', "langchain"),
        ("pyproject.toml", '[project]\ndependencies = ["langchain-openai>=1"]', "langchain"),
        ("pyproject.toml", '[project]\ndependencies = ["llama-index-llms-anthropic"]', "llama-index"),
        ("packages/shop/pyproject.toml", '[project]\ndependencies = ["llama-index"]', "llama-index"),
        ("shop/requirements.txt", "langgraph-supervisor", "langchain"),
        ("app.py", "from langchain_openai import ChatOpenAI", "langchain"),
        ("app.py", "import os\n\nfrom llama_index.core.agent.workflow import FunctionAgent", "llama-index"),
    ],
)
def test_the_framework_is_read_from_the_dependencies(project: Path, file: str, text: str, framework: str) -> None:
    (project / file).parent.mkdir(parents=True, exist_ok=True)
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):  # the last is what PowerShell writes
        (project / file).write_text(text, encoding=encoding)
        assert look_at(project).frameworks == (framework,)


def test_files_that_requirements_include_are_read_once_and_none_outside_the_project(project: Path) -> None:
    (project / "requirements.txt").write_text(
        "-r a.txt\n-r ../outside.txt\n--requirement=missing.txt", encoding="utf-8"
    )
    (project / "a.txt").write_text("-c requirements.txt\n-r a.txt\nlangchain", encoding="utf-8")
    (project.parent / "outside.txt").write_text("llama-index", encoding="utf-8")
    assert look_at(project).frameworks == ("langchain",)


def test_of_very_many_files_that_requirements_include_so_many_are_looked_for(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "requirements.txt").write_text("langchain\n" + "-r ../outside.txt\n" * 500, encoding="utf-8")
    resolve, asked = Path.resolve, list[Path]()

    def counted(self: Path, strict: bool = False) -> Path:
        asked.append(self)
        return resolve(self, strict)

    monkeypatch.setattr(Path, "resolve", counted)
    assert look_at(project).frameworks == ("langchain",)
    assert len(asked) < 50


def test_what_the_project_names_comes_before_what_its_lock_holds_and_what_it_imports(project: Path) -> None:
    (project / "uv.lock").write_text('[[package]]\nname = "langchain-core"', encoding="utf-8")
    (project / "app.py").write_text("import langchain", encoding="utf-8")
    assert look_at(project).frameworks == ("langchain",)
    (project / "requirements.txt").write_text("llama-index", encoding="utf-8")
    assert look_at(project).frameworks == ("llama-index",)
    (project / "requirements.txt").write_text("llama-index\nlangchain", encoding="utf-8")
    assert look_at(project).frameworks == ("langchain", "llama-index")
    (project / "app.py").write_text("import llama_index", encoding="utf-8")
    assert look_at(project).frameworks == ("llama-index", "langchain")


def test_projects_inside_count_where_the_outer_one_names_no_framework(project: Path) -> None:
    for place, text in (
        ("a", "langchain"),
        ("b/c", "llama-index"),
        (".hidden", "llama-index"),
        ("venv/d", "langchain"),
    ):
        (project / place).mkdir(parents=True)
        (project / place / "requirements.txt").write_text(text, encoding="utf-8")
    assert look_at(project).frameworks == ("langchain", "llama-index")
    (project / "a" / "requirements.txt").write_text("rich", encoding="utf-8")
    assert look_at(project).frameworks == ("llama-index",)
    (project / "requirements.txt").write_text("deepagents", encoding="utf-8")
    assert look_at(project).frameworks == ("langchain",)


def test_where_both_frameworks_are_named_both_lines_are_printed_unless_one_is_asked_for(project: Path) -> None:
    (project / "requirements.txt").write_text("llama-index\nlangchain-openai", encoding="utf-8")
    said = run().stdout
    assert 0 < said.index("create_agent(") < said.index("Or (llama-index") < said.index(".query_engine(engine)")
    assert "create_agent(" not in run("--force", "--framework", "llama-index").stdout


def test_notebooks_are_read_by_their_cells_of_code(project: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": "import langchain; 'gpt-4.1-nano'"},
        {"cell_type": "code", "source": ["from llama_index.core import Settings\n", 'llm = OpenAI(model="gpt-4.1")']},
        {"cell_type": "code", "source": "other = 'gpt-4.1'", "outputs": [{"text": "'gpt-4o'"}]},
        {"cell_type": "code"},
        3,
    ]
    (project / "a.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    for name, text in (("b", "{"), ("c", "[]"), ("d", '{"cells": 3}'), ("e", "[" * 100_000)):
        (project / f"{name}.ipynb").write_text(text, encoding="utf-8")
    found = look_at(project)
    assert (found.frameworks, found.models) == (("llama-index",), ("gpt-4.1",))


def test_a_file_that_cannot_be_looked_at_is_empty(project: Path) -> None:
    assert text_of(project / ("a" * 300), 1_000) == ""


def test_a_folder_of_traps_says_nothing_and_fails_nothing(project: Path) -> None:
    (project / "self").symlink_to(project)
    for name in ("pyproject.toml", "requirements.txt", "a.py"):
        (project / name).symlink_to(name)  # to itself
    (project / "uv.lock").mkdir()
    os.mkfifo(project / "setup.cfg")
    (project / "Pipfile").write_text(f"{'a.' * 3_000}dependencies = ['langchain']", encoding="utf-8")
    (project / "Pipfile.lock").write_text("[" * 100_000, encoding="utf-8")
    (project / "environment.yml").write_text("x" * 1_000_001 + "\nlangchain", encoding="utf-8")
    assert look_at(project) == ((), (), None)
    (project / "pyproject.toml").unlink()
    (project / "pyproject.toml").write_text(f"{'a.' * 3_000}dependencies = ['langchain']", encoding="utf-8")
    assert look_at(project).frameworks == ("langchain",)


@pytest.mark.parametrize("text", ["[", "project = 1\ntool = 2", "package = 3", "package = [1, {name = 2}]", "\0\0"])
def test_files_that_make_no_sense_say_nothing(project: Path, text: str) -> None:
    for name in ("pyproject.toml", "uv.lock", "requirements.txt"):
        (project / name).write_text(text, encoding="utf-8")
    assert look_at(project).models == ()


def test_the_provider_stands_in_where_the_code_names_no_model(project: Path) -> None:
    (project / "requirements.txt").write_text("langchain-anthropic\n", encoding="utf-8")
    result = run("--agent", "a")
    assert "Model: claude-haiku-4-5 (of the provider this project depends on" in result.stdout
    checked("budgets/a.yaml")


def test_models_are_found_in_the_projects_own_code_alone(project: Path) -> None:
    own = 'a = "gpt-4.1"\nb = \'gpt-4.1\'\nc = "openai/gpt-4o-mini"\nd = "hello-1", "command", "text-embedding-3-small"'
    (project / "app.py").write_text(own, encoding="utf-8")
    for folder in (".git", "node_modules", "mine/site-packages", "own"):
        (project / folder).mkdir(parents=True)
        (project / folder / "x.py").write_text('"gpt-4" "gpt-4" "gpt-4"', encoding="utf-8")
    (project / "own" / "pyvenv.cfg").write_text("", encoding="utf-8")
    (project / "large.py").write_text('"gpt-4"' + " " * 1_000_000, encoding="utf-8")
    (project / "notes.txt").write_text('"gpt-4"', encoding="utf-8")
    (project / "link.py").symlink_to(project / "own" / "x.py")
    (project / "bytes.py").write_bytes(b'\xff\x80 "gpt-4.1-nano"')
    os.mkfifo(project / "pipe.py")

    assert look_at(project).models == ("gpt-4.1", "gpt-4.1-nano", "openai/gpt-4o-mini")


def test_no_more_files_are_read_than_it_says(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        (project / f"{name}.py").write_text(f'"gpt-4.{"1" if name < "c" else "5"}"', encoding="utf-8")
    monkeypatch.setattr("leanloop.adapters.cli.init_project._MOST_FILES", 2)
    assert look_at(project).models == ("gpt-4.1",)
    monkeypatch.setattr("leanloop.adapters.cli.init_project._MOST_FOLDERS", 0)
    assert look_at(project).models == ()
