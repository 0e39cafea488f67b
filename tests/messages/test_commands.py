"""What the commands say of a mistake, word for word: commands.txt has each command and what is written to stderr."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leanloop.adapters.cli.app import app
from leanloop.budgets.sqlite import SqliteStore
from leanloop.errors import LeanLoopError

FILES = {
    "support.yaml": "agent: support\nlimits:\n- {per: task, usd: 1}\n- {per: day, scope: user, usd: 5}\n",
    "kept.yaml": "agent: support\nstore: sqlite:///ledger.db\nlimits:\n- {per: day, usd: 5}\n",
    "made.yaml": "agent: support\nstore: sqlite:///made.db\nlimits:\n- {per: day, usd: 5}\n",
    "thinking.yaml": "agent: support\nthinking: {effort: high, below: none}\n",
    "routed.yaml": "agent: support\nlimits: [{usd: 1}]\nroutes: {cheap: nobodys-model}\n",
    "wrong.yaml": "agent: support\nlimts: []\n",
    "runs.jsonl": '{"messages": [{"role": "user", "content": "hi"}]}\n{"messages": "hi"}\n',
    "set.jsonl": '{"id": "q1", "setting": "gpt-5", "score": 1}\n{"id": "q2", "score": 1}\n',
    "one.jsonl": '{"id": "q1", "setting": "gpt-5", "score": 1}\n',
    "questions.jsonl": '{"question": "What is 3 + 4?"}\n',
    "pairs.jsonl": '["a", "b"]\n',
    "notes.txt": "Buy milk.\n",
}
TEXT = (Path(__file__).parent / "commands.txt").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ leanloop (.+)\n((?:(?!\$ ).+\n)+)", TEXT, flags=re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    SqliteStore(tmp_path / "made.db").balances([])
    monkeypatch.chdir(tmp_path)
    for variable in ("LEANLOOP__STORE", "LEANLOOP__CACHE__STORE", "LEANLOOP__DIFFICULTY__STORE"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("command", "message"), COMMANDS)
def test_a_mistake_on_the_command_line_is_told_with_what_to_write(command: str, message: str) -> None:
    assert told(command) == message.rstrip("\n")


def told(command: str) -> str:
    result = CliRunner().invoke(app, shlex.split(command))
    assert result.exit_code == 1, result.output
    said = str(result.exception) if isinstance(result.exception, LeanLoopError) else result.stderr.rstrip("\n")
    return said.replace(str(Path.cwd()), "FOLDER")
