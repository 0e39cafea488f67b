"""Results of tools that only read, given again: for which calls, until when, and what is never kept."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from patience import PATIENCE

from leanloop.budgets.budget import Budget
from leanloop.budgets.cache_rules import CacheRules, ToolCacheRules
from leanloop.budgets.memory import MemoryStore
from leanloop.errors import StoreError
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.event import CacheEvent
from leanloop.plugins.cache.ground import Grounds
from leanloop.plugins.cache.memory import MemoryCache
from leanloop.plugins.cache.single_flight import flight_of
from leanloop.plugins.cache.tool_cache import ToolCache
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.drive_sync import run
from leanloop.plugins.flow import Paused, compose
from leanloop.plugins.task import Task

WEATHER = CacheRules(tools={"get_weather": ToolCacheRules(ttl=600, evicted_by=("set_weather",))})
NONE: Mapping[str, object] = {}
READS: Mapping[str, object] = {"readOnlyHint": True, "ttlMs": 60_000}


class Tools:
    """An agent's tools, each run of which gives another result."""

    def __init__(self, rules: CacheRules = WEATHER, store: MemoryCache | None = None) -> None:
        self.now = 1_000.0
        self.events: list[CacheEvent] = []
        self.store = store or MemoryCache(clock=lambda: self.now, on_event=self.events.append)
        self.grounds = Grounds(store=self.store, on_event=self.events.append)
        self.plugin = ToolCache(self.grounds, clock=lambda: self.now)
        self.budget = Budget(agent="a", cache=rules)
        self.task = self.new_task()
        self.ran: list[ToolCall] = []
        self.answer: Callable[[ToolCall], ToolResult] = lambda _: ToolResult(f"result {len(self.ran)}")

    def new_task(self, **tags: str) -> Task:
        self.task = Task(self.budget, store=MemoryStore(), tags=tags)
        return self.task

    def call(
        self, name: str = "get_weather", arguments: str = '{"city":"Oslo"}', hints: Mapping[str, object] = NONE
    ) -> str:
        call = ToolCall("c1", name, arguments, hints=hints)
        return run(compose((self.plugin.on_tool,), call, self.task), self._send).text

    def _send(self, call: ToolCall) -> ToolResult:
        self.ran.append(call)
        return self.answer(call)


def test_the_same_arguments_get_the_same_result() -> None:
    tools = Tools()
    assert tools.call() == tools.call() == "result 1"
    assert tools.call(arguments='{"city": "Paris"}') == "result 2"
    receipt = tools.task.receipt()
    assert receipt.cache is not None
    assert (receipt.cache.results, receipt.cache.misses) == (1, 2)
    (saving,) = receipt.savings
    assert (saving.what, saving.calls) == ("a result of get_weather was given again", 1)


def test_blanks_and_the_order_of_arguments_make_no_difference() -> None:
    tools = Tools()
    tools.call(arguments='{"city":"Oslo","unit":"C"}')
    assert tools.call(arguments='{ "unit": "C", "city": "Oslo" }') == "result 1"
    assert tools.call(arguments='{"unit":"F","city":"Oslo"}') == "result 2"


def test_a_tool_that_is_not_named_runs_each_time() -> None:
    tools = Tools()
    assert tools.call("send_mail") == "result 1"
    assert tools.call("send_mail") == "result 2"


def test_a_result_has_its_time() -> None:
    tools = Tools()
    tools.call()
    tools.now += 599
    assert tools.call() == "result 1"
    tools.now += 2
    assert tools.call() == "result 2"


def test_a_tool_without_a_time_of_its_own_has_that_of_the_cache() -> None:
    tools = Tools(CacheRules(ttl=10, tools={"get_weather": ToolCacheRules()}))
    tools.call()
    tools.now += 11
    assert tools.call() == "result 2"


def test_a_tool_that_writes_drops_what_it_may_have_changed() -> None:
    tools = Tools()
    tools.call()
    tools.call("set_weather")
    assert tools.call() == "result 3"


def test_it_drops_it_when_it_fails_too() -> None:
    tools = Tools()
    tools.call()

    def fails(call: ToolCall) -> ToolResult:
        raise RuntimeError("half done")

    right, tools.answer = tools.answer, fails
    with pytest.raises(RuntimeError, match="half done"):
        tools.call("set_weather")
    tools.answer = right
    assert tools.call() == "result 3"


def test_what_was_read_while_something_wrote_is_not_kept() -> None:
    tools = Tools()
    began, written = threading.Event(), threading.Event()

    def reads(call: ToolCall) -> ToolResult:
        if call.name == "get_weather":
            began.set()
            assert written.wait(PATIENCE)
            return ToolResult("before it was written")
        return ToolResult("written")

    tools.answer = reads
    results: list[str] = []
    reader = threading.Thread(target=lambda: results.append(tools.call()))
    reader.start()
    assert began.wait(PATIENCE)
    tools.call("set_weather")
    written.set()
    reader.join()
    assert results == ["before it was written"]
    tools.answer = lambda _: ToolResult("after")
    assert tools.call() == "after"


