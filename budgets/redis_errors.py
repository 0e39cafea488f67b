"""What redis-py's errors mean for the ledger, in one sentence each."""

from __future__ import annotations

from typing import NamedTuple

from redis import exceptions
from redis.exceptions import NoScriptError

from leanloop.budgets.redis_address import RedisAddress

__all__ = ["FAILURES", "NoScriptError", "explain", "is_away", "is_of_another_type", "is_silence"]

FAILURES: tuple[type[Exception], ...] = (
    exceptions.RedisError,
    exceptions.RedisClusterException,
    OSError,
    AttributeError,  # this and the next are redis-py's where a connection is closed under a step
    ValueError,
)


class _Case(NamedTuple):
    """Errors of these kinds, or with one of these words in them, and what is said of them."""

    kinds: tuple[type[Exception], ...]
    words: tuple[str, ...]
    sentence: str


_FULL = ("Too many connections", "No connection available", "max number of clients")

_AWAY = _Case(
    (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.ClusterDownError, OSError),
    ("cannot be connected",),
    " cannot be reached: {what}. See that it runs, and that the address names it.",
)

_CASES = (
    _Case(
        (),
        ("No master found",),
        ": no sentinel answers that knows a primary named {service}. See that they run, and that the address ends in "
        "the name they monitor.",
    ),
    _Case(
        (exceptions.AuthenticationError, exceptions.AuthorizationError),
        ("WRONGPASS", "NOAUTH", "Authentication required"),
        " refuses the user name or password of its address. Put them right; in a password, / ? # @ % are written "
        "percent-encoded.",
    ),
    _Case(
        (exceptions.NoPermissionError,),
        ("no permissions to run", "can't run this command"),
        " lets this user not do it; the ledger needs EVALSHA and EVAL on keys {keys}*, and the commands its scripts "
        "run: docs/redis.md has the rule.",
    ),
    _Case((exceptions.BusyLoadingError,), (), " is still loading its data; try again in a moment."),
    _Case(
        (exceptions.ReadOnlyError,),
        ("READONLY",),
        " is a read-only replica; name the primary, or use redis+sentinel:// to have it found.",
    ),
    _Case(
        (exceptions.OutOfMemoryError,),
        ("OOM command not allowed",),
        " is out of memory: raise its maxmemory, and keep maxmemory-policy at noeviction.",
    ),
    _Case(
        (),
        ("WRONGTYPE",),
        " holds a value of another type under a key of the ledger, {keys}...; another program writes there. Give the "
        "ledger a prefix of its own with ?prefix=NAME.",
    ),
    _Case(
        (AttributeError, ValueError),
        (),
        ": the connection was closed while a step was under way ({text}); the next step opens a new one.",
    ),
    _Case(
        (),
        _FULL,
        " takes no further connection ({what}): raise max_connections in its address, or maxclients of the server.",
    ),
    _Case(
        (),
        ("CERTIFICATE_VERIFY_FAILED",),
        " has a certificate nobody here trusts ({what}). Name the file of who signed it with ?ssl_ca_certs=FILE.",
    ),
    _Case(
        (),
        ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"),
        " speaks no TLS; write redis:// where it is meant to, redis+sentinel:// or redis+cluster://.",
    ),
    _AWAY,
    _Case((Exception,), (), " could not do it: {text}"),
)
"""The first that holds is said."""


def explain(error: Exception, address: RedisAddress, called: str = "ledger's Redis") -> str:
    """What failed at `address` and what to do. Never with a password: no text of the address's own but its name."""
    text = " ".join(str(error).split())
    sentence = next(case.sentence for case in _CASES if _holds(case, error))
    told = {"service": repr(address.service), "keys": f"{{{address.prefix}}}:", "text": text}
    what = (text or type(error).__name__).rstrip(".")
    return f"The {called} at {address.name}" + sentence.format(**told, what=what)


def is_of_another_type(error: Exception) -> bool:
    """Whether a key holds what no script of the ledger put there, or what retiring it did."""
    return "WRONGTYPE" in str(error)


def is_away(error: Exception) -> bool:
    """Whether nobody who could do it was reached."""
    return _holds(_AWAY, error) and not any(word in str(error) for word in _FULL)


def is_silence(error: Exception) -> bool:
    """Whether nobody answered in time."""
    return isinstance(error, exceptions.TimeoutError | TimeoutError)


def _holds(case: _Case, error: Exception) -> bool:
    return isinstance(error, case.kinds) or any(word in str(error) for word in case.words)
