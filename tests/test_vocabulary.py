# pyright: reportPrivateUsage=false
from __future__ import annotations

import base64
import hashlib
import importlib
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
import tiktoken

from leanloop.budgets import vocabulary

CONTENT = b"".join(base64.b64encode(bytes([byte])) + b" %d\n" % byte for byte in range(256))
NAME = "o200k_base"


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A vocabulary of bytes takes the place of o200k_base, and this machine has none yet. Gives its file's name."""
    small = vocabulary._Vocabulary(NAME, hashlib.sha256(CONTENT).hexdigest(), r"\s+|\S+")
    monkeypatch.setattr(vocabulary, "_VOCABULARIES", {NAME: small})
    monkeypatch.setattr(vocabulary, "_loaded", {})
    monkeypatch.setattr(vocabulary, "_told", set[str]())
    monkeypatch.setattr(vocabulary, "_CARRIERS", (("carrier_of_vocabularies", "inside"),))
    monkeypatch.setattr(vocabulary, "_OWN", tmp_path / "own")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    monkeypatch.delenv("DATA_GYM_CACHE_DIR", raising=False)
    return small.cache_name


def put(folder: Path, name: str, content: bytes = CONTENT) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o", "o200k_base"),
        ("GPT-4o-2024-08-06", "o200k_base"),
        ("gpt-5.1-mini", "o200k_base"),
        ("o3", "o200k_base"),
        ("gpt-4.1-nano", "o200k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("gpt-oss-20b", "o200k_harmony"),
        ("ft:gpt-4o-mini:org::id", "o200k_base"),
        ("ft:gpt-4.1-mini-2025-04-14:org::id", "o200k_base"),
        ("ft:gpt-3.5-turbo:org", "cl100k_base"),
        ("openai:gpt-4o", "o200k_base"),
        ("openai:ft:gpt-4o:org", "o200k_base"),
        ("azure/gpt-4", "cl100k_base"),
        ("openrouter/openai/gpt-4o", "o200k_base"),
        ("claude-sonnet-4-5", None),
        ("mistral/gpt-4o", None),
        ("", None),
    ],
)
def test_a_model_has_the_encoding_tiktoken_gives_it(model: str, name: str | None) -> None:
    assert vocabulary.encoding_for(model) == name


def test_the_cache_names_are_those_tiktoken_writes() -> None:
    names = {name: item.cache_name[:8] for name, item in vocabulary._VOCABULARIES.items()}
    assert (names["cl100k_base"], names["o200k_base"], names["p50k_base"]) == ("9b5ad71b", "fb374d41", "ec7223a3")


def test_hashes_and_patterns_are_those_of_tiktoken(monkeypatch: pytest.MonkeyPatch) -> None:
    openai_public = importlib.import_module("tiktoken_ext.openai_public")
    hashes: list[str] = []

    def ranks(address: str, expected_hash: str) -> dict[bytes, int]:
        hashes.append(expected_hash)
        return {}

    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", ranks)
    for name in ("r50k_base", "p50k_base", "cl100k_base", "o200k_base", "o200k_harmony"):
        ours, theirs = vocabulary._VOCABULARIES[name], getattr(openai_public, name)()
        assert (ours.pattern, ours.sha256) == (theirs["pat_str"], hashes[-1])


@pytest.mark.parametrize("variable", ["TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"])
def test_the_folder_named_by_the_environment_is_used(
    published: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "named", published)
    monkeypatch.setenv(variable, str(tmp_path / "named"))
    encoding = vocabulary.find_encoding(NAME)
    assert encoding is not None
    assert encoding.encode_ordinary("ab <|endoftext|>")[:3] == [97, 98, 32]
    assert vocabulary.where_found(NAME) == f"the folder named by {variable}"


def test_the_default_cache_is_used(published: str, tmp_path: Path) -> None:
    put(tmp_path / "temporary" / "data-gym-cache", published)
    assert vocabulary.where_found(NAME) == "tiktoken's cache in the temporary folder"


def test_a_package_that_carries_it_is_used_and_not_imported(
    published: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "carrier_of_vocabularies"
    put(package / "inside", published)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    assert vocabulary.where_found(NAME) == "the installed package carrier_of_vocabularies"


def test_a_package_without_a_spec_is_passed_over(published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = ModuleType("carrier_of_vocabularies")  # __spec__ is None, for which find_spec raises ValueError
    monkeypatch.setitem(sys.modules, "carrier_of_vocabularies", stub)
    assert vocabulary.find_encoding(NAME) is None


def test_a_file_that_is_not_the_published_one_is_not_used(
    published: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path / "named", published, CONTENT + b"eA== 256\n")
    put(tmp_path / "temporary" / "data-gym-cache", published)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "named"))
    assert vocabulary.where_found(NAME) == "tiktoken's cache in the temporary folder"
    assert "not the published file" in caplog.text


def test_where_nothing_is_found_it_says_so_once_and_how_to_fetch_it(
    published: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="leanloop"):
        assert vocabulary.find_encoding(NAME) is None
        assert vocabulary.where_found(NAME) is None
        vocabulary._warn_once("another")
    assert [record.name for record in caplog.records] == ["leanloop"]
    assert f"tiktoken.get_encoding('{NAME}')" in caplog.text


def test_an_encoding_nobody_publishes_is_none_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert vocabulary.find_encoding("no_such_base") is None
    assert not caplog.records


def test_threads_share_one_encoding(published: str, tmp_path: Path) -> None:
    put(tmp_path / "temporary" / "data-gym-cache", published)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(vocabulary.find_encoding, [NAME] * 16))
    assert isinstance(found[0], tiktoken.Encoding)
    assert len({id(encoding) for encoding in found}) == 1


@pytest.mark.parametrize("name", ["cl100k_base", "o200k_base"])
def test_the_vocabularies_of_openais_chat_models_come_with_the_package(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(vocabulary, "_loaded", {})
    monkeypatch.setattr(vocabulary, "_CARRIERS", ())
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    monkeypatch.delenv("DATA_GYM_CACHE_DIR", raising=False)
    encoding = vocabulary.find_encoding(name)
    assert vocabulary.where_found(name) == "leanloop itself"
    assert encoding is not None
    assert encoding.decode(encoding.encode_ordinary("exact, offline")) == "exact, offline"


def test_a_damaged_file_of_the_package_is_passed_over(published: str, tmp_path: Path) -> None:
    put(tmp_path / "own", f"{NAME}.tiktoken.xz", b"not xz")
    assert vocabulary.find_encoding(NAME) is None
