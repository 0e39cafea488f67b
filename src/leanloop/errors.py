"""Every error leanloop raises, in one tree.

    LeanLoopError
    ├── BudgetFileError      a budget file cannot be read: file, line, the nearest valid key
    ├── PriceUnknown         a money limit is set and no price is known for the model
    ├── ModelUnavailable     the framework's adapter cannot send a call to the model a plugin named
    ├── UsageError           leanloop was called in a way that cannot work
    │   └── MissingExtra     an optional dependency is absent (also an ImportError)
    ├── StoreError           the ledger's storage failed
    ├── TraceError           a recorded run cannot be read: file and line
    └── TaskStopped          the task may not go on; sticky until it lands
        ├── BudgetExceeded   a limit has no room for the call
        └── LoopDetected     the task repeats itself

None of them derives from ValueError or TypeError: LlamaIndex's response synthesizers swallow those
two and turn a paid call into "Empty Response".
"""

from __future__ import annotations

__all__ = [
    "BudgetExceeded",
    "BudgetFileError",
    "LeanLoopError",
    "LoopDetected",
    "MissingExtra",
    "ModelUnavailable",
    "PriceUnknown",
    "StoreError",
    "TaskStopped",
    "TraceError",
    "UsageError",
]


class LeanLoopError(Exception):
    """The root: catch this to catch whatever leanloop raises."""

    def __reduce__(self) -> tuple[object, ...]:
        """What is needed to make it again in another process, whatever its constructor takes."""
        return _revived, (type(self), self.args, dict(self.__dict__))


def _revived(kind: type[LeanLoopError], args: tuple[object, ...], state: dict[str, object]) -> LeanLoopError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class BudgetFileError(LeanLoopError):
    """A budget file that cannot be read or does not say what it must.

    Args:
        message: what is wrong and what would be right.
        file: the path as the user gave it, or a label such as ``<budget>``.
        line: 1-based line in the file, where one is known.
    """

    def __init__(self, message: str, *, file: str, line: int | None = None) -> None:
        self.file = file
        self.line = line
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {message}")


class PriceUnknown(LeanLoopError):
    """A limit in usd is in force and the model has no price, so its cost cannot be bounded."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(
            f"No price is known for the model {model!r}, so a limit in usd cannot be kept. Name its price in the "
            f"budget file (prices: {{{model}: {{input: 0.15, output: 0.60}}}}, usd per million tokens) or say "
            "unknown_model: free, or unknown_model: most_expensive."
        )


class ModelUnavailable(LeanLoopError):
    """A plugin wants a call made with a model that the adapter cannot make; nothing was sent.

    Args:
        model: its name.
        why: what stands in the way, and what to do about it.
    """

    def __init__(self, model: str, why: str) -> None:
        self.model = model
        self.why = why
        super().__init__(f"The model {model!r} cannot be used here: {why}")


class UsageError(LeanLoopError):
    """leanloop was used in a way that cannot work; the message says what to write instead."""


class MissingExtra(UsageError, ImportError):
    """An optional dependency is not installed; ``extra`` names the extra that brings it."""

    def __init__(self, package: str, extra: str) -> None:
        self.extra = extra
        super().__init__(f"{package} is not installed. Install it with: pip install 'leanloop[{extra}]'")


class StoreError(LeanLoopError):
    """The ledger's storage did not do what it was asked; nothing was granted."""


class TraceError(LeanLoopError):
    """A line of a trace file that is not a recorded run."""

    def __init__(self, message: str, *, file: str, line: int) -> None:
        self.file = file
        self.line = line
        super().__init__(f"{file}:{line}: {message}")


class TaskStopped(LeanLoopError):
    """The task may not go on. ``reason`` is one plain sentence, fit to be shown to the model and the user."""

    def __init__(self, reason: str, message: str | None = None) -> None:
        self.reason = reason
        super().__init__(message or reason)


class BudgetExceeded(TaskStopped):
    """A limit has no room for the next call.

    Attributes:
        resource: what ran out (``usd``, ``tokens``, ``cycles``, ``tool_calls:search`` ...).
        scope: the window and scope of the limit, such as ``task`` or ``day of user=u1``.
        limit, spent, reserved, needed: amounts in the resource's own unit (usd in nano-dollars).
    """

    def __init__(
        self,
        reason: str,
        *,
        resource: str,
        scope: str,
        limit: int,
        spent: int,
        reserved: int,
        needed: int,
        hint: str = "",
    ) -> None:
        self.resource = resource
        self.scope = scope
        self.limit = limit
        self.spent = spent
        self.reserved = reserved
        self.needed = needed
        super().__init__(reason, f"{reason} {hint}".strip())


class LoopDetected(TaskStopped):
    """The same steps came again and again; raised only where the file says ``at_limit: raise``."""
