"""The ledger in Redis, on real servers: what is sent, what is kept how long, and every way a server can fail."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any, Protocol, cast
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
import redis.exceptions

from leanloop.budgets.books import Account, Held, Record
from leanloop.budgets.history import Entry
from leanloop.budgets.redis_address import read_address
from leanloop.budgets.redis_errors import explain
from leanloop.budgets.redis_store import RedisStore
from leanloop.budgets.store import Balance, Demand, Grant, Line, Refusal
from leanloop.errors import StoreError, UsageError

pytestmark = pytest.mark.redis

USD = ("task:1", "usd")
DAY = ("agent=a:day:2026-11-22", "usd")


class Server(Protocol):
    """tests/conftest.py's RedisServer."""

    port: int
    bus: int

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...
    def url(self, path: str = "/0", *, user: str = "", **options: str) -> str: ...


def line(key: tuple[str, str] = USD, *, limit: int = 100, fixed: int = 0, slope: int = 0) -> Line:
    return Line(*key, limit, fixed, slope)


def demand(fixed: int, *, lease: float = 120.0, idle: bool = False) -> Demand:
    return Demand((line(fixed=fixed), line(DAY, fixed=fixed)), lease=lease, idle=idle)


def client_of(url: str) -> redis.Redis:
    address = urlsplit(url)
    return redis.Redis(port=address.port or 0)


def prefix_of(url: str) -> str:
    return f"{{{parse_qs(urlsplit(url).query)['prefix'][0]}}}:"


def forget(client: Any, url: str, key: tuple[str, str]) -> None:
    """As if the account's window had long been over."""
    assert client.hdel(f"{prefix_of(url)}ledger", f"a{key[0]}\n{key[1]}") == 1


def fields_of(client: Any, url: str) -> set[str]:
    """What the ledger keeps: accounts (a) and reservations (r)."""
    return {field.decode() for field in client.hkeys(f"{prefix_of(url)}ledger")} - {"k"}


@pytest.fixture
def url(redis_server: Server) -> str:
    return redis_server.url()


@pytest.fixture
def store(url: str) -> Iterator[RedisStore]:
    made = RedisStore(url)
    yield made
    made.close()


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    with client_of(url) as made:
        yield made


def calls(client: Any) -> dict[str, int]:
    """How often each command was sent since the last reset, those of scripts left out."""
    stats = client.info("commandstats")
    return {
        name.removeprefix("cmdstat_"): int(stat["calls"])
        for name, stat in stats.items()
        if name.startswith(("cmdstat_eval", "cmdstat_script"))
    }


# --- what is sent


def test_reserve_and_settle_are_one_round_trip_each(store: RedisStore, client: Any) -> None:
    store.reserve("first", demand(1))
    store.settle("first", {"usd": 1})
    client.config_resetstat()
    store.reserve("r", demand(10))
    assert calls(client) == {"evalsha": 1}
    store.settle("r", {"usd": 5})
    assert calls(client) == {"evalsha": 2}


def test_what_is_idle_comes_in_the_same_round_trip(store: RedisStore, url: str, client: Any) -> None:
    store.reserve("hold", demand(30, idle=True))
    assert store.balances([USD]) == [Balance(0, 30, 30)]
    client.config_resetstat()
    assert store.reserve("r", demand(71)) == Refusal(0, line(fixed=71), Balance(0, 30, 30))
    assert store.reserve("s", demand(70)) == Grant(0, (Balance(0, 30, 30), Balance(0, 30, 30)))
    store.reserve("landing", demand(30), replaces="hold")
    assert calls(client) == {"evalsha": 3}
    assert store.balances([USD]) == [Balance(0, 100)]


def test_an_idle_reservation_of_a_forgotten_account_is_asked_for_again(
    store: RedisStore, url: str, client: Any
) -> None:
    first = store.reserve("hold", demand(30, idle=True))
    forget(client, url, USD)
    assert store.reserve("hold", demand(30, idle=True)) == first
    store.release("hold")
    assert store.balances([USD, DAY]) == [Balance(), Balance()]
    assert fields_of(client, url) == {f"a{DAY[0]}\nusd"}


def test_a_server_that_has_forgotten_the_scripts_is_told_them_again(store: RedisStore, client: Any) -> None:
    store.reserve("r", demand(10))
    client.script_flush()
    store.settle("r", {"usd": 5})
    assert store.balances([USD]) == [Balance(5)]

    async def again() -> None:
        client.script_flush()
        await store.areserve("s", demand(10))

    asyncio.run(again())
    assert store.balances([USD]) == [Balance(5, 10)]


