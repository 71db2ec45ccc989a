"""The public API is typed, as `py.typed` says, and does what a stranger's script expects of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONSUMER = ROOT / "tests" / "consumer.py"
REVEALED = {
    'MosaicFilter.load("digits")': "realtime.mosaic.MosaicFilter",
    "MosaicFilter.available()": "list[str]",
    "made(frame)": "numpy.ndarray[tuple[Any, ...], numpy.dtype[numpy.unsignedinteger[",
    "made.make(frame)": "realtime.mosaic.Mosaic",
    "made.columns": "int",
    "made.size": "tuple[int, int] | None",
    "made.timings": "dict[str, float]",
    'open_source("demo")': "realtime.sources.Source",
    'open_source("demo").read()': "realtime.sources.TimedFrame | None",
    'open_file("a.mp4", (64, 48), 30)': "realtime.sinks.Sink",
}
"""Types of expressions, as mypy tells them; of those of NumPy, the beginning."""
_HEAD = """
import numpy as np
from realtime import MosaicFilter
from realtime.sinks import open_file
from realtime.sources import open_source
made, frame = MosaicFilter.load(), np.zeros((48, 64, 3), np.uint8)
"""


def mypy(path: Path) -> str:
    """Type-check a script outside of this repository, whose package it uses as if installed."""
    pytest.importorskip("mypy", reason="comes with make check")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--config-file=",
    ]
    done = subprocess.run(
        [*command, "--cache-dir", str(ROOT / ".mypy_cache" / "consumer"), str(path)],
        cwd=path.parent,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def test_it_says_that_it_is_typed() -> None:
    assert (ROOT / "realtime" / "py.typed").is_file()


def test_a_script_is_type_checked_against_it(tmp_path: Path) -> None:
    script = tmp_path / "consumer.py"
    script.write_text(CONSUMER.read_text(encoding="utf-8"), encoding="utf-8")
    assert "Success" in mypy(script)


def test_types_are_those_that_are_promised(tmp_path: Path) -> None:
    script = tmp_path / "revealed.py"
    asked = "\n".join(f"reveal_type({expression})" for expression in REVEALED)
    script.write_text(_HEAD + asked, encoding="utf-8")
    lines = [line for line in mypy(script).splitlines() if "Revealed type" in line]
    found = [line.split('"')[1].replace("builtins.", "") for line in lines]
    assert len(found) == len(REVEALED)
    for told, promised in zip(found, REVEALED.values(), strict=True):
        assert told.startswith(promised) if "numpy" in promised else told == promised


def test_a_wrong_use_is_noticed(tmp_path: Path) -> None:
    script = tmp_path / "wrong.py"
    script.write_text(
        f'{_HEAD}made.columns = "many"\nMosaicFilter.load(column=3)\n', encoding="utf-8"
    )
    assert "Found 2 errors" in mypy(script)


def test_the_script_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(CONSUMER), "out.mkv"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out.mkv").stat().st_size
