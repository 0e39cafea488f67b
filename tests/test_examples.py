"""The examples run, with their script and with the model the environment names."""

from __future__ import annotations

import asyncio
import json
import re
import runpy
import sys
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

import httpx
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

from leanloop import load_budget
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.llama_index.scripted import ScriptedLLM

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
BUDGETS = sorted((EXAMPLES / "budgets").iterdir())


class LocalServer(BaseHTTPRequestHandler):
    """As much of OpenAI's protocol as an agent asks of a server: one tool call, then an answer."""

    protocol_version = "HTTP/1.0"  # one connection a request: the client leaves no socket behind

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        function = {"name": "stock", "arguments": '{"item": "lamp"}'}
        message: dict[str, object] = {"role": "assistant", "content": f"From {asked['model']} at {self.path}."}
        if asked["messages"][-1]["role"] == "user":
            message = {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": function}]}
        reply = {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60},
        }
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the base)
        pass


@pytest.fixture
def local_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), LocalServer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def run(name: str) -> None:
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


@pytest.fixture(autouse=True)
def no_real_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEANLOOP_EXAMPLE_MODEL", raising=False)
    monkeypatch.delenv("LEANLOOP_EXAMPLE_BASE_URL", raising=False)


def test_the_langchain_agent_answers_and_prints_what_it_cost(capsys: pytest.CaptureFixture[str]) -> None:
    run("langchain_agent.py")

    answer, cost = capsys.readouterr().out.splitlines()
    assert "30 days" in answer
    assert re.fullmatch(r"2 model calls, \d+ tokens, \$0\.000\d+", cost)


def test_the_llama_index_agent_answers_and_prints_what_it_cost(capsys: pytest.CaptureFixture[str]) -> None:
    run("llama_index_agent.py")

    answer, cost = capsys.readouterr().out.splitlines()
    assert "30 days" in answer
    assert re.fullmatch(r"2 model calls, \d+ tokens, \$0\.000\d+", cost)


def test_the_llama_index_query_engine_answers_from_this_projects_documents(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["llama_index_query_engine.py"])
    run("llama_index_query_engine.py")

    printed = capsys.readouterr().out
    assert "one sub-agent's honest work would end its parent" in printed
    assert "decisions.md" in printed
    assert re.search(r"^1 model call, \d,?\d+ tokens, \$0\.000\d+$", printed, flags=re.MULTILINE)


def test_the_langgraph_graph_is_kept_to_three_tool_calls(capsys: pytest.CaptureFixture[str]) -> None:
    run("langgraph_graph.py")

    printed = capsys.readouterr().out
    assert "Cairo was not looked up" in printed
    assert "5 model calls, 3 tool calls, 5 cycles" in printed


def test_the_langchain_agent_reads_on_around_the_error_of_a_long_log(capsys: pytest.CaptureFixture[str]) -> None:
    run("langchain_long_results.py")

    shortened, read, answer, saved, cost = capsys.readouterr().out.splitlines()
    assert shortened.startswith("[shortened: ")
    assert "lines 1876-1878" in read
    assert "'width'" in answer
    assert saved.startswith("tool results shortened: ")
    assert cost.startswith("3 model calls, ")


def test_the_llama_index_agent_reads_one_row_of_a_long_table(capsys: pytest.CaptureFixture[str]) -> None:
    run("llama_index_long_results.py")

    answer, saved, cost = capsys.readouterr().out.splitlines()
    assert answer == "Order 1234 came to $64."
    assert saved.startswith("tool results shortened: ")
    assert cost.startswith("3 model calls, ")


def test_the_cached_agent_asks_no_model_twice(capsys: pytest.CaptureFixture[str]) -> None:
    run("langchain_cached_agent.py")

    lines = capsys.readouterr().out.splitlines()
    assert set(lines[::2]) == {"You have 30 days; the label is in the parcel."}
    assert re.fullmatch(r"  2 model calls, \d+ tokens; from the cache: none", lines[1])
    assert lines[3] == "  0 model calls, 0 tokens; from the cache: 2 exact, 1 results"
    assert re.fullmatch(r"  1 model calls, \d+ tokens; from the cache: 1 normal, 1 results", lines[5])


def test_the_cheap_model_is_asked_first_and_what_its_check_does_not_pass_goes_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("langchain_routes.py")

    lines = capsys.readouterr().out.splitlines()
    assert lines[::2] == ["Yes, from 10 to 16.", "It opens at 9:30.", "The last tram leaves at 23:40."]
    asked = [line.removeprefix("  asked: ").partition(";")[0] for line in lines[1::2]]
    assert asked == ["nobody", "gpt-4.1-nano", "gpt-4.1-nano, gpt-4.1"]
    assert lines[1].startswith("  asked: nobody; $0.000000; saved: $0.0000")
    assert "saved: $-0.0000" in lines[5]


def test_only_the_step_that_needs_it_is_thought_about(capsys: pytest.CaptureFixture[str]) -> None:
    run("langchain_thinking.py")

    assert capsys.readouterr().out.splitlines() == [
        "806.",
        "What is 17 * 24 + 398? high: 20 times",
        "Which currency is 12 EUR in? none: 20 times",
    ]


def test_the_small_model_has_its_slip_corrected(capsys: pytest.CaptureFixture[str]) -> None:
    run("langchain_cognitive_tools.py")

    answer, cost, loss = capsys.readouterr().out.splitlines()
    assert "4,896 cans" in answer
    assert re.fullmatch(r"5 model calls, \$0\.00\d+; cognitive tools: estimate_first 1, examine_answer 1", cost)
    assert re.match(r"cognitive tools: -\d+ tokens, \$-0\.00\d+ ", loss)


