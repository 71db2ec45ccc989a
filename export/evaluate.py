"""Measure tile sets beside the method of 2021 and exact search; write a report with pictures.

    python -m export.evaluate digits                     into runs/evaluation/README.md
    python -m export.evaluate digits fashion --photos FOLDER --data PATH --out DIR

The photographs are none that a tile set was trained on. All that is compared is measured on the
same frames in one run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from export import claims
from export.data import TileImages, load_photos, load_tiles
from export.judge import Panel, panel_of, shares
from export.metrics import (
    Figures,
    Row,
    colour_error,
    structure,
    tone_error,
    variety_bits,
)
from export.patches import HELD_OUT, prepared
from export.report import RANDOM, Report
from export.search import ExactSearch
from realtime import MosaicFilter
from realtime.arrays import Frame, Tiles
from realtime.codec import Codec
from realtime.errors import AutomosaicError
from realtime.reduction import luminance
from realtime.tileset import TileSet

COLUMNS, ROWS, TILE = 64, 36, 28
VARIETIES = (0.0, 0.5, 1.0)
SEED_SET = "mnist-2d"
TRAINED_ON = {SEED_SET: "mnist", "digits": "mnist"}
"""The pictures behind a tile set, where they are sorted into classes and grey."""


@dataclass(frozen=True)
class Bench:
    """The frames that everything is measured on, and who judges."""

    frames: list[Frame]
    panel: Panel | None

    def figures(self, mosaics: Sequence[Tiles]) -> Figures:
        """Measure mosaics given as tiles [N, T, T] uint8, one for each frame."""
        tones, structures, legible, variety = [], [], [], []
        for frame, tiles in zip(self.frames, mosaics, strict=True):
            grey, mosaic = luminance(frame), lay(tiles)
            tones.append(tone_error(grey, mosaic, COLUMNS, ROWS))
            structures.append(structure(grey, mosaic, COLUMNS, ROWS))
            if self.panel is not None:
                read = self.panel.read(tiles)
                legible.append(shares(read))
                variety += [variety_bits(one.argmax(axis=1)) for one in read]
        mean = float(np.mean(tones)), float(np.mean(structures))
        if self.panel is None:
            return Figures(*mean)
        return Figures(*mean, tuple(np.mean(legible, axis=0).tolist()), float(np.mean(variety)))


def lay(tiles: Tiles) -> Tiles:
    """[N, T, T] -> the mosaic [rows * T, columns * T]."""
    side = tiles.shape[1]
    whole = tiles.reshape(ROWS, COLUMNS, side, side).transpose(0, 2, 1, 3)
    return np.asarray(whole.reshape(ROWS * side, COLUMNS * side))


def cut(mosaic: Tiles, side: int) -> Tiles:
    """[rows * T, columns * T] -> tiles [N, T, T]."""
    whole = mosaic.reshape(ROWS, side, COLUMNS, side).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(whole.reshape(-1, side, side))


def mosaics_of(name: str, frames: Sequence[Frame], variety: float = 0.5) -> list[Tiles]:
    """The tiles [N, T, T] that a tile set makes of every frame."""
    made = MosaicFilter.load(name, COLUMNS, TILE, variety=variety, stabilise=False)
    return [cut(luminance(made(frame)), TILE) for frame in frames]


def measure_grey(bench: Bench, names: Sequence[str], pictures: TileImages | None) -> list[Row]:
    """One row of the main table for every set and every search."""
    rows = []
    for name in names:
        kinds = TileSet.load(name).kinds
        for variety in VARIETIES if kinds else (0.5,):
            label = f"{name}, variety {variety:g}" if kinds else name
            rows.append(Row(label, bench.figures(mosaics_of(name, bench.frames, variety))))
    if pictures is not None:
        for label, inverses in (("exact search", False), ("exact search with inverses", True)):
            search = ExactSearch(pictures.images, inverses=inverses)
            found = [search(cells(frame)) for frame in bench.frames]
            rows.append(Row(f"{label}, {len(search.pictures):,} pictures", bench.figures(found)))
    return rows


def cells(frame: Frame) -> Tiles:
    """The cells of a frame at the size of a tile, [N, T, T] uint8 luminance."""
    size = (COLUMNS * TILE, ROWS * TILE)
    return cut(np.asarray(cv2.resize(luminance(frame), size), np.uint8), TILE)


def measure_tint(names: Sequence[str], frames: Sequence[Frame]) -> dict[str, float]:
    """CIEDE2000 of the cells' mean colours in `tint`, by tile set."""
    found = {}
    for name in names:
        made = MosaicFilter.load(name, COLUMNS, 16, colour="tint", stabilise=False)
        errors = [colour_error(frame, made(frame), COLUMNS, ROWS) for frame in frames]
        found[name] = float(np.mean(errors))
    return found


def random_tiles(name: str) -> Tiles:
    """The tiles [N, T, T] of latents drawn at random.

    All latents are drawn evenly from 0..1, but for tone, which is drawn from the set's range.
    """
    codec = Codec(TileSet.load(name))
    tile_set = codec.tile_set
    latents = np.random.default_rng(0).random((RANDOM, tile_set.latents), np.float32)
    if tile_set.tone:
        low, high = tile_set.tone_range
        latents[:, -2] = low + latents[:, -2] * (high - low)
    return codec.decode(latents, TILE)


def evaluate(
    names: Sequence[str], photos: Path | None, data: Path | None, shown: Path | None, out: Path
) -> Path:
    """Measure, draw, write the report and return its path.

    Args:
        names: tile sets or their folders.
        photos: folder of photographs to measure on; None: those held out of every training.
        data: training pictures; None fetches them.
        shown: folder of pictures to show mosaics of; None: the first ones measured on.
        out: folder of the report.

    Raises:
        UserError: no such tile set, no photographs, or no training pictures to search.
    """
    found = load_photos(photos) if photos else load_photos(names=HELD_OUT)
    frames = [prepared(photo) for photo in found]
    pictures = load_tiles("mnist", data)
    panel = panel_of(pictures, Path("runs") / "judges-mnist")
    bench = Bench(frames, panel)
    real = load_tiles("mnist", data, "test").images
    report = Report(out, [prepared(photo) for photo in load_photos(shown)] if shown else frames)
    report.introduce(names, len(frames), panel.legible(real))
    readable = [name for name in names if TRAINED_ON.get(name) == "mnist"]
    compared = [*readable, *([SEED_SET] if SEED_SET not in readable else [])]
    report.table(measure_grey(bench, compared, pictures))
    report.tint(measure_tint(names, frames))
    report.random({name: panel.legible(random_tiles(name)) for name in compared})
    for name in readable:
        if TileSet.load(name).kinds:
            report.claims(name, claims.measure(name, frames, pictures.images))
    for name in dict.fromkeys([*names, SEED_SET]):
        report.pictures(name)
    return report.write()


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate the named tile sets and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m export.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="+", metavar="NAME", help="tile sets or their folders")
    parser.add_argument("--photos", type=Path, help="folder of photographs (default: held-out)")
    parser.add_argument("--show", type=Path, help="folder of pictures to show (default: measured)")
    parser.add_argument("--data", type=Path, help="training pictures (default: fetched)")
    parser.add_argument("--out", type=Path, default=Path("runs/evaluation"), help="%(default)s")
    asked = parser.parse_args(arguments)
    try:
        print(evaluate(asked.names, asked.photos, asked.data, asked.show, asked.out))
    except AutomosaicError as error:
        print(f"automosaic: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
