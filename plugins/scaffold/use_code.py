"""The tool `use_code`: code of the model, run by an executor that the user supplies. Nothing here runs any."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

from leanloop.budgets.tokens import counter_for
from leanloop.plugins.call import ToolResult
from leanloop.plugins.flow import Io
from leanloop.plugins.scaffold.tool import CognitiveTool
from leanloop.plugins.shorten.shorten import shorten
from leanloop.plugins.shorten.shown import Room
from leanloop.plugins.supplied import RunCode

__all__ = ["USE_CODE", "run_code"]

USE_CODE = CognitiveTool(
    "use_code",
    "Run Python code and see what it prints. For calculations, counting, searching through cases.",
    {"code": "a whole program, which prints what you want to know"},
    "Runs code; asks no model.",
)
"""Off unless an executor is supplied (the paper's arm of four tools had one too, which counts for its gain)."""

_LONGEST_CODE = 20_000
"""Characters. A longer program is refused, since half of one is none."""

_OUTPUT_TOKENS = 1_000


def run_code(code: str, run: RunCode, model: str) -> Generator[Io[Any], Any, ToolResult]:
    """What `run` makes of the code: its output, shortened, or its error, for the model.

    Where it may take and for how long is the executor's matter: a thread cannot be ended from outside. An event loop
    is not blocked meanwhile, and a limit in seconds is looked at in the call after it.
    """
    if len(code) > _LONGEST_CODE:
        return ToolResult(f"Not run: {len(code):,} characters of code, at most {_LONGEST_CODE:,} are.", is_error=True)

    async def aside(code: str) -> str:
        return await asyncio.to_thread(run, code)

    try:
        output: object = yield Io(run, aside, code)
    except Exception as error:  # noqa: BLE001 whatever the executor raises is what the code did
        return ToolResult(_short(f"{type(error).__name__}: {error}", model), is_error=True)
    text = "" if output is None else str(output)
    return ToolResult(_short(text, model) if text.strip() else "It printed nothing; print what you want to know.")


def _short(text: str, model: str) -> str:
    return shorten(text, Room(_OUTPUT_TOKENS, counter_for(model).text)).text