def test_amounts_are_exact_up_to_what_a_double_holds(store: RedisStore) -> None:
    most = 2**53 - 1
    store.reserve("r", Demand((line(limit=most, fixed=most - 7),)))
    assert store.reserve("s", Demand((line(limit=most, slope=1),), most=2**40, least=1)) == Grant(
        7, (Balance(0, most - 7),)
    )
    store.settle("r", {"usd": most - 9})
    assert store.balances([USD]) == [Balance(most - 9, 7)]
    refusal = store.reserve("t", Demand((line(limit=most, fixed=3),)))
    assert isinstance(refusal, Refusal)


def test_what_cannot_be_counted_exactly_is_refused(store: RedisStore) -> None:
    with pytest.raises(StoreError, match="9007199254740992 of 'usd' is more than a ledger can count exactly"):
        store.reserve("r", Demand((line(limit=2**53),)))
    for beyond in (Demand((line(limit=-(2**70)),)), Demand((line(),), most=2**70), Demand((line(),), least=2**70)):
        with pytest.raises(StoreError, match="is more than a ledger can count exactly"):
            store.reserve("r", beyond)
    store.reserve("r", demand(1))
    for amount in (2**53, -(2**53)):
        with pytest.raises(StoreError, match="9007199254740992 of 'usd'"):
            store.settle("r", {"usd": amount})
    assert store.balances([USD]) == [Balance(0, 1)]


# --- asked again, because the connection broke before the answer


def test_a_reservation_asked_for_again_is_made_once(store: RedisStore) -> None:
    first = store.reserve("r", Demand((line(fixed=10, slope=2),), most=80, least=1))
    assert first == Grant(45, (Balance(),))
    assert store.reserve("r", Demand((line(fixed=10, slope=2),), most=80, least=1)) == first
    assert store.balances([USD]) == [Balance(0, 100)]


def test_a_replacement_asked_for_again_is_made_once(store: RedisStore) -> None:
    store.reserve("hold", demand(60))
    first = store.reserve("r", demand(90), replaces="hold")
    assert store.reserve("r", demand(90), replaces="hold") == first
    assert store.balances([USD]) == [Balance(0, 90)]


@pytest.mark.parametrize(
    "other", [demand(11), Demand((line(fixed=10),)), Demand(()), Demand((line(fixed=10), line(("x", "usd"), fixed=10)))]
)
def test_a_name_that_stands_for_another_demand_is_refused(store: RedisStore, other: Demand) -> None:
    store.reserve("r", demand(10))
    with pytest.raises(StoreError, match="'r' is already held for another demand"):
        store.reserve("r", other)
    assert store.balances([USD, DAY]) == [Balance(0, 10), Balance(0, 10)]


class Breaking:
    """Stands between client and server, and drops the connection instead of handing an answer back, when told to."""

    def __init__(self, port: int) -> None:
        self.server = port
        self.drop = 0
        self.dropped = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near: socket.socket) -> None:
        script = False
        with near, socket.create_connection(("127.0.0.1", self.server)) as far, contextlib.suppress(OSError):
            while True:
                ready, _, _ = select.select([near, far], [], [])
                for end in ready:
                    sent = end.recv(65_536)
                    if not sent:
                        return
                    if end is near:
                        script = b"EVALSHA" in sent
                        far.sendall(sent)
                    elif script and self.drop and not sent.startswith(b"-NOSCRIPT"):
                        self.drop -= 1
                        self.dropped += 1
                        return
                    else:
                        near.sendall(sent)


@pytest.fixture
def breaking(redis_server: Server) -> Iterator[Breaking]:
    made = Breaking(redis_server.port)
    yield made
    made.listener.close()


@pytest.mark.parametrize("form", ["plain", "awaited"])
def test_a_connection_that_drops_after_the_script_ran_counts_once(
    breaking: Breaking, redis_server: Server, form: str
) -> None:
    store = RedisStore(redis_server.url().replace(f":{redis_server.port}", f":{breaking.port}"))
    runner = asyncio.Runner()

    def reserve(name: str) -> Grant | Refusal:
        return store.reserve(name, demand(40)) if form == "plain" else runner.run(store.areserve(name, demand(40)))

    def settle(name: str) -> None:
        store.settle(name, {"usd": 30}) if form == "plain" else runner.run(store.asettle(name, {"usd": 30}))

    with runner, contextlib.closing(store):
        reserve("warm")
        settle("warm")
        breaking.drop = 1
        assert isinstance(reserve("r"), Grant)
        assert store.balances([USD]) == [Balance(30, 40)]
        breaking.drop = 1
        settle("r")
        assert store.balances([USD]) == [Balance(60)]
        assert breaking.dropped == 2


# --- leases


