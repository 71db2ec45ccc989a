"""Nothing in the code unpickles, or runs what it reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [
    path for part in ("realtime", "export", "benchmarks") for path in ROOT.glob(f"{part}/*.py")
]
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "yaml"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
SAFE_ONLY_WITH = {
    "np.load": ("allow_pickle", False),
    "torch.load": ("weights_only", True),
    "onnx.load": ("load_external_data", False),
}


def calls(tree: ast.AST) -> Iterator[tuple[str, dict[str | None, object]]]:
    """Yield the names of all that is called, and the settings that are given as they stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            settings: dict[str | None, object] = {
                word.arg: word.value.value
                for word in node.keywords
                if isinstance(word.value, ast.Constant)
            }
            yield ast.unparse(node.func), settings


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_reads_nothing_that_could_run(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not UNSAFE_MODULES.intersection(imports(tree))
    for name, settings in calls(tree):
        assert name not in UNSAFE_CALLS
        if name in SAFE_ONLY_WITH:
            setting, value = SAFE_ONLY_WITH[name]
            assert settings.get(setting) == value, f"{name} without {setting}={value}"


def test_the_test_would_notice() -> None:
    found = dict(calls(ast.parse("torch.load(path, weights_only=False)")))
    assert found == {"torch.load": {"weights_only": False}}
    assert list(imports(ast.parse("import pickle\nfrom yaml.x import y"))) == ["pickle", "yaml"]
