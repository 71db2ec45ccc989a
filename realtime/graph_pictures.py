"""Pictures made smaller inside an ONNX graph, to the level as `realtime.grid` makes them.

There, pictures are [1, C, H, W] float32, of whole levels 0..255.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from realtime.arrays import Size
from realtime.grid import ratios
from realtime.onnx_graph import GraphBuilder

GREY_SHARES = (3735, 19235, 9798)  # of blue, green, red, in parts of 1 << 15, as OpenCV has them
STEPS = 2048  # parts that OpenCV counts the shares of two neighbours in

Numbers = npt.NDArray[np.float32]


class Pixels(NamedTuple):
    """A picture in a graph: the name of its tensor, and what that measures."""

    tensor: str
    channels: int
    size: Size


def crop(g: GraphBuilder, picture: Pixels, size: Size) -> Pixels:
    """Cut the middle out, as `grid.centre` does."""
    starts = [(whole - kept) // 2 for whole, kept in zip(picture.size, size, strict=True)]
    return _cut(g, picture, (starts[0], starts[1]), size)


def coarsen(g: GraphBuilder, picture: Pixels, target: Size) -> Pixels:
    """Make it smaller by whole ratios, as `grid.coarsen` does."""
    for ratio in ratios(picture.size, target):
        width, height = picture.size[0] // ratio, picture.size[1] // ratio
        whole = crop(g, picture, (ratio * width, ratio * height))
        if ratio == 2:
            picture = Pixels(pool(g, whole.tensor, 2, 2), picture.channels, (width, height))
        else:
            picture = resize(g, whole, (width, height))
    return picture


def pool(g: GraphBuilder, tensor: str, across: int, down: int) -> str:
    """Average blocks of pixels [1, C, H, W], and round as OpenCV does."""
    shape = [down, across]
    means = g.add("AveragePool", tensor, kernel_shape=shape, strides=shape)
    # Halves are rounded up where four pixels become one, elsewhere to the even number.
    return g.add("Floor", g.add("Add", means, 0.5)) if shape == [2, 2] else g.add("Round", means)


def resize(g: GraphBuilder, picture: Pixels, target: Size) -> Pixels:
    """Mix neighbours, as `grid.resize` does; in whole numbers throughout, as OpenCV does."""
    if picture.size == target:
        return picture
    lines = _mixed(g, picture.tensor, 3, picture.size[0], target[0])
    coarse = g.add("Floor", g.add("Mul", g.add("Add", *lines), 1 / 16))
    parts = _mixed(g, coarse, 2, picture.size[1], target[1])
    parts = [g.add("Floor", g.add("Mul", part, 1 / 65536)) for part in parts]
    levels = g.add("Mul", g.add("Add", g.add("Add", *parts), 2.0), 0.25)
    return Pixels(g.add("Floor", levels), picture.channels, target)


def shrink(g: GraphBuilder, picture: Pixels, target: Size) -> Pixels:
    """Average by area, as `grid.shrink` does."""
    (width, height), (columns, rows) = picture.size, target
    if width < columns or height < rows:
        return resize(g, picture, target)
    ratio = min(width // columns, height // rows)
    if ratio > 1 and picture.size != (ratio * columns, ratio * rows):
        inner = (width // ratio * ratio, height // ratio * ratio)
        picture = _cut(g, picture, (0, 0), inner)
        step = (inner[0] // ratio, inner[1] // ratio)
        picture = Pixels(pool(g, picture.tensor, ratio, ratio), picture.channels, step)
    return _averaged(g, picture, target)


def luminance(g: GraphBuilder, picture: Pixels) -> Pixels:
    """How light it is, in one channel, as `reduction.luminance` has it."""
    parts = [
        g.add("Mul", g.cut(picture.tensor, 1, at, at + 1), float(share))
        for at, share in enumerate(GREY_SHARES)
    ]
    total = g.add("Add", g.add("Add", parts[0], parts[1]), parts[2])
    rounded = g.add("Mul", g.add("Add", total, float(1 << 14)), 1 / (1 << 15))
    return Pixels(g.add("Floor", rounded), 1, picture.size)


def _cut(g: GraphBuilder, picture: Pixels, start: Size, size: Size) -> Pixels:
    if picture.size == size:
        return picture
    (left, top), (width, height) = start, size
    lines = g.cut(picture.tensor, 2, top, top + height)
    return Pixels(g.cut(lines, 3, left, left + width), picture.channels, size)


def _averaged(g: GraphBuilder, picture: Pixels, target: Size) -> Pixels:
    (width, height), (columns, rows) = picture.size, target
    if picture.size == target:
        return picture
    if width % columns == 0 and height % rows == 0:
        pooled = pool(g, picture.tensor, width // columns, height // rows)
        return Pixels(pooled, picture.channels, target)
    lines = g.add("MatMul", picture.tensor, _shares(width, columns).T)
    means = g.add("MatMul", _shares(height, rows), lines)
    return Pixels(g.add("Round", means), picture.channels, target)


def _shares(length: int, target: int) -> Numbers:
    """What share each of `length` pixels has in each of `target` larger ones, [target, length]."""
    edges = np.arange(target + 1) * (length / target)
    pixels = np.arange(length)
    low = np.maximum(edges[:-1, None], pixels)
    high = np.minimum(edges[1:, None], pixels + 1)
    return np.asarray(np.maximum(high - low, 0) * (target / length), np.float32)


def _mixed(g: GraphBuilder, tensor: str, axis: int, length: int, target: int) -> list[str]:
    """Both neighbours of each new pixel along an axis, times their shares in `STEPS`."""
    places = (np.arange(target) + 0.5) * (length / target) - 0.5
    # As exact as OpenCV has them, so that shares are rounded alike.
    places = places.astype(np.float32)
    if axis == 3:
        # Beyond the middle of the outermost pixel only that one counts. Downwards it is mixed
        # with itself, which is not the same: what is less than a level is dropped twice.
        places = places.clip(0, length - 1)
    first = np.floor(places).astype(np.int64)
    share = (places - first).astype(np.float32)
    shape = (-1, *(1,) * (3 - axis))
    taken = []
    for chosen, part in ((first, 1 - share), (first + 1, share)):
        inside = g.constant(chosen.clip(0, length - 1), np.int64)
        pixels = g.add("Gather", tensor, inside, axis=axis)
        taken.append(g.add("Mul", pixels, np.rint(STEPS * part).reshape(shape)))
    return taken