def test_many_ended_leases_are_seen_to_in_small_steps(store: RedisStore) -> None:
    for number in range(250):  # a script sees to 100 at a time
        store.reserve(f"r{number}", Demand((line(limit=1_000, fixed=1),), lease=0, idle=number % 2 == 0))
    assert store.balances([USD]) == [Balance(125)]


def milliseconds_of(client: Any) -> int:
    seconds, micro = client.time()
    return int(seconds) * 1000 + int(micro) // 1000


def test_a_lease_is_renewed_by_the_servers_clock(store: RedisStore, url: str, client: Any) -> None:
    key = f"{prefix_of(url)}leases"
    before = milliseconds_of(client)
    store.reserve("r", demand(10, lease=60))
    assert before + 60_000 <= client.zscore(key, "r") <= milliseconds_of(client) + 60_000
    before = milliseconds_of(client)
    assert store.renew(["gone", "r"], 600) == ["r"]
    assert before + 600_000 <= client.zscore(key, "r") <= milliseconds_of(client) + 600_000


def test_more_names_than_one_step_takes_are_renewed_all(store: RedisStore) -> None:
    names = [f"r{number}" for number in range(1_100)]
    for name in names[::2]:
        store.reserve(name, Demand((line(limit=10_000, fixed=1),)))
    assert store.renew(names, 60) == names[::2]
    assert asyncio.run(store.arenew(names, 60)) == names[::2]
    assert store.balances([USD] * 1_100) == [Balance(0, 550)] * 1_100


def test_a_clock_that_jumps_ahead_makes_nothing_free_and_nothing_double(
    store: RedisStore, url: str, client: Any
) -> None:
    store.reserve("r", demand(40))
    client.zadd(f"{prefix_of(url)}leases", {"r": 1})  # as if the clock had passed its end
    assert isinstance(store.reserve("s", demand(61)), Refusal)
    assert store.balances([USD]) == [Balance(40)]
    store.settle("r", {"usd": 25})
    assert store.balances([USD, DAY]) == [Balance(25), Balance(25)]


# --- what is kept, and how long


def test_all_a_ledger_keeps_expires_but_its_history(store: RedisStore, url: str, client: Any) -> None:
    store.reserve("settled", demand(10))
    store.settle("settled", {"usd": 10})
    store.reserve("ended", demand(10, lease=0))
    store.balances([USD])
    assert store.renew(["ended"], 60) == []
    tag = prefix_of(url)
    assert set(client.scan_iter(match=f"{tag}*")) == {
        (tag + name).encode() for name in ("leases", "ends", "ledger", "history")
    }
    assert all(86_400_000 <= client.pttl(tag + name) <= 90_000_000 for name in ("leases", "ends", "ledger"))
    assert client.pttl(f"{tag}history") == -1
    assert [entry.kind for entry in store.history()] == ["expired"]


def test_the_sets_of_a_ledger_expire_also_when_they_were_empty_in_between(
    store: RedisStore, url: str, client: Any
) -> None:
    store.reserve("r", demand(10))
    store.release("r")
    store.reserve("s", demand(10))
    assert client.pttl(f"{prefix_of(url)}leases") > 0


def test_nothing_is_left_of_a_reservation_that_was_settled(store: RedisStore, url: str, client: Any) -> None:
    store.reserve("hold", demand(10))
    store.reserve("r", demand(10), replaces="hold")
    store.settle("r", {"usd": 10})
    store.reserve("late", demand(10, lease=0))
    store.balances([USD])
    store.settle("late", {"usd": 10})
    accounts = {f"a{account}\n{resource}" for account, resource in (USD, DAY)}
    assert fields_of(client, url) == accounts
    assert client.zrange(f"{prefix_of(url)}leases", 0, -1) == [b""], "what keeps the set alive"
    assert {one.decode() for one in client.zrange(f"{prefix_of(url)}ends", 0, -1)} == {*accounts, ""}


def test_accounts_and_ended_reservations_are_forgotten_when_others_are_made(
    store: RedisStore, url: str, client: Any
) -> None:
    for number in range(100):
        store.reserve(f"r{number}", Demand((Line(f"task:{number}", "usd", 100, 1, expires=-1),), lease=0))
        store.settle(f"s{number}", {})
    store.balances([USD])
    for number in range(30):
        store.reserve(f"new{number}", Demand((Line(f"new:{number}", "usd", 100, 1),)))
    assert fields_of(client, url) == {f"anew:{number}\nusd" for number in range(30)} | {
        f"rnew{number}" for number in range(30)
    }


