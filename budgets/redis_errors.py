"""What redis-py's errors mean for the ledger, in one sentence each."""

from __future__ import annotations

from redis import exceptions
from redis.exceptions import NoScriptError

from leanloop.budgets.redis_address import RedisAddress

__all__ = ["FAILURES", "NoScriptError", "explain", "is_of_another_type", "is_silence"]

FAILURES: tuple[type[Exception], ...] = (
    exceptions.RedisError,
    exceptions.RedisClusterException,
    OSError,
    AttributeError,  # this and the next are redis-py's where a connection is closed under a step
    ValueError,
)

_GONE = (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.ClusterDownError, OSError)


def explain(error: Exception, address: RedisAddress, called: str = "ledger's Redis") -> str:
    """What failed at `address` and what to do. Never with a password: no text of the address's own but its name."""
    at = f"The {called} at {address.name}"
    text = " ".join(str(error).split())
    if text.startswith("No master found"):
        return (
            f"{at}: no sentinel answers that knows a primary named {address.service!r}. See that they run, and that "
            "the address ends in the name they monitor."
        )
    if isinstance(error, exceptions.AuthenticationError | exceptions.AuthorizationError) or text.startswith(
        ("WRONGPASS", "NOAUTH", "Authentication required")
    ):
        return (
            f"{at} refuses the user name or password of its address. Put them right; in a password, / ? # @ % are "
            "written percent-encoded."
        )
    if isinstance(error, exceptions.NoPermissionError):
        return f"{at} lets this user not do it; the ledger needs EVALSHA and EVAL on keys {{{address.prefix}}}:*."
    if isinstance(error, exceptions.BusyLoadingError):
        return f"{at} is still loading its data; try again in a moment."
    if isinstance(error, exceptions.ReadOnlyError) or "READONLY" in text:
        return f"{at} is a read-only replica; name the primary, or use redis+sentinel:// to have it found."
    if isinstance(error, exceptions.OutOfMemoryError) or "OOM command not allowed" in text:
        return f"{at} is out of memory: raise its maxmemory, and keep maxmemory-policy at noeviction."
    if is_of_another_type(error):
        return (
            f"{at} holds a value of another type under a key of the ledger, {{{address.prefix}}}:...; "
            "another program writes there. Give the ledger a prefix of its own with ?prefix=NAME."
        )
    if isinstance(error, AttributeError | ValueError):
        return f"{at}: the connection was closed while a step was under way ({text}); the next step opens a new one."
    if isinstance(error, _GONE) or "cannot be connected" in text:
        what = (text or type(error).__name__).rstrip(".")
        return f"{at} cannot be reached: {what}. See that it runs, and that the address names it."
    return f"{at} could not do it: {text}"


def is_of_another_type(error: Exception) -> bool:
    """Whether a key holds what no script of the ledger put there, or what retiring it did."""
    return "WRONGTYPE" in str(error)


def is_silence(error: Exception) -> bool:
    """Whether nobody answered in time."""
    return isinstance(error, exceptions.TimeoutError | TimeoutError)
