"""Tasks that go to local models alone (the file's `routes: {local_only: ...}`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from leanloop.errors import ModelUnavailable
from leanloop.plugins.task import Task

__all__ = ["local_models", "refuse_leaving"]


def local_models(task: Task) -> frozenset[str] | None:
    """The models that may be shown anything of the task; None where all may.

    The rules of the tasks it is a part of hold for it too, by their tags and by its own.
    """
    allowed: frozenset[str] | None = None
    for member in task.lineage:
        rules = member.budget.routes
        if rules is not None and rules.local_only and _names_one(rules.local_only, task.tags):
            local = frozenset(rules.local)
            allowed = local if allowed is None else allowed & local
    return allowed


def refuse_leaving(model: str, task: Task) -> None:
    """Look at a call of any kind, innermost, before anything is set aside or sent for it.

    Raises:
        ModelUnavailable: the task may go to local models alone, and this is none.
    """
    allowed = local_models(task)
    if allowed is not None and model not in allowed:
        named = ", ".join(sorted(allowed)) or "none"
        raise ModelUnavailable(
            model,
            f"the task's tags say that it goes to local models alone (local_only), which are: {named}. Add it to local "
            "if nothing leaves the house with it.",
        )


def _names_one(entries: Iterable[str], tags: Mapping[str, str]) -> bool:
    """Whether one of the entries is a tag's name, or a name and the value it has."""
    for entry in entries:
        name, _, value = entry.partition("=")
        if entry in tags or (value and tags.get(name) == value):
            return True
    return False
