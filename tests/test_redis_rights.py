"""What a Redis user of the ledger must be allowed, and what one hears who is not."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import redis

from leanloop.budgets.history import Entry
from leanloop.budgets.redis_store import RedisStore
from leanloop.budgets.store import Balance, Demand, Line
from leanloop.errors import StoreError

pytestmark = pytest.mark.redis

USD = ("task:1", "usd")
DEMAND = Demand((Line(*USD, 100, 40),))


class Server(Protocol):
    """tests/conftest.py's RedisServer."""

    port: int


RULE = next(
    line.split()
    for line in (Path(__file__).parents[1] / "docs" / "redis.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("    ACL SETUSER ")
)


@pytest.fixture
def ruled(redis_server: Server) -> Iterator[tuple[str, Any]]:
    """The address of a user under the rule of the docs, and a client that may change it."""
    prefix, password = uuid.uuid4().hex, "hunter2"
    rule = [word.replace("{leanloop}", f"{{{prefix}}}").replace("PASSWORD", password) for word in RULE]
    with contextlib.closing(redis.Redis(port=redis_server.port)) as made:
        client: Any = made  # annotated in parts
        client.execute_command(*rule)
        yield f"redis://leanloop:{password}@127.0.0.1:{redis_server.port}/0?prefix={prefix}", client
        client.execute_command("ACL", "DELUSER", "leanloop")


@pytest.mark.parametrize("protocol", ["2", "3"])
def test_the_rule_of_the_docs_lets_a_user_do_all_a_ledger_does(ruled: tuple[str, Any], protocol: str) -> None:
    store = RedisStore(f"{ruled[0]}&protocol={protocol}")
    with contextlib.closing(store):
        store.reserve("r", DEMAND)
        store.renew(["r"], 60)
        store.settle("r", {"usd": 30}, Entry(note="r"))
        store.reserve("s", DEMAND._replace(lease=0))
        assert store.balances([USD]) == [Balance(70)]
        store.release("s")
        store.raise_limit(*USD, 5, expires=60)
        assert [one.balance for one in store.accounts() if one.account == USD[0]] == [Balance(30, raised=5)]
        assert len(list(store.history())) == 4
        store.retire("redis://next")
        kept = list(store.export())
        store.reinstate()
        store.reset(*USD)
        assert kept


def test_a_user_who_lacks_a_command_of_a_script_is_told_of_the_rule(ruled: tuple[str, Any]) -> None:
    url, client = ruled
    client.execute_command("ACL", "SETUSER", "leanloop", "-zrangebyscore")
    with contextlib.closing(RedisStore(url)) as store, pytest.raises(StoreError) as caught:
        store.reserve("r", DEMAND)
    assert re.search(
        r"lets this user not do it; .* the commands its scripts run: docs/redis.md has the rule\.$", str(caught.value)
    )
    assert "hunter2" not in str(caught.value)