def test_an_account_in_use_is_not_forgotten(store: RedisStore, url: str, client: Any) -> None:
    store.reserve("r", demand(40))
    client.zadd(f"{prefix_of(url)}ends", {f"a{USD[0]}\nusd": 1})  # as if it was made long ago, and used since
    store.reserve("s", Demand((line(("other", "usd")),)))
    assert store.balances([USD]) == [Balance(0, 40)]
    assert client.zscore(f"{prefix_of(url)}ends", f"a{USD[0]}\nusd") > milliseconds_of(client)


def test_a_call_that_outlasts_its_window_keeps_the_account(store: RedisStore, url: str, client: Any) -> None:
    short = Line("global:minute:12-00", "usd", 100, 40, expires=1.0)
    store.reserve("r", Demand((short,), lease=3_600))
    store.reserve("s", Demand((short,), lease=1))  # does not shorten it
    store.settle("s", {})
    assert store.renew(["r"], 7_200) == ["r"]
    assert client.pttl(f"{prefix_of(url)}ledger") >= 7_200_000
    [account] = store.accounts()
    assert account.expires >= 7_190


def test_an_account_that_is_forgotten_stays_forgotten(store: RedisStore, url: str, client: Any) -> None:
    store.reserve("r", demand(40))
    forget(client, url, USD)
    assert store.renew(["r"], 60) == ["r"]
    store.settle("r", {"usd": 30})
    assert store.balances([USD, DAY]) == [Balance(), Balance(30)]
    assert fields_of(client, url) == {f"a{DAY[0]}\nusd"}


def test_an_account_made_anew_does_not_give_back_what_its_forerunner_spent(
    store: RedisStore, url: str, client: Any
) -> None:
    store.reserve("r", demand(40, lease=0))
    assert store.balances([USD]) == [Balance(40)]
    forget(client, url, USD)
    store.reserve("s", demand(10))
    client.hset(f"{prefix_of(url)}ledger", f"a{USD[0]}\nusd", struct.pack(">6q", 2**52, 0, 10, 0, 0, 1))
    store.settle("r", {"usd": 3})
    assert store.balances([USD, DAY]) == [Balance(3, 10), Balance(3, 10)]


def test_prefixes_are_ledgers_apart(redis_server: Server) -> None:
    one, two = RedisStore(redis_server.url()), RedisStore(redis_server.url())
    with contextlib.closing(one), contextlib.closing(two):
        one.reserve("r", demand(100))
        assert isinstance(two.reserve("r", demand(100)), Grant)


# --- event loops, threads and forks


def test_each_event_loop_has_its_own_client_and_closes_it(store: RedisStore, client: Any) -> None:
    async def work(name: str) -> None:
        await asyncio.gather(*(store.areserve(f"{name}{number}", demand(1)) for number in range(8)))

    before = len(client.client_list())
    for name in "abc":
        asyncio.run(work(name))
    assert store.balances([USD]) == [Balance(0, 24)]
    assert len(client.client_list()) <= before + 1, "the plain one"


def test_loops_of_several_threads_work_at_once(store: RedisStore) -> None:
    def work(name: int) -> None:
        async def reserve() -> None:
            for number in range(10):
                await store.areserve(f"{name}-{number}", demand(1))

        asyncio.run(reserve())

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.balances([USD]) == [Balance(0, 40)]


def test_a_loop_that_was_closed_roughly_is_forgotten(store: RedisStore) -> None:
    loops: Any = store
    rough = asyncio.new_event_loop()
    rough.run_until_complete(store.areserve("r", demand(1)))
    rough.run_until_complete(loops._caller.clients._awaited[rough][0].aclose())
    rough.close()  # without shutdown_asyncgens
    assert asyncio.run(store.abalances([USD])) == [Balance(0, 1)]
    assert rough not in loops._caller.clients._awaited


def test_a_closed_store_opens_anew(store: RedisStore, client: Any) -> None:
    async def work() -> None:
        await store.areserve("r", demand(10))
        store.close()
        await store.asettle("r", {"usd": 4})

    before = len(client.client_list())
    asyncio.run(work())
    store.close()
    assert store.balances([USD]) == [Balance(4)]
    store.close()
    store.close()
    assert len(client.client_list()) == before


FORKS = """
import asyncio, os, sys
from leanloop.budgets.redis_store import RedisStore
from leanloop.budgets.store import Demand, Line

store, demand = RedisStore(sys.argv[1]), Demand((Line("task:1", "usd", 100, 1),))
store.reserve("parent", demand)
children = []
for number in range(3):
    child = os.fork()
    if not child:
        store.reserve(f"child{number}", demand)
        asyncio.run(store.areserve(f"child{number}-awaited", demand))
        sys.exit()
    children.append(child)
for number in range(20):
    store.reserve(f"parent{number}", demand)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
"""


