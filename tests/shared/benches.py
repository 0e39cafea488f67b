"""Modules of bench/, which is no package, for tests that share what they read or make."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

__all__ = ["DATA", "bench_module"]

_BENCH = Path(__file__).parents[2] / "bench"

DATA = Path(__file__).parents[3] / "shared" / "data"
"""The public sets; absent on most machines."""


def bench_module(name: str) -> ModuleType:
    """One of them by its name; loaded once."""
    known = sys.modules.get(f"bench{name}")
    if known is not None:
        return known
    found = importlib.util.spec_from_file_location(f"bench{name}", _BENCH / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return module
