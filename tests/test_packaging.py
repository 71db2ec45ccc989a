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
