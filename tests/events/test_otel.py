"""What OpenTelemetry is told, read back by its SDK, in the words of the conventions' own list."""

# The conventions for generative AI moved to a repository of their own, which has no package yet:
# pyright: reportDeprecated=false
# mypy: disable-error-code="deprecated"
from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings
import weakref
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from patience import PATIENCE

from leanloop import Budget
from leanloop.adapters.event_sinks import checked_otel
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.otel import OtelSink
from leanloop.adapters.otel_tasks import OpenTasks, _end_all  # pyright: ignore[reportPrivateUsage]
from leanloop.budgets.event_rules import EventRules
from leanloop.budgets.usage import Usage
from leanloop.errors import MissingExtra
from leanloop.plugins.events.event import (
    Alerted,
    Event,
    Gated,
    Hit,
    Landed,
    Of,
    Refused,
    Saved,
    Settled,
    TaskBegan,
    TaskEnded,
    Text,
    ToolEnded,
)

pytest.importorskip("opentelemetry.sdk", reason="opentelemetry-sdk is not installed")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as names
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.trace import SpanKind, StatusCode

OF = Of("t1", "support", tags={"user": "u1"})
CALL = Settled(
    OF, 100.0, "c1", "gpt-4o-mini", "openai", "plan", None, Usage(100, 20, cached_input=40, reasoning=5), 21_000, 2.0
)


class Told:
    """A sink, and what it told."""

    def __init__(self) -> None:
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self._meters = MeterProvider([self._reader])
        self.sink = OtelSink(self.tracers, self._meters)

    def tell(self, *events: Event) -> list[ReadableSpan]:
        for event in events:
            self.sink(event)
        return list(self._spans.get_finished_spans())

    def metrics(self) -> dict[str, list[Any]]:
        data = self._reader.get_metrics_data()
        assert data is not None
        return {
            metric.name: list(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def shutdown(self) -> None:
        self.tracers.shutdown()
        self._meters.shutdown()


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    yield made
    made.shutdown()


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_model_call_is_a_client_span_in_the_words_of_the_conventions(told: Told) -> None:
    (span,) = told.tell(CALL)

    assert (span.name, span.kind) == ("chat gpt-4o-mini", SpanKind.CLIENT)
    assert (span.start_time, span.end_time) == (98_000_000_000, 100_000_000_000)
    assert attributes(span) == {
        names.GEN_AI_OPERATION_NAME: names.GenAiOperationNameValues.CHAT.value,
        names.GEN_AI_PROVIDER_NAME: names.GenAiProviderNameValues.OPENAI.value,
        names.GEN_AI_REQUEST_MODEL: "gpt-4o-mini",
        names.GEN_AI_AGENT_NAME: "support",
        names.GEN_AI_USAGE_INPUT_TOKENS: 100,
        names.GEN_AI_USAGE_OUTPUT_TOKENS: 20,
        names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: 40,
        names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: 5,
        "leanloop.task": "t1",
        "leanloop.phase": "plan",
        "leanloop.estimated": False,
        "leanloop.cost_usd": 0.000021,
    }


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("aws", names.GenAiProviderNameValues.AWS_BEDROCK),
        ("azure", names.GenAiProviderNameValues.AZURE_AI_OPENAI),
        ("google", names.GenAiProviderNameValues.GCP_GEN_AI),
        ("mistral", names.GenAiProviderNameValues.MISTRAL_AI),
        ("x-ai", names.GenAiProviderNameValues.X_AI),
    ],
)
def test_providers_have_the_names_of_the_conventions(
    told: Told, ours: str, theirs: names.GenAiProviderNameValues
) -> None:
    (span,) = told.tell(Settled(OF, 1.0, "c", "m", ours))

    assert attributes(span)[names.GEN_AI_PROVIDER_NAME] == theirs.value


def test_a_call_whose_provider_is_not_known_says_so(told: Told) -> None:
    (span,) = told.tell(Settled(OF, 1.0, "c", "m"))

    assert attributes(span)[names.GEN_AI_PROVIDER_NAME] == "_OTHER"


def test_tokens_seconds_and_money_are_metrics_with_the_advised_buckets(told: Told) -> None:
    told.tell(CALL)
    metrics = told.metrics()

    points: list[HistogramDataPoint] = metrics[gen_ai_metrics.GEN_AI_CLIENT_TOKEN_USAGE]
    assert {dict(point.attributes or {})[names.GEN_AI_TOKEN_TYPE]: point.sum for point in points} == {
        "input": 100,
        "output": 20,
    }
    assert list(points[0].explicit_bounds) == [4**n for n in range(14)]
    (duration,) = metrics[gen_ai_metrics.GEN_AI_CLIENT_OPERATION_DURATION]
    assert duration.sum == 2.0
    assert (duration.explicit_bounds[0], duration.explicit_bounds[-1]) == (0.01, 81.92)
    (cost,) = metrics["leanloop.cost"]
    assert cost.value == pytest.approx(0.000021)
    assert "t1" not in str(metrics)
    assert "u1" not in str(metrics)


