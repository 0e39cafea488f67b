"""What a call is told apart by in reports: language, length, hour of the week, and the tags of its task."""

from __future__ import annotations

import re
import time
import unicodedata
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from itertools import islice

from leanloop.budgets.budget import Budget
from leanloop.budgets.zone import zone_named
from leanloop.plugins.call import ModelCall
from leanloop.plugins.task import Task

__all__ = ["segments_of"]

_READ = 600
"""Characters of a question that are read for its language."""

_LETTERS = 80
"""Of those, the letters that are looked at one by one."""

_LENGTHS = ((200, "up to 200"), (1_000, "up to 1,000"), (5_000, "up to 5,000"), (20_000, "up to 20,000"))
"""Characters of a question."""

_LONGEST = 64

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS = {"cjk": "chinese", "hiragana": "japanese", "katakana": "japanese", "hangul": "korean"}


def segments_of(call: ModelCall, task: Task) -> Mapping[str, str]:
    """What a call is told apart by: ``language``, ``length``, ``hour`` of the week, and as ``tag:NAME`` those tags of
    its task that the budget names: ``tenant``, the scopes of limits, the tag of an experiment, and those under
    ``difficulty: {segments: ...}``. Others may be personal, and are not kept.

    The language is that of the latest question of the user: of Latin script en, de, es or fr where its small words say
    so, else ``other latin``; of another the name of its script. What is longer than 64 characters of a tag is left out.
    """
    question = next((message.text for message in reversed(call.steps) if message.role == "user"), "")
    tags = task.tags
    return {
        "language": _language(question[:_READ]),
        "length": next((name for most, name in _LENGTHS if len(question) <= most), "over 20,000"),
        "hour": _hour(int(time.time() // 900), task.budget.timezone),
        **{f"tag:{name[:_LONGEST]}": tags[name][:_LONGEST] for name in _named_by(task.budget) if name in tags},
    }


def _named_by(budget: Budget) -> set[str]:
    """The tags that segments may be told apart by."""
    names = {"tenant", *budget.difficulty.segments, *(limit.scope for limit in budget.limits if limit.scope)}
    if budget.experiment is not None and budget.experiment.by is not None:
        names.add(budget.experiment.by)
    return names


@lru_cache(maxsize=4)
def _hour(quarter: int, zone: str) -> str:
    """``Mon 14h``. Zones are apart by quarters of an hour at least."""
    now = datetime.fromtimestamp(quarter * 900, zone_named(zone))
    return f"{_DAYS[now.weekday()]} {now.hour:02}h"


@lru_cache(maxsize=256)
def _language(text: str) -> str:
    # Here, because the words of four languages are read when it is imported.
    from leanloop.plugins.cache.question.language import language_of

    letters = islice(filter(str.isalpha, text), _LETTERS)
    scripts = Counter(unicodedata.name(letter, "unknown").partition(" ")[0].lower() for letter in letters)
    if not scripts:
        return "none"
    if "hiragana" in scripts or "katakana" in scripts:
        return "japanese"  # beside which most of its signs are Chinese
    [(script, _)] = scripts.most_common(1)
    if script != "latin":
        return _SCRIPTS.get(script, script)
    words = [word.lower() for word in _WORD.findall(text)]
    return language_of(words, text) or "other latin"
