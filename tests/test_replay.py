"""Recorded runs sent through the plugins, and the command `leanloop replay`."""

from __future__ import annotations

import gc
import io
import json
import os
import threading
import tracemalloc
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from leanloop.adapters.cli.app import app
from leanloop.adapters.traces.openai import parse_trace, read_traces
from leanloop.adapters.traces.replay import Replayer, replayable
from leanloop.adapters.traces.report import Ending, Report
from leanloop.adapters.traces.trace import Trace
from leanloop.budgets.budget import Budget, Landing
from leanloop.budgets.cache_rules import CacheRules
from leanloop.budgets.context_rules import ContextRules, SummaryRules
from leanloop.budgets.degrade_step import DegradeStep
from leanloop.budgets.event_rules import EventRules
from leanloop.budgets.limit import Limit
from leanloop.budgets.result_rules import ResultRules
from leanloop.budgets.tokens import counter_for
from leanloop.errors import PriceUnknown, TraceError, UsageError
from leanloop.plugins.receipt import Receipt
from leanloop.plugins.task import Task

SYSTEM = {"role": "system", "content": " a" * 1_500}
Record = Mapping[str, object]


def user(text: str = "go") -> Record:
    return {"role": "user", "content": text}


def calls(*requests: tuple[str, str]) -> Record:
    return {"role": "assistant", "content": "", "tool_calls": [{"name": n, "arguments": a} for n, a in requests]}


def tool(text: str, **fields: object) -> Record:
    return {"role": "tool", "content": text, **fields}


def says(text: str = "done") -> Record:
    return {"role": "assistant", "content": text}


def line(*messages: Record, **fields: object) -> bytes:
    return json.dumps({"id": "run", "messages": messages, **fields}).encode() + b"\n"


def trace(*messages: Record, **fields: object) -> Trace:
    return parse_trace(line(*messages, **fields), "t.jsonl", 1)


def budget(**fields: Any) -> Budget:
    limit = Limit(**fields) if fields else None
    return Budget(agent="helper", limits=(limit,) if limit else (), results=None)


def steps(count: int, *, equal: bool = False, text: str = "result") -> list[Record]:
    """That many calls of a tool, each with its result."""
    records: list[Record] = []
    for number in range(count):
        shown = 0 if equal else number
        records += [calls(("look", json.dumps({"at": shown}))), tool(f"{text} {shown}")]
    return records


# How runs end


def test_a_run_within_its_budget_completes_and_costs_what_it_cost_bare() -> None:
    replayed = Replayer(budget(tokens=1_000_000)).replay(trace(SYSTEM, user(), *steps(5), says()))
    assert (replayed.outcome, replayed.why, replayed.reason, replayed.at_call) == ("completed", None, None, None)
    assert replayed.bare == replayed.budgeted
    assert replayed.bare.calls == 6


def test_a_run_past_its_cycles_is_landed_at_the_call_that_had_no_room() -> None:
    replayed = Replayer(budget(cycles=4)).replay(trace(SYSTEM, user(), *steps(9), says("a longer last answer")))
    assert (replayed.outcome, replayed.why, replayed.at_call) == ("landed", "cycles", 4)
    assert replayed.reason is not None
    assert replayed.reason.startswith("The limit of 4 cycles for this task is reached")
    assert replayed.budgeted.calls == 4  # three of the run, and the landing
    assert replayed.bare.calls == 10


