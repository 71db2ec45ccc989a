"""The grid that a frame is cut by, and that tiles are laid on."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from realtime.arrays import MOST_PIXELS, Size
from realtime.buffers import Buffer

Blocks = npt.NDArray[np.generic]
"""[rows, columns, P], each item one row of the pixels of a cell."""

MOST_TILES = 1_000_000


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
        The mean of a patch is the mean of its cell, but for pixels left out (see `coarsen`).

        Args:
            picture: [H, W] or [H, W, 3] uint8.
            patch_size: P, pixels along one side of a patch.

        Returns:
            [N, P, P] or [N, P, P, 3] uint8.
        """
        target = (self.columns * patch_size, self.rows * patch_size)
        return self.cells(resize(coarsen(self.crop(picture), target), target))

    def crop(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The largest part of the picture, about its centre, with the grid's aspect; a view."""
        return centre(picture, *self.cropped((picture.shape[1], picture.shape[0])))

    def cropped(self, size: Size) -> Size:
        """What `crop` leaves of a picture of (width, height)."""
        width, height = size
        return (
            min(width, max(1, round(height * self.columns / self.rows))),
            min(height, max(1, round(width * self.rows / self.columns))),
        )

    def cells(
        self, picture: npt.NDArray[np.uint8], chosen: npt.NDArray[np.intp] | None = None
    ) -> npt.NDArray[np.uint8]:
        """Cut a picture of P pixels a cell, row by row from the top left.

        Args:
            picture: [rows * P, columns * P] or the same with 3 channels, uint8.
            chosen: [n] which cells to cut; None: all of them.

        Returns:
            [n, P, P] or [n, P, P, 3] uint8.
        """
        side = len(picture) // self.rows
        if chosen is None or len(chosen) == self.count:
            lines = np.ascontiguousarray(self.blocks(picture)).reshape(self.count, -1)
        else:
            places = _places(self.rows, self.columns, side).take(chosen, axis=0)
            item = _item(picture[0].nbytes // self.columns)
            lines = picture.reshape(-1).view(item).take(places)
        return lines.view(np.uint8).reshape(len(lines), side, side, *picture.shape[2:])

    def blocks(self, picture: npt.NDArray[np.uint8]) -> Blocks:
        """The cells of a contiguous picture of P pixels a cell, without a copy.

        A row of pixels is one item, so that it is moved as a whole, which is quick.
        """
        side = len(picture) // self.rows
        lines = picture.reshape(len(picture), -1)
        line = _item(lines.shape[1] // self.columns)
        blocks: Blocks = lines.view(line).reshape(self.rows, side, self.columns)
        return np.transpose(blocks, (0, 2, 1))

    def join(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Lay tiles side by side, row by row from the top left.

        Args:
            tiles: [N, T, T] or [N, T, T, 3] uint8.

        Returns:
            [height, width] or [height, width, 3] uint8, a new array.
        """
        side = self.tile_size
        mosaic = np.empty((self.rows * side, self.columns * side, *tiles.shape[3:]), np.uint8)
        blocks = self.blocks(mosaic)
        blocks[...] = tiles.reshape(self.count, side, -1).view(blocks.dtype).reshape(blocks.shape)
        return np.ascontiguousarray(self.cut(mosaic))

    def cut(self, mosaic: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Cut the overshoot of whole tiles evenly, down to `size`; a view."""
        return centre(mosaic, *self.size)


def _item(size: int) -> np.dtype[np.generic]:
    """A type of so many bytes: of numbers where there are such, for they are moved quicker."""
    if size in (1, 2, 4, 8):
        return np.dtype(f"u{size}")
    return np.dtype(np.complex128 if size == 16 else (np.void, size))


@functools.lru_cache(maxsize=4)
def _places(rows: int, columns: int, side: int) -> npt.NDArray[np.intp]:
    """Where the rows of pixels of every cell are, counted in such rows, [N, side]."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    places = (row[:, None] * side + np.arange(side)) * columns + column[:, None]
    return np.asarray(places, np.intp)


def centre(picture: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    """The middle of a picture [H, W] or [H, W, 3], so wide and so high; a view."""
    left, top = (picture.shape[1] - width) // 2, (picture.shape[0] - height) // 2
    return picture[top : top + height, left : left + width]


def coarsen(
    picture: npt.NDArray[np.uint8], target: Size, buffers: Sequence[Buffer] = ()
) -> npt.NDArray[np.uint8]:
    """Make a picture smaller by whole ratios, until it is less than twice as large as `target`.

    By two, each pixel is the mean of four. By four, it is the mean of the middle four of sixteen:
    that takes half the time of two steps by two, and cells meet their tones as well, for to round
    twice costs as much as to leave out. What sides have too much is cut evenly from both ends.

    Args:
        picture: [H, W] or [H, W, 3] uint8.
        target: (width, height).
        buffers: for the results, one after the other; those beyond are new arrays.
    """
    for number, ratio in enumerate(ratios((picture.shape[1], picture.shape[0]), target)):
        width, height = picture.shape[1] // ratio, picture.shape[0] // ratio
        out = None
        if number < len(buffers):
            out = buffers[number].take((height, width, *picture.shape[2:]))
        whole = centre(picture, ratio * width, ratio * height)
        method = cv2.INTER_AREA if ratio == 2 else cv2.INTER_LINEAR
        made = cv2.resize(whole, (width, height), dst=out, interpolation=method)
        picture = np.asarray(made, np.uint8)
    return picture


def ratios(size: Size, target: Size) -> list[int]:
    """By how much `coarsen` makes a picture of (width, height) smaller, step by step."""
    (width, height), steps = size, list[int]()
    while (ratio := min(width // target[0], height // target[1])) >= 2:
        steps.append(4 if ratio >= 4 else 2)
        width, height = width // steps[-1], height // steps[-1]
    return steps


def resize(picture: npt.NDArray[np.uint8], target: Size) -> npt.NDArray[np.uint8]:
    """Resize by a ratio of less than 2: every pixel counts, though not all of them alike.

    Averaging by area would be ten times as slow, to meet the means of cells by 0.05 levels closer.

    Args:
        picture: [H, W] or [H, W, 3] uint8.
        target: (width, height).
    """
    if picture.shape[1::-1] == target:
        return picture
    return np.asarray(cv2.resize(picture, target, interpolation=cv2.INTER_LINEAR), np.uint8)


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
