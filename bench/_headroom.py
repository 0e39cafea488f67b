"""Histories through headroom-ai: run by the Python that has it, a history (OpenAI messages) a line in, and out again.

``protect`` (an argument, default headroom's own 4) is how many of the last messages it leaves alone.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any


def main() -> None:
    headroom: Any = import_module("headroom")
    options: dict[str, Any] = {"kompress_model": "disabled"}  # the model it would download is not there
    if len(sys.argv) > 1:
        options["protect_recent"] = int(sys.argv[1])
    config = headroom.CompressConfig(**options)
    for line in sys.stdin:
        done = headroom.compress(json.loads(line), model="gpt-4o", config=config)
        print(json.dumps(done.messages), flush=True)


if __name__ == "__main__":
    main()
