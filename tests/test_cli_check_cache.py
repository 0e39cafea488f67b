"""What `leanloop check` says of the cache."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from leanloop.adapters.cli.app import app
from leanloop.adapters.cli.span import span


def checked(folder: Path, cache: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "250")
    path = folder / "budget.yaml"
    path.write_text(f"agent: a\n{cache}\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(path)])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(
    ("cache", "words"),
    [
        ("", ["are never given again (default)"]),
        ("cache: off", ["are never given again "]),
        (
            "cache: on",
            [
                "are given again for 1 hour, to the very same call, and to one in other spelling",
                "is counted and asked anew (shadow), at temperature 0",
                "only tasks of the same tenant and user",
                "in memory, by each process for itself, 256 MB in all",
            ],
        ),
        (
            "cache: {stale: 10m, semantic: on, judge: gpt-4.1-nano, scope: [], any_temperature: true, sample: 5%}",
            [
                "for 1 hour; for 10 minutes more while made anew, to the very same call",
                "is answered where leanloop cache tune has found that at most 0.1 % are wrong and gpt-4.1-nano agrees",
                "; 5 % of such hits are checked",
                "every task, of any agent that keeps them there",
            ],
        ),
        (
            "cache: {semantic: on}",
            ["is answered, at temperature 0, where leanloop cache tune", "are wrong; 1 % of such"],
        ),
        ("cache: {semantic: off}", ["is asked anew"]),
        (
            "cache: {models: false, tools: {weather: {ttl: 10m, evicted_by: [set, reset]}, search: on}, hints: true}",
            [
                "of models are never given again",
                "are given again for 10 minutes, until set or reset is called",
                "results of search",
                "as long as MCP's ttlMs says",
            ],
        ),
        (
            "cache:\n  store: redis://user:secret@host:6379/0\n  max_bytes: 10MB",
            ["at redis://host:6379/0, 10 MB in all"],
        ),
    ],
)
def test_a_file_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: str, words: list[str]) -> None:
    shown = checked(tmp_path, cache, monkeypatch)
    for part in words:
        assert part in shown
    assert "secret" not in shown


def test_where_nothing_is_cached_nothing_is_said_of_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "they are kept" not in checked(tmp_path, "cache: {models: false}", monkeypatch)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (1, "1 second"), (90, "1.5 minutes"), (3_600, "1 hour"), (86_400 * 400, "400 days")],
)
def test_lengths_of_time_are_said_in_the_largest_unit(seconds: float, words: str) -> None:
    assert span(seconds) == words
