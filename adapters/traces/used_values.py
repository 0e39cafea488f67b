"""Which values an agent wrote, and whether one of them stands in a text.

A value is what a text hardly has by chance: a path, an address, a name of several words, an identifier, a number of two
digits or more, a quoted text. It stands in a text where it is not a part of a longer word or number; case makes no
difference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice

from leanloop.budgets.message import Message, ToolRequest
from leanloop.plugins.shorten.json_read import is_list, is_object

__all__ = ["MOST", "arguments_of", "said", "stands_in", "used", "values_in"]

MOST = 500
"""Different values of one message that are looked at."""

_LOOKED_AT = 100_000
"""Characters of one message that are looked at: what an agent writes is hardly ever more."""

# Each part that could begin anywhere in a long row of its letters has a length, so that time is linear in the text.
_VALUE = re.compile(
    r"[\"'`]([^\"'`\n]{3,60})[\"'`]"  # quoted
    r"|(?<![\w/])([~.]{0,2}/?[\w.+-]{1,100}+(?:/[\w.+-]{1,100}+){1,40})"  # path
    r"|([\w.+-]{1,100}+@[\w-]{1,100}+\.[\w.]{1,100})"  # address
    r"|(?<!\w)([A-Z][a-z]+(?: [A-Z][a-z]+)+)"  # name
    r"|(?<!\w)(\w*(?:\d\w|\w\d|_\w|[a-z][A-Z])\w*(?:[.:-]\w+)*)"  # identifier, date, number of two digits or more
)

_WORD = re.compile(r"[^\W_]+")


def said(message: Message) -> str:
    """What an agent wrote in a message: its text, and the arguments of its calls as the values they are."""
    return message.text + "\n" + "\n".join(map(arguments_of, message.tool_calls))


def used(message: Message) -> tuple[str, ...]:
    """The values an agent wrote in a message, each once, in their order; at most `MOST`."""
    return tuple(islice(dict.fromkeys(values_in(said(message)[:_LOOKED_AT])), MOST))


def arguments_of(request: ToolRequest) -> str:
    """A call's arguments as the values they are: a command is not read with its quotes escaped."""
    try:
        found: object = json.loads(request.arguments)
    except (ValueError, RecursionError):
        return request.arguments
    texts: list[str] = []
    waiting = [found]
    while waiting:
        value = waiting.pop()
        if is_object(value):
            waiting.extend(value.values())
        elif is_list(value):
            waiting.extend(value)
        else:
            texts.append(
                json.dumps(value, ensure_ascii=False) if isinstance(value, str) and "\n" not in value else str(value)
            )
    return "\n".join(reversed(texts))


def values_in(text: str) -> Iterator[str]:
    """The values in a text, in lower case."""
    place = 0
    while match := _VALUE.search(text, place):
        value = next(group for group in match.groups() if group).strip(" .,:;()[]{}").lower()
        if len(value) > 1:
            yield value
        # What is inside of quotes may have values of its own.
        place = match.start() + 1 if match.group(1) else match.end()


def stands_in(value: str, text: str) -> bool:
    """Whether it is there, and not as a part of a longer word or number. Both in lower case."""
    place = text.find(value)
    while place >= 0:
        end = place + len(value)
        before, after = text[place - 1 : place], text[end : end + 1]
        if not (before.isalnum() and value[0].isalnum()) and not (after.isalnum() and value[-1].isalnum()):
            return True
        # A value that begins with a letter or a digit stands nowhere else in the same word.
        word = _WORD.match(text, place) if value[0].isalnum() else None
        place = text.find(value, word.end() if word else place + 1)
    return False
