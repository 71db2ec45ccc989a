"""The filter beside looking tiles up: exact search in the pictures that it was trained on."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.film import moving
from benchmarks.filter import HD, make
from benchmarks.timing import Row, Setup, SkippedError, Task, alternate
from realtime.arrays import Frame
from realtime.grid import Grid

SIZES = (1_000, 10_000, 60_000)
PATCH = 8
TONES = (0.05, 0.95)  # what tiles are asked to show, as in export/metrics.py
AT_ONCE = 450  # cells; their distances to 60,000 pictures fill 100 MB

Vectors = npt.NDArray[np.float32]
Search = Callable[[Vectors], npt.NDArray[np.intp]]


def measure(setup: Setup) -> list[Row]:
    """Compare frame rates and tone errors at 3,600 tiles; search is given 1k to 60k pictures."""
    digits = _digits(setup)
    rows = []
    for count in SIZES:
        search = exact(_shrink(digits[:count]))
        rows += _compare(setup, f"search, {count:,}", search, digits[:count], count == SIZES[-1])
    for name, search in faiss_searches(_shrink(digits)):
        rows += _compare(setup, name, search, digits, bar=False)
    return rows


def exact(pictures: Vectors) -> Search:
    """Exact nearest neighbours [n, 64] -> [n]: |a - b|^2 less |a|^2 is one matrix product."""
    turned = np.ascontiguousarray(-2 * pictures.T)
    squares = np.square(pictures).sum(axis=1)

    def search(cells: Vectors) -> npt.NDArray[np.intp]:
        found = []
        for first in range(0, len(cells), AT_ONCE):
            distances = cells[first : first + AT_ONCE] @ turned
            distances += squares
            found.append(distances.argmin(axis=1))
        return np.concatenate(found)

    return search


def faiss_searches(pictures: Vectors) -> list[tuple[str, Search]]:
    """What the package faiss-cpu offers, if it is installed: exact, clustered, and a graph."""
    try:
        faiss: Any = import_module("faiss")
    except ImportError:
        return []
    flat = faiss.IndexFlatL2(PATCH * PATCH)
    clustered = faiss.index_factory(PATCH * PATCH, "IVF256,Flat")
    clustered.train(pictures)
    clustered.nprobe = 8
    graph = faiss.IndexHNSWFlat(PATCH * PATCH, 16)
    graph.hnsw.efSearch = 16

    def searching(index: Any) -> Search:
        index.add(pictures)
        return lambda cells: np.asarray(index.search(cells, 1)[1][:, 0], np.intp)

    indices = {"faiss, exact": flat, "faiss, clustered": clustered, "faiss, graph": graph}
    return [(name, searching(index)) for name, index in indices.items()]


def _compare(
    setup: Setup, name: str, search: Search, digits: npt.NDArray[np.uint8], bar: bool
) -> list[Row]:
    film, made = moving(HD, setup.clip), make()
    made(film.decode(0))
    grid = Grid.fit(HD, made.columns, made.tile_size)

    def look_up(_: int) -> npt.NDArray[np.intp]:
        return search(_vectors(film.decoded, grid))

    tasks: list[Task] = [film.decode, lambda _: made(film.decoded)]
    ours = alternate(tasks, setup.rounds(60), warm=film.period)[1]
    theirs = alternate([film.decode, look_up], setup.rounds(5), warm=1)[1]
    frame = film.decode(0)
    means = digits.reshape(len(digits), -1).mean(axis=1) / 255
    errors = (
        _error(frame, grid, cv2.cvtColor(made(frame), cv2.COLOR_BGR2GRAY)),
        _error(frame, grid, means[look_up(0)].reshape(grid.rows, grid.columns)),
    )
    rates = (1e3 / ours.wall_ms, 1e3 / theirs.wall_ms)
    least = 100 if bar else None
    return [
        Row(name, "frames a second: filter / search", *rates, least, at_most=False),
        Row(name, "tone error: filter / search", *errors, 1 if bar else None),
    ]


def _vectors(frame: Frame, grid: Grid) -> Vectors:
    grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
    return np.asarray(grid.split(grey, PATCH).reshape(grid.count, -1) / 255, np.float32)


def _error(frame: Frame, grid: Grid, shown: npt.NDArray[np.generic]) -> float:
    """Root mean square difference of the cells' means, in parts of full range."""
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    wanted, found = (
        cv2.resize(part.astype(np.float32), (grid.columns, grid.rows), interpolation=cv2.INTER_AREA)
        for part in (grey, shown)
    )
    found = found / 255 if shown.dtype == np.uint8 else found
    return float(np.sqrt(np.square(np.clip(wanted / 255, *TONES) - found).mean()))


def _shrink(digits: npt.NDArray[np.uint8]) -> Vectors:
    size = (PATCH, PATCH)
    small = [cv2.resize(digit, size, interpolation=cv2.INTER_AREA) for digit in digits]
    return np.asarray(np.stack(small).reshape(len(digits), -1) / 255, np.float32)


def _digits(setup: Setup) -> npt.NDArray[np.uint8]:
    if setup.data is None:
        raise SkippedError("give --data PATH, a folder or .npz file with the MNIST digits")
    try:
        from export.data import load_tiles
    except ImportError as error:
        raise SkippedError(f"reading digits takes export/requirements.txt ({error})") from error
    digits = load_tiles("mnist", setup.data).images
    if len(digits) < SIZES[-1]:
        raise SkippedError(f"{setup.data}: found {len(digits)} digits, expected {SIZES[-1]}")
    return digits
