"""The task's own words, and which parts of a text answer them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from math import log
from typing import cast

from leanloop.plugins.call import ToolCall
from leanloop.plugins.shorten.lines import line_of, lower_case, part_starts
from leanloop.plugins.shorten.stopwords import STOPWORDS

__all__ = ["part_starts", "relevance", "task_words", "words_of"]

_MOST = 32
_READ = 6_000  # characters of each text that are looked at, half from its beginning and half from its end
_FADES = 0.8  # what the next text's words are worth of those in the one before
_QUOTED = re.compile(r"[\"'`“«]([^\"'`“”«»\n]{2,60})[\"'`”»]")
_TOKEN = re.compile(r"\w+(?:[./@#:+\-]+\w+)*+")
_PIECE = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"[a-z\d][A-Z]|[A-Z]{2}")
# Scripts written without spaces: Thai to Khmer, kana, CJK ideographs, Hangul (whose particles stick to the words).
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]{2,40}"
)

_TOO_OFTEN = 4_000  # parts: a word that stands in more of them says nothing about which to show
_K1, _B = 1.2, 0.3  # lines differ in length for many reasons: b is far below the usual 0.75


def words_of(call: ToolCall) -> tuple[str, ...]:
    """The words that a tool's result is asked about: from its arguments, what the agent last said, and its users.

    Bounded, however long the history is.
    """
    asked = [message for message in reversed(call.history[-40:]) if message.role in {"user", "assistant"}]
    said = [message.text for message in asked if message.role == "assistant" and message.text][:1]
    users = [message.text for message in asked if message.role == "user" and message.text][:3]
    first = next((message.text for message in call.history[:8] if message.role == "user" and message.text), "")
    earlier = [one.arguments for message in asked if message.role == "assistant" for one in message.tool_calls][:3]
    return task_words(call.arguments, *said, *users, first, *earlier)


def task_words(*texts: str, most: int = _MOST) -> tuple[str, ...]:
    """The most telling words of some texts, the texts of most weight first; lower case, most telling word first.

    What is quoted, paths, identifiers and numbers tell more than words, long words more than short ones, stop words
    nothing. A text in JSON gives its values and not its keys.
    """
    weights: dict[str, float] = {}
    factor = 1.0
    for text in dict.fromkeys(texts):
        for word, weight in _weighed(_values(_ends(text))):
            weights[word] = max(weights.get(word, 0.0), weight * factor)
        factor *= _FADES
    return tuple(sorted(weights, key=lambda word: -weights[word])[:most])  # stable: equal ones as they came


def relevance(text: str, starts: Sequence[int], words: Sequence[str]) -> dict[int, float]:
    """How well the parts of a text answer `words`, by number of the part; parts that answer none are missing.

    BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009, with idf as in Lucene), a word counted
    once a part. Only the words are looked for, so a megabyte costs milliseconds.

    Args:
        text: in lower case (`lines.lower_case`).
        starts: where each part begins, ascending, and at last where the text ends.
        words: lower case.
    """
    size = len(starts) - 1
    answers: dict[int, float] = {}
    if size <= 0:
        return answers
    average = max(1.0, (starts[-1] - starts[0]) / size)
    for word in filter(None, words):
        parts = list(_parts_with(text, starts, word))
        if not parts or len(parts) > _TOO_OFTEN:
            continue
        idf = log(1 + (size - len(parts) + 0.5) / (len(parts) + 0.5))
        for part in parts:
            length = (starts[part + 1] - starts[part]) / average
            gain = idf * (_K1 + 1) / (1 + _K1 * (1 - _B + _B * length))
            answers[part] = answers.get(part, 0.0) + gain
    return answers


def _parts_with(text: str, starts: Sequence[int], word: str) -> Iterator[int]:
    at = text.find(word)
    tries = 0
    while at >= 0 and tries <= _TOO_OFTEN:
        tries += 1
        if _stands_alone(text, at, word):
            part = line_of(starts, at)
            yield part
            at = text.find(word, starts[part + 1])
        else:
            at = text.find(word, at + 1)


def _stands_alone(text: str, at: int, word: str) -> bool:
    """Whether it is no mere part of another word; the endings of a longer one may differ (`order`, `orders`)."""
    end = at + len(word)
    begins = at == 0 or not (
        word[0].isascii() and word[0].isalnum() and text[at - 1].isascii() and text[at - 1].isalnum()
    )
    if not begins or end >= len(text) or (len(word) > 3 and not word[-1].isdigit()):
        return begins
    return not (word[-1].isascii() and word[-1].isalnum() and text[end].isascii() and text[end].isalnum())


def _ends(text: str) -> str:
    return text if len(text) <= _READ else f"{text[: _READ // 2]}\n{text[-_READ // 2 :]}"


def _values(text: str) -> str:
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    values: list[str] = []
    waiting: list[object] = [found]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(reversed(list(cast("dict[str, object]", value).values())))
        elif isinstance(value, list):
            waiting.extend(reversed(cast("list[object]", value)))
        elif value is not None and not isinstance(value, bool):
            values.append(str(value))
    return "\n".join(values)


def _weighed(text: str) -> Iterator[tuple[str, float]]:
    for match in _QUOTED.finditer(text):
        if quoted := match[1].strip():
            yield lower_case(quoted), 4.0
    for match in _UNSPACED.finditer(text):
        yield from ((match[0][at : at + 2], 1.5) for at in range(len(match[0]) - 1))
    for match in _TOKEN.finditer(text):
        token = match[0]
        if len(token) > 120:
            continue
        pieces = _PIECE.findall(token)
        if len(pieces) > 1:
            yield lower_case(token), 3.5
            last = token.rpartition("/")[2]
            if last and last != token:
                yield lower_case(last), 3.2
        yield from _pieces(pieces, _CAMEL.search(token) is not None)


def _pieces(pieces: list[str], telling: bool) -> Iterator[tuple[str, float]]:
    share = 1.0 if len(pieces) == 1 else 0.6
    for piece in pieces:
        word = lower_case(piece)
        if word in STOPWORDS or _UNSPACED.search(piece):
            continue
        if piece.isdigit():
            if len(piece) > 1:
                yield word, 3.0 * share
        elif any(map(str.isdigit, piece)) or telling:
            yield word, 3.0 * share
        elif len(piece) > 2:
            yield word, (1 + min(len(piece), 12) / 12 + (0.5 if piece[0].isupper() else 0)) * share
