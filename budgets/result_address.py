"""Addresses of result stores: which there are, and whether one can be read."""

from __future__ import annotations

from leanloop.budgets.stores import check_address, is_known
from leanloop.errors import UsageError

__all__ = ["FOLDER", "RESULT_FORMS", "check_result_address"]

RESULT_FORMS = "memory, folder:PATH, sqlite:///FILE or redis://HOST:PORT/NUMBER"

FOLDER = "folder:"
"""Begins the address of a folder in which each result is a file."""


def check_result_address(address: str) -> None:
    """Raise what opening the store would, and open nothing.

    Raises:
        UsageError: the address cannot be read.
    """
    if not address.startswith(FOLDER):
        if not is_known(address):
            raise UsageError(f"Results are kept in {RESULT_FORMS}; this address is none of them.")
        check_address(address)
        return
    path = address.removeprefix(FOLDER)
    if not path.strip() or "\0" in path:
        raise UsageError("A folder for results is folder:PATH, such as folder:./results.")