def test_a_landing_costs_its_prompt_and_the_mean_reply_but_no_more_than_is_kept_for_it() -> None:
    run = trace(SYSTEM, user(), *steps(2), says(" a" * 400))
    counter = counter_for("gpt-4o")
    replies = [counter.reply(message) for message in run.messages if message.role == "assistant"]
    before = sum(replies[:1])
    mean = Replayer(Budget(agent="a", limits=(Limit(cycles=2),))).replay(run)
    assert mean.budgeted.usage.output == before + -(-sum(replies) // 3)
    kept = Replayer(Budget(agent="a", limits=(Limit(cycles=2),), landing=Landing(tokens=10))).replay(run)
    assert kept.budgeted.usage.output == before + 10
    assert mean.budgeted.usage.input == kept.budgeted.usage.input > mean.bare.usage.input // 2


def test_where_a_landing_has_no_room_nothing_is_billed_for_it() -> None:
    replayed = Replayer(budget(tokens=100)).replay(trace(SYSTEM, user(), says()))
    assert (replayed.outcome, replayed.why, replayed.at_call) == ("landed", "tokens", 1)
    assert (replayed.budgeted.calls, replayed.budgeted.cached) == (0, 0)


def test_a_budget_that_raises_ends_the_run_without_a_landing() -> None:
    held = Budget(agent="a", limits=(Limit(model_calls=2),), at_limit="raise")
    replayed = Replayer(held).replay(trace(user(), *steps(5)))
    assert (replayed.outcome, replayed.why, replayed.at_call) == ("raised", "model_calls", 3)
    assert replayed.budgeted.calls == 2


def test_a_tool_that_raises_ends_the_run_too() -> None:
    held = Budget(agent="a", limits=(Limit(tool_calls=1),), at_limit="raise")
    replayed = Replayer(held).replay(trace(user(), *steps(3)))
    assert (replayed.outcome, replayed.why, replayed.at_call) == ("raised", "tool_calls", 2)


def test_a_reply_longer_than_its_lowered_cap_is_cut_there() -> None:
    run = trace(user(), says(" a" * 600), user("again"), says())
    replayed = Replayer(budget(output_tokens=500)).replay(run)
    assert (replayed.outcome, replayed.why, replayed.at_call) == ("landed", "output_tokens", 1)
    assert replayed.reason is not None
    assert replayed.reason.startswith("A reply of 600 tokens was cut at ")
    assert replayed.budgeted.usage.output <= 500


def test_a_reply_longer_than_the_file_allows_is_cut_by_no_limit() -> None:
    held = Budget(agent="a", limits=(), max_output=100)
    replayed = Replayer(held).replay(trace(user(), says(" a" * 600)))
    assert (replayed.outcome, replayed.why) == ("landed", "output cap")
    assert replayed.budgeted.usage.output == 100
    assert replayed.reason == "A reply of 600 tokens was cut at 100."


def test_a_reply_as_long_as_its_cap_is_whole() -> None:
    held = Budget(agent="a", limits=(Limit(tokens=100_000),), max_output=600)
    assert Replayer(held).replay(trace(user(), says(" a" * 600))).outcome == "completed"


def test_a_loop_is_told_then_answered_then_landed() -> None:
    told = Replayer(budget()).replay(trace(user(), *steps(3, equal=True), says()))
    assert (told.outcome, told.loop_notes, told.answered, told.at_call) == ("told", 1, 0, None)
    answered = Replayer(budget()).replay(trace(user(), *steps(4, equal=True), says()))
    assert (answered.outcome, answered.loop_notes, answered.answered) == ("told", 1, 1)
    landed = Replayer(budget()).replay(trace(user(), *steps(9, equal=True), says()))
    assert (landed.outcome, landed.why) == ("landed", "loop")
    assert landed.reason is not None
    assert "look" in landed.reason
    assert landed.budgeted.calls < landed.bare.calls == 10


def test_what_the_model_is_told_is_billed() -> None:
    told = Replayer(budget()).replay(trace(user(), *steps(3, equal=True), says()))
    assert told.budgeted.calls == told.bare.calls
    assert told.budgeted.usage.input > told.bare.usage.input


def test_a_notice_of_what_is_left_is_no_loop() -> None:
    replayed = Replayer(budget(cycles=8)).replay(trace(user(), *steps(6), says()))
    assert (replayed.outcome, replayed.loop_notes) == ("completed", 0)
    assert replayed.budgeted.usage.input > replayed.bare.usage.input


def test_a_user_who_writes_like_a_note_is_none() -> None:
    replayed = Replayer(budget(cycles=8)).replay(trace(user("[loop] hello"), *steps(6), says()))
    assert replayed.loop_notes == 0


def test_a_tool_past_its_limit_is_refused_and_the_run_goes_on() -> None:
    replayed = Replayer(budget(tool_calls={"look": 2})).replay(trace(user(), *steps(4), says()))
    assert (replayed.outcome, replayed.refused, replayed.answered) == ("told", 2, 0)


def test_an_error_result_is_sent_as_one() -> None:
    records: list[Record] = []
    for number in range(4):
        records += [calls(("look", str(number))), tool("no such file", is_error=True)]
    replayed = Replayer(budget()).replay(trace(user(), *records, says()))
    assert (replayed.outcome, replayed.loop_notes) == ("told", 1)


def test_parallel_calls_each_get_their_own_result() -> None:
    both = calls(("look", "1"), ("look", "2"))
    replayed = Replayer(budget(tool_calls=1)).replay(trace(user(), both, tool("one"), tool("two"), says()))
    assert (replayed.refused, replayed.outcome, replayed.why) == (1, "landed", "tool_calls")


def test_a_run_may_begin_with_the_assistant_or_hold_no_reply_at_all() -> None:
    replayer = Replayer(budget(tokens=100_000))
    assert replayer.replay(trace(says("hi"), user(), says())).bare.calls == 2
    assert replayer.replay(trace(user())).bare.calls == 0


def test_a_tool_result_of_three_hundred_thousand_tokens_stops_at_the_limit() -> None:
    run = trace(user(), calls(("read", "{}")), tool(" a" * 300_000), says())
    replayed = Replayer(budget(tokens=200_000)).replay(run)
    assert (replayed.outcome, replayed.why, replayed.at_call) == ("landed", "tokens", 2)
    assert replayed.bare.usage.input > 300_000
    assert replayed.budgeted.usage.total <= 200_000


def test_runs_share_nothing() -> None:
    replayer = Replayer(budget(cycles=5))
    run = trace(user(), *steps(3), says())
    assert {replayer.replay(run).outcome for _ in range(4)} == {"completed"}


# Limits that cannot be replayed, and money


def test_limits_of_the_clock_and_the_calendar_are_left_out_and_named() -> None:
    limits = (
        Limit(seconds=Decimal(1), cycles=9),
        Limit(per="day", usd=Decimal(1)),
        Limit(per="day", scope="user", usd=Decimal(1)),
        Limit(per="hour", tokens=5),
    )
    kept, left_out = replayable(Budget(agent="a", limits=limits))
    assert kept.limits == (Limit(cycles=9),)
    assert left_out == ("seconds", "limits per day", "limits per hour")
    assert replayable(Budget(agent="a", limits=(Limit(seconds=Decimal(1)),)))[0].limits == ()


def test_what_another_model_or_the_same_would_have_said_to_less_is_left_out_and_named() -> None:
    summed_up = ContextRules(keep=2, summary=SummaryRules())
    given = Budget(
        agent="a", degrade=(DegradeStep(to="gpt-4o-mini"),), context=summed_up, cache=CacheRules(), limits=()
    )
    kept, left_out = replayable(given)
    assert (kept.degrade, kept.context, kept.cache) == ((), ContextRules(keep=2), None)
    assert left_out == ("degrade", "cache", "context.summary")


def test_a_replay_writes_nothing_where_its_budget_says() -> None:
    given = Budget(
        agent="a",
        results=ResultRules(store="sqlite:///results.db", max_bytes=10**12),
        events=EventRules(file="e.jsonl"),
    )
    kept, left_out = replayable(given)
    assert kept.results is not None
    assert (kept.results.store, kept.events) == ("memory", None)
    assert kept.results.max_bytes < 10**9
    assert left_out == ()


def test_with_prefix_caching_a_limit_in_usd_lasts_longer() -> None:
    run = trace(SYSTEM, user(), *steps(30), says())
    replayer = Replayer(budget(usd=0.05))
    cached, uncached = replayer.replay(run), replayer.replay(run, caching=False)
    assert cached.at_call is not None
    assert uncached.at_call is not None
    assert cached.at_call > uncached.at_call
    assert cached.budgeted.cached is not None
    assert cached.budgeted.cached <= 50_000_000
    assert uncached.budgeted.uncached is not None
    assert uncached.budgeted.uncached <= 50_000_000


def test_an_unknown_model_is_refused_only_where_money_is_limited() -> None:
    with pytest.raises(PriceUnknown):
        Replayer(budget(usd=1), "nobody-knows")
    replayer = Replayer(budget(tokens=100_000), "nobody-knows")
    assert not replayer.priced
    assert replayer.replay(trace(user(), says())).budgeted.cached is None


some_steps = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", " z" * 500]), st.integers(0, 80)), max_size=12
)
some_limits = st.fixed_dictionaries(
    {},
    optional={
        "tokens": st.integers(0, 20_000),
        "usd": st.integers(0, 40).map(lambda cents: cents / 100),
        "cycles": st.integers(0, 8),
        "tool_calls": st.integers(0, 6),
        "output_tokens": st.integers(0, 500),
    },
).filter(bool)


