"""The requirements agree with each other, with the code and with the pins."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
IMPORTED_AS = {"opencv-python": "cv2"}
"""Packages whose module has a name that does not follow from theirs."""

PINNED_FOR = {"python_version": "3.11"}


def lines(name: str) -> list[str]:
    """Return the requirements in a file, without comments."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in found if line]


def package(requirement: str) -> str:
    return re.split(r"[<>=!~ ]", requirement)[0].lower().replace("_", "-")


def test_package_needs_what_requirements_say() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared = re.search(r"^dependencies = (\[.*?^\])", text, re.MULTILINE | re.DOTALL)
    assert declared
    assert ast.literal_eval(declared[1]) == lines("requirements.txt")


def test_run_time_imports_what_requirements_say() -> None:
    """And no more: above all not PyTorch."""
    imported: set[str] = set()
    for path in (ROOT / "realtime").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    own = {"realtime", "tomllib"}  # the latter belongs to Python from 3.11 on
    foreign = imported - set(sys.stdlib_module_names) - own
    names = (package(line) for line in lines("requirements.txt"))
    assert foreign == {IMPORTED_AS.get(name, name).replace("-", "_") for name in names}


@pytest.mark.parametrize(
    "name", ["requirements.txt", "export/requirements.txt", ".ci/requirements.txt"]
)
def test_every_requirement_has_bounds_and_a_pin_within(name: str) -> None:
    requirements = pytest.importorskip("packaging.requirements", reason="comes with pytest")
    pins = dict(line.split("==") for line in lines(".ci/constraints.txt"))
    pins = {package(name): version for name, version in pins.items()}
    for line in lines(name):
        marker = requirements.Requirement(line).marker
        operators = {clause.operator for clause in requirements.Requirement(line).specifier}
        assert ">=" in operators, line
        assert operators & {"<", "<="}, line
        if marker is None or marker.evaluate(PINNED_FOR):
            assert pins[package(line)] in requirements.Requirement(line).specifier, line


def test_licences_of_all_dependencies_are_listed() -> None:
    """Of those to play, to train and to test, each with a licence after it."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    section = page.partition("## What it stands on")[2].partition("## Licence and credits")[0]
    rows = re.findall(r"^\| \[([\w-]+)\]\([^)]+\) \| [^|]+ \| ([^|]+) \|", section, re.MULTILINE)
    listed = {name.lower().replace("_", "-") for name, licence in rows if licence.strip()}
    needed = {package(line) for line in lines("requirements.txt")}
    assert listed == needed
    prose = " ".join(section.rpartition("|")[2].lower().split())
    for name in ("export/requirements.txt", ".ci/requirements.txt"):
        for line in lines(name):
            assert package(line) in listed or package(line) in prose, line


def test_licences_of_all_tile_sets_are_listed() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8").rpartition("| Sets |")[2]
    listed = {
        name: licence
        for names, licence in re.findall(r"^\| (`[^|]+) \| [^|]+ \| ([^|]+) \|", page, re.MULTILINE)
        for name in re.findall(r"`([\w-]+)`", names)
    }
    shipped = {path.parent.name for path in (ROOT / "models").glob("*/tileset.json")}
    assert set(listed) == shipped
    for name, licence in listed.items():
        card = (ROOT / "models" / name / "README.md").read_text(encoding="utf-8")
        assert "Licence" in card and licence.strip(), name


@pytest.mark.parametrize("folder", ["realtime", "export"])
def test_every_module_has_its_place_in_the_guide(folder: str) -> None:
    """And every module that is named there exists."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = page.partition(f"| `{folder}/` | |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", table))
    modules = {path.stem for path in (ROOT / folder).glob("*.py")}
    if folder == "export":
        modules -= {"__init__"}
    assert modules - named == set()
    assert {name for name in named if name.islower()} - modules == set()
