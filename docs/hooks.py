"""What mkdocs does to a page: links out of docs/, right in the repository, are made right in the site; the page of
examples gets them from the list in examples/README.md.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

__all__ = ["on_page_markdown"]

_EXAMPLE = re.compile(r"\]\(\.\./examples/(\w+)\.py\)")
_LISTED = re.compile(r"^\| \[(\w+)\.py\]\([^)]+\) \| (.*) \|$", re.MULTILINE)
_EXAMPLES = Path(__file__).parent.parent / "examples"


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """An example is a part of the page of examples."""
    if page.file.src_uri == "examples.md":
        listed = _LISTED.findall((_EXAMPLES / "README.md").read_text(encoding="utf-8"))
        markdown += "".join(_section(name, shows) for name, shows in listed)
    return _EXAMPLE.sub(lambda found: f"](examples.md#{found[1].replace('_', '-')})", markdown)


def _section(name: str, shows: str) -> str:
    code = (_EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    return f"\n\n## {name.replace('_', '-')}\n\n{shows[0].upper()}{shows[1:]}.\n\n```python\n{code}```\n"