@settings(deadline=None, max_examples=80)
@given(some_steps, some_limits, st.booleans(), st.booleans())
def test_no_replayed_run_passes_its_limits(
    run_steps: list[tuple[str, str, int]], limits: dict[str, Any], caching: bool, raises: bool
) -> None:
    records: list[Record] = [user()]
    for name, text, words in run_steps:
        records += [{**calls((name, "{}")), "content": " a" * words}, tool(text)]
    held = Budget(agent="a", limits=(Limit(**limits),), at_limit="raise" if raises else "land")
    run = trace(*records, says())
    replayed = Replayer(held).replay(run, caching=caching)
    amounts = held.limits[0].amounts()
    spent = replayed.budgeted
    assert spent.usage.total <= amounts.get("tokens", spent.usage.total)
    assert spent.usage.output <= amounts.get("output_tokens", spent.usage.output)
    cost = spent.cached if caching else spent.uncached
    assert cost is not None
    assert cost <= amounts.get("usd", cost)
    assert spent.calls <= amounts.get("cycles", spent.calls)
    assert (replayed.at_call is None) == (replayed.why is None) == (replayed.outcome in ("completed", "told"))
    assert replayed.bare.calls == len(run_steps) + 1


def test_what_is_billed_is_what_the_task_s_receipt_says(monkeypatch: pytest.MonkeyPatch) -> None:
    receipts: list[Receipt] = []
    close = Task.close

    def keep(self: Task) -> None:
        receipts.append(self.receipt())
        close(self)

    monkeypatch.setattr(Task, "close", keep)
    replayed = Replayer(budget(usd=0.05)).replay(trace(SYSTEM, user(), *steps(30), says()))
    receipt = receipts[0]
    assert (receipt.usage, receipt.cost, receipt.model_calls) == (
        replayed.budgeted.usage,
        replayed.budgeted.cached,
        replayed.budgeted.calls,
    )


