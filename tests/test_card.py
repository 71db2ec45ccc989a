"""The commit that a tile set's card names."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from export.card import current_commit

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

DIRTY = {"export/train.py": True, "models/a/decoder.onnx": False, "models/a/teacher/card": True}
"""Whether a checkout is where this file was changed."""


def git(checkout: Path, *arguments: str) -> str:
    """Run git, as anybody."""
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(checkout), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean one."""
    for name in DIRTY:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("old")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "all")
    return tmp_path


@pytest.mark.parametrize(("changed", "dirty"), DIRTY.items())
def test_what_training_reads_must_be_committed(checkout: Path, changed: str, dirty: bool) -> None:
    """Other tile sets need not: they may have been trained just before."""
    commit = git(checkout, "rev-parse", "HEAD")[:12]
    assert current_commit(checkout / "export") == commit
    (checkout / changed).write_text("new")
    (checkout / "left here").write_text("not of the checkout")
    assert current_commit(checkout / "export") == commit + ("-dirty" if dirty else "")


def test_no_checkout_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert current_commit(tmp_path) == ""
