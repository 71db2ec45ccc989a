"""What is measured, and how: things to compare run by turns in one process, medians of many."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Task = Callable[[int], object]
"""Does the work of one round, whose number it gets."""


class SkippedError(Exception):
    """A topic cannot be measured here; the message says why and what would help."""


@dataclass(frozen=True)
class Setup:
    """What was asked for on the command line.

    Attributes:
        quick: fewer rounds; good for a look, too few for a claim.
        clip: a clip to take the moving frames from instead of the demo.
        data: where the MNIST training digits are, for the search.
    """

    quick: bool = False
    clip: Path | None = None
    data: Path | None = None

    def rounds(self, many: int) -> int:
        """How often to measure."""
        return max(3, many // 5) if self.quick else many


@dataclass(frozen=True)
class Cost:
    """Medians of one task, in milliseconds."""

    cpu_ms: float
    wall_ms: float


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        name: what is measured.
        compared: what the two figures are, and their unit.
        first: figure A.
        second: figure B; None if A stands alone.
        bar: what A / B, or A alone, must reach; None if it is for information.
        at_most: the bar is an upper limit, else a lower one.
    """

    name: str
    compared: str
    first: float
    second: float | None = None
    bar: float | None = None
    at_most: bool = True

    @property
    def value(self) -> float:
        """What the bar is held against."""
        return self.first if self.second is None else self.first / self.second

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None without one."""
        if self.bar is None:
            return None
        return self.value <= self.bar if self.at_most else self.value >= self.bar


def alternate(tasks: Sequence[Task], rounds: int, warm: int = 3) -> list[Cost]:
    """Run tasks by turns, so that whatever else the machine does falls on all of them.

    Args:
        tasks: each gets the number of the round, from 0.
        rounds: how many are counted.
        warm: how many go before them, uncounted.
    """
    samples: list[list[tuple[float, float]]] = [[] for _ in tasks]
    repeats = _repeats()
    for number in range(warm + rounds):
        for task, taken in zip(tasks, samples, strict=True):
            cpu, wall = time.process_time(), time.perf_counter()
            for step in range(repeats):
                task(number * repeats + step)
            taken.append((time.process_time() - cpu, time.perf_counter() - wall))
    return [_median(taken[warm:], repeats) for taken in samples]


def _repeats() -> int:
    """Calls to a measurement: one where the clock of CPU time is fine enough, else many."""
    return 1 if time.get_clock_info("process_time").resolution < 1e-4 else 40


def _median(taken: Sequence[tuple[float, float]], repeats: int) -> Cost:
    cpu, wall = (statistics.median(column) * 1e3 / repeats for column in zip(*taken, strict=True))
    return Cost(cpu, wall)
