"""Links out of docs/, which are right in the repository, made right in the site."""

from __future__ import annotations

import re

__all__ = ["on_page_markdown"]

_EXAMPLE = re.compile(r"\]\(\.\./examples/(\w+)\.py\)")


def on_page_markdown(markdown: str, **_: object) -> str:
    """An example is a part of the page of examples."""
    return _EXAMPLE.sub(lambda found: f"](examples.md#{found[1].replace('_', '-')})", markdown)