def test_a_forked_child_takes_its_own_connection(store: RedisStore, url: str) -> None:
    # In a process without threads: a fork of one with threads is warned about.
    subprocess.run([sys.executable, "-W", "error", "-c", FORKS, url], check=True)
    assert store.balances([USD]) == [Balance(0, 27)]


# --- what can go wrong


def both(store: RedisStore, message: str) -> None:
    """Refused with one sentence, plain and awaited, and without the password."""
    with contextlib.closing(store):
        with pytest.raises(StoreError, match=message) as plain:
            store.reserve("r", demand(1))
        with pytest.raises(StoreError, match=message) as awaited:
            asyncio.run(store.areserve("r", demand(1)))
    for caught in (plain, awaited):
        assert "hunter2" not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_redis_that_is_not_there() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and nobody listens
        port = nobody.getsockname()[1]
        both(RedisStore(f"redis://:hunter2@127.0.0.1:{port}/0"), f"Redis at redis://127.0.0.1:{port}/0 cannot be reach")


def test_redis_that_goes_in_the_middle_and_comes_back(start_redis: Callable[..., Server]) -> None:
    server = start_redis("--appendonly", "yes", "--appendfsync", "always")
    store = RedisStore(server.url())
    with contextlib.closing(store):
        store.reserve("r", demand(40))
        store.reserve("s", demand(10))
        store.settle("s", {"usd": 9})
        server.kill()
        with pytest.raises(StoreError, match="cannot be reached"):
            store.settle("r", {"usd": 30})
        server.start()
        assert store.balances([USD]) == [Balance(9, 40)], "what was granted is still set aside"
        store.settle("r", {"usd": 30})
        assert store.balances([USD]) == [Balance(39)]


def test_a_wrong_password(start_redis: Callable[..., Server]) -> None:
    server = start_redis("--requirepass", "secret")
    both(
        RedisStore(server.url(user=":hunter2@")),
        "refuses the user name or password of its address. Put them right; in a password, .* percent-encoded.$",
    )
    both(RedisStore(server.url()), "refuses the user name or password")
    store = RedisStore(server.url(user=":secret@"))
    with contextlib.closing(store):
        store.reserve("r", demand(1))


def test_a_user_who_may_not(start_redis: Callable[..., Server]) -> None:
    server = start_redis("--user", "leanloop", "on", ">hunter2", "~other:*", "+@all")
    both(
        RedisStore(server.url(user="leanloop:hunter2@")), "lets this user not do it; the ledger needs EVALSHA and EVAL"
    )


@pytest.mark.parametrize("key", ["leases", "ends", "ledger"])
@pytest.mark.parametrize("kind", ["list", "string"])
def test_a_value_of_another_type_under_a_key_of_the_ledger(
    store: RedisStore, url: str, client: Any, key: str, kind: str
) -> None:
    name = prefix_of(url) + key
    client.rpush(name, "somebody else's") if kind == "list" else client.set(name, "somebody else's")
    both(store, "holds a value of another type under a key of the ledger")
    assert list(client.scan_iter(match=f"{prefix_of(url)}*")) == [name.encode()], "nothing half done"


@pytest.mark.parametrize("key", ["leases", "ends", "ledger", "history"])
def test_a_key_written_over_in_the_middle_loses_and_doubles_nothing(
    store: RedisStore, url: str, client: Any, key: str
) -> None:
    store.reserve("r", demand(40))
    store.reserve("ended", demand(10, lease=0))
    name = prefix_of(url) + key
    if client.exists(name):
        client.rename(name, "apart")
    client.rpush(name, "somebody else's")
    steps: list[Callable[[], object]] = [
        lambda: store.reserve("s", demand(5)),
        lambda: store.reserve("s", Demand((line(("other", "usd")),))),
        lambda: store.balances([USD]),
        lambda: store.renew(["r"], 60),
        lambda: store.raise_limit(*USD, 5, expires=60),
        lambda: store.reset(*USD),
    ]
    for step in steps:
        with pytest.raises(StoreError, match="another type"):
            step()
    if key != "ends":  # a settlement needs that only once the lease has ended
        with pytest.raises(StoreError, match="another type"):
            store.settle("r", {"usd": 35}, Entry(note="r"))
    client.delete(name)
    if client.exists("apart"):
        client.rename("apart", name)
    store.settle("r", {"usd": 30})
    assert store.balances([USD, DAY]) == [Balance(40), Balance(40)]


def test_a_read_only_replica(start_redis: Callable[..., Server]) -> None:
    primary = start_redis()
    replica = start_redis("--replicaof", "127.0.0.1", str(primary.port))
    both(RedisStore(replica.url()), "is a read-only replica; name the primary")


