"""Spoils what the program reads, over and over: `python -m tests.fuzz --seconds 60`.

Every trial runs the whole program, within a process that may be lost. It must end with a status and
a line that say what is wrong: no traceback, no crash, no hang, little memory, no thread left over.
What chance decides follows from the trial's number, so each can be had again:
`python -m tests.fuzz --kind clips --first 123 --trials 1`.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import cv2

from realtime.arrays import MOST_PIXELS
from tests.trials import KINDS

ROOT = Path(__file__).resolve().parent.parent
SLOW_S = 20.0
"""Of CPU time; the largest of the files that are spoiled here takes a tenth of a second."""
HANG_S = 120.0
MOST_MB = 1500
"""Of memory in use. A network from elsewhere may take 1,024 MB at a time."""
LIMIT_MB = 6000
"""Beyond this the operating system refuses, to keep the machine going."""
TURN = 25
"""Trials of one kind, then the next kind has its turn."""


@dataclass
class Kind:
    """What was seen of one kind of trial.

    Attributes:
        first: number of the next trial.
        ends: how often there was which exit status.
        found: what went wrong, by the trial's number.
        slowest_s: CPU time of the slowest trial.
        most_mb: of memory, of any trial.
    """

    name: str
    first: int
    ends: Counter[str] = field(default_factory=Counter)
    found: dict[int, str] = field(default_factory=dict)
    slowest_s: float = 0.0
    most_mb: float = 0.0

    def line(self) -> str:
        """Return the row of the table."""
        ends = ", ".join(f"{count} x {status}" for status, count in sorted(self.ends.items()))
        total = sum(self.ends.values())
        return (
            f"{self.name:10} {total:6} trials   found {len(self.found):3}   slowest "
            f"{self.slowest_s:5.1f} s   memory {self.most_mb:5.0f} MB   exit status: {ends}"
        )


class Child:
    """A process that does trials of one kind."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._errors = (folder / f"{kind}.err").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz", "--child", kind],
            cwd=ROOT,
            env={**os.environ, "OPENCV_IO_MAX_IMAGE_PIXELS": str(MOST_PIXELS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def trial(self, number: int) -> tuple[str, float, float]:
        """Do a trial.

        Returns:
            The exit status, seconds of CPU time, and megabytes of memory in use at most so far.

        Raises:
            RuntimeError: the process was lost.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        # A process that hangs, too, ends by a signal in the end, see `_serve`.
        print(number, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline().split()
        if not answer:
            self._process.wait()
            self._errors.seek(0)
            raise RuntimeError(_shortened(self._errors.read()))
        return answer[0], float(answer[1]), float(answer[2])

    def end(self) -> None:
        """Let go of it."""
        self._process.communicate()
        self._errors.close()


def main() -> int:
    """Run trials until the time is up, and say what was found."""
    options = _options()
    if options.child:
        _serve(options.child)
        return 0
    kinds = [Kind(name, options.first) for name in options.kind or KINDS]
    end_s = time.perf_counter() + options.seconds
    while time.perf_counter() < end_s:
        for kind in kinds:
            left = options.trials - kind.first + options.first if options.trials else TURN
            _turn(kind, min(left, TURN), end_s)
        if options.trials and all(k.first - options.first >= options.trials for k in kinds):
            break
    for kind in kinds:
        print(kind.line())
    return int(any(kind.found for kind in kinds))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0, help="%(default)s")
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="all unless given")
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--trials", type=int, help="of each kind, if the time suffices")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


def _turn(kind: Kind, trials: int, end_s: float) -> None:
    """Do so many trials of one kind, in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        child = Child(kind.name, Path(folder))
        for _ in range(trials):
            if time.perf_counter() > end_s:
                break
            number, kind.first = kind.first, kind.first + 1
            try:
                status, cpu_s, megabytes = child.trial(number)
            except RuntimeError as lost:
                _note(kind, number, f"the process was lost\n{lost}")
                child.end()
                child = Child(kind.name, Path(folder))
                continue
            kind.ends[status] += 1
            kind.slowest_s = max(kind.slowest_s, cpu_s)
            kind.most_mb = max(kind.most_mb, megabytes)
            if cpu_s > SLOW_S:
                _note(kind, number, f"took {cpu_s:.1f} s")
            if megabytes > MOST_MB:
                _note(kind, number, f"took {megabytes:.0f} MB")
                child.end()
                child = Child(kind.name, Path(folder))
        child.end()


def _shortened(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(lines if len(lines) < 24 else [*lines[:4], "...", *lines[-16:]])


def _note(kind: Kind, number: int, what: str) -> None:
    kind.found[number] = what
    print(f"{kind.name} {number}: {what}", flush=True)


def _serve(name: str) -> None:
    """Do the trials whose numbers come on stdin, until one goes wrong."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    faulthandler.enable()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    _limit_memory()
    with tempfile.TemporaryDirectory() as folder:
        trials = KINDS[name](Path(folder))
        for line in sys.stdin:
            faulthandler.dump_traceback_later(HANG_S, exit=True)
            start_s = time.process_time()
            try:
                status = trials.trial(random.Random(f"{name} {int(line)}"))
            except Exception:
                traceback.print_exc()
                return
            faulthandler.cancel_dump_traceback_later()
            _answer(answers, status, time.process_time() - start_s)


def _answer(answers: IO[str], status: int, cpu_s: float) -> None:
    print(status, f"{cpu_s:.3f}", f"{_most_mb():.0f}", file=answers, flush=True)


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (LIMIT_MB << 20, LIMIT_MB << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _most_mb() -> float:
    if sys.platform != "linux":
        return 0.0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
