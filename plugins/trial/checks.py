"""How an answer is compared with what was to come of it.

- ``exact``: the same text, but for case, blanks and a full stop; all of the answer, or what it comes to.
- ``number``: the last number of the answer, to a millionth.
- ``choice``: the letter that was chosen.
- ``contains``: the text occurs in it, but for case and blanks.
- ``regex``: a regular expression matches somewhere in it, within a tenth of a second.
- ``json``: the same JSON value, in a code fence or not; the order of keys does not count.

A function of the user's own is called with the answer and what was to come of it, and gives True, False or a score. It
is named on the command line, never by a row: rows may come from strangers, and a name would be run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import cast

from leanloop.budgets.fields import shown
from leanloop.errors import UsageError
from leanloop.plugins.cascade.bounded_regex import CannotTellError, matches
from leanloop.plugins.cascade.final_answer import final_answer
from leanloop.plugins.cascade.json_read import canonical, read_json, unfenced

__all__ = ["CHECKS", "Compare", "compared"]

Compare = Callable[[str, object], float]
"""From the answer and what was to come of it to a score from 0 to 1."""

_LOOKED_AT = 20_000
"""Characters at the end of an answer in which a number is looked for."""

_NUMBER = re.compile(r"[-+]?\d{1,3}(?:,\d{3}){1,9}(?:\.\d{1,30})?|[-+]?\d{0,40}\.?\d{1,40}(?:[eE][-+]?\d{1,3})?")
_LETTER = re.compile(r"(?<![A-Za-z])[A-Za-z](?![A-Za-z])")


def compared(compare: Compare, answer: str, expected: object) -> float:
    """The score of an answer.

    Raises:
        UsageError: the check cannot say, or gives no score; why.
    """
    try:
        score = cast("object", compare(answer, expected))
    except UsageError:
        raise
    except CannotTellError as error:
        raise UsageError(f"The check could not tell: {error}.") from None
    except Exception as error:
        raise UsageError(f"The check raised {type(error).__name__}: {str(error)[:200]}") from error
    if isinstance(score, (bool, int, float)) and 0 <= score <= 1:
        return float(score)
    raise UsageError(f"A check gives True, False or a score from 0 to 1, not {shown(score)}.")


def _exact(answer: str, expected: object) -> float:
    wanted = _plain(_text(expected))
    comes_to = final_answer(answer)
    return float(_plain(answer) == wanted or (comes_to is not None and _plain(comes_to) == wanted))


def _number(answer: str, expected: object) -> float:
    wanted = _last_number(_text(expected))
    if wanted is None:
        raise UsageError(f"The check number needs a number to compare with, not {shown(expected)}.")
    found = _last_number(final_answer(answer) or "")
    found = _last_number(answer[-_LOOKED_AT:]) if found is None else found
    return float(found is not None and math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-9))


def _choice(answer: str, expected: object) -> float:
    wanted = _text(expected).strip().strip("().").casefold()
    comes_to = final_answer(answer) or answer.strip()[-_LOOKED_AT:]
    letters = _LETTER.findall(comes_to if len(comes_to) <= 3 else "") or _LETTER.findall(comes_to)
    capital = [letter for letter in letters if letter.isupper()] or letters
    return float(bool(capital) and capital[-1].casefold() == wanted)


def _contains(answer: str, expected: object) -> float:
    wanted = " ".join(_text(expected).casefold().split())
    if not wanted:
        raise UsageError(f"The check contains needs a text to look for, not {shown(expected)}.")
    return float(wanted in " ".join(answer.casefold().split()))


def _regex(answer: str, expected: object) -> float:
    return float(matches(_text(expected), answer[-_LOOKED_AT:], whole=False))


def _json(answer: str, expected: object) -> float:
    try:
        found = canonical(read_json(unfenced(answer)))
    except ValueError:
        return 0.0
    return float(found == canonical(expected))


def _text(expected: object) -> str:
    if isinstance(expected, str):
        return expected
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        return repr(expected)
    return canonical(expected)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


def _last_number(text: str) -> float | None:
    found = _NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None


CHECKS: Mapping[str, Compare] = {
    "exact": _exact,
    "number": _number,
    "choice": _choice,
    "contains": _contains,
    "regex": _regex,
    "json": _json,
}
"""By the name that a row or the command line uses."""
