"""What the pages say is so: examples run, options exist, links lead somewhere."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from realtime import MosaicFilter
from realtime.options import parse

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PAGES = ["README.md", "CONTRIBUTING.md", "models/README.md", "docs/faults.md", "docs/live.md"]
_OPTION = re.compile(r"--[a-z][a-z-]+")


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_runs_as_written(example: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "realtime" / "assets" / "demo.jpg", tmp_path / "photo.jpg")
    # In a process of its own, because an example may leave anything behind.
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{example}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_table_has_the_options_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    rows = re.findall(r"^\| `--.*", README, re.MULTILINE)
    mentioned = set(_OPTION.findall("\n".join(rows))) | {"--color"}
    with pytest.raises(SystemExit):
        parse(["--help"])
    printed = capsys.readouterr().out.partition("examples:")[0]
    assert mentioned == set(_OPTION.findall(printed))


def test_commands_use_options_that_there_are() -> None:
    commands = re.findall(r"^(?:python -m realtime|automosaic) (.*)$", README, re.MULTILINE)
    assert commands
    for command in commands:
        if command != "--list":
            parse(command.split())


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    missing = [target for target in local if not (ROOT / page).parent.joinpath(target).exists()]
    assert not missing


def test_every_shipped_set_is_listed() -> None:
    page = (ROOT / "models" / "README.md").read_text(encoding="utf-8")
    assert all(f"]({name}/README.md)" in page for name in MosaicFilter.available())


def _tests_in(path: Path) -> set[str]:
    """Return what can be named in a file of tests: "test_a", "TestB", "TestB::test_c"."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            inner = (child for child in node.body if isinstance(child, ast.FunctionDef))
            found.update(f"{node.name}::{child.name}" for child in inner)
    return found


def test_faults_are_proved_by_tests_that_there_are() -> None:
    page = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)(?:::([\w:]+))?`", page)
    assert len(named) > 30
    for file, test in named:
        path = ROOT / "tests" / file
        assert path.exists(), file
        assert not test or test in _tests_in(path), f"{file}::{test}"
