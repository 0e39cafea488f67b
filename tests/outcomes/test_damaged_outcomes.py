"""What nobody of ours has written into an outcome store is passed over, or is a StoreError; never another exception."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.errors import StoreError
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.redis_outcomes import RedisOutcomes
from leanloop.plugins.outcomes.redis_scripts import parts_of
from leanloop.plugins.outcomes.rows import quoted, read_count, read_decision, unquoted, written
from leanloop.plugins.outcomes.sqlite_outcomes import SqliteOutcomes
from leanloop.plugins.outcomes.store import Added, Count, OutcomeStore

Make = Callable[..., Decision]

ROW: dict[str, Any] = {
    "id": "d1",
    "task": "t1",
    "agent": "support",
    "at": 1.0,
    "by": "routes",
    "keys": ["k"],
    "setting": "mini",
}
GOOD = Decision("d1", "t1", "support", 1.0, "routes", ("k",), "mini")

DAMAGED: list[tuple[str, object]] = [
    ("id", 7),
    ("task", None),
    ("agent", ["a"]),
    ("at", "now"),
    ("at", float("nan")),
    ("at", 10**400),
    ("by", "a later plugin"),
    ("by", ["routes"]),
    ("keys", "k"),
    ("keys", [1]),
    ("setting", {}),
    ("other", 1),
    ("chance", 1.5),
    ("chance", True),
    ("unsure", 1),
    ("explored", "yes"),
    ("escalated", None),
    ("cost", 1.5),
    ("other_cost", "1"),
    ("seconds", float("inf")),
    ("segments", {"a": 1}),
    ("segments", ["a"]),
    ("within", "p"),
    ("within", [None]),
    ("inferred", [1.0]),
    ("inferred", [1.0, -1.0]),
    ("inferred", "ab"),
]
NO_ROWS = ["", "{", "[]", "null", "7", "[" * 100_000, "1" * 5_000, b"\xff\xfe", None, 7, 1.5]


def test_a_row_is_read_as_it_was_written() -> None:
    assert read_decision(written(GOOD), None) == GOOD
    assert read_decision(json.dumps(ROW).encode(), 1) == replace(GOOD, score=1.0)


def test_keys_of_a_later_version_are_passed_over() -> None:
    assert read_decision(json.dumps({**ROW, "mood": "good", "score": 3}), None) == GOOD


@pytest.mark.parametrize(("name", "value"), DAMAGED, ids=lambda value: str(value)[:20])
def test_a_row_of_which_a_part_is_no_such_thing_is_none(name: str, value: object) -> None:
    assert read_decision(json.dumps({**ROW, name: value}), None) is None


@pytest.mark.parametrize("name", ROW)
def test_a_row_of_which_a_part_is_missing_is_none(name: str) -> None:
    assert read_decision(json.dumps({key: value for key, value in ROW.items() if key != name}), None) is None


@pytest.mark.parametrize("row", NO_ROWS, ids=lambda row: repr(row)[:10])
def test_what_is_no_row_is_none(row: object) -> None:
    assert read_decision(row, None) is None


@pytest.mark.parametrize("score", ["good", -0.1, 1.1, float("nan"), True, b"1"], ids=repr)
def test_a_row_with_no_score_beside_it_but_something_else_is_none(score: object) -> None:
    assert read_decision(json.dumps(ROW), score) is None


NO_COUNTS: list[tuple[object, object, object, object]] = [
    ("1", 1, 1, 1),
    (None, 0, 0, 0),
    (1, 2, 0, 0),
    (-1, -1, 0, 0),
    (1, 1, -1, 0),
    (float("nan"), 0, 0, 0),
    (b"", 0, 0, 0),
]


@pytest.mark.parametrize("numbers", NO_COUNTS, ids=str)
def test_numbers_that_are_no_count_are_none(numbers: tuple[object, object, object, object]) -> None:
    assert read_count(numbers) is None


@given(st.text(st.characters(codec=None)))
def test_a_name_is_one_line_of_ascii_and_comes_back(name: str) -> None:
    assert quoted(name).isascii()
    assert "\n" not in quoted(name)
    assert unquoted(quoted(name)) == unquoted(quoted(name).encode()) == name


@pytest.mark.parametrize("text", ["é", "%ff", 7, None, b"%ff", b"\xff"], ids=repr)
def test_what_is_no_name_of_ours_is_none(text: object) -> None:
    assert unquoted(text) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*asdict(GOOD), "later"]), JSON), JSON)
def test_whatever_stands_in_a_row_it_is_a_decision_or_none(told: dict[str, Any], score: object) -> None:
    read = read_decision(json.dumps({**ROW, **told}), score)
    assert read is None or read_decision(written(read), read.score) == read


@given(st.binary())
def test_what_is_no_answer_of_a_script_is_a_store_error(answer: bytes) -> None:
    with suppress(StoreError):
        assert b"".join(len(part).to_bytes(4) + part for part in parts_of(answer)) == answer


# --- in the stores


def touch(store: OutcomeStore) -> None:
    """One step on each table."""
    store.counts(["k"])
    store.families("a", "s")
    store.record(GOOD)


def use(store: OutcomeStore) -> None:
    """Every step; none may fail in another way."""
    steps: list[Callable[[], object]] = [
        lambda: store.add([Added("k", "mini", Count(1, 1))]),
        lambda: store.counts(["k", "l"]),
        lambda: store.families("a", "s"),
        lambda: store.put_family("a", "s", "n", b"1234", 5),
        lambda: store.record(GOOD),
        lambda: store.of_task("t1"),
        lambda: store.score("t1", 1.0),
        lambda: list(store.decisions()),
    ]
    for step in steps:
        with suppress(StoreError):
            step()


@pytest.mark.sqlite
def test_damaged_rows_of_sqlite_are_passed_over(tmp_path: Path, decision: Make) -> None:
    with closing(SqliteOutcomes(tmp_path / "o.db")) as store:
        store.add([Added("k", "bad", Count(1, 1)), Added("k", "good", Count(1, 1)), Added("k", "name", Count(1, 1))])
        store.put_family("a", "s", "bad", b"1234", 5)
        store.put_family("a", "s", "good", b"1234", 5)
        for name in ("bad", "worse", "good"):
            store.record(decision(name))
        with closing(sqlite3.connect(tmp_path / "o.db")) as db:
            db.execute("UPDATE outcome_counts SET weight = 'much' WHERE setting = 'bad'")
            db.execute("UPDATE outcome_counts SET setting = '%ff' WHERE setting = 'name'")
            db.execute("UPDATE outcome_families SET vector = 'text' WHERE name = 'bad'")
            db.execute("UPDATE outcome_decisions SET told = '{' WHERE name = 'bad'")
            db.execute("UPDATE outcome_decisions SET score = 'good' WHERE name = 'worse'")
            db.commit()
        assert store.counts(["k"]) == [{"good": Count(1, 1)}]
        assert store.families("a", "s") == {"good": b"1234"}
        assert store.of_task("t1") == [*store.decisions()] == [decision("good")]
        assert store.score("t1", 1.0) == [decision("good", score=1.0)]
        store.add([Added("k", "bad", Count(1, 0))])
        assert store.counts(["k"])[0]["bad"] == Count(1, 0)


@pytest.mark.sqlite
def test_tables_of_another_make_are_store_errors(tmp_path: Path) -> None:
    for table in ("outcome_counts", "outcome_families", "outcome_decisions", "outcome_tasks"):
        path = tmp_path / f"{table}.db"
        with closing(SqliteOutcomes(path)) as store:
            store.counts([])
        with closing(sqlite3.connect(path)) as db:
            db.execute(f"DROP TABLE {table}")
            db.execute(f"CREATE TABLE {table} (other BLOB)")
        with closing(SqliteOutcomes(path)) as store:
            use(store)
            with pytest.raises(StoreError):
                touch(store)


@pytest.mark.sqlite
def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "o.db").write_bytes(b"no database" * 1_000)
    with closing(SqliteOutcomes(tmp_path / "o.db")) as store:
        use(store)
        with pytest.raises(StoreError, match="outcome store"):
            store.counts(["k"])


@pytest.mark.redis
def test_damaged_values_in_redis_are_passed_over(one_redis: Any, decision: Make) -> None:
    import redis

    base = "{damaged}:outcomes:"
    with closing(RedisOutcomes(one_redis.url(prefix="damaged"))) as store:
        store.add([Added("k", "bad", Count(1, 1)), Added("k", "good", Count(1, 1))])
        for name in ("bad", "worse", "good"):
            store.record(decision(name))
        with closing(redis.Redis(port=one_redis.port)) as client:
            client.hset(f"{base}c:k", mapping={"bad": "much", "%ff": b"\0" * 32})
            client.hset(f"{base}rows", "bad", b"\xc1 nothing")
            client.hset(f"{base}scores", "worse", "good")
            client.zadd(f"{base}t:t1", {"unknown": 9})
        assert store.counts(["k"]) == [{"good": Count(1, 1)}]
        assert store.of_task("t1") == [*store.decisions()] == [decision("good")]
        assert store.score("t1", 1.0) == [decision("good", score=1.0)]
        store.add([Added("k", "bad", Count(1, 0))])
        assert store.counts(["k"])[0]["bad"] == Count(1, 0)


@pytest.mark.redis
@pytest.mark.parametrize("key", ["rows", "scores", "order", "t:t1", "c:k", "f:a\ns"])
def test_keys_of_another_type_in_redis_are_store_errors_and_nothing_is_half_done(one_redis: Any, key: str) -> None:
    import redis

    prefix = f"typed {key}".replace("\n", " ")
    with (
        closing(RedisOutcomes(one_redis.url(prefix=prefix))) as store,
        closing(redis.Redis(port=one_redis.port)) as server,
    ):
        client: Any = server
        client.set(f"{{{prefix}}}:outcomes:{key}", "text")
        steps: dict[str, Callable[[], object]] = {
            "c:k": lambda: store.add([Added("l", "mini", Count(1, 1)), Added("k", "mini", Count(1, 1))]),
            "f:a\ns": lambda: store.put_family("a", "s", "n", b"1234", 5),
        }
        with pytest.raises(StoreError, match="another type"):
            steps.get(key, lambda: store.record(GOOD))()
        there = {*client.scan_iter(f"{{{prefix}}}:outcomes:*")}
        assert f"{{{prefix}}}:outcomes:c:l".encode() not in there
        if key not in steps:
            assert not there & {f"{{{prefix}}}:outcomes:{one}".encode() for one in {"rows", "order", "t:t1"} - {key}}
        use(store)


@pytest.mark.redis
def test_old_rows_of_no_known_make_are_let_go_in_redis(one_redis: Any, decision: Make) -> None:
    import redis

    with closing(RedisOutcomes(one_redis.url(prefix="old"), decisions=1)) as store:
        store.record(decision("a"))
        with closing(redis.Redis(port=one_redis.port)) as client:
            client.hset("{old}:outcomes:rows", "a", b"\xc1")
        store.record(decision("b"))
        assert [one.id for one in store.decisions()] == ["b"]
        assert [one.id for one in store.of_task("t1")] == ["b"]