def test_a_server_out_of_memory_still_settles(start_redis: Callable[..., Server]) -> None:
    server = start_redis()
    store = RedisStore(server.url())
    client: Any = redis.Redis(port=server.port)
    with contextlib.closing(store), client:
        store.reserve("r", demand(40))
        client.config_set("maxmemory", 1)
        with pytest.raises(StoreError, match="is out of memory: raise its maxmemory"):
            store.reserve("s", demand(1))
        store.settle("r", {"usd": 30})
        assert store.balances([USD, DAY]) == [Balance(30), Balance(30)]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (redis.exceptions.BusyLoadingError("LOADING"), "is still loading its data; try again in a moment."),
        (redis.exceptions.NoPermissionError("NOPERM"), "lets this user not do it; the ledger needs EVALSHA and EVAL"),
        (redis.exceptions.ResponseError("The user executing the script can't run this command"), "docs/redis.md has"),
        (
            redis.exceptions.ResponseError("MISCONF Errors\nwriting to the AOF"),
            "could not do it: MISCONF Errors writing",
        ),
        (redis.exceptions.ClusterDownError("CLUSTERDOWN"), "cannot be reached: CLUSTERDOWN"),
        (redis.exceptions.TimeoutError(), "cannot be reached: TimeoutError"),
        (
            redis.exceptions.ConnectionError("Error 1 [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"),
            "certificate nobody here trusts (Error 1 [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed). Name",
        ),
        (redis.exceptions.ConnectionError("[SSL: WRONG_VERSION_NUMBER] wrong"), "speaks no TLS; write redis://"),
        (ValueError("I/O operation on closed file."), "the connection was closed while a step was under way"),
    ],
)
def test_what_is_rare_has_its_sentence_too(error: Exception, sentence: str) -> None:
    told = explain(error, read_address("redis://:hunter2@host"))
    assert told.startswith("The ledger's Redis at redis://host")
    assert sentence in told


# --- books


def test_as_many_rows_are_kept_as_the_address_says(redis_server: Server) -> None:
    for rows, kept in (("0", range(1)), ("200", range(200, 400))):
        store = RedisStore(redis_server.url(history=rows))
        with contextlib.closing(store):
            for number in range(600):
                store.reserve("r", Demand(()))
                store.settle("r", {}, Entry(note=str(number)))
            store.reserve("over", demand(1, lease=0))
            found = list(store.history())
        assert len(found) in kept, "Redis trims whole blocks of a hundred"
        assert not found or (found[0].note, found[1].note) == ("over", "599")


def test_names_with_signs_that_end_lines_elsewhere_are_read_whole(store: RedisStore) -> None:
    name = "r\u2028\x85\n\x0b"
    store.reserve(name, demand(1, lease=0))
    assert [row.note for row in store.history()] == [name]
    assert [one.reservation for one in store.export() if isinstance(one, Held)] == [name]


def test_a_history_of_many_pages_is_read_in_order(store: RedisStore) -> None:
    rows = [Entry(at=number / 7, note=str(number)) for number in range(1_100)]
    store.absorb(rows)
    assert list(store.history()) == rows[::-1]
    assert list(store.history(since=10 / 7, until=20 / 7)) == rows[19:9:-1]
    assert list(store.history(until=0)) == []
    assert [one for one in store.export() if isinstance(one, Entry)] == rows


def test_rows_of_a_clock_that_was_set_back_keep_their_times(store: RedisStore) -> None:
    rows = [Entry(at=at, note=str(at)) for at in (9.5, 3.25, 3.25, 12.0)]
    store.absorb(rows)
    assert list(store.history()) == rows[::-1]


def test_a_copy_is_gone_when_an_export_was_read_or_given_up(store: RedisStore, url: str, client: Any) -> None:
    store.reserve("r", demand(10))
    before = set(client.scan_iter(match=f"{prefix_of(url)}*"))
    records = store.export()
    assert next(records)
    assert set(client.scan_iter(match=f"{prefix_of(url)}copy:*"))
    store.settle("r", {"usd": 3})
    assert [one.units for one in records if isinstance(one, Held)] == [0], "one state of it"
    assert set(client.scan_iter(match=f"{prefix_of(url)}*")) == before
    given_up = store.export()
    assert next(given_up)
    cast("Generator[Any]", given_up).close()
    assert set(client.scan_iter(match=f"{prefix_of(url)}*")) == before


