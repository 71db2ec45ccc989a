"""The filter in one run on a device, beside the stages on the CPU: speed, and that tiles agree."""

from __future__ import annotations

import statistics

import numpy as np
import onnxruntime

from benchmarks.film import Film, moving
from benchmarks.filter import HD, filtering
from benchmarks.timing import Row, Setup, SkippedError, alternate
from realtime import MosaicFilter
from realtime.errors import UserError
from realtime.providers import PROVIDERS

OFF = 0.5  # levels, on average: devices add up in an order of their own, which breaks ties
ROUNDS = 120


def measure(setup: Setup) -> list[Row]:
    """Measure every provider that this onnxruntime has besides the CPU, and that starts.

    Raises:
        SkippedError: there is none.
    """
    built_in = onnxruntime.get_available_providers()
    names = [name for name in PROVIDERS if name != "cpu" and PROVIDERS[name] in built_in]
    if not names:
        raise SkippedError(
            "this onnxruntime has no provider but the CPU; where there is a graphics card, "
            "install onnxruntime-gpu or onnxruntime-directml in its place"
        )
    film, rows = moving(HD, setup.clip), list[Row]()
    for name in names:
        try:
            rows += _measure(setup, film, name)
        except UserError as error:  # onnxruntime-gpu asks for TensorRT too, which few have
            print(f"{name}: skipped: {error}")
    if not rows:
        raise SkippedError(f"none of these starts: {', '.join(names)}")
    return rows


def _measure(setup: Setup, film: Film, provider: str) -> list[Row]:
    rows = list[Row]()
    for tiles, colour in (("digits", "mono"), ("digits", "tint"), ("emoji", "mono")):
        made = MosaicFilter.load(tiles, 80, 16, colour, providers=[provider])
        stages = MosaicFilter.load(tiles, 80, 16, colour)
        exact = MosaicFilter.load(tiles, 80, 16, colour, exact=True)
        rows += compare(setup, film, f"{provider}, {tiles}, {colour}", made, stages, exact)
    return rows


def compare(
    setup: Setup,
    film: Film,
    name: str,
    made: MosaicFilter,
    stages: MosaicFilter,
    exact: MosaicFilter,
) -> list[Row]:
    """Compare a filter on a device with the same on the CPU, from the atlas and exact."""
    taken: list[dict[str, float]] = []

    def run(_: int) -> None:
        made(film.decoded)
        taken.append(made.timings)

    rounds = setup.rounds(ROUNDS)
    tasks = [film.decode, run, filtering(film, stages), filtering(film, exact)]
    there, here, exactly = alternate(tasks, rounds, film.period)[1:]
    wall = {stage: statistics.median(lap[stage] for lap in taken[-rounds:]) for stage in taken[0]}
    for one in (made, exact):
        one.reset()
    frame = film.decode(0)
    off = float(np.abs(made(frame).astype(int) - exact(frame)).mean())
    return [
        Row(name, "wall ms: on the device / on the CPU", there.wall_ms, here.wall_ms),
        Row(name, "CPU ms: on the device / on the CPU", there.cpu_ms, here.cpu_ms),
        Row(name, "wall ms: on the device / on the CPU, exact", there.wall_ms, exactly.wall_ms),
        Row(name, "CPU ms: on the device / on the CPU, exact", there.cpu_ms, exactly.cpu_ms),
        Row(name, "frames a second", 1e3 / there.wall_ms),
        *(Row(name, f"ms: {stage} / all", ms, sum(wall.values())) for stage, ms in wall.items()),
        Row(name, "levels off exact tiles of the CPU, mean", off, None, OFF),
    ]
