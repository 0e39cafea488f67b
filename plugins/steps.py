"""Flows of I/O alone: they make no call, and are performed where they are wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any, NoReturn, TypeVar

from leanloop.errors import UsageError
from leanloop.plugins.call import ModelCall
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.flow import Io

__all__ = ["Steps", "aperform", "perform", "perform_aside"]

Result = TypeVar("Result")

Steps = Generator[Io[Any], Any, Result]
"""A flow that yields I/O and nothing else."""


def perform(steps: Steps[Result]) -> Result:
    """Take the steps on this thread."""
    return run(steps, _no_call)


async def aperform(steps: Steps[Result]) -> Result:
    """Take the steps, awaited."""
    return await arun(steps, _no_call)


def perform_aside(steps: Steps[None]) -> None:
    """Take the steps where nobody waits for them: on this thread or, where an event loop runs on it, on another."""
    try:
        asyncio.get_running_loop().run_in_executor(None, perform, steps)
    except RuntimeError:  # there is none, or it is about to end
        perform(steps)


def _no_call(call: ModelCall) -> NoReturn:
    raise UsageError(f"These steps are I/O alone, and asked for a call of {call.model}.")