# Reports


def test_a_report_counts_runs_by_what_they_came_to_and_how_they_ended() -> None:
    replayer = Replayer(budget(cycles=3))
    report = Report(keep=1)
    for reward in (1.0, 0.5, None):
        run = trace(user(), *steps(6), says(), meta={"reward": reward})
        report.add(run, replayer.replay(run), replayer.replay(run))
    report.bad.add(TraceError("is bad", file="f", line=1))
    assert report.endings == {
        Ending("successful", "landed: cycles"): 1,
        Ending("failed", "landed: cycles"): 1,
        Ending("unknown", "landed: cycles"): 1,
    }
    assert (report.runs, report.stopped_runs, report.moved, report.bad.count) == (3, 3, 0, 1)
    assert [(row.id, row.at_call, row.calls, row.reward) for row in report.stopped] == [("run", 3, 7, 1.0)]


def test_many_runs_are_replayed_in_constant_memory() -> None:
    # Few different texts, so that the counter's memo of texts, which has a size of its own, is full from the start.
    texts = [f"{number} {'word ' * 2_000}" for number in range(20)]
    replayer, report = Replayer(budget(cycles=2)), Report()
    kept: list[int] = []
    tracemalloc.start()
    try:
        for number in range(801):
            one = io.BytesIO(line(user(texts[number % 20]), *steps(2), says(), id=number, meta={"reward": 1}))
            for run in read_traces(one, "t.jsonl"):
                assert isinstance(run, Trace)
                replayed = replayer.replay(run)
                report.add(run, replayed, replayed)
            if number % 400 == 0:
                gc.collect()  # a task is a ring: its lineage begins with itself
                kept.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert report.runs == 801
    assert kept[2] - kept[1] < 500_000  # four hundred runs are 4 MB


# The command


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "220")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "budget.yaml").write_text("agent: helper\nlimits: [{cycles: 4}]\n", encoding="utf-8")
    runs = [
        line(user(), *steps(2), says(), meta={"reward": 1.0}),
        line(user(), *steps(8), says(), meta={"reward": 0.0}),
        line(SYSTEM, user(), *steps(3, equal=True), meta={}),
    ]
    (tmp_path / "runs.jsonl").write_bytes(b"".join(runs))
    return tmp_path


