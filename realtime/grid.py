"""The grid that a frame is cut by, and that tiles are laid on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from realtime.arrays import Size

MOST_TILES = 1_000_000
MOST_PIXELS = 1 << 28  # of a mosaic: 16,384 x 16,384


@dataclass(frozen=True)
class Grid:
    """Rows and columns of square tiles, and the size of the mosaic they make.

    Attributes:
        columns: tiles from left to right.
        rows: tiles from top to bottom.
        tile_size: pixels along one side of a tile.
        size: (width, height) of the mosaic; smaller than the tiles together if they overshoot,
            in which case the overshoot is cut evenly from both sides.
    """

    columns: int
    rows: int
    tile_size: int
    size: Size

    @classmethod
    def fit(
        cls, frame_size: Size, columns: int, tile_size: int | None = None, size: Size | None = None
    ) -> Grid:
        """Find the grid for a frame.

        Without `size` there are exactly `columns` columns, rows follow from the frame's aspect,
        and tiles of `tile_size` (default: as large as their cells). With `size` the mosaic has
        exactly that size; tiles stay square, so the number of columns is the nearest that fits.

        Args:
            frame_size: (width, height) of the frames in pixels.
            columns: tiles from left to right, at least 1.
            tile_size: pixels along one side of a tile; None: from the frame or `size`.
            size: (width, height) of the mosaic; None: columns * T by rows * T.

        Raises:
            ValueError: a number below 1, or a mosaic too large to make sense.
        """
        width, height = frame_size
        for name, value in (("columns", columns), ("tile_size", tile_size), ("size", size)):
            if value is not None and np.min(value) < 1:
                raise ValueError(f"{name}: found {value}, expected 1 or more")
        if size is None:
            tile = tile_size or max(1, round(width / columns))
            rows = max(1, int(columns * height / width + 0.5))
            size = (columns * tile, rows * tile)
        else:
            tile = tile_size or max(1, round(size[0] / columns))
            columns, rows = -(-size[0] // tile), -(-size[1] // tile)
        if columns * rows > MOST_TILES or columns * rows * tile * tile > MOST_PIXELS:
            raise ValueError(
                f"columns: {columns} x {rows} tiles of {tile} pixels is more than a mosaic of "
                f"{MOST_TILES:,} tiles or {MOST_PIXELS:,} pixels; ask for fewer or smaller tiles"
            )
        return cls(columns, rows, tile, size)

    @property
    def count(self) -> int:
        """Number of cells, N."""
        return self.columns * self.rows

    def split(self, picture: npt.NDArray[np.uint8], patch_size: int) -> npt.NDArray[np.uint8]:
        """Cut a picture into equal cells, row by row from the top left, each made patch-sized.

        What the grid's aspect leaves over is cut evenly from two sides, so cells are square.
        Cells are averaged by area: the mean of a patch is the mean of its cell.

        Args:
            picture: [H, W] or [H, W, 3] uint8.
            patch_size: P, pixels along one side of a patch.

        Returns:
            [N, P, P] or [N, P, P, 3] uint8.
        """
        target = (self.columns * patch_size, self.rows * patch_size)
        small = shrink(_crop(picture, self.columns / self.rows), target)
        shape = (self.rows, patch_size, self.columns, patch_size, *picture.shape[2:])
        order = (0, 2, 1, 3, 4)[: len(shape)]
        patches = small.reshape(shape).transpose(order)
        return patches.reshape(self.count, patch_size, patch_size, *picture.shape[2:])

    def join(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Lay tiles side by side, row by row from the top left.

        Args:
            tiles: [N, T, T] or [N, T, T, 3] uint8.

        Returns:
            [height, width] or [height, width, 3] uint8, a new array.
        """
        tile, rest = self.tile_size, tiles.shape[3:]
        whole = tiles.reshape(self.rows, self.columns, tile, tile, *rest)
        order = (0, 2, 1, 3, 4)[: whole.ndim]
        mosaic = whole.transpose(order).reshape(self.rows * tile, self.columns * tile, *rest)
        return self.cut(mosaic)

    def cut(self, mosaic: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Cut the overshoot of whole tiles evenly, down to `size`; contiguous."""
        (width, height), (full_height, full_width) = self.size, mosaic.shape[:2]
        if (width, height) == (full_width, full_height):
            return mosaic
        top, left = (full_height - height) // 2, (full_width - width) // 2
        return np.ascontiguousarray(mosaic[top : top + height, left : left + width])


def _crop(picture: npt.NDArray[np.uint8], aspect: float) -> npt.NDArray[np.uint8]:
    """The largest part of the picture, about its centre, with the aspect width / height."""
    height, width = picture.shape[:2]
    inner_width = min(width, max(1, round(height * aspect)))
    inner_height = min(height, max(1, round(width / aspect)))
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    return picture[top : top + inner_height, left : left + inner_width]


def shrink(picture: npt.NDArray[np.uint8], target: Size) -> npt.NDArray[np.uint8]:
    """Resize by area averaging; quick where the whole ratio is at least 2.

    Args:
        picture: [H, W] or [H, W, 3] uint8.
        target: (width, height).

    Returns:
        [height, width] or [height, width, 3] uint8; `picture` itself may be enlarged too.
    """
    height, width = picture.shape[:2]
    if width < target[0] or height < target[1]:
        return np.asarray(cv2.resize(picture, target, interpolation=cv2.INTER_LINEAR), np.uint8)
    ratio = min(width // target[0], height // target[1])
    if ratio > 1 and (width, height) != (ratio * target[0], ratio * target[1]):
        # Averaging whole pixels is ten times as quick as averaging parts of them: first do that.
        inner = (width // ratio * ratio, height // ratio * ratio)
        picture = picture[: inner[1], : inner[0]]
        step = (inner[0] // ratio, inner[1] // ratio)
        picture = np.asarray(cv2.resize(picture, step, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(picture, target, interpolation=cv2.INTER_AREA), np.uint8)
