"""Where the ledger's Redis is: one server, a primary the sentinels know, or a cluster."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from leanloop.errors import MissingExtra, UsageError

try:
    from redis.asyncio.connection import parse_url
except ImportError:
    raise MissingExtra("redis", "redis") from None

__all__ = ["RedisAddress", "read_address"]

Kind = Literal["single", "sentinel", "cluster"]

_KINDS: Mapping[str, Kind] = {
    "redis": "single",
    "rediss": "single",
    "unix": "single",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}
_OWN = frozenset({"prefix", "history", "sentinel_username", "sentinel_password"})
_HISTORY = "100000"
_TLS = frozenset(
    f"ssl_{name}"
    for name in ("ca_certs", "ca_path", "certfile", "keyfile", "password", "cert_reqs", "check_hostname", "min_version")
)
_TAKEN = frozenset(
    {
        *("username", "password", "db", "client_name", "protocol", "max_connections"),
        *("socket_timeout", "socket_connect_timeout", "socket_keepalive", "health_check_interval"),
    }
)
"""Of what redis-py would take: the rest changes its answers, or fails at the first call only."""


@dataclass(frozen=True)
class RedisAddress:
    """A parsed address.

    Attributes:
        name: the address without password and options, fit to be shown.
        prefix: what the ledger's keys begin with.
        history: how many rows of history are kept.
        url: what redis-py reads, of a single server.
        hosts: where to connect, of a cluster; of a sentinel address the sentinels.
        service: the name the sentinels know the primary by.
        options, sentinel_options: arguments for redis-py's other clients; those for sentinels have the same time-outs
            and certificates. These and `url` hold the passwords.
    """

    kind: Kind
    name: str
    prefix: str
    history: int
    url: str = field(repr=False)
    hosts: tuple[tuple[str, int], ...]
    service: str
    options: dict[str, Any] = field(repr=False)
    sentinel_options: dict[str, Any] = field(repr=False)


def read_address(url: str) -> RedisAddress:
    """Parse a ``store`` address. No message here repeats it, since it may hold a password.

    ::

        redis://[user:password@]host[:6379][/db]          rediss:// for TLS
        unix:///path/to/socket
        redis+sentinel://[user:password@]host[:26379],host2.../service[/db]
        redis+cluster://[user:password@]host[:6379],host2...

    After ``?`` may follow ``prefix`` (what its keys begin with, default ``leanloop``), ``history`` (rows to keep,
    default 100,000; none with 0), ``sentinel_username``, ``sentinel_password``, and of what redis-py takes there
    ``socket_timeout=2`` and ``socket_connect_timeout=2`` (seconds, 5 each if not given), ``socket_keepalive``,
    ``health_check_interval``, ``max_connections``, ``client_name``, ``protocol``, ``username``, ``password``, ``db``,
    and with TLS ``ssl_ca_certs``, ``ssl_ca_path``, ``ssl_certfile``, ``ssl_keyfile``, ``ssl_password``,
    ``ssl_cert_reqs``, ``ssl_check_hostname``, ``ssl_min_version``.

    Raises:
        UsageError: it is none of these.
    """
    try:
        return _read(url)
    except ValueError:
        raise UsageError(
            "The address of the Redis store cannot be read. Write redis://user:password@host:6379/0, with the signs "
            "/ ? # @ % in a password percent-encoded; redis+sentinel://host:26379,host2:26379/service; or "
            "redis+cluster://host:6379,host2:6379; with ?prefix=NAME and &history=ROWS behind it if need be, or "
            "&socket_timeout=SECONDS, and with rediss:// &ssl_ca_certs=FILE; docs/ledger.md names all options."
        ) from None


def _read(url: str) -> RedisAddress:
    parts = urlsplit(url)
    kind = _KINDS.get(parts.scheme)
    given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    own = {key: value for key, value in given if key in _OWN}
    prefix, history = own.pop("prefix", "leanloop"), own.pop("history", _HISTORY)
    service, _, db = parts.path[1:].partition("/") if kind == "sentinel" else ("", "", parts.path[1:])
    if (
        kind is None
        or parts.fragment  # a password with # in it
        or "@" in parts.query  # or with ?
        or not {key for key, _ in given} - _OWN <= _TAKEN | (_TLS if parts.scheme.startswith("rediss") else frozenset())
        or not prefix
        or not (history.isascii() and history.isdecimal() and len(history) <= 12)
        or set(prefix) & set("{}")  # they would end the hash tag early
        or (kind == "sentinel") != bool(service)
        or (parts.scheme != "unix" and db and not db.isdecimal())
        or (kind == "cluster" and int(db or 0))  # a cluster has database 0 only
    ):
        raise ValueError
    user, _, places = parts.netloc.rpartition("@")
    scheme = parts.scheme.partition("+")[0]
    user = f"{user}@" if user else ""
    query = urlencode([(key, value) for key, value in given if key not in _OWN])
    urls = [f"{scheme}://{user}{place}/{db}?{query}" for place in (places.split(",") if kind != "single" else [places])]
    hosts: list[tuple[str, int]] = []
    options: dict[str, Any] = {}
    for single in urls:
        options = cast("dict[str, Any]", dict(parse_url(single)))
        default = 26379 if kind == "sentinel" else 6379
        hosts.append((options.pop("host", "localhost"), options.pop("port", default)))
    _check_numbers(options)
    options.pop("connection_class", None)  # the others take a flag for TLS
    encrypted = {"ssl": True} if scheme == "rediss" else {}
    if kind == "cluster":
        options.pop("db", None)
    return RedisAddress(
        kind=kind,
        name=f"{parts.scheme}://{places}{parts.path}",
        prefix=prefix,
        history=int(history),
        url=urls[0],
        hosts=tuple(hosts),
        service=service,
        options={**options, **encrypted},
        sentinel_options={
            **{key: value for key, value in options.items() if key.startswith(("socket_", "ssl_"))},
            **{key.removeprefix("sentinel_"): value for key, value in own.items()},
            **encrypted,
        },
    )


def _check_numbers(options: Mapping[str, Any]) -> None:
    """What redis-py would refuse at the first call, or wait for without end."""
    seconds = [options.get(name, 1.0) for name in ("socket_timeout", "socket_connect_timeout")]
    if (
        not all(0 < one < math.inf for one in seconds)
        or options.get("max_connections", 1) < 1
        or options.get("health_check_interval", 0) < 0
        or options.get("protocol", 2) not in {2, 3}
        or options.get("ssl_cert_reqs", "none") not in {"none", "optional", "required"}
    ):
        raise ValueError
