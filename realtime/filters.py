"""What the loop and the keys need of the filter; `MosaicFilter` is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from realtime.arrays import Frame, Plane, Size


class Mosaic(Protocol):
    """A finished mosaic; each form is made when it is first asked for."""

    @property
    def size(self) -> Size:
        """(width, height) in pixels."""
        ...

    def bgr(self) -> Frame:
        """The mosaic, [height, width, 3] uint8 BGR."""
        ...

    def i420(self) -> Plane:
        """The mosaic as the planes of `realtime.planes`."""
        ...

    def mirrored(self) -> Frame:
        """The mosaic as in a mirror, its tiles the right way round, uint8 BGR."""
        ...


class Filter(Protocol):
    """Makes mosaics. Every setting may change between two frames.

    Attributes:
        columns: tiles in a row: of the last mosaic; assign to ask for another number.
        tile_set: name of the tile set; assign a name or a folder.
        colour: mode, such as "mono".
        variety: 0..1.
        stability: 0..1.
        size: (width, height) that mosaics must have; None: as suits columns and tiles.
        wanted_tile_size: side of a tile in pixels that was asked for, or None.
        planes: mosaics are wanted as planes rather than BGR.
        share: of the columns asked for, 0..1; less where time is short. The size stays.
    """

    columns: int
    tile_set: str
    colour: str
    variety: float
    stability: float
    size: Size | None
    wanted_tile_size: int | None
    planes: bool
    share: float

    @property
    def rows(self) -> int:
        """Tiles in a column of the last mosaic."""
        ...

    @property
    def tile_size(self) -> int:
        """Side of a tile in pixels."""
        ...

    @property
    def decodes_all(self) -> bool:
        """Whether all tiles are decoded for every frame, so that fewer are less work."""
        ...

    @property
    def providers(self) -> Sequence[str]:
        """What computes, first choice first."""
        ...

    @property
    def timings(self) -> Mapping[str, float]:
        """Milliseconds of each stage of the last call."""
        ...

    def make(self, frame: Frame) -> Mosaic:
        """Turn a frame into a mosaic, which is good until the next one is made."""
        ...


def provider_of(mosaic_filter: Filter) -> str:
    """Return the name of what computes, as onnxruntime calls it."""
    return next(iter(mosaic_filter.providers), "unknown")
