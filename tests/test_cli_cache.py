"""The commands of `leanloop cache` on real stores."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from leanloop.adapters.cli.app import app
from leanloop.errors import BudgetFileError, StoreError, UsageError
from leanloop.plugins.cache import stores
from leanloop.plugins.cache.cache_file import write_entries
from leanloop.plugins.cache.calibration import Calibration, calibration_entry
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.live import Live, new_record
from leanloop.plugins.cache.sqlite_cache import SqliteCache
from leanloop.plugins.cache.store import CacheStore
from leanloop.plugins.cache.stores import open_cache
from leanloop.plugins.cache.verify import POLICY
from leanloop.plugins.steps import perform

BUDGET = """
agent: support
store: sqlite:///cache.db
cache: {max_false_hits: 10%, semantic: on, max_bytes: 1MB}
"""

EMBEDDER = """
import zlib
import numpy as np
from leanloop.plugins.cache.embedder import CallableEmbedder

def words(texts):
    rows = np.full((len(texts), 512), 1e-4)
    for row, text in zip(rows, texts):
        for word in text.lower().rstrip("?").split():
            row[zlib.crc32(word.encode()) % 512] += 1
    return rows

embedder = CallableEmbedder(words, name="words", max_tokens=100)

def make():
    return embedder

def broken():
    raise ValueError("no weights")

number = 5

class Holder:
    inner = embedder
