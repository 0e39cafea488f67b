"""How long a test waits for what comes by itself, before it says that it never came."""

from __future__ import annotations

__all__ = ["PATIENCE"]

PATIENCE = 300.0
"""Seconds. Nothing takes so long, however busy the machine is."""
