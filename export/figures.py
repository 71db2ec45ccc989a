"""Draw a tile set's figures as PNG files, from its ONNX files alone.

    python -m export.figures mnist-2d                     into runs/mnist-2d/figures
    python -m export.figures mnist-2d --data PATH --out DIR

plane         the training set in the latent plane, coloured by class     (2-D sets with an encoder)
restorations  originals over what encoder and decoder make of them        (sets with an encoder)
manifold      what the decoder draws all over the latent plane, or by kind and style
extremes      the tiles of an all-black and an all-white cell
counts        one picture at three numbers of tiles
mosaics       five pictures and their mosaics
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from export import drawing
from export.data import KNOWN, TileImages, load_photos, load_tiles
from export.drawing import Picture
from realtime import MosaicFilter
from realtime.arrays import Frame, Latents
from realtime.codec import Codec, Wish
from realtime.errors import AutomosaicError
from realtime.grid import resize
from realtime.tileset import TileSet

FIVE = ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "rocket.jpg")
PANEL = 672  # pixels along a mosaic in `counts`: 28, 14 and 7 a tile
COUNTS = (24, 48, 96)
COLUMNS, TILE = 48, 10  # of each mosaic in `mosaics`
BATCH = 4096
PLANE = 22  # tiles along each side of the manifold
SHOWN = 16  # restorations
MIDDLE = 0.35  # tone at which sets with a tone show their shapes


@dataclass(frozen=True)
class Subject:
    """What the figures are drawn of.

    Attributes:
        tile_set: as read from its sidecar.
        pictures: name of the data set it was trained on.
        data: where that lies; None fetches it.
    """

    tile_set: TileSet
    pictures: str
    data: Path | None

    @cached_property
    def codec(self) -> Codec:
        """The networks."""
        return Codec(self.tile_set)

    @cached_property
    def tiles(self) -> TileImages:
        """The training set."""
        return load_tiles(self.pictures, self.data)

    @cached_property
    def latents(self) -> Latents:
        """[N, D] latents of the training set."""
        side = self.tile_set.patch_size
        images = np.stack([resize(image, (side, side)) for image in self.tiles.images])
        parts = [self.codec.encode(images[at : at + BATCH]) for at in range(0, len(images), BATCH)]
        return np.concatenate(parts, dtype=np.float32)

    @property
    def encodes(self) -> bool:
        """Whether the regressor sees tiles well enough to be an encoder as well."""
        return not self.tile_set.kinds and self.tile_set.patch_size >= self.tile_set.tile_size // 2

    def mosaic(self, photo: Frame, columns: int, tile_size: int) -> Frame:
        """The mosaic of a still picture."""
        made = MosaicFilter.load(self.tile_set.folder, columns, tile_size, stabilise=False)
        return made(photo)

    def prepared(self, photo: Frame) -> Frame:
        """What is shown to the filter: the centre square, grey.

        Sets without a tone cover few tones. The method of 2021 stretched every picture to the
        full range first, which is what makes its mosaics readable.
        """
        side = min(photo.shape[:2])
        top, left = ((length - side) // 2 for length in photo.shape[:2])
        grey = cv2.cvtColor(photo[top : top + side, left : left + side], cv2.COLOR_BGR2GRAY)
        if not self.tile_set.tone:
            grey = cv2.normalize(grey, np.empty_like(grey), 0, 255, cv2.NORM_MINMAX)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


class NotApplicableError(AutomosaicError):
    """The figure makes no sense for this tile set."""


def plane(subject: Subject) -> Picture:
    """The training set in the latent plane."""
    if not subject.encodes or subject.tile_set.shape_latents != 2 or subject.tiles.labels is None:
        raise NotApplicableError("it takes a 2-D set with an encoder and labelled pictures")
    rng = np.random.default_rng(0)
    dots = drawing.scatter(subject.latents, subject.tiles.labels, 900, rng)
    plot = drawing.with_axes(dots, ("first latent", "second latent"))
    note = f"{len(subject.latents):,} {subject.tiles.title}, by class"
    sheet = drawing.beside([plot, drawing.legend(subject.tiles.classes)])
    return drawing.titled(sheet, "Training set in the latent plane", note)


def restorations(subject: Subject) -> Picture:
    """Originals over restorations."""
    if not subject.encodes:
        raise NotApplicableError("it takes a set with an encoder")
    chosen = np.random.default_rng(1).choice(len(subject.tiles.images), SHOWN, replace=False)
    restored = subject.codec.decode(subject.latents[chosen], subject.tile_set.tile_size)
    lines = [
        drawing.tile_grid(images, SHOWN, enlarge=3, gap=6)
        for images in (subject.tiles.images[chosen], restored)
    ]
    difference = subject.tiles.images[chosen].astype(np.float32) - restored
    error = np.sqrt(np.mean(np.square(difference))) / 255
    note = f"above: originals; below: after encoder and decoder (RMS error {error:.3f})"
    return drawing.titled(drawing.below(lines, 6), "Originals and restorations", note)


def manifold(subject: Subject) -> Picture:
    """What the decoder draws, over the plane or by kind."""
    tile_set = subject.tile_set
    if tile_set.kinds:
        tiles = subject.codec.decode(_kinds_by_style(tile_set), tile_set.tile_size)
        grid = drawing.tile_grid(tiles, PLANE, enlarge=2, gap=2)
        return drawing.titled(
            grid, "Kinds and styles", "a row for each kind, along its first style"
        )
    if tile_set.shape_latents != 2 or tile_set.tone:
        raise NotApplicableError("it takes a 2-D set, or one with kinds")
    steps = (np.arange(PLANE, dtype=np.float32) + 0.5) / PLANE
    across, up = np.meshgrid(steps, steps[::-1])
    latents = np.stack([across.ravel(), up.ravel()], axis=1).astype(np.float32)
    grid = drawing.tile_grid(subject.codec.decode(latents, 42), PLANE)
    axes = drawing.with_axes(grid, ("first latent", "second latent"))
    return drawing.titled(axes, "Decoder over the latent plane", "what every latent is drawn as")


def extremes(subject: Subject) -> Picture:
    """The tiles of an all-black and an all-white cell."""
    tile_set = subject.tile_set
    shape = (2, tile_set.patch_size, tile_set.patch_size)
    cells = np.zeros(shape if tile_set.patch_channels == 1 else (*shape, 3), np.uint8)
    cells[1] = 255
    wish = Wish.none(2, tile_set.kinds) if tile_set.kinds else None
    tiles = subject.codec.decode(subject.codec.encode(cells, wish), tile_set.tile_size)
    pairs = []
    for name, cell, tile in zip(("black", "white"), cells, tiles, strict=True):
        shown = drawing.picture(cv2.resize(cell, (224, 224), interpolation=cv2.INTER_NEAREST))
        drawn = drawing.picture(tile, 224 // tile_set.tile_size)
        pairs += [
            drawing.captioned(drawing.framed(shown), f"{name} cell"),
            drawing.captioned(drawing.framed(drawn), f"its tile, mean {tile.mean() / 255:.2f}"),
        ]
    note = "the reach of the tiles' tones: 0 is black, 1 is white"
    return drawing.titled(drawing.beside(pairs, 24), "Darkest and brightest cell", note)


def counts(subject: Subject) -> Picture:
    """One picture at several numbers of tiles."""
    photo = subject.prepared(load_photos(names=FIVE[:1])[0])
    panels = [drawing.captioned(drawing.picture(_resized(photo, PANEL)), "original")]
    for columns in COUNTS:
        mosaic = subject.mosaic(photo, columns, PANEL // columns)
        caption = f"{columns} x {columns} tiles"
        panels.append(drawing.captioned(drawing.picture(mosaic), caption))
    sheet = drawing.below([drawing.beside(panels[:2]), drawing.beside(panels[2:])])
    return drawing.titled(sheet, "One picture, three numbers of tiles")


def mosaics(subject: Subject) -> Picture:
    """Five pictures and their mosaics."""
    pairs = []
    for photo in map(subject.prepared, load_photos(names=FIVE)):
        shown = (_resized(photo, COLUMNS * TILE), subject.mosaic(photo, COLUMNS, TILE))
        pairs.append(drawing.below([drawing.picture(image) for image in shown]))
    note = f"{COLUMNS} x {COLUMNS} tiles each"
    return drawing.titled(drawing.beside(pairs), "Five pictures and their mosaics", note)


FIGURES: dict[str, Callable[[Subject], Picture]] = {
    "plane": plane,
    "restorations": restorations,
    "manifold": manifold,
    "extremes": extremes,
    "counts": counts,
    "mosaics": mosaics,
}


def draw(subject: Subject, out: Path) -> list[Path]:
    """Draw every figure that the tile set has, as PNG files in `out`.

    Returns:
        The files; those left out are named on stderr with the reason.
    """
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in FIGURES.items():
        path = out / f"{name}.png"
        try:
            drawing.save(figure(subject), path)
        except NotApplicableError as reason:
            print(f"automosaic: no figure '{name}': {reason}", file=sys.stderr)
        else:
            written.append(path)
    return written


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the figures of one tile set, print their paths and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m export.figures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("tiles", metavar="NAME", help="a shipped tile set, or a folder that holds one")
    add("--out", type=Path, metavar="DIR", help="where to write (runs/NAME/figures)")
    add("--set", default="mnist", choices=tuple(KNOWN), help="what it was trained on (mnist)")
    add("--data", type=Path, metavar="PATH", help="where that lies; fetched without it")
    asked = parser.parse_args(arguments)
    try:
        tile_set = TileSet.load(asked.tiles)
        out = asked.out or Path("runs") / tile_set.name / "figures"
        for path in draw(Subject(tile_set, asked.set, asked.data), out):
            print(path)
    except AutomosaicError as error:
        print(f"automosaic: {error}", file=sys.stderr)
        return error.exit_status
    return 0


def _kinds_by_style(tile_set: TileSet) -> Latents:
    """[kinds * PLANE, D] latents: the middle of each kind, its first style from 0 to 1."""
    kinds = (np.arange(tile_set.kinds) + 0.5) / tile_set.kinds
    latents = np.full((tile_set.kinds, PLANE, tile_set.latents), 0.5, np.float32)
    latents[..., 0] = kinds[:, None]
    if tile_set.styles:
        latents[..., 1] = np.linspace(0.0, 1.0, PLANE)
    if tile_set.tone:
        latents[..., -2], latents[..., -1] = MIDDLE, 0.0
    return latents.reshape(-1, tile_set.latents)


def _resized(photo: Frame, side: int) -> Frame:
    return np.asarray(cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    sys.exit(main())
