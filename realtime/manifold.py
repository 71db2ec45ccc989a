"""The map of a tile set: where its tiles lie in the latent space, drawn as tiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from realtime import drawing
from realtime.arrays import Frame, Latents, Size, Tiles
from realtime.tileset import TileSet

Decode = Callable[[Latents, int], Tiles]
Points = npt.NDArray[np.int64]
"""[N, 2] pixels, x and y."""

LABEL = 20
"""Pixels above a square, for its name."""
_GAP = 10
_TILE = 26
"""Wanted pixels along one side of a tile on the map."""
_TONE = 0.3
"""Strokes of this tone are neither hair nor blot, so that the shape is seen."""
_FAINT = 0.6
"""Share of their brightness that tiles keep, so that points stand out on them."""
_EMPTY_COST = 0.05
_BASELINE = 0.92
"""Where points lie that have no second style: low enough not to hide the tiles."""


@dataclass(frozen=True)
class Place:
    """A point of the map.

    Attributes:
        kind: which square it lies in; 0 where there is but one.
        across: 0..1 from the left of the square, the first style.
        down: 0..1 from its top, the second style.
    """

    kind: int
    across: float
    down: float


class Manifold:
    """A square for every kind of tile; in it, two styles across and down.

    A tile set without kinds has one square, the plane of its first two latents. Where there is but
    one style, points lie near the lower edge.

    Attributes:
        across: squares side by side.
        picture: [H, W, 3] uint8 BGR, the map without any points.
        side: of a square in pixels.
    """

    def __init__(self, card: TileSet, decode: Decode, size: Size) -> None:
        """Draw the map, at most `size` (width, height) in pixels."""
        self._card = card
        self._count = max(1, card.kinds)
        self.across, self.side = _layout(self._count, size)
        self._steps = max(1, round(self.side / _TILE))
        if card.kinds and card.styles < 2 and self._steps < 4:
            # One tile large enough to be told, rather than two of the same in two rows.
            self._steps = 1
        step, down = self.side + _GAP, -(-self._count // self.across)
        self.picture = drawing.panel((_GAP + self.across * step, down * (step + LABEL)))
        self._draw(decode)

    def latents(self, place: Place, tone: float = _TONE) -> Latents:
        """Return [1, D] latents of the tile at a place; further styles are in their middle."""
        return self._latents(
            np.array([place.kind]), np.array([place.across]), np.array([place.down]), tone
        )

    def corner(self, kind: int) -> tuple[int, int]:
        """Return (x, y) of the top left corner of a square."""
        row, column = divmod(kind, self.across)
        step = self.side + _GAP
        return _GAP + column * step, LABEL + row * (step + LABEL)

    def place_at(self, x: int, y: int) -> Place | None:
        """Return the place at a pixel of the picture; None between the squares."""
        for kind in range(self._count):
            left, top = self.corner(kind)
            if left <= x < left + self.side and top <= y < top + self.side:
                return Place(kind, (x - left) / self.side, (y - top) / self.side)
        return None

    def pixel_of(self, place: Place) -> tuple[int, int]:
        """Return (x, y) of a place."""
        left, top = self.corner(place.kind)
        return left + int(place.across * (self.side - 1)), top + int(place.down * (self.side - 1))

    def kinds_of(self, latents: Latents) -> npt.NDArray[np.int64]:
        """Return the kind of each of [N, D] latents, [N]; 0 without kinds."""
        if not self._card.kinds:
            return np.zeros(len(latents), np.int64)
        return np.clip(latents[:, 0] * self._count, 0, self._count - 1).astype(np.int64)

    def place_of(self, latents: Latents) -> Place:
        """Return the place of the first of [N, D] latents."""
        shares = self._styles(latents[:1])[0]
        return Place(int(self.kinds_of(latents[:1])[0]), float(shares[0]), float(shares[1]))

    def points(self, latents: Latents) -> Points:
        """Return the pixels of [N, D] latents."""
        corners = np.array([self.corner(kind) for kind in range(self._count)])
        shares = np.clip(self._styles(latents), 0, 1) * (self.side - 1)
        return np.asarray(corners[self.kinds_of(latents)] + shares.astype(np.int64), np.int64)

    def _styles(self, latents: Latents) -> npt.NDArray[np.float32]:
        """Return the first two styles of latents, [N, 2], or what stands for those lacking."""
        first = 1 if self._card.kinds else 0
        styles = np.empty((len(latents), 2), np.float32)
        styles[:] = 0.5, _BASELINE
        found = latents[:, first : self._card.shape_latents][:, :2]
        styles[:, : found.shape[1]] = found
        return styles

    def _latents(
        self,
        kinds: npt.NDArray[np.int64],
        across: npt.NDArray[np.float64],
        down: npt.NDArray[np.float64],
        tone: float,
    ) -> Latents:
        card = self._card
        latents = np.full((len(kinds), card.latents), 0.5, np.float32)
        first = 0
        if card.kinds:
            latents[:, 0], first = (kinds + 0.5) / card.kinds, 1
        for number, values in enumerate((across, down)[: card.shape_latents - first]):
            latents[:, first + number] = values
        if card.tone:
            low, high = card.tone_range
            latents[:, -2] = min(max(tone, low), high)
            # Dark tiles have light strokes, light ones dark strokes.
            latents[:, -1] = 0.0 if tone < 0.5 else 1.0
        return latents

    def _draw(self, decode: Decode) -> None:
        steps, side = self._steps, self.side
        middle = (np.arange(steps) + 0.5) / steps
        down, across = (grid.ravel() for grid in np.meshgrid(middle, middle, indexing="ij"))
        for kind in range(self._count):
            kinds = np.full(len(across), kind)
            tiles = decode(self._latents(kinds, across, down, _TONE), max(_TILE, side // steps))
            square = _join(tiles, steps)
            faint = cv2.convertScaleAbs(
                cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA), alpha=_FAINT
            )
            x, y = self.corner(kind)
            self.picture[y : y + side, x : x + side] = faint


def mark(picture: Frame, points: Points) -> None:
    """Paint points, each a few pixels large with a dark edge.

    Args:
        picture: [H, W, 3] uint8 BGR, changed.
        points: within it.
    """
    height, width = picture.shape[:2]
    pixels = picture.reshape(-1, 3)
    seen = np.unique(points[:, 1] * width + points[:, 0])
    y, x = np.divmod(seen, width)
    for reach, colour in ((2, drawing.PAPER), (1, drawing.ACCENT)):
        span = np.arange(-reach, reach + 1)
        rows = np.clip(y[:, None, None] + span[None, :, None], 0, height - 1)
        columns = np.clip(x[:, None, None] + span[None, None, :], 0, width - 1)
        pixels[(rows * width + columns).ravel()] = colour


def _layout(count: int, size: Size) -> tuple[int, int]:
    """Return how many squares lie side by side, and their side in pixels."""

    def side(across: int) -> int:
        down = -(-count // across)
        wide = (size[0] - _GAP) // across - _GAP
        return max(8, min(wide, size[1] // down - _GAP - LABEL))

    def worth(across: int) -> float:
        empty = -count % across
        return side(across) * (1 - _EMPTY_COST * empty)

    best = max(range(1, count + 1), key=worth)
    return best, side(best)


def _join(tiles: Tiles, across: int) -> Frame:
    """Lay [N, T, T] or [N, T, T, 3] tiles in rows of `across`; return [h, w, 3] uint8 BGR."""
    side = tiles.shape[1]
    rows = tiles.reshape(-1, across, side, *tiles.shape[2:]).swapaxes(1, 2)
    return drawing.to_bgr(rows.reshape(-1, across * side, *tiles.shape[3:]))