def test_what_was_read_alone_while_something_wrote_is_not_kept() -> None:
    """One who is told to go alone, since nothing could be kept, has not asked when it began."""
    tools = Tools()
    first, second = ToolCall("c1", "get_weather", "{}"), ToolCall("c2", "get_weather", "{}")
    flows = [compose((tools.plugin.on_tool,), call, tools.task) for call in (first, second)]
    began, told = threading.Event(), threading.Event()

    def reads(call: ToolCall) -> ToolResult:
        if call is first:
            began.set()
            assert told.wait(PATIENCE)
        tools.call("set_weather")
        return ToolResult("old")

    tools.answer = lambda call: reads(call) if call.name == "get_weather" else ToolResult("set")
    threads = [threading.Thread(target=run, args=(flow, tools._send)) for flow in flows]
    threads[0].start()
    assert began.wait(PATIENCE)
    threads[1].start()
    flight = flight_of(tools.store)
    while not len(flight._waiters):
        threading.Event().wait(0.002)
    told.set()
    for thread in threads:
        thread.join(PATIENCE)
    tools.answer = lambda _: ToolResult("new")
    assert tools.call(arguments="{}") == "new"


@pytest.mark.parametrize(
    "result", [ToolResult("403 Forbidden", is_error=True), ToolResult("with a picture", plain=False)]
)
def test_what_is_no_good_result_is_not_kept(result: ToolResult) -> None:
    tools = Tools()
    tools.answer = lambda _: result
    assert tools.call() == result.text
    tools.answer = lambda _: ToolResult("good")
    assert tools.call() == "good"


@pytest.mark.parametrize("error", [RuntimeError("down"), Paused(RuntimeError("waits"))])
def test_a_tool_that_raises_runs_again(error: BaseException) -> None:
    tools = Tools()

    def fails(call: ToolCall) -> ToolResult:
        raise error

    tools.answer = fails
    with pytest.raises(type(error)):
        tools.call()
    tools.answer = lambda _: ToolResult("good")
    assert tools.call() == "good"


def test_another_user_has_it_run_for_himself() -> None:
    tools = Tools()
    tools.new_task(user="u1")
    tools.call()
    tools.new_task(user="u2")
    assert tools.call() == "result 2"


def test_ten_at_once_run_it_once() -> None:
    tools = Tools()
    barrier = threading.Barrier(10)
    results: list[str] = []

    def one() -> None:
        barrier.wait()
        results.append(tools.call())

    threads = [threading.Thread(target=one) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["result 1"] * 10


@pytest.mark.parametrize(
    ("believed", "hints", "runs"),
    [
        (True, READS, 1),
        (False, READS, 2),
        (True, {"readOnlyHint": True}, 2),
        (True, {"ttlMs": 60_000}, 2),
        (True, {**READS, "readOnlyHint": "yes"}, 2),
        (True, {**READS, "ttlMs": True}, 2),
        (True, {**READS, "ttlMs": -5}, 2),
        (True, {**READS, "ttlMs": float("inf")}, 2),
        (True, {**READS, "cacheScope": "private"}, 2),
        (True, {**READS, "cacheScope": "public"}, 1),
    ],
)
def test_what_a_tool_says_of_itself_counts_where_the_file_believes_it(
    believed: bool, hints: Mapping[str, object], runs: int
) -> None:
    tools = Tools(replace_rules(hints=believed))
    for _ in range(2):
        tools.call("list_files", hints=hints)
    assert len(tools.ran) == runs


def test_a_public_result_is_everybodys_and_a_private_one_its_users() -> None:
    tools = Tools(replace_rules(hints=True))
    for user in ("u1", "u2"):
        tools.new_task(user=user)
        for _ in range(2):
            tools.call("list_holidays", hints={**READS, "cacheScope": "public"})
            tools.call("list_files", hints={**READS, "cacheScope": "private"})
    assert [call.name for call in tools.ran] == ["list_holidays", "list_files", "list_files"]


def test_a_result_is_given_to_nobody_who_wants_a_newer_one() -> None:
    tools = Tools(replace_rules(tools={"get_weather": 600}))
    tools.call()
    tools.budget = Budget(agent="a", cache=replace_rules(tools={"get_weather": 10}))
    tools.new_task()
    tools.now += 11
    assert tools.call() == "result 2"


def replace_rules(**changes: object) -> CacheRules:
    return CacheRules.model_validate({"tools": {}, **changes})


def test_a_poisoned_entry_runs_the_tool() -> None:
    tools = Tools()
    tools.call()
    (entry,) = tools.store.scan()
    for reply in ("", "[]", '{"result": 7}', "[" * 100_000):
        tools.store.put(Entry(entry.key, reply, tools.now, 600), max_bytes=1_000_000)
        assert tools.call() == f"result {len(tools.ran)}"
        assert tools.events.pop().problem == "damaged"
        assert tools.call() == tools.call() == f"result {len(tools.ran)}"
        tools.store.put(replace(entry, reply=reply), max_bytes=1_000_000)
    assert len(tools.ran) == 9


class _Gone(MemoryCache):
    def claim(self, keys: object, owner: str, lease: float) -> None:  # type: ignore[override]
        raise StoreError("it is gone")

    def put(self, entry: Entry, *, max_bytes: int, generation: int | None = None) -> bool:
        raise StoreError("it is gone")

    def forget(self, *, tag: str | None = None, key: str | None = None) -> None:
        raise StoreError("it is gone")


def test_a_store_that_is_gone_leaves_tools_as_they_are_and_is_said() -> None:
    tools = Tools(store=_Gone())
    assert [tools.call(), tools.call("set_weather"), tools.call()] == ["result 1", "result 2", "result 3"]
    assert {event.problem for event in tools.events} == {"store"}
