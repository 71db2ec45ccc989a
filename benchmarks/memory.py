"""Memory of a process that filters for long, on frames that never repeat."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.film import add_noise
from benchmarks.startup import ROOT
from benchmarks.timing import Row, Setup, SkippedError
from realtime import MosaicFilter

FRAMES = 10_000
STATUS = Path("/proc/self/status")


def measure(setup: Setup) -> list[Row]:
    """Run a process over many frames and ask it for its memory on the way."""
    if not STATUS.is_file():
        raise SkippedError("memory is read from /proc, which is there on Linux alone")
    frames = setup.rounds(FRAMES)
    command = [sys.executable, "-m", "benchmarks.memory", str(frames)]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    figures = json.loads(said)
    (whole_before, rest_before), (whole, rest) = figures["marks"]
    return [
        Row("memory", f"MB at most, {frames:,} frames", figures["peak"], None, 400),
        # Tiles are kept to a limit, and more and more seldom.
        Row("memory", "MB: at the end / after a tenth", whole, whole_before),
        Row("memory", "the same without the tiles kept", rest, rest_before, 1.02),
    ]


def resident_mb(line: str = "VmRSS") -> float:
    """Memory of this process, or with `VmHWM` the most it had, in MB."""
    for text in STATUS.read_text(encoding="ascii").splitlines():
        if text.startswith(line):
            return int(text.split()[1]) / 1000
    raise ValueError(f"{STATUS}: no {line}")


def rest_mb(made: MosaicFilter) -> float:
    """Memory of this process without the tiles that a filter keeps, in MB."""
    return resident_mb() - made.kept_bytes / 1e6


def main(frames: int) -> None:
    """Filter that many frames and print the memory as JSON."""
    from benchmarks.filter import make
    from realtime.demo import Demo

    demo, made, marks = Demo(fps=7), make(), []  # a low rate, so that frames differ much
    for number, frame in enumerate(add_noise(demo.frame(number) for number in range(frames))):
        made(frame)
        if number in (frames // 10, frames - 1):
            marks.append((resident_mb(), rest_mb(made)))
    print(json.dumps({"marks": marks, "peak": resident_mb("VmHWM")}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
