"""What every store of whole results must do, plain and awaited: add a store to STORES."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sqlite3
import stat
import string
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import pytest
from patience import PATIENCE

from leanloop.errors import StoreError, UsageError
from leanloop.plugins.results.folder import FolderResults
from leanloop.plugins.results.handle import entry_name, handle_of
from leanloop.plugins.results.memory import MemoryResults
from leanloop.plugins.results.redis import RedisResults
from leanloop.plugins.results.sqlite import SqliteResults
from leanloop.plugins.results.store import Kept
from leanloop.plugins.results.stores import open_results

ROOM = 10**9
DAY = 86_400.0


class RedisServer(Protocol):
    """tests/conftest.py's RedisServer."""

    port: int

    def url(self, path: str = "/0", *, user: str = "", **options: str) -> str: ...
    def restart(self) -> None: ...
    def kill(self) -> None: ...


class Store(Protocol):
    durable: bool

    def put(self, scope: str, handle: str, kept: Kept, *, ttl: float, max_bytes: int) -> None: ...
    async def aput(self, scope: str, handle: str, kept: Kept, *, ttl: float, max_bytes: int) -> None: ...
    def get(self, scope: str, handle: str) -> Kept | None: ...
    async def aget(self, scope: str, handle: str) -> Kept | None: ...
    def close(self) -> None: ...


@dataclass
class Form:
    """A store in its plain or its awaited form, called the same way."""

    store: Store
    awaited: bool

    def put(self, text: str, *, scope: str = "s", ttl: float = DAY, max_bytes: int = ROOM, at: float = 1.0) -> str:
        handle, kept = handle_of(scope, text), Kept(text, "search", "prose", at)
        if self.awaited:
            asyncio.run(self.store.aput(scope, handle, kept, ttl=ttl, max_bytes=max_bytes))
        else:
            self.store.put(scope, handle, kept, ttl=ttl, max_bytes=max_bytes)
        return handle

    def get(self, handle: str, *, scope: str = "s") -> str | None:
        kept = asyncio.run(self.store.aget(scope, handle)) if self.awaited else self.store.get(scope, handle)
        return None if kept is None else kept.text


Address = Callable[[], str]


def memory_address(request: pytest.FixtureRequest) -> Address:
    return lambda: "memory"


def folder_address(request: pytest.FixtureRequest) -> Address:
    folder: Path = request.getfixturevalue("tmp_path")
    return lambda: f"folder:{folder / uuid.uuid4().hex}"


def sqlite_address(request: pytest.FixtureRequest) -> Address:
    folder: Path = request.getfixturevalue("tmp_path")
    return lambda: f"sqlite:///{folder / uuid.uuid4().hex}.db"


def redis_address(request: pytest.FixtureRequest) -> Address:
    server: RedisServer = request.getfixturevalue("one_redis")  # started only where a test wants it
    return server.url


STORES: list[Any] = [
    pytest.param(memory_address, id="memory", marks=pytest.mark.memory),
    pytest.param(folder_address, id="folder"),
    pytest.param(sqlite_address, id="sqlite", marks=pytest.mark.sqlite),
    pytest.param(redis_address, id="redis", marks=pytest.mark.redis),
]


def made(address: str) -> Any:
    """A store of its own at an address, as another process would open it."""
    if address == "memory":
        return MemoryResults()
    if address.startswith("folder:"):
        return FolderResults(Path(address.removeprefix("folder:")))
    return SqliteResults.at(address) if address.startswith("sqlite:") else RedisResults(address)


@pytest.fixture(params=STORES)
def address(request: pytest.FixtureRequest) -> str:
    return str(request.param(request)())


@pytest.fixture(params=STORES[1:])
def durable(request: pytest.FixtureRequest) -> str:
    """The address of an empty store that outlives the process."""
    return str(request.param(request)())


@pytest.fixture(params=[False, True], ids=["plain", "awaited"])
def form(request: pytest.FixtureRequest, address: str) -> Iterator[Form]:
    with closing(made(address)) as store:
        yield Form(store, request.param)


def noise(size: int, seed: int = 0) -> str:
    """Text that no compression makes much shorter."""
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=size))