def run(folder: Path, *arguments: str, budget_text: str | None = None) -> Result:
    if budget_text is not None:
        (folder / "budget.yaml").write_text(budget_text, encoding="utf-8")
    given = [str(folder / name) if name.endswith(".jsonl") else name for name in arguments]
    return CliRunner().invoke(app, ["replay", "--budget", str(folder / "budget.yaml"), *given])


def report_of(result: Result) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def test_the_command_prints_costs_endings_and_the_stopped_runs(files: Path) -> None:
    result = run(files, "runs.jsonl")
    assert result.exit_code == 0, result.output
    for words in [
        "3 runs as gpt-4o, under the budget of helper",
        "successful (1)",
        "failed (1)",
        "unknown (1)",
        "landed: cycles",
        "1 runs would have been stopped",
        "4 of 9",
        "The limit of 4 cycles for this task is reached",
    ]:
        assert words in result.stdout
    assert result.stderr == ""
    assert "Not replayed" not in result.stdout


def test_the_command_s_json_holds_the_same(files: Path) -> None:
    report = report_of(run(files, "runs.jsonl", "--json"))
    assert report["runs"] == 3
    assert report["endings"] == {
        "successful": {"completed": 1},
        "failed": {"landed: cycles": 1},
        "unknown": {"completed": 1},  # it ended before the model would have been told
    }
    assert report["without_caching"]["bare"]["cached_input"] == 0
    assert report["with_caching"]["bare"]["cached_input"] > 0
    assert report["with_caching"]["bare"]["model_calls"] == 15
    assert report["with_caching"]["budget"]["model_calls"] == 10
    assert float(report["with_caching"]["bare"]["usd"]) < float(report["without_caching"]["bare"]["usd"])
    stopped = report["stopped"][0]
    assert (stopped["id"], stopped["at_call"], stopped["calls"], stopped["why"]) == ("run", 4, 9, "cycles")


def test_bad_lines_are_counted_named_and_make_the_exit_code_one(files: Path) -> None:
    (files / "bad.jsonl").write_bytes(b"{}\n" * 7 + line(user(), says()))
    result = run(files, "bad.jsonl", "runs.jsonl", "--json")
    assert result.exit_code == 1
    report = report_of(result)
    assert (report["runs"], report["bad_lines"], len(report["first_bad_lines"])) == (4, 7, 5)
    assert "bad.jsonl:1: is not a recorded run" in result.stderr
    assert "7 of the lines are no runs and were left out (2 more not named here)" in result.stderr


def test_strict_stops_at_the_first_bad_line(files: Path) -> None:
    (files / "bad.jsonl").write_bytes(line(user(), says()) + b"\xff\n")
    result = run(files, "bad.jsonl", "--strict")
    assert isinstance(result.exception, TraceError)
    assert "bad.jsonl:2: is not UTF-8" in str(result.exception)
    assert result.stdout == ""


def test_a_limit_of_runs_leaves_the_rest_unread(files: Path) -> None:
    (files / "bad.jsonl").write_bytes(b"{}\n")
    result = run(files, "runs.jsonl", "bad.jsonl", "--limit", "3", "--json")
    assert result.exit_code == 0
    assert report_of(result)["runs"] == 3


def test_stopped_runs_are_listed_up_to_twenty_or_all(files: Path) -> None:
    (files / "many.jsonl").write_bytes(line(user(), *steps(8), says()) * 25)
    assert "25 runs would have been stopped, the first 20" in run(files, "many.jsonl").stdout
    assert len(report_of(run(files, "many.jsonl", "--json"))["stopped"]) == 20
    assert len(report_of(run(files, "many.jsonl", "--json", "--all"))["stopped"]) == 25


def test_no_runs_at_all_is_said(files: Path) -> None:
    (files / "none.jsonl").write_bytes(b"\n")
    result = run(files, "none.jsonl")
    assert result.exit_code == 0
    assert "0 runs as gpt-4o" in result.stdout