def test_a_ledger_that_is_being_filled_refuses_calls_until_it_is_full(store: RedisStore, redis_server: Server) -> None:
    def records() -> Iterator[Record]:
        yield Account(*USD, Balance(7, 40, raised=1), 60.0)
        with pytest.raises(StoreError, match=r"is being moved to redis://127.* move it again"):
            store.reserve("s", demand(1))
        with pytest.raises(StoreError, match="is being moved"):
            next(store.export())
        with pytest.raises(StoreError, match="is being moved"):
            store.retire("redis://next")
        yield Held("r", 0, ((*USD, 40),), 60.0, idle=False, ended=False)

    store.absorb(records())
    assert store.balances([USD]) == [Balance(7, 40, 0, 1)]
    store.settle("r", {"usd": 1})
    assert store.balances([USD]) == [Balance(8, raised=1)]


def test_a_move_that_was_killed_can_be_made_again_or_given_up(store: RedisStore, url: str, client: Any) -> None:
    client.set(f"{prefix_of(url)}ledger", "absorbing 4f1c")
    client.hset(f"{prefix_of(url)}absorbing:ledger", "ahalf", "done")
    store.absorb([Account(*USD, Balance(7), 60.0)])
    assert next(store.accounts())[:3] == (*USD, Balance(7))
    client.delete(f"{prefix_of(url)}ledger")
    client.set(f"{prefix_of(url)}ledger", "absorbing 4f1c")
    store.reinstate()
    assert isinstance(store.reserve("r", demand(10)), Grant)


@pytest.mark.parametrize("any_of_it", [True, False])
def test_the_later_of_two_moves_into_one_ledger_wins(store: RedisStore, any_of_it: bool) -> None:
    def records() -> Iterator[Record]:
        if any_of_it:
            yield Account(*USD, Balance(1), 60.0)
        store.absorb([Account(*USD, Balance(2), 60.0)])

    with pytest.raises(StoreError, match="Another ledger was moved to the same place meanwhile"):
        store.absorb(records())
    assert store.balances([USD]) == [Balance(2)]


def test_what_was_retired_twice_names_the_second_successor(store: RedisStore) -> None:
    store.reserve("r", demand(10))
    store.retire("redis://first")
    store.retire("redis://second")
    with pytest.raises(StoreError, match="moved to redis://second"):
        asyncio.run(store.areserve("s", demand(1)))
    store.reinstate()
    assert store.balances([USD]) == [Balance(0, 10)]


def test_a_limit_is_not_raised_beyond_what_can_be_counted(store: RedisStore) -> None:
    store.raise_limit(*USD, 2**53 - 1, expires=60)
    with pytest.raises(StoreError, match="1 more of 'usd' than was raised before is more than"):
        store.raise_limit(*USD, 1, expires=60)
    most = 2**53 - 1
    assert isinstance(store.reserve("r", Demand((line(limit=most, fixed=most),))), Grant)
    assert isinstance(store.reserve("s", Demand((line(limit=most, fixed=1),))), Refusal)


# --- addresses