TEXTS = {
    "empty": "",
    "plain": "line 1\nline 2\r\nline 3",
    "nul": "a\0b\0",
    "surrogates": "half \ud800 of \udfff a pair, and \udc80",
    "unicode": "naïve 日本語 🎉 \u2028 \x85",
    "quotes": "'; DROP TABLE results; -- \" $1 {0} %s",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_put_is_got_back_as_it_was(form: Form, text: str) -> None:
    handle = form.put(text)
    assert form.get(handle) == text


def test_what_was_known_of_a_result_is_kept_with_it(form: Form) -> None:
    kept = Kept("text", "a tool\n\ud800 with a name", "log", 1234.5)
    form.store.put("s", "h", kept, ttl=DAY, max_bytes=ROOM)
    assert form.store.get("s", "h") == kept


def test_twenty_megabytes_come_back_as_they_were(form: Form) -> None:
    text = "\n".join([random.Random(0).randbytes(1_000_000).hex()] * 10)
    assert len(text) > 20_000_000
    assert form.get(form.put(text)) == text


def test_a_handle_that_was_never_given_gives_nothing(form: Form) -> None:
    assert form.get("raaaaaaaaaaaa") is None


def test_a_scope_never_sees_what_another_one_keeps(form: Form) -> None:
    handle = form.put("secret", scope="tenant=a")
    assert form.get(handle, scope="tenant=b") is None
    assert form.get(handle, scope="tenant") is None
    assert form.get(handle, scope="tenant=a") == "secret"


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a\0b", "*", "", "{x}", "\ud800", "x" * 5000])
def test_hostile_scopes_and_handles_are_names_like_any_other(form: Form, name: str) -> None:
    kept = Kept("text", "t", "prose", 1.0)
    form.store.put(name, name, kept, ttl=DAY, max_bytes=ROOM)
    assert form.store.get(name, name) == kept
    assert form.store.get(name, "other") is None
    assert form.store.get("other", name) is None


def test_a_result_is_gone_when_its_life_ends(form: Form) -> None:
    handle = form.put("brief", ttl=0.001)
    while form.get(handle) is not None:  # for a millisecond
        pass
    assert form.get(form.put("long")) == "long"


def test_the_same_text_again_is_kept_once_and_lives_anew(form: Form) -> None:
    text = noise(4000)
    handle = form.put(text, ttl=0.001, max_bytes=6000)
    assert form.put(text, ttl=DAY, max_bytes=6000) == handle
    other = form.put(noise(1000, 1), max_bytes=6000)
    assert form.get(handle) == text
    assert form.get(other) is not None


def test_the_oldest_results_make_room(form: Form) -> None:
    texts = [noise(1000, seed) for seed in range(6)]
    handles = [form.put(text, max_bytes=3500) for text in texts]
    kept = [form.get(handle) for handle in handles]
    left = sum(text is not None for text in kept)
    assert kept == [None] * (6 - left) + texts[6 - left :]
    assert 3 <= left <= 4  # packed, letters and digits take three quarters


def test_a_result_that_came_again_is_no_longer_the_oldest(form: Form) -> None:
    first, second = noise(1000, 1), noise(1000, 2)
    old, young = form.put(first, max_bytes=2500), form.put(second, max_bytes=2500)
    form.put(first, max_bytes=2500)
    form.put(noise(1200, 3), max_bytes=2500)
    assert form.get(old) == first
    assert form.get(young) is None


def test_many_small_results_make_room_for_a_large_one(form: Form) -> None:
    handles = [form.put(noise(200, seed), max_bytes=100_000) for seed in range(120)]
    large = noise(64_000)
    handle = form.put(large, max_bytes=65_000)
    assert form.get(handle) == large
    assert form.get(handles[0]) is None
    after = form.put("after", max_bytes=65_000)
    assert form.get(after) == "after"


def test_a_result_that_is_too_large_alone_is_refused_and_nothing_is_lost(form: Form) -> None:
    handle = form.put("small")
    with pytest.raises(StoreError, match=r"over all that is kept, 1,000; raise results\.max_bytes"):
        form.put(noise(10_000), max_bytes=1000)
    assert form.get(handle) == "small"


def test_threads_do_not_get_in_each_others_way(address: str) -> None:
    with closing(made(address)) as store, ThreadPoolExecutor(4) as pool:
        form = Form(store, awaited=False)
        texts = [noise(300, seed) for seed in range(40)]
        handles = list(pool.map(form.put, texts))
        assert list(pool.map(form.get, handles)) == texts


async def test_tasks_of_one_loop_do_not_get_in_each_others_way(address: str) -> None:
    with closing(made(address)) as store:
        kept = [Kept(noise(300, seed), "t", "prose", 1.0) for seed in range(20)]
        await asyncio.gather(*(store.aput("s", str(n), one, ttl=DAY, max_bytes=ROOM) for n, one in enumerate(kept)))
        assert await asyncio.gather(*(store.aget("s", str(n)) for n in range(20))) == kept


def test_a_result_is_there_after_a_restart_and_for_other_processes(durable: str) -> None:
    with closing(made(durable)) as first:
        assert first.durable
        handle = Form(first, awaited=False).put("kept")
    with closing(made(durable)) as second:
        assert Form(second, awaited=False).get(handle) == "kept"
        assert Form(second, awaited=True).get(handle) == "kept"


def test_processes_share_a_store_and_its_size(durable: str) -> None:
    worker = Path(__file__).parents[1] / "workers" / "put_results.py"
    processes = [subprocess.Popen([sys.executable, worker, durable, str(seed)]) for seed in range(3)]
    assert [process.wait(PATIENCE) for process in processes] == [0, 0, 0]
    texts = [random.Random(seed * 1000 + number).randbytes(500).hex() for seed in range(3) for number in range(30)]
    with closing(made(durable)) as store:
        form = Form(store, awaited=False)
        last = form.put("last", max_bytes=20_000)
        there = sum(form.get(handle_of("s", text)) is not None for text in texts)
        assert form.get(last) == "last"
    assert 10 <= there <= 40


def test_a_store_is_opened_once_for_an_address(address: str) -> None:
    store = cast("Store", open_results(address))
    assert open_results(address) is store
    store.close()


def test_an_address_that_names_no_store_is_refused() -> None:
    with pytest.raises(UsageError, match="Results are kept in memory"):
        open_results("ftp://example.com")


# A store that is gone, full, damaged, or of a later version.


def test_a_folder_under_a_file_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    form = Form(FolderResults(tmp_path / "file" / "results"), awaited=False)
    with pytest.raises(StoreError, match="cannot be used for results: Not a directory"):
        form.put("text")
    assert form.get("raaaaaaaaaaaa") is None


def test_a_folder_keeps_names_that_are_hashes_and_files_for_this_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    Form(FolderResults(folder), awaited=False).put("text", scope="../../tenant")
    [path] = folder.iterdir()
    assert path.name == f"{entry_name('../../tenant', handle_of('../../tenant', 'text'))}.result"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_leaves_files_of_others_alone_and_follows_no_link(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "notes.txt").write_text("x" * 5000)
    (tmp_path / "secret").write_text("secret")
    handle = handle_of("s", "text")
    place = folder / f"{entry_name('s', handle)}.result"
    place.symlink_to(tmp_path / "secret")
    form = Form(FolderResults(folder), awaited=False)
    with pytest.raises(StoreError, match="cannot be used for results"):
        form.get(handle)
    form.put("text", max_bytes=2000)
    assert form.get(handle) == "text"
    assert not place.is_symlink()
    assert (tmp_path / "secret").read_text() == "secret"
    assert (folder / "notes.txt").exists()


def test_a_folder_in_the_place_of_a_result_is_none(tmp_path: Path) -> None:
    handle = handle_of("s", "text")
    (tmp_path / f"{entry_name('s', handle)}.result").mkdir()
    form = Form(FolderResults(tmp_path), awaited=False)
    assert form.get(handle) is None
    with pytest.raises(StoreError, match="cannot be used for results"):
        form.put("text")
    assert not list(tmp_path.glob("*.part"))


def test_files_that_a_process_began_and_never_ended_are_taken_away(tmp_path: Path, monkeypatch: Any) -> None:
    part = tmp_path / f"{'0' * 32}.part"
    part.write_text("half")
    form = Form(FolderResults(tmp_path), awaited=False)
    form.put("one")
    assert part.exists()
    monkeypatch.setattr("leanloop.plugins.results.folder._ABANDONED", -1.0)
    form.put("two")
    assert not part.exists()


def test_what_has_expired_leaves_a_folder_with_the_next_result(tmp_path: Path) -> None:
    now = [1_000_000.0]
    form = Form(FolderResults(tmp_path, clock=lambda: now[0]), awaited=False)
    form.put("brief", ttl=10)
    now[0] += 11
    form.put("next")
    assert len(list(tmp_path.iterdir())) == 1


def memory_by(clock: Callable[[], float], folder: Path) -> Store:
    return MemoryResults(clock)


def folder_by(clock: Callable[[], float], folder: Path) -> Store:
    return FolderResults(folder, clock)


def sqlite_by(clock: Callable[[], float], folder: Path) -> Store:
    return SqliteResults(folder / "results.db", clock=clock)


@pytest.mark.parametrize("made_by", [memory_by, folder_by, sqlite_by])
def test_what_has_expired_makes_room_before_what_is_older(
    made_by: Callable[[Callable[[], float], Path], Store], tmp_path: Path
) -> None:
    now = [1_000_000.0]
    with closing(made_by(lambda: now[0], tmp_path)) as store:
        form = Form(store, awaited=False)
        old = form.put(noise(1500, 1), ttl=100, max_bytes=4000)
        brief = form.put(noise(1500, 2), ttl=10, max_bytes=4000)
        now[0] += 10
        young = form.put(noise(1500, 3), ttl=100, max_bytes=4000)
        assert form.get(old) is not None
        assert form.get(brief) is None
        assert form.get(young) is not None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_finds_the_lock_of_memory_free() -> None:
    program = """
import os
from leanloop.plugins.results.memory import MemoryResults
from leanloop.plugins.results.store import Kept
import threading

store = MemoryResults()
held, done = threading.Event(), threading.Event()

def hold():
    with store._lock:
        held.set()
        done.wait()

threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if child == 0:
    store.put("s", "h", Kept("text", "t", "prose", 1.0), ttl=60, max_bytes=100)
    os._exit(0 if store.get("s", "h").text == "text" else 1)
done.set()
assert os.waitpid(child, 0)[1] == 0
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=PATIENCE, check=False)
    assert done.returncode == 0


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    form = Form(FolderResults(tmp_path), awaited=False)
    handle = form.put("text")
    [path] = tmp_path.iterdir()
    state = path.stat()
    path.write_bytes(path.read_bytes()[:-3])
    os.utime(path, (state.st_mtime, state.st_mtime))
    with pytest.raises(StoreError, match=r"is damaged\. Have the tool run again"):
        form.get(handle)
    form.put("text")
    assert form.get(handle) == "text"


def test_a_result_of_a_later_version_says_so(tmp_path: Path) -> None:
    form = Form(SqliteResults(tmp_path / "results.db"), awaited=False)
    handle = form.put("text")
    with closing(sqlite3.connect(tmp_path / "results.db")) as db, db:
        db.execute("UPDATE results SET packed = CAST('2 whatever' AS BLOB)")
    with pytest.raises(StoreError, match="written by a later leanloop"):
        form.get(handle)
    form.store.close()


def test_results_and_the_ledger_share_one_file_whichever_comes_first(tmp_path: Path) -> None:
    from leanloop.budgets.sqlite import SqliteStore

    for number, results_first in enumerate([True, False]):
        path = tmp_path / f"{number}.db"
        with closing(SqliteStore(path)) as ledger, closing(SqliteResults(path)) as results:
            form = Form(results, awaited=False)
            if results_first:
                form.put("first")
            assert list(ledger.accounts()) == []
            assert form.get(form.put("text")) == "text"
            assert list(ledger.accounts()) == []


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as db, db:
        db.execute("CREATE TABLE theirs (x)")
    form = Form(SqliteResults(tmp_path / "other.db"), awaited=False)
    with pytest.raises(StoreError, match="another program's database; give the result store a path of its own"):
        form.put("text")


def test_a_file_whose_sizes_went_wrong_is_put_right(tmp_path: Path) -> None:
    with closing(SqliteResults(tmp_path / "results.db")) as store:
        form = Form(store, awaited=False)
        form.put("text")
        with closing(sqlite3.connect(tmp_path / "results.db")) as db, db:
            db.execute("UPDATE results_size SET bytes = 10000000")
        handle = form.put("again", max_bytes=1000)
        assert form.get(handle) == "again"
        with closing(sqlite3.connect(tmp_path / "results.db")) as db:
            assert db.execute("SELECT bytes FROM results_size").fetchone()[0] < 1000


def test_a_folder_that_cannot_be_made_says_what_is_wrong(tmp_path: Path) -> None:
    form = Form(SqliteResults(tmp_path / "absent" / "results.db"), awaited=False)
    with pytest.raises(StoreError, match=r"The result store .* its folder does not exist"):
        form.put("text")


@pytest.mark.redis
def test_a_redis_that_is_gone_says_so_without_its_password(start_redis: Callable[..., RedisServer]) -> None:
    server = start_redis()
    store = RedisResults(server.url(user="me:hunter2@", socket_timeout="1", socket_connect_timeout="1"))
    server.kill()
    with closing(store), pytest.raises(StoreError, match="cannot be reached") as told:
        Form(store, awaited=False).put("text")
    assert "hunter2" not in str(told.value)


@pytest.mark.redis
def test_a_redis_without_memory_says_so(start_redis: Callable[..., RedisServer]) -> None:
    server = start_redis("--maxmemory", "3mb")
    text = random.Random(0).randbytes(2_000_000).hex()
    with closing(RedisResults(server.url())) as store:
        with contextlib.suppress(StoreError):
            Form(store, awaited=False).put(text)
        with pytest.raises(StoreError, match=r"results' Redis at .* is out of memory"):
            Form(store, awaited=False).put(text + "again")


@pytest.mark.redis
def test_redis_keeps_nothing_when_all_results_have_ended(one_redis: RedisServer) -> None:
    import redis

    prefix = uuid.uuid4().hex
    with closing(RedisResults(one_redis.url(prefix=prefix))) as store:
        Form(store, awaited=False).put("text", ttl=60)
        client: Any = redis.Redis(port=one_redis.port)
        with closing(client):
            keys = list(client.scan_iter(f"*{prefix}*"))
            assert len(keys) == 4
            assert all(0 < client.pttl(key) <= 60_000 for key in keys)


@pytest.mark.redis
def test_results_of_redis_that_expired_are_taken_out_of_the_books(one_redis: RedisServer) -> None:
    with closing(RedisResults(one_redis.url())) as store:
        form = Form(store, awaited=False)
        brief = form.put(noise(3000), ttl=0.001, max_bytes=4000)
        while form.get(brief) is not None:
            pass
        first = form.put(noise(1500, 1), max_bytes=4000)
        second = form.put(noise(1500, 2), max_bytes=4000)
        assert form.get(first) is not None
        assert form.get(second) is not None


@pytest.mark.redis
def test_redis_in_a_cluster_keeps_results(start_redis: Callable[..., RedisServer]) -> None:
    import redis

    server = start_redis(cluster=True)
    with closing(redis.Redis(port=server.port)) as client:
        nodes: Any = client
        nodes.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while b"cluster_state:ok" not in nodes.execute_command("CLUSTER", "INFO"):
            threading.Event().wait(0.02)
    with closing(RedisResults(f"redis+cluster://127.0.0.1:{server.port}")) as store:
        texts = [noise(1000, seed) for seed in range(5)]
        for awaited in (False, True):
            form = Form(store, awaited)
            handles = [form.put(text, max_bytes=2500) for text in texts]
            assert form.get(handles[-1]) == texts[-1]
            assert form.get(handles[0]) is None
