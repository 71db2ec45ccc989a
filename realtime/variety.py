"""Which tile a cell prefers beyond the best fit: a fixed taste, and loyalty to the last choice."""

from __future__ import annotations

import numpy as np

from realtime.arrays import Latents
from realtime.codec import Preference
from realtime.grid import Grid
from realtime.tileset import TileSet

TASTE = 0.04  # scores; breaks ties among kinds that fit alike, at the default variety
WILD_TASTE = 1.5  # scores added to it at variety 1, where taste outweighs nearly every score
STYLE_SPREAD = 0.2  # of the style square, either way, at the default variety and above
LOYALTY = 0.3  # scores that another kind must gain to replace the present one, at stability 1
POLARITY_DITHER = 0.05  # tone by which the border of the polarities is broken up
POLARITY_LOYALTY = 0.04  # tone a cell must move past the border before its polarity changes
_SEED = 2021


class Taste:
    """Fixed for every place of a grid, so a still scene keeps its tiles.

    Kinds are chosen by the greatest of score + Gumbel noise, which draws each kind with the odds
    that its score gives it (the Gumbel-max trick; Gumbel, 1954). Variety 0 leaves the choice to
    fit alone. Up to the default, 0.5, kinds are forgiven that they fit flat cells less well, so
    that structure decides where there is some and taste where there is none. Beyond, taste gains
    on structure too.
    """

    def __init__(self, tile_set: TileSet, grid: Grid) -> None:
        """Draw the noise for a grid; equal grids get equal noise."""
        random = np.random.default_rng([_SEED, grid.columns])
        self._kinds, self._styles = tile_set.kinds, tile_set.styles
        self._noise = random.gumbel(size=(grid.count, tile_set.kinds)).astype(np.float32)
        spread = random.uniform(-1, 1, (grid.count, tile_set.styles + 1)).astype(np.float32)
        self._dither = POLARITY_DITHER * spread[:, -1]
        self._style_offset = STYLE_SPREAD * spread[:, :-1]

    def preference(self, variety: float, stability: float, held: Latents | None) -> Preference:
        """What the regressor is told besides the patches.

        Args:
            variety: 0..1.
            stability: 0..1, how much the last choice is kept.
            held: [N, D] latents on show, or None.

        Returns:
            [N, K + 2] float32.
        """
        wish = np.empty((len(self._noise), self._kinds + 2), np.float32)
        strength = TASTE * min(1, 2 * variety) + WILD_TASTE * max(0, 2 * variety - 1)
        np.multiply(self._noise, np.float32(strength), out=wish[:, :-2])
        wish[:, -2] = min(1, 2 * variety)
        wish[:, -1] = self._dither
        if held is not None and stability > 0:
            kind = (held[:, 0] * self._kinds).astype(np.int64)
            wish[np.arange(len(held)), kind] += LOYALTY * stability
            wish[:, -1] += POLARITY_LOYALTY * stability * np.sign(held[:, -1] - np.float32(0.5))
        return wish

    def vary(self, latents: Latents, variety: float) -> None:
        """Move the styles of [N, D] latents, in place, so that no two neighbours look the same."""
        if variety > 0 and self._styles:
            style = latents[:, 1 : 1 + self._styles]
            style += min(1, 2 * variety) * self._style_offset
            np.abs(style, out=style)  # mirrored at both ends of the range, 0 and 1
            np.subtract(1, np.abs(1 - style), out=style)
