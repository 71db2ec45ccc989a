"""From the start of a Python process to the first mosaic, imports and all."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.timing import Row, Setup

ROOT = Path(__file__).resolve().parents[1]
FIRST_MOSAIC = """
from realtime import MosaicFilter
from realtime.demo import Demo
frame = Demo().frame(0)
mosaic = MosaicFilter.load("digits", columns=80, tile_size=16)(frame)
assert mosaic.shape == (720, 1280, 3)
"""


def measure(setup: Setup) -> list[Row]:
    """Time fresh processes by turns with ones that do nothing."""
    taken: dict[str, list[float]] = {FIRST_MOSAIC: [], "": []}
    for _ in range(1 + setup.rounds(15)):  # the first one warms the disk's cache
        for program, times in taken.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
            times.append(time.perf_counter() - start)
    mosaic_s, nothing_s = (statistics.median(times[1:]) for times in taken.values())
    return [
        Row("start", "seconds to the first mosaic", mosaic_s, None, 1.0),
        Row("start", "seconds: first mosaic / empty program", mosaic_s, nothing_s),
    ]
