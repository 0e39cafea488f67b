"""What is shipped: the wheel is built from the sdist, and holds every module of the three folders under one name."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path, PurePosixPath

import pytest
from extras_alone import USES

import leanloop

ROOT = Path(__file__).parents[1]
FOLDERS = ("adapters", "budgets", "plugins")
BESIDE = ("tests", "examples", "bench", "docs")
FILES = (
    "pyproject.toml",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Makefile",
    "mkdocs.yml",
)


def copy_tree(target: Path) -> Path:
    """Copy what a build reads, so that building writes nothing into the working tree."""
    for name in (*FOLDERS, *BESIDE, "src"):
        shutil.copytree(ROOT / name, target / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, target / name)
    return target


def build(tree: Path, *flags: str) -> Path:
    """Build without isolation, so without network; return the folder of what came out."""
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", *flags, str(tree)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return tree / "dist"


def only(folder: Path, pattern: str) -> Path:
    [path] = folder.glob(pattern)
    return path


def modules_in_the_tree() -> set[str]:
    return {name for name in files_in_the_tree() if name.endswith(".py")}


def files_in_the_tree() -> set[str]:
    """All that is read when leanloop runs: modules, Lua, prompts, words, vocabularies, the template of a page."""
    front = ROOT / "src/leanloop"
    found = [path.relative_to(front) for path in front.iterdir() if path.is_file() and path.suffix]
    for name in FOLDERS:
        files = (path for path in (ROOT / name).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        found += [path.relative_to(ROOT) for path in files]
    return {f"leanloop/{path.as_posix()}" for path in found}


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sdist, and the wheel that pip would build from it."""
    return build(copy_tree(tmp_path_factory.mktemp("tree")))


def test_the_wheel_holds_every_file_of_the_tree(dist: Path) -> None:
    shipped = set(contents(only(dist, "*.whl")))

    assert shipped == files_in_the_tree()
    folders = {PurePosixPath(name).parent.name for name in shipped if name.endswith(".lua")}
    assert {"budgets", "cache", "outcomes", "results"} <= folders
    for name in ("py.typed", "budgets/o200k_base.tiktoken.xz", "adapters/report/page.css"):
        assert f"leanloop/{name}" in shipped


def test_the_wheel_installs_nothing_but_leanloop_at_the_top(dist: Path) -> None:
    assert {PurePosixPath(name).parts[0] for name in contents(only(dist, "*.whl"))} == {"leanloop"}


def test_the_wheel_built_from_the_tree_is_the_one_built_from_the_sdist(dist: Path, tmp_path: Path) -> None:
    straight = only(build(copy_tree(tmp_path), "--wheel"), "*.whl")

    assert contents(straight) == contents(only(dist, "*.whl"))


def test_a_checkout_without_symbolic_links_builds_the_same_wheel(dist: Path, tmp_path: Path) -> None:
    tree = copy_tree(tmp_path)
    for name in FOLDERS:  # what git writes for a link where core.symlinks is false, as on Windows
        link = tree / "src/leanloop" / name
        link.unlink()
        link.write_text(f"../../{name}")

    assert contents(only(build(tree, "--wheel"), "*.whl")) == contents(only(dist, "*.whl"))


def test_the_sdist_carries_all_that_the_tests_need(dist: Path) -> None:
    with tarfile.open(only(dist, "*.tar.gz")) as archive:
        names = {str(PurePosixPath(*PurePosixPath(name).parts[1:])) for name in archive.getnames()}

    files = [path for folder in (*FOLDERS, *BESIDE) for path in (ROOT / folder).rglob("*") if path.is_file()]
    needed = {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}
    assert needed | {*FILES} <= names


def test_the_metadata_names_the_command_and_every_extra(dist: Path) -> None:
    with zipfile.ZipFile(only(dist, "*.whl")) as archive:
        [metadata] = [archive.read(name) for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        [scripts] = [archive.read(name) for name in archive.namelist() if name.endswith("/entry_points.txt")]
    headers = message_from_bytes(metadata)

    assert {"langchain", "llama-index", "redis", "all"} <= set(headers.get_all("Provides-Extra", []))
    assert headers["License-Expression"] == "MIT"
    assert b"leanloop = leanloop.adapters.cli.app:main" in scripts


def test_no_requirement_names_a_registry_or_a_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]

    assert [line for group in groups for line in group if "@" in line or "://" in line] == []


@pytest.mark.parametrize("check", ["check-wheel-contents", "twine check --strict"])
def test_what_is_shipped_passes_the_checks_of_a_registry(dist: Path, check: str) -> None:
    program, *flags = check.split()
    files = dist.glob("*.whl" if program == "check-wheel-contents" else "leanloop-*")

    done = subprocess.run(
        [Path(sys.executable).with_name(program), *flags, *files], cwd=dist, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_version_is_said_in_one_place(dist: Path) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

    assert leanloop.__version__ == version
    assert {path.name for path in dist.iterdir()} == {
        f"leanloop-{version}.tar.gz",
        f"leanloop-{version}-py3-none-any.whl",
    }
    said = [path for path in modules_in_the_tree() if f'"{version}"' in in_the_tree(path).read_text(encoding="utf-8")]
    assert said == []


def in_the_tree(module: str) -> Path:
    return ROOT / "src" / module


def test_each_extra_that_is_for_users_is_tried_alone() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]

    assert set(USES) == set(extras) - {"all", "test", "dev"}
    whole = re.search(r"\[(.+)\]", extras["all"][0])
    assert whole is not None
    assert set(whole[1].split(",")) == set(USES) - {"docs"}  # docs builds this project's own site


@pytest.mark.parametrize("extra", sorted(USES))
def test_what_an_extra_is_tried_with_works_where_all_are_installed(extra: str) -> None:
    done = subprocess.run([sys.executable, "-P", "-c", USES[extra]], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
