"""The whole program in a process of its own, and the recordings it leaves."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av

from realtime.sources import open_source
from tests.tile_sets import PLAIN

ROOT = Path(__file__).resolve().parent.parent
HANG_S = 60.0
SMALL = ("--size", "320x180", "--columns", "20", "--tiles", str(PLAIN), "--no-settings")
"""A run that takes little time."""

_TELLING = """
import sys, time
from realtime import cli
class Telling(cli.MosaicFilter):
    "Tells of every mosaic, and when it was made."
    def make(self, frame):
        print(time.perf_counter(), flush=True)
        return super().make(frame)
cli.MosaicFilter = Telling
from realtime.__main__ import start
start()
"""


@contextmanager
def program(folder: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run the program in a folder; it tells of every mosaic on stdout, and of one before all."""
    with subprocess.Popen(
        [sys.executable, "-c", _TELLING, *SMALL, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def told(process: subprocess.Popen[str], mosaics: int) -> list[float]:
    """Wait for so many mosaics, and return when they were made."""
    assert process.stdout is not None
    return [float(process.stdout.readline()) for _ in range(mosaics)]


def ended(process: subprocess.Popen[str]) -> tuple[list[float], dict[str, object], str]:
    """Wait for the end, and return when mosaics were made, the statistics and stderr."""
    out, err = process.communicate(timeout=HANG_S)
    *moments, last = out.splitlines() or [""]
    statistics = json.loads(last) if last.startswith("{") else {}
    return [float(line) for line in (moments if statistics else out.splitlines())], statistics, err


def length_s(path: Path) -> float:
    """Decode a recording, and return the time of its last frame; 0 where there is none yet."""
    times = [Fraction(0)]
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                assert frame.pts is not None and frame.time_base is not None
                times.append(frame.pts * frame.time_base)
    except (av.error.InvalidDataError, av.error.EOFError):
        # Not even the first half second had been written.
        assert path.stat().st_size < 10_000
    return float(times[-1])


def frames(path: Path) -> int | None:
    """Return how many frames a recording says that it has."""
    with open_source(str(path)) as recording:
        return recording.info.frames


def threads_end(others: set[threading.Thread]) -> None:
    """Wait until there are no threads but others; those of a decoder end once it is collected."""
    gc.collect()
    try:
        wait_for(lambda: set(threading.enumerate()) <= others)
    except AssertionError as error:
        raise AssertionError(f"left {set(threading.enumerate()) - others}") from error


def wait_for(happens: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.perf_counter() + HANG_S
    while not happens():
        assert time.perf_counter() < end, "it never happened"
        time.sleep(0.02)
