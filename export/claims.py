"""The claims of 2021, measured: better fit, fewer tiles, time that ignores the data set's size."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from export.metrics import pixel_error
from export.search import ExactSearch
from realtime import MosaicFilter
from realtime.arrays import Frame, Tiles
from realtime.grid import Grid
from realtime.reduction import luminance

COUNTS = (32, 48, 64, 96, 128)
"""Columns at which fit is measured."""
SEEN_WIDTH = 128  # pixels: where the mosaic is seen from so far away that digits become tones
SIZES = (1_000, 10_000, 60_000)
CELL = 14  # pixels of a searched picture in the timing and the fit by count; 28 takes four times


@dataclass(frozen=True)
class Claims:
    """What was found.

    Attributes:
        generated: error seen from afar at each of `COUNTS` columns, generated tiles.
        searched: the same, best of all pictures and their inverses.
        search_ms: milliseconds a frame of exact search over each of `SIZES` pictures.
        generate_ms: milliseconds a frame of the filter.
    """

    generated: list[float]
    searched: list[float]
    search_ms: list[float]
    generate_ms: float

    def equal_fit_columns(self) -> float | None:
        """Columns at which generated tiles fit as well as searched ones at the most columns."""
        wanted, found = self.searched[-1], np.array(self.generated)
        if found.min() > wanted:
            return None
        return float(np.interp(-wanted, -found, COUNTS))


def measure(name: str, frames: Sequence[Frame], pictures: Tiles) -> Claims:
    """Measure all claims on the frames, [H, W, 3] uint8 BGR each.

    Args:
        name: tile set.
        frames: to make mosaics of.
        pictures: [K, t, t] uint8, what the tile set was trained on.
    """
    small = np.stack(
        [cv2.resize(p, (CELL, CELL), interpolation=cv2.INTER_AREA) for p in pictures]
    ).astype(np.uint8)
    search = ExactSearch(small, inverses=True)
    made = MosaicFilter.load(name, COUNTS[0], CELL, stabilise=False)
    generated, searched = [], []
    for columns in COUNTS:
        made.columns = columns
        generated.append(_mean([_error(frame, luminance(made(frame))) for frame in frames]))
        searched.append(_mean([_error(frame, _search(search, frame, columns)) for frame in frames]))
    made.columns = 64
    frame = frames[0]
    timed = [ExactSearch(small[:size]) for size in SIZES]
    return Claims(
        generated,
        searched,
        [_milliseconds(partial(_search, search, frame, 64), 3) for search in timed],
        _milliseconds(partial(made, frame), 20),
    )


def _search(search: ExactSearch, frame: Frame, columns: int) -> Tiles:
    grid = Grid.fit((frame.shape[1], frame.shape[0]), columns, CELL)
    return grid.join(search(grid.split(luminance(frame), CELL)))


def _error(frame: Frame, mosaic: Tiles) -> float:
    return pixel_error(luminance(frame), mosaic, SEEN_WIDTH)


def _milliseconds(work: Callable[[], object], times: int) -> float:
    work()
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return 1000 * float(np.median(spent))


def _mean(values: list[float]) -> float:
    return float(np.mean(values))
