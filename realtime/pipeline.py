"""From a frame to a mosaic on one grid: what the two ways of computing it have in common.

`realtime.stages` computes on the CPU, stage by stage and no more than changed. On a device with
memory of its own, `realtime.on_device` computes all of it in one run, because there a stage costs
less than bringing its results back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np

from realtime.arrays import Frame, Latents, Plane, Size
from realtime.grid import Grid
from realtime.tileset import TileSet


class Style(NamedTuple):
    """What the settings ask of a mosaic's look; another one lets every cell be encoded anew.

    Attributes:
        colour: mode, see `realtime.colour`.
        variety: 0..1.
        exact: every tile is decoded, rather than taken from an atlas.
        planes: the mosaic is wanted as planes rather than BGR.
    """

    colour: str
    variety: float
    exact: bool
    planes: bool


class Painted(Protocol):
    """A mosaic in the forms that cost next to nothing, until the next one is made."""

    def bgr(self) -> Frame:
        """The mosaic, [height, width, 3] uint8 BGR, a new array."""
        ...

    def i420(self) -> Plane:
        """The mosaic as the planes of `realtime.planes`, a new array."""
        ...


class Pipeline(Protocol):
    """Makes the mosaics of one tile set, and remembers what it needs of the frames before."""

    @property
    def latents(self) -> Latents | None:
        """[N, D] of the last mosaic; None before the first. Not to be changed."""
        ...

    @property
    def keeps_tiles(self) -> bool:
        """Whether tiles decoded once are kept, unless the style says otherwise."""
        ...

    @property
    def kept_bytes(self) -> int:
        """Bytes of memory that kept tiles take."""
        ...

    @property
    def timings(self) -> Mapping[str, float]:
        """Milliseconds of each stage of the last mosaic."""
        ...

    def fit(self, grid: Grid, frame_size: Size) -> None:
        """Prepare for frames of this (width, height) and mosaics of this grid; forget the past."""
        ...

    def reset(self) -> None:
        """Forget the past frames."""
        ...

    def make(self, frame: Frame, style: Style, stability: float) -> Painted:
        """Make the mosaic of a frame.

        Args:
            frame: [H, W, 3] uint8 BGR, of the size that was prepared for.
            style: of the mosaic.
            stability: 0..1.

        Raises:
            UserError: what computes cannot be had, or gives what is no picture.
            DeviceError: a device fails at work.
        """
        ...

    def mirrored(self) -> Frame:
        """The last mosaic as in a mirror, its tiles the right way round."""
        ...


def turned(latents: Latents, grid: Grid, tile_set: TileSet) -> Latents:
    """Latents [N, D] in the order of a mirror, slopes turned as well; a new array."""
    order = np.arange(grid.count).reshape(grid.rows, -1)[:, ::-1].reshape(-1)
    mirrored = latents[order]
    if tile_set.shading:
        across = tile_set.slopes.start
        mirrored[:, across] = 1 - mirrored[:, across]
    return mirrored
