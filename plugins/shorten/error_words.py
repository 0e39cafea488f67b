"""How programs say that something went wrong: what to look for, and what is said of errors only."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["CERTAIN", "SIGNS", "STATUSES"]

_WORDS = (
    "abort", "actual:", "already exists", "already in use", "assert", "back-off", "backoff", "broken pipe",
    "bus error", "can't ", "cannot ", "caused by", "conflict", "corrupt", "could not", "couldn't", "crashloop",
    "crit", "deadlock", "degraded", "denied", "did not", "does not exist", "doesn't exist", "dumped", "duplicate",
    "\ne  ", "\ne: ", "emerg", "err!", "err_", "erro", "evicted", "exceed", "exception", "exit code", "exit status",
    "exited with", "expected", ": f ", "fail", "fatal", "forbidden", "illegal", "insufficient", "interrupt",
    "invalid", "is a directory", "killed", "left:", "mismatch", "missing", "msg ", "no match", "no space left",
    "no such", "non-zero", "not found", "not ok", "not permitted", "not ready", "not recognized", "notready",
    "operand", "ora-", "out of memory", "overflow", "panic", "problem", "quota", "received:", "refused", "rejected",
    "reset by peer", "returncode", "right:", "rolling back", "rule to make", "segfault", "segmentation", "severe",
    "signal", "smashing", "sqlstate", "stopped", "terminat", "timed out", "timeout", "too many", "traceback",
    "unable to", "unauthorized", "uncaught", "undefined", "unexpected", "unhandled", "unhealthy", "unknown ",
    "unreachable", "unrecognized", "unresolved", "violation", "want ", "*** [", "\u2717", "\u00d7", "\u2715",
    "\u2716", "\u274c", "\u2a2f",
)  # fmt: skip

# Error, failed, denied and not found as compilers, shells and databases say them in other languages. Without a first
# letter that may be a capital and is not ASCII: only ASCII is put in lower case.
_OTHER_LANGUAGES = (
    *("fehler", "fehlgeschlagen", "verweigert", "nicht gefunden", "abgebrochen", "konnte nicht"),
    *("erreur", "échou", "chec de ", "chec du ", "refusé", "introuvable", "aucun fichier"),
    *("denegad", "no existe", "no se pudo", "no se puede", "no se encontr", "falló"),
    *("falha", "falhou", "negad", "inexistente", "não encontrad", "não foi poss"),
    *("impossibile", "non trovat", "non esist", "negato", "fallit"),
    *("mislukt", "geweigerd", "niet gevonden", "błąd", "odmow", "nie znaleziono", "chyba"),
    *("başarısız", "bulunamadı", "reddedildi", "thất bại", "không tìm thấy"),  # noqa: RUF001
    *("шибка", "тказано", "е удалось", "ет такого", "е найден", "омилка"),  # noqa: RUF001
    *("エラー", "失敗", "見つかりません", "拒否", "できません", "例外", "致命"),
    *("错误", "失败", "找不到", "异常", "拒绝", "无法", "不存在", "权限不", "錯誤", "無法"),
    *("오류", "실패", "찾을 수 없", "거부", "예외"),
    *("خطأ", "فشل", "שגיאה", "נכשל", "त्रुटि", "विफल"),
)  # fmt: skip

SIGNS: Final = tuple(sign.encode() for sign in (*_WORDS, *_OTHER_LANGUAGES))
"""What is looked for at C speed, in lower case; whether a line with one of them is an error is decided afterwards."""

CERTAIN: Final = re.compile(
    # What kinds of programs begin such lines with, or end them with.
    r"^E  |^[Ee]: |^FAILED |^ERROR\b|^Caused by|^CONFLICT |^Killed|^not ok\b|^Traceback \(|^\s*[\u00d7\u2716]|"
    r"\u2717|\u2715|\u274c"
    r"|(?-i:\b\w*(?:Error|Exception|Fault|Interrupt)\b(?::|$|\())|(?:Error|Exception)$|: not found$|is a directory$"
    # Levels and words that are said of errors only.
    r"|(?<![\w./-])(?:fatal|critical|panic|error|emerg|severe)(?:\[\w+\]| \w+)?\]?:|\b(?:level|lvl|"
    r"severity)\W{1,4}(?:err|crit|fatal)"
    r"|(?<![\w./-])error(?= (?!hand|log|mess|count|rate|page))|(?-i:\b(?:ERROR|CRITICAL|FATAL|PANIC|SEVERE|"
    r"FAILED|FAILURES?|FAIL)\b)"
    r"|\bERR!|\[ERR_|panicked at|assert\w* .*fail|\bfailed\b|\b[1-9]\d* (?:errors?|problems?|failures?)\b|: [EF]\d{3} "
    r"|\*\*\* \[|no rule to make|\bexit(?:ed)?(?: with)?(?: code| status)?[:= ]+-?[1-9]|returned (?:a )?non-zero|"
    r"signal \d"
    # What went wrong.
    r"|command not found|\bno such file|\bdenied\b|segmentation fault|segfault|core dumped|out of memory|"
    r"oomkilled|crashloop"
    r"|\bcannot (?:stat|open|access|find|create|remove|read|use|write)|could not (?:resolve|find|open|connect|"
    r"build|compile)"
    r"|\brefused\b|timed? ?out\b|no space left|\bunhandled\b|\buncaught\b|not permitted|illegal instruction|"
    r"\bbus error|\[rejected\]"
    r"|\bundefined(?:: | reference| method| name| variable| symbol)|unresolved (?:reference|import|external)"
    r"|missing \w* ?operand|invalid (?:option|argument|read|write)|error while|(?:does not|doesn't) exist"
    r"|not recognized|broken pipe|reset by peer|too many (?:open|requests|auth)|^terminated?\b|stack smashing"
    r"|\bunhealthy\b|unknown (?:authority|command|option|host)|exceeded\b"
    r"|(?-i:\w*(?:BackOff|Exceeded|NotReady|Unhealthy|Evicted)\b)|(?:index|limit|quota|deadline) exceed"
    r"|no match(?:es|ing)\b.*\bfound|\binsufficient \w|\bORA-\d"
    r"|\bSQLSTATE\b|^Msg \d+, Level 1[1-9]|^Invalid object name|(?-i:\bERR_[A-Z])|returncode\W{1,3}[1-9]"
    r"|HTTP/[\d.]{1,3}\"? 5\d\d\b"
    # What a test got, and should have.
    r"|\bgot\b.{1,120}\bwant(?:ed)?\b|\bwant(?:ed)?\b.{1,120}\bgot\b|\bexpected\b.{1,120}\b(?:got|but was|actual)\b"
    # In other languages.
    rf"|{'|'.join(map(re.escape, _OTHER_LANGUAGES))}",
    re.IGNORECASE,
)
"""What is said of errors only."""

STATUSES: Final = (
    re.compile(r"HTTP/[\d.]{1,3}\"? [45]\d\d\b"),
    re.compile(r"tatus(?:[ _-]?[Cc]ode)?\"?(?: is)?[:= ]{1,3}[45]\d\d\b"),
)
"""Status codes of HTTP that say that a request failed: in access logs nothing else does."""
