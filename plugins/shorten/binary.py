"""What is no text: named with its type and size, not shown. Also where it stands inside a text (base64, data URIs)."""

from __future__ import annotations

import base64
import re
from typing import Final

from leanloop.plugins.shorten.shown import Room, Shown

__all__ = ["beside_blobs", "is_binary", "name_blobs", "shorten_binary"]

_LEAST = 200  # characters of base64 from which on it is not shown
_SAYS = 40  # characters beside base64 from which on they are worth showing
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "zip archive (also docx, xlsx, jar)"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"\x7fELF", "ELF program"),
    (b"MZ", "Windows program"),
    (b"\xca\xfe\xba\xbe", "Java class"),
    (b"SQLite format 3\x00", "SQLite database"),
    (b"OggS", "Ogg audio"),
    (b"ID3", "MP3 audio"),
    (b"fLaC", "FLAC audio"),
    (b"\x00asm", "WebAssembly"),
    (b"wOF2", "WOFF2 font"),
    (b"BM", "BMP image"),
    (b"II*\x00", "TIFF image"),
    (b"MM\x00*", "TIFF image"),
    (b"\x93NUMPY", "NumPy array"),
    (b"PAR1", "Parquet"),
    (b"<svg", "SVG image"),
    (b"<?xml", "XML"),
)
_SIGNS: Final = (
    ("PNG", "PNG image"),
    ("JFIF", "JPEG image"),
    ("Exif", "JPEG image"),
    ("WEBP", "WebP image"),
    ("ftyp", "MP4 video"),
)
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f\ufffd\ud800-\udfff]")
_RUN = re.compile(
    r"(?:data:(?P<type>[\w.+-]{1,60}/[\w.+-]{1,60})?(?:;[\w=.+-]{1,60}){0,4};base64,)?(?<![\w+/-])[A-Za-z0-9+/_-]{200,}+={0,2}"
)
_HEX_DUMP = re.compile(r"^(?:0x)?[0-9a-fA-F]{4,16}:?\s{1,4}(?:[0-9a-fA-F]{2,8}\s{1,3}){4,}", re.MULTILINE)
_BLOCK = re.compile(r"(?:^[A-Za-z0-9+/]{60,76}\r?\n){3,}(?:[A-Za-z0-9+/]{1,76}={0,2}(?:\r?\n|\Z))?", re.MULTILINE)
_MARK = re.compile(r"\[base64[^\]\n]{0,80}\]\s*+")
_WRAPPED = re.compile(r"^[A-Za-z0-9+/]{60,76}$", re.MULTILINE)


def is_binary(sample: str) -> bool:
    """Whether a piece of a text is mostly no text: unreadable characters, base64, a hex dump."""
    size = max(1, len(sample))
    nuls = sample.count("\x00")  # a few may part names (find -print0, /proc/*/environ)
    if nuls > 0.2 * size or len(_UNREADABLE.findall(sample)) - nuls > 0.02 * size:
        return True
    lines = sample.count("\n") + 1
    if lines > 3 and sum(1 for _ in _HEX_DUMP.finditer(sample)) > 0.7 * lines:
        return True
    if lines > 3 and len(_WRAPPED.findall(sample)) > 0.8 * lines and _mixed(sample.replace("\n", "")[-4000:]):
        return True
    return sum(len(match[0]) for match in _RUN.finditer(sample) if _mixed(match[0])) > 0.8 * size


def shorten_binary(text: str, room: Room) -> Shown | None:
    """What it is and how much."""
    name = _name(text)
    shown = f"[{name}, {len(text):,} characters, not shown]"
    if room.count(shown) > room.tokens:
        return None
    return Shown(shown, f"the name of {name}")


def beside_blobs(text: str) -> str | None:
    """The same lines with all base64 in them named, where they say something else too: a mail with its attachment."""
    named = _BLOCK.sub(_named_lines, _RUN.sub(_named, text))
    said = _MARK.sub("", named)
    is_said = _SAYS <= len(said) < len(text) and len(_UNREADABLE.findall(said)) <= 0.02 * len(said)
    return named if is_said else None


def name_blobs(line: str) -> str:
    """The line with each long run of base64 replaced by its type and size."""
    if len(line) < _LEAST:
        return line
    return _RUN.sub(_named, line)


def _named_lines(block: re.Match[str]) -> str:
    lines = block[0].count("\n") + (not block[0].endswith("\n"))
    return "\n".join(["[base64]"] * lines) + "\n" * block[0].endswith("\n") if _mixed(block[0]) else block[0]


def _named(match: re.Match[str]) -> str:
    if not _mixed(match[0]):
        return match[0]
    kind = match["type"] or _type(match[0])
    return f"[base64{f', {kind}' if kind else ''}, {len(match[0]):,} characters]"


def _name(text: str) -> str:
    stripped = text.lstrip()[:400]
    match = _RUN.match(stripped)
    if match:
        kind = match["type"] or _type(match[0])
        return f"base64{f' of {kind}' if kind else ''}"
    if _WRAPPED.match(stripped):
        kind = _type(stripped.partition("\n")[0])
        return f"base64{f' of {kind}' if kind else ''}"
    if _HEX_DUMP.match(stripped):
        return "a hex dump"
    head = text[:64].encode("latin-1", "replace")
    kind = next((name for magic, name in _MAGIC if head.startswith(magic)), None)
    if kind is None:  # decoded as UTF-8: what was no character is one U+FFFD, a line's end may be changed
        kind = next((name for sign, name in _SIGNS if sign in text[:32]), None)
    if not text.strip("\x00"):
        return "NUL bytes"
    return f"binary data ({kind})" if kind else "binary data"


def _type(run: str) -> str | None:
    """What base64 begins with, by its first bytes."""
    head = base64.urlsafe_b64decode(run[run.find(",") + 1 :][:60].replace("+", "-").replace("/", "_"))
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def _mixed(run: str) -> bool:
    """Whether a run looks like base64 and not like a word, a path or a rule drawn with letters."""
    head = run[:4000]
    kinds = (any(map(str.isupper, head)), any(map(str.islower, head)), any(map(str.isdigit, head)))
    return all(kinds) and len(set(head)) > 16 and max(map(len, head.split("/"))) > 20
