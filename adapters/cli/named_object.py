"""Objects of the user's own code that a command line names, as ``module:attribute``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from leanloop.budgets.fields import shown
from leanloop.errors import UsageError

__all__ = ["load_object"]


def load_object(text: str, how: str = "") -> object:
    """``module:attribute``, from the working directory or what is installed.

    Args:
        text: the name.
        how: a sentence that reminds of what may be named.

    Raises:
        UsageError: there is none.
    """
    module, _, name = text.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        there: object = importlib.import_module(module)
        for part in name.split("."):
            there = getattr(there, part)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise UsageError(" ".join(filter(None, (f"{shown(text)} cannot be loaded: {error}.", how)))) from error
    return there
