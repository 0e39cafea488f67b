"""Handles of whole results: what a model reads them back by, and who may."""

from __future__ import annotations

import re
from base64 import b32encode
from hashlib import blake2b
from typing import TYPE_CHECKING
from urllib.parse import quote

from leanloop.budgets.result_rules import ResultRules

if TYPE_CHECKING:
    from leanloop.plugins.task import Task

__all__ = ["entry_name", "handle_of", "is_handle", "scope_of"]

_HANDLE = re.compile(r"r[a-z2-7]{12}")


def scope_of(task: Task, rules: ResultRules) -> str:
    """Whose results the task may read: the tags that `rules` names, with their values.

    Values are quoted, so that none can be made to look like two; an absent tag is another one than an empty one.
    """
    tags = task.tags
    names = sorted(set(rules.scope))
    return "&".join(f"{name}={_quoted(tags[name])}" if name in tags else name for name in names)


def handle_of(scope: str, text: str) -> str:
    """The handle of a text: ``r`` and 60 bits of a hash of scope and text, in base 32.

    It comes out the same each time, so that a repeated result stays the same text to the model, to the loop guard and
    to the provider's prompt cache. Whoever can make it knows the text already.
    """
    digest = blake2b(_bytes(text), key=blake2b(_bytes(scope), digest_size=32).digest(), digest_size=8).digest()
    return f"r{b32encode(digest).decode().lower()[:12]}"


def is_handle(text: str) -> bool:
    """Whether a model's word can be a handle at all."""
    return _HANDLE.fullmatch(text) is not None


def entry_name(scope: str, handle: str) -> str:
    """What a store keeps a result under: 32 hexadecimal digits, whatever scope and handle say."""
    return blake2b(_bytes(handle), key=blake2b(_bytes(scope), digest_size=32).digest(), digest_size=16).hexdigest()


def _quoted(value: str) -> str:
    return quote(value, safe="", errors="surrogatepass")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