def test_what_cannot_be_replayed_is_said_once(files: Path) -> None:
    text = "agent: helper\nlimits: [{cycles: 9, seconds: 5}, {per: day, usd: 1}]\n"
    result = run(files, "runs.jsonl", "runs.jsonl", budget_text=text)
    assert result.stdout.count("Not replayed, because a recording does not show it: seconds, limits per day.") == 1


def test_runs_that_end_elsewhere_without_caching_are_said(files: Path) -> None:
    (files / "long.jsonl").write_bytes(line(SYSTEM, user(), *steps(30), says()))
    result = run(files, "long.jsonl", budget_text="agent: helper\nlimits: [{usd: 0.05}]\n")
    assert "1 runs end elsewhere where the provider does not cache" in result.stdout


def test_a_model_without_a_price_is_said(files: Path) -> None:
    result = run(files, "runs.jsonl", "--model", "nobody-knows")
    assert "No price is known for nobody-knows" in result.stdout
    assert "no price" in result.stdout
    refused = run(files, "runs.jsonl", "--model", "nobody-knows", budget_text="agent: a\nlimits: [{usd: 1}]\n")
    assert isinstance(refused.exception, PriceUnknown)


def test_names_cannot_speak_to_the_terminal(files: Path) -> None:
    (files / "evil.jsonl").write_bytes(line(user(), *steps(8), says(), id="\x1b]0;owned\x07[red]x"))
    stdout = run(files, "evil.jsonl").stdout
    assert "\x1b]0" not in stdout
    assert "[red]x" in stdout


def test_a_file_that_cannot_be_read_is_an_error(files: Path) -> None:
    result = run(files, "absent.jsonl")
    assert result.exit_code == 1
    assert "absent.jsonl cannot be read: No such file or directory." in str(result.exception)


def test_a_pipe_is_read_too(files: Path) -> None:
    pipe = files / "pipe.jsonl"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=((files / "runs.jsonl").read_bytes(),), daemon=True)
    writer.start()
    assert report_of(run(files, "pipe.jsonl", "--json"))["runs"] == 3
    writer.join()


def test_standard_input_is_read_by_a_dash(files: Path) -> None:
    arguments = ["replay", "-", "--budget", str(files / "budget.yaml"), "--json"]
    result = CliRunner().invoke(app, arguments, input=(files / "runs.jsonl").read_bytes())
    assert report_of(result)["runs"] == 3


@pytest.mark.parametrize("name", ["{0}", "{0}/runs*.jsonl", "{0}/runs.jsonl {0}/ru*.jsonl"])
def test_folders_and_patterns_name_each_file_once(files: Path, name: str) -> None:
    folder = files / "recorded"
    folder.mkdir()
    (folder / "runs.jsonl").write_bytes((files / "runs.jsonl").read_bytes())
    (folder / "notes.txt").write_text("no runs")
    arguments = ["replay", *name.format(folder).split(), "--budget", str(files / "budget.yaml"), "--json"]
    assert report_of(CliRunner().invoke(app, arguments))["runs"] == 3


def test_a_folder_without_runs_says_which_files_are_read(files: Path) -> None:
    (files / "empty").mkdir()
    result = run(files, str(files / "empty"))
    assert "There is no file of recorded runs in" in str(result.exception)
    assert ".jsonl.gz" in str(result.exception)


@pytest.mark.parametrize("name", ["none*.jsonl", "n" * 300, "nothing\0"])
def test_names_of_nothing_are_refused(files: Path, name: str) -> None:
    result = CliRunner().invoke(app, ["replay", name, "--budget", str(files / "budget.yaml")])
    assert isinstance(result.exception, UsageError)
    assert "cannot be read" in str(result.exception)


def test_the_progress_bar_goes_to_stderr(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    result = run(files, "runs.jsonl", "--json")
    assert "replaying" in result.stderr
    assert report_of(result)["runs"] == 3


def data_sets() -> Iterator[Path]:
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    return folder.glob("*/trajectories.jsonl")


@pytest.mark.parametrize("path", sorted(data_sets()), ids=lambda path: path.parent.name)
def test_the_shared_sets_are_replayed_whole(path: Path, files: Path) -> None:
    result = run(files, str(path), "--json", "--limit", "40")
    assert result.exit_code == 0
    report = report_of(result)
    assert report["bad_lines"] == 0
    assert report["runs"] == min(40, len(path.read_bytes().splitlines()))
