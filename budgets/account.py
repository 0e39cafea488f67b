"""The names of accounts in a ledger: whose spending, in which window. They are made and read here only.

::

    task:4f1c                                    one task
    agent=support:day:2026-11-22                 a day of an agent
    user=J%C3%B6rg:hour@Europe/Berlin:2026-10-25T02+0200
    global:rolling-day:2026-11-22T14:00:00       one part of a rolling window
"""

from __future__ import annotations

from typing import NamedTuple, get_args
from urllib.parse import quote, unquote

from leanloop.budgets.fields import shown
from leanloop.budgets.limit import Window
from leanloop.errors import UsageError

__all__ = ["AccountName"]

_ROLLING = "rolling-"


class AccountName(NamedTuple):
    """What an account's name says. As text (`str`) it is unique to it, whatever names and tags contain.

    Attributes:
        scope: ``task``, ``agent``, ``global`` or the name of a tag.
        owner: the task's id, the agent's name or the tag's value; empty for ``global``.
        label: which window, see `leanloop.budgets.window`; empty for a task.
        zone: the time zone of the calendar; always UTC for a rolling window.
    """

    scope: str
    owner: str = ""
    per: Window = "task"
    label: str = ""
    zone: str = "UTC"
    rolling: bool = False

    def __str__(self) -> str:
        owner = quote(self.owner, safe="", errors="surrogatepass")
        if self.scope == "task":
            return f"task:{owner}"
        whose = "global" if self.scope == "global" else f"{self.scope}={owner}"
        zone = "" if self.zone == "UTC" else f"@{self.zone}"
        return f"{whose}:{_ROLLING if self.rolling else ''}{self.per}{zone}:{self.label}"

    @classmethod
    def read(cls, text: str) -> AccountName:
        """The name that was written as `text`.

        Raises:
            UsageError: it is no name of an account.
        """
        whose, _, rest = text.partition(":")
        window, _, label = rest.partition(":")
        per, _, zone = window.removeprefix(_ROLLING).partition("@")
        scope, _, owner = whose.partition("=")
        try:
            if whose == "task":
                name = cls("task", unquote(rest, errors="surrogatepass"))
            else:
                rolling = window.startswith(_ROLLING)
                known = next(one for one in get_args(Window)[1:] if one == per)  # the first is the task
                name = cls(scope, unquote(owner, errors="surrogatepass"), known, label, zone or "UTC", rolling)
        except (StopIteration, UnicodeDecodeError):
            name = None
        if name is None or str(name) != text:
            raise UsageError(
                f"{shown(text)} is no account of a ledger; one is, for example, agent=support:day:2026-11-22."
            )
        return name
