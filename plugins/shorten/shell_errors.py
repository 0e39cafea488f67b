"""What shells, and those that run commands, say of a failure beside a command's own output."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leanloop.plugins.shorten.lines import line_of, part_starts

__all__ = ["shell_errors"]

_SIGNS = (
    *("not found", "No such file", "denied", "s a directory", "egmentation fault", "core dumped", "Killed"),
    *("xit code", "xit status", "xited with", "xit_code", "xit-code", "fatal: ", "rror: "),
)
_SAID = re.compile(
    r"^(?:[^\s:]{1,80}: ){1,3}.{0,200}(?:not found|No such file or directory|Permission denied|Is a directory)$"
    r"|^(?:\S+ )?Segmentation fault|\(core dumped\)$|^Killed$|^\W{0,3}(?:fatal|[Ee]rror): "
    r"|^\W{0,3}(?:[A-Za-z]+ ){0,4}[Ee]xit(?:ed)?(?: with)?[ _-](?:code|status)\W{1,3}-?[1-9]"
)
_LOOKED_AT = 400  # characters of a line
_MOST = 20


def shell_errors(lines: Sequence[str]) -> list[int]:
    """The lines, from 0, that tell of a failure in any output, be it code, a page or a diff; some of many.

    Much less is taken for an error than in a log: source code is full of the words for errors.
    """
    text = "\n".join(lines)
    starts = part_starts(lines)
    found: set[int] = set()
    for sign in _SIGNS:
        at = text.find(sign)
        while at >= 0:
            line = line_of(starts, at)
            found.add(line)
            at = text.find(sign, starts[line + 1])
    said = [line for line in sorted(found) if _SAID.search(lines[line][:_LOOKED_AT])]
    return said if len(said) <= _MOST else said[: _MOST // 2] + said[-_MOST // 2 :]