@pytest.mark.parametrize(
    "url",
    [
        "http://host",
        "redis://user:hunter2/@host:6379",
        "redis://host:port",
        "redis://host/first",
        "redis://host?prefix=",
        "redis://host?prefix={a}",
        "redis://host?history=many",
        "redis://host?history=-1",
        "redis://host?socket_timeout=soon",
        "redis://host?nothing",
        "redis://host?colour=hunter2",
        "redis://host?decode_responses=true",
        "redis://host?retry=3",
        "redis://host?ssl_ca_certs=file",
        "redis://host?max_connections=0",
        "redis://host?socket_timeout=0",
        "redis://host?socket_connect_timeout=inf",
        "redis://host?health_check_interval=-1",
        "redis://host?protocol=9",
        "rediss://host?ssl_cert_reqs=hunter2",
        "redis://:1#hunter2@host",
        "redis://u:1?hunter2=@host",
        "redis+sentinel://host:26379",
        "redis+cluster://host:6379/1",
    ],
)
def test_an_address_that_cannot_be_read_says_how_to_write_one(url: str) -> None:
    with pytest.raises(UsageError, match=r"cannot be read\. Write redis://user:password@host:6379/0") as caught:
        RedisStore(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_an_address_is_taken_apart_and_shown_without_its_secrets() -> None:
    address = read_address(
        "rediss+sentinel://u:hunter2@a,b:27000/main/3?sentinel_password=hunter2&prefix=acme&socket_timeout=2"
        "&ssl_ca_certs=ca.pem"
    )
    assert address.hosts == (("a", 26379), ("b", 27000))
    assert (address.kind, address.service, address.prefix) == ("sentinel", "main", "acme")
    of_both = {"socket_timeout": 2.0, "ssl": True, "ssl_ca_certs": "ca.pem"}
    assert address.options == {"username": "u", "password": "hunter2", "db": 3, **of_both}
    assert address.sentinel_options == {"password": "hunter2", **of_both}
    assert address.name == "rediss+sentinel://a,b:27000/main/3"
    assert "hunter2" not in repr(address)


def test_a_cluster_is_named_by_any_of_its_nodes() -> None:
    address = read_address("redis+cluster://:p%2Fw@a:7000,b:7001,c")
    assert address.hosts == (("a", 7000), ("b", 7001), ("c", 6379))
    assert address.options == {"password": "p/w"}


# --- sentinels and clusters


@pytest.fixture(scope="module")
def sentinel_url(start_redis: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> str:
    primary = start_redis("--requirepass", "hunter2")
    config = tmp_path_factory.mktemp("sentinel") / "sentinel.conf"
    config.write_text(
        f"sentinel monitor main 127.0.0.1 {primary.port} 1\nsentinel auth-pass main hunter2\n", encoding="utf-8"
    )
    watcher = start_redis(str(config), "--sentinel")
    return f"redis+sentinel://:hunter2@127.0.0.1:{watcher.port}/main"


@pytest.fixture(scope="module")
def cluster_url(start_redis: Callable[..., Server]) -> str:
    """Three nodes that share the slots."""
    nodes = [start_redis(cluster=True) for _ in range(3)]
    clients: list[Any] = [redis.Redis(port=node.port) for node in nodes]
    for number, client in enumerate(clients):
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", number * 5_462, min(number * 5_462 + 5_461, 16_383))
        client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    for node in nodes[1:]:
        clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", node.port, node.bus)
    for _ in range(1_500):
        if all(b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO") for client in clients):
            break
        threading.Event().wait(0.02)
    else:
        pytest.fail("The nodes did not become a cluster within 30 seconds.")
    return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)


@pytest.mark.parametrize("kind", ["sentinel", "cluster"])
def test_the_ledger_works_the_same(kind: str, request: pytest.FixtureRequest) -> None:
    url: str = request.getfixturevalue(f"{kind}_url")
    for prefix in "abcdef":  # in a cluster on different nodes
        store = RedisStore(f"{url}?prefix={prefix}")

        async def awaited(store: RedisStore = store) -> None:
            await store.areserve("s", demand(20), replaces="r")
            assert await store.arenew(["r", "s"], 60) == ["s"]
            await store.asettle("s", {"usd": 7})
            assert await store.abalances([USD, DAY]) == [Balance(7), Balance(7)]

        with contextlib.closing(store):
            assert isinstance(store.reserve("r", demand(30)), Grant)
            asyncio.run(awaited())
            assert isinstance(store.reserve("t", demand(94)), Refusal)
            store.reserve("u", demand(93, lease=0))
            assert store.balances([USD]) == [Balance(100)]
            store.release("u")
            assert store.balances([USD]) == [Balance(7)]
            assert store.raise_limit(*USD, 5, expires=60) == Balance(7, raised=5)
            assert {one.balance for one in store.accounts()} == {Balance(7, raised=5), Balance(7)}
            assert len(list(store.history())) == 3, "ended, taken back, raised"
            store.retire("redis://next")
            kept = list(store.export())
            assert len(kept) == 2 + 3
            store.reinstate()
            assert list(store.export()) != []
            successor = RedisStore(f"{url}?prefix={prefix}-next")
            with contextlib.closing(successor):
                successor.absorb(kept)
                assert successor.balances([USD]) == [Balance(7, raised=5)]


def test_sentinels_that_do_not_know_the_service(sentinel_url: str) -> None:
    both(RedisStore(sentinel_url.replace("/main", "/other")), "no sentinel answers that knows a primary named 'other'")


def test_a_cluster_that_is_not_there() -> None:
    both(RedisStore("redis+cluster://:hunter2@127.0.0.1:1,127.0.0.1:2"), "cannot be reached")


def test_a_cluster_address_of_a_plain_server(redis_server: Server) -> None:
    both(RedisStore(f"redis+cluster://127.0.0.1:{redis_server.port}"), "Redis at redis.cluster://")


async def test_a_call_that_is_cancelled_is_cancelled_wherever_it_is(redis_server: Server) -> None:
    store = RedisStore(redis_server.url())
    await store.areserve("first", demand(1))  # connects
    ended = steps = 0
    while not ended:
        call = asyncio.create_task(store.areserve(f"r{steps}", demand(1)))
        for _ in range(steps):
            await asyncio.sleep(0)
        if call.cancel():
            with pytest.raises(asyncio.CancelledError):
                await call
        else:
            ended = steps
        steps += 1
    assert ended > 1
    store.close()
