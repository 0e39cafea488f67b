"""Tokens of a text, in time linear in its length, memoised by content.

tiktoken's regular expression fails with a panic on about a million spaces in a row, and one very long
piece of text is encoded in one go. So a long text is counted in chunks of at most 65,536 characters, cut
where every OpenAI pattern cuts anyway: before a space or after a newline that follows a character which is
not white space. There the sum is the exact count. A chunk with no such place is cut inside a piece, and
a few tokens are added for the cut, so that the sum stays an upper bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from threading import RLock

import tiktoken

__all__ = ["CHUNK", "TextTokens", "chunks"]

CHUNK = 65_536
"""Characters handed to the encoder at once, at most."""

_MEMO_CHARACTERS = 8_000_000  # in each of the two generations of the memo
_ENTRY = 150  # what an entry costs beside its text, in characters: many tiny texts must not fill the memory either
_LONG = 2_000  # characters from which on a text's count outlives the text
_DIGESTS = 50_000  # about 8 MB
_TRIES = 8
_CUT = 4  # tokens; cutting inside a piece hid at most 2 in 280,000 random texts cut every 32 characters


class TextTokens:
    """Counts texts with one encoding, or by their bytes where there is none. Thread-safe.

    Without an encoding a text counts as 1.1 tokens for four UTF-8 bytes: about right for prose and code,
    too few for encoded data. Byte-level vocabularies never make more than one token of one byte.

    The memo keeps two generations of texts. When the young one holds 8 million characters it becomes the old
    one, which is dropped: an approximate least-recently-used order whose hits take no lock. Of long texts the count
    stays when they are dropped, by their digest, which takes a hundredth of the time that counting takes.
    """

    def __init__(self, encoding: tiktoken.Encoding | None) -> None:
        self._encoding = encoding
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}
        self._long: dict[bytes, int] = {}
        self._characters = 0
        self._lock = RLock()  # a garbage collection in here may count the reply of a stream that was abandoned

    def count(self, text: str) -> int:
        """Tokens of a text. Text that spells a special token counts as text; lone surrogates as U+FFFD."""
        known = self._young.get(text)
        if known is not None:
            return known
        known = self._old.get(text)
        tokens = self._fresh(text) if known is None else known
        if len(text) <= _MEMO_CHARACTERS:
            self._keep(text, tokens)
        return tokens

    def _fresh(self, text: str) -> int:
        """Tokens of a text that is not in the memo."""
        if len(text) < _LONG or self._encoding is None:
            return self._count(text)
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        tokens = self._long.get(digest)
        if tokens is None:
            tokens = self._count(text)
            with self._lock:
                if len(self._long) >= _DIGESTS:
                    self._long.clear()
                self._long[digest] = tokens
        return tokens

    def _count(self, text: str) -> int:
        if self._encoding is None:
            return -(-len(text.encode("utf-8", "surrogatepass")) * 11 // 40)
        encode = self._encoding.encode_ordinary
        if len(text) <= CHUNK:
            return len(encode(text))
        return sum(len(encode(chunk)) + _CUT * inexact for chunk, inexact in chunks(text))

    def _keep(self, text: str, tokens: int) -> None:
        with self._lock:
            weight = len(text) + _ENTRY
            if self._characters + weight > _MEMO_CHARACTERS:
                self._old, self._young, self._characters = self._young, {}, 0
            self._young[text] = tokens
            self._characters += weight


def chunks(text: str) -> Iterator[tuple[str, bool]]:
    """Cut a text into chunks of at most CHUNK characters; True beside those that end inside a piece."""
    start = 0
    while len(text) - start > CHUNK:
        cut = _boundary(text, start + CHUNK // 2, start + CHUNK)
        yield text[start : cut or start + CHUNK], cut is None
        start = cut or start + CHUNK
    yield text[start:], False


def _boundary(text: str, low: int, high: int) -> int | None:
    """The last place in (low, high] where a piece of text surely ends; None where a few tries find none."""
    end = high
    for _ in range(_TRIES):
        space = text.rfind(" ", low, end)
        end = low + len(text[low : max(low, space)].rstrip())  # the white space that the space belongs to starts here
        if end <= low:
            break
        if text[end] == " ":
            return end
    end = high
    for _ in range(_TRIES):
        end = text.rfind("\n", low + 1, end)
        if end < 0:
            break
        if not text[end - 1].isspace() and not text[end + 1].isspace() and text[end + 1] != "/":
            return end + 1
    return None
