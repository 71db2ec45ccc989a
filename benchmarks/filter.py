"""The filter beside decoding the same frame from JPEG, and beside copying it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.film import Film, moving, still, webcam
from benchmarks.timing import Cost, Row, Setup, Task, alternate
from realtime import MosaicFilter
from realtime.arrays import Size
from realtime.atlas import Atlas

HD: Size = (1280, 720)
FULL_HD: Size = (1920, 1080)
ROUNDS = 240


class Scene(NamedTuple):
    """A film and what to call it."""

    name: str
    film: Film


def measure(setup: Setup) -> list[Row]:
    """Compare the filter with a JPEG decoder, a copy, itself at other sizes, and a frame rate."""
    scenes = [
        Scene("moving", moving(HD, setup.clip)),
        Scene("webcam", webcam(HD)),
        Scene("still", still(HD)),
    ]
    rows: list[Row] = []
    for colour, bar in (("mono", 0.5), ("tint", 1.0)):
        for scene in scenes:
            rows += _beside_decoder(setup, scene, colour, bar)
        rows.append(_planes(setup, scenes[0], colour, bar))
    rows += _unseen(scenes[0])
    for scene in scenes:
        rows += _tile_counts(setup, scene)
    return rows + _full_hd(setup) + _exact(setup, scenes[0])


def make(columns: int = 80, tile_size: int = 16, colour: str = "mono") -> MosaicFilter:
    """A filter of digits."""
    return MosaicFilter.load("digits", columns=columns, tile_size=tile_size, colour=colour)


def compare(film: Film, filters: Sequence[MosaicFilter], rounds: int) -> list[Cost]:
    """Medians of decoding a frame, of copying it, and of each filter on it, by turns."""
    tasks: list[Task] = [film.decode, lambda _: film.decoded.copy()]
    return alternate(tasks + [filtering(film, made) for made in filters], rounds, film.period)


def filtering(film: Film, made: MosaicFilter) -> Task:
    """The task of filtering the frame that was decoded last."""
    return lambda _: made(film.decoded)


def _beside_decoder(setup: Setup, scene: Scene, colour: str, bar: float) -> list[Row]:
    decode, copy, cost = compare(scene.film, [make(colour=colour)], setup.rounds(ROUNDS))
    name = f"filter, {colour}, {scene.name}"
    return [
        Row(name, "CPU ms: filter / imdecode", cost.cpu_ms, decode.cpu_ms, bar),
        Row(name, "CPU ms: filter / frame copy", cost.cpu_ms, copy.cpu_ms),
        Row(name, "frames a second", 1e3 / cost.wall_ms, None, 300, at_most=False),
    ]


def _planes(setup: Setup, scene: Scene, colour: str, bar: float) -> Row:
    """The mosaic as I420, which virtual cameras and encoders take."""
    made = make(colour=colour)
    made.planes = True
    tasks = [scene.film.decode, lambda _: made.make(scene.film.decoded).i420()]
    decode, cost = alternate(tasks, setup.rounds(ROUNDS), scene.film.period)
    name = f"I420, {colour}, {scene.name}"
    return Row(name, "CPU ms: filter / imdecode", cost.cpu_ms, decode.cpu_ms, bar)


def _exact(setup: Setup, scene: Scene) -> list[Row]:
    """How quick exact decoding is, of every cell of every frame, and how far the atlas is off."""
    rows = []
    for name in MosaicFilter.available():
        made = MosaicFilter.load(name, columns=64, stabilise=False, exact=True)
        tasks = [scene.film.decode, filtering(scene.film, made)]
        cost = alternate(tasks, max(3, setup.rounds(ROUNDS) // 12), 2)[1]
        fps = 1e3 / cost.wall_ms
        rows.append(Row(f"exact, {name}", "frames a second", fps, None, 30, at_most=False))
        if Atlas.fits(made.card):
            kept = MosaicFilter.load(name, columns=64, stabilise=False)
            frame = scene.film.decode(0)
            error = float(np.abs(made(frame).astype(int) - kept(frame)).mean())
            rows.append(Row(f"atlas, {name}", "levels off exact tiles, mean", error, None, 2.0))
    return rows


def _unseen(scene: Scene) -> list[Row]:
    """The first time through a film, when most tiles are new to the atlas."""
    tasks = [scene.film.decode, filtering(scene.film, make())]
    decode, cost = alternate(tasks, len(scene.film.jpegs) - 1, warm=1)
    compared = "CPU ms: filter / imdecode"
    return [Row("filter, mono, unseen", compared, cost.cpu_ms, decode.cpu_ms)]


def _tile_counts(setup: Setup, scene: Scene) -> list[Row]:
    few, usual, many = make(27, 47), make(), make(160, 8)
    costs = compare(scene.film, [few, usual, many], setup.rounds(ROUNDS))[2:]
    name, unit = f"tiles, {scene.name}", "CPU ms: {} tiles / {} tiles"
    counts = [f"{made.columns * made.rows:,}" for made in (few, usual, many)]
    cpu = [cost.cpu_ms for cost in costs]
    return [
        Row(name, unit.format(counts[0], counts[1]), cpu[0], cpu[1], 2.5),
        Row(name, unit.format(counts[2], counts[1]), cpu[2], cpu[1], 2.5),
        Row(name, unit.format(counts[2], counts[0]), cpu[2], cpu[0]),
    ]


def _full_hd(setup: Setup) -> list[Row]:
    rows = []
    for name, films in (
        ("moving", [moving(size, setup.clip) for size in (FULL_HD, HD)]),
        ("still", [still(size) for size in (FULL_HD, HD)]),
    ):
        tasks: list[Task] = []
        for film, made in zip(films, (make(96, 20), make()), strict=True):
            tasks += [film.decode, filtering(film, made)]
        costs = alternate(tasks, setup.rounds(ROUNDS // 2), warm=films[0].period)
        compared = "CPU ms: 1080p, 5,184 tiles / 720p, 3,600"
        rows.append(Row(f"size, {name}", compared, costs[1].cpu_ms, costs[3].cpu_ms, 2.5))
    return rows
