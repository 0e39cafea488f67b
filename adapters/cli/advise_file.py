"""The budget file ``leanloop advise`` writes: what each key saved and risks stands above it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from leanloop.adapters.advice.advice import Advice
from leanloop.adapters.advice.bare import ON_BY_DEFAULT
from leanloop.adapters.advice.budget_file import budget_text, commented
from leanloop.adapters.advice.cases import Sample
from leanloop.adapters.advice.ranking import Ranked
from leanloop.adapters.advice.words import evidence, lost, saved
from leanloop.adapters.cli.advise_tables import runs_read, summary
from leanloop.budgets.file import parse_budget
from leanloop.errors import UsageError

__all__ = ["advised_file", "advised_keys", "check_free", "write_file"]


def advised_file(advice: Advice, sample: Sample, own: Mapping[str, object] | None) -> str:
    """The whole file; `own` is the user's, None for a new one. What is not advised stands at its end, as comments."""
    head = (
        f"By leanloop advise, from {runs_read(advice, sample)}.",
        *summary(advice),
        "In words: leanloop check, with this file.",
    )
    comments = _comments(advice)
    if own is None:
        off = [key for key in ON_BY_DEFAULT if advice.together.tree.get(key) in (False, [])]
        comments |= {key: ["On by default, which on these runs would cost more or lose more."] for key in off}
    parts = [budget_text(advice.together.tree, head, comments)]
    parts += ["\n".join(_left_out(one)) + "\n" for one in advice.together.ranked if not one.advised]
    text = "\n".join(parts)
    parse_budget(text, file="the advised file", environ={})
    return text


def advised_keys(advice: Advice, own: Mapping[str, object]) -> str:
    """Only what is new in the file: the rest is its owner's, and may hold secrets."""
    tree = advice.together.tree
    return budget_text({key: tree[key] for key in tree if tree[key] != own.get(key)}, (), _comments(advice))


def check_free(file: Path, *, force: bool) -> None:
    """Whether a file can be written there.

    Raises:
        UsageError: it does not end in .yaml or .yml, or is there already and `force` is not said.
    """
    if file.suffix.lower() not in (".yaml", ".yml"):
        raise UsageError(f"--out ends in .yaml or .yml, not in {file.suffix!r}: leanloop advise writes YAML.")
    if file.exists() and not force:
        raise UsageError(
            f"{file} is there already and stays as it is. --force writes over it, --out OTHER.yaml writes another."
        )


def write_file(file: Path, text: str, *, force: bool) -> None:
    """Write it; over another only with `force`.

    Raises:
        UsageError: it came to be there meanwhile, or cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}. Name another with --out.") from None


def _comments(advice: Advice) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in advice.together.ranked:
        for key in one.change.keys:
            if one.advised:
                found.setdefault(key, []).append(_figures(one))
    return found


def _figures(one: Ranked) -> str:
    reach = evidence(one.saving)
    return f"{one.change.feature}: {saved(one.saving)}; {lost(one.saving)}{f'; {reach}' if reach else ''}."


def _left_out(one: Ranked) -> Iterator[str]:
    why = "Advised alone only" if one.alone else "Not advised"
    yield from commented([f"{why}: {'; '.join(one.against)}. {_figures(one)}"])
    yield from (f"# {line}" for line in budget_text(one.change.keys).splitlines())
