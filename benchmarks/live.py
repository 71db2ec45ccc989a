"""The whole program at 30 frames a second: how late its mosaics are, and what it takes of a core.

The demo stands for a camera: its picture pans all the time, so nearly every tile changes, which is
more work than a person at a desk. Start-up counts. What Python itself takes to start is in it, too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.display import PROGRAM, x_server
from benchmarks.startup import ROOT
from benchmarks.timing import Row, Setup, SkippedError

FPS = 30
SECONDS = 30
INTERVAL_MS = 1000 / FPS


class Live(NamedTuple):
    """What a run took: a share of one core, 0 to 1 and more, and what `--stats` told."""

    cores: float
    told: dict[str, object]

    @property
    def p95_ms(self) -> float:
        """Time from a frame to its mosaic at the sinks, that 95 % do not exceed."""
        latency = self.told["latency_ms"]
        assert isinstance(latency, dict)
        return float(latency["p95"])

    @property
    def fps(self) -> float:
        """Mosaics a second."""
        return float(str(self.told["fps"]))


def measure(setup: Setup) -> list[Row]:
    """Run with a window, and with a window and a recording."""
    seconds = SECONDS // 3 if setup.quick else SECONDS
    with _display() as environment, tempfile.TemporaryDirectory() as folder:
        window = _run(seconds, environment)
        both = _run(seconds, environment, "--record", str(Path(folder, "live.mp4")))
    return [
        Row("live, window", "share of a core", window.cores, None, 0.6),
        Row("live, window", "frames a second", window.fps, None, 0.98 * FPS, at_most=False),
        Row("live, + recording", "share of a core", both.cores),
        Row("live, + recording", "frames a second", both.fps, None, 0.98 * FPS, at_most=False),
        Row(
            "live, + recording",
            "ms: frame to sinks, p95 / frame interval",
            both.p95_ms,
            INTERVAL_MS,
            1 + 10 / INTERVAL_MS,
        ),
    ]


def _run(seconds: int, environment: dict[str, str], *arguments: str) -> Live:
    command = [sys.executable, "-m", "realtime", "--source", "demo", "--size", "1280x720"]
    command += ["--fps", str(FPS), "--seconds", str(seconds), "--stats", "--no-settings"]
    before, start_s = os.times(), time.perf_counter()
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True
    )
    after, length_s = os.times(), time.perf_counter() - start_s
    cpu_s = sum(after[2:4]) - sum(before[2:4])  # of child processes
    return Live(cpu_s / length_s, json.loads(done.stdout))


@contextmanager
def _display() -> Iterator[dict[str, str]]:
    """An environment in which windows open: on the screen, or on one that nobody sees."""
    environment = dict(os.environ)
    if sys.platform in ("win32", "darwin") or "DISPLAY" in environment:
        yield environment
        return
    if not shutil.which(PROGRAM):
        raise SkippedError("no display; apt-get install xvfb makes one")
    with x_server() as (name, _):
        yield {**environment, "DISPLAY": name}
