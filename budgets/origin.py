"""Where a budget was written, so that what is said of a limit while a task runs names the line to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from leanloop.budgets.account import AccountName
from leanloop.budgets.limit import TOTAL, Limit

__all__ = ["Origin"]


@dataclass(frozen=True, slots=True)
class Origin:
    """The file a budget was read from, and the places of its keys; nothing for a budget that was built in code.

    Any two are equal: budgets that say the same are the same, wherever that was written.

    Attributes:
        file: the path as the user gave it.
        places: by the way to a key, its 1-based line, or the environment variable that set it.
    """

    file: str | None = field(default=None, compare=False)
    places: Mapping[tuple[str | int, ...], int | str] = field(
        default_factory=dict[tuple[str | int, ...], int | str], compare=False
    )

    def place(self, *path: str | int) -> str | None:
        """Where the value at `path`, or the nearest one around it, was written: ``FILE:LINE`` or a variable's name."""
        around = (path[:n] for n in range(len(path), 0, -1))
        place = next((self.places[outer] for outer in around if outer in self.places), None)
        return f"{self.file}:{place}" if isinstance(place, int) else place

    def place_of_limit(self, limits: Sequence[Limit], account: str, resource: str, amount: int) -> str | None:
        """Where the amount that is kept in an account of the ledger was written, in the ledger's unit."""
        name = AccountName.read(account)
        kind, _, tool = resource.partition(":")
        for number, limit in enumerate(limits):
            same = (limit.per, limit.rolling, limit.scope or "task") == (name.per, name.rolling, name.scope)
            if same and limit.amounts().get(resource) == amount:
                return self.place("limits", number, kind, tool or TOTAL)
        return None

    def without(self, key: str) -> Origin:
        """This, for a budget whose values under `key` are others than those of the file."""
        return replace(self, places={path: place for path, place in self.places.items() if path[0] != key})
