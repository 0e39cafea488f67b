"""What a tool result is, found from its content alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from leanloop.budgets.result_rules import Kind
from leanloop.plugins.shorten.binary import is_binary
from leanloop.plugins.shorten.lines import as_shown

__all__ = ["kind_of"]

_HEAD, _MIDDLE, _TAIL = 12_000, 6_000, 6_000  # characters that are looked at
_LINE = 300  # characters of a line that are looked at
_LONG_LINES = 1_000  # characters of a line on average, from which on its pieces are chosen and not the lines

_JSON = re.compile(r'\s*+(?:\{\s*+(?:"|\}|$)|\[\s*+(?:[\[{"\]\d-]|true|false|null|NaN|-?Infinity|$))')
_JSON_NAMES = re.compile(r'"(?:[^"\\\n]|\\.){1,60}+"\s?:')
_MARKUP = re.compile(r"\s*+(?:<!doctype\b|<html\b|<\?xml\b|<svg\b|<rss\b|<feed\b|<!--)", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][\w:.-]*+(?:\s[^<>\n]{0,400}+)?>")
_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@", re.MULTILINE)
_DIFF = re.compile(r"^(?:diff --git |--- \S.*\n\+\+\+ \S)", re.MULTILINE)
_HIT = re.compile(
    r"(?:[A-Za-z]:)?(?=[^\s:]*[g-zG-Z._/\\])[^\s:(){}\[\]=\"']{1,250}+:\d{1,9}[:-]"
    r"|[^\s:(){}\[\]=\"']{0,250}[./][^\s:(){}\[\]=\"']{1,250}?(?:-\d{1,9}-|:(?!//)\s*+\S)"
)
_GROUPED_HIT = re.compile(r"\d{1,9}[:-]")
_FILE_NAME = re.compile(r"[^\s:]{0,250}[./][^\s:]{1,250}:?$")
_LOGGED = re.compile(
    r"\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|\[?\d\d:\d\d:\d\d\b|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |"
    r"\[ *\d+\.\d+\]|#\d+ \d|\[[*+!x-]\] |"
    r"\S{1,80} - - \[|\[?(?:INFO|DEBUG|WARN|WARNING|ERROR|TRACE|FATAL|CRITICAL)\b|(?:error|warning|note|help|"
    r"fatal)(?:\[\w+\])?: |"
    r"npm (?:ERR|warn|WARN|info)|E   |FAILED |ERROR |PASSED |=== RUN|--- (?:PASS|FAIL|SKIP)|test \S+ \.\.\. |"
    r"\S+::\S+ (?:PASSED|FAILED|ERROR|SKIPPED)|"
    r" *(?:Compiling|Downloaded|Downloading|Collecting|Installing|Updating|Finished|Running|Unpacking|Get:|"
    r"Requirement already) ?|"
    r"make(?:\[\d+\])?: |g?cc |g\+\+ |Traceback \(most recent|  File \"[^\"]+\", line \d+|\s+at \S+\(|"
    r"\S{1,250}(?:\(\d{1,7}(?:,\d{1,7})?\)|(?::\d{1,7}){1,2}): ?(?:fatal )?(?:error|warning|note)\b|"
    r" *# \S{1,200} (?:will|must) be |"
    r"={4,} .* ={4,}$|\+ \S|\$ \S|(?:/\S{1,60}/)?[a-z][\w.+-]{1,20}: \S"
)  # fmt: skip
_CODE = re.compile(
    r"\s*+(?:\d{1,6}[:|\t\u2192]\s?\s*+)?(?:def \w+\s*\(|class \w+|import [\w.{*]+|from [\w.]+ import|"
    r"function\b.*[({]|(?:export |public |private |protected |static |async |abstract )+\w|"
    r"(?:pub )?(?:fn|struct|impl|enum|mod|trait) \w|use [\w:]+|#include\b|#define\b|package \w|func [\w(]|"
    r"(?:const|let|var) \w+|return\b.*|if\b.*[:{]$|for\b.*[:{]$|while\b.*[:{]$|"
    r"(?:end|fi|done|esac|then|do|else|\);?|\},?)$|.*\b(?:then|do)$|local \w+=|"
    r"(?i:\w+ (?:bigint|int|integer|text|varchar|numeric|boolean|timestamp)\b.*,?$)|(?i:create (?:table|index|view) )|"
    r"else\s*[:{]|elif .*:$|try\s*[:{]|except\b.*:$|@\w+|[\w.\[\]'\"]+ [-+*/|&]?= \S|\}[;,)]*$|"
    r"[\w.>:-]+\(.*\)[;,:]?$|//|/\*|\* |\w+\(.*[{;]$|.*[{;]$|\"\"\"|self\.\w+|#\s)"
)  # fmt: skip
_LINE_NUMBER = re.compile(r" {1,6}\d{1,6}(?:\t|\u2192)")  # of `cat -n`; a table's first column is not set to the right
_SENTENCE_END = re.compile(r"[^\W\d][.!?:;,]['\")*]?(?:\s|$)|[\u3002\uff01\uff1f\u3001\uff0c]")


def kind_of(text: str) -> Kind:
    """The kind of a text, from its head, middle and tail; as fast for a long text as for a short one.

    What is not clearly anything else is prose if it reads like sentences, else a log, whose shortening suits any lines.
    """
    sample = _sample(text)
    if _is_json(as_shown(sample)):  # also where most of it is a file in base64
        return "json"
    if is_binary(sample):
        return "binary"
    sample = as_shown(sample)
    if _DIFF.search(sample) and _HUNK.search(sample):
        return "diff"
    if _is_markup(sample):
        return "html"
    lines = [line[:_LINE] for line in sample.split("\n") if line.strip()][:600]
    if not lines:
        return "log"
    if len(sample) > _LONG_LINES * len(lines):
        return "prose"
    return _kind_of_lines(lines)


def _sample(text: str) -> str:
    if len(text) <= _HEAD + _MIDDLE + _TAIL:
        return text
    middle = len(text) // 2
    return "\n".join((text[:_HEAD], text[middle : middle + _MIDDLE], text[-_TAIL:]))


def _is_json(sample: str) -> bool:
    if not _JSON.match(sample):
        return False
    end = sample.rstrip()[-1:]
    return end in {"}", "]"} or len(_JSON_NAMES.findall(sample)) * 120 > len(sample)


def _is_markup(sample: str) -> bool:
    if _MARKUP.match(sample):
        return True
    tags = sum(match.end() - match.start() for match in _TAG.finditer(sample))
    return tags * (4 if sample.lstrip().startswith("<") else 2.5) > len(sample)


def _kind_of_lines(lines: Sequence[str]) -> Kind:
    many = len(lines)
    if sum(_LINE_NUMBER.match(line) is not None for line in lines) >= 0.8 * many:
        lines = [_LINE_NUMBER.sub("", line) for line in lines]
    logged = sum(_LOGGED.match(line) is not None for line in lines) / many
    if _is_table(lines) and logged < 0.5:
        return "table"
    if logged < 0.3 and _is_search(lines):
        return "search"
    if logged >= 0.12:
        return "log"
    code = sum(_CODE.match(line) is not None for line in lines) / many
    if code >= 0.35 and many > 3:
        return "code"
    ends = sum(len(_SENTENCE_END.findall(line)) for line in lines)
    long = sum(map(len, lines)) / many
    return "prose" if ends >= max(0.3 * many, 0.006 * long * many) and long > 30 else "log"


def _is_search(lines: Sequence[str]) -> bool:
    hits = sum(_HIT.match(line) is not None for line in lines)
    if hits >= 0.7 * len(lines) and len(lines) > 2:
        return True
    grouped = sum(_GROUPED_HIT.match(line) is not None for line in lines)
    names = sum(_FILE_NAME.match(line) is not None for line in lines)
    return names >= 2 and grouped >= names and grouped + names + hits >= 0.8 * len(lines)


def _is_table(lines: Sequence[str]) -> bool:
    """Whether most lines have as many of one separator as the first, and that many times it is no mere punctuation."""
    if len(lines) < 3:
        return False
    for separator in "\t,;|":
        often, times = Counter(line.count(separator) for line in lines).most_common(1)[0]
        if often and times >= (0.8 if often > 1 or separator == "\t" else 0.97) * len(lines):
            spaced = sum(line.count(separator + " ") for line in lines[:50])
            if separator not in ",;" or spaced < 0.5 * sum(line.count(separator) for line in lines[:50]):
                return True
    return False
