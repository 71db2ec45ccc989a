"""Which tile a cell prefers beyond the best fit: a fixed taste, and loyalty to the last choice."""

from __future__ import annotations

import numpy as np

from realtime.arrays import Latents
from realtime.codec import Numbers, Wish
from realtime.grid import Grid
from realtime.shading import steepness
from realtime.stability import Cells
from realtime.tileset import TileSet

TASTE = 0.05  # scores; breaks ties among kinds that fit alike, at the default variety
WILD_TASTE = 1.5  # scores added to it at variety 1, where taste outweighs nearly every score
STYLE_SPREAD = (0.12, 0.5)  # of the style square, either way, in steep cells and in flat ones
STEEP = 0.15  # slopes together, in latents from level, at which a cell counts as steep
LOYALTY = 0.06  # scores that another kind must gain to replace the present one, at stability 1
POLARITY_DITHER = 0.02  # tone by which the border of the polarities is broken up
POLARITY_LOYALTY = 0.04  # tone a cell must move past the border before its polarity changes
_SEED = 2021


class Taste:
    """Fixed for every place of a grid, so a still scene keeps its tiles.

    Kinds are chosen by the greatest of score + Gumbel noise, which draws each kind with the odds
    that its score gives it (the Gumbel-max trick; Gumbel, 1954). Variety 0 leaves the choice to
    fit alone. Up to the default, 0.5, kinds are forgiven that they fit flat cells less well, so
    that structure decides where there is some and taste where there is none. Beyond, taste gains
    on structure too.

    Attributes:
        noise: [N, K] float32, scores before their strength.
        dither: [N] float32, shifts of the tone that chooses polarity.
        offsets: [S, N] float32, -1..1, of the styles.
    """

    def __init__(self, tile_set: TileSet, grid: Grid) -> None:
        """Draw the noise for a grid; equal grids get equal noise."""
        random = np.random.default_rng([_SEED, grid.columns])
        self._kinds, self._styles, self._slopes = tile_set.kinds, tile_set.styles, tile_set.slopes
        self.noise = random.gumbel(size=(grid.count, tile_set.kinds)).astype(np.float32)
        spread = random.uniform(-1, 1, (grid.count, tile_set.styles + 1)).astype(np.float32)
        self.dither = POLARITY_DITHER * spread[:, -1]
        self.offsets = np.ascontiguousarray(spread[:, :-1].T)
        self._tastes: dict[float, Numbers] = {}

    def wish(
        self,
        cells: Cells,
        held: Latents | None,
        variety: float,
        stability: float,
        shift: float = 0.0,
    ) -> Wish:
        """What the regressor is told besides the patches.

        Args:
            cells: [n] those to encode.
            held: [n, D] latents that they have on show, or None.
            variety: 0..1.
            stability: 0..1, how much the last choice is kept.
            shift: added to the tones before they are compared with one half.
        """
        taste = self._taste(variety).take(cells, axis=0)
        polarity = self.dither.take(cells) + shift
        if held is not None and stability > 0:
            kind = (held[:, 0] * self._kinds).astype(np.intp)
            kind += np.arange(0, taste.size, self._kinds)
            taste.reshape(-1)[kind] += LOYALTY * stability
            polarity += np.copysign(POLARITY_LOYALTY * stability, held[:, -1] - 0.5)
        return Wish(taste, leeway(variety), polarity)

    def _taste(self, variety: float) -> Numbers:
        """The bonus of every kind in every cell, [N, K]; kept until variety changes."""
        if variety not in self._tastes:
            self._tastes = {variety: self.noise * strength(variety)}
        return self._tastes[variety]

    def vary(self, latents: Latents, cells: Cells, variety: float) -> None:
        """Move the styles of these cells' latents [n, D], in place, so that neighbours differ.

        The flatter a cell, the less its style matters to the picture, and the farther it moves.
        """
        if variety <= 0 or not self._styles:
            return
        rows = latents.T
        offset = self.offsets.take(cells, axis=1)
        offset *= self._spread(rows, leeway(variety))
        style = rows[1 : 1 + self._styles]
        style += offset
        np.abs(style, out=style)  # mirrored at both ends of the range, 0 and 1
        np.subtract(1, np.abs(1 - style), out=style)

    def _spread(self, rows: Latents, share: float) -> Numbers:
        """How far the styles of latents [D, n] may move, times `share`, [n]."""
        near, far = (share * end for end in STYLE_SPREAD)
        if self._slopes.start == self._slopes.stop:
            return np.full(rows.shape[1], near, np.float32)
        spread = steepness(rows[self._slopes])
        spread *= (near - far) / STEEP
        spread += far
        return np.asarray(np.maximum(spread, near, out=spread))


def strength(variety: float) -> float:
    """How much the noise counts in scores at a variety of 0..1."""
    return TASTE * leeway(variety) + WILD_TASTE * max(0.0, 2 * variety - 1)


def leeway(variety: float) -> float:
    """How far flat cells may have what fits them less well at a variety of 0..1: 0..1."""
    return min(1.0, 2 * variety)