"""

THINGS = ["carpet", "lamp", "camera", "bicycle", "window", "door", "table", "chair", "kettle", "oven"]
TOOLS = ["hammer", "brush", "needle", "cloth"]
FINGERPRINT = "ab12"


class Server(Protocol):
    """tests/conftest.py's RedisServer."""

    def url(self, path: str = "/0", *, user: str = "", **options: str) -> str: ...


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a budget file and an embedder, in which the commands are run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(stores, "_open", dict[str, CacheStore]())  # relative addresses are of another folder
    for name in ("LEANLOOP__STORE", "LEANLOOP__CACHE__STORE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "budget.yaml").write_text(BUDGET, encoding="utf-8")
    (tmp_path / "toy_words.py").write_text(EMBEDDER, encoding="utf-8")
    yield tmp_path
    sys.modules.pop("toy_words", None)


@pytest.fixture
def store(here: Path) -> Iterator[CacheStore]:
    """The cache of the budget file, as an agent's process has it."""
    with closing(SqliteCache(here / "cache.db")) as opened:
        yield opened


def run(*arguments: object, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, ["cache", *map(str, arguments)], input=answer)


def told(*arguments: object) -> Any:
    """What a command prints for programs."""
    result = run(*arguments, "--json")
    assert result.exit_code in {0, 1}, result.output
    return json.loads(result.stdout)


def keep(store: CacheStore, *entries: Entry) -> None:
    for entry in entries:
        assert store.put(entry, max_bytes=10**6)


def answer(key: str = "a1", agent: str = "support", model: str = "gpt-4o-mini", **changes: Any) -> Entry:
    entry = Entry(
        key,
        '{"text": "In 30 days."}',
        time.time() - 60,
        3_600,
        context="c1",
        text=f"How do I send {key} back?",
        tags=(f"agent:{agent}", f"model:{model}"),
        label=f"{agent}: {model}",
        vector=np.array([1, 0, 0], dtype=np.float32),
    )
    return replace(entry, **changes)


def result_of(tool: str, key: str = "t1", agent: str = "support") -> Entry:
    tags = (f"agent:{agent}", f"tool:{tool}")
    return Entry(key, '{"result": "12 C"}', time.time(), 600, tags=tags, label=f"{agent}: {tool}")


def calibration(**changes: Any) -> Entry:
    found = Calibration(0.9, 0.1, 0.05, 100, 50, 0, 2_000, 60, "support", "words", FINGERPRINT)
    return calibration_entry(replace(found, **changes), POLICY, time.time())


def check_hits(store: CacheStore, right: int, wrong: int) -> None:
    live = Live(store, "support", FINGERPRINT, POLICY)
    for each in [True] * wrong + [False] * right:
        perform(live.add(wrong=each))


def pairs(folder: Path, count: int = 40, *more: object) -> Path:
    """That many questions, half of which mean the same as a known one."""
    lines: list[object] = []
    for number in range(count):
        thing, tool = THINGS[number % 10], TOOLS[number // 10 % 4]
        known = f"How do I fix a {thing} with a {tool}?"
        if number % 2:
            lines.append({"asked": f"How can I repair a {thing} with a {tool}?", "known": known, "same": True})
        else:
            lines.append({"asked": f"Where can I buy a {thing} and a {tool}?", "known": known, "same": False})
    path = folder / "pairs.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in [*lines, *more]) + "\n\n", encoding="utf-8")
    return path


def test_stats_say_what_is_held_and_what_was_found(store: CacheStore) -> None:
    keep(store, answer("a1"), answer("a2", text="", vector=None), result_of("get_weather"), answer("b1", agent="other"))
    store.find(["a1"])
    store.find(["nowhere"])
    shown = run("stats", "budget.yaml")
    assert shown.exit_code == 0
    for words in ("4 entries", "get_weather 1", "other", "1.0 MB in all", "No threshold was found yet"):
        assert words in shown.stdout
    known = told("stats", "budget.yaml")
    assert (known["store"], known["entries"], known["vectors"], known["puts"]) == ("sqlite:///cache.db", 4, 2, 4)
    assert (known["hits"]["exact"], known["misses"], known["alike"]) == (1, 1, [])
    support = next(agent for agent in known["agents"] if agent["agent"] == "support")
    assert (support["answers"], support["results"]) == (2, {"get_weather": 1})
    assert support["bytes"] > 100


def test_stats_say_how_often_checked_hits_were_wrong(store: CacheStore) -> None:
    keep(store, calibration())
    check_hits(store, right=9, wrong=1)
    (known,) = told("stats", "budget.yaml")["alike"]
    assert (known["agent"], known["embedder"], known["threshold"]) == ("support", "words", 0.9)
    assert (known["checked"], known["wrong"], known["suspended"], known["state"]) == (10, 1, False, "served")
    assert known["checked_bound"] == pytest.approx(0.394, abs=1e-3)
    assert "39.4" in run("stats", "budget.yaml").stdout


def test_an_agent_that_breaks_its_promise_is_suspended(store: CacheStore) -> None:
    keep(store, calibration())
    check_hits(store, right=2, wrong=5)
    (known,) = told("stats", "budget.yaml")["alike"]
    assert known["suspended"]
    assert "suspended: more than 10.000% wrong" in run("stats", "budget.yaml").stdout


@pytest.mark.parametrize(
    ("found", "file", "state"),
    [
        ({"threshold": None}, BUDGET, "shadow: no threshold"),
        ({"promised": 0.2}, BUDGET, "shadow: the file promises 10.000%; tune anew"),
        ({}, BUDGET.replace("on", "shadow"), "not served: the file says semantic: shadow"),
        ({"size": 1}, BUDGET, "tried among 1, now 3: tune anew"),
        ({"agent": "other"}, BUDGET, "served where the file says semantic: on"),
    ],
)
def test_stats_say_why_nothing_is_served(
    store: CacheStore, here: Path, found: dict[str, Any], file: str, state: str
) -> None:
    (here / "budget.yaml").write_text(file.replace("supposhadowrt", "support"), encoding="utf-8")
    keep(store, calibration(**found), *[answer(f"a{number}") for number in range(3)])
    (known,) = told("stats", "budget.yaml")["alike"]
    assert known["state"] == state


def test_what_another_version_of_the_checks_has_found_is_left_out(store: CacheStore) -> None:
    old = Calibration(0.9, 0.1, 0.05, 100, 50, 0, 2_000, 60, "support", "words", FINGERPRINT)
    keep(store, calibration_entry(old, "0", 1.0e9 + time.time()), new_record("support", FINGERPRINT, "0", time.time()))
    keep(store, Entry("forged", old.text(), time.time(), 60, tags=("calibration",)))
    keep(store, Entry("nonsense", "{}", time.time(), 60, tags=("record",)))
    assert told("stats", "budget.yaml")["alike"] == []


def test_checked_hits_without_a_threshold_are_shown(store: CacheStore) -> None:
    check_hits(store, right=1, wrong=0)
    (known,) = told("stats", "--store", "sqlite:///cache.db")["alike"]
    assert (known["embedder"], known["threshold"], known["checked"]) == (FINGERPRINT, None, 1)
    assert "shadow: no threshold" in run("stats", "budget.yaml").stdout


def test_show_lists_the_newest_first_and_no_texts_unless_asked_for(store: CacheStore) -> None:
    keep(store, answer("a1", made_at=time.time() - 300), answer("a2"), result_of("get_weather"), calibration())
    shown = run("show", "budget.yaml")
    assert "3 answers" in shown.stdout
    assert shown.stdout.index("get_weather") < shown.stdout.index("a2") < shown.stdout.index("a1 ")
    assert "send a1 back" not in shown.stdout
    assert "30 days" not in shown.stdout
    texts = run("show", "budget.yaml", "--text").stdout
    assert "How do I send a1 back?" in texts
    assert "In 30 days." in texts
    known = told("show", "budget.yaml")
    assert [one["key"] for one in known] == ["t1", "a2", "a1"]
    assert "text" not in known[0]
    assert (known[1]["agent"], known[1]["model"], known[1]["tool"], known[1]["state"]) == (
        "support",
        "gpt-4o-mini",
        None,
        "fresh",
    )
    assert known[0]["left"] == pytest.approx(600, abs=30)
    assert told("show", "budget.yaml", "--text")[2]["text"] == "How do I send a1 back?"


def test_show_is_of_what_is_asked_for(store: CacheStore) -> None:
    keep(store, answer("a1"), answer("b1", agent="other"), answer("a3", model="gpt-5"), result_of("search"))

    def keys(*options: str) -> set[str]:
        return {one["key"] for one in told("show", "budget.yaml", *options)}

    assert keys("--agent", "other") == {"b1"}
    assert keys("--model", "gpt-5") == {"a3"}
    assert keys("--tool", "search") == {"t1"}
    assert keys("--tag", "agent:support", "--model", "gpt-4o-mini") == {"a1"}
    assert keys("--key", "a") == {"a1", "a3"}
    assert "2 more; --limit 0 shows all." in run("show", "budget.yaml", "--limit", "2").stdout


def test_show_says_what_is_given_while_it_is_made_anew(store: CacheStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    keep(store, answer("a1", made_at=time.time() - 100, ttl=60, stale=3_600))
    shown = run("show", "budget.yaml").stdout
    assert "stale, 59" in shown
    assert "agent:support" not in shown, "tags are left out of a narrow terminal"


def test_names_of_strangers_cannot_style_the_terminal(store: CacheStore) -> None:
    keep(store, answer("a1", label="[red]x\x1b[31m", tags=("agent:\x1b[31m[bold]",)))
    for shown in (run("show", "budget.yaml", "--text").stdout, run("stats", "budget.yaml").stdout):
        assert "\x1b" not in shown
        assert "[bold]" in shown


@pytest.mark.parametrize(
    ("option", "left"),
    [
        (["--agent", "other"], {"a1", "a3", "t1"}),
        (["--model", "gpt-5"], {"a1", "b1", "t1"}),
        (["--tool", "search"], {"a1", "a3", "b1"}),
        (["--tag", "model:gpt-5"], {"a1", "b1", "t1"}),
        (["--key", "a"], {"b1", "t1"}),
        (["--agent", "support", "--model", "gpt-5"], {"a1", "b1", "t1"}),
        (["--all"], set[str]()),
    ],
)
def test_forgotten_is_what_is_named(store: CacheStore, option: list[str], left: set[str]) -> None:
    keep(store, answer("a1"), answer("b1", agent="other"), answer("a3", model="gpt-5"), result_of("search"))
    keep(store, calibration())
    shown = run("forget", "budget.yaml", *option, "--yes")
    assert f"{4 - len(left)} answers forgotten." in shown.stdout
    assert {one["key"] for one in told("show", "budget.yaml")} == left
    assert store.find([calibration().key]) is not None, "what was measured stays"


def test_forget_asks_first(store: CacheStore) -> None:
    keep(store, answer("a1"))
    refused = run("forget", "budget.yaml", "--agent", "support", "--key", "a", answer="n\n")
    assert refused.exit_code == 1
    assert "forget 1 answers of agent:support, with keys that begin with a." in refused.stdout
    assert len(told("show", "budget.yaml")) == 1
    assert run("forget", "budget.yaml", "--all", answer="y\n").exit_code == 0
    assert told("show", "budget.yaml") == []


@pytest.mark.parametrize("options", [[], ["--all", "--agent", "support"]])
def test_forget_must_be_told_what(store: CacheStore, options: list[str]) -> None:
    keep(store, answer("a1"))
    assert isinstance(run("forget", "budget.yaml", *options, "--yes").exception, UsageError)


def test_a_cache_goes_into_a_file_and_out_of_it(store: CacheStore, here: Path) -> None:
    keep(store, answer("a1"), result_of("search"), calibration())
    assert "3 entries written to out.cache." in run("export", "out.cache", "budget.yaml").stdout
    taken = run("import", "out.cache", "--store", "sqlite:///other.db")
    assert "3 entries taken; 0 not newer" in taken.stdout
    with closing(SqliteCache(here / "other.db")) as other:
        found = {entry.key: entry for entry in other.scan()}
        assert found == {entry.key: entry for entry in store.scan()}
        assert other.nearest("c1", np.array([1, 0, 0], dtype=np.float32), at_least=0.9)[0].entry.key == "a1"
    again = run("import", "out.cache", "--store", "sqlite:///other.db")
    assert "0 entries taken; 3 not newer than what is there" in again.stdout


def test_only_what_is_newer_and_not_over_is_imported(store: CacheStore, here: Path) -> None:
    now = time.time()
    keep(store, answer("a1", made_at=now - 60), answer("a2", made_at=now - 60))
    newer, older = answer("a1", made_at=now, reply="new"), answer("a2", made_at=now - 120, reply="old")
    gone, endless = answer("a3", made_at=now - 7_200), answer("a4", ttl=1e12)
    write_entries(here / "in.cache", [newer, older, gone, endless])
    assert (
        "1 entries taken; 1 not newer than what is there, 2 over, 0 not usable."
        in run("import", "in.cache", "budget.yaml").stdout
    )
    assert {one["key"]: one["reply"] for one in told("show", "budget.yaml", "--text")} == {
        "a1": "new",
        "a2": answer().reply,
    }


def test_of_a_file_that_was_changed_nothing_is_imported(store: CacheStore, here: Path) -> None:
    keep(store, answer("a1"))
    run("export", "out.cache", "budget.yaml")
    data = (here / "out.cache").read_bytes()
    for bad in (data[:-1], data.replace(b"30 days", b"99 days"), b"leanloop cache 9\n" + data[17:]):
        (here / "bad.cache").write_bytes(bad)
        result = run("import", "bad.cache", "--store", "sqlite:///other.db")
        assert result.exit_code == 1
        assert "0 entries taken" in result.stdout
        assert "1 not usable" in result.stdout
        assert "bad.cache" in result.stderr
    (here / "bad.cache").write_bytes(b"\x80\x04pickle")
    assert isinstance(run("import", "bad.cache", "--store", "sqlite:///other.db").exception, StoreError)


def test_an_entry_that_is_larger_than_all_that_is_kept_is_told(store: CacheStore, here: Path) -> None:
    write_entries(here / "in.cache", [answer("a1", reply="x" * 2_000_000)])
    result = run("import", "in.cache", "budget.yaml")
    assert (result.exit_code, "0 entries taken" in result.stdout) == (1, True)
    assert "cache.max_bytes" in result.stderr


def test_a_threshold_is_found_written_and_begins_a_new_record(store: CacheStore, here: Path) -> None:
    shown = run("tune", pairs(here), "budget.yaml", "--embedder", "toy_words:embedder")
    assert shown.exit_code == 0, shown.output
    assert "40 questions looked up among 40, 20 with an answer there" in shown.stdout
    assert "serves 100.0% of the questions that have an answer. Wrong: 0 of 40, at most 7.216%" in shown.stdout
    assert "taken" in shown.stdout
    assert "Written for support." in shown.stdout
    (known,) = told("stats", "budget.yaml")["alike"]
    assert (known["state"], known["checked"], known["promised"], known["size"]) == ("served", 0, 0.1, 40)
    assert known["embedder"] == "toy_words:embedder"


def test_the_agent_serves_by_the_threshold_that_was_found(store: CacheStore, here: Path) -> None:
    from leanloop.budgets.file import load_budget
    from leanloop.plugins.cache.ground import Grounds

    known = told("tune", pairs(here), "budget.yaml", "--embedder", "toy_words:make")
    embedder = sys.modules["toy_words"].embedder
    ground = Grounds(embedder, store=store).of(load_budget("budget.yaml"))
    assert ground is not None
    found = perform(ground.calibration())
    assert found is not None
    assert known["written"]
    assert (found.threshold, found.promised, found.fingerprint) == (known["threshold"], 0.1, embedder.fingerprint)


def test_a_suspended_agent_serves_again_once_it_is_tuned(store: CacheStore, here: Path) -> None:
    run("tune", pairs(here), "budget.yaml", "--embedder", "toy_words:embedder")
    live = Live(store, "support", sys.modules["toy_words"].embedder.fingerprint, POLICY)
    for _ in range(3):
        perform(live.add(wrong=True))
    assert told("stats", "budget.yaml")["alike"][0]["suspended"]
    run("tune", pairs(here), "budget.yaml", "--embedder", "toy_words:embedder")
    assert not told("stats", "budget.yaml")["alike"][0]["suspended"]


def test_where_no_threshold_holds_nothing_is_written_and_it_is_said_what_it_takes(
    store: CacheStore, here: Path
) -> None:
    options = ["budget.yaml", "--embedder", "toy_words:embedder", "--max-false-hits", "0.1%"]
    shown = run("tune", pairs(here), *options)
    assert shown.exit_code == 1
    assert "No threshold holds 0.100%. It takes 2,995 different questions" in shown.stdout
    assert "2,955 more than there are" in shown.stdout
    assert "Nothing was written." in shown.stdout
    known = told("tune", pairs(here), *options)
    assert (known["threshold"], known["written"], known["lookups_missing"]) == (None, False, 2_955)
    assert told("stats", "budget.yaml")["alike"] == []


def test_what_is_wrong_is_shown_with_its_texts(here: Path) -> None:
    wrong = [{"asked": f"How can I repair a {it}?", "known": f"How do I fix a {it}?", "same": False} for it in THINGS]
    shown = run("tune", pairs(here, 40, *wrong), "--embedder", "toy_words:embedder", "--max-false-hits", "10%")
    assert shown.exit_code == 0
    assert "'How can I repair a carpet?' by the answer to 'How do I fix a carpet?'" in shown.stdout
    assert shown.stdout.count("by the answer to") == 5
    every = [{"asked": f"how do i fix a {it}", "known": f"How do I fix a {it}?", "same": False} for it in THINGS]
    none = run("tune", pairs(here, 40, *every), "--embedder", "toy_words:embedder", "--max-false-hits", "10%")
    assert none.exit_code == 1
    assert "What is most alike is wrong already" in none.stdout


def test_questions_without_a_right_answer_are_enough_to_say_that_none_is_served(here: Path) -> None:
    lines = [{"asked": f"Where is a {it}?", "known": "How do I fix a lamp?", "same": "no"} for it in THINGS]
    path = here / "only.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    shown = run("tune", path, "--embedder", "toy_words:embedder", "--max-false-hits", "50%")
    assert shown.exit_code == 1
    assert " none " in shown.stdout


def test_nothing_is_written_where_nobody_says_for_whom(here: Path) -> None:
    options = ["--embedder", "toy_words:embedder", "--max-false-hits", "10%"]
    assert "Nothing was written: name the agent's budget file" in run("tune", pairs(here), *options).stdout
    assert "Nothing was written: name" in run("tune", pairs(here), *options, "--store", "sqlite:///new.db").stdout
    assert (
        "Written for support."
        in run("tune", pairs(here), *options, "--store", "sqlite:///new.db", "--agent", "support").stdout
    )


def test_a_dry_run_writes_nothing(store: CacheStore, here: Path) -> None:
    keep(store, answer("a1"))
    shown = run("tune", pairs(here), "budget.yaml", "--embedder", "toy_words:embedder", "--dry-run")
    assert (shown.exit_code, "Nothing was written." in shown.stdout) == (0, True)
    assert told("stats", "budget.yaml")["alike"] == []


@pytest.mark.parametrize(
    ("cache", "words"),
    [
        ("", "The file names no cache yet"),
        ("cache: {max_false_hits: 5%}", "the file allows 5.000% only"),
        ("cache: {max_false_hits: 10%}", "Set cache.semantic to on"),
    ],
)
def test_it_is_said_what_the_file_lacks(here: Path, cache: str, words: str) -> None:
    (here / "budget.yaml").write_text(f"agent: support\nstore: sqlite:///cache.db\n{cache}\n", encoding="utf-8")
    options = ["--embedder", "toy_words:embedder", "--max-false-hits", "10%"]
    assert words in run("tune", pairs(here), "budget.yaml", *options).stdout


def test_the_store_they_are_looked_up_in_is_of_the_size_that_is_asked_for(store: CacheStore, here: Path) -> None:
    keep(store, *[answer(f"a{number}") for number in range(10)], answer("b1", agent="other"), result_of("search"))
    texts = [{"text": f"Who sells item {number}?"} for number in range(10)]
    options = ["budget.yaml", "--embedder", "toy_words:embedder"]
    assert told("tune", pairs(here, 40, *texts), *options)["size"] == 60
    assert told("tune", pairs(here, 40, *texts), *options, "--size", "45")["size"] == 45
    assert told("tune", pairs(here, 40, *texts), *options, "--size", "5")["size"] == 40
    few = run("tune", pairs(here, 40, *texts), *options, "--size", "1000")
    assert "There were only 60 questions to fill the store with" in few.stdout


def test_pairs_may_be_a_table(here: Path) -> None:
    path = here / "pairs.CSV"
    rows = [
        "asked,known,same,text",
        '"Where, is it?",How do I fix it?,no,',
        ",,,Who sells it?",
        "Repair it?,Fix it?,1,",
    ]
    path.write_text("\ufeff" + "\n".join(rows), encoding="utf-8")
    known = told("tune", path, "--embedder", "toy_words:embedder", "--max-false-hits", "90%")
    assert (known["lookups"], known["repeats"], known["size"]) == (2, 1, 3)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("none.jsonl", None, "No such file"),
        ("empty.jsonl", b"\n", "holds no pairs"),
        ("texts.jsonl", b'{"text": "a"}', "holds no pairs"),
        ("bad.jsonl", b'{"text": "a"}\n{"asked": "a", "known": "b"}', ":2: a line is"),
        ("bad.jsonl", b'{"asked": "a", "known": "b", "same": "perhaps"}', ":1: a line is"),
        ("bad.jsonl", b'{"asked": "", "known": "b", "same": true}', ":1: a line is"),
        ("bad.jsonl", b"[1, 2]", ":1: a line is"),
        ("bad.jsonl", b"{", ":1: a line is"),
        ("deep.jsonl", b"[" * 100_000, ":1: a line is"),
        ("long.jsonl", b'{"text": "' + b"a" * 1_000_001 + b'"}', ":1: a line is"),
        ("bad.jsonl", b"\xff\xfe", "not UTF-8"),
        ("bad.csv", b"a,b\n1,2,3\n", ":2: a line is"),
        ("bad.csv", b"asked\n" + b"x" * 200_000, "is no table: field larger than field limit"),
    ],
)
def test_pairs_that_cannot_be_read_are_refused(here: Path, name: str, data: bytes | None, words: str) -> None:
    if data is not None:
        (here / name).write_bytes(data)
    refused = run("tune", name, "--embedder", "toy_words:embedder").exception
    assert isinstance(refused, UsageError)
    assert words in str(refused)


@pytest.mark.parametrize(
    "name",
    ["", "nonsense", "toy_words:", ":embedder", "no_such:thing", "toy_words:absent", "toy_words:number",
     "toy_words:broken", "toy_words:words", "..:x", "toy_words:Holder"],
)  # fmt: skip
def test_what_is_no_embedder_is_refused(here: Path, name: str) -> None:
    assert isinstance(run("tune", pairs(here), "--embedder", name).exception, UsageError)


def test_an_embedder_may_be_an_attribute_or_an_embedding_class_of_a_framework(here: Path) -> None:
    (here / "toy_frames.py").write_text(
        "from langchain_core.embeddings import DeterministicFakeEmbedding\n"
        "from llama_index.core import MockEmbedding\n"
        "langchain = DeterministicFakeEmbedding(size=16)\n"
        "llama = MockEmbedding(embed_dim=4)\n",
        encoding="utf-8",
    )
    path = pairs(here, 4)
    for name in ("toy_words:Holder.inner", "toy_frames:langchain", "toy_frames:llama"):
        assert told("tune", path, "--embedder", name, "--max-false-hits", "90%")["lookups"] == 4
    sys.modules.pop("toy_frames", None)


@pytest.mark.parametrize("share", ["100%", "0%", "often"])
def test_a_promise_is_a_share(here: Path, share: str) -> None:
    refused = run("tune", pairs(here), "--embedder", "toy_words:embedder", "--max-false-hits", share).exception
    assert isinstance(refused, UsageError)


def test_the_place_must_be_named_and_be_there(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments, words in (
        (["stats"], "Which cache?"),
        (["stats", "--store", "memory"], "seen by its own process only"),
        (["stats", "budget.yaml"], "There is no cache at"),
        (["stats", "--store", "nonsense:///x"], "A store is memory"),
    ):
        refused = run(*arguments).exception
        assert isinstance(refused, UsageError)
        assert words in str(refused)
    assert isinstance(run("stats", "absent.yaml").exception, BudgetFileError)
    monkeypatch.setenv("LEANLOOP__CACHE__STORE", "sqlite:///from_environment.db")
    assert "from_environment.db" in str(run("stats").exception)


def test_the_cache_of_a_file_may_be_elsewhere_than_its_ledger(here: Path) -> None:
    (here / "budget.yaml").write_text("agent: a\ncache:\n  store: sqlite:///answers.db\n", encoding="utf-8")
    with closing(SqliteCache(here / "answers.db")) as store:
        keep(store, answer("a1"))
    assert told("stats", "budget.yaml")["store"] == "sqlite:///answers.db"


@pytest.mark.redis
def test_all_commands_work_on_redis(redis_server: Server, here: Path) -> None:
    address = redis_server.url(prefix="cli_cache")
    with closing(open_cache(address)) as store:
        keep(store, answer("a1"), result_of("search"))
        tuned = ["--embedder", "toy_words:embedder", "--max-false-hits", "10%", "--agent", "support"]
        assert told("tune", pairs(here), "--store", address, *tuned)["written"]
        assert told("stats", "--store", address)["entries"] == 4
        assert len(told("show", "--store", address)) == 2
        assert run("export", "out.cache", "--store", address).exit_code == 0
        assert run("forget", "--all", "--yes", "--store", address).exit_code == 0
        assert told("show", "--store", address) == []
        assert "2 entries taken; 2 not newer" in run("import", "out.cache", "--store", address).stdout
