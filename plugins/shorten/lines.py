"""A text as its lines, as a terminal would have left them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence, Sized

import numpy as np

__all__ = ["as_shown", "line_of", "lower_case", "part_starts", "split_lines", "without_digits"]

# CSI (colours, cursor), OSC (titles, links) and two-character escapes of ECMA-48. Possessive, so linear.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|\][^\x07\x1b\n]*+(?:\x07|\x1b\\)?|[@-Z\\^_=>78]|[()][0-9A-Za-z])|\x9b[0-?]*+[@-~]"
)
_RUBBED = re.compile(r"[^\n\r\x08]\x08")
_RUBBED_OUT = 3  # characters in a row; spinners and overstruck manual pages take back one
_WORTH_KEEPING = re.compile(r"error|fail|fatal|panic|exception|warning|denied", re.IGNORECASE)


def split_lines(text: str) -> list[str]:
    r"""The lines of a text, without their ``\n``; what ends the last line begins no further one.

    Numbered from 1 these are the lines that marks and `read_result` speak of.
    """
    lines = text.split("\n")
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    return lines


def as_shown(text: str) -> str:
    r"""The text without escape sequences, and of what was drawn over again only the last state; the same lines.

    A progress bar writes a line again and again from its beginning (``\r``): its last state says it all, but for an
    error between two of its states, which stays.
    """
    if "\x1b" in text or "\x9b" in text:
        text = _ESCAPES.sub("", text)
    if "\b" in text:
        for _ in range(_RUBBED_OUT):
            text = _RUBBED.sub("", text)
        text = text.replace("\b", "")
    if "\r" not in text:
        return text
    text = text.replace("\r\n", "\n")
    if "\r" not in text:
        return text
    return "\n".join(_last_state(line) if "\r" in line else line for line in text.split("\n"))


def _last_state(line: str) -> str:
    states = [state for state in line.split("\r") if state.strip()]
    kept = [state for state in states[:-1] if _WORTH_KEEPING.search(state)]
    return " ".join([*dict.fromkeys(kept), *states[-1:]])


def lower_case(text: str) -> str:
    """The text in lower case with every character where it was (U+0130 alone would become two)."""
    return text.replace("\u0130", "i").lower()


def line_of(starts: Sequence[int], at: int) -> int:
    """Which part a place in a text is in, counted from 0, where parts begin at `starts`."""
    return bisect_right(starts, at) - 1


def part_starts(parts: Iterable[Sized]) -> list[int]:
    """Where each of some parts begins in the text they were split from at one character, and where it ends."""
    lengths = np.fromiter(map(len, parts), dtype=np.int64)
    return [0, *np.cumsum(lengths + 1).tolist()]


def without_digits(lines: Sequence[str]) -> list[bytes]:
    """Each line without its digits: lines that differ in numbers only become equal."""
    return "\n".join(lines).encode("utf-8", "surrogatepass").translate(None, b"0123456789").split(b"\n")
