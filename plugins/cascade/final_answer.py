r"""What an answer comes to, so that two answers in other words can be compared.

In order: JSON that is all of it, the last ``\boxed{...}`` or ``<answer>``, what follows a last "ANSWER:" (also in
other languages), a choice letter or number that stands alone, the numbers in the last line of what was reckoned. Where
an answer has none of these, it is compared whole.
"""

from __future__ import annotations

import re

from leanloop.budgets.message import Message, ToolRequest
from leanloop.plugins.cache.normalise import normalised
from leanloop.plugins.cache.same_answer import says_the_same
from leanloop.plugins.cascade.json_read import canonical, read_json, unfenced

__all__ = ["asks_the_same", "final_answer", "same_final_answer"]

_LOOKED_AT = 20_000
"""Characters at the end of an answer; what it comes to stands there."""

_TAG = re.compile(r"<answer>(.{0,2000}?)</answer>", re.DOTALL | re.IGNORECASE)
_NAMED = re.compile(
    r"^[ \t>#*_-]{0,8}(?:the )?(?:final |correct )?(?:answer|result|antwort|ergebnis|r[ée]ponse|respuesta|resposta|"
    r"risposta|antwoord|odpowied[źz]|ответ|答案|答え)(?: is| ist| est| es| è)?"
    r"[*_ \t]{0,4}[:：][*_ \t]{0,4}(\S[^\n]{0,2000})",  # noqa: RUF001
    re.IGNORECASE | re.MULTILINE,
)
_SENTENCE = re.compile(r"\b(?:final |correct )?answer is:?[ \t]{1,4}(\S[^\n]{0,300})", re.IGNORECASE)
_LETTER = re.compile(r"[(\[]?([A-Za-z])[)\].:]?")
_LETTER_FIRST = re.compile(r"[(\[]?([A-Z])[)\]]\s")
_NUMBER = re.compile(r"(?<![\w.,])[-+−]?[$€£]?\d{1,30}(?:,\d{3}){0,9}(?:\.\d{1,30})?(?:[eE][-+]?\d{1,3})?%?")  # noqa: RUF001
_NAME = re.compile(r"^[a-zA-Z][ \t]{0,4}=[ \t]{0,4}(?=\S)")
_AT_ENDS = " \t\r\n*_`\"'$.,;:!"
_SHORT = 200


def same_final_answer(one: Message, other: Message) -> bool:
    """Whether two answers come to the same: the same tool calls, or the same final answer in words."""
    if one.tool_calls or other.tool_calls:
        return asks_the_same(one.tool_calls, other.tool_calls)
    answers = final_answer(one.text), final_answer(other.text)
    if None in answers:
        return answers[0] is answers[1] and says_the_same(one, other)
    return answers[0] == answers[1]


def asks_the_same(ones: tuple[ToolRequest, ...], others: tuple[ToolRequest, ...]) -> bool:
    """Whether both ask for the same calls, in whatever order: calls of one step run beside each other."""
    return sorted(map(_asked, ones)) == sorted(map(_asked, others))


def final_answer(text: str) -> str | None:
    """What an answer comes to, in one spelling; None where only all of it can be compared."""
    text = text[-_LOOKED_AT:].strip()
    if text[:1] in {"{", "["} or text.startswith("```"):
        try:
            return canonical(read_json(unfenced(text)))
        except ValueError:
            pass
    marked = _boxed(text) or _last(_TAG, text) or _last(_NAMED, text) or _last(_SENTENCE, text)
    if marked is not None:
        return _plain(marked)
    if len(text) <= _SHORT and "\n" not in text:
        alone = _LETTER.fullmatch(text) or _LETTER_FIRST.match(text) or not re.search(r"[^\W\d_]", text)
        return _plain(text) if alone and text else None
    numbers = _NUMBER.findall(text.rpartition("\n")[2]) if "=" in text else []
    return " ".join(map(_number, numbers)) or None


def _asked(request: ToolRequest) -> tuple[str, str]:
    try:
        return request.name, canonical(read_json(request.arguments or "{}"))
    except ValueError:
        return request.name, request.arguments


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    found = None
    for match in pattern.finditer(text):
        found = match[1]
    return found


def _boxed(text: str) -> str | None:
    r"""What stands in the last ``\boxed{...}``, whose braces may nest."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth, begin = 0, start + len("\\boxed{")
    for place in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth < 0:
            return text[begin:place]
    return None


def _plain(answer: str) -> str:
    """A choice by its letter, numbers by their value, else in one spelling; a unit stays."""
    answer = answer.strip(_AT_ENDS) or answer
    letter = _LETTER.fullmatch(answer) or _LETTER_FIRST.match(answer)
    if letter is not None:
        return letter[1].upper()
    answer = _NUMBER.sub(lambda found: _number(found[0]), _NAME.sub("", answer))
    return normalised(answer) or " ".join(answer.casefold().split())


def _number(text: str) -> str:
    """12.50, 12.5 and $12.5 are one; 50% is not 50."""
    percent = "%" * text.endswith("%")
    digits = re.sub(r"[$€£,%]", "", text).replace("−", "-").lstrip("+")  # noqa: RUF001
    if "e" in digits.lower():
        return digits.lower() + percent
    sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
    whole, _, part = digits.partition(".")
    part = part.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{sign if whole != '0' or part else ''}{whole}{'.' * bool(part)}{part}{percent}"