def test_a_sub_agents_own_budget_ends_its_search_and_is_in_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    run("langchain_deepagents.py")

    answer, cost = capsys.readouterr().out.splitlines()
    assert "as big as Bergen" in answer
    assert re.fullmatch(r"6 model calls, tools: \{'search': 2, 'task': 1\}, \$0\.00\d+", cost)


def test_agents_that_hand_over_draw_from_one_budget(capsys: pytest.CaptureFixture[str]) -> None:
    run("llama_index_workflow.py")

    answer, cost = capsys.readouterr().out.splitlines()
    assert answer == "writer: The tram museum, open since 1912, rests on Mondays."
    assert re.fullmatch(r"3 model calls, tools: \{'look_up': 1, 'handoff': 1\}, \$0\.000\d+", cost)


@pytest.fixture(params=["sqlite", "redis"])
def service_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the service keeps its budgets: a file in a folder of the test's own, or a real server."""
    monkeypatch.chdir(request.getfixturevalue("tmp_path"))
    if request.param == "redis":
        server = request.getfixturevalue("one_redis")
        monkeypatch.setenv("LEANLOOP_SERVICE__STORE", server.url(prefix=uuid.uuid4().hex))


@pytest.mark.usefixtures("service_store")
def test_a_user_who_has_spent_the_day_gets_an_answer_and_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    run("langchain_fastapi.py")

    replies = [line.split(" ", 3) for line in capsys.readouterr().out.splitlines()]
    assert [reply[:2] for reply in replies] == [[user, "200"] for user in (*("ada",) * 5, "ben")]
    assert "The limit of $0.0005 for user=ada per day is reached" in replies[4][3]
    assert "sent back within 30 days" in replies[5][3]
    assert sum(float(reply[2]) for reply in replies[:5]) <= 0.0005


def test_a_service_that_cannot_reach_its_ledger_spends_nothing_and_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEANLOOP_SERVICE__STORE", f"sqlite:///{tmp_path / 'ledger.db'}")
    (tmp_path / "ledger.db").write_text("no database, whatever its name says " * 100)
    service = runpy.run_path(str(EXAMPLES / "langchain_fastapi.py"))

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(service["app"])
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/ask", json={"text": "May I?"}, headers={"X-User": "ada"})

    reply = asyncio.run(post())
    assert reply.status_code == 503
    assert reply.json() == {"error": "StoreError"}


def test_a_model_of_ones_own_costs_nothing_and_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    run("langchain_local_server.py")

    answer, cost = capsys.readouterr().out.splitlines()
    assert answer == "There are 14 lamps."
    assert re.fullmatch(r"2 model calls, \d+ tokens, \$0", cost)


def test_the_environment_names_a_local_server(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, local_server: str
) -> None:
    monkeypatch.setenv("LEANLOOP_EXAMPLE_BASE_URL", local_server)
    run("langchain_local_server.py")

    assert capsys.readouterr().out.splitlines() == [
        "From my-local-model at /v1/chat/completions.",
        "2 model calls, 120 tokens, $0",
    ]


@pytest.mark.usefixtures("service_store")
@pytest.mark.parametrize("service_store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("lang*.py")), ids=lambda path: path.name)
def test_the_environment_names_a_real_model(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def paid_service(name: str) -> BaseChatModel:
        asked.append(name)
        return ScriptedModel(script=[AIMessage("From the paid service.")])

    monkeypatch.setenv("LEANLOOP_EXAMPLE_MODEL", "openai:gpt-4o-mini")
    monkeypatch.setattr("langchain.chat_models.init_chat_model", paid_service)

    run(script.name)

    assert asked == ["openai:gpt-4o-mini"]
    assert "From the paid service." in capsys.readouterr().out


@pytest.mark.parametrize("script", [path.name for path in sorted(EXAMPLES.glob("llama*.py"))])
@pytest.mark.parametrize("named", ["gpt-4o-mini", "openai:gpt-4o-mini"])
def test_the_environment_names_a_real_model_for_llama_index(
    script: str, named: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def paid_service(model: str) -> ScriptedLLM:
        return ScriptedLLM(script=[f"From the paid service, by {model}."])

    monkeypatch.setenv("LEANLOOP_EXAMPLE_MODEL", named)
    monkeypatch.setitem(
        sys.modules, "llama_index.llms.openai", cast("ModuleType", SimpleNamespace(OpenAI=paid_service))
    )

    monkeypatch.setattr(sys, "argv", [script])
    run(script)

    assert "From the paid service, by gpt-4o-mini." in capsys.readouterr().out


@pytest.mark.parametrize("file", BUDGETS, ids=lambda path: path.name)
def test_a_budget_file_is_named_for_its_agent(file: Path) -> None:
    assert load_budget(file, environ={}).agent == file.stem


def test_no_example_is_left_out_of_those_that_run() -> None:
    here = Path(__file__).read_text(encoding="utf-8")

    assert [script.name for script in SCRIPTS if f'run("{script.name}")' not in here] == []
    assert {script.name.partition("_")[0] for script in SCRIPTS} == {"langchain", "langgraph", "llama"}


def test_every_example_is_in_the_list_of_examples() -> None:
    listed = re.findall(r"\]\(([^)]+)\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"))

    there = [str(path.relative_to(EXAMPLES)) for path in (*SCRIPTS, *BUDGETS)]
    assert sorted(listed) == sorted(there)
