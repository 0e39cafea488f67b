"""From an address to a store."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from leanloop.budgets.history import Entry
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.redis_store import RedisStore
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Demand, Line
from leanloop.budgets.stores import address_name, check_address, open_store
from leanloop.errors import MissingExtra, UsageError


@pytest.fixture(autouse=True)
def _no_store_is_open(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction] pytest calls it
    monkeypatch.setattr("leanloop.budgets.stores._open", {})


def test_memory_is_one_for_the_process() -> None:
    assert isinstance(open_store("memory"), MemoryStore)
    assert open_store("memory") is open_store("memory")


def keep(url: str) -> None:
    store = open_store(url)
    assert isinstance(store, SqliteStore)
    assert open_store(url) is store
    store.reserve("r", Demand((Line("a", "usd", 1, 1),)))
    store.close()


def test_a_path_with_four_slashes_is_absolute(tmp_path: Path) -> None:
    keep(f"sqlite:///{quote(str(tmp_path / 'a b?.db'))}?timeout=0.5")
    assert (tmp_path / "a b?.db").exists()


def test_a_path_with_three_slashes_begins_at_the_working_directory_of_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///ledger.db")
    monkeypatch.chdir("/")
    store.balances([])
    store.close()
    assert (tmp_path / "ledger.db").exists()


@pytest.mark.parametrize(("rows", "kept"), [("0", 0), ("7", 1)])
def test_an_address_says_how_many_bookings_are_kept(tmp_path: Path, rows: str, kept: int) -> None:
    store = open_store(f"sqlite:///{tmp_path}/ledger.db?timeout=1&history={rows}")
    assert isinstance(store, SqliteStore)
    store.reserve("r", Demand(()))
    store.settle("r", {}, Entry())
    assert len(list(store.history())) == kept
    store.close()


def test_nothing_is_opened_before_the_first_step(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/ledger.db")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_an_address_of_redis_connects_to_nothing_yet(scheme: str) -> None:
    store = open_store(f"{scheme}://user:secret@nowhere.invalid:6379/0")
    assert isinstance(store, RedisStore)
    store.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "A store is memory, sqlite:///FILE or redis://"),
        ("hunter2", "A store is memory"),
        ("redis", "A store is memory"),
        ("postgres://user:hunter2@host/db", "A store is memory"),
        ("sqlite://host/hunter2.db", "three slashes"),
        ("sqlite://", "three slashes"),
        ("sqlite:////", "three slashes"),
        ("sqlite:////%00", "three slashes"),
        ("sqlite:///:memory:", "store: memory"),
        ("sqlite:///a.db?mode=ro&timeout=1", "has the options timeout and history, and not mode"),
        ("sqlite:///a.db?timeout=soon", "is a number of seconds"),
        ("sqlite:///a.db?timeout=", "is a number of seconds"),
        ("sqlite:///a.db?timeout=-1", "is a number of seconds"),
        ("sqlite:///a.db?timeout=nan", "is a number of seconds"),
        ("sqlite:///a.db?timeout=inf", "is a number of seconds"),
        ("sqlite:///a.db?history=", "is a number of rows"),
        ("sqlite:///a.db?history=-1", "is a number of rows"),
        ("sqlite:///a.db?history=1e3", "is a number of rows"),
        ("sqlite:///a.db?history=٣", "is a number of rows"),
    ],
)
def test_an_address_that_cannot_be_read_says_what_would_do(url: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)


def test_redis_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "redis" or "budgets.redis_" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtra, match=r"pip install 'leanloop\[redis\]'"):
        open_store("redis://localhost")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("memory", "memory"),
        ("sqlite:///leanloop.db?timeout=2", "sqlite:///leanloop.db"),
        ("redis://user:hunter2@host:6379/0?socket_timeout=2", "redis://host:6379/0"),
        ("rediss://:hunter2@host/0?prefix=a&sentinel_password=hunter2", "rediss://host/0?prefix=a"),
        ("redis+sentinel://:hunter2@a:1,b/main/2", "redis+sentinel://a:1,b/main/2"),
        ("unix:///run/redis.sock?password=hunter2", "unix:///run/redis.sock"),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, name: str) -> None:
    check_address(address)
    assert address_name(address) == name


@pytest.mark.parametrize("sign", ["/", "?", "#", ":", "@"])
def test_a_password_that_should_have_been_encoded_is_not_shown_either(sign: str) -> None:
    assert "secret" not in address_name(f"redis://user:{sign}secret{sign}@host:6379/0")