def test_a_failed_call_is_an_error_and_tells_no_tokens_where_none_were_billed(told: Told) -> None:
    (span,) = told.tell(Settled(OF, 9.0, "c", "m", "openai", "plan", None, Usage(), 0, 1.0, "RateLimitError"))
    metrics = told.metrics()

    assert span.status.status_code is StatusCode.ERROR
    assert attributes(span)["error.type"] == "RateLimitError"
    assert gen_ai_metrics.GEN_AI_CLIENT_TOKEN_USAGE not in metrics
    (duration,) = metrics[gen_ai_metrics.GEN_AI_CLIENT_OPERATION_DURATION]
    assert dict(duration.attributes)["error.type"] == "RateLimitError"


def test_embeddings_have_no_output(told: Told) -> None:
    (span,) = told.tell(Settled(OF, 9.0, "c", "text-embedding-3-small", "openai", "embedding", None, Usage(50), 1))

    assert span.name == "embeddings text-embedding-3-small"
    assert names.GEN_AI_USAGE_OUTPUT_TOKENS not in attributes(span)
    assert len(told.metrics()[gen_ai_metrics.GEN_AI_CLIENT_TOKEN_USAGE]) == 1


def test_a_task_is_a_span_and_what_happens_in_it_is_below(told: Told) -> None:
    inner = Of("t2", "inner", ("t1",))
    spans = told.tell(
        TaskBegan(OF, 90.0),
        CALL,
        TaskBegan(inner, 101.0),
        ToolEnded(inner, 103.0, "search", 0.5, is_error=True),
        TaskEnded(inner, 104.0, landed=True, stopped="The limit is reached."),
        TaskEnded(OF, 110.0, stopped="The limit is reached."),
    )

    by_name = {span.name: span for span in spans}
    agent, sub = by_name["invoke_agent support"], by_name["invoke_agent inner"]
    assert (agent.start_time, agent.end_time) == (90_000_000_000, 110_000_000_000)
    for name, parent in {
        "chat gpt-4o-mini": agent,
        "invoke_agent inner": agent,
        "execute_tool search": sub,
    }.items():
        above = by_name[name].parent
        assert above is not None
        assert above.span_id == parent.get_span_context().span_id, name  # type: ignore[union-attr]
    assert (sub.status.status_code, agent.status.status_code) == (StatusCode.UNSET, StatusCode.ERROR)
    assert by_name["execute_tool search"].status.status_code is StatusCode.ERROR
    assert {point.sum for point in told.metrics()["gen_ai.invoke_agent.duration"]} == {20.0, 3.0}


def test_what_happens_is_below_the_users_own_span(told: Told) -> None:
    tracer = told.tracers.get_tracer("app")
    with tracer.start_as_current_span("request") as request:
        told.tell(TaskBegan(OF, 90.0))
        with tracer.start_as_current_span("node") as node:
            told.tell(CALL)
        spans = told.tell(TaskEnded(OF, 110.0))

    parents = {span.name: span.parent.span_id for span in spans if span.parent is not None}
    assert parents["invoke_agent support"] == request.get_span_context().span_id
    assert parents["chat gpt-4o-mini"] == node.get_span_context().span_id


def test_a_task_that_goes_on_after_its_end_has_a_span_again(told: Told) -> None:
    spans = told.tell(TaskBegan(OF, 90.0), TaskEnded(OF, 95.0), CALL, TaskEnded(OF, 101.0), TaskEnded(OF, 102.0))

    begun = [(span.start_time, span.end_time) for span in spans if span.name == "invoke_agent support"]
    assert begun == [(90_000_000_000, 95_000_000_000), (98_000_000_000, 101_000_000_000)]


def test_of_runs_that_never_end_only_so_many_are_kept_open(told: Told) -> None:
    spans = told.tell(*(TaskBegan(Of(f"t{n}", "a"), 1.0) for n in range(1_030)))

    assert [span.attributes["leanloop.task"] for span in spans if span.attributes] == [f"t{n}" for n in range(6)]


def test_what_is_still_open_ends_with_the_process(told: Told) -> None:
    told.tell(TaskBegan(OF, 1.0))
    tasks = told.sink._tasks  # pyright: ignore[reportPrivateUsage]
    _end_all(weakref.ref(tasks))

    assert [span.name for span in told.tell()] == ["invoke_agent support"]
    del tasks
    gone = weakref.ref(OpenTasks(told.tracers.get_tracer("app")))
    _end_all(gone)
    assert gone() is None


def test_text_is_told_only_where_it_came(told: Told) -> None:
    silent, spoken = told.tell(CALL, Settled(OF, 2.0, "c", "m", text=Text("question", "answer")))

    assert "leanloop.asked" not in attributes(silent)
    assert (attributes(spoken)["leanloop.asked"], attributes(spoken)["leanloop.answered"]) == ("question", "answer")


def test_limits_savings_and_what_else_happens_are_counted(told: Told) -> None:
    limits = {"this task: usd": (50, 100), "user=u1 per day: tokens": (1, 0)}
    told.tell(
        Settled(OF, 2.0, "c", "m", limits=limits),
        Saved(OF, 3.0, "cache", "an answer", "counted", 1, 10, 2_000_000_000),
        Saved(OF, 3.0, "scaffold", "calls", "counted", 1, -10, -500_000_000),
        Refused(OF, 4.0, "this task", "usd", 1, 1, 1),
        Hit(OF, 4.0, "alike"),
        Gated(OF, 4.0, "thinking", "high"),
        Alerted(OF, 4.0, "share", "80 % ..."),
        Landed(OF, 5.0, "reason"),
    )
    metrics = told.metrics()

    (share,) = metrics["leanloop.limit.share"]
    assert (share.sum, dict(share.attributes)["leanloop.resource"]) == (0.5, "usd")
    assert {dict(one.attributes)["leanloop.plugin"]: one.value for one in metrics["leanloop.saved"]} == {
        "cache": 2.0,
        "scaffold": -0.5,
    }
    kinds = {dict(one.attributes)["leanloop.event"] for one in metrics["leanloop.events"]}
    assert kinds == {"refused", "hit", "gated", "alert", "landed"}


def test_without_the_package_the_budget_is_refused_at_the_start_with_the_pip_line() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from leanloop.adapters.event_sinks import checked_otel\n"
        "from leanloop import Budget\n"
        "checked_otel(Budget(agent='a'))\n"
        "checked_otel(Budget(agent='a', events={'otel': True}))\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr.splitlines()[-1] == (
        "leanloop.errors.MissingExtra: opentelemetry-api is not installed. "
        "Install it with: pip install 'leanloop[otel]'"
    )


def test_one_sink_of_the_process_is_made_where_a_budget_asks_for_it() -> None:
    make = checked_otel(Budget(agent="a", events=EventRules(otel=True)))

    assert isinstance(make(), OtelSink)
    assert checked_otel(Budget(agent="b"))() is make()


def test_the_sink_without_the_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingExtra, match=r"leanloop\[otel\]"):
        OtelSink()


def test_the_file_switches_it_on(create_agent: Any, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanloop.adapters.event_sinks._otel", lambda: told.sink)
    budget = Budget(agent="support", events=EventRules(otel=True))
    agent = create_agent(ScriptedModel(script=[AIMessage("done")]), middleware=[LeanLoop(budget)])
    agent.invoke({"messages": "hello"})

    assert [span.name for span in told.tell()] == ["chat gpt-4o-mini", "invoke_agent support"]


def test_tools_that_a_model_makes_up_are_no_series_of_their_own(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanloop.adapters.otel._MOST_TOOLS", 2)
    spans = told.tell(*(ToolEnded(OF, 100.0, f"tool{n}", 0.1) for n in (1, 2, 3, 4, 1)))

    points = told.metrics()["gen_ai.execute_tool.duration"]
    assert sorted(point.attributes["gen_ai.tool.name"] for point in points) == ["_OTHER", "tool1", "tool2"]
    assert [span.name for span in spans] == [f"execute_tool tool{n}" for n in (1, 2, 3, 4, 1)]


def test_names_that_are_no_text_lose_no_batch_of_an_exporter(told: Told) -> None:
    settled = replace(CALL, model="\udc00", text=Text("\ud800", "yes"))
    span, call = told.tell(ToolEnded(OF, 100.0, "half \ud83d a pair" + "x" * 500, 0.1), settled)

    for one in (span, call):
        assert one.name.encode()
        assert all(str(value).encode() for value in (one.attributes or {}).values())
    assert len(span.name) <= len("execute_tool ") + 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_ends_none_of_its_parents_tasks_and_waits_for_none_of_its_locks(told: Told) -> None:
    tasks = told.sink._tasks  # pyright: ignore[reportPrivateUsage]
    told.tell(TaskBegan(OF, 90.0))
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with tasks._lock:  # pyright: ignore[reportPrivateUsage]
            held.set()
            release.wait(PATIENCE)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(PATIENCE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on: there are threads
        child = os.fork()
    if child == 0:
        os._exit(0 if not tasks._open and tasks._lock.acquire(blocking=False) else 1)  # pyright: ignore[reportPrivateUsage]
    release.set()
    thread.join()

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(tasks._open) == 1  # pyright: ignore[reportPrivateUsage]
